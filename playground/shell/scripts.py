"""The page's own scripts and style sheets, each served as one file that a browser keeps for good: its name
holds its hash. What is seldom used comes when it is first asked for (`LATER`), with the words that it says.

A script that Gradio writes into its page by ``head`` would need ``'unsafe-inline'`` (`policy`),
and of style sheets that it is given by ``css_paths`` it loses every ``@container`` rule.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from playground import ASSETS, text
from playground.ui import plotly_file

NAMES = (  # what the others build with comes first
    "shell/page.js",
    "shell/slots.js",
    "shell/connection.js",
    "shell/store.js",
    "shell/runs.js",
    "shell/sentence.js",
    "shell/inspector.js",
    "shell/navigation.js",
    "shell/model_pill.js",
    "shell/first_models.js",
    "shell/figures.js",
    "shell/figures_map.js",
    "shell/map_chosen.js",
    "home/strip.js",
    "home/home.js",
    "tokens/tokens.js",
    "tokens/merges.js",
    "chat/reply.js",
    "chat/markdown.js",
    "chat/formulas.js",
    "chat/conversation.js",
    "chat/message.js",
    "chat/look.js",
    "chat/chat.js",
    "chat/files.js",
    "chat/beside.js",
    "next_token/chart.js",
    "next_token/next.js",
    "next_token/tree.js",
    "next_token/inside.js",
    "decoding/decoding.js",
    "embeddings/sentences/sentences.js",
    "embeddings/embeddings.js",
    "architecture/architecture.js",
    "songs/songs.js",
    "songs/map.js",
    "models/models.js",
)  # fmt: skip
STYLES = (
    "shell/style.css",
    "shell/layout.css",
    "shell/icons.css",
    "shell/inspector.css",
    "shell/figures.css",
    "home/home.css",
    "tokens/tokens.css",
    "chat/chat.css",
    "next_token/next.css",
    "decoding/decoding.css",
    "embeddings/embeddings.css", "embeddings/sentences/sentences.css",
    "embeddings/token_vectors/vectors.css",
    "architecture/architecture.css", "songs/songs.css", "models/models.css",
)  # fmt: skip


class Part(NamedTuple):
    """What the page fetches when it is first asked for, by ``page.later(name)`` of assets/shell/slots.js.

    Args:
        scripts: its sources; one of them says ``page.parts.<name> = …``.
        styles: its sheets.
        words: the file of ``assets/text/<lang>/`` whose sentences it says; it finds them as
            ``page.said.<words>``, by key.
    """

    scripts: tuple[str, ...]
    styles: tuple[str, ...] = ()
    words: str = ""


LATER = {
    "drawing": Part(
        tuple(f"architecture/{name}.js" for name in ("layout", "turns", "zoom", "details", "drawing")),
        ("architecture/drawing.css",),
    ),
    "search": Part(("shell/search.js",), ("shell/dialogs.css", "shell/search.css"), "search"),
    "share": Part(("shell/share.js",), ("shell/dialogs.css", "shell/share.css"), "share"),
    "present": Part(("shell/present.js",), ("shell/present.css",), "present"),
}
SLOTS = ("search", "share", "present")  # what the header's buttons are called, "slot_…" of shell.json
FOLDER = "playground/assets"
# Gradio's components come with rules of their own, of two or three classes. Inside the page every rule of
# ours stands a second time with this before it, and outweighs them; outside (toasts, the login) it counts as
# it is written.
WITHIN = "gradio-app .gradio-container.gradio-container .contain"
# Rules that name Gradio's outermost element stand once, and weigh as much as its own, which come later: the
# element around it decides.
OUTERMOST = re.compile(r"(?<![\w.-])\.gradio-container(?=\s)")
DARK = re.compile(r"(^|[,{}])(\s*)\.dark\s", re.MULTILINE)


def _read(names: tuple[str, ...]) -> str:
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in names)


def _named(whole: str, ending: str, name: str = "page") -> str:
    return f"{FOLDER}/{name}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}.{ending}"


@functools.cache
def bundle() -> tuple[str, str]:
    """The scripts' path, without a slash before it, and what it holds."""
    whole = _read(NAMES)
    return _named(whole, "js"), whole


@functools.cache
def sheet() -> tuple[str, str]:
    """The style sheets' path and what it holds."""
    return _sheet(STYLES, "page")


def _sheet(names: tuple[str, ...], called: str) -> tuple[str, str]:
    plain = _read(names)
    # The class "dark" is outside of what the rules are put into: "&" stands for that.
    within = DARK.sub(r"\1\2.dark & ", plain)
    plain = OUTERMOST.sub("gradio-app .gradio-container", plain)
    whole = f"{plain}\n{WITHIN} {{\n{within}\n}}\n"
    return _named(whole, "css", called), whole


@functools.cache
def later(name: str, lang: str) -> tuple[tuple[str, str], ...]:
    """A part's files in one language, script first: each its path and what it holds."""
    part = LATER[name]
    said = {
        key.partition(".")[2]: sentence
        for key, sentence in text.catalogue(lang).items()
        if part.words and key.startswith(f"{part.words}.")
    }
    words = f"window.playground.said.{part.words} = {json.dumps(said, ensure_ascii=False)};\n" if said else ""
    whole = words + _read(part.scripts)
    sheets = (_sheet(part.styles, name),) if part.styles else ()
    return ((_named(whole, "js", name), whole), *sheets)


def told(lang: str) -> dict[str, object]:
    """What a page in one language is told before it begins: where its later parts lie, its slots' names."""
    return {
        "lang": lang,
        "later": {name: [path for path, _ in later(name, lang)] for name in LATER},
        "slots": {name: text.say(f"shell.slot_{name}", lang) for name in SLOTS},
    }


def tag() -> bytes:
    """For the beginning of the page's head: it runs once the page is read, and before Gradio's own."""
    return f'<script defer src="{bundle()[0]}"></script>'.encode()


def sheet_tag() -> bytes:
    """For the end of the page's head: nothing is painted before it is there, and it comes after Gradio's."""
    return f'<link rel="stylesheet" href="{sheet()[0]}">'.encode()


def routes() -> list[Route]:
    """Where they are served."""
    every = dict([bundle(), sheet()])
    for lang in text.LANGUAGES:
        for name in LATER:
            every |= dict(later(name, lang))
    kinds = {"js": "text/javascript", "css": "text/css"}
    return [_route(path, whole, kinds[path.rpartition(".")[2]]) for path, whole in every.items()]


def _route(path: str, whole: str, kind: str) -> Route:
    def answer(request: Request) -> Response:
        return Response(whole, media_type=kind)

    return Route(f"/{path}", answer)


def plotly() -> Route:
    """Where plotly.js is served: the file of plotly's package, compressed by the middleware."""

    def answer(request: Request) -> Response:
        if request.url.path.rpartition("/")[2] != plotly_file.address().rpartition("/")[2]:
            return Response(status_code=404)  # of another version: a page that was opened before an update
        return FileResponse(plotly_file.path(), media_type="text/javascript")

    return Route(f"/{plotly_file.FOLDER}/plotly-{{version}}.js", answer)
