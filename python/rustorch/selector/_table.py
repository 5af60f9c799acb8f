"""The rules of routing and the decision: no I/O, no state. csrc/ops/routing.cpp decides alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import prod
from typing import Any

from rustorch.selector._thresholds import DeviceThresholds

__all__ = ["Choice", "Decision", "EngineRule", "OpRule", "Reason", "Table", "decide", "sentence"]

NEVER = (1 << 63) - 1
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip


class Reason(IntEnum):
    """Why an engine was chosen; the numbers are those of `RouteReason` in csrc/ops/routing.h."""

    HOME = 0
    MAJORITY = 1
    SIZE = 2
    MOVE = 3
    LAST = 4


@dataclass(frozen=True)
class EngineRule:
    """When an engine takes work whose inputs do not live on it already.

    Attributes:
        min_size, max_size: elements of the largest tensor.
        move_size: elements from which inputs are worth moving to it.
        move_size_dense: the same for matrix products and their like.
        strided: whether it reads tensors of any layout.
        dtypes: that it computes in, where an op does not say; None: all.
    """

    min_size: int = 0
    max_size: int = NEVER
    move_size: int = NEVER
    move_size_dense: int = NEVER
    strided: bool = True
    dtypes: frozenset[str] | None = None


@dataclass(frozen=True)
class OpRule:
    """What is known of an op.

    Attributes:
        dense: much arithmetic for each byte, such as a matrix product.
        composite: made of other ops, without kernels of its own.
        dtypes: by engine, those with kernels; an engine that is not named has all.
    """

    dense: bool = False
    composite: bool = False
    dtypes: Mapping[str, frozenset[str]] = field(default_factory=dict)


_COREML_DTYPES = frozenset({"float16", "float32"})


@dataclass(frozen=True)
class Table:
    """The rules: the chain of engines, from the one that is asked first, and what engines and ops can do."""

    chain: tuple[str, ...] = ("cpu",)
    engines: Mapping[str, EngineRule] = field(default_factory=dict)
    ops: Mapping[str, OpRule] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        thresholds: DeviceThresholds,
        chain: Sequence[str],
        ops: Mapping[str, OpRule] | None = None,
        dtypes: Mapping[str, frozenset[str]] | None = None,
    ) -> Table:
        """The table of a chain by thresholds; `dtypes`: what each engine computes in."""
        t, computes = thresholds, dict(dtypes or {})
        engines = {
            "coreml": EngineRule(
                t.coreml_min_size, t.coreml_max_size, t.coreml_min_size, t.coreml_min_size,
                strided=False, dtypes=_COREML_DTYPES,
            ),
            "metal": EngineRule(t.metal_min_size, NEVER, t.metal_min_size, t.metal_min_size),
            "cuda": EngineRule(t.cuda_min_size, NEVER, t.cuda_move_size, t.cuda_move_size_dense),
            "emulator": EngineRule(
                t.emulator_min_size, NEVER, t.emulator_move_size, t.emulator_move_size
            ),
        }  # fmt: skip
        for name, known in computes.items():
            rule = engines.get(name, EngineRule())
            engines[name] = EngineRule(
                rule.min_size, rule.max_size, rule.move_size, rule.move_size_dense, rule.strided, known
            )
        return cls(tuple(chain), engines, dict(ops or {}))


@dataclass(frozen=True)
class Choice:
    """Where an op runs (a device, such as "cuda:0"), why, and where it would have run with a kernel there.

    `engine` differs from `preferred` where the op falls back.
    """

    engine: str
    reason: str
    preferred: str

    @property
    def falls_back(self) -> bool:
        """Whether the preferred engine lacked the op or its dtype."""
        return self.engine != self.preferred


@dataclass(frozen=True)
class Decision:
    """A choice before it is put into words."""

    device: str
    reason: Reason
    preferred: str


def _engine(device: str) -> str:
    return device.partition(":")[0]


def device_name(device: str) -> str:
    """As tensors say it: the first GPU of NVIDIA's is "cuda:0", other first devices have no number."""
    return "cuda:0" if device == "cuda" else device


def decide(
    table: Table,
    op: str,
    dtype: str | None,
    size: int,
    strided: bool,
    homes: Mapping[str, int],
    excluded: Iterable[str] = (),
) -> Decision:
    """The decision in the terms of the C++ router: devices by name, the largest tensor's elements."""
    chain, rule = table.chain, table.ops.get(op)
    place = {name: i for i, name in reversed(list(enumerate(chain)))}
    home = min(homes, key=lambda d: (-homes[d], place.get(_engine(d), len(chain))), default=None)
    without = set(excluded)

    def has_kernel(engine: str) -> bool:
        if engine in without:
            return False
        known = table.engines.get(engine, EngineRule()).dtypes
        if rule is not None and not rule.composite:
            known = rule.dtypes.get(engine)
        if known is None:
            return True
        return bool(known) if dtype is None else dtype in known

    def takes(engine: str) -> bool:
        limits = table.engines.get(engine, EngineRule())
        if (strided and not limits.strided) or not limits.min_size <= size <= limits.max_size:
            return False
        dense = rule is not None and rule.dense
        return not homes or size >= (limits.move_size_dense if dense else limits.move_size)

    order = list(chain)
    if home is not None and _engine(home) not in chain:
        order.insert(0, _engine(home))
    preferred = None
    for engine in [*order, "cpu"]:
        at_home = home is not None and _engine(home) == engine
        if not at_home and engine != "cpu" and not takes(engine):
            continue
        device = home if at_home and home is not None else device_name(engine)
        preferred = preferred or device
        if engine != "cpu" and not has_kernel(engine):
            continue
        if at_home:
            reason = Reason.HOME if len(homes) == 1 else Reason.MAJORITY
        elif engine == "cpu":
            reason = Reason.LAST
        else:
            reason = Reason.MOVE if home is not None else Reason.SIZE
        return Decision(device, reason, preferred)
    raise AssertionError("the CPU takes everything")


def sentence(reason: int, size: int, device: str, preferred: str, lacked: str = "") -> str:
    """A decision in words."""
    said = {
        Reason.HOME: "the inputs live there",
        Reason.MAJORITY: "most bytes of the inputs live there",
        Reason.SIZE: f"it is the first of the chain that takes {size} elements",
        Reason.MOVE: f"{size} elements are worth moving there",
        Reason.LAST: "no other engine of the chain takes it",
    }[Reason(reason)]
    if device == preferred:
        return said
    return f"{lacked or f'{preferred!r} has no kernel for it'}; {said}"


def dtype_name(dtype: Any) -> str | None:
    """The name of a dtype, however it was given."""
    return None if dtype is None else str(dtype).rpartition(".")[2]


def size_of(shapes: Iterable[Sequence[int]]) -> int:
    """The elements of the largest shape; none: 0."""
    return max((prod(shape) for shape in shapes), default=0)
