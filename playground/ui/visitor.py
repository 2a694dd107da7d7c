"""The visitor of the moment: their language, and the guard that turns errors into sentences for them."""

from __future__ import annotations

import functools
import inspect
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr
from gradio.context import LocalContext
from gradio.i18n import I18nData

from playground import text
from playground.engine.generation.generate import Waiting
from playground.errors import (  # fmt: skip
    BadInput,
    Gated,
    NotAllowed,
    PlaygroundError,
    TookTooLong,
    UnknownModel,
    let_frames_go,
)
from playground.models.cache import Loaded, Stage
from playground.system import cancellation, untrusted_json
from playground.ui import disconnects
from playground.ui import loading as loading_view
from playground.ui.html import note

log = logging.getLogger("playground")
P = ParamSpec("P")
T = TypeVar("T")

LONGEST_ANSWER = 600.0  # seconds; the slowest that is offered, a map of 5,000 texts, takes one minute
LONGEST_CARRIED = 2**24  # characters of what a page keeps of itself; a long one has some hundred KB
# Two queues, so that a long chat never keeps tokens waiting.
TOKENIZING: dict[str, Any] = {"concurrency_id": "tokenizer", "concurrency_limit": 8}

TOKEN = re.compile(r"[0-9a-f]{32}")

_static: set[str] = set()
_wholes: dict[str, Callable[[str], str]] = {}
_owner_language = text.DEFAULT
# Where a name may be mistyped: nobody has it, or nobody can look.
UNKNOWN = {f"errors.{key}" for key in ("not_on_hub", "offline", "hub_unreachable", "songs_not_here")}


def _nothing_near(name: str) -> list[str]:
    return []


_near: Callable[[str], list[str]] = _nothing_near


def set_owner_language(lang: str) -> None:
    """The language for visitors whose own is none of ours."""
    global _owner_language
    _owner_language = lang or text.DEFAULT


def set_near(near: Callable[[str], list[str]]) -> None:
    """How names are found that somebody may have meant by one that is not known."""
    global _near
    _near = near


def language() -> str:
    """The language of whoever called: the page's header, then the program's or browser's wishes."""
    request = LocalContext.request.get(None)
    if request is None or getattr(request, "headers", None) is None:
        return _owner_language
    told = text.match(request.headers.get("x-playground-language", ""))
    wished = text.choose(text.accepted(request.headers.get("accept-language", "")))
    return told or wished or _owner_language


def page() -> str:
    """What tells the visitor's open page from others; "" where there is none."""
    return getattr(LocalContext.request.get(None), "session_hash", None) or ""


def visitor() -> str:
    """What tells this visitor from others, and nobody else knows: by it uploads are theirs.

    A page makes it for itself and keeps it as long as its tab is open, through a reload
    (assets/shell/head.js). A program that sends none is told by its session. "" is nobody: no name is ever
    listed to it.
    """
    request = LocalContext.request.get(None)
    headers = getattr(request, "headers", None) or {}
    token = str(headers.get("x-playground-visitor", ""))
    if TOKEN.fullmatch(token):
        return token
    if headers.get("x-gradio-user") == "mcp":
        return ""  # Gradio asks for all agents in one session of its own
    session = page()
    return f"session {session}" if session else ""


def from_page(told: str) -> Any:
    """What a page kept of itself as JSON, and sends when it comes anew.

    Raises:
        BadInput: ``page_malformed``: no page of ours sent it.
    """
    try:
        return untrusted_json.parse(told, LONGEST_CARRIED)
    except untrusted_json.Unreadable as error:
        raise BadInput("page_malformed") from error


def query() -> dict[str, str]:
    """The parameters of the page's address."""
    request = LocalContext.request.get(None)
    return dict(request.query_params) if request is not None and request.query_params else {}


def tr(key: str) -> Any:
    """A sentence of the page: a mark while it is built, which each visitor's page says in their language
    (`playground.shell.first_page`); in an answer the sentence itself.
    """
    if LocalContext.request.get(None) is not None:
        return text.say(key, language())
    _static.add(key)
    return I18nData(key)


def in_every_language(key: str, made: Callable[[str], str]) -> Any:
    """A piece of the page that is made anew in each language."""
    _wholes[key] = made
    return I18nData(key)


def wholes(lang: str) -> dict[str, str]:
    """Those pieces in one language."""
    return {key: made(lang) for key, made in _wholes.items()}


def translations() -> dict[str, dict[str, str]]:
    """What `tr` was asked for so far, in every language: the page carries these and no more."""
    return {lang: {key: text.say(key, lang) for key in sorted(_static)} for lang in text.LANGUAGES}


def sentence(error: PlaygroundError, lang: str) -> str:
    """The error in words. Values come from visitors and files: brackets are turned, so no tag survives."""
    values = {
        name: value.replace("<", "‹").replace(">", "›") if isinstance(value, str) else value
        for name, value in error.values.items()
    }
    told = text.say(error.key, lang, **values)
    near = _near(str(error.values.get("name", ""))) if error.key in UNKNOWN else []
    return f"{told} {text.say('errors.near', lang, names=' · '.join(near))}" if near else told


def stages(steps: Iterable[Stage | Loaded], lang: str) -> Iterator[str | Loaded]:
    """What `Context.leasing` yields, each stage as the sentence and bar of a page, then the model itself."""
    began = mark = time.monotonic()
    arrived, rate = 0, 0.0
    for step in steps:
        if isinstance(step, Loaded):
            yield step
            continue
        now = time.monotonic()
        if step.step == "download" and now - mark >= 1:
            latest = max(0, step.done - arrived) / (now - mark)
            rate = 0.7 * rate + 0.3 * latest if rate else latest
            arrived, mark = step.done, now
        yield loading_view.progress(step, now - began, rate, lang)


def error_in_place(error: PlaygroundError) -> str:
    """A known error as HTML, for the place where its answer was to stand."""
    return note(sentence(error, language()), "warning")


def waiting(state: Waiting, lang: str) -> str:
    """That others come first on this model, as a note of a page."""
    return note(text.say("shell.waiting", lang, place=state.position))


def in_place(fn: Callable[P, T]) -> Callable[P, T]:
    """`guard` for what fills one place of the page: a known error is told there, not in a toast."""
    if inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        def steps(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                yield from fn(*args, **kwargs)
            except PlaygroundError as error:
                yield error_in_place(error)

        return guard(cast(Callable[P, T], steps))

    @functools.wraps(fn)
    def shown(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return fn(*args, **kwargs)
        except PlaygroundError as error:
            return cast(T, error_in_place(error))

    return guard(shown)


def worth_again(error: BaseException) -> bool:
    """Whether the same question may be answered when it is asked once more (of what `guard` raised)."""
    cause = error.__cause__ or error
    return not isinstance(cause, BadInput | UnknownModel | Gated | NotAllowed)


def _told(error: BaseException) -> gr.Error:
    lang = language()
    title = text.say("errors.title", lang)
    if isinstance(error, PlaygroundError):
        return gr.Error(sentence(error, lang), title=title, duration=12, print_exception=False)
    reference = secrets.token_hex(4)
    log.error("reference %s", reference, exc_info=error)
    told = text.say("errors.unexpected", lang, reference=reference)
    return gr.Error(told, title=title, duration=None, print_exception=False)


def _instead(error: BaseException) -> gr.Error | None:
    """What is raised instead of an error; None where it goes on as it is."""
    if isinstance(error, gr.Error) or not (isinstance(error, Exception) or _foreign(error)):
        return None
    told = _told(error)
    let_frames_go(error)  # Gradio keeps what is raised in a cycle
    return told


def _foreign(error: BaseException) -> bool:
    """A panic of a Rust library, which Python does not count among its Exceptions."""
    return type(error).__name__ == "PanicException"


def guard(fn: Callable[P, T]) -> Callable[P, T]:
    """Around every function of a panel: known errors as sentences, unknown ones logged by number.

    What is no generator also ends when its asker leaves, or at `LONGEST_ANSWER` (`cancellation.check` tells
    it); generators are closed by who reads them.
    """

    if inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        def guarded_generator(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                yield from fn(*args, **kwargs)
            except BaseException as error:
                if told := _instead(error):
                    raise told from error
                raise

        return cast(Callable[P, T], guarded_generator)

    @functools.wraps(fn)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        session, deadline = page(), time.monotonic() + LONGEST_ANSWER
        begun = disconnects.departures(session)

        def gone() -> bool:
            return disconnects.departures(session) > begun

        try:
            with cancellation.when(lambda: gone() or time.monotonic() > deadline):
                return fn(*args, **kwargs)
        except cancellation.Abandoned as error:
            let_frames_go(error)
            if gone():  # nobody reads this
                raise gr.Error("", print_exception=False) from None
            late = TookTooLong("took_too_long", seconds=LONGEST_ANSWER)
            raise _told(late) from late
        except BaseException as error:
            if told := _instead(error):
                raise told from error
            raise

    return guarded
