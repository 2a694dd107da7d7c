"""What stands around the stage, as HTML: the header with its menu, the inspector's frame, the footer.

The rooms' tabs are Gradio's own; `assets/shell/layout.css` draws them as a rail, or as a bar on phones.
"""

from __future__ import annotations

import html
from functools import partial

from playground import text

NAME = "LLM Playground"
# Places of the header that scripts fill; the menu stands in the last one.
SLOTS = ("search", "model", "share", "present")
STATES = ("loaded", "ready", "download")  # of the model in use
TOASTS = ("error", "warning", "info")
THEMES = ("system", "light", "dark")


def header(lang: str) -> str:
    """The skip link, the header, its menu, and where details are shown (`assets/shell/inspector.js`)."""
    say = partial(_say, lang=lang)
    told = {f"toast_{kind}": kind for kind in TOASTS} | {"settings": "settings"}
    data = " ".join(f'data-{name}="{say(key)}"' for key, name in told.items())
    slots = "".join(f'<div id="pg-{slot}">{_pill(lang) if slot == "model" else ""}</div>' for slot in SLOTS)
    return (
        f'<a class="pg-skip" href="#">{say("skip")}</a>'
        f'<header class="pg-head" {data}>'
        f'<a class="pg-mark" href="#home" title="{say("tagline")}"><i></i><span>{NAME}</span></a>'
        f'<h1 id="pg-title"></h1>{slots}<div id="pg-menu">{_menu(lang)}</div></header>{_inspector(lang)}'
    )


def footer(lang: str) -> str:
    """What the playground grew out of, and where a text goes."""
    told = "".join(f"<span>{_say(key, lang)}</span>" for key in ("footer_book", "footer_private"))
    return f'<footer class="pg-foot">{told}</footer>'


def _pill(lang: str) -> str:
    """The model in use (`assets/shell/model_pill.js`), and the way to all of them."""
    say = partial(_say, lang=lang)
    told = " ".join(f'data-{each}="{say(f"model_{each}")}"' for each in (*STATES, "told"))
    return (
        f'<button type="button" class="pg-slot pg-pill pg-icon-models" aria-expanded="false" '
        f'aria-controls="pg-models" {told}><i class="pg-mask"></i><span>{say("models")}</span></button>'
    )


def _menu(lang: str) -> str:
    """Language, theme and size, behind one button: the browser itself opens and closes it."""
    say = partial(_say, lang=lang)
    languages = "".join(
        f'<option value="{tag}"{" selected" if tag == lang else ""}>{name}</option>'
        for tag, name in text.LANGUAGES.items()
    )
    themes = "".join(f'<option value="{name}">{say(name)}</option>' for name in THEMES)
    return (
        f'<button type="button" class="pg-slot pg-icon-menu" popovertarget="pg-menu-panel" '
        f'aria-label="{say("menu")}" title="{say("menu")}"><i class="pg-mask"></i></button>'
        '<div id="pg-menu-panel" popover>'
        f'<label><span>{say("language")}</span><select data-pg="language">{languages}</select></label>'
        f'<label><span>{say("theme")}</span><select data-pg="theme">{themes}</select></label>'
        f'<button type="button" data-pg="large" aria-pressed="false">{say("large")}'
        f"<small>{say('large_why')}</small></button></div>"
    )


def _inspector(lang: str) -> str:
    say = partial(_say, lang=lang)
    return (
        f'<p class="pg-inspector-hint" hidden>{say("inspector_hint")}</p>'
        '<aside id="pg-inspector" aria-labelledby="pg-inspector-title" hidden><div class="pg-inspector-head">'
        '<h2 id="pg-inspector-title" tabindex="-1" aria-live="polite"></h2>'
        f'<button type="button" class="pg-close" aria-label="{say("close")}">×</button></div>'
        '<div class="pg-inspector-body"></div></aside>'
    )


def _say(key: str, lang: str) -> str:
    return html.escape(text.say(f"shell.{key}", lang))
