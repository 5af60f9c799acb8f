"""cuDNN, as `torch.backends.cudnn`: the switches of `rustorch.cuda.cudnn` as names of a module.

>>> import rustorch.backends.cudnn as cudnn
>>> with cudnn.flags(enabled=False):
...     cudnn.enabled
False
>>> cudnn.enabled
True
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from rustorch.cuda import cudnn as _switches

_NAMES = ("enabled", "benchmark", "deterministic", "allow_tf32")


def is_available() -> bool:
    """Whether the library is open on the current device."""
    return _switches.is_available()


def version() -> int | None:
    """The library's version as it counts it itself, 91500 for 9.15; None if it is not open."""
    return _switches.version()


@contextmanager
def flags(**values: bool) -> Iterator[None]:
    """Within the block, `enabled`, `benchmark`, `deterministic` and `allow_tf32` are as given.

    Raises:
        TypeError: for another name.
    """
    unknown = sorted(set(values) - set(_NAMES))
    if unknown:
        raise TypeError(f"flags: there is no such switch; got {unknown[0]!r}; try one of {', '.join(_NAMES)}")
    before = {name: getattr(_switches, name) for name in values}
    try:
        for name, value in values.items():
            setattr(_switches, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(_switches, name, value)


class _Switches(ModuleType):
    """The module: its switches are those of `rustorch.cuda.cudnn`."""

    def __getattr__(self, name: str) -> Any:
        if name in _NAMES:
            return getattr(_switches, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _NAMES:
            setattr(_switches, name, value)
        else:
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Switches
