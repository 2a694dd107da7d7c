"""The page's own scripts, served as one file that a browser keeps for good: its name holds its hash.

A script that Gradio writes into its page by ``head`` would need ``'unsafe-inline'`` (`policy`).
"""

from __future__ import annotations

import functools
import hashlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from playground import ASSETS

NAMES = (
    "page.js", "shell/store.js", "shell/runs.js", "chat.js", "map.js", "next.js", "next_inside.js",
    "decoding.js",
)  # fmt: skip
FOLDER = "playground/assets"


@functools.cache
def bundle() -> tuple[str, str]:
    """Its path, without a slash before it, and what it holds."""
    whole = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in NAMES)
    return f"{FOLDER}/page-{hashlib.sha256(whole.encode()).hexdigest()[:8]}.js", whole


def tag() -> bytes:
    """For the page's head: it runs once the page is read, and before Gradio's own."""
    return f'<script defer src="{bundle()[0]}"></script>'.encode()


def route() -> Route:
    """Where it is served."""
    path, whole = bundle()

    def answer(request: Request) -> Response:
        return Response(whole, media_type="text/javascript")

    return Route(f"/{path}", answer)
