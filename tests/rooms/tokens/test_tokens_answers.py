"""What the Tokens room answers its page: lines for places, and an end when nobody waits any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from playground import text
from playground.engine.tokenizers import tokenize, vocabulary
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.rooms.tokens import example, panel, service, steps, training, view_lanes
from playground.rooms.tokens.actions import SAMPLES, Answers
from playground.rooms.tokens.service import TokensService
from playground.settings import read
from playground.system import cancellation
from playground.ui.context import Context
from playground.ui.runs import Given

FIRST = {
    "text": text.say("tokens.example_text", "en"), "names": [*example.SHOWN], "special": True, "page": 1,
    "one": "mistral-v1", "cut": 0,
}  # fmt: skip


@pytest.fixture
def answers(models: ModelCache, catalog: Catalog) -> Answers:
    return Answers(TokensService(Context(read([], {}), catalog, models)))


def given(by: str = "", **values: Any) -> Given:
    return Given({f"tokens.{name}": value for name, value in values.items()}, "tokens", by)


def of(lines: Any, kind: str) -> list[Any]:
    return [line[kind] for line in lines if kind in line]


def test_the_page_is_built_with_what_it_would_answer(answers: Answers) -> None:
    (shown,) = of(answers.compare(given(**FIRST)), "html")
    assert shown == panel._compared("en")
    (chart,) = of(answers.languages(given(names=FIRST["names"])), "html")
    assert chart == example.languages_chart("en")


def test_one_that_fails_spoils_no_other_and_parts_have_a_slider(answers: Answers) -> None:
    lines = [*answers.compare(given(**FIRST | {"names": ["a b", "byt5"]}))]
    (shown,) = of(lines, "html")
    assert shown.count("pg-warning") == 1 and 'data-name="byt5"' in shown
    assert of(lines, "set") == [{"tokens.page": {"maximum": 2, "visible": False}}]
    lines = [*answers.compare(given(**FIRST | {"text": "x" * 50_000, "names": ["byt5"], "page": 9}))]
    assert of(lines, "set") == [{"tokens.page": {"maximum": 3, "visible": True}}]
    with pytest.raises(BadInput, match="too_many_tokenizers"):
        list(answers.compare(given(**FIRST | {"names": [*"abcdefg"]})))


def test_ids_change_with_the_tokenizer_unless_somebody_wrote_some(answers: Answers) -> None:
    def asked(ids: str, last: str = "", one: str | None = "byt5") -> list[Any]:
        return of(answers.ids(given(ids=ids, given=last, one=one)), "set")

    (fresh,) = asked("")
    assert fresh["tokens.ids"] == fresh["tokens.given"] != ""
    assert asked("1, 2", "1, 2", "canine")[0] != fresh
    assert asked("1, 2", "3, 4") == asked("1, 2") == []  # somebody's own
    assert asked("", one="a b") == asked("", one=None) == []  # `decode` tells why
    assert [*answers.decode(given("open", ids="", one="byt5"))] == []
    with pytest.raises(BadInput):
        list(answers.decode(given("open", ids="", one="a b")))
    (hint,) = of(answers.decode(given("tokens.ids", ids=" ", one="byt5")), "html")
    assert fresh["tokens.ids"] in hint


def test_a_text_that_is_offered(answers: Answers) -> None:
    for name in SAMPLES:
        (told,) = of(answers.sample(given(f"#tok-sample-{name}")), "set")
        assert told == {"tokens.text": text.say(f"tokens.example_{name}", "en")}
    assert not [*answers.sample(given("#tok-sample-../x"))]


def test_an_upload_joins_and_tells_who_made_room(answers: Answers) -> None:
    names = [*example.SHOWN]
    told, menus = answers.joined(given(brought="byt5-of-mine", names=names))
    assert names[-1] in told["html"] and told["place"] == "tok-told"
    assert menus["set"]["tokens.names"]["value"] == [*names[:5], "byt5-of-mine"]
    assert menus["set"]["tokens.one"]["value"] == "byt5-of-mine"
    told, _ = answers.joined(given(brought="mine", names=[]))
    assert told["html"] == ""
    assert not [*answers.joined(given(brought="", names=[]))]


def test_every_view_has_its_lines(answers: Answers) -> None:
    talk = {who: text.say(f"tokens.example_{who}", "en") for who in ("system", "user", "assistant", "again")}
    for fn, place, values in (
        (answers.steps, "tok-walk", {"text": "hello", "special": True}),
        (answers.batch, "tok-grid", {"lines": "a\nb c", "side": None, "special": True}),
        (answers.facts, "tok-facts", {}),
        (answers.search, "tok-hits", {"search": "token"}),
        (answers.replay, "tok-replay", {"word": "hello"}),
        (answers.prompt, "tok-prompt", {**talk, "generation": True}),
    ):
        (line,) = fn(given(one="mistral-v1", **values))
        assert line["place"] == place and line["html"]
        with pytest.raises(BadInput, match="name_empty"):
            list(fn(given(one=None, **values)))


# ---- ending ----


class Calls:
    """Lets a function count its calls, and nobody wait any more from the n-th on."""

    def __init__(self, most: int) -> None:
        self.most, self.count = most, 0

    def of(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self.count += 1
            return fn(*args, **options)

        return counted

    def left(self) -> bool:
        return self.count >= self.most


def abandoned(calls: Calls, work: Callable[[], Any]) -> int:
    """The calls of work that nobody waits for, when it has ended."""
    with cancellation.when(calls.left), pytest.raises(cancellation.Abandoned):
        work()
    return calls.count


def test_comparing_ends_between_two_tokenizers(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(2)
    monkeypatch.setattr(service.tokenize, "of_encoded", calls.of(tokenize.of_encoded))
    assert abandoned(calls, lambda: list(answers.compare(given(**FIRST)))) == 2


def test_chips_end_on_the_way(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    found = answers.do.tokenized("a word " * 3000, ["mistral-v1", "mistral-v3", "tekken"], True)
    calls = Calls(100)
    monkeypatch.setattr(view_lanes, "escape", calls.of(view_lanes.escape))
    assert abandoned(calls, lambda: view_lanes.compare(found, "en")) < 100 + 4 * view_lanes.BLOCK


def test_lines_and_languages_end_between_two_of_them(answers: Answers) -> None:
    with answers.do.opened("byt5") as (_, r):
        for work in (lambda r: steps.batch(r, [*"abcdef"]), lambda r: steps.lengths([*"abcdef"], r)):
            calls = Calls(2)

            class Counting:
                def __getattr__(self, name: str, r: Any = r, calls: Calls = calls) -> Any:
                    return calls.of(r.encode) if name == "encode" else getattr(r, name)

            assert abandoned(calls, lambda work=work: work(Counting())) == 2  # type: ignore[misc]


def test_a_vocabulary_ends_while_it_is_read_and_searched(answers: Answers) -> None:
    with answers.do.opened("tekken") as (loaded, _):
        fresh = type(adapter(loaded))(loaded.tokenizer)
        calls = Calls(1)
        fresh.piece = calls.of(fresh.piece)  # type: ignore[method-assign]
        assert abandoned(calls, lambda: vocabulary.prepare(fresh)) <= vocabulary.STEP
        index = vocabulary._index(adapter(loaded))
        assert index.find("token")
        with cancellation.when(lambda: True), pytest.raises(cancellation.Abandoned):
            index.find("a")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A training that never ends by itself; it notes that it goes on."""
    ticks: list[float] = []

    def train(*args: Any, stop: Any, **options: Any) -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    monkeypatch.setattr(training, "train", train)
    yield ticks


def test_a_training_that_is_left_ends(answers: Answers, slow: list[float]) -> None:
    how = {"corpus": "words", "algorithm": "bpe", "size": 300, "text": "x", "names": [], "title": ""}
    lines = answers.train(given("#tok-train-go", **how))
    first, second = next(lines), next(lines)
    assert "Learning from" in first["progress"] and second["progress"]
    left = time.monotonic()
    lines.close()
    count = len(slow)
    assert time.monotonic() - left < 0.5
    time.sleep(0.2)
    assert len(slow) == count
