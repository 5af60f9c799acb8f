"""The static types of scripts, read from annotations."""

from __future__ import annotations

import ast
import collections.abc
import types as python_types
import typing
from dataclasses import dataclass
from typing import Any

import rustorch as rt
from rustorch import _C

# The kinds that are one value of a graph; lists of the last three are too.
LEAVES = ("Tensor", "int", "float", "bool", "number", "str", "dtype", "device")
NUMBERS = ("int", "float", "bool", "number")
LIST_ITEMS = ("Tensor", "int", "float")


@dataclass(frozen=True)
class Type:
    """A type: a leaf, None, or Optional, List, Tuple and Dict of others."""

    kind: str
    args: tuple[Type, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}[{', '.join(map(str, self.args))}]" if self.args else self.kind

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS

    @property
    def bare(self) -> Type:
        """Without Optional."""
        return self.args[0] if self.kind == "Optional" else self

    @property
    def leaf(self) -> str | None:
        """What a graph calls it, if one value of a graph can hold it."""
        if self.kind == "Optional":
            inner = self.bare.leaf
            return None if inner is None else inner + "?"
        if self.kind == "None":
            return "Tensor?"
        if self.kind == "List" and self.args[0].kind in LIST_ITEMS:
            return f"{self.args[0].kind}[]"
        return self.kind if self.kind in LEAVES else None


TENSOR, INT, FLOAT, BOOL, NUMBER, STR = (Type(kind) for kind in LEAVES[:6])
DTYPE, DEVICE, NONE, NOTHING = Type("dtype"), Type("device"), Type("None"), Type("Nothing")
ANY = Type("Any")  # of the items of a list that have no type in common


def list_of(item: Type) -> Type:
    return Type("List", (item,))


def optional(inner: Type) -> Type:
    return inner if inner.kind in ("Optional", "None") else Type("Optional", (inner,))


def unify(a: Type, b: Type) -> Type | None:
    """The type of what is one or the other, if there is one. Nothing is the type of no value."""
    if a == b or b.kind == "Nothing":
        return a
    if a.kind == "Nothing":
        return b
    if a.kind == "None":
        return optional(b)
    if b.kind == "None":
        return optional(a)
    if a.kind == "Optional" or b.kind == "Optional":
        inner = unify(a.bare, b.bare)
        return None if inner is None else optional(inner)
    if "number" in (a.kind, b.kind) and a.is_number and b.is_number:
        return NUMBER
    return None


_BY_CLASS: dict[Any, Type] = {
    int: INT, float: FLOAT, bool: BOOL, str: STR, None: NONE, type(None): NONE, Any: TENSOR,
}  # fmt: skip
_GENERIC = {list: "List", collections.abc.Sequence: "List", tuple: "Tuple", dict: "Dict"}


def from_annotation(annotation: Any) -> Type:
    """The type that an annotation means.

    Raises:
        TypeError: for one that scripts do not know.
    """
    if annotation in (_C.Tensor, rt.Tensor, rt.nn.Parameter):
        return TENSOR
    if annotation is _C.dtype:
        return DTYPE
    if annotation is _C.device:
        return DEVICE
    if isinstance(annotation, typing.Hashable) and annotation in _BY_CLASS:
        return _BY_CLASS[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union or origin is getattr(python_types, "UnionType", None):
        inner = [from_annotation(item) for item in args if item is not type(None)]
        if len(inner) == 1 and len(args) == 2:
            return optional(inner[0])
        if set(map(str, inner)) <= {"int", "float", "bool"}:
            return NUMBER
        raise TypeError(f"the only union is Optional, not {annotation}")
    if annotation is list or (origin is list and not args):
        return list_of(TENSOR)
    if origin in _GENERIC:
        if Ellipsis in args or not args:
            raise TypeError(f"the types of all its items are needed, not {annotation}")
        made = tuple(from_annotation(item) for item in args)
        return Type(_GENERIC[origin], made)
    if isinstance(annotation, type) and issubclass(annotation, _C.Tensor):
        return TENSOR
    raise TypeError(f"{annotation} is no type that scripts know")


def parse(text: str) -> Type:
    """The type of its own text: "Tuple[Tensor, Optional[int]]".

    Raises:
        ValueError: for anything else.
    """

    def visit(node: ast.expr, depth: int) -> Type:
        if depth > 16:
            raise ValueError("a type is nested too deep")
        if isinstance(node, ast.Constant) and node.value is None:
            return NONE
        if isinstance(node, ast.Name) and node.id in LEAVES:
            return Type(node.id)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            args = tuple(visit(item, depth + 1) for item in items)
            wanted = {"Optional": 1, "List": 1, "Dict": 2, "Tuple": len(args)}.get(node.value.id)
            if wanted == len(args):
                return Type(node.value.id, args)
        raise ValueError(f"{text[:80]!r} is no type")

    if len(text) > 1000:
        raise ValueError("the text of a type is too long")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"{text[:80]!r} is no type") from error
    return visit(tree, 0)
