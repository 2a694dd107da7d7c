"""The guard and the visitor's language."""

from __future__ import annotations

import gc
import logging
import weakref
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.context import LocalContext

from playground import text
from playground.errors import BadInput, CannotLoad, Gated, HubUnreachable, UnknownModel
from playground.ui import visitor
from playground.ui.visitor import guard


@pytest.fixture
def asks():
    """Become a visitor with these headers."""
    tokens = []

    def become(**headers: str) -> None:
        request = SimpleNamespace(
            headers={k.replace("_", "-"): v for k, v in headers.items()}, query_params={}
        )
        tokens.append(LocalContext.request.set(request))

    yield become
    for token in reversed(tokens):
        LocalContext.request.reset(token)


@pytest.mark.parametrize(
    ("headers", "lang"),
    [
        ({"x_playground_language": "zh-TW", "accept_language": "en"}, "zh-TW"),
        ({"accept_language": "fr, zh-SG;q=0.5"}, "zh-CN"),
        ({"accept_language": "fr"}, "en"),
        ({"x_playground_language": "<script>"}, "en"),
        ({}, "en"),
    ],
)
def test_language(asks, headers, lang):
    asks(**headers)
    assert visitor.language() == lang


def test_owner_decides_where_the_visitor_says_nothing_of_ours(asks, monkeypatch):
    monkeypatch.setattr(visitor, "_owner_language", "zh-CN")
    asks(accept_language="fr")
    assert visitor.language() == "zh-CN"


def test_known_errors_become_sentences(asks):
    asks(x_playground_language="zh-TW")

    @guard
    def fails() -> None:
        raise BadInput("text_too_long", length=12345, limit=10)

    with pytest.raises(gr.Error) as caught:
        fails()
    assert caught.value.message == text.say("errors.text_too_long", "zh-TW", length=12345, limit=10)
    assert caught.value.title == text.say("errors.title", "zh-TW")


def test_values_carry_no_tags_into_the_page():
    told = visitor.sentence(CannotLoad("broken_tokenizer", name="<img src=x>"), "en")
    assert "<" not in told and "‹img src=x›" in told


def test_unknown_errors_are_logged_by_number(caplog):
    @guard
    def fails() -> None:
        raise ZeroDivisionError("secret")

    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as caught:
        fails()
    reference = caplog.records[0].getMessage().split()[-1]
    assert reference in caught.value.message
    assert "secret" not in caught.value.message
    assert "secret" in caplog.text


def test_a_panic_of_a_rust_library_is_an_error_like_any_other(caplog):
    class PanicException(BaseException):
        pass

    @guard
    def fails() -> None:
        raise PanicException("index out of range")

    with pytest.raises(gr.Error):
        fails()


def test_what_is_no_error_goes_through():
    @guard
    def stopped() -> None:
        raise KeyboardInterrupt

    @guard
    def told() -> None:
        raise gr.Error("as it is")

    with pytest.raises(KeyboardInterrupt):
        stopped()
    with pytest.raises(gr.Error, match="as it is"):
        told()


class Megabytes(list):
    """What can be watched going."""


@pytest.mark.parametrize("error", [BadInput("text_too_long", length=1, limit=0), ZeroDivisionError()])
@pytest.mark.parametrize("generator", [False, True])
def test_what_was_computed_goes_when_an_error_is_told(
    error: Exception, generator: bool, monkeypatch: pytest.MonkeyPatch
):
    """Though the told error is kept: Gradio keeps it in a cycle."""
    monkeypatch.setattr(visitor.log, "error", lambda *told, **more: None)  # pytest keeps what is logged
    made = []

    def fails() -> None:
        held = Megabytes()
        made.append(weakref.ref(held))
        try:
            raise KeyError
        except KeyError as cause:
            raise error from cause

    def steps():
        yield fails()

    asked = guard(steps) if generator else guard(fails)
    gc.disable()
    try:
        with pytest.raises(gr.Error) as told:
            list(asked()) if generator else asked()
        assert told.value and made[0]() is None
    finally:
        gc.enable()


def test_an_error_that_is_its_own_causes_cause_is_told():
    first, second = KeyError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first

    @guard
    def fails() -> None:
        raise first

    with pytest.raises(gr.Error):
        fails()


def test_generators_are_guarded_and_closed():
    closed = []

    @guard
    def counts(upto: int):
        try:
            yield from range(upto)
            raise BadInput("text_too_long", length=1, limit=0)
        finally:
            closed.append(True)

    running = counts(3)
    assert next(running) == 0
    running.close()
    assert closed == [True]
    with pytest.raises(gr.Error):
        list(counts(2))


def test_signatures_survive_for_the_endpoints():
    import inspect

    @guard
    def endpoint(text: str, names: list[str], flag: bool = True) -> dict[str, int]:
        """Says so."""
        return {}

    assert list(inspect.signature(endpoint).parameters) == ["text", "names", "flag"]
    assert endpoint.__doc__ == "Says so."


def test_a_text_is_a_mark_while_the_page_is_built_and_a_sentence_in_an_answer(asks):
    assert str(visitor.tr("tokens.tab")).startswith("__i18n__")
    asks(x_playground_language="zh-TW")
    assert visitor.tr("tokens.tab") == text.say("tokens.tab", "zh-TW")


@pytest.mark.parametrize(
    ("lang", "asks_whether"), [("en", "Did you mean"), ("zh-TW", "是不是"), ("zh-CN", "是不是")]
)
def test_an_unknown_name_is_told_with_what_was_meant(
    monkeypatch: pytest.MonkeyPatch, lang: str, asks_whether: str
) -> None:
    monkeypatch.setattr(visitor, "_near", lambda name: ["tutor", "tekken"] if name == "tutro" else [])
    three = [
        UnknownModel("not_on_hub", name="tutro"), HubUnreachable("offline", name="tutro"),
        HubUnreachable("hub_unreachable", name="tutro"),
    ]  # fmt: skip
    said = [visitor.sentence(error, lang) for error in three]
    assert all(asks_whether in each and "tutor · tekken" in each for each in said)
    gated = visitor.sentence(Gated("gated", name="tutro"), lang)
    assert asks_whether not in gated and len({*said, gated}) == 4  # four causes, four sentences
    assert asks_whether not in visitor.sentence(UnknownModel("not_on_hub", name="nobody"), lang)
