"""What a page may run: the hash of each script that the server wrote, and of no other."""

from __future__ import annotations

import base64
import hashlib

from playground.shell.policy import policy


def hashed(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_every_script_of_the_page_and_no_other() -> None:
    page = b'<html><script>one()</script><script type="module" src="a.js"></script>'
    page += b"<SCRIPT a=b>\ntwo()\n</SCRIPT >"
    scripts = policy(page).partition(";")[0].removeprefix("script-src ").split(" ")
    assert scripts == ["'self'", "'unsafe-eval'", hashed("one()"), hashed("\ntwo()\n")]
    assert hashed("evil()") not in policy(page)


def test_line_ends_as_a_browser_reads_them() -> None:
    assert hashed("a()\nb()") in policy(b"<script>a()\r\nb()</script>")


def test_who_may_frame_it() -> None:
    frames = policy(b"", ["https://moodle.school.edu"]).partition("frame-ancestors ")[2]
    assert frames == "'self' https://huggingface.co https://*.hf.space https://moodle.school.edu"


def test_nothing_else_from_elsewhere() -> None:
    told = policy(b"")
    for rule in ("default-src 'self'", "object-src 'none'", "base-uri 'self'", "form-action 'self'"):
        assert rule in told
    assert "http:" not in told and "unsafe-inline" not in told.partition(";")[0]
