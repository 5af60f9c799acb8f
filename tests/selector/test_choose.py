"""The decision: what it says, and that the C++ router says the same of any table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rustorch as rt
from rustorch import _C
from rustorch.selector import DeviceThresholds, EngineRule, OpRule, Table, choose
from rustorch.selector._machine import compiled
from rustorch.selector._table import DTYPES, decide

FLOATS = frozenset({"float32", "float16"})
OPS = {
    "add": OpRule(dtypes={"metal": FLOATS, "cuda": FLOATS, "coreml": FLOATS}),
    "mm": OpRule(dense=True, dtypes={"metal": FLOATS, "cuda": FLOATS, "coreml": FLOATS}),
    "_svd": OpRule(dense=True, dtypes={"metal": frozenset(), "cuda": frozenset(), "coreml": frozenset()}),
}
APPLE = Table.of(
    DeviceThresholds(coreml_min_size=100, coreml_max_size=1000, metal_min_size=10),
    ("coreml", "metal", "cpu"),
    OPS,
)
NVIDIA = Table.of(
    DeviceThresholds(cuda_min_size=10, cuda_move_size=1000, cuda_move_size_dense=100), ("cuda", "cpu"), OPS
)


@pytest.mark.parametrize(
    ("table", "op", "dtype", "size", "where", "engine", "falls_back"),
    [
        # a new tensor: the first of the chain that takes its size
        (APPLE, "add", rt.float32, 9, None, "cpu", False),
        (APPLE, "add", rt.float32, 10, None, "metal", False),
        (APPLE, "add", rt.float32, 100, None, "coreml", False),
        (APPLE, "add", rt.float32, 1001, None, "metal", False),
        (NVIDIA, "add", rt.float32, 10, None, "cuda:0", False),
        # inputs stay where they are until moving them pays; much arithmetic pays earlier
        (NVIDIA, "add", rt.float32, 999, "cpu", "cpu", False),
        (NVIDIA, "add", rt.float32, 1000, "cpu", "cuda:0", False),
        (NVIDIA, "mm", rt.float32, 100, "cpu", "cuda:0", False),
        (NVIDIA, "add", rt.float32, 1, "cuda:0", "cuda:0", False),
        (NVIDIA, "add", rt.float32, 1, "cuda", "cuda:0", False),
        (NVIDIA, "add", rt.float32, 1, "cuda:3", "cuda:3", False),
        (APPLE, "add", rt.float32, 10, "metal", "metal", False),
        # most bytes win; between equals, the chain
        (NVIDIA, "add", rt.float32, 50, {"cpu": 200, "cuda:0": 100}, "cpu", False),
        (NVIDIA, "add", rt.float32, 50, {"cpu": 100, "cuda:0": 200}, "cuda:0", False),
        (NVIDIA, "add", rt.float32, 50, {"cpu": 100, "cuda:0": 100}, "cuda:0", False),
        # what an engine lacks goes on along the chain, and never loses precision
        (NVIDIA, "add", rt.float64, 50, "cuda:0", "cpu", True),
        (NVIDIA, "add", rt.complex64, 5000, "cpu", "cpu", True),
        (NVIDIA, "_svd", rt.float32, 50, "cuda:0", "cpu", True),
        (APPLE, "add", rt.float64, 500, "cpu", "cpu", True),
        # an engine outside of the chain was asked for by name
        (NVIDIA, "add", rt.float32, 10**6, "emulator", "emulator", False),
        (NVIDIA, "unheard_of", rt.float32, 1, "cuda:0", "cuda:0", False),
    ],
)
def test_the_decision(
    table: Table, op: str, dtype: rt.dtype, size: int, where: Any, engine: str, falls_back: bool
) -> None:
    made = choose(op, dtype, [(size,), (1,)], residency=where, table=table)
    assert (made.engine, made.falls_back) == (engine, falls_back)


def test_the_layout_counts_where_an_engine_wants_it_contiguous() -> None:
    assert choose("add", rt.float32, [(10, 50)], "contiguous", table=APPLE).engine == "coreml"
    assert choose("add", rt.float32, [(10, 50)], "strided", table=APPLE).engine == "metal"
    with pytest.raises(ValueError, match="no such layout"):
        choose("add", rt.float32, [(2,)], "sparse", table=APPLE)


def test_the_reason_names_what_was_missing() -> None:
    made = choose("add", rt.float64, [(50,)], residency="cuda:0", table=NVIDIA)
    assert made.preferred == "cuda:0"
    assert "'cuda:0' has no kernel for 'add' in float64" in made.reason
    assert "16 elements" in choose("mm", rt.float32, [(4, 4)], table=NVIDIA).reason


def test_it_takes_callables_and_dtypes_by_name() -> None:
    assert choose(rt.add, "float32", [(10,)], table=NVIDIA).engine == "cuda:0"


def test_of_this_machine() -> None:
    table = rt.selector.table()
    assert table.chain[-1] == "cpu" and "emulator" not in table.chain
    assert table.ops["mm"].dense and table.ops["reshape"].composite and not table.ops["add"].composite
    rt.selector.set_chain(["emulator"])
    table = rt.selector.table()
    assert table.chain == ("emulator", "cpu")
    assert "float64" not in table.ops["add"].dtypes["emulator"] >= FLOATS
    assert table.ops["_eig"].dtypes["emulator"] == frozenset()
    assert table.ops["sum"].dtypes["emulator"] >= FLOATS
    assert table.ops["nextafter"].dtypes["emulator"] >= FLOATS  # with a kernel for each
    assert "complex64" in table.ops["clone"].dtypes["emulator"]  # bytes are bytes


ENGINES = ["metal", "cuda", "emulator", "coreml"]
SIZES = st.sampled_from([0, 1, 2, 3, 5, 8, (1 << 63) - 1])
SETS = st.frozensets(st.sampled_from(DTYPES), max_size=4)
RULES = st.builds(EngineRule, SIZES, SIZES, SIZES, SIZES, st.booleans(), st.none() | SETS)
OP_RULES = st.builds(OpRule, st.booleans(), st.booleans(), st.dictionaries(st.sampled_from(ENGINES), SETS))
TABLES = st.builds(
    Table,
    st.lists(st.sampled_from([*ENGINES, "cpu"]), unique=True, max_size=4).map(tuple),
    st.dictionaries(st.sampled_from(ENGINES), RULES),
    st.dictionaries(st.sampled_from(["add", "mm"]), OP_RULES),
)
DEVICES = ["cpu", "emulator", "emulator:1", "cuda:0", "cuda:1", "metal", "coreml"]
HOMES = st.dictionaries(st.sampled_from(DEVICES), st.integers(0, 3), max_size=4)
QUERIES = st.tuples(
    st.sampled_from(["add", "mm", "sub"]),
    st.none() | st.sampled_from(DTYPES),
    st.integers(0, 9),
    st.booleans(),
    HOMES,
    st.lists(st.sampled_from([*ENGINES, "cpu"]), max_size=2),
)


@pytest.fixture(scope="module")
def any_table() -> Iterator[None]:
    yield
    _C._set_routing_table(*compiled(rt.selector.table()))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLES, st.lists(QUERIES, min_size=1, max_size=8))
def test_the_compiled_table_decides_alike(any_table: None, table: Table, queries: list[Any]) -> None:
    _C._set_routing_table(*compiled(table))
    for op, dtype, size, strided, homes, excluded in queries:
        here = decide(table, op, dtype, size, strided, homes, excluded)
        asked = None if dtype is None else getattr(rt, dtype)
        there = _C._route(op, asked, size, strided, list(homes.items()), excluded)
        assert there == (here.device, int(here.reason), here.preferred)


def test_importing_opens_no_engine() -> None:
    code = (
        "import rustorch, sys; maps = open('/proc/self/maps').read();"
        "assert 'librustorch_emulator' not in maps and 'libcuda' not in maps;"
        "assert 'rustorch.selector' not in sys.modules; rustorch.ones(2) + 1;"
        "assert rustorch.devices(); assert 'librustorch_emulator' in open('/proc/self/maps').read()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
