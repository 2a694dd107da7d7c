"""What a page may run and who may frame it: its Content-Security-Policy.

A script runs if it comes from here as a file, or stands in the page as the server made it: its hash is in the
header, computed anew for each answer, since Gradio writes its configuration (and in it the host and the start
of the server) into the page. Without ``'unsafe-eval'`` Gradio's page never appears.

    https://developer.mozilla.org/docs/Web/HTTP/CSP
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script", re.DOTALL | re.IGNORECASE)
FRAMES = ("'self'", "https://huggingface.co", "https://*.hf.space")
# Gradio sets styles as it goes; charts and maps make pictures, and downloads, of their own.
REST = (
    "default-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:",
    "media-src 'self' data: blob:", "font-src 'self' data:", "connect-src 'self' data: blob:",
    "worker-src 'self' blob:", "object-src 'none'", "base-uri 'self'", "form-action 'self'",
)  # fmt: skip


def policy(page: bytes, framing: Iterable[str] = ()) -> str:
    """The header's value for one page.

    Args:
        page: its HTML, as the server made it and before any visitor's word is in it.
        framing: sites that may show it in a frame, besides the Hub's.
    """
    scripts = dict.fromkeys(_hash(body) for _, body in SCRIPT.findall(page) if body.strip())
    allowed = " ".join(["'self'", "'unsafe-eval'", *scripts])
    frames = " ".join(dict.fromkeys([*FRAMES, *framing]))
    return "; ".join([f"script-src {allowed}", *REST, f"frame-ancestors {frames}"])


def _hash(script: bytes) -> str:
    # A browser reads "\r\n" as "\n" before it hashes.
    digest = hashlib.sha256(script.replace(b"\r\n", b"\n")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
