"""Where models run, in which format and why, and how much memory there is."""

from __future__ import annotations

import psutil
import pytest
import torch

from playground import devices, text
from playground.devices import Device
from playground.views.devices import line


@pytest.mark.parametrize(("limit", "expected"), [("1000", 1000), ("max", None), ("9" * 30, None), ("", None)])
def test_a_containers_limit_counts_where_it_is_less(tmp_path, limit, expected):
    cgroup = tmp_path / "memory.max"
    cgroup.write_text(limit)
    assert devices.total_memory(cgroup) == (expected or psutil.virtual_memory().total)


def test_no_container_no_limit(tmp_path):
    assert devices.total_memory(tmp_path / "missing") == psutil.virtual_memory().total


def test_the_owners_word_wins():
    assert devices.budget(1.5)("cpu") == 1.5 * 2**30
    assert 0 < devices.budget(0)("cpu") < psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("cpuinfo", "feature"),
    [
        ("processor : 0\nflags\t\t: fpu sse avx512f avx512_bf16 amx_bf16\n", "amx_bf16"),
        ("flags\t\t: fpu avx512f avx512_bf16\n", "avx512_bf16"),
        ("Features\t: fp asimd bf16 i8mm\n", "bf16"),
        ("flags\t\t: fpu avx2\n", ""),
        ("", ""),
    ],
)
def test_what_a_cpu_says_of_bfloat16(tmp_path, cpuinfo, feature):
    file = tmp_path / "cpuinfo"
    file.write_text(cpuinfo)
    assert devices.cpu_bf16(file) == feature


def test_no_cpuinfo_no_claim(tmp_path):
    assert devices.cpu_bf16(tmp_path / "missing") == ""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with these parts."""
    devices.choose.cache_clear()

    def build(*, cuda: int = 0, mps: bool = False, flags: str = "") -> None:
        (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
        monkeypatch.setattr(devices, "CPUINFO", tmp_path / "cpuinfo")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tester 3000")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (cuda, 0))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    yield build
    devices.choose.cache_clear()


@pytest.mark.parametrize(
    ("parts", "wish", "expected"),
    [
        ({"cuda": 9, "mps": True}, ("auto", "auto"), Device("cuda", "bfloat16", "cuda_bf16", "Tester 3000")),
        ({"cuda": 7}, ("auto", "auto"), Device("cuda", "float16", "cuda_fp16", "Tester 3000")),
        ({"flags": "avx512_bf16"}, ("auto", "auto"), Device("cpu", "bfloat16", "cpu_bf16", "avx512_bf16")),
        ({"flags": "avx2"}, ("auto", "auto"), Device("cpu", "float32", "cpu_fp32")),
        ({"cuda": 9}, ("cpu", "auto"), Device("cpu", "float32", "cpu_fp32")),
        ({}, ("cuda", "auto"), Device("cpu", "float32", "cpu_fp32", missing="cuda")),
        ({"flags": "amx_bf16"}, ("auto", "float16"), Device("cpu", "float16", "owner")),
    ],
)
def test_choice(machine, parts, wish, expected):
    machine(**parts)
    assert devices.choose(*wish) == expected


def test_an_apple_gpu_goes_before_the_cpu(machine):
    machine(mps=True)
    found = devices.choose()
    assert (found.kind, found.dtype, found.reason) == ("mps", "float16", "mps_fp16")


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_footers_line_gives_the_reason(lang):
    told = line(Device("cpu", "bfloat16", "cpu_bf16", "avx512_bf16"), 3 * 2**29, lang)
    assert "bfloat16" in told and "AVX512-BF16" in told and "1.5 GiB" in told
    told = line(Device("cpu", "float32", "owner", missing="cuda"), 2**30, lang)
    assert text.say("devices.missing", lang, kind=text.say("devices.cuda", lang)) in told
