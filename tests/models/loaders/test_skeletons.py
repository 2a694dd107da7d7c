"""Skeletons from anybody's config: bounded, without its code, without a byte of weights."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
import torch

from playground.errors import BadInput, CannotLoad, Gated, HubUnreachable, PlaygroundError, UnknownModel
from playground.models.catalog import Catalog, ModelCard
from playground.models.loaders import causal, presets, skeletons
from tests.models import saved
from tests.models.hub.test_hub_loading import home, server  # noqa: F401

LLAMA = presets.presets()["TinyLlama/TinyLlama-1.1B-Chat-v1.0"].config
HUB = {"offline": False, "anonymous": True}


def count(model) -> int:
    return sum(p.numel() for p in model.parameters())


def refused(config) -> PlaygroundError:
    with pytest.raises(PlaygroundError) as caught:
        skeletons.build(config)
    return caught.value


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("", "config_empty"), ("  \n", "config_empty"), (None, "config_empty"), (7, "config_empty"),
        ("not json", "config_not_json"), ('{"a": 1', "config_not_json"), ("[1, 2]", "config_no_object"),
        ('"text"', "config_no_object"), ("5", "config_no_object"), ("NaN", "config_no_object"),
        ("[" * 100_000, "config_too_large"), ("x" * 50 * 2**20, "config_too_long"),
        ("<script>alert(1)</script>", "config_not_json"), ("你好 👍", "config_not_json"),
    ],
)  # fmt: skip
def test_what_is_no_config_is_told_at_once(given, key):
    began = time.monotonic()
    with pytest.raises(BadInput) as caught:
        skeletons.parse(given)
    assert caught.value.key == f"errors.{key}"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"num_hidden_layers": 10**9}, "config_size_large"), ({"num_hidden_layers": -1}, "config_size"),
        ({"num_hidden_layers": 2.5}, "config_size"), ({"num_hidden_layers": "22"}, "config_size"),
        ({"num_hidden_layers": True}, "config_size"), ({"hidden_size": 0}, "config_size"),
        ({"vocab_size": 10**12}, "config_size_large"), ({"num_labels": 10**9}, "config_size_large"),
        ({"hidden_size": [1, 2]}, "config_refused"), ({"model_type": None}, "config_no_type"),
        ({"model_type": ["llama"]}, "config_no_type"), ({"model_type": "my-own"}, "unknown_architecture"),
        ({"hidden_act": "nope"}, "config_refused"), ({"num_attention_heads": 7}, "config_refused"),
        ({"rope_scaling": {"rope_type": "nope"}}, "config_refused"), ({"n": [0] * 10**5}, "config_too_large"),
        ({"backbone": "resnet50"}, "own_code"), ({"model_type": "timm_wrapper"}, "own_code"),
    ],
)  # fmt: skip
def test_a_hostile_config_is_refused_at_once(change, key):
    skeletons.build({**LLAMA, "num_hidden_layers": 1})  # what is imported for it is not what it takes
    tracemalloc.start()
    began = time.monotonic()
    error = refused({**LLAMA, **change})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.key == f"errors.{key}", error
    assert peak < 50 * 2**20 and time.monotonic() - began < 30


def test_sizes_are_checked_wherever_they_stand():
    deep: dict = {}
    for _ in range(50):
        deep = {"text_config": deep}
    assert refused({**LLAMA, **deep}).key == "errors.config_too_large"
    nested = {"model_type": "gemma3", "text_config": {"num_hidden_layers": 10**9}}
    assert refused(nested).key == "errors.config_size_large"


def test_more_modules_than_any_model_has_end_the_build():
    limit, skeletons.MODULES = skeletons.MODULES, 100
    try:
        assert refused(LLAMA).key == "errors.config_too_many_modules"
    finally:
        skeletons.MODULES = limit
    assert count(skeletons.build(LLAMA)) == 1_100_048_384, "the limit is left behind"


def test_what_is_missing_has_the_architectures_defaults():
    assert count(skeletons.build({"model_type": "llama"})) == 6_738_415_616  # Llama 2 7B's
    assert count(skeletons.build({"model_type": "gpt2"})) == 124_439_808
    assert type(skeletons.build({"model_type": "bert"})).__name__ == "BertModel"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("BertModel", 109_482_240), ("BertForMaskedLM", 109_514_298), ("BertForPreTraining", 110_106_428),
     ("BertLMHeadModel", 109_514_298)],
)  # fmt: skip
def test_the_class_that_the_config_names_is_the_class_that_is_counted(name, parameters):
    model = skeletons.build({"model_type": "bert", "architectures": [name]})
    assert type(model).__name__ == name and count(model) == parameters
    tiny = {"model_type": "distilbert", "architectures": ["DistilBertForMaskedLM"], "n_layers": 1}
    assert type(skeletons.build(tiny)).__name__ == "DistilBertForMaskedLM"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"model_type": "dbrx"}, "rope_theta"), ({"model_type": "esm"}, "vocab_size"),
        ({"model_type": "hunyuan_v1_dense"}, "head_dim"), ({"model_type": "dots1"}, "n_routed_experts"),
        ({"model_type": "nemotron"}, "num_key_value_heads"), ({"model_type": "lfm2_moe"}, "layer_types"),
    ],
)  # fmt: skip
def test_defaults_that_make_no_model_say_what_is_missing(config, field):
    error = refused(config)
    assert error.key == "errors.config_incomplete", error
    assert (error.values["field"], error.values["kind"]) == (field, config["model_type"])


def test_what_lies_outside_of_transformers_is_named():
    error = refused({"model_type": "dinat"})
    assert (error.key, error.values["package"]) == ("errors.config_package", "natten")
    for kind in ("colpali", "superpoint", "musicgen_decoder"):  # parts, or classes that must be named
        assert refused({"model_type": kind}).key == "errors.config_no_class"


def test_what_goes_wrong_while_a_plan_is_read_is_told_as_well():
    with pytest.raises(BadInput) as caught, skeletons.refusals("mine", "own"):
        raise ZeroDivisionError("nothing to divide by")
    assert caught.value.key == "errors.config_refused"
    assert caught.value.values == {"name": "mine", "reason": "nothing to divide by"}


def test_no_hook_of_the_process_is_touched():
    """Skeletons in several threads, beside models that are made elsewhere: none sees the others' limits."""
    from torch.nn.modules import module

    before, failures = dict(module._global_module_registration_hooks), []
    seen, stop = set(), threading.Event()

    def elsewhere():
        try:
            while not stop.is_set():
                torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(20)))
                seen.add(len(module._global_module_registration_hooks))
        except Exception as error:
            failures.append(error)

    def builds(layers):
        try:
            for _ in range(4):
                skeletons.build({**LLAMA, "num_hidden_layers": layers})
        except BaseException as error:
            failures.append(error)

    watcher = threading.Thread(target=elsewhere)
    builders = [threading.Thread(target=builds, args=(layers,)) for layers in (1, 2, 3)]
    watcher.start()
    for thread in builders:
        thread.start()
    for thread in builders:
        thread.join()
    stop.set()
    watcher.join()
    assert not failures and seen == {len(before)}
    assert dict(module._global_module_registration_hooks) == before


def test_of_a_model_of_text_and_pictures_the_part_of_text_is_built():
    """Where the config names no class, as its language model alone: which reads only a part of the config."""
    model = skeletons.build({"model_type": "llama4", "text_config": {"num_hidden_layers": 2}})
    assert type(model).__name__ == "Llama4ForCausalLM" and model.config.num_hidden_layers == 2


@pytest.mark.parametrize(
    "architectures",
    [["../../etc"], ["os"], [5], ["AutoModel"], ["LlamaConfig"], ["GPT2Model"], "LlamaForCausalLM", {}, None],
)
def test_a_class_that_does_not_fit_is_not_taken(architectures):
    model = skeletons.build({**LLAMA, "architectures": architectures, "num_hidden_layers": 1})
    assert type(model).__name__.startswith("Llama")


def test_code_of_a_repository_is_never_run(tmp_path, monkeypatch):
    (tmp_path / "modeling_own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    config = {
        **LLAMA, "auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}, "trust_remote_code": True,
        "_attn_implementation": "kernels-community/flash-attn", "attn_implementation": "nope",
    }  # fmt: skip
    assert count(skeletons.build(config)) == 1_100_048_384
    assert refused({**config, "model_type": "own"}).key == "errors.unknown_architecture"
    assert not (tmp_path / "ran").exists()


def test_nothing_is_allocated_and_no_default_is_touched(tmp_path):
    """Not torch's default number format, either: other threads compute with it meanwhile."""
    seen, stop = set(), threading.Event()

    def watch():
        while not stop.is_set():
            seen.add(torch.get_default_dtype())
            assert torch.zeros(1).device.type == "cpu"

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for name in ("meta-llama/Llama-3.1-405B", "google/gemma-2-27b-it", "EleutherAI/gpt-j-6b"):
            model = skeletons.build(presets.presets()[name].config)
            tensors = [*model.parameters(), *model.buffers()]
            assert {t.device.type for t in tensors} == {"meta"}
            assert {p.dtype for p in model.parameters()} == {torch.float16}
            (tmp_path / "config.json").write_text(json.dumps(presets.presets()[name].config))
            card = ModelCard("x", "folder", str(tmp_path))
            # What the cache builds before it loads anything: to foretell its bytes.
            assert {p.dtype for p in causal.skeleton(card, tmp_path, "bfloat16").parameters()} == {
                torch.bfloat16
            }
    finally:
        stop.set()
        thread.join()
    assert seen == {torch.float32} == {torch.zeros(1).dtype}


def test_the_skeleton_is_the_one_that_transformers_builds():
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        theirs = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in LLAMA.items() if k != "torch_dtype"}))
    ours = skeletons.build(LLAMA)
    shapes = {name: p.shape for name, p in theirs.named_parameters()}
    assert {name: p.shape for name, p in ours.named_parameters()} == shapes
    assert str(ours) == str(theirs)


def test_flan_t5_has_a_head_of_its_own_and_t5_has_not():
    """transformers 5 ties both; the files of Flan-T5 hold two matrices."""
    own = skeletons.build(presets.presets()["google/flan-t5-small"].config)
    assert own.lm_head.weight is not own.shared.weight
    tied = skeletons.build(presets.presets()["google-t5/t5-small"].config)
    assert tied.lm_head.weight is tied.shared.weight


def test_built_for_real_it_answers():
    config = {**LLAMA, "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "vocab_size": 50}
    model = skeletons.real({**config, "norm": "layernorm"})
    kinds = {type(module).__name__ for module in model.modules()}
    assert "LayerNorm" in kinds and "LlamaRMSNorm" not in kinds
    logits = model(torch.arange(5)[None]).logits
    assert logits.shape == (1, 5, 50) and logits.dtype == torch.float32 and torch.isfinite(logits).all()


# ---- where configs come from ----


def card(name: str) -> ModelCard:
    return Catalog(Path("no models"), Path("no uploads")).find(name)


def test_of_a_hub_model_only_kilobytes_are_fetched(server, tmp_path):  # noqa: F811
    folder = saved.save(tmp_path / "tiny")
    files = {f.name: f.read_bytes() for f in folder.iterdir()}
    server.add("some/model", files, large=["*.safetensors"])
    config = skeletons.config_of(card("some/model"), **HUB)
    assert config["model_type"] == "llama"
    asked = [request.path for request in server.requests if "/resolve/" in request.path]
    assert asked and all("config.json" in path for path in asked)
    tensors = skeletons.tensors_of(card("some/model"), **HUB)
    assert sum(torch.Size(shape).numel() for _, shape in tensors.values()) == count(saved.model("Llama"))


def test_who_is_not_on_the_hub_is_told(server):  # noqa: F811
    with pytest.raises(UnknownModel):
        skeletons.config_of(card("nobody/nothing"), **HUB)
    server.add("some/bare", {"README.md": b"nothing"})
    with pytest.raises(CannotLoad) as caught:
        skeletons.config_of(card("some/bare"), **HUB)
    assert caught.value.key == "errors.no_config"
    server.add("some/locked", {"config.json": b"{}"}, gated="manual")
    with pytest.raises(Gated):
        skeletons.config_of(card("some/locked"), **HUB)
    with pytest.raises(HubUnreachable):
        skeletons.config_of(card("nobody/offline"), offline=True, anonymous=True)


def test_a_folder_and_its_headers(tmp_path):
    folder = saved.save(tmp_path / "models" / "mine")
    mine = ModelCard("mine", "folder", str(folder), frozenset({"skeleton"}))
    assert skeletons.config_of(mine, **HUB)["hidden_size"] == 64
    tensors = skeletons.tensors_of(mine, **HUB)
    assert sum(torch.Size(shape).numel() for _, shape in tensors.values()) == count(saved.model("Llama"))
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(CannotLoad):
        skeletons.tensors_of(mine, **HUB)
    (folder / "config.json").write_text("{broken")
    with pytest.raises(CannotLoad):
        skeletons.config_of(mine, **HUB)
    (folder / "config.json").unlink()
    with pytest.raises(BadInput):
        skeletons.config_of(mine, **HUB)


@pytest.mark.real
def test_every_shared_config(shared):
    """Real files: their totals are those of the arithmetic, and of our own preset of that name."""
    from tests.engine.vectors import closed_form

    same = {
        "tinyllama_1b_chat_v1.0": "tinyllama", "phi-3_5": "phi-3-mini", "gpt2": "gpt2",
        "llama3_1_8b": "Llama 3.1 8B",
        "llama3_1_70b": "Llama 3.1 70B", "mistral_7b": "Mistral 7B v0.1", "Mixtral-8x7B-v0.1": "mixtral",
        "gemma2_2b": "Gemma 2 2B", "qwen2.5_3b": "Qwen2.5 3B", "qwen3_0.6b": "Qwen3 0.6B",
        "smollm2_135m": "SmolLM2 135M", "deepseek_v2_lite": "DeepSeek-V2-Lite 16B",
    }  # fmt: skip
    folders = sorted((shared / "configs").iterdir())
    assert len(folders) >= 12
    for folder in folders:
        config = json.loads((folder / "config.json").read_text())
        total = count(skeletons.build(config))
        assert closed_form.count(config) == total, folder.name
        preset = presets.find(same[folder.name])
        config = {**config, "q_lora_rank": None} if "deepseek" in folder.name else config  # left out there
        assert preset and closed_form.count(preset.config) == closed_form.count(config), folder.name


def test_presets_are_found_by_any_of_their_names():
    for name in ("gpt2", "GPT-2", "openai-community/gpt2", "GPT-2 124M"):
        assert presets.find(name).name == "openai-community/gpt2"
    assert (
        presets.find("DeepSeek-R1").config["n_routed_experts"] == 256 if presets.find("DeepSeek-R1") else True
    )
    assert presets.find("nothing of that name") is None
