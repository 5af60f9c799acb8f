"""Nested Python data taken apart into its tensors and a skeleton, and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rustorch import _C
from rustorch.errors import DTypeError


@dataclass(frozen=True, repr=False)
class Slot:
    """Stands in a skeleton for a tensor, by its number."""

    index: int

    def __repr__(self) -> str:
        return f"<tensor {self.index}>"


# What a skeleton may hold besides tensors and containers.
_PLAIN = (bool, int, float, complex, str, bytes, type(None), _C.dtype, _C.device)


def flatten(obj: Any, op: str, path: str = "") -> tuple[list[tuple[str, _C.Tensor]], Any]:
    """The tensors of nested dicts, lists and tuples with their paths, and the skeleton they stood in.

    Raises:
        TypeError: for objects of other types, naming where they are.
    """
    found: list[tuple[str, _C.Tensor]] = []

    def visit(value: Any, at: str) -> Any:
        def inner(item: Any, key: Any) -> Any:
            return visit(item, f"{at}.{key}" if at else str(key))

        if isinstance(value, _C.Tensor):
            found.append((at, value))
            return Slot(len(found) - 1)
        if isinstance(value, _C.Size) or isinstance(value, _PLAIN):
            return value
        if isinstance(value, (list, tuple)):
            return rebuilt(value, [inner(item, i) for i, item in enumerate(value)])
        if isinstance(value, dict):
            items = {key: inner(item, key) for key, item in value.items()}
            return OrderedDict(items) if isinstance(value, OrderedDict) else items
        raise DTypeError.of(
            op,
            "inputs and outputs are tensors, numbers, strings, None and lists, tuples and dicts of them; at "
            f"{at or 'the top'!r}",
            type(value).__name__,
        )

    skeleton = visit(obj, path)
    return found, skeleton


def rebuilt(like: Any, items: list[Any]) -> Any:
    """A sequence of the type of `like`: named tuples keep their names."""
    if isinstance(like, list):
        return items
    cls = type(like)
    if hasattr(cls, "_make"):
        return cls._make(items)
    if cls is not tuple and hasattr(cls, "n_sequence_fields"):  # results of ops such as max
        return cls(items)
    return tuple(items)


def fill(skeleton: Any, tensors: Sequence[_C.Tensor]) -> Any:
    """The object of this skeleton, with these tensors."""
    return _map(skeleton, lambda slot: tensors[slot.index])


def _map(skeleton: Any, visit: Callable[[Slot], Any]) -> Any:
    if isinstance(skeleton, Slot):
        return visit(skeleton)
    if isinstance(skeleton, _C.Size) or isinstance(skeleton, _PLAIN):
        return skeleton
    if isinstance(skeleton, dict):
        return type(skeleton)((key, _map(item, visit)) for key, item in skeleton.items())
    return rebuilt(skeleton, [_map(item, visit) for item in skeleton])


def encodable(skeleton: Any) -> Any:
    """The skeleton as data that `rustorch.io.structure` writes: slots and tuples are tagged."""
    if isinstance(skeleton, Slot):
        return ["slot", skeleton.index]
    if isinstance(skeleton, _C.Size) or isinstance(skeleton, _PLAIN):
        return ["is", skeleton]
    if isinstance(skeleton, dict):
        kind = "ordered" if isinstance(skeleton, OrderedDict) else "dict"
        return [kind, [[key, encodable(item)] for key, item in skeleton.items()]]
    kind = "list" if isinstance(skeleton, list) else "tuple"
    return [kind, [encodable(item) for item in skeleton]]


def decoded(tree: Any, slots: int) -> Any:
    """What `encodable` was given; named tuples come back as plain ones.

    Raises:
        ValueError: for anything that `encodable` does not give.
    """
    if not (isinstance(tree, list) and len(tree) == 2):
        raise ValueError("a structure is a pair of a kind and what it holds")
    kind, value = tree
    if kind == "slot" and type(value) is int and 0 <= value < slots:
        return Slot(value)
    if kind == "is" and (isinstance(value, _PLAIN) or isinstance(value, _C.Size)):
        return value
    if kind in ("dict", "ordered") and isinstance(value, list):
        pairs = [(key, decoded(item, slots)) for key, item in value]
        return OrderedDict(pairs) if kind == "ordered" else dict(pairs)
    if kind in ("list", "tuple") and isinstance(value, list):
        items = [decoded(item, slots) for item in value]
        return items if kind == "list" else tuple(items)
    raise ValueError(f"{kind!r} is no kind of structure")


def matches(skeleton: Any, given: Any) -> bool:
    """Whether data given now has the containers, keys and plain values that were recorded."""
    if isinstance(skeleton, Slot) or isinstance(given, Slot):
        return isinstance(skeleton, Slot) and isinstance(given, Slot)
    if isinstance(skeleton, dict):
        return (
            isinstance(given, dict)
            and list(skeleton) == list(given)
            and all(matches(item, given[key]) for key, item in skeleton.items())
        )
    if isinstance(skeleton, (list, tuple)) and not isinstance(skeleton, _C.Size):
        return (
            isinstance(given, (list, tuple))
            and len(skeleton) == len(given)
            and all(map(matches, skeleton, given))
        )
    return bool(skeleton == given) or skeleton != skeleton
