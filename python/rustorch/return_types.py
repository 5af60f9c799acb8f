"""The types of named results, such as `rustorch.return_types.max` of ``x.max(dim)``.

Follows `torch.return_types`.

>>> import rustorch as rt
>>> isinstance(rt.tensor([1, 3, 2]).max(0), rt.return_types.max)
True
"""

from __future__ import annotations

from typing import Any

from rustorch import _C


def __getattr__(name: str) -> Any:
    found = None if name.startswith("__") else _C._return_type(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found
