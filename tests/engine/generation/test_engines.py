"""One way to a reply: the same states by llama.cpp and by transformers, and what an engine does not tell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from playground.engine import queue
from playground.engine.generation import conversation, engines, generate
from playground.engine.generation.sampling import Settings
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import Catalog, ModelCard
from playground.models.engines import llama
from playground.models.engines.interface import Capabilities, End, Engine, Order, Piece, Read, Token
from playground.models.loaders import TransformersLoader
from tests.models import gguf_files, saved

needs_llama = pytest.mark.skipif(not llama.available(), reason="xllamacpp is not installed on this platform")
HELLO = [{"role": "user", "content": "Once upon a time"}]


@dataclass
class Plays(Engine):
    """An engine that says what it is told to say."""

    pieces: list[Piece] = field(default_factory=list)
    asked: list[Order] = field(default_factory=list)
    closed: int = 0
    window: int = 64
    room: int = 100
    ends: frozenset[int] = frozenset({1})
    capabilities: Capabilities = field(default_factory=lambda: Capabilities("plays", together=2))

    def stream(self, order: Order) -> Any:
        self.asked.append(order)
        try:
            yield from self.pieces
        finally:
            self.closed += 1

    def likeliest(self, ids: Any, count: int) -> list[tuple[int, float]]:
        return [(70, 0.5), (71, 0.25)][:count]

    def close(self) -> None:
        """Nothing to end."""


def playing(*pieces: Piece) -> tuple[Loaded, Plays]:
    engine = Plays(list(pieces))
    return Loaded(ModelCard("plays", "folder", "plays.gguf"), saved.tokenizer(), engine), engine


def spelled(loaded: Loaded, text: str) -> list[int]:
    return [int(id) for id in adapter(loaded).encode(text, special=False).ids]


def token(
    loaded: Loaded, id: int, *, silent: int = 0, raw: bytes | None = None, p: float | None = 0.5
) -> Token:
    return Token(
        id, adapter(loaded).piece(id).bytes if raw is None else raw, p, ((id, 0.5), (70, 0.25)), silent
    )


def test_states_of_an_engine_are_those_of_a_reply() -> None:
    loaded, engine = playing()
    a, b = spelled(loaded, "ab")
    engine.pieces = [
        Read(0, 3, 0),
        Read(3, 3, 2),
        token(loaded, a),
        token(loaded, b, p=None),
        End("length", 3, 2, 2),
    ]
    states = list(engines.reply(loaded, [5, 6, 7], Settings(max_new_tokens=2, seed=9, temperature=0.5)))
    assert [type(state).__name__ for state in states] == ["Reading", "Reading", "Step", "Step", "Done"]
    first, second, done = states[2:]
    assert isinstance(first, generate.Step) and isinstance(second, generate.Step)
    assert first.text == "a" and second.text == "ab" and first.choice.rank == 1
    assert first.choice.top_ids == [a, 70] and math.isnan(first.choice.chance)
    assert math.isnan(second.choice.probability)  # not told is not zero
    assert isinstance(done, generate.Done)
    assert (done.stop_reason, done.ids, done.reused, done.seed, done.prompt_tokens) == (
        "length",
        [a, b],
        2,
        9,
        3,
    )
    (order,) = engine.asked
    assert (order.ids, order.max_new_tokens, order.seed, order.temperature) == ([5, 6, 7], 2, 9, 0.5)
    assert len(queue.line(loaded)) == 0


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (Settings(stop_ids=(70,)), "eos"),
        (Settings(stop_strings=("b",)), "string"),
        (Settings(max_new_tokens=1000), "window"),
    ],
)
def test_ends_that_an_engine_does_not_know(settings: Settings, reason: str) -> None:
    loaded, engine = playing()
    a, b = spelled(loaded, "ab")
    last = 70 if reason == "eos" else b
    engine.pieces = [token(loaded, a), token(loaded, last), End("length", 60, 2)]
    if reason != "window":
        engine.pieces[2:] = [token(loaded, a)] * 3
    *_, done = engines.reply(loaded, [5] * 60, settings)
    assert isinstance(done, generate.Done) and done.stop_reason == reason and len(done.ids) == 2
    assert engine.closed == 1
    assert engine.asked[0].max_new_tokens <= engine.window - 60


def test_tokens_that_only_begin_a_character_are_found_by_their_bytes() -> None:
    loaded, engine = playing()
    ids = spelled(loaded, "語👍")
    assert len(ids) == 7  # a byte each
    engine.pieces = [
        token(loaded, ids[2], silent=2, raw="語".encode()),
        token(loaded, ids[6], silent=3, raw="👍".encode()),
        End("length", 1, 7),
    ]  # fmt: skip
    states = list(engines.reply(loaded, [5], Settings()))
    steps = [state for state in states if isinstance(state, generate.Step)]
    assert [step.id for step in steps] == ids and steps[-1].text == "語👍"
    assert [step.new for step in steps] == ["", "", "語", "", "", "", "👍"]
    told = [not math.isnan(step.choice.probability) for step in steps]
    assert told == [False, False, True, False, False, False, True]


def test_a_stop_closes_the_engine_and_frees_the_line() -> None:
    loaded, engine = playing()
    engine.pieces = [token(loaded, 70)] * 10
    running = engines.reply(loaded, [5], Settings())
    next(running)
    assert len(queue.line(loaded)) == 1
    running.close()
    assert engine.closed == 1 and len(queue.line(loaded)) == 0
    *_, done = engines.reply(loaded, [5], Settings(), stop=lambda: len(engine.asked) > 1)
    assert isinstance(done, generate.Done) and done.stop_reason == "stopped" and not done.ids


def test_as_many_as_fit_write_together_and_the_next_one_waits() -> None:
    loaded, engine = playing()
    engine.pieces = [token(loaded, 70)] * 10
    running = [engines.reply(loaded, [5], Settings(max_new_tokens=10)) for _ in range(3)]
    assert isinstance(next(running[0]), generate.Step) and isinstance(next(running[1]), generate.Step)
    assert next(running[2]) == generate.Waiting(1)
    running[0].close()
    assert isinstance(next(running[2]), generate.Step)
    for each in running:
        each.close()


@pytest.mark.parametrize(
    ("ids", "key"),
    [([], "prompt_empty"), ([5] * 64, "prompt_too_long"), ([-1], "id_outside"), ([999], "id_outside")],
)
def test_prompts_that_no_engine_can_go_on_with(ids: list[int], key: str) -> None:
    loaded, engine = playing()
    with pytest.raises(BadInput) as told:
        next(engines.reply(loaded, ids, Settings()))
    assert told.value.key == f"errors.{key}" and not engine.asked


# ---- the real ones ----


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ModelCache, ModelCard]]:
    folder = tmp_path_factory.mktemp("engines")
    gguf_files.llama(folder / "tiny.gguf", kind="F32")
    made = ModelCache(2**32, TransformersLoader(offline=True, cache_dir=folder / "cache"))
    yield made, Catalog(folder, folder / "cache", offline=True).find("tiny.gguf")
    made.unload("tiny.gguf")


@needs_llama
def test_both_homes_give_the_same_probabilities(cache: tuple[ModelCache, ModelCard]) -> None:
    models, card = cache
    found = {}
    for role, how in (("engine", {}), ("causal", {"dtype": "float32"})):
        with models.lease(card, role, **how) as loaded:  # type: ignore[arg-type]
            prompt = conversation.compose(loaded, HELLO, max_new_tokens=16)
            assert prompt.window and not prompt.completion
            found[role] = prompt.ids, engines.likeliest(loaded, prompt.ids, Settings())
            able = engines.capabilities(loaded)
            assert able.inside == (role == "causal") and able.ids and able.alternatives >= 10
    assert found["engine"][0] == found["causal"][0]
    mine, theirs = found["engine"][1], found["causal"][1]
    assert [each.id for each in mine[:5]] == [each.id for each in theirs[:5]]
    assert [each.text for each in mine[:5]] == [each.text for each in theirs[:5]]
    assert [each.probability for each in mine] == pytest.approx(
        [each.probability for each in theirs], abs=0.01
    )
    assert all(math.isnan(each.chance) for each in mine) and not any(
        math.isnan(each.chance) for each in theirs
    )


@needs_llama
def test_what_an_engine_wrote_is_what_its_ids_say(cache: tuple[ModelCache, ModelCard]) -> None:
    models, card = cache
    with models.lease(card, "engine") as loaded:
        for seed in range(4):
            settings = Settings(max_new_tokens=40, temperature=1.2, seed=seed)
            *_, done = engines.reply(loaded, [0, 80, 81], settings)
            assert isinstance(done, generate.Done) and done.new_tokens == len(done.ids) > 0
            assert done.text == loaded.tokenizer.decode(done.ids, skip_special_tokens=True)
            assert 0 < done.tokens_per_second < 1e5
