"""QR codes of links: the right squares, bounded, and nothing of the text in any log."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import gradio as gr
import pytest
import segno
from starlette.testclient import TestClient

from playground.errors import BadInput
from playground.shell import qr, streams

LINK = "http://127.0.0.1:7860/?lang=zh-TW#next_token/bars?prompt=%E4%BD%A0%E5%A5%BD&temperature=0.7"


def squares(told: dict[str, Any]) -> list[list[int]]:
    """The square that a path draws, module by module."""
    drawn = [[0] * told["size"] for _ in range(told["size"])]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", told["path"]):
        for at in range(int(x), int(x) + int(length)):
            assert not drawn[int(y)][at], "drawn twice"
            drawn[int(y)][at] = 1
    return drawn


@pytest.mark.parametrize("text", [LINK, "x", "你好 👍", LINK + "&more=" + "a" * (qr.LONGEST - len(LINK) - 6)])
def test_it_draws_what_the_library_computed_with_a_quiet_zone(text: str) -> None:
    (told,) = qr.answer({"text": text})
    code = segno.make_qr(text, error="m")
    quiet = [[0] * told["size"]] * qr.QUIET
    side = [0] * qr.QUIET
    assert squares(told) == [*quiet, *([*side, *map(int, row), *side] for row in code.matrix), *quiet]
    assert re.fullmatch(r"(M\d+ \d+h\d+v1h-\d+z)+", told["path"])  # nothing else ever reaches the page


NONE: list[Any] = [{}, {"text": ""}, {"text": 5}, {"text": "x" * (qr.LONGEST + 1)}, [], "x", None]


@pytest.mark.parametrize("given", NONE)
def test_what_is_no_text_or_too_long_is_refused(given: Any) -> None:
    with pytest.raises(BadInput):
        next(qr.answer(given))


def test_it_is_asked_by_post_and_the_text_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with gr.Blocks() as page:
        gr.Markdown("x")
    routes = streams.routes({"qr": qr.answer})
    page.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, app_kwargs={"routes": routes})
    try:
        client = TestClient(page.app, base_url=page.local_url)
        for text in (LINK, LINK * 9, "half \ud800 secret"):
            body, kind = json.dumps({"text": text}), {"Content-Type": "application/json"}
            answer = client.post("/playground/qr", content=body, headers=kind)
            assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        assert client.get("/playground/qr").status_code in (404, 405)
    finally:
        page.close()
    kept = [each for each in caplog.records if not each.name.startswith("http")]  # the asker has its own
    assert not [each for each in kept if "next_token" in each.getMessage() or "secret" in each.getMessage()]
