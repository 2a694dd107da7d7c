"""A tokenizer that may cut and pad, without anybody else's text being cut or padded.

How long a fast tokenizer's results may be is a state of the tokenizer, set by every call with
``truncation=True`` and kept until the next: on a shared one, a look at 256 tokens would cut another visitor's
chat at 256.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playground.models.cache import Loaded

_making = threading.Lock()


@contextmanager
def cutting(loaded: Loaded) -> Iterator[Any]:
    """A copy of the model's tokenizer, for one caller at a time; what pads (``encode``) belongs inside."""
    with _making:
        if "cutting" not in loaded.memo:
            own = loaded.tokenizer if loaded.tokenizer is not None else loaded.model.tokenizer
            loaded.memo["cutting"] = copy.deepcopy(own), threading.Lock()
    tokenizer, turn = loaded.memo["cutting"]
    with turn:
        yield tokenizer
