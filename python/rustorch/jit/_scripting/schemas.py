"""Calls of ops: which overload takes these values, and what the node is given."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from rustorch import _C
from rustorch.jit._scripting.types import (
    BOOL,
    DEVICE,
    DTYPE,
    FLOAT,
    INT,
    NONE,
    NUMBER,
    STR,
    TENSOR,
    Type,
    list_of,
)

_NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x2": "other", "x": "input"}
_RETURNS = {
    "Tensor": TENSOR,
    "Tensor[]": list_of(TENSOR),
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "Scalar": NUMBER,
    "str": STR,
    "DType": DTYPE,
    "Device": DEVICE,
    "int[]": list_of(INT),
    "float[]": list_of(FLOAT),
    "None": NONE,
}
# Composites that draw numbers inside, besides the records that say so.
_RANDOM = re.compile(
    r"dropout|rrelu|scaled_dot_product|bernoulli|multinomial|normal|rand|uniform|gumbel|poisson|exponential"
    r"|cauchy|geometric|^(lstm|gru|rnn_tanh|rnn_relu)$"
)


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str  # without ?, and without the size of a list
    optional: bool
    items_optional: bool
    size: int  # of int[N]
    keyword_only: bool
    default: Any  # NO_DEFAULT where there is none


NO_DEFAULT = object()


@dataclass(frozen=True)
class Schema:
    record: str
    text: str
    parameters: tuple[Parameter, ...]
    returns: tuple[Type, ...]
    return_names: tuple[str, ...]
    random: bool

    @property
    def positional(self) -> int:
        return sum(not p.keyword_only for p in self.parameters)


def _default(text: str, type: str, size: int) -> Any:
    if text in ("None", "True", "False"):
        return {"None": None, "True": True, "False": False}[text]
    if text.startswith("'"):
        return text.strip("'")
    if text.startswith("["):
        return tuple(int(item) for item in text.strip("[]").split(",") if item.strip())
    number = float(text) if re.search(r"[.en]", text) or type == "float" else int(text)
    return (int(number),) * max(size, 1) if type == "int[]" else number


@functools.cache
def parse(text: str) -> Schema:
    """The schema of this text, which the registry wrote."""
    record, rest = text.split("(", 1)
    arguments, results = rest.split(") -> ", 1)
    parameters: list[Parameter] = []
    keyword_only = False
    for part in re.findall(r"(?:[^,\[]|\[[^\]]*\])+", arguments):
        part = part.strip()
        if part == "*":
            keyword_only = True
            continue
        declaration, _, default = part.partition("=")
        written, name = declaration.split(" ")
        optional = written.endswith("?")
        bare = written.removesuffix("?")
        found = re.fullmatch(r"(\w+)(\??)(?:\[(\d*|\*)\])?", bare)
        assert found is not None, text
        is_list = "[" in bare
        size = int(found[3]) if found[3] and found[3].isdigit() else 0
        kind = found[1] + ("[]" if is_list else "")
        value = _default(default, kind, size) if default else NO_DEFAULT
        parameters.append(Parameter(name, kind, optional, bool(found[2]), size, keyword_only, value))
    listed = [item.strip() for item in results.strip("()").split(",")]
    pairs = [item.split(" ") for item in listed]
    return Schema(
        record,
        text,
        tuple(parameters),
        tuple(_RETURNS[pair[0]] for pair in pairs),
        tuple(pair[1] if len(pair) > 1 else "" for pair in pairs),
        _draws(record),
    )


@functools.cache
def _random_records() -> set[str]:
    return {row["name"] for row in _C.op_table() if row["random"]}


def _draws(record: str) -> bool:
    name = record.split(".")[0]
    return record in _random_records() or bool(_RANDOM.search(name))


def bind(
    schema: Schema, args: list[Any], kwargs: dict[str, Any], accepts: Any, method: bool
) -> tuple[list[Any] | None, str]:
    """One value a parameter (NO_DEFAULT: its default), or None and why it does not fit."""
    slots: list[Any] = [NO_DEFAULT] * len(schema.parameters)
    positional, first = schema.positional, int(method)
    lone = positional == first + 1 and len(args) > first
    if lone and schema.parameters[first].type == "int[]" and (
        len(args) > first + 1 or not accepts(schema.parameters[first], args[first])
    ) and all(accepts.is_int(item) for item in args[first:]):  # fmt: skip
        slots[:first] = args[:first]
        slots[first] = accepts.sequence(args[first:])
    elif lone and "Tensor[*]" in schema.text and accepts.is_tensor(args[first]):
        slots[:first] = args[:first]
        slots[first] = accepts.sequence(args[first:])
    else:
        if len(args) > positional:
            return None, f"takes {positional} positional arguments but {len(args)} were given"
        slots[: len(args)] = args
    names = [p.name for p in schema.parameters]
    for key, value in kwargs.items():
        key = key if key in names else _NUMPY_NAMES.get(key, key)
        if key == "self" and names:
            key = names[0]
        if key not in names:
            return None, f"got an unexpected keyword argument '{key}'"
        at = names.index(key)
        if slots[at] is not NO_DEFAULT:
            return None, f"got multiple values for argument '{key}'"
        slots[at] = value
    for slot, parameter in zip(slots, schema.parameters):
        if slot is NO_DEFAULT:
            if parameter.default is NO_DEFAULT:
                return None, f"missing argument '{parameter.name}'"
        elif not accepts(parameter, slot):
            written = parameter.type + ("?" if parameter.optional else "")
            return None, f"argument '{parameter.name}' must be {written}, not {accepts.name(slot)}"
    return slots, ""
