"""The Models drawer: what it lists, and who may unload."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from playground import text
from playground.errors import BadInput, NotAllowed
from playground.models import catalog
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import Catalog, ModelCard
from playground.models.loaders import presets, skeletons
from playground.rooms.models import view
from playground.rooms.models.about import PARAMETERS, TOLD
from playground.rooms.models.actions import Answers
from playground.rooms.models.inventory import inventory
from playground.settings import read
from playground.system import cancellation
from playground.ui.context import Context
from playground.ui.precision_menu import following
from playground.ui.runs import Given, Line


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
        rows = inventory(context)
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
    rows = {row["name"]: row for row in inventory(context)}
    assert rows["some/typed-one"]["state"] == "loaded"
    assert rows["google-bert/bert-base-cased"]["state"] == "download"
    assert rows["byt5"]["state"] == "ready"
    for other in ("two", ""):
        who[0] = other
        assert "some/typed-one" not in {row["name"] for row in inventory(context)}


def test_the_header_is_told_what_a_first_use_would_wait_for(tmp_path):
    context = context_of(tmp_path)

    def state(model: object, room: str = "chat") -> str:
        (line,) = Answers(context).state({"model": model, "room": room})
        return str(line["state"])

    assert state("mine") == state("tutor") == "ready"
    assert state("google-bert/bert-base-cased") == "download"
    assert [state(name) for name in ("no such name", "", None)] == [""] * 3
    assert [*Answers(context).state("mine")] == [{"state": ""}]
    with context.models.lease(context.catalog.find("tutor"), "tokenizer"):
        assert state("tutor") == "ready"  # its tokenizer alone is loaded
    with context.models.lease(context.catalog.find("tutor"), "causal"):
        assert state("tutor") == "loaded"
    # Of a plan no weights are needed, and what is shipped needs nothing at all.
    assert state("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "architecture") == "ready"
    assert state("TinyLlama/TinyLlama-1.1B-Chat-v1.0") == "download"
    who = ["one"]
    context.catalog.names.whose(lambda: who[0])
    with context.models.lease(context.catalog.find("some/typed-one"), "causal"):
        assert state("some/typed-one") == "loaded"
        who[0] = "two"
        assert state("some/typed-one") == "download"


def look(context: Context) -> tuple[str, list[str], str]:
    """What is held, what has a button to unload it, what is offered."""
    return told(Answers(context).look(Given({}, "models", "")))


def told(lines: Iterator[Line]) -> tuple[str, list[str], str]:
    held, offered, menus = lines
    assert held["place"] == "pg-models-held" and offered["place"] == "pg-models-offered"
    assert [*menus["set"]] == ["models.name"]
    return held["html"], re.findall('data-models="unload" data-name="([^"]*)"', held["html"]), offered["html"]


def unload(context: Context, name: str | None) -> tuple[str, list[str], str]:
    return told(Answers(context).unload(Given({"models.idle": name}, "models", "#pg-models-unload")))


def test_unload_gives_the_memory_back(tmp_path):
    context = context_of(tmp_path)
    with context.models.lease(context.catalog.find("mine")):
        pass
    assert look(context)[1] == ["mine"]
    shown, idle, offered = unload(context, "mine")
    assert context.models.used_bytes() == 0
    assert "mine" not in shown and "mine" in offered
    assert idle == [] and unload(context, None)[1] == []


def test_strangers_unload_nothing(tmp_path):
    context = context_of(tmp_path, "--public")
    with context.models.lease(context.catalog.find("mine")):
        pass
    assert look(context)[1] == []  # and no button offers it
    with pytest.raises(NotAllowed, match="unload_not_allowed"):
        unload(context, "mine")
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
    sources = {row["name"]: row["source"] for row in inventory(context) if row["state"] == "loaded"}
    assert sources == {upload: "upload", "mine": "folder"}
    context.catalog.names.whose(lambda: "two")
    assert upload not in {row["name"] for row in inventory(context)}
    shown, idle, offered = look(context)
    assert upload not in shown + offered and upload not in idle
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


def test_the_precisions_follow_the_model_and_keep_what_is_one(tmp_path):
    made = following(context_of(tmp_path), "models.precision", "models.name", [], also=["#pg-models"])
    told = made.declared("")
    assert "opens" not in told and told["buttons"] == ["pg-models"]
    for chosen, kept in (("", True), ("nf4", True), ("bfloat16", False), (None, False)):
        given = Given({"models.name": "mine", "models.precision": chosen}, "models", "models.name")
        (line,) = made.fn(given)
        menu = line["set"]["models.precision"]
        assert {"", "int8", "nf4"} <= {value for _, value in menu["choices"]} and menu["info"]
        assert ("value" not in menu) if kept else menu["value"] == ""


def load(context: Context, name: str, role: str = "tokenizer") -> Iterator[Line]:
    given = {"models.name": name, "models.role": role, "models.precision": ""}
    return Answers(context).load(Given(given, "models", "#pg-models-load"))


def test_what_fails_is_told_after_what_is_loaded_now(tmp_path):
    lines = load(context_of(tmp_path), "a b")
    assert [next(lines)["place"] for _ in range(2)] == ["pg-models-held", "pg-models-offered"]
    assert "models.name" in next(lines)["set"]
    with pytest.raises(BadInput):
        next(lines)


class Slow(Loader):
    """Loads for ever, as long as somebody waits; it notes that it goes on."""

    def __init__(self) -> None:
        self.ticks: list[float] = []

    def load(self, card: Any, key: Any, progress: Any) -> Loaded:
        while True:
            cancellation.check()
            self.ticks.append(time.monotonic())
            time.sleep(0.01)


def test_a_load_that_is_left_ends(tmp_path):
    slow, context = Slow(), context_of(tmp_path)
    context = Context(context.settings, context.catalog, ModelCache(100, slow))
    lines = load(context, "mine")
    assert "mine" in next(lines)["progress"]
    left = time.monotonic()
    lines.close()
    time.sleep(0.7)
    assert slow.ticks[-1] - left < 0.5
    count = len(slow.ticks)
    time.sleep(0.1)
    assert len(slow.ticks) == count


def test_packages_that_are_not_here_say_what_fetching_them_costs(tmp_path, no_packages):
    context = context_of(tmp_path)
    lines = list(Answers(context).look(Given({}, "models", "#pg-models")))
    shown = next(line["html"] for line in lines if line.get("place") == "pg-models-offered")
    for name, size in (("SmolLM2-135M-Instruct", "93 MB"), ("glove-wiki-gigaword-50", "76 MB")):
        row = shown.split(f'data-name="{name}" data-state="download"')[1].split("</li>")[0]
        assert f"↓ {size} from the package index" in row and "Python package" in row
    assert "made by a third party" in shown, "whose weights these are"
    names = next(line["set"]["models.name"]["choices"] for line in lines if "set" in line)
    assert ("SmolLM2-135M-Instruct (↓ 93 MB from the package index)", "SmolLM2-135M-Instruct") in names
    states = {row["name"]: (row["source"], row["state"]) for row in inventory(context)}
    assert states["SmolLM2-135M-Instruct"] == ("package", "download")


def test_a_public_server_offers_none_that_it_would_have_to_fetch(tmp_path, no_packages):
    context = context_of(tmp_path, "--public")
    assert not {"SmolLM2-135M-Instruct", "glove-wiki-gigaword-50"} & {
        row["name"] for row in inventory(context)
    }


def test_models_stand_in_groups_what_they_are_good_for_before_what_they_cost(tmp_path):
    context = context_of(tmp_path)
    with context.models.lease(context.catalog.find("mine")):
        shown, _, offered = look(context)
    here, away = offered.split('<details class="mod-group">')
    assert 'data-name="mine"' in shown and 'data-name="mine"' not in offered
    assert 'data-name="byt5" data-state="ready"' in here
    gpt2 = away.split('data-name="openai-community/gpt2"')[1].split("</li>")[0]
    order = ["2019", "124 million parameters, 249 MB in bfloat16", 'data-models="try"']
    assert [gpt2.find(each) for each in order] == sorted(gpt2.find(each) for each in order)
    assert all(each in gpt2 for each in order)


def test_every_model_that_is_listed_says_what_it_is_good_for(tmp_path):
    from playground import rooms

    rooms.register()
    named = [*catalog.EMBEDDED_BY_NAME, *catalog.PACKAGED_BY_NAME, *catalog.FETCHED_BY_NAME]
    assert [name for name in named if name not in TOLD] == []
    for lang in text.LANGUAGES:
        assert all(text.say(key, lang) for key in TOLD.values())


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "tutor"])
def test_parameters_are_those_of_the_models_plan(name):
    model = skeletons.build(presets.presets()[presets.find(name).name].config, name)
    assert sum(each.numel() for each in model.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize(("count", "lang", "said"), [
    (1_100_048_384, "en", "1.1 billion"), (124_439_808, "en", "124 million"),
    (1_100_048_384, "zh-TW", "11 億"), (22_713_216, "zh-CN", "2,270 万"),
])  # fmt: skip
def test_parameters_are_said_as_people_say_them(count, lang, said):
    assert view._rounded(count, lang) == said
