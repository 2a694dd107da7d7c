"""Half a character: a lone surrogate is in a Python string, but in no text, and no library takes it."""

from __future__ import annotations

from playground.errors import BadInput


def check(text: str) -> str:
    """The text, if it can be written in UTF-8.

    Raises:
        BadInput: ``lone_surrogate`` (code, position).
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = f"U+{ord(text[error.start]):04X}"
        raise BadInput("lone_surrogate", code=code, position=error.start) from error
    return text
