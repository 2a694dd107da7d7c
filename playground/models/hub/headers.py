"""Names, types and shapes of all tensors, from the first kilobytes of safetensors files.

huggingface_hub's ``get_safetensors_metadata`` reads a whole file into memory where a Hub ignores ranges,
and cannot be stopped; so the format, eight bytes and a JSON, is read here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from playground.errors import CannotLoad
from playground.models.hub.aside import Report, aside
from playground.models.hub.cache import Listing
from playground.models.hub.download import body
from playground.system import untrusted_json

FIRST = 2**17  # bytes asked for first: most headers are shorter
LONGEST = 25 * 2**20  # as huggingface_hub's
AT_ONCE = 8

Tensors = dict[str, tuple[str, tuple[int, ...]]]


def read(listing: Listing, names: Iterable[str], token: bool | None, report: Report) -> Tensors:
    """The tensors of several files: from this disk, or else from the Hub."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    headers = {**build_hf_headers(token=token), "Accept-Encoding": "identity"}

    def content(name: str) -> bytes:
        if listing.here(name):
            with (listing.snapshot / name).open("rb") as file:
                return _header(iter(lambda: file.read(FIRST), b"")) or b""
        url = hf_hub_url(listing.repository, name, revision=listing.commit)
        return _fetched(url, headers, FIRST) or _fetched(url, headers, LONGEST) or b""

    def contents() -> Iterator[bytes]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(content, names)

    tensors: Tensors = {}
    with closing(aside(contents, report.tick)) as found:  # type: ignore[type-var]
        for header in found:
            tensors |= _parsed(listing.repository, header)
    return tensors


def parameters(tensors: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, int]:
    """How many numbers there are of each type."""
    counts: dict[str, int] = {}
    for dtype, shape in tensors.values():
        counts[dtype] = counts.get(dtype, 0) + math.prod(shape)
    return counts


def _fetched(url: str, headers: dict[str, str], length: int) -> bytes | None:
    """None where the header is longer."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with closing(body(url, {**headers, "Range": f"bytes=0-{length - 1}"})) as pieces:  # type: ignore[type-var]
            return _header(pieces) if next(pieces).start == 0 else b""
    except HfHubHTTPError as error:
        if error.response.status_code == 416:  # an empty file has no first byte
            return b""
        raise


def _header(pieces: Iterator[bytes]) -> bytes | None:
    """The JSON at the beginning: no more is read than that. None where the pieces end before it does."""
    data = bytearray()
    for piece in pieces:
        data += piece
        end = 8 + int.from_bytes(data[:8], "little")
        if len(data) >= 8 and (end > LONGEST or len(data) >= end):
            return bytes(data[8:end]) if end <= LONGEST else b""
    return None


def _parsed(repository: str, header: bytes) -> Tensors:
    try:
        found: dict[str, Any] = untrusted_json.parse(header, LONGEST)
        found.pop("__metadata__", None)
        return {
            name: (str(tensor["dtype"]), tuple(int(length) for length in tensor["shape"]))
            for name, tensor in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotLoad("broken_weights", name=repository) from error
