"""Inside: tensors without numbers, in the format that a load would give them, and no more of them than any
model has. All of it holds for this thread alone: torch's own default format and its registration hooks are
the whole process's, and changing them would change (or end) what other threads build meanwhile.
"""

from __future__ import annotations

import functools
import sys
import time
from typing import Any

from playground.system import cancellation


class TooMuch(BaseException):
    """More tensors, or more time, than any model needs. No Exception: libraries must not swallow it."""


@functools.cache
def _modes() -> Any:
    """The classes of `weightless` and `bounded`, made when torch is there."""
    import torch
    from torch.overrides import TorchFunctionMode
    from torch.utils._device import _device_constructors

    makers = _device_constructors()
    plain = {torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn}
    copies = {torch.tensor, torch.as_tensor, torch.asarray}  # of data that may have a format of its own
    fills = {getattr(torch.Tensor, name) for name in ("uniform_", "normal_", "fill_", "zero_")}
    fills |= {torch.nn.init.kaiming_uniform_, torch.nn.init.uniform_, torch.nn.init.normal_}
    # What names its format without an argument called dtype.
    explicit = {
        torch.Tensor.float,
        torch.Tensor.to,
        torch.Tensor.type,
        torch.Tensor.type_as,
        torch.Tensor.view,
    }
    meta = torch.device("meta")

    def floats(value: Any) -> bool:
        if isinstance(value, list | tuple):
            return any(map(floats, value))
        return isinstance(value, torch.Tensor) and value.is_floating_point()

    class Weightless(TorchFunctionMode):  # type: ignore[misc]
        def __init__(self, follows: Any) -> None:
            self.follows = follows

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func in fills:
                return args[0] if args else kwargs["tensor"]  # there is nothing to fill
            named = kwargs.get("dtype") is not None
            if func in makers:
                if kwargs.get("device") is None:
                    kwargs["device"] = meta
                if func in plain and not named:
                    kwargs["dtype"] = self.follows
                    return func(*args, **kwargs)
                given = func in copies and bool(args) and hasattr(args[0], "dtype")
                return self._default(func(*args, **kwargs), named or given)
            if func is torch.Tensor.to and len(args) > 1 and args[1] is torch.float32:
                # `emb.to(torch.get_default_dtype())` (M2M100, XGLM) asks for the process's default, which is
                # not the model's here; the code that called tells whether that was meant.
                caller = sys._getframe(1).f_code
                if "get_default_dtype" in caller.co_names:
                    return func(args[0], self.follows)
            made = func(*args, **kwargs)
            # Of whole numbers alone, as in `torch.log(torch.arange(1, 17))`, torch makes its default format.
            return self._default(made, named or func in explicit or floats(args))

        def _default(self, made: Any, own: bool) -> Any:
            """What is of torch's default format takes the model's, as under `from_pretrained`."""
            default = isinstance(made, torch.Tensor) and made.dtype == torch.float32 and not own
            return made.to(self.follows) if default else made

    class Bounded(TorchFunctionMode):  # type: ignore[misc]
        def __init__(self, most: int, seconds: float) -> None:
            self.left, self.deadline = most, time.thread_time() + seconds

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func in makers:
                self.left -= 1
                if self.left < 0 or time.thread_time() > self.deadline:
                    raise TooMuch
            cancellation.check()  # one large tensor filled with random numbers takes as long as many made
            return func(*args, **(kwargs or {}))

    return Weightless, Bounded


def weightless(dtype: str = "float16") -> Any:
    """Inside, tensors are on the meta device, and ``dtype`` where no format is asked for."""
    import torch

    return _modes()[0](getattr(torch, dtype))


def bounded(most: int, seconds: float) -> Any:
    """Inside, no more than ``most`` tensors are made, and none after so many seconds of this thread's work.

    Raises:
        TooMuch: where no model ends. stopping.Abandoned: nobody waits for this thread's work any more.
    """
    return _modes()[1](most, seconds)
