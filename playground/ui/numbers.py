"""Numbers that strangers send: a widget's value, or one of a program's JSON, checked before use."""

from __future__ import annotations

from playground.errors import BadInput


def number(name: str, value: object, otherwise: float) -> float:
    """A value as a number; an emptied box is ``otherwise``.

    Raises:
        BadInput: ``setting_malformed`` (name, value).
    """
    if value is None or value == "":
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput("setting_malformed", name=name, value=str(value)[:40])
    try:
        return float(value)
    except OverflowError as error:
        raise BadInput("setting_malformed", name=name, value=str(value)[:40]) from error


def whole(name: str, value: object, otherwise: int) -> int:
    """The same, a whole number.

    Raises:
        BadInput: ``setting_malformed`` (name, value).
    """
    found = number(name, value, otherwise)
    if found != found or found in (float("inf"), float("-inf")) or int(found) != found:
        raise BadInput("setting_malformed", name=name, value=str(value)[:40])
    return value if isinstance(value, int) else int(found)  # not by way of a float: seeds have 63 bits
