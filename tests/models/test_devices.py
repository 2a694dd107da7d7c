"""Where models run, in which format and why, and how much memory there is."""

from __future__ import annotations

import psutil
import pytest
import torch

from playground import text
from playground.models import devices
from playground.models.devices import Device
from playground.ui.devices import line


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
    ("cpuinfo", "bfloat16", "float16"),
    [
        ("processor : 0\nflags\t\t: fpu avx512_bf16 amx_bf16 avx512_fp16\n", "amx_bf16", "avx512_fp16"),
        ("flags\t\t: fpu avx512f avx512_bf16\n", "avx512_bf16", ""),
        ("flags\t\t: fpu avx512_fp16 amx_fp16\n", "", "amx_fp16"),
        ("Features\t: fp asimd bf16 i8mm\n", "bf16", ""),
        ("Features\t: fp asimd asimdhp\n", "", "asimdhp"),
        ("flags\t\t: fpu avx2 f16c\n", "", ""),  # f16c converts, and multiplies nothing
        ("", "", ""),
    ],
)
def test_what_a_cpu_says_of_16_bits(tmp_path, cpuinfo, bfloat16, float16):
    file = tmp_path / "cpuinfo"
    file.write_text(cpuinfo)
    assert devices.cpu_feature(file, "bfloat16") == bfloat16
    assert devices.cpu_feature(file, "float16") == float16


def test_no_cpuinfo_no_claim(tmp_path):
    assert devices.cpu_feature(tmp_path / "missing", "bfloat16") == ""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with these parts."""
    devices.choose.cache_clear()

    def build(*, cuda: int = 0, mps: bool = False, flags: str = "", onednn: bool = True) -> None:
        (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
        monkeypatch.setattr(devices, "CPUINFO", tmp_path / "cpuinfo")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tester 3000")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (cuda, 0))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: onednn)

    yield build
    devices.choose.cache_clear()


@pytest.mark.parametrize(
    ("parts", "wish", "expected"),
    [
        ({"cuda": 9, "mps": True}, ("auto", "auto"), Device("cuda", "", "stored", "Tester 3000")),
        ({"cuda": 7}, ("auto", "auto"), Device("cuda", "", "stored", "Tester 3000")),
        ({"mps": True}, ("auto", "auto"), Device("mps", "", "stored")),
        ({"flags": "avx512_bf16"}, ("auto", "auto"), Device("cpu", "", "stored_fp32")),
        ({"flags": "avx512_fp16"}, ("auto", "auto"), Device("cpu", "", "stored")),
        ({"flags": "avx2"}, ("auto", "auto"), Device("cpu", "", "stored_fp32")),
        ({"cuda": 9}, ("cpu", "auto"), Device("cpu", "", "stored_fp32")),
        ({}, ("cuda", "auto"), Device("cpu", "", "stored_fp32", missing="cuda")),
        ({"flags": "amx_bf16"}, ("auto", "float16"), Device("cpu", "float16", "owner")),
    ],
)
def test_choice(machine, parts, wish, expected):
    machine(**parts)
    assert devices.choose(*wish) == expected


@pytest.mark.parametrize(
    ("parts", "kind", "stored", "expected"),
    [
        ({"flags": "avx512_bf16 amx_bf16"}, "cpu", "float32", "float32"),  # never fewer bits unasked
        ({"flags": "avx2"}, "cpu", "bfloat16", "bfloat16"),
        ({"flags": "avx2"}, "cpu", "float16", "float32"),
        ({"flags": "avx512_fp16"}, "cpu", "float16", "float16"),
        ({"flags": "avx512_fp16", "onednn": False}, "cpu", "float16", "float32"),
        ({"flags": "avx2"}, "cpu", "float64", "float64"),
        ({"cuda": 7}, "cuda", "float16", "float16"),
        ({"cuda": 7}, "cuda", "bfloat16", "bfloat16"),
        ({"mps": True}, "mps", "float16", "float16"),
    ],
)
def test_what_a_checkpoint_is_computed_in(machine, parts, kind, stored, expected):
    machine(**parts)
    assert devices.computed(stored, kind) == expected


def test_what_multiplies_bfloat16(machine):
    machine(cuda=8)
    assert devices.native("bfloat16", "cuda") == "Tester 3000"
    machine(cuda=7, flags="avx512_bf16")
    assert devices.native("bfloat16", "cuda") == "" and devices.native("bfloat16", "cpu") == "avx512_bf16"
    machine(flags="avx512_bf16", onednn=False)
    assert devices.native("bfloat16", "cpu") == ""


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_footers_line_gives_the_reason(lang):
    told = line(Device("cpu", "", "stored_fp32"), 3 * 2**29, lang)
    assert text.say("devices.as_stored", lang) in told and "float16" in told and "1.5 GiB" in told
    assert "Tester 3000" in line(Device("cuda", "", "stored", "Tester 3000"), 2**30, lang)
    told = line(Device("cpu", "float32", "owner", missing="cuda"), 2**30, lang)
    assert "float32" in told and text.say("devices.owner", lang) in told
    assert text.say("devices.missing", lang, kind=text.say("devices.cuda", lang)) in told
