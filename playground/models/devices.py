"""Where models run, in which number format and why, and how much memory there is for them."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

FORMATS = ("float32", "bfloat16", "float16")  # what may be asked for in place of the checkpoint's own
# What bitsandbytes makes of the linear layers → the number format of the rest. 8-bit multiplies in float16
# and casts anything else at every layer; NF4 with bfloat16 is QLoRA's recipe (Dettmers et al. 2023).
QUANTIZATIONS = {"int8": "float16", "nf4": "bfloat16"}
SMALLEST = 0.55  # bytes a parameter that NF4 takes all in all: half a byte, its scales, the embeddings
SHARE = 0.6  # of the machine's memory that models may take unless the owner says otherwise
CUDA_SHARE = 0.85  # of the GPU's free memory; the rest is for KV caches and activations
CGROUP = Path("/sys/fs/cgroup/memory.max")  # a container's own limit (cgroup v2)
CPUINFO = Path("/proc/cpuinfo")
MOST_WIDE = 10**9  # parameters up to which memory is spent for speed unasked: 4 GB in place of 2
# What a CPU must have to multiply numbers of 16 bits natively, best first (the last of each is Arm's name).
# Without it torch emulates them: on a CPU with AVX2 alone a prompt of 256 tokens takes four times as long as
# in float32, and a single token with two threads up to ten times (torch 2.13).
CPU_NATIVE = {
    "bfloat16": ("amx_bf16", "avx512_bf16", "bf16"),
    "float16": ("amx_fp16", "avx512_fp16", "asimdhp"),
}


@dataclass(frozen=True)
class Device:
    """A place to run models.

    Args:
        kind: ``cuda``, ``mps`` or ``cpu``.
        dtype: the owner's word for language models, as torch names it; "" where there is none: each model
            is then computed as its checkpoint says (see `computed`).
        reason: why, as a key of ``assets/text/<lang>/devices.json``.
        detail: what the reason's sentence names: the GPU.
        missing: the kind that the owner asked for and this machine has not, or "".
    """

    kind: str
    dtype: str
    reason: str
    detail: str = ""
    missing: str = ""


@functools.cache
def choose(kind: str = "auto", dtype: str = "auto") -> Device:
    """The device of this machine; imports torch, so not before the page is up.

    Args:
        kind: the owner's wish, or ``auto``: cuda before mps before cpu. What is not there becomes cpu.
        dtype: the owner's wish for language models, or ``auto``: what each checkpoint says.
    """
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    found = next(name for name in there if there[name]) if kind == "auto" else kind if there[kind] else "cpu"
    missing = kind if kind != "auto" and kind != found else ""
    detail = torch.cuda.get_device_name() if found == "cuda" else ""
    if dtype != "auto":
        return Device(found, dtype, "owner", detail, missing)
    reason = "stored" if computed("float16", found) == "float16" else "stored_fp32"
    return Device(found, "", reason, detail, missing)


def computed(stored: str, kind: str) -> str:
    """The number format that a checkpoint is computed in where nobody chose another one: its own.

    But float16 becomes float32 on a CPU that cannot multiply it: float32 holds every number of it exactly,
    and is several times faster there. (bfloat16 stays as it is, as transformers' ``dtype="auto"`` has it.)

    Args:
        stored: what the checkpoint says (`playground.models.loaders.formats`).
        kind: of the device.
    """
    return "float32" if (stored, kind) == ("float16", "cpu") and not native("float16", kind) else stored


def unpacked(numbers: int, kind: str) -> str:
    """The number format that a quantized file's weights are computed in once they are unpacked.

    The checkpoint says none: its numbers are made of a few bits and a scale. So bfloat16, half the bytes, but
    up to `MOST_WIDE` numbers float32 on a CPU that only emulates bfloat16.

    Args:
        numbers: parameters of the model.
    """
    return "float32" if kind == "cpu" and numbers <= MOST_WIDE and not native("bfloat16") else "bfloat16"


def native(dtype: str, kind: str = "cpu") -> str:
    """What in this device multiplies a format of 16 bits natively: the GPU, a CPU's feature; "" if nothing.

    Args:
        dtype: ``bfloat16`` or ``float16``.
    """
    import torch

    if kind == "cuda":
        # Ampere (2020) and newer multiply bfloat16; older ones only pretend to, many times slower.
        able = dtype == "float16" or torch.cuda.get_device_capability()[0] >= 8
        return str(torch.cuda.get_device_name()) if able else ""
    if kind == "mps":
        return platform.machine() if dtype == "float16" else ""
    # torch hands such products to oneDNN; a build without it emulates them, whatever the CPU has.
    return cpu_feature(CPUINFO, dtype) if torch.backends.mkldnn.is_available() else ""


@functools.cache
def full_threads() -> int:
    """Threads that torch computes with, as it found them: ask before they are lowered for the first time."""
    import torch

    return int(torch.get_num_threads())


def all_threads() -> None:
    """Let this thread compute with all of them.

    The count is each thread's own, and a new thread takes over what was set last anywhere: one that begins
    while another has lowered it (`calm` of the experiments) would have one for good.
    """
    import torch

    torch.set_num_threads(full_threads())


def cpu_feature(cpuinfo: Path, dtype: str) -> str:
    """The feature by which this CPU multiplies a format natively, as /proc/cpuinfo names it, or ""."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    told = next(
        (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), []
    )
    return next((feature for feature in CPU_NATIVE[dtype] if feature in told), "")


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
