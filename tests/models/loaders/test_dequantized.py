"""GGUF files become folders once: the model's own answers, whole or not there, and made anew when damaged."""

from __future__ import annotations

import os
import shutil
import time

import pytest
import torch
import transformers

from playground.errors import BadInput, CannotLoad
from playground.models.gguf_folders import FOLDER
from playground.models.loaders import dequantized
from playground.system import cancellation, disk
from tests.models import gguf_files

TEXT = "Once upon a time 12 girls"


@pytest.fixture(autouse=True)
def here(monkeypatch, request):
    """In this process, which takes no second; tests of `apart` say so."""
    if "apart" not in request.node.name:
        monkeypatch.setattr(dequantized, "apart", dequantized.convert)


@pytest.fixture
def file(tmp_path):
    gguf_files.llama(tmp_path / "tiny.gguf")
    return tmp_path / "tiny.gguf"


def logits(model, ids):
    with torch.inference_mode():
        return model(input_ids=ids).logits[0].float()


def test_the_folder_answers_as_the_model_it_was_made_of(tmp_path):
    original = gguf_files.llama(tmp_path / "tiny.gguf", kind="F32")
    folder = dequantized.converted("tiny", tmp_path / "tiny.gguf", tmp_path / "cache")
    loaded, found = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert loaded.dtype == torch.bfloat16 and not found["missing_keys"] and not found["unexpected_keys"]
    assert loaded.config.architectures == ["LlamaForCausalLM"]
    assert loaded.lm_head.weight.data_ptr() == loaded.model.embed_tokens.weight.data_ptr()
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    assert ids.tolist() == gguf_files.saved.tokenizer()(TEXT, return_tensors="pt")["input_ids"].tolist()
    for parameter in original.parameters():
        parameter.data = parameter.data.to(torch.bfloat16).float()
    assert torch.equal(logits(loaded.float(), ids), logits(original, ids))
    assert tokenizer.chat_template == gguf_files.saved.TEMPLATE and tokenizer.eos_token == "</s>"


def test_quantized_tensors_are_what_gguf_itself_makes_of_them(file, tmp_path):
    import gguf

    folder = dequantized.converted("tiny", file, tmp_path / "cache")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(folder)
    (tensor,) = [each for each in gguf.GGUFReader(file).tensors if each.name == "blk.1.ffn_down.weight"]
    values = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type)).to(torch.bfloat16)
    assert torch.equal(loaded.model.layers[1].mlp.down_proj.weight, values)


def test_it_is_converted_once_and_the_tensors_are_counted(file, tmp_path, monkeypatch):
    stages = []
    folder = dequantized.converted("tiny", file, tmp_path / "cache", stages.append)
    counted = [(stage.done, stage.total) for stage in stages if stage.step == "convert" and stage.total]
    assert counted == [(done, 20) for done in range(20)]
    monkeypatch.setattr(dequantized, "apart", lambda *_: pytest.fail("converted again"))
    assert dequantized.converted("tiny", file, tmp_path / "cache") == folder


@pytest.mark.parametrize("harm", ["byte", "cut", "gone", "list"])
def test_a_damaged_folder_is_made_anew(file, tmp_path, harm):
    folder = dequantized.converted("tiny", file, tmp_path / "cache")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    if harm == "byte":
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif harm == "cut":
        weights.write_bytes(whole[:-9])
    elif harm == "gone":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / dequantized.MADE).write_text("{", encoding="utf-8")
    assert not dequantized.sound(folder)
    assert dequantized.converted("tiny", file, tmp_path / "cache") == folder
    assert weights.read_bytes() == whole and dequantized.sound(folder)


def test_another_file_of_that_name_takes_the_place_of_the_older(file, tmp_path):
    before = dequantized.converted("tiny", file, tmp_path / "cache")
    gguf_files.llama(file, seed=1)
    after = dequantized.converted("tiny", file, tmp_path / "cache")
    assert after != before and after.is_dir() and not before.exists()


def test_who_leaves_leaves_nothing_and_a_killed_conversion_is_swept(file, tmp_path):
    def leave(stage):
        if stage.done == 5:
            raise cancellation.Abandoned

    with pytest.raises(cancellation.Abandoned):
        dequantized.converted("tiny", file, tmp_path / "cache", leave)
    assert not disk.listed(tmp_path / "cache" / FOLDER)
    left = tmp_path / "cache" / FOLDER / f"{disk.ARRIVING}elsewhere-1-00"
    left.mkdir(parents=True)
    os.utime(left, (time.time() - 2 * disk.ABANDONED,) * 2)
    disk.sweep_all(tmp_path / "cache")
    assert not left.exists()


def test_files_that_are_cut_or_none_get_a_sentence(file, tmp_path):
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:100], whole[:4], b"no gguf file", b""):
        file.write_bytes(content)
        with pytest.raises(CannotLoad) as told:
            dequantized.converted("tiny", file, tmp_path / "cache")
        assert told.value.key == "errors.gguf_broken" and told.value.values == {"name": "tiny"}
    assert not disk.listed(tmp_path / "cache" / FOLDER)


def test_an_unknown_architecture_and_impossible_sizes_get_a_sentence(tmp_path):
    gguf_files.llama(tmp_path / "odd.gguf", architecture="odd")
    with pytest.raises(CannotLoad) as told:
        dequantized.converted("odd", tmp_path / "odd.gguf", tmp_path / "cache")
    assert told.value.key == "errors.gguf_architecture" and told.value.values["kind"] == "odd"
    gguf_files.llama(tmp_path / "deep.gguf", blocks=2**31)
    with pytest.raises(BadInput) as told:
        dequantized.converted("deep", tmp_path / "deep.gguf", tmp_path / "cache")
    assert told.value.key == "errors.config_size_large"


def test_a_file_that_names_more_layers_than_it_has_is_refused(tmp_path):
    gguf_files.llama(tmp_path / "lying.gguf", blocks=3)
    with pytest.raises(CannotLoad) as told:
        dequantized.converted("lying", tmp_path / "lying.gguf", tmp_path / "cache")
    assert told.value.key == "errors.gguf_broken"


def test_a_full_disk_is_told_and_leaves_nothing(file, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=dequantized.SPARE)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with pytest.raises(CannotLoad) as told:
        dequantized.converted("tiny", file, tmp_path / "cache")
    assert told.value.key == "errors.cache_full"
    assert not disk.listed(tmp_path / "cache" / FOLDER)


def test_smollm_cuts_every_digit_off_as_its_makers_do(tmp_path):
    for pre, pieces in (
        ("smollm", ["Ġ", "1", "2", "Ġ", "Ġ", "3"]),
        ("gpt-2", ["Ġ", "1", "2", "Ġ", "Ġ", "3"]),
    ):
        gguf_files.llama(tmp_path / f"{pre}.gguf", pre=pre)
        folder = dequantized.converted(pre, tmp_path / f"{pre}.gguf", tmp_path / "cache")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        cut = [piece for piece, _ in tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(" 12  3")]
        assert cut == (["Ġ", "1", "2", "ĠĠ", "3"] if pre == "smollm" else ["Ġ12", "Ġ", "Ġ3"])
        assert tokenizer.tokenize(" 12  3") == pieces


def test_apart_it_tells_as_much_and_makes_the_same(file, tmp_path):
    stages = []
    folder = dequantized.converted("tiny", file, tmp_path / "cache", stages.append)
    assert dequantized.sound(folder)
    assert {stage.done for stage in stages if stage.total == 20} and stages[-1].name == "tiny"
    weights = (folder / "model.safetensors").read_bytes()
    shutil.rmtree(folder)
    dequantized.convert("tiny", file, folder, lambda stage: None)
    assert (folder / "model.safetensors").read_bytes() == weights


def test_apart_who_leaves_ends_it_at_once_and_leaves_nothing(file, tmp_path):
    began = time.monotonic()

    def leave(stage):
        if time.monotonic() - began > 0.5:
            raise cancellation.Abandoned

    with pytest.raises(cancellation.Abandoned):
        dequantized.converted("tiny", file, tmp_path / "cache", leave)
    assert time.monotonic() - began < 2.5
    assert not disk.listed(tmp_path / "cache" / FOLDER)


def test_apart_a_broken_file_is_told_the_same(file, tmp_path):
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(CannotLoad) as told:
        dequantized.converted("tiny", file, tmp_path / "cache")
    assert told.value.key == "errors.gguf_broken" and told.value.values == {"name": "tiny"}
