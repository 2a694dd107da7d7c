"""What the page's search finds: rooms, views, settings and models, each by its name in every language.

Made when somebody first searches, from what the page registered (`playground.ui.controls`) and the catalogue:
a room is found without a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from playground import text
from playground.models.catalog import Catalog, Role
from playground.ui.controls import Page, key_of, page_of

Row = dict[str, Any]
# Where a model of a role is looked at, the first that the page has.
HOMES: tuple[tuple[Role, str], ...] = (
    ("causal", "chat.model"), ("causal", "next_token.model"), ("encoder", "sentences.model"),
    ("words", "words.source"), ("songs", "songs.dataset"), ("tokenizer", "tokens.one"),
    ("skeleton", "architecture.model"),
)  # fmt: skip


def answers(catalog: Catalog) -> Callable[[Any], Iterator[Row]]:
    """Answers a page's first search: one ``{"rows": [...]}`` of what this visitor may see."""

    def index(given: Any) -> Iterator[Row]:
        page = page_of(LocalContext.request.get().app.get_blocks())  # type: ignore[union-attr]
        yield {"rows": [*views(page), *settings(page), *models(page, catalog)]}

    return index


def views(page: Page) -> Iterator[Row]:
    """``{kind, view, names: {language: "Room › View"}}``; kind "room" is a view that holds others."""
    for name, tab in page.views.items():
        held = any(each.startswith(f"{name}/") for each in page.views)
        yield {"kind": "room" if held or "/" not in name else "view", "view": name, "names": _path(tab)}


def settings(page: Page) -> Iterator[Row]:
    """Every control that stands in a view and has a label: ``{kind, view, id, names, where}``."""
    tabs = {tab: name for name, tab in page.views.items()}
    told: set[tuple[str, str]] = set()  # the second of two columns is beside the first
    for control in page.controls.values():
        names, tab = _names(getattr(control.component, "label", None)), _home(control.component, tabs)
        if names and tab is not None and (mine := (tabs[tab], names[text.DEFAULT])) not in told:
            told.add(mine)
            yield {
                "kind": "setting", "view": tabs[tab], "id": control.component.elem_id, "names": names,
                "where": _path(tab),
            }  # fmt: skip


def models(page: Page, catalog: Catalog) -> Iterator[Row]:
    """Every model that menus offer this visitor: ``{kind, view, id, set: {control: name}, names}``."""
    tabs = {tab: name for name, tab in page.views.items()}
    for card in catalog.offered(None):
        if card.source == "upload":
            continue  # its name is a number that nobody knows by heart
        for role, name in HOMES:
            control = page.controls.get(name)
            tab = _home(control.component, tabs) if control is not None else None
            if role in card.roles and control is not None and tab is not None:
                yield {
                    "kind": "model", "view": tabs[tab], "id": control.component.elem_id,
                    "set": {name: card.name}, "names": dict.fromkeys(text.LANGUAGES, card.name),
                    "where": _path(tab),
                }  # fmt: skip
                break


def _home(component: Any, tabs: dict[Any, str]) -> gr.Tab | None:
    """The view that a component stands in; None: in none of them."""
    while component is not None and component not in tabs:
        component = component.parent
    return component  # type: ignore[no-any-return]


def _path(tab: Any) -> dict[str, str]:
    """A view's name after those of the tabs around it, by language."""
    found = []
    while tab is not None:
        if isinstance(tab, gr.Tab) and (names := _names(tab.label)):
            found.append(names)
        tab = tab.parent
    return {lang: " › ".join(each[lang] for each in reversed(found)) for lang in text.LANGUAGES}


def _names(label: Any) -> dict[str, str]:
    """A label in every language; empty where there is none."""
    if label is None or not str(label).strip():
        return {}
    key = key_of(str(label))
    return text.everywhere(key) if key else dict.fromkeys(text.LANGUAGES, str(label))
