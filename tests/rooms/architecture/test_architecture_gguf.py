"""Architecture of a GGUF file, from its header alone: counts, number formats, every tensor, metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground import text
from playground.errors import CannotLoad
from playground.models.gguf import header
from playground.rooms.architecture import view_gguf
from playground.rooms.architecture.service import ArchitectureService
from playground.settings import read
from playground.ui.context import Context
from tests.models import gguf_files


@pytest.fixture(scope="module")
def do(tmp_path_factory: pytest.TempPathFactory) -> ArchitectureService:
    folder = tmp_path_factory.mktemp("architecture")
    (folder / "models").mkdir()
    model = gguf_files.llama(folder / "models" / "tiny.gguf", kind="Q8_0")
    gguf_files.llama(folder / "models" / "odd.gguf", architecture="oddity")
    whole = (folder / "models" / "tiny.gguf").read_bytes()
    (folder / "models" / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    made = ArchitectureService(
        Context.of(
            read(["--offline", "--models-dir", f"{folder}/models", "--cache-dir", f"{folder}/cache"], {})
        )
    )
    made.parameters = sum(parameter.numel() for parameter in model.parameters())  # type: ignore[attr-defined]
    return made


def test_it_is_counted_like_the_model_that_it_was_made_of(do: ArchitectureService) -> None:
    plan, notes = do.plan("tiny.gguf")
    assert plan.kind == "LlamaForCausalLM" and plan.parameters == do.parameters  # type: ignore[attr-defined]
    assert plan.shape.layers == 2 and plan.shape.kv_heads == 2 and plan.tied
    assert any("Q8_0" in each for each in notes) and any(f"{plan.parameters:,}" in each for each in notes)
    assert ("tiny.gguf", "tiny.gguf") in do.choices() and "tiny.gguf" in do.living()
    assert do.changed(plan, {"num_hidden_layers": 3}).parameters > plan.parameters
    assert do.tokens(plan, "Once upon a time")[1] == "tiny.gguf"  # its own tokenizer


def test_number_formats_and_every_tensor_are_shown(do: ArchitectureService) -> None:
    plan, _ = do.plan("tiny.gguf")
    read = do.file(plan)
    assert read is not None
    shown, raw = do.memory(plan, 2048, 1), do.raw(plan)
    assert "Q8_0" in shown and "F32" in shown and "8.5" in shown
    assert all(each.name in raw for each in read.tensors)
    assert "tokenizer.ggml.tokens" in raw and "[384]" in raw and "&lt;|assistant|&gt;" in raw
    assert text.say("architecture_gguf.meta_block_count", "en") in raw


def test_programs_get_the_same(do: ArchitectureService) -> None:
    read = do.file(do.plan("tiny.gguf")[0])
    assert read is not None
    told = view_gguf.plain(read)
    assert sum(kind["bytes"] for kind in told["kinds"].values()) == sum(each.bytes for each in read.tensors)
    assert sum(kind["parameters"] for kind in told["kinds"].values()) == read.parameters
    assert told["kinds"]["Q8_0"]["bits"] == 8.5 and len(told["tensors"]) == len(read.tensors)
    assert told["metadata"]["llama.block_count"] == 2
    assert told["metadata"]["tokenizer.ggml.tokens"]["count"] == 384


def test_of_an_unknown_architecture_the_tensors_are_the_tree(do: ArchitectureService) -> None:
    plan, notes = do.plan("odd.gguf")
    assert plan.kind == "" and plan.parameters == do.parameters  # type: ignore[attr-defined]
    assert any("oddity" in each for each in notes)
    assert "blk.0.attn_q.weight" in do.raw(plan) and "Q8_0" in do.memory(plan, 2048, 1)


def test_a_file_that_is_cut_is_a_sentence(do: ArchitectureService) -> None:
    with pytest.raises(CannotLoad) as told:
        do.plan("cut.gguf")
    assert told.value.key == "errors.gguf_cut"


def test_what_is_no_gguf_file_has_no_header(do: ArchitectureService) -> None:
    assert do.file(do.plan("openai-community/gpt2")[0]) is None


def test_what_a_file_says_is_shown_as_text_only(tmp_path: Path) -> None:
    path = tmp_path / "evil.gguf"
    gguf_files.llama(path)
    raw = path.read_bytes().replace(b"tiny", b"<b>x")
    path.write_bytes(raw)
    shown = view_gguf.metadata(header.read(path), "en")
    assert "<b>x" not in shown and "&lt;b&gt;x" in shown
