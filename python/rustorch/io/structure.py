"""Nested Python data as JSON, with tensors by name: what `rustorch.save` puts beside the tensors.

Lists, dicts with string keys, strings, numbers, booleans and None are themselves. All else is an object with
one key that starts with `$`.
"""

from __future__ import annotations

import base64
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rustorch import _C
from rustorch.errors import DTypeError, FormatError

__all__ = ["decode", "encode"]

_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(obj: Any, tensor: Callable[[_C.Tensor, str], Any], path: str = "") -> Any:
    """JSON for `obj`; `tensor(t, path)` gives that of a tensor.

    Raises:
        TypeError: for objects of other types, naming where they are.
    """

    def inner(value: Any, key: Any) -> Any:
        return encode(value, tensor, f"{path}.{key}" if path else str(key))

    def sequence(values: Any) -> list[Any]:
        return [inner(value, i) for i, value in enumerate(values)]

    if isinstance(obj, _C.Tensor):
        return tensor(obj, path)
    if type(obj).__module__ == "numpy" and hasattr(obj, "item") and getattr(obj, "ndim", 1) == 0:
        obj = obj.item()
    if obj is None or isinstance(obj, (bool, str)):
        return obj
    if isinstance(obj, int):
        return int(obj)
    if isinstance(obj, float):
        return float(obj) if math.isfinite(obj) else {"$float": repr(float(obj))}
    if isinstance(obj, complex):
        return {"$complex": [repr(obj.real), repr(obj.imag)]}
    if isinstance(obj, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(obj).decode("ascii")}
    if isinstance(obj, _C.Size):
        return {"$size": list(obj)}
    if isinstance(obj, _C.dtype):
        return {"$dtype": str(obj).partition(".")[2]}
    if isinstance(obj, _C.device):
        return {"$device": str(obj)}
    if isinstance(obj, list):
        return sequence(obj)
    if isinstance(obj, tuple):
        return {"$tuple": sequence(obj)}
    if isinstance(obj, (set, frozenset)):
        return {"$set": sequence(sorted(obj, key=repr))}
    if isinstance(obj, dict):
        ordered = isinstance(obj, OrderedDict)
        if not ordered and all(type(key) is str and not key.startswith("$") for key in obj):
            return {key: inner(value, key) for key, value in obj.items()}
        pairs = [[encode(key, tensor, f"{path}.<key>"), inner(value, key)] for key, value in obj.items()]
        return {"$ordered" if ordered else "$dict": pairs}
    raise DTypeError.of(
        "save",
        f"only tensors, numbers, strings, bytes, None and lists, tuples, sets and dicts of them can be saved "
        f"without pickle; at {path or 'the top'!r}",
        type(obj).__name__,
        "saving its state_dict(), or rustorch.tensor(array) for an array",
    )


def _malformed(node: Any) -> FormatError:
    return FormatError.of("load", "the structure of the file is malformed", repr(node)[:100])


def decode(node: Any, tensor: Callable[[dict[str, Any]], _C.Tensor]) -> Any:
    """What `encode` was given; `tensor(node)` makes a tensor from what its callback gave.

    Raises:
        ValueError: for anything that `encode` does not write.
    """
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    if isinstance(node, list):
        return [decode(item, tensor) for item in node]
    if not isinstance(node, dict):
        raise _malformed(node)
    kind = next(iter(node), "")
    if not kind.startswith("$"):
        return {key: decode(value, tensor) for key, value in node.items()}
    value = node[kind]
    try:
        if kind == "$tensor":
            return tensor(node)
        if len(node) == 1:
            return _special(kind, value, tensor)
    except FormatError:
        raise
    except (TypeError, KeyError, AttributeError, OverflowError, RuntimeError, ValueError) as error:
        raise _malformed(node) from error
    raise _malformed(node)


def _special(kind: str, value: Any, tensor: Callable[[dict[str, Any]], _C.Tensor]) -> Any:
    if kind == "$float":
        return _FLOATS[value]
    if kind == "$complex":
        real, imaginary = value
        return complex(float(real), float(imaginary))
    if kind == "$bytes":
        return base64.b64decode(value, validate=True)
    if kind == "$size":
        return _C.Size([int(size) for size in value])
    if kind == "$dtype":
        found = getattr(_C, value)
        if not isinstance(found, _C.dtype):
            raise _malformed(value)
        return found
    if kind == "$device":
        return _C.device(value)
    if kind == "$tuple" and isinstance(value, list):
        return tuple(decode(item, tensor) for item in value)
    if kind == "$set" and isinstance(value, list):
        return {decode(item, tensor) for item in value}
    if kind in ("$dict", "$ordered"):
        pairs = [(decode(key, tensor), decode(item, tensor)) for key, item in value]
        return OrderedDict(pairs) if kind == "$ordered" else dict(pairs)
    raise _malformed(kind)
