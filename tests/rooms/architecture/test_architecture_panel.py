"""What the Architecture panel does with choices, numbers and nonsense."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

from playground import text
from playground.errors import BadInput, CannotLoad, DoesNotFit, HubUnreachable, PlaygroundError
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader, presets, skeletons
from playground.rooms.architecture import example, memory, service, what_if
from playground.rooms.architecture.actions import SAMPLES, Answers
from playground.rooms.architecture.api import plain
from playground.rooms.architecture.request import changes, uploaded
from playground.rooms.architecture.service import FIRST, ArchitectureService
from playground.settings import Settings
from playground.system import cancellation
from playground.ui.context import Context
from playground.ui.controls import page_of
from playground.ui.runs import Given, Line
from playground.ui.visitor import sentence, set_owner_language
from tests.models import saved
from tests.ui.whole import whole_page


@pytest.fixture
def do(tmp_path) -> ArchitectureService:
    settings = Settings(models_dir=tmp_path / "models", cache_dir=tmp_path, offline=True)
    catalog = Catalog(settings.models_dir, tmp_path / "uploads", offline=True)
    return ArchitectureService(
        Context(settings, catalog, ModelCache(2**31, TransformersLoader(offline=True)))
    )


def test_the_menu_holds_presets_and_folders(do, tmp_path):
    saved.save(tmp_path / "models" / "mine")
    names = [name for _, name in do.choices()]
    assert names[0] == FIRST and {"mine", "all-MiniLM-L6-v2", *SAMPLES.values()} <= set(names)
    assert len(names) == len(set(names))
    plan, notes = do.plan("mine")
    assert plan.parameters == sum(p.numel() for p in saved.model("Llama").parameters())
    assert len(notes) == 2 and f"{plan.parameters:,}" in notes[1], "the files' headers agree"


def test_a_folder_wins_over_a_preset_of_that_name(do, tmp_path):
    saved.save(tmp_path / "models" / "gpt2")
    assert do.plan("gpt2")[0].shape.hidden == 64
    assert do.plan("openai-community/gpt2")[0].parameters == 124_439_808


def test_the_first_plan_is_the_shipped_one(do, monkeypatch):
    monkeypatch.setattr(skeletons, "build", lambda *_: pytest.fail("built anew"))
    assert do.plan(FIRST)[0].parameters == 1_100_048_384


def test_a_plan_is_built_once_for_all_who_ask(do, monkeypatch):
    made, build = [], skeletons.build
    monkeypatch.setattr(skeletons, "build", lambda *given: made.append(given) or build(*given))
    threads = [threading.Thread(target=do.plan, args=("gpt2",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


@pytest.mark.parametrize(
    ("name", "pasted", "kind"),
    [
        ("", "", BadInput), (None, "", BadInput), ("../../etc/passwd", "", BadInput), ("👍", "", BadInput),
        ("<img src=x onerror=alert(1)>", "", BadInput), ("x" * 10_000, "", BadInput),
        ("nobody/nothing", "", HubUnreachable), ("mistral-v1", "", BadInput), ("byt5", "", BadInput),
        (FIRST, "nonsense", BadInput), (FIRST, "[]", BadInput), (FIRST, "{}", BadInput),
        (FIRST, '{"model_type": "own"}', CannotLoad), (FIRST, "x" * 50 * 2**20, BadInput),
        (FIRST, '{"model_type": "llama", "num_hidden_layers": 1000000000}', BadInput),
        (FIRST, '{"model_type": "llama", "hidden_size": -1}', BadInput),
    ],
)  # fmt: skip
def test_nonsense_is_told_in_every_language(do, name, pasted, kind):
    with pytest.raises(kind) as caught:
        do.plan(name, pasted)
    for lang in text.LANGUAGES:
        told = sentence(caught.value, lang)
        assert told and "<" not in told and "{}" not in told.replace("{…}", "") and len(told) < 600


def test_code_of_its_own_still_shows_a_tree(do, tmp_path):
    folder = saved.save(tmp_path / "models" / "own")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({**config, "model_type": "own", "auto_map": {"AutoModel": "x.Y"}})
    )
    plan, notes = do.plan("own")
    assert plan.parameters == sum(p.numel() for p in saved.model("Llama").parameters()) and not plan.kind
    assert "never run" in notes[0]
    scene, steps = do.flow(plan, plan, "hello")
    shown = do.memory(plan, 2048, 1) + str(scene) + steps + do.training(plan, 8, [], 1, 1)
    assert "NF4" not in do.gauge(plan, plan, 2048, 1)
    assert "bfloat16" in shown and "NF4" not in shown
    answer = plain(plan, 10)
    assert answer["memory"]["nf4"] is None and answer["memory"]["float32"] == 4 * plan.parameters
    with pytest.raises(CannotLoad):
        do.changed(plan, {"num_hidden_layers": 1})
    (folder / "model.safetensors").unlink()
    with pytest.raises(CannotLoad) as caught:
        do.plan("own")
    assert caught.value.key == "errors.unknown_architecture"


@pytest.mark.parametrize(
    "name", [*list(presets.presets())[::10], "deepseek-ai/DeepSeek-V3", "google/flan-t5-small"]
)
def test_every_tab(do, name):
    """All views, without a leak of a placeholder, in the three languages."""
    plan, notes = do.plan(name)
    for lang in text.LANGUAGES:
        set_owner_language(lang)
        try:
            names = memory.usual_targets(plan)
            scene, steps = do.flow(plan, plan, "hello world")
            assert scene and "{}" not in json.dumps(scene["layers"])
            pages = [steps, do.gauge(plan, plan, 4096, 2), do.memory(plan, 4096, 2), *notes]
            pages += [do.training(plan, 8, names, 4096, 2), do.what_if(plan, {}, 4096, 2), do.raw(plan)]
        finally:
            set_owner_language("")
        for page in pages[:5]:
            shown = re.sub(r'<pre hidden class="pg-data">.*?</pre>', "", page, flags=re.DOTALL)  # figures
            assert shown and "{" not in shown
    assert do.compare(plan, "gpt2", 4096, 1)


def test_measured_stands_beside_predicted(do, tmp_path):
    saved.save(tmp_path / "models" / "mine")
    plan, _ = do.plan("mine")
    assert do.measured(plan) == {} and "measured" not in do.memory(plan, 128, 1)
    card = do.context.catalog.find("mine")
    with do.context.models.lease(card, "causal", dtype="float32"):
        pass
    assert do.measured(plan) == {"float32": memory.in_bytes(plan)["float32"]}
    page = do.memory(plan, 128, 1)
    assert "measured here" in page and "✓" in page


def test_a_sentence_model_is_measured_too(do):
    plan, _ = do.plan("all-MiniLM-L6-v2")
    card = do.context.catalog.find("all-MiniLM-L6-v2")
    with do.context.models.lease(card, "encoder", dtype="float32"):
        pass
    # 22,713,216 parameters, and two tables of 512 places that are kept as 8-byte whole numbers.
    assert do.measured(plan) == {"float32": 4 * 22_713_216 + 2 * 512 * 8}
    assert "✓" in do.memory(plan, 128, 1)


def test_a_language_model_without_its_head_is_another_class(do, tmp_path):
    folder = saved.save(tmp_path / "models" / "mine")
    part = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    (folder / "modules.json").write_text(json.dumps([part]))
    plan, _ = do.plan("mine")
    card = do.context.catalog.find("mine")
    with do.context.models.lease(card, "encoder", dtype="float32"):
        pass
    assert do.measured(plan) == {}


def test_a_knob_that_is_not_turned_changes_nothing(do):
    plan, _ = do.plan(FIRST)
    known = [22, 2048, 32, 4, 5632, 32000, 2048, False, "silu", "rmsnorm"]
    values = dict(zip(what_if.KNOBS, known, strict=True))
    assert changes(plan, values) == {}
    assert changes(plan, {**values, "num_hidden_layers": 23.0}) == {"num_hidden_layers": 23}
    assert changes(plan, {**values, "num_hidden_layers": None}) == {}
    page = do.what_if(plan, {"num_key_value_heads": 32}, 2048, 1)
    assert "1,261,529,088" in page and "+161,480,704" in page and "num_key_value_heads=32" in page


def test_make_it_real(do):
    plan, _ = do.plan(FIRST)
    small = {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "vocab_size": 500}
    page = do.make_real(plan, small, "hello world")
    # 2 × 500 × 64, two layers of 64 × (64 + 8 + 8 + 64) + 3 × 64 × 128 + 2 × 64, and a last norm
    assert f"{2 * 500 * 64 + 2 * (64 * 144 + 3 * 64 * 128 + 128) + 64:,}" in page
    assert "model.layers.1" in page and "500]" in page
    with pytest.raises(DoesNotFit):
        do.make_real(plan, {}, "hello")
    for name in ("google-bert/bert-base-uncased", "google/flan-t5-small"):
        assert "parameters" in do.make_real(do.plan(name)[0], {"vocab_size": 500}, "hello world")


def test_live_of_the_embedded_models(do):
    *_, page = do.live("tutor", "", "敏捷的棕色狐狸 👩‍🚀")
    assert "⟨" in page and "�" not in page  # bytes, where a token is a part of a character
    *_, page = do.live("all-MiniLM-L6-v2", "", "Hello world")
    assert "encoder.layer.5" in page and "[1, 4, 384]" in page and "float32" in page and "world" in page
    for name, said in (("all-MiniLM-L6-v2", " "), ("mistral-v1", "x"), ("", "x")):
        with pytest.raises(PlaygroundError):
            list(do.live(name, "", said))


@pytest.mark.parametrize("context", [0, -1, 2.5, "many", None, True, 10**9])
def test_sliders_take_numbers_only(do, context):
    with pytest.raises(BadInput) as caught:
        do.memory(do.plan(FIRST)[0], context, 1)
    assert caught.value.key == "errors.number_range"


def given(by: str = "open", **changed: Any) -> Given:
    """The controls as they are built, but for what is changed."""
    known = page_of(whole_page()).controls.items()
    values = {id: each.default for id, each in known if id.startswith("architecture.")}
    return Given({**values, **{f"architecture.{name}": v for name, v in changed.items()}}, "architecture", by)


def set_by(lines: list[Line]) -> dict[str, Any]:
    return {id: value for line in lines for id, value in line.get("set", {}).items()}


def placed(lines: list[Line]) -> dict[str, str]:
    return {line["place"]: line["html"] for line in lines if "html" in line}


def test_it_opens_on_the_plan_as_shipped(do, monkeypatch):
    monkeypatch.setattr(skeletons, "build", lambda *_: pytest.fail("built anew"))
    monkeypatch.setattr(do, "tokens", lambda *_: pytest.fail("counted anew"))
    answers = Answers(do)
    told = set_by([*answers.opening(given())])
    said = text.say("architecture.example_sentence", "en")
    assert FIRST in dict(told["architecture.model"]["choices"]).values()
    lines = [*answers.plan(given())]
    assert not [line for line in lines if "progress" in line]
    assert "1,100,048,384" in placed(lines)["arc-top"] and "k_proj" in placed(lines)["arc-tree"]
    knobs = set_by(lines)
    assert knobs["architecture.num_hidden_layers"] == {"default": 22, "interactive": True}
    assert knobs["architecture.targets"]["default"] == [*memory.usual_targets(example.plan())]
    assert [line["ask"].partition("/")[2] for line in lines[-4:]] == ["gauge", "flow", "what_if", "training"]
    drawn = next(line["data"] for line in answers.flow(given(sentence=said)) if "data" in line)
    assert drawn["total"] == 1_100_048_384 and drawn["tokens"] == example.tokens("en")[0]
    assert "2.2 GB" in placed([*answers.gauge(given())])["arc-gauge"]


def test_the_model_that_is_looked_at_is_seen_at_work(do):
    answers = Answers(do)
    for by, expected in (
        ("open", {"default": "tutor"}),
        ("architecture.model", {"default": "tutor", "value": "tutor"}),
    ):
        assert set_by([*answers.plan(given(by, model="tutor"))])["architecture.live"] == expected
    assert "architecture.live" not in set_by([*answers.plan(given(model=FIRST))])
    assert "architecture.live" not in set_by(
        [*answers.plan(given(model="tutor", config='{"model_type": "gpt2"}'))]
    )


def test_an_offered_model_and_a_file_take_everything_else_back(do, tmp_path):
    answers = Answers(do)
    (line,) = answers.sample(given("#arc-sample-2"))
    assert line["set"]["architecture.model"] == SAMPLES["GPT-2"] and line["set"]["architecture.config"] == ""
    assert line["set"]["architecture.targets"] == line["set"]["architecture.norm"] == {"reset": True}
    assert not [*answers.sample(given("#arc-sample-99"))]
    file = tmp_path / "config.json"
    file.write_text('{"model_type": "gpt2"}')
    (line,) = answers.receive(str(file))
    assert line["set"]["architecture.config"] == file.read_text()
    for content, key in ((b"\xff\xfe{", "config_not_json"), (None, "config_empty")):
        if content:
            file.write_bytes(content)
        with pytest.raises(BadInput) as caught:
            uploaded(str(file) if content else None)
        assert caught.value.key == f"errors.{key}"


@pytest.mark.parametrize("pasted", ['{"model_type": "dbrx"}', "nonsense", '{"model_type": "own"}'])
def test_what_cannot_be_shown_is_told_in_its_place_and_nothing_stays(do, pasted):
    with pytest.raises(PlaygroundError) as caught:
        do.plan(FIRST, pasted)
    answers, found = Answers(do), {}
    for action in (answers.plan, answers.flow, answers.memory, answers.training, answers.what_if,
                   answers.compare, answers.raw, answers.real):  # fmt: skip
        lines = []
        with pytest.raises(PlaygroundError) as told:
            for line in action(given("architecture.config", config=pasted)):
                lines.append(line)
        assert told.value.key == caught.value.key
        found |= placed(lines)
        if action == answers.plan:
            knobs = [set_by(lines)[f"architecture.{name}"] for name in what_if.KNOBS]
            assert not any(knob["interactive"] for knob in knobs)
    assert len(found) == 10 and set(found.values()) == {""}


def test_of_another_model_that_cannot_be_had_nothing_stays(do):
    lines = []
    with pytest.raises(HubUnreachable):
        for line in Answers(do).compare(given(other="nobody/nothing")):
            lines.append(line)
    assert placed(lines) == {"arc-compare": ""}


class Left:
    """Somebody who leaves once so much was begun."""

    def __init__(self, after: int) -> None:
        self.begun, self.after = 0, after

    def begin(self, *_: Any) -> None:
        self.begun += 1

    def __call__(self) -> bool:
        return self.begun >= self.after


def test_who_leaves_ends_the_pass_that_is_watched(do):
    card = do.context.catalog.find("tutor")
    with do.context.models.lease(card, "causal") as loaded:
        left = Left(2)
        hooks = [layer.register_forward_hook(left.begin) for layer in loaded.model.model.layers]
        with cancellation.when(left), pytest.raises(cancellation.Abandoned):
            [*do.live("tutor", "", "Hello world")]
        assert left.begun == 2 < len(loaded.model.model.layers)
        for hook in hooks:
            hook.remove()
    *_, page = do.live("tutor", "", "Hello world")  # nobody stands in line still
    assert "model.layers.1" in page


def test_who_leaves_ends_what_is_built_for_real(do, monkeypatch):
    plan, _ = do.plan(FIRST)
    small = {"hidden_size": 64, "intermediate_size": 128, "vocab_size": 500, "num_hidden_layers": 40}
    new, left = do.changed(plan, small), Left(4)
    kind = type(skeletons.real({**new.config, "num_hidden_layers": 1}).model.layers[0])
    init = kind.__init__
    monkeypatch.setattr(kind, "__init__", lambda *given, **how: (left.begin(), init(*given, **how))[1])
    left.begun = 0
    with cancellation.when(left), pytest.raises(cancellation.Abandoned):
        do.make_real(plan, small, "hello")
    assert 4 <= left.begun < 20


def test_who_waits_for_anothers_plan_may_leave(do):
    with do._lock, cancellation.when(lambda: True), pytest.raises(cancellation.Abandoned):
        do.plan("gpt2")


def test_an_error_while_a_plan_is_read_is_a_sentence(do, monkeypatch):
    def broken(*_):
        raise RuntimeError("a field that differs per layer")

    monkeypatch.setattr(service, "read", broken)
    with pytest.raises(BadInput) as caught:
        do.plan(FIRST, '{"model_type": "llama", "num_hidden_layers": 1}')
    assert caught.value.key == "errors.config_refused"
