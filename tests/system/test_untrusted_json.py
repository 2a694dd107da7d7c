"""JSON of strangers: whatever stands in it or how much, it stops nothing, and says what is wrong with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from playground import text
from playground.errors import BadInput, CannotLoad, PlaygroundError
from playground.models.cache import Key, ModelCache
from playground.models.catalog import Catalog, ModelCard
from playground.models.devices import budget
from playground.models.hub import cache, headers
from playground.models.loaders import TransformersLoader, skeletons
from playground.rooms.models import view as models_view
from playground.system import untrusted_json
from playground.ui.visitor import from_page

DEEP = {
    "brackets": b"[" * 50_000,
    "objects": b'{"a":' * 100_000,
    "closed": b'{"a": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    "a little too deep": json.dumps({"model_type": "bert", "x": eval("[" * 190 + "]" * 190)}).encode(),
}
FORM = {
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "no object": b"[1, 2]",
    "a number of 100,000 digits": b'{"vocab_size": ' + b"9" * 100_000 + b"}",
    "nothing": b"",
}
WHY = {**dict.fromkeys(DEEP, "config_deep"), **dict.fromkeys(FORM, "broken_config")}


def folder(models: Path, config: bytes, name: str = "bad") -> Path:
    made = models / name
    made.mkdir(parents=True)
    (made / "config.json").write_bytes(config)
    (made / "model.safetensors").write_bytes(b"")
    (made / "vocab.txt").write_text("[UNK]\na\n", encoding="utf-8")
    return made


def harmless(models: Path, why: str) -> ModelCard:
    """The folder is listed with its reason beside a good one, and refused by a sentence in every role."""
    folder(models, b'{"model_type": "bert"}', "good")
    catalog = Catalog(models, models / "uploads")
    assert {card.name: card.broken for card in catalog.folders()} == {"bad": why, "good": ""}
    assert "good" in [card.name for card in catalog.offered("encoder")]
    card = catalog.find("bad")
    cards = ModelCache(budget(0.0), TransformersLoader(offline=True))
    for role in sorted(card.roles | {"causal"}):
        with pytest.raises(PlaygroundError), cards.lease(card, role):
            pass
    with pytest.raises(CannotLoad) as refused:
        skeletons.config_of(card, offline=True, anonymous=True)
    assert refused.value.key == f"errors.{why}"
    for lang in text.LANGUAGES:
        text.say(refused.value.key, lang, **refused.value.values)
        shown = models_view.offered(
            [{"name": "bad", "roles": ["skeleton"], "source": "folder", "state": "ready"}], {"bad": why}, lang
        )
        assert text.say(f"errors.{why}", lang, name="bad", file="config.json")[:20] in shown
    return card


@pytest.mark.parametrize("kind", [*DEEP, *FORM])
def test_a_config_that_cannot_be_read_is_listed_with_its_reason(tmp_path, kind):
    folder(tmp_path, {**DEEP, **FORM}[kind])
    harmless(tmp_path, WHY[kind])


@pytest.mark.parametrize("size", [2**20 + 1, 100 * 2**20, 2**40])
def test_a_config_of_any_size_is_not_read(tmp_path, size):
    bad = folder(tmp_path, b"{")
    os.truncate(bad / "config.json", size)  # on the disk it takes nothing
    harmless(tmp_path, "config_long")


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may read everything")
def test_a_config_that_may_not_be_read(tmp_path):
    bad = folder(tmp_path, b"{}")
    (bad / "config.json").chmod(0)
    assert [card.broken for card in Catalog(tmp_path, tmp_path).folders()] == ["config_closed"]


def test_a_folder_whose_name_is_no_text_harms_no_list(tmp_path):
    folder(tmp_path, b'{"model_type": "bert"}', "good")
    try:
        folder(tmp_path, b"{}", os.fsdecode(b"\xff\xfe"))
    except OSError:
        pytest.skip("names are text here")
    names = [card.name for card in Catalog(tmp_path, tmp_path).folders()]
    json.dumps(names).encode()
    assert names == ["good"]


@pytest.mark.parametrize("kind", DEEP)
def test_other_files_of_strangers(tmp_path, kind):
    deep = DEEP[kind]
    with pytest.raises(CannotLoad):
        headers._parsed("org/name", deep)
    commit = "a" * 40
    (tmp_path / "trees").mkdir()
    (tmp_path / "trees" / f"{commit}.json").write_bytes(deep)
    assert cache._tree(tmp_path, commit) is None
    with pytest.raises(BadInput):
        from_page(deep.decode())
    with pytest.raises(BadInput):
        skeletons.parse(deep)


@pytest.mark.parametrize("file", ["modules.json", "tokenizer_config.json", "model.safetensors.index.json"])
@pytest.mark.parametrize("kind", ["brackets", "objects", "closed"])
def test_files_beside_the_config(tmp_path, file, kind):
    made = tmp_path / "it"
    made.mkdir()
    config = {"model_type": "bert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1,
              "num_attention_heads": 2, "intermediate_size": 8, "architectures": ["BertModel"]}  # fmt: skip
    (made / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (made / "vocab.txt").write_text("[UNK]\na\n", encoding="utf-8")
    if file == "modules.json":
        from safetensors.numpy import save_file

        save_file({}, made / "model.safetensors")
    else:
        (made / "model-1.safetensors").write_bytes(b"")
    (made / file).write_bytes(DEEP[kind])
    card = Catalog(tmp_path, tmp_path).find("it")
    loader = TransformersLoader(offline=True)
    for role in ("encoder", "tokenizer") if file == "tokenizer_config.json" else ("encoder",):
        key = Key(card.source, card.where, card.revision, role, "cpu", "", "")  # type: ignore[arg-type]
        with pytest.raises(PlaygroundError):
            loader.load(card, key, lambda stage: None)


def test_what_is_right_is_read(tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{"a": [1, {"b": null}]}', encoding="utf-8")
    assert untrusted_json.read_object(file) == {"a": [1, {"b": None}]}
    nested: list = []
    for _ in range(untrusted_json.DEEPEST - 1):
        nested = [nested]
    assert untrusted_json.parse(json.dumps(nested)) == nested
    with pytest.raises(untrusted_json.Unreadable):
        untrusted_json.parse(json.dumps([nested]))
    with pytest.raises(untrusted_json.Unreadable):
        untrusted_json.parse(b"[1234]", longest=5)
