"""Where models run, in which number format and why, and how much memory there is for them."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

# What bitsandbytes makes of the linear layers → the number format of the rest. 8-bit multiplies in float16
# and casts anything else at every layer; NF4 with bfloat16 is QLoRA's recipe (Dettmers et al. 2023).
QUANTIZATIONS = {"int8": "float16", "nf4": "bfloat16"}
SMALLEST = 0.55  # bytes a parameter that NF4 takes all in all: half a byte, its scales, the embeddings
SHARE = 0.6  # of the machine's memory that models may take unless the owner says otherwise
CUDA_SHARE = 0.85  # of the GPU's free memory; the rest is for KV caches and activations
CGROUP = Path("/sys/fs/cgroup/memory.max")  # a container's own limit (cgroup v2)
CPUINFO = Path("/proc/cpuinfo")
# What a CPU must have to multiply bfloat16 natively, best first. Without it bfloat16 is emulated, and slow.
CPU_BF16 = ("amx_bf16", "avx512_bf16", "bf16")  # the last is Arm's name


@dataclass(frozen=True)
class Device:
    """A place to run models.

    Args:
        kind: ``cuda``, ``mps`` or ``cpu``.
        dtype: ``float32``, ``bfloat16`` or ``float16``, as torch names them.
        reason: why this number format, as a key of ``assets/text/<lang>/devices.json``.
        detail: what the reason's sentence names: the GPU, the CPU's feature.
        missing: the kind that the owner asked for and this machine has not, or "".
    """

    kind: str
    dtype: str
    reason: str
    detail: str = ""
    missing: str = ""


@functools.cache
def choose(kind: str = "auto", dtype: str = "auto") -> Device:
    """The device and number format of this machine; imports torch, so not before the page is up.

    Args:
        kind: the owner's wish, or ``auto``: cuda before mps before cpu. What is not there becomes cpu.
        dtype: the owner's wish, or ``auto``: the fastest that the device computes natively.
    """
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    found = next(name for name in there if there[name]) if kind == "auto" else kind if there[kind] else "cpu"
    missing = kind if kind != "auto" and kind != found else ""
    detail = torch.cuda.get_device_name() if found == "cuda" else ""
    if dtype != "auto":
        return Device(found, dtype, "owner", detail, missing)
    if found == "cuda":
        # Ampere (2020) and newer compute it; older ones only pretend to, many times slower.
        native = torch.cuda.get_device_capability()[0] >= 8
        return Device(
            found, *(("bfloat16", "cuda_bf16") if native else ("float16", "cuda_fp16")), detail, missing
        )
    if found == "mps":
        return Device(found, "float16", "mps_fp16", platform.machine(), missing)
    feature = cpu_bf16(CPUINFO)
    if feature:
        return Device(found, "bfloat16", "cpu_bf16", feature, missing)
    return Device(found, "float32", "cpu_fp32", "", missing)


@functools.cache
def full_threads() -> int:
    """Threads that torch computes with, as it found them: ask before they are lowered for the first time."""
    import torch

    return int(torch.get_num_threads())


def all_threads() -> None:
    """Let this thread compute with all of them.

    The count is each thread's own, and a new thread takes over what was set last anywhere: one that begins
    while another has lowered it (`subjects.experiments.calm`) would have one for good.
    """
    import torch

    torch.set_num_threads(full_threads())


def cpu_bf16(cpuinfo: Path) -> str:
    """The feature by which this CPU multiplies bfloat16 natively, as /proc/cpuinfo names it, or ""."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    told = next(
        (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), []
    )
    return next((feature for feature in CPU_BF16 if feature in told), "")


def total_memory(cgroup: Path = CGROUP) -> int:
    """Bytes of memory that this process may count on: the machine's, or its container's if that is less."""
    machine = int(psutil.virtual_memory().total)
    try:
        return min(machine, int(cgroup.read_text()))
    except (OSError, ValueError):  # not Linux, no container, or "max": no limit
        return machine


def memory_of(kind: str) -> str:
    """Whose memory a device uses: ``cuda`` its own; mps (unified memory) and skeletons the machine's."""
    return "cuda" if kind == "cuda" else "cpu"


def budget(memory_gb: float) -> Callable[[str], int]:
    """How many bytes all loaded models together may take, by the kind of device.

    Args:
        memory_gb: the owner's word, in GiB, for each kind alike; 0 leaves it to us.
    """

    def of(kind: str) -> int:
        if memory_gb:
            return int(memory_gb * 2**30)
        return free_cuda_memory() if kind == "cuda" else int(total_memory() * SHARE)

    return of


@functools.cache
def free_cuda_memory() -> int:
    """Bytes of the GPU that were free before our first model, less a reserve for caches and activations.

    Asked once: later our own models would count against themselves.
    """
    import torch

    free, _ = torch.cuda.mem_get_info()
    return int(free * CUDA_SHARE)
