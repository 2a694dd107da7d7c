"""Forward hooks that hear the passes of the thread that set them, and nobody else's.

A model is shared: while one visitor's pass is watched, another's may run in another thread, and a plain hook
hears both. These stay silent for any other thread, and are gone at the end of the ``with`` block. Whoever
sets them on a shared model still takes a turn (`queue`): a pass that runs while hooks come and go may break.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Hooks:
    """What `hooks` gives: set them with `after` and `before`."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._handles: list[Any] = []

    def after(self, module: Any, hear: Callable[[Any, Any, Any], Any]) -> None:
        """``register_forward_hook``: module, what it was given, what it put out; may return another."""
        self._handles.append(module.register_forward_hook(self._own(hear)))

    def before(self, module: Any, hear: Callable[[Any, Any], Any]) -> None:
        """``register_forward_pre_hook``: module, what it is given; may return other inputs."""
        self._handles.append(module.register_forward_pre_hook(self._own(hear)))

    def _own(self, hear: Callable[..., Any]) -> Callable[..., Any]:
        def heard(*given: Any) -> Any:
            return hear(*given) if threading.get_ident() == self._thread else None

        return heard

    def remove(self) -> None:
        """Take all of them away."""
        while self._handles:
            self._handles.pop().remove()


@contextmanager
def hooks() -> Iterator[Hooks]:
    """Hooks for the passes of this thread, as long as the ``with`` block lasts."""
    made = Hooks()
    try:
        yield made
    finally:
        made.remove()
