"""The Models drawer: what it lists, and who may unload."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import gradio as gr
import pytest

from playground.errors import BadInput, NotAllowed
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import Catalog, ModelCard
from playground.rooms.models import panel
from playground.settings import read
from playground.ui.context import Context


class Loader:
    def estimate(self, card, key):
        return 10

    def load(self, card, key, progress):
        return Loaded(card, object(), bytes=10)

    def free(self, loaded):
        pass


def context_of(tmp_path: Path, *arguments: str) -> Context:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    (tmp_path / "models" / "mine" / "tokenizer.json").write_text("{}")
    return Context(
        read(list(arguments), {}), Catalog(tmp_path / "models", tmp_path / "up"), ModelCache(100, Loader())
    )


def test_what_is_held_comes_first_and_a_typed_one_is_listed_too(tmp_path):
    context = context_of(tmp_path)
    with context.models.lease(context.catalog.find("mine")):
        rows = panel.inventory(context)
        assert (rows[0]["name"], rows[0]["state"], rows[0]["bytes"], rows[0]["leases"]) == (
            "mine",
            "loaded",
            10,
            1,
        )
    who = ["one"]
    context.catalog.names.whose(lambda: who[0])
    with context.models.lease(context.catalog.find("some/typed-one")):
        pass
    rows = {row["name"]: row for row in panel.inventory(context)}
    assert rows["some/typed-one"]["state"] == "loaded"
    assert rows["google-bert/bert-base-cased"]["state"] == "download"
    assert rows["byt5"]["state"] == "ready"
    for other in ("two", ""):
        who[0] = other
        assert "some/typed-one" not in {row["name"] for row in panel.inventory(context)}


def functions(context: Context) -> dict[str, object]:
    with gr.Blocks() as app:
        panel.build(context)
    return {each.name: each.fn for each in app.fns.values()}


def test_unload_gives_the_memory_back(tmp_path):
    context = context_of(tmp_path)
    with context.models.lease(context.catalog.find("mine")):
        pass
    shown, menu, offered, _ = functions(context)["unload"]("mine")  # type: ignore[operator]
    assert context.models.used_bytes() == 0
    assert "mine" not in shown and "mine" in offered
    assert menu.choices == []


def test_strangers_unload_nothing(tmp_path):
    context = context_of(tmp_path, "--public")
    with context.models.lease(context.catalog.find("mine")):
        pass
    with pytest.raises(gr.Error):
        functions(context)["unload"]("mine")  # type: ignore[operator]
    assert context.models.used_bytes() == 10


def test_what_is_held_is_listed_when_its_file_is_gone(tmp_path):
    context = context_of(tmp_path)
    context.catalog.names.whose(lambda: "one")
    upload = context.catalog.uploads.keep("upload", b"{}")
    for name in (upload, "mine"):
        with context.models.lease(context.catalog.find(name)):
            pass
    context.catalog.uploads.discard(upload)
    (tmp_path / "models" / "mine" / "tokenizer.json").unlink()
    sources = {row["name"]: row["source"] for row in panel.inventory(context) if row["state"] == "loaded"}
    assert sources == {upload: "upload", "mine": "folder"}
    context.catalog.names.whose(lambda: "two")
    assert upload not in {row["name"] for row in panel.inventory(context)}
    shown, menu, offered, _ = functions(context)["look"]()  # type: ignore[operator]
    assert upload not in shown + offered and upload not in [value for _, value in menu.choices]
    assert "10 bytes" in shown and "other visitors" in shown  # the sum alone


def test_a_lease_is_on_this_servers_device_in_its_format(tmp_path):
    context = context_of(tmp_path, "--device", "cpu", "--dtype", "bfloat16")
    card = ModelCard("any", "folder", "any", frozenset({"causal", "encoder", "tokenizer", "skeleton"}))
    for role, quantization, device, dtype in (
        ("causal", "", "cpu", "bfloat16"), ("causal", "int8", "cpu", "float16"),
        ("causal", "nf4", "cpu", "bfloat16"), ("encoder", "", "cpu", ""),
        ("tokenizer", "", "cpu", ""), ("skeleton", "", "meta", ""),
    ):  # fmt: skip
        with closing(context.leasing(card, role, quantization)) as steps:
            assert isinstance([*steps][-1], Loaded)
        row = context.models.status()[0]
        assert (row.role, row.quantization, row.device, row.dtype) == (role, quantization, device, dtype)


@pytest.mark.parametrize(
    ("role", "quantization", "key"),
    [("causal", "fp4", "quantization_unknown"), ("encoder", "nf4", "quantization_causal_only")],
)
def test_a_precision_that_is_none(tmp_path, role, quantization, key):
    with pytest.raises(BadInput) as caught:
        context_of(tmp_path).leasing(ModelCard("any", "folder", "any"), role, quantization)
    assert caught.value.key == f"errors.{key}"


def test_a_public_server_fetches_no_weights_of_a_strangers_choice(tmp_path):
    context = context_of(tmp_path, "--public")
    for name, role, allowed in (
        ("some/giant", "causal", False), ("some/giant", "encoder", False), ("some/giant", "tokenizer", True),
        ("some/giant", "skeleton", False),
        ("openai-community/gpt2", "causal", True), ("mine", "causal", True),
    ):  # fmt: skip
        if allowed:
            context.leasing(context.catalog.find(name), role).close()
            continue
        with pytest.raises(NotAllowed):
            context.leasing(context.catalog.find(name), role)
