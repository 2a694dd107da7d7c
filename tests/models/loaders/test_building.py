"""Models from configs of strangers: whatever path builds one, it ends, and is left when nobody waits."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Key, ModelCache
from playground.models.catalog import Catalog, ModelCard
from playground.models.devices import budget
from playground.models.loaders import TransformersLoader, causal, encoders, offers, sizes, skeletons
from playground.system import cancellation
from tests.models.hub.test_hub_loading import home, server  # noqa: F401
from tests.waiting import until

LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "intermediate_size": 8,
    "num_attention_heads": 2, "num_hidden_layers": 2, "vocab_size": 9,
}  # fmt: skip
GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 8, "n_head": 2, "vocab_size": 9}
BERT = {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": 8, "num_attention_heads": 2}
ENDLESS = {
    "three million layers": {**LLAMA, "num_hidden_layers": 3_000_000},
    "under another name": {**GPT2, "n_layer": 3_000_000},
    "of an encoder": {**BERT, "num_hidden_layers": 3_000_000},
    "labels": {**BERT, "num_labels": 10**8},
    "labels of a language model": {**LLAMA, "num_labels": 10**8},
    "experts": {**LLAMA, "model_type": "mixtral", "architectures": ["MixtralForCausalLM"],
                "num_local_experts": 10**9},
    "within its parts": {"model_type": "llama4", "text_config": {"num_hidden_layers": 3_000_000}},
    "a list of depths": {"model_type": "swin", "architectures": ["SwinModel"], "depths": [2, 3_000_000]},
    "blocks, allowed each": {"model_type": "funnel", "architectures": ["FunnelModel"],
                             "block_sizes": [4, 2_000_000]},
    "layers, allowed each": {"model_type": "bart", "architectures": ["BartForCausalLM"], "d_model": 8,
                             "decoder_attention_heads": 2, "encoder_attention_heads": 2, "vocab_size": 9,
                             "encoder_layers": 1024, "decoder_layers": 1024},
    "entries": {**LLAMA, "x": [0] * 300_000},
}  # fmt: skip


def folder(models: Path, config: dict, name: str = "it", weights: bool = True) -> ModelCard:
    made = models / name
    made.mkdir(parents=True)
    (made / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (made / "vocab.txt").write_text("[UNK]\na\n", encoding="utf-8")
    if weights:
        from safetensors.numpy import save_file

        save_file({}, made / "model.safetensors")
    return Catalog(models, models).find(name)


def key(card: ModelCard, role: str) -> Key:
    return Key(card.source, card.where, card.revision, role, "cpu", "", "")  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def imported():
    """What is imported for a first build is not what it takes."""
    skeletons.build({**LLAMA})


@pytest.mark.parametrize("kind", ENDLESS)
def test_every_way_to_a_model_ends(tmp_path, kind):
    card, loader = folder(tmp_path, ENDLESS[kind]), TransformersLoader(offline=True)
    path = Path(card.where)
    ways = {
        "/inspect": lambda: skeletons.build(skeletons.config_of(card, offline=True, anonymous=True)),
        "skeleton": lambda: loader.load(card, key(card, "skeleton"), lambda stage: None),
        "estimate": lambda: causal.estimate(card, path, key(card, "causal")),
        "encoder": lambda: loader.load(card, key(card, "encoder"), lambda stage: None),
        "encoder's estimate": lambda: encoders.format_of(card, path, key(card, "encoder")),
        "offers": lambda: offers.look(card, "cpu", offline=True, anonymous=True),
    }
    limited = {"blocks, allowed each", "layers, allowed each"}  # each number is one that models have
    began = time.monotonic()
    for way, work in ways.items():
        if way == "encoder's estimate" and kind in limited:
            continue  # reads the config, builds nothing
        if way == "offers" and kind in limited:
            continue  # for language models; these two say their format nowhere
        with pytest.raises(PlaygroundError) as refused:
            work()
        assert refused.value.key != "errors.unexpected", way
    assert time.monotonic() - began < 60, "seconds, whatever the config says"


def test_a_real_load_is_preceded_by_its_skeleton(tmp_path):
    """What says it is small by each number, and is not, is refused before its weights are opened."""
    card = folder(tmp_path, ENDLESS["layers, allowed each"])
    models = ModelCache(budget(0.0), TransformersLoader(offline=True))
    for role in ("causal", "encoder", "skeleton"):
        card = ModelCard("it", "folder", card.where, frozenset({"causal", "encoder", "skeleton"}))  # type: ignore[arg-type]
        with pytest.raises(BadInput) as refused, models.lease(card, role):  # type: ignore[arg-type]
            pass
        assert refused.value.key == "errors.config_too_many_modules", role


def test_others_load_while_a_large_one_is_refused(tmp_path):
    folder(tmp_path, ENDLESS["three million layers"], "bad", weights=False)
    folder(tmp_path, LLAMA, "good", weights=False)
    catalog = Catalog(tmp_path, tmp_path)
    models = ModelCache(budget(0.0), TransformersLoader(offline=True))

    def bad() -> None:
        with pytest.raises(BadInput), models.lease(catalog.find("bad"), "skeleton"):
            pass

    others = [threading.Thread(target=bad) for _ in range(4)]
    for each in others:
        each.start()
    began = time.monotonic()
    with models.lease(catalog.find("good"), "skeleton") as loaded:
        assert loaded.model is not None
    assert time.monotonic() - began < 20
    for each in others:
        each.join(20)
        assert not each.is_alive()


@pytest.mark.parametrize("step", ["estimate", "load"])
def test_what_nobody_waits_for_any_more_is_not_built(tmp_path, monkeypatch, step):
    """A build without end, were it not for who leaves: the load is given up, and the next one begins."""
    card = folder(tmp_path, {**LLAMA, "num_hidden_layers": 1024}, weights=step == "estimate")
    monkeypatch.setattr(skeletons, "MODULES", 10**9)
    monkeypatch.setattr(skeletons, "SECONDS", 10**9)
    begun, slow, ended = threading.Event(), threading.Event(), threading.Event()
    plain = skeletons.made

    def endless(kind, settings, dtype="float16", then=lambda model: None):
        def again(model):
            begun.set()
            while not slow.is_set():
                type(model)(model.config)  # as many layers more

        try:
            return plain(kind, settings, dtype, again)
        except cancellation.Abandoned:
            ended.set()
            raise

    monkeypatch.setattr(skeletons, "made", endless)
    models = ModelCache(budget(0.0), TransformersLoader(offline=True))
    try:
        waiting = models.leasing(card, "causal" if step == "estimate" else "skeleton")
        next(waiting)
        until(begun.is_set)
        waiting.close()
        assert ended.wait(10)
        until(lambda: not models.status())
    finally:
        slow.set()
    monkeypatch.setattr(skeletons, "made", plain)
    with models.lease(card, "skeleton") as loaded:
        assert loaded.model is not None


@pytest.mark.parametrize(
    "part", [{"in_features": 10**9, "out_features": 8}, {"in_features": 2**20, "out_features": 2**20}]
)
def test_parts_of_a_sentence_model(tmp_path, part):
    card = folder(tmp_path, {**BERT, "num_hidden_layers": 1})
    kinds = (("", "Transformer"), ("1_Dense", "Dense"))
    modules = [
        {"idx": place, "name": str(place), "path": inside, "type": f"sentence_transformers.models.{kind}"}
        for place, (inside, kind) in enumerate(kinds)
    ]
    (Path(card.where) / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (Path(card.where) / "1_Dense").mkdir()
    (Path(card.where) / "1_Dense" / "config.json").write_text(json.dumps(part), encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        TransformersLoader(offline=True).load(card, key(card, "encoder"), lambda stage: None)
    assert refused.value.key == "errors.config_size_large"


@pytest.mark.parametrize(
    "fine",
    [
        {"num_experts": 0}, {"vocab_size": None}, {"rope_theta": 10**9}, {"training_tokens": 10**12},
        {"quantization_config": {"x": 10**12}}, {"hidden_size": "wide"},
        {"id2label": {str(number): "x" for number in range(20_000)}},
    ],
)  # fmt: skip
def test_what_models_really_say_is_let_through(fine):
    sizes.check({**LLAMA, **fine})


@pytest.mark.parametrize("kind", ["three million layers", "labels", "within its parts"])
def test_the_same_from_the_hub(server, kind):  # noqa: F811
    server.add("org/endless", {"config.json": json.dumps(ENDLESS[kind]).encode(), "vocab.txt": b"[UNK]\na\n"})
    card = Catalog(Path("none"), Path("none")).find("org/endless")
    models = ModelCache(budget(0.0), TransformersLoader())
    for role in ("skeleton", "causal", "tokenizer"):
        if (kind, role) == ("within its parts", "tokenizer"):
            continue
        with pytest.raises(BadInput) as refused, models.lease(card, role):  # type: ignore[arg-type]
            pass
        assert refused.value.key == "errors.config_size_large", role
