"""Bytes: predicted against measured, caches against transformers' own, adapters against peft's count."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

from playground.engine.generation import compat
from playground.models import weights
from playground.models.cache import ModelCache
from playground.models.catalog import CAUSAL, EMBEDDED, ModelCard
from playground.models.loaders import TransformersLoader, causal, places, presets, skeletons
from playground.rooms.architecture import memory
from playground.rooms.architecture import plan as architecture
from playground.rooms.architecture.plan import Architecture
from tests.models import saved
from tests.rooms.architecture.plans import plan_of

TINYLLAMA, PHI3 = "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "microsoft/Phi-3-mini-4k-instruct"
PREDICTED = {
    "float32": ("float32", "", True), "bfloat16": ("bfloat16", "", True), "int8": ("float16", "int8", True),
    "nf4": ("bfloat16", "nf4", False), "nf4_double_quant": ("bfloat16", "nf4", True),
}  # fmt: skip
LOADED = {"float32": ("float32", ""), "bfloat16": ("bfloat16", ""), "int8": ("float16", "int8"),
          "nf4_double_quant": ("bfloat16", "nf4")}  # fmt: skip


CACHED = (
    TINYLLAMA, PHI3, "openai-community/gpt2", "mistralai/Mistral-7B-v0.1", "mistralai/Mixtral-8x7B-v0.1",
    "google/gemma-2-2b-it", "google/gemma-3-1b-it", "openai/gpt-oss-20b", "tiiuae/falcon-7b",
    "deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-V2-Lite", "bigscience/bloom-560m", "EleutherAI/gpt-j-6b",
    "EleutherAI/pythia-70m", "bigcode/starcoder2-3b", "Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen3-0.6B",
    "google/flan-t5-small",
)  # fmt: skip


def plan_from(config) -> Architecture:
    given = config.to_dict()
    model = skeletons.build(given)
    return architecture.read("own", model, model.config, given)


@pytest.mark.parametrize("kind", saved.SHAPES)
def test_predicted_is_what_a_loaded_model_takes(kind, tmp_path, monkeypatch):
    """Every precision that runs here, of every tiny architecture, to the byte."""
    monkeypatch.setattr(causal, "packs", lambda: False)
    folder = saved.save(tmp_path / kind, kind)
    plan = plan_from(transformers.AutoConfig.from_pretrained(folder))
    for precision in LOADED:
        measured = bytes_of(ModelCard(kind, "folder", str(folder), CAUSAL), precision)
        assert measured in (None, memory.weights(plan, precision).total), precision


def bytes_of(card: ModelCard, precision: str) -> int | None:
    """Measured after a real load; None where this CPU rearranges NF4 (its scales are bfloat16 since)."""
    dtype, quantization = LOADED[precision]
    cache = ModelCache(2**30, TransformersLoader(offline=True))
    with cache.lease(card, "causal", dtype=dtype, quantization=quantization) as loaded:
        states = (getattr(p, "quant_state", None) for p in loaded.model.parameters())
        packed = any(getattr(state, "packing_format_for_cpu", False) for state in states)
        return None if packed else weights.measured(loaded.model)


def plain_nf4(folder: Path) -> int:
    """NF4 without double quantization, which the app itself never loads: with transformers' own call."""
    recipe = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, quantization_config=recipe, device_map={"": "cpu"}
    )
    return weights.measured(model)


@pytest.fixture(scope="module")
def tinyllama_shaped(tmp_path_factory) -> ModelCard:
    """One of TinyLlama's 22 layers in its own sizes, random weights, a smaller vocabulary."""
    folder = tmp_path_factory.mktemp("tinyllama")
    config = {**presets.presets()[TINYLLAMA].config, "num_hidden_layers": 1, "vocab_size": 384}
    skeletons.real(config).to(torch.bfloat16).save_pretrained(folder)
    saved.tokenizer().save_pretrained(folder)
    return ModelCard("shaped", "folder", str(folder), CAUSAL)


@pytest.mark.parametrize("precision", memory.PRECISIONS)
@pytest.mark.parametrize("which", ["tutor", "tinyllama"])
def test_the_tutor_and_tinyllamas_shape_take_what_is_predicted(
    which, precision, tinyllama_shaped, monkeypatch
):
    monkeypatch.setattr(causal, "packs", lambda: False)
    card = EMBEDDED[0] if which == "tutor" else tinyllama_shaped
    folder = places.place(card)
    plan = plan_from(transformers.AutoConfig.from_pretrained(folder))
    assert plan.parameters == (4_852_480 if which == "tutor" else 44_044_288 + 2 * 384 * 2048 + 2048)
    measured = plain_nf4(folder) if precision == "nf4" else bytes_of(card, precision)
    if measured is not None:
        assert memory.weights(plan, precision).total == measured


@pytest.mark.parametrize("name", [*list(presets.presets())[::4], "facebook/galactica-1.3b"])
@pytest.mark.parametrize("precision", memory.PRECISIONS)
def test_the_arithmetic_agrees_with_the_loaders_prediction(name, precision):
    plan, model = plan_of(name), skeletons.build(presets.presets()[name].config)
    dtype, quantization, double = PREDICTED[precision]
    expected = weights.predicted(model, dtype, quantization, double=double)
    if precision == "float32":  # in a skeleton float16 stands for the format that is asked for
        expected += 2 * sum(b.numel() for b in model.buffers() if b.dtype == torch.float16)
    assert memory.weights(plan, precision).total == expected


def test_tinyllama_in_bytes():
    plan = plan_of(TINYLLAMA)
    linear = 22 * (2 * 2048 * 2048 + 2 * 2048 * 256 + 3 * 2048 * 5632)
    rest, rotary = 1_100_048_384 - linear, 2 * 32 * 4
    told = memory.in_bytes(plan)
    assert told["bfloat16"] == 2_200_097_024 - 256 + rotary
    rows = 22 * (2048 + 256 + 256 + 2048 + 5632 + 5632 + 2048)
    assert told["int8"] == linear + 4 * rows + 2 * rest + rotary
    assert told["nf4"] == linear // 2 + 4 * linear // 64 + 154 * 64 + 2 * rest + rotary
    found = memory.weights(plan, "nf4_double_quant")
    assert (found.quantized, found.rest) == (linear, rest)
    assert found.state == linear // 64 + 4 * linear // 64 // 256 + 154 * (1028 + 64)


def shrunk(name: str, layers: int = 4) -> dict:
    """A preset with its ratios of heads and its windows, but small enough to run."""
    config = dict(presets.presets()[name].config)
    small = {
        "hidden_size": 64, "n_embd": 64, "d_model": 64, "num_hidden_layers": layers, "n_layer": layers,
        "num_layers": layers, "num_decoder_layers": layers, "intermediate_size": 64, "d_ff": 64,
        "vocab_size": 100, "head_dim": 8, "d_kv": 8, "sliding_window": 8, "moe_intermediate_size": 16,
        "n_routed_experts": 8, "num_local_experts": 4, "kv_lora_rank": 16, "q_lora_rank": 16,
        "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "n_group": 1, "topk_group": 1,
        "num_experts": 8, "num_experts_per_tok": 2, "rotary_dim": 4, "first_k_dense_replace": 1,
        "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2, "decoder_start_token_id": 0,
    }  # fmt: skip
    config |= {key: value for key, value in small.items() if config.get(key) is not None}
    for heads in ("num_attention_heads", "n_head", "num_heads"):
        if heads in config:
            grouped = {32: 8, 128: 16, 64: 8, 24: 8, 14: 8, 71: 8}
            kv = config.get("num_key_value_heads") or config.get("num_kv_heads")
            ratio = config[heads] // kv if kv else 1
            config[heads] = grouped.get(config[heads], 8)
            for key in ("num_key_value_heads", "num_kv_heads"):
                if key in config:
                    config[key] = max(1, config[heads] // ratio)
    if "layer_types" in config:
        config["layer_types"] = config["layer_types"][:layers]
    return {key: value for key, value in config.items() if key not in ("rope_scaling", "torch_dtype")}


@pytest.mark.parametrize("name", CACHED)
@pytest.mark.parametrize("tokens", [1, 5, 30])
def test_the_cache_is_as_large_as_transformers_own(name, tokens):
    """Grouped queries, one KV head, sliding windows and cross-attention, after a real forward pass."""
    config = shrunk(name)
    model = skeletons.real(config)
    plan = architecture.read(name, model, model.config, config)
    ids = torch.arange(tokens)[None] % 90 + 3
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    past = compat.returned_cache(model(input_ids=ids, use_cache=True, **more))
    caches = [past.self_attention_cache, past.cross_attention_cache] if more else [past]
    held = sum(t.numel() for each in caches for layer in each.layers for t in (layer.keys, layer.values))
    assert memory.cache_bytes(plan, tokens) == held * memory.CACHE_WIDTH


def test_latent_attention_keeps_a_latent():
    """DeepSeek-V3: 61 layers × (512 + 64) numbers of 2 bytes; as keys and values of each head, 71 times."""
    plan = plan_of("deepseek-ai/DeepSeek-V3")
    assert memory.cache_per_token(plan) == 61 * 576 * 2 == 70_272
    assert memory.expanded_cache_per_token(plan) == 61 * 128 * (192 + 128) * 2


def test_caches_of_the_notes():
    assert memory.cache_per_token(plan_of(TINYLLAMA)) == 2 * 22 * 4 * 64 * 2 == 22_528
    assert memory.cache_bytes(plan_of(TINYLLAMA), 2048, 3) == 3 * 2048 * 22_528
    mistral = plan_of("mistralai/Mistral-7B-v0.1")
    assert memory.cache_bytes(mistral, 32768) == memory.cache_bytes(mistral, 4095)  # window − 1
    assert memory.cache_bytes(plan_of("google-bert/bert-base-uncased"), 512) == 0
    gemma = plan_of("google/gemma-2-2b-it")
    assert memory.cache_bytes(gemma, 8192) == (13 * 4095 + 13 * 8192) * 2 * 4 * 256 * 2


# What `print_trainable_parameters()` of peft 0.21 says, r = 8 unless told.
PEFT = [
    (TINYLLAMA, 8, ["q_proj", "v_proj"], 1_126_400),
    (
        TINYLLAMA,
        16,
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        12_615_680,
    ),
    (PHI3, 8, ["qkv_proj"], 3_145_728),
    ("openai-community/gpt2", 8, ["c_attn"], 294_912),
    ("google-bert/bert-base-uncased", 8, ["query", "value"], 294_912),
    ("google/flan-t5-small", 8, ["q", "v"], 344_064),
    ("meta-llama/Llama-3.1-8B-Instruct", 8, ["q_proj", "v_proj"], 3_407_872),
]


@pytest.mark.parametrize(("name", "rank", "names", "expected"), PEFT)
def test_lora_counts_as_peft_does(name, rank, names, expected):
    assert memory.lora(plan_of(name), rank, names) == expected


@pytest.mark.parametrize(("name", "rank", "names", "expected"), PEFT)
def test_peft_says_the_same(name, rank, names, expected):
    peft = pytest.importorskip("peft")
    with torch.device("meta"):
        wrapped = peft.get_peft_model(
            skeletons.build(presets.presets()[name].config).to(torch.float32),
            peft.LoraConfig(r=rank, target_modules=names),
            low_cpu_mem_usage=True,
        )
    assert wrapped.get_nb_trainable_parameters()[0] == expected


def test_training_in_bytes():
    plan = plan_of(TINYLLAMA)
    full, lora, qlora = memory.training(plan, 8, ["q_proj", "v_proj"])
    assert full.total == 16 * 1_100_048_384
    assert lora.total == memory.in_bytes(plan)["bfloat16"] + 16 * 1_126_400
    assert qlora.total == memory.in_bytes(plan)["nf4_double_quant"] + 16 * 1_126_400
    assert qlora.total < lora.total < full.total


def test_the_head_is_no_target_and_usual_ones_exist():
    for name in presets.presets():
        plan = plan_of(name)
        names = {target.name for target in memory.targets(plan)}
        assert not names & {"lm_head", "embed_out"} and set(memory.usual_targets(plan)) <= names != set()


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("distilbert/distilbert-base-uncased", ["q_lin", "v_lin"]),
        ("google-bert/bert-base-uncased", ["query", "value"]),
        ("google-t5/t5-small", ["q", "v"]), ("openai-community/gpt2", ["c_attn"]), (PHI3, ["qkv_proj"]),
        ("EleutherAI/pythia-70m", ["query_key_value"]),
        ("microsoft/deberta-v3-base", ["query_proj", "value_proj"]),
        ("deepseek-ai/DeepSeek-V3", ["q_b_proj", "kv_b_proj"]),
        ("deepseek-ai/DeepSeek-V2-Lite", ["q_proj", "kv_b_proj"]),
    ],
)  # fmt: skip
def test_what_loras_authors_adapt_whatever_it_is_called(name, names):
    plan = plan_of(name)
    assert memory.usual_targets(plan) == names
    assert memory.lora(plan, 8, names) > 0
