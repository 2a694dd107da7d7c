"""JSON that somebody else wrote: a model's config.json, an upload, what a page sends. Read within bounds.

Python's reader gives up on lists in lists in lists by a RecursionError, which is no ValueError, so that who
guards against "no JSON" alone is stopped by 50 KB of brackets; and what it does read may be so deep that the
next library to walk through it fails. No more of a file is read than it may have. What is wrong, one error
says it: `Unreadable`, a ValueError.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

LONGEST = 2**20  # bytes of a config; the longest known has 60 KB
LONGEST_INDEX = 2**25  # bytes of the list of a model's shards; the longest known has 9 MB
DEEPEST = 100  # lists and objects in one another; configs have five, and libraries take two frames for each

Why = Literal["long", "deep", "form"]


class Unreadable(ValueError):
    """Not JSON that can be used.

    Args:
        why: ``long`` (too many bytes), ``deep`` (too many lists and objects in one another), or ``form``: no
            JSON, not in UTF-8, not of the kind that is wanted.
        name: of the file; "" where it is none.
    """

    def __init__(self, why: Why, name: str = "", detail: str = "") -> None:
        super().__init__(f"{name or 'JSON'}: {why} {detail}".strip())
        self.why: Why = why
        self.name = name


def parse(text: str | bytes, longest: int = LONGEST, name: str = "") -> Any:
    """What a text of JSON says.

    Args:
        longest: bytes (of a string: characters) that it may have.
        name: told with the error.

    Raises:
        Unreadable: with the parser's own error as its cause.
    """
    if len(text) > longest:
        raise Unreadable("long", name, str(len(text)))
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise Unreadable("deep", name) from error
    except ValueError as error:  # of the form, of the encoding, of whole numbers with thousands of digits
        raise Unreadable("form", name, str(error)) from error
    if deeper(found, DEEPEST):
        raise Unreadable("deep", name)
    return found


def read(file: Path, longest: int = LONGEST) -> Any:
    """What a file of JSON says.

    Raises:
        Unreadable: as `parse`. OSError: there is none, or it may not be read.
    """
    with file.open("rb") as stream:
        return parse(stream.read(longest + 1), longest, file.name)  # a file may grow after it was measured


def read_object(file: Path, longest: int = LONGEST) -> dict[str, Any]:
    """The same, of a file that holds an object.

    Raises:
        Unreadable: as `parse`, or it holds something else. OSError: as `read`.
    """
    found = read(file, longest)
    if not isinstance(found, dict):
        raise Unreadable("form", file.name, f"holds a {type(found).__name__}")
    return found


def deeper(value: Any, most: int) -> bool:
    """Whether more than ``most`` lists and objects stand in one another; found without recursion."""
    level = [value]
    for _ in range(most):
        level = [
            each
            for one in level
            if isinstance(one, dict | list)
            for each in (one.values() if isinstance(one, dict) else one)
            if isinstance(each, dict | list)
        ]
        if not level:
            return False
    return True
