"""The Next token panel, from what a page or a program sends to what it hears; small models, and the tutor."""

from __future__ import annotations

import json
import math
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from playground import ASSETS, text
from playground.engine.generation import interpret
from playground.engine.generation.sampling import Settings
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.next_token import api, example, view_data
from playground.rooms.next_token.actions import Answers
from playground.rooms.next_token.logit_cache import Rows
from playground.settings import read
from playground.ui.context import Context
from playground.ui.controls import page_of
from playground.ui.runs import Given
from tests.models import saved
from tests.ui.whole import whole_page

TEXT = "Once upon a time"
KEYS = ["tokens", "hidden_shape", "logits_shape", "candidates", "lookup", "rest", "entropy_bits"]
CANDIDATE = ["id", "piece", "text", "logit", "probability", "filtered_probability", "kept"]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("next")
    saved.save(folder / "small", template=saved.TEMPLATE)
    saved.save(folder / "other", "GPT2", seed=3)
    return Context(
        read(["--device", "cpu", "--dtype", "float32"], {}),
        Catalog(folder, folder, offline=True),
        ModelCache(2**30, TransformersLoader(offline=True)),
    )


@pytest.fixture
def do(context: Context) -> Answers:
    return Answers(context)


def lease(context: Context, name: str = "small") -> AbstractContextManager[Loaded]:
    return context.models.lease(context.catalog.find(name), "causal", device="cpu", dtype="float32")


class Counter:
    """How many tokens the model was fed, pass by pass."""

    def __init__(self, context: Context, name: str = "small") -> None:
        self.fed: list[int] = []
        with context.models.lease(
            context.catalog.find(name), "causal", device="cpu", dtype="float32"
        ) as loaded:
            loaded.model.register_forward_pre_hook(
                lambda _, __, kwargs: self.fed.append(int(kwargs["input_ids"].shape[1])), with_kwargs=True
            )

    def take(self) -> list[int]:
        fed, self.fed = self.fed, []
        return fed


def given(**more: Any) -> dict[str, Any]:
    return {"model": "small", "prompt": TEXT, "temperature": 1, "count": 12, "conversation": "c" * 32, **more}


def looked(do: Answers, **more: Any) -> dict[str, Any]:
    *_, last = do.look(given(**more))
    assert "look" in last, last
    found: dict[str, Any] = last["look"]
    return found


def bare(context: Context, ids: list[int], name: str = "small") -> torch.Tensor:
    with (
        lease(context, name) as loaded,
        torch.inference_mode(),
    ):
        return loaded.model(input_ids=torch.tensor([ids])).logits[0].float()


# ---- the page ----


def test_the_menus_of_models_are_filled_and_what_is_chosen_stays(do: Answers, no_packages: None) -> None:
    line, shown = do.opening(Given({}, "next_token", "open"))
    names = [card.name for card in do.context.catalog.offered("causal")]
    assert {"small", "other", "tutor"} <= {*names}
    offered = {"choices": [(name, name) for name in names], "default": "tutor"}  # and no value
    assert line == {"set": {"next_token.model": offered, "next_token.beside_model": offered}}
    assert 'data-model-of="next_token.model" data-model="tutor"' in shown["html"]


def test_the_room_is_built_as_the_shipped_example() -> None:
    """Else it would be asked for anew as soon as the room is opened."""
    held = {id: each.default for id, each in page_of(whole_page()).controls.items() if "next_token." in id}
    built = {
        "prompt": example.opening(), "model": example.MODEL, "precision": "", "chat": False,
        "temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "count": example.LOOKED, "seed": -1,
    }  # fmt: skip
    assert held.items() >= {f"next_token.{name}": value for name, value in built.items()}.items()
    assert page_of(whole_page()).controls["next_token.prompt"].said == "next_token.example_capital"
    for lang in text.LANGUAGES:
        for shipped in example.all_shipped(lang):
            assert shipped["prompt"] == example.opening(lang)
            assert len(shipped["candidates"]) == example.LOOKED


def test_the_room_adds_no_listener_of_gradios() -> None:
    """Its controls are heard by the store's alone."""
    assert not [fn.js for fn in whole_page().fns.values() if "playground.next" in str(fn.js)]
    controls = page_of(whole_page()).controls.items()
    mine = {each.component._id for id, each in controls if "next_token." in id and each.component is not None}
    heard = [fn for fn in whole_page().fns.values() if mine & {source for source, _ in fn.targets}]
    assert len(heard) == 1 and "store.heard" in str(heard[0].js)


def test_a_look_is_the_model(context: Context, do: Answers) -> None:
    found = looked(do, score_prompt=True)
    rows = bare(context, found["ids"])
    own = rows[-1].softmax(-1)
    assert [each[0] for each in found["candidates"]] == own.topk(12).indices.tolist()
    assert np.allclose(found["weighed"]["own"], own.topk(12).values, atol=1e-6)
    assert (found["n"], found["vocabulary"]) == (len(found["ids"]), saved.VOCABULARY)
    likely = rows.softmax(-1)
    assert found["p"][0] is None and len(found["p"]) == found["n"] == len(found["tokens"])
    for place, id in enumerate(found["ids"][1:], 1):
        assert found["p"][place] == pytest.approx(float(likely[place - 1, id]), rel=1e-4)
    loss = -np.mean([math.log(p) for p in found["p"][1:]])
    assert found["perplexity"] == pytest.approx(math.exp(loss), rel=1e-4)
    json.dumps(found)


def test_sliders_need_no_pass(context: Context, do: Answers) -> None:
    found, counter = looked(do), Counter(context)
    logits = bare(context, found["ids"])[-1]
    counter.take()
    for temperature, top_k in ((0.5, 0), (2.0, 7), (0, 3)):
        answer = do.reweigh(given(row=found["row"], temperature=temperature, top_k=top_k))["weighed"]
        assert len(answer["own"]) == 12
        if temperature:
            assert answer["warm"][0] == pytest.approx(
                float((logits / temperature).softmax(-1).max()), rel=1e-5
            )
        assert sum(answer["final"]) <= 1 + 1e-6
        assert answer["gone"].count(0) == (1 if temperature == 0 else top_k or 12)
    assert looked(do)["row"] == found["row"]  # the same prompt once more
    assert counter.take() == []
    assert do.reweigh(given(row="nobody's")) == do.reweigh(None) == {"gone": True}
    assert "temperature" in do.reweigh(given(row=found["row"], temperature=-1))["error"]


def test_a_branch_n_deep_reads_one_token_each(context: Context, do: Answers) -> None:
    first = looked(do, prompt="Once upon a time there was", score_prompt=True)
    counter, ids = Counter(context), first["ids"]
    path = list(ids)
    for _ in range(4):
        found = looked(do, ids=path, choose="greedy")
        path.append(found["chosen"]["token"][0])
    assert counter.take() == [1] * 4
    other = looked(do, ids=path[:-2], choose=40)  # back by two, another way
    assert counter.take() == [1]
    assert other["chosen"]["token"][0] == 40 and other["n"] == len(path) - 1
    assert np.allclose(
        other["weighed"]["logit"][0], float(bare(context, [*path[:-2], 40])[-1].max()), atol=1e-3
    )
    counter.take()
    looked(do, ids=path)  # where it was before: kept
    assert counter.take() == []


def test_draws_are_of_the_seed(do: Answers) -> None:
    def draw(seed: int, draws: int) -> int:
        chosen = looked(do, choose="sample", ids=[5, 6], seed=seed, draws=draws)["chosen"]
        return int(chosen["token"][0])

    drawn = [[draw(seed, draws) for draws in range(6)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    with_filter = looked(do, choose="sample", ids=[5, 6], seed=1, top_k=1)["chosen"]
    assert with_filter["rank"] == 1 and with_filter["chance"] == 1


def test_inside_a_prompt_and_after_its_end(context: Context, do: Answers) -> None:
    ids = looked(do)["ids"]
    place = looked(do, ids=ids[:2])
    assert place["candidates"][0][0] == int(bare(context, ids[:2])[-1].argmax())
    ended = looked(do, ids=ids, choose=2)  # what a Llama ends with
    assert ended["chosen"]["end"] is True
    full = [5] * 256
    looked(do, ids=full)
    for lang, said in (("en", "is full"), ("zh-TW", "已滿")):
        assert said in text.say("errors.window_full", lang)
    for choose in (7, "greedy", "sample"):  # nobody wrote a prompt that could be shortened
        told = [*do.look(given(ids=full, choose=choose))][-1]["error"]
        assert told == text.say("errors.window_full", "en", window=256)


def test_chat_goes_through_the_template(context: Context, do: Answers) -> None:
    with context.models.lease(
        context.catalog.find("small"), "causal", device="cpu", dtype="float32"
    ) as loaded:
        text = loaded.tokenizer.apply_chat_template(
            [{"role": "user", "content": TEXT}], tokenize=False, add_generation_prompt=True
        )
        ids = loaded.tokenizer(text, add_special_tokens=False).input_ids
    assert looked(do, chat=True)["ids"] == ids != looked(do)["ids"]
    assert looked(do, chat=True)["plain"] is looked(do)["plain"] is False
    # Another model's words as the beginning of an answer: the template ends in them.
    begun = looked(do, chat=True, answer="The capital")["ids"]
    assert loaded.tokenizer.decode(begun) == loaded.tokenizer.decode(ids) + "The capital"


def test_a_message_without_a_template_is_told(do: Answers) -> None:
    told = looked(do, model="other", chat=True)
    assert told["plain"] is True
    assert told["ids"] == looked(do, model="other")["ids"]
    assert looked(do, model="other", chat=True, answer="The")["plain"] is True
    assert looked(do, model="other")["plain"] is False


def test_any_token_is_found(context: Context, do: Answers) -> None:
    *_, found = do.find(given(query="time"))
    probabilities = bare(context, looked(do)["ids"])[-1].softmax(-1)
    assert found["total"] >= len(found["found"]) > 0
    for each in found["found"]:
        id = each["token"][0]
        assert each["p"] == pytest.approx(float(probabilities[id]), rel=1e-4)
        assert each["rank"] == 1 + int((probabilities > probabilities[id]).sum())
    assert [*do.find(given(query="no such token in it"))][-1]["found"] == []
    assert [*do.find(given(query=7))][-1]["found"] == []
    beyond = [*do.find(given(query="99999999"))][-1]
    assert (beyond["found"], beyond["last"]) == ([], saved.VOCABULARY - 1)
    assert [*do.find(given(query=str(beyond["last"])))][-1]["found"][0]["token"][0] == beyond["last"]


def test_what_comes_from_a_text_is_no_html(context: Context, do: Answers) -> None:
    *_, told = do.lens(given(prompt="<img src=x onerror=alert(1)> & \u202e 👍"))
    assert "<img" not in told["html"] and "\u202e" not in told["html"] and "</table>" in told["html"]


def test_lens_and_attention(context: Context, do: Answers) -> None:
    *_, told = do.lens(given())
    n, layers = looked(do)["n"], 2
    assert told["html"].count("<td") == n * (layers + 1) + 1  # and the corner
    with context.models.lease(
        context.catalog.find("small"), "causal", device="cpu", dtype="float32"
    ) as loaded:
        weights = interpret.attention(loaded, looked(do)["ids"]).weights.astype(np.float32)
    *_, average = do.attention(given(layer=1, head=-1))
    *_, single = do.attention(given(layer=1, head=2))
    assert (average["layers"], average["heads"], average["head"]) == ([0, 1], 4, -1)
    assert np.allclose(np.array(average["matrix"]) / 1000, weights[1].mean(0), atol=1e-3)
    assert np.allclose(np.array(single["matrix"]) / 1000, weights[1, 2], atol=1e-3)
    assert len(average["tokens"]) == n
    for odd in ({"layer": "1e"}, {"layer": [1]}, {"head": {}}, {"head": float("nan")}):
        assert "error" in [*do.attention(given(**odd))][-1]


def test_rows_that_went_are_looked_at_again(context: Context) -> None:
    forgetful = Answers(context, Rows(1))
    first = looked(forgetful, ids=[5, 6])
    looked(forgetful, ids=[5, 6, 7])
    assert forgetful.reweigh(given(row=first["row"])) == {"gone": True}
    assert looked(forgetful, ids=[5, 6])["weighed"]["own"] == pytest.approx(first["weighed"]["own"], rel=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": ""}, "empty"), ({"prompt": 7}, "int"), ({"prompt": "girl " * 2000}, "256"),
        ({"prompt": "x" * 2_000_001}, "2,000,001"), ({"prompt": "a\ud800"}, "character"),
        ({"temperature": -0.1}, "temperature"), ({"temperature": float("nan")}, "temperature"),
        ({"top_k": -1}, "top_k"), ({"top_k": 1.5}, "top_k"), ({"top_p": 1.1}, "top_p"),
        ({"top_p": "x"}, "top_p"),
        ({"min_p": 2}, "min_p"), ({"count": 0}, "count"), ({"count": 201}, "count"),
        ({"seed": 2**70}, "seed"),
        ({"ids": ["a"]}, "Ids are whole numbers"), ({"ids": [10**6]}, "1000000"),
        ({"choose": "best"}, "choose"),
        ({"choose": 10**6}, "1000000"), ({"choose": -4}, "-4"),
        ({"model": ""}, "name"), ({"model": "all-MiniLM-L6-v2"}, "all-MiniLM-L6-v2"),
        ({"model": "nobody/nothing"}, "offline"), ({"quantization": "fp4"}, "fp4"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(do: Answers, change: dict[str, Any], words: str) -> None:
    told = [*do.look(given(**change))][-1]
    assert words in told["error"] or words in told["error"].replace(" ", "_"), told
    assert looked(do)["n"], "the next one works"


@pytest.mark.parametrize(
    "edge", [{"top_k": 0}, {"top_p": 0}, {"top_p": 1}, {"top_k": 10**6}, {"temperature": 0}]
)
def test_edges_are_answers(do: Answers, edge: dict[str, Any]) -> None:
    found = looked(do, **edge)["weighed"]
    assert found["final"][0] > 0
    if edge in ({"top_p": 0}, {"temperature": 0}):
        assert found["final"][0] == 1


def test_what_json_cannot_say_and_rounded_numbers_lose() -> None:
    settings = Settings(temperature=1.0)
    row: Any = SimpleNamespace(logits=torch.tensor([20.0, 3.0, 2.0, -math.inf]), vocabulary=4)
    told = view_data.weighed(row, settings, [0, 3])
    json.dumps(told, allow_nan=False)
    assert told["rest"] == pytest.approx([math.exp(-17) + math.exp(-18)] * 6, rel=1e-4)
    assert view_data.weighed(row, settings, [0, 1, 2, 3])["rest"] == [0] * 6


# ---- programs ----


def asked(do: Answers, prompt: Any = TEXT, **more: Any) -> dict[str, Any]:
    how = {"model": "small", "temperature": 1.0, "top_k": 0, "top_p": 1.0, "count": 20, "lookup": [], **more}
    return api.answer(do, prompt, **how)


def test_the_endpoint_is_as_promised(context: Context, do: Answers) -> None:
    told = asked(do, temperature=0.7, top_k=5, top_p=0.9, lookup=[" time", "</s>", "40"])
    assert list(told) == KEYS
    ids = [token["id"] for token in told["tokens"]]
    assert list(told["tokens"][0]) == ["id", "piece", "text", "bytes", "start", "end", "special"]
    assert "".join(token["text"] for token in told["tokens"]) == TEXT
    n = len(ids)
    assert told["hidden_shape"] == [1, n, 64] and told["logits_shape"] == [1, n, saved.VOCABULARY]
    logits = bare(context, ids)[-1]
    own = logits.double().softmax(-1)
    for each in told["candidates"]:
        assert list(each) == CANDIDATE
        assert each["logit"] == pytest.approx(float(logits[each["id"]]), abs=1e-4)
        assert each["probability"] == pytest.approx(float(own[each["id"]]), abs=1e-6)
        assert each["kept"] == (each["filtered_probability"] > 0)
    for key in ("probability", "filtered_probability"):
        assert sum(each[key] for each in told["candidates"]) + told["rest"][key] == pytest.approx(1, abs=1e-6)
    assert told["entropy_bits"] == pytest.approx(float(-(own * own.log2()).sum()), abs=1e-4)
    assert [list(each) for each in told["lookup"]] == [[*CANDIDATE, "rank"]] * 3
    assert [each["text"] for each in told["lookup"]][:2] == [" time", "</s>"]
    assert told["lookup"][0]["rank"] == 1 + int((own > own[told["lookup"][0]["id"]]).sum())
    assert all(type(each["rank"]) is int and type(each["kept"]) is bool for each in told["lookup"])
    json.dumps(told)


@pytest.mark.parametrize(
    ("prompt", "change"),
    [
        ("", {}), (None, {}), (5, {}), ("girl " * 2000, {}), (TEXT, {"temperature": -1}),
        (TEXT, {"top_k": -3}),
        (TEXT, {"top_p": 1.5}), (TEXT, {"count": 0}), (TEXT, {"count": 10**9}), (TEXT, {"lookup": 7}),
        (TEXT, {"lookup": [""]}), (TEXT, {"lookup": [5]}), (TEXT, {"lookup": ["x"] * 1000}),
        (TEXT, {"model": "byt5"}),
    ],
)  # fmt: skip
def test_programs_are_refused_in_sentences(do: Answers, prompt: Any, change: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        asked(do, prompt, **change)


def test_nothing_large_travels(context: Context, do: Answers) -> None:
    found = looked(do, count=200, score_prompt=True)
    assert len(json.dumps(found)) < 40_000
    assert len(json.dumps(do.reweigh(given(row=found["row"], count=200)))) < 20_000


# ---- the tutor ----


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_shipped_example_is_what_is_computed(lang: str) -> None:
    shipped = example.shipped(lang)
    now = example.computed(ModelCache(2**30, TransformersLoader(offline=True)), lang)
    assert shipped["ids"] == now["ids"] and shipped["tokens"] == now["tokens"]
    assert shipped["candidates"][:3] == now["candidates"][:3]
    assert shipped["weighed"]["own"] == pytest.approx(now["weighed"]["own"], rel=0.01, abs=1e-7)
    assert shipped["p"][1:] == pytest.approx(now["p"][1:], rel=0.01)
    assert shipped["perplexity"] == pytest.approx(now["perplexity"], rel=0.01)


def test_how_the_tutor_learned(context: Context) -> None:
    kept = json.loads((ASSETS / "tutor" / "learning.json").read_text(encoding="utf-8"))
    told = example.learning()
    assert told["prompts"][told["prompt"]][1] == example.opening()
    assert [moment["step"] for moment in told["moments"]] == [shot["step"] for shot in kept["snapshots"]]
    last = told["moments"][-1]["answers"]
    expected = kept["snapshots"][-1]["answers"][told["prompt"]]
    assert [p for _, p in last] == [p for _, p in expected] == sorted((p for _, p in expected), reverse=True)
    assert told["moments"][0]["answers"][0][1] < last[0][1]  # it has learned something
    for lang in text.LANGUAGES:
        found = example.learning(lang=lang)
        assert found["prompts"][found["prompt"]] == ["text", example.opening(lang)]
    other = example.learning(len(kept["prompts"]) - 1)
    assert other["prompt"] == len(kept["prompts"]) - 1
    assert example.learning(10**9) == example.learning("x") == example.learning(True) == told
    stream = api.streams(context)["next/learning"]
    for kind, said in (("text", "Egypt is a country in"), ("chat", "Who are you?")):
        (found,) = stream({"prompt": said, "chat": kind == "chat"})
        assert found["prompts"][found["prompt"]] == [kind, said]
        (other,) = stream({"prompt": said, "chat": kind != "chat"})  # not the same to the tutor
        assert other == told


def test_the_last_moment_is_the_shipped_tutor(context: Context) -> None:
    """What the slider shows at its end is what the model above it says."""
    card = context.catalog.find("tutor")
    told = example.learning()
    with context.models.lease(card, "causal", device="cpu", dtype="float32") as loaded:
        ids = adapter(loaded).encode(example.opening()).ids.tolist()
        with torch.inference_mode():
            best = int(loaded.model(torch.tensor([ids])).logits[0, -1].argmax())
        assert loaded.tokenizer.decode([best]) == told["moments"][-1]["answers"][0][0]
