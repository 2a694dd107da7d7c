"""Which field of a configuration is missing, told from where a library stumbled over it."""

from __future__ import annotations

import linecache
import re
import traceback
from types import CodeType, FrameType
from typing import Any

READS = re.compile(r"(config|self|cfg|\w*_config)((?:\.\w+)+)")


def missing_field(error: BaseException) -> str:
    """The field whose absence raised an error while a model was built, like ``head_dim``; "" if it is none.

    An attribute that a configuration does not have names itself. What has no default is None, and fails where
    it is reckoned with: so the lines of the traceback are read from the innermost outward, for what they ask
    of a configuration (or of a module that took it from there) and get None.
    """
    if isinstance(error, AttributeError) and _configures(getattr(error, "obj", None)):
        return str(error.name)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        if ".transformers." not in f".{frame.f_globals.get('__name__', '')}.":
            continue
        for name, value in _asked(frame):
            if value is None:
                return name
            if isinstance(error, KeyError) and isinstance(value, dict) and error.args[0] not in value:
                return f"{name}[{error.args[0]!r}]"
    return ""


def _configures(thing: Any) -> bool:
    return thing is not None and hasattr(thing, "model_type") and hasattr(thing, "to_diff_dict")


def _asked(frame: FrameType) -> list[tuple[str, Any]]:
    """What the line where a frame stopped reads from a configuration or a module, with the values."""
    found = []
    for owner, path in READS.findall(_line(frame.f_code, frame.f_lineno)):
        thing = frame.f_locals.get(owner)
        parts = path.split(".")[1:]
        for i, part in enumerate(parts):
            told = vars(thing).get(part, ...) if hasattr(thing, "__dict__") else ...
            if told is ...:
                break
            # `self.config` is no field; of `config.rope_parameters.get(…)`, the first is.
            if told is None or isinstance(told, dict):
                name = ".".join(parts[: i + 1]).removeprefix("config.")
                name = _taken_from(frame, name) if owner == "self" else name
                spelled = getattr(frame.f_locals.get("config"), "attribute_map", {})  # the family's own word
                found.append((spelled.get(name, name), told))
                break
            thing = told
    return found


def _taken_from(frame: FrameType, name: str) -> str:
    """The field that a module's attribute was set from, where the function that stopped says so before."""
    for number in range(frame.f_code.co_firstlineno, frame.f_lineno):
        taken = re.search(rf"self\.{re.escape(name)}\s*=\s*\w*config\.(\w+)\s*$", _line(frame.f_code, number))
        if taken:
            return taken[1]
    return name


def _line(code: CodeType, number: int) -> str:
    return linecache.getline(code.co_filename, number)
