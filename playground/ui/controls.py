"""Controls by name: made through `control`, kept by the page's one store (assets/shell/store.js).

    model = control("sentences.model", gr.Dropdown([...], label=...))
    view("sentences", "map", tab)            # a tab that has an address: #sentences/map?model=…

What is registered belongs to the page being built (`gr.Blocks`), so that two pages of one process, as tests
have them, do not mix. `part`, called last, writes two listeners for all of it: one hears every control, one
sets them. Neither asks the server anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import Context as Building

from playground import text
from playground.errors import BadInput
from playground.ui.visitor import in_every_language

C = TypeVar("C", bound=Any)
Kind = Literal["text", "number", "yes", "choice", "list"]
KINDS: dict[type[Any], Kind] = {
    gr.Textbox: "text", gr.Number: "number", gr.Slider: "number", gr.Checkbox: "yes",
    gr.CheckboxGroup: "list", gr.Radio: "choice", gr.Dropdown: "choice",
}  # fmt: skip
MARK = "__i18n__"  # Gradio writes it before the key of a text (``gr.I18n``)
FIXED = (gr.Radio, gr.CheckboxGroup)
# What the page says itself, when no server can.
WORDS = ("lost", "now", "back", "broken", "retry", "failed", "stopped", "parted", "take_shared")
QUIET: dict[str, Any] = {
    "queue": False, "show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Control:
    """One control, or something that the store keeps without showing it.

    Args:
        component: None where nothing shows it (`stored`).
        default: what it is built with; equal values stand in no link.
        private: never in a link, or only these values of it.
        query: its name in old links, ``?tab=<room>&text=…``.
        implies: what else changes, by id, when a visitor changes this one to something.
        presets: the same for some of its values: what else changes when a visitor chooses that one.
        most: the largest number where answers move the component's own end.
        varies: its choices are not always those that it is built with.
        shared: what all rooms share by it: the sentence ("text") or the language model that it goes through
            ("model"), see assets/shell/sentence.js.
        asks: the action, ``room/name``, that shows what becomes of the sentence, where nothing else asks it.
        said: the key of the text that it is built with, where each language says it in its own words
            (``gr.Textbox(tr("room.example"))``); `default` is then the English one.
    """

    id: str
    component: Any
    kind: Kind
    default: Any
    private: bool | tuple[Any, ...] = False
    query: str = ""
    implies: Mapping[str, Any] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    most: float | None = None
    varies: bool = False
    said: str = ""
    shared: str = ""
    asks: str = ""

    def checked(self, value: Any) -> Any:
        """A value that a page sent, if this control can hold it.

        Of a Radio and of a CheckboxGroup only what they offer fits. What a menu offers changes, so that of
        its values the type alone is looked at.

        Raises:
            BadInput: ``control_malformed`` (name) for a wrong type, ``setting_outside`` (name, low, high,
                value) for a number that is too small or too large.
        """
        fits = {
            "text": isinstance(value, str),
            "number": value is None or _number(value),
            "yes": isinstance(value, bool),
            "choice": value is None or self._one(value),
            "list": isinstance(value, list) and all(map(self._one, value)),
        }[self.kind]
        if not fits:
            raise BadInput("control_malformed", name=self.id)
        if self.kind == "number" and value is not None:
            low, high = (getattr(self.component, end, None) for end in ("minimum", "maximum"))
            high = high if self.most is None else self.most
            if (low is not None and value < low) or (high is not None and value > high):
                # Where a control has one end only, the other is as far as numbers go.
                ends = {"low": "−∞" if low is None else low, "high": "∞" if high is None else high}
                raise BadInput("setting_outside", name=self.id, value=str(value)[:40], **ends)
        return value

    @property
    def choices(self) -> list[Any]:
        """What it offers, as the page is built."""
        return [each[1] for each in getattr(self.component, "choices", None) or []]

    @property
    def numbers(self) -> bool:
        """Whether what it offers are numbers."""
        return bool(self.choices) and all(map(_number, self.choices))

    def _one(self, value: Any) -> bool:
        if not (_number(value) if self.numbers else isinstance(value, str)):
            return False
        return value in self.choices or self.varies or not isinstance(self.component, FIXED)

    def declared(self) -> dict[str, Any]:
        """What the page's store has to know of it."""
        row: dict[str, Any] = {"id": self.id, "kind": self.kind}
        row |= {"said": text.everywhere(self.said)} if self.said else {"value": self.default}
        if isinstance(self.component, FIXED) and not self.varies:
            row["choices"] = self.choices  # a link may say anything
        if self.numbers:
            row["numbers"] = True
        if self.private:
            row["private"] = self.private
        if self.query:
            row["query"] = self.query
        if self.implies:
            row["implies"] = dict(self.implies)
        if self.shared:
            row |= {"shared": self.shared, "at": self.component.elem_id}
        if self.asks:
            row["asks"] = self.asks
        if self.presets:
            row["presets"] = {value: dict(others) for value, others in self.presets.items()}
        return row


@dataclass
class Page:
    """What a page registered."""

    controls: dict[str, Control] = field(default_factory=dict)
    movable: dict[str, Any] = field(default_factory=dict)  # what answers change that holds no value
    views: dict[str, Any] = field(default_factory=dict)  # "room/name" → its tab
    actions: dict[str, Any] = field(default_factory=dict)  # "room/name" → `runs.Action`


_pages: WeakKeyDictionary[gr.Blocks, Page] = WeakKeyDictionary()


def page_of(blocks: gr.Blocks | None = None) -> Page:
    """What a page registered; without one named, the page that is being built."""
    blocks = Building.root_block if blocks is None else blocks
    assert blocks is not None, "controls are made inside a page"
    return _pages.setdefault(blocks, Page())


def control(
    id: str, component: C, *, private: bool | tuple[Any, ...] = False, query: str = "",
    implies: Mapping[str, Any] | None = None, presets: Mapping[str, Mapping[str, Any]] | None = None,
    most: float | None = None, varies: bool = False, shared: Literal["", "text", "model"] = "",
    asks: str = "",
) -> C:  # fmt: skip
    """Register a control under ``room.name``; without an ``elem_id`` it gets ``room-name``.

    Args:
        component: a Textbox, Number, Slider, Checkbox, CheckboxGroup, Radio or Dropdown.
        private: never in a link (a conversation, a name that is a secret), or only these values of it. Names
            of uploads are left out of every link anyway.
        query: its name in links of before, ``?tab=<room>&<query>=…``.
        implies: what happens to other controls, by id, when a visitor sets this one to something: values, or
            dicts as `runs.sets` takes them.
        presets: by a value of this one, those of other controls that follow when a visitor chooses it.
        most: the largest number where answers move the component's own end (a model's last layer).
        varies: answers change the choices of this Radio or CheckboxGroup, so a link may hold any.
        shared, asks: as of `Control`.

    Returns:
        the component itself.
    """
    kind = next(kind for known, kind in KINDS.items() if isinstance(component, known))
    if kind == "choice" and getattr(component, "multiselect", False):
        kind = "list"
    empty: dict[Kind, Any] = {"text": "", "list": [], "yes": False}
    default = empty.get(kind) if component.value is None else component.value
    said = key_of(default)
    default = text.say(said, text.DEFAULT) if said else default
    component.elem_id = component.elem_id or id.replace(".", "-").replace("_", "-")
    made = Control(
        id, component, kind, default, private, query, implies or {}, presets or {}, most, varies, said,
        shared, asks,
    )  # fmt: skip
    _add(made)
    return component


def stored(id: str, default: str | list[str] = "", *, private: bool | tuple[Any, ...] = True) -> str:
    """Register a text, or a list, that the store keeps and no component shows; its id.

    Such as an upload's name, or what a visitor picked in HTML that an action made.
    """
    _add(Control(id, None, "list" if isinstance(default, list) else "text", default, private))
    return id


def movable(id: str, component: C) -> C:
    """Register what holds no value, so that an answer may change it (``visible``, ``interactive``, …)."""
    page_of().movable[id] = component
    return component


def view(room: str, name: str, tab: gr.Tab) -> gr.Tab:
    """Give a tab an address, ``#room/name`` (``#room`` if the name is ""); its tabs inside have their own."""
    tab.elem_id = tab.elem_id or f"{room}-{name}".strip("-").replace("_", "-")
    page_of().views[f"{room}/{name}".rstrip("/")] = tab
    return tab


def part(app: gr.Blocks) -> None:
    """Write the store's two listeners, and tell the page what is registered. Call it last, in the page."""
    page = page_of(app)
    shown = [each for each in page.controls.values() if each.component is not None]
    tabs = list(dict.fromkeys(tabs for tab in page.views.values() for tabs, _ in _path(tab)))
    told = {
        "controls": [each.declared() for each in shown],
        "stored": [each.declared() for each in page.controls.values() if each.component is None],
        "movable": list(page.movable),
        "views": [
            {"view": name, "id": tab.elem_id, "tabs": [[tabs.index(each), at] for each, at in _path(tab)]}
            for name, tab in page.views.items()
        ],
        "actions": [each.declared(name) for name, each in page.actions.items()],
    }
    held = [each.component for each in shown]
    lever = gr.HTML(
        in_every_language("runs.words", _words), elem_id="pg-store", visible="hidden", padding=False,
        js_on_load=f"window.playground.store.begin(element, trigger, {json.dumps(told, ensure_ascii=False)})",
    )  # fmt: skip
    outputs = [*held, *page.movable.values(), *tabs]
    if outputs:
        setting = lever.submit(None, None, outputs, js="() => window.playground.store.due()", **QUIET)
        setting.then(None, held, None, js="(...now) => { window.playground.store.settled(now); }", **QUIET)
    if held:
        js = "(...now) => { window.playground.store.heard(now); }"
        gr.on([each.change for each in held], None, held, None, js=js, **QUIET)


def _add(made: Control) -> None:
    known = page_of().controls
    room, dot, name = made.id.partition(".")
    assert room and dot and name and made.id not in known, made.id
    known[made.id] = made


def _path(tab: Any) -> Sequence[tuple[Any, Any]]:
    """The tabs to open for a tab to be seen, the outermost first: each with the id in it."""
    found = []
    block = tab
    while block is not None:
        if isinstance(block, gr.Tab):
            found.append((block.parent, block.id))
        block = block.parent
    return found[::-1]


def key_of(value: Any) -> str:
    """The key of a text that Gradio's page says in its language (`tr`); "" of anything else."""
    if not isinstance(value, str) or not value.startswith(MARK):
        return ""
    return str(json.loads(value.removeprefix(MARK))["key"])


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)


def _words(lang: str) -> str:
    say = partial(text.say, lang=lang)
    words = json.dumps({word: say(f"runs.{word}") for word in WORDS}, ensure_ascii=False)
    return f'<pre class="pg-data" hidden>{words.replace("<", "&lt;")}</pre>'
