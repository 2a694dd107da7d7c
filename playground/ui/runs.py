"""Runs: what a page can ask, declared as data; answers are lines of JSON that say where they belong.

    actions("sentences", Action("map", draw, needs=["sentences.model", …], on=["sentences.model"],
                                places=["sen-map"], views=["sentences/map"]), stop="sen-stop")

    def draw(given: Given) -> Iterator[Line]:
        yield progress("<p>…</p>")                 # above the first place, until the run ends
        yield html("sen-map", chart)               # in a place
        yield sets({"sentences.seed": 3})          # controls

The page posts ``{control id: value}`` to ``/playground/<room>/<name>`` (`playground.shell.streams` serves
it), and assets/shell/runs.js does the rest: whatever is asked newly ends what runs, Stop and a closed page
close the connection, and the generator behind it is closed. While its ``next`` still runs,
`cancellation.check` raises in it and in what it calls: whoever computes for long must call that (see
`playground.system.cancellation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import text
from playground.errors import BadInput
from playground.ui.controls import Page, page_of
from playground.ui.visitor import guard, in_every_language

Line = dict[str, Any]
ANSWER: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private", "concurrency_limit": 8}


class Given(dict[str, Any]):
    """What a page sent, checked: values by id, those of the action's own room also without its name.

    Args:
        by: what asked: "open" (a view was opened), a control's id, "#" and a button's id, "@" and the id of a
            text box that was sent, what `asks` says, or "" (a script).
    """

    def __init__(self, values: Mapping[str, Any], room: str, by: str) -> None:
        own = {id.partition(".")[2]: value for id, value in values.items() if id.startswith(f"{room}.")}
        super().__init__({**values, **own})
        self.by = by


@dataclass(frozen=True, eq=False)
class Action:
    """Something that a page can ask.

    Args:
        name: the last part of its address.
        fn: a generator of lines; closing it must end its work.
        needs: ids of controls whose values it is given. What stands in its places is dimmed when they change.
        on: what asks for it: ids of controls; "#" before a button's ``elem_id``; "@" before that of a text
            box that is sent by Enter (by Shift and Enter if it has several lines).
        places: where it answers; the first one tells how far it is and what went wrong.
        views: it is asked only while one of them is seen ("room/name"); without any, always.
        opens: asked when one of its views is first seen; None: if a control asks for it.
        anew: asked whenever one of its views is opened, since its answer hangs on more than it needs.
        wait: milliseconds after the last change of a control, so that nobody asks at every key.
        again: asked once more by itself when the server was away.
        stopped: the key of what is said of it when a visitor stops it, instead of what is said of all.
        built: its places are built with what it would answer to the controls as they are built.
        offers: ids of what is `movable` (buttons of files): nobody can press it while what was answered is
            not of what is chosen, or while there is no answer.
        stops: ``elem_id`` of buttons that end it.
    """

    name: str
    fn: Callable[[Given], Iterator[Line]]
    needs: Sequence[str] = ()
    on: Sequence[str] = ()
    places: Sequence[str] = ()
    views: Sequence[str] = ()
    opens: bool | None = None
    anew: bool = False
    wait: int = 250
    again: bool = True
    built: bool = False
    stopped: str = ""
    offers: Sequence[str] = ()
    stops: Sequence[str] = ()

    def declared(self, name: str) -> dict[str, Any]:
        """What assets/shell/runs.js has to know of it, without what it takes for granted there ("USUAL")."""
        controls = [each for each in self.on if each[0] not in "#@"]
        opens = bool(controls) if self.opens is None else self.opens
        row = {
            "needs": [*self.needs], "on": "needs" if controls and controls == [*self.needs] else controls,
            "buttons": [each[1:] for each in self.on if each[0] == "#"],
            "sent": [each[1:] for each in self.on if each[0] == "@"],
            "places": [*self.places], "views": [*self.views], "stops": [*self.stops],
            "opens": opens, "anew": self.anew, "offers": [*self.offers], "built": self.built,
            "stopped": text.everywhere(self.stopped) if self.stopped else None,
        }  # fmt: skip
        more = {
            each: value
            for each in ("wait", "again")
            if (value := getattr(self, each)) != getattr(Action, each)
        }
        return {"name": name, **{each: value for each, value in row.items() if value}, **more}


def actions(room: str, *made: Action, stop: str = "") -> None:
    """Register what a room's page can ask. Its controls and views are registered before.

    Args:
        stop: ``elem_id`` of the button that ends whatever of this runs.
    """
    page = page_of()
    for each in made:
        unknown = [id for id in (*each.needs, *each.on) if id[0] not in "#@" and id not in page.controls]
        assert not unknown and all(name in page.views for name in each.views), (each.name, unknown)
        stops = [*each.stops, stop] if stop else each.stops
        assert f"{room}/{each.name}" not in page.actions, each.name
        page.actions[f"{room}/{each.name}"] = _with(each, stops)


def _with(action: Action, stops: Sequence[str]) -> Action:
    return Action(**{**vars(action), "stops": tuple(stops)})


def find(blocks: gr.Blocks, name: str) -> Callable[[Any, str], Iterator[Line]] | None:
    """Answers ``room/name`` on a page: a generator function of what was posted and who asked; or None."""
    page = page_of(blocks)
    action = page.actions.get(name)
    if action is None:
        return None
    room = name.partition("/")[0]

    def answer(posted: Any, by: str) -> Iterator[Line]:
        yield from on_device(action.fn)(Given(checked(page, action, posted), room, by))

    return guard(answer)


def checked(page: Page, action: Action, posted: Any) -> dict[str, Any]:
    """What was posted, as this action's controls hold it.

    Raises:
        BadInput: ``page_malformed`` for what is no object, ``control_unknown`` (name) for a control that
            there is not or that was not sent, and what `Control.checked` raises.
    """
    if not isinstance(posted, dict):
        raise BadInput("page_malformed")
    for id in [*posted, *action.needs]:
        if id not in action.needs or id not in posted:
            raise BadInput("control_unknown", name=id[:80])
    return {id: page.controls[id].checked(posted[id]) for id in action.needs}


def on_device(fn: Callable[[Given], Iterator[Line]]) -> Callable[[Given], Iterator[Line]]:
    """The seam for devices that are lent by the call (ZeroGPU Spaces); today every action runs as it is.

    There a visitor's share is told by headers (``x-ip-token`` and its kin), which runs.js asks of the Hub's
    page as Gradio's own client does; `spaces` reads them from ``gradio.context.LocalContext.request``, which
    `playground.shell.streams` sets to the request of a run. To serve there, wrap ``fn`` in ``spaces.GPU``
    here, in whose fork neither Events nor tensors arrive: `cancellation` then has to be told by closing the
    generator.
    """
    return fn


# -- lines --


def html(place: str, content: str) -> Line:
    """HTML for a place; whatever of it is not ours was escaped by who made it."""
    return {"place": place, "html": content}


def data(place: str, value: Any) -> Line:
    """Values for a place's script, which hears of them by ``playground:data``."""
    return {"place": place, "data": value}


def progress(content: str, place: str = "") -> Line:
    """HTML above a place (the action's first) until the run ends; what stands below is dimmed meanwhile."""
    return {"place": place, "progress": content}


def status(content: str, place: str = "") -> Line:
    """HTML above a place that stays until something is asked there again."""
    return {"place": place, "status": content}


def error(sentence: str, place: str = "") -> Line:
    """What went wrong, as plain text above a place; what stands below stays, dimmed."""
    return {"place": place, "error": sentence}


class Progress(str):
    """HTML that tells how far a run is, among the steps of `filling`."""


def filling(place: str, steps: Iterable[str]) -> Iterator[Line]:
    """Lines for one place: each `Progress` above it, every other step of HTML into it."""
    for step in steps:
        yield progress(step, place) if isinstance(step, Progress) else html(place, step)


def sets(values: Mapping[str, Any]) -> Line:
    """Values of controls by id; or of any component registered, a dict of what changes in it (``choices``,
    ``visible``, ``interactive``, ``value``). Choices are (label, value) pairs.

    ``default`` is what a control counts as built with from now on: one that stands at its former default, or
    is empty, moves along; ``reset`` (True) takes it back to its default.
    """
    return {"set": dict(values)}


def asks(name: str, by: str = "") -> Line:
    """Ask for another action, ``room/name``, with the values that were set until then.

    While none of its views is seen it waits until one is.
    """
    return {"ask": name, "by": by}


# -- places and uploads --


def place(elem_id: str, built: Callable[[str], str] | None = None, **how: Any) -> gr.HTML:
    """A place that actions fill.

    Args:
        built: language → HTML that stands there until something is answered: a worked example (`Action`).
        how: arguments of ``gr.HTML``.
    """

    def inside(lang: str) -> str:
        return f'<div class="pg-place" data-place="{elem_id}">{built(lang) if built else ""}</div>'

    whole = in_every_language(f"places.{elem_id}", inside) if built else inside("")
    return gr.HTML(whole, elem_id=elem_id, padding=False, **how)


def upload(button: gr.UploadButton, fn: Callable[[Any], Iterator[Line]], room: str) -> None:
    """What a visitor uploads goes through Gradio's own listener; ``fn`` answers in lines, as an action does.

    Args:
        fn: of the file's path (or paths).
        room: whose answers these are.
    """
    answer = gr.JSON(visible=False)

    def lines(path: Any) -> list[Line]:
        return list(fn(path))

    taken = button.upload(guard(lines), button, answer, **ANSWER)
    js = f"(lines) => {{ window.playground.runs.take('{room}', lines); }}"
    taken.then(None, answer, None, js=js, queue=False, show_progress="hidden", api_visibility="private")
