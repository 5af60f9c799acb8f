"""The table of this machine: made on first use, compiled for the C++ router, renewed by settings."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from rustorch import _C
from rustorch.errors import ArgumentError
from rustorch.selector._table import (
    DTYPES,
    NEVER,
    Choice,
    EngineRule,
    OpRule,
    Table,
    decide,
    device_name,
    dtype_name,
    sentence,
    size_of,
)
from rustorch.selector._thresholds import DeviceThresholds

__all__ = ["choose", "compiled", "default_chain", "set_chain", "set_thresholds", "table", "thresholds"]

ENGINES = ("cpu", "metal", "cuda", "emulator", "coreml", "mlcompute")
GPUS = ("metal", "cuda")
# What its programs take; integers of 64 bits if their values fit into 32.
_COREML_DTYPES = frozenset({"float32", "float16", "int32", "int64", "bool"})
# Much arithmetic for each byte: worth moving their inputs much earlier.
DENSE = frozenset(
    {
        "addmm", "addmv", "baddbmm", "mm", "bmm", "mv", "_batched_matmul", "_linear", "_convolution",
        "_convolution_weight_grad", "_scaled_dot_product_attention", "_scaled_dot_product_attention_backward",
        "_cholesky", "_lstsq", "_eigh", "_eig", "_qr", "_solve", "_inverse", "_lu_factor", "_svd",
    }
)  # fmt: skip


class _State:
    """Settings of the process, and the table made of them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.overrides: dict[str, int] = {}
        self.chain: tuple[str, ...] | None = None
        self.table: Table | None = None


_state = _State()


def thresholds() -> DeviceThresholds:
    """The thresholds in force.

    >>> import rustorch as rt
    >>> rt.selector.thresholds().gpu_min_memory > 0
    True
    """
    return DeviceThresholds.from_user().overruled(_state.overrides, "set_thresholds")


def set_thresholds(values: DeviceThresholds | None = None, **fields: int) -> None:
    """Overrules thresholds, for the whole process.

    Args:
        values: all of them, or None to go back to those of the user's file and environment.
        fields: some of them by name, which are added to those set before.

    Raises:
        ValueError: for an unknown name or a value that is no number of elements.

    >>> import rustorch as rt
    >>> rt.selector.set_thresholds(metal_min_size=4096)
    >>> rt.selector.thresholds().metal_min_size
    4096
    >>> rt.selector.set_thresholds()
    """
    with _state.lock:
        overrides = dict(_state.overrides) if fields and values is None else {}
        overrides.update(vars(values) if values is not None else {})
        overrides.update(fields)
        DeviceThresholds().overruled(overrides, "set_thresholds")
        _state.overrides = overrides
        _renew()


def default_chain() -> tuple[str, ...]:
    """The engines of this machine, from the one that is asked first; `RUSTORCH_CHAIN` names others.

    Opens the engines of the platform, to see which are there. The emulator is in no chain by default.

    >>> import rustorch as rt
    >>> rt.selector.default_chain()[-1]
    'cpu'
    """
    text = os.environ.get("RUSTORCH_CHAIN")
    if text is not None:
        return _checked([name.strip() for name in text.split(",") if name.strip()], "RUSTORCH_CHAIN")
    platform = ("coreml", "metal" if sys.platform == "darwin" else "cuda")
    least = thresholds().gpu_min_memory
    return (*(name for name in platform if _usable(name, least)), "cpu")


def _usable(engine: str, least: int) -> bool:
    why, found = _C._engine_info(engine)
    if why:
        return False
    memory = found[0][2] if found else 0
    return engine not in GPUS or memory == 0 or memory >= least


def _checked(chain: Sequence[str], source: str) -> tuple[str, ...]:
    for name in chain:
        if name not in ENGINES:
            raise ArgumentError.of(source, "there is no engine of this name", repr(name), ", ".join(ENGINES))
        why = _C._engine_info(name)[0]
        if why:
            raise ArgumentError.of(
                source, f"the engine {name!r} is not available: {why}", "", "another chain"
            )
    if len(set(chain)) < len(chain):
        raise ArgumentError.of(source, "an engine is named twice", ", ".join(chain))
    return tuple(chain) if "cpu" in chain else (*chain, "cpu")


def set_chain(chain: Sequence[str] | None) -> None:
    """Sets which engines are asked, and in which order, for the whole process; None for the platform's chain.

    Raises:
        ValueError: for an engine that is unknown or not available.

    >>> import rustorch as rt
    >>> rt.selector.set_chain(["cpu"])
    >>> rt.selector.table().chain
    ('cpu',)
    >>> rt.selector.set_chain(None)
    """
    with _state.lock:
        _state.chain = None if chain is None else _checked(list(chain), "set_chain")
        _renew()


def table() -> Table:
    """The table in use, made on first use.

    >>> import rustorch as rt
    >>> rt.selector.table().ops["mm"].dense
    True
    """
    with _state.lock:
        if _state.table is None:
            _state.table = _made()
            _C._set_routing_table(*compiled(_state.table))
        return _state.table


def _renew() -> None:
    if _state.table is not None:
        _state.table = None
        table()


def renew() -> None:
    """Makes the table anew, if there is one: an engine has come or gone."""
    with _state.lock:
        if _state.chain is not None:
            _state.chain = tuple(name for name in _state.chain if not _C._engine_info(name)[0])
        _renew()


def _made() -> Table:
    chain = default_chain() if _state.chain is None else _state.chain
    computes: dict[str, frozenset[str]] = {}
    of_ops: dict[str, dict[str, frozenset[str]]] = {}
    sets: dict[int, frozenset[str]] = {}
    for engine in chain:
        if engine == "cpu":
            continue
        names, mask, masks = _C._kernel_dtypes(engine)

        def unpacked(bits: int, names: list[str] = names) -> frozenset[str]:
            if bits not in sets:
                sets[bits] = frozenset(name for i, name in enumerate(names) if bits >> i & 1)
            return sets[bits]

        if mask:
            computes[engine] = unpacked(mask)
        for op, bits in masks.items():
            of_ops.setdefault(op, {})[engine] = unpacked(bits)
        if engine == "coreml":
            for op in _whole_ops():
                of_ops.setdefault(op, {})[engine] = _COREML_DTYPES
    ops = {
        row["name"]: OpRule(row["name"] in DENSE, row["kind"] == "composite", of_ops.get(row["name"], {}))
        for row in _C.op_table()
    }
    return Table.of(thresholds(), chain, ops, computes)


def _whole_ops() -> list[str]:
    """What Core ML has operations for: known to the compiler of programs, which NumPy comes with."""
    from rustorch.coreml.engine import compiled_ops

    return compiled_ops()


def _mask(dtypes: frozenset[str] | None) -> int:
    return 0xFFFF if dtypes is None else sum(1 << DTYPES.index(name) for name in dtypes)


def compiled(table: Table) -> tuple[list[str], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The table as the C++ router takes it (`_C._set_routing_table`)."""
    engines = [
        (name, r.min_size, min(r.max_size, NEVER), r.move_size, r.move_size_dense, r.strided, _mask(r.dtypes))
        for name, r in ((name, table.engines.get(name, EngineRule())) for name in ENGINES)
    ]
    ops = [
        (name, r.dense, r.composite, [(engine, _mask(known)) for engine, known in r.dtypes.items()])
        for name, r in table.ops.items()
    ]
    return list(table.chain), engines, ops


def choose(
    op: Any,
    dtype: Any,
    shapes: Sequence[Sequence[int]],
    layout: str = "contiguous",
    residency: str | Mapping[str, int] | None = None,
    table: Table | None = None,
) -> Choice:
    """The engine that an op runs on: a pure function of what is given.

    Args:
        op: its name in the registry (``"add"``, ``"max.dim"``), or its callable.
        dtype: that its inputs promote to; None if it has none.
        shapes: of its tensors.
        layout: ``"contiguous"``, or ``"strided"`` if some input is not.
        residency: where the inputs live: a device, or bytes by device; None for a new tensor.
        table: the rules; by default those of this machine.

    Raises:
        ValueError: for another layout.

    >>> import rustorch as rt
    >>> rt.selector.choose("add", rt.float32, [(2, 3)], residency="cpu").engine
    'cpu'
    """
    if layout not in ("contiguous", "strided"):
        raise ArgumentError.of("choose", "there is no such layout", repr(layout), "'contiguous', 'strided'")
    rules = table if table is not None else _table()
    name = op if isinstance(op, str) else op.__name__
    given = {residency: 0} if isinstance(residency, str) else residency or {}
    homes = {device_name(device): count for device, count in given.items()}
    size = size_of(shapes)
    made = decide(rules, name, dtype_name(dtype), size, layout == "strided", homes)
    lacked = f"{made.preferred!r} has no kernel for {name!r} in {dtype_name(dtype)}"
    return Choice(
        made.device, sentence(made.reason, size, made.device, made.preferred, lacked), made.preferred
    )


_table = table
