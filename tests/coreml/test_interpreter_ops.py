"""Each operation against NumPy and SciPy, with float32 and with float16 values."""

from __future__ import annotations

import numpy as np
import pytest

from rustorch.coreml.interpreter._ops import KERNELS
from rustorch.coreml.interpreter.opset import OPS

from . import mil_rows_recurrent, mil_rows_shape, mil_rows_spatial, mil_rows_values
from .mil_build import run_op
from .mil_row import wide

ROWS = [
    row
    for module in (mil_rows_values, mil_rows_shape, mil_rows_spatial, mil_rows_recurrent)
    for row in module.table.rows
]

# Tested in files of their own.
ELSEWHERE = {
    "const": "test_interpreter_program",
    "cond": "test_interpreter_control",
    "while_loop": "test_interpreter_control",
    "make_list": "test_interpreter_control",
    "list_length": "test_interpreter_control",
    "list_read": "test_interpreter_control",
    "list_write": "test_interpreter_control",
    "list_gather": "test_interpreter_control",
    "list_scatter": "test_interpreter_control",
    "read_state": "test_interpreter_control",
    "write_state": "test_interpreter_control",
    "classify": "test_interpreter_program",
    "random_bernoulli": "test_interpreter_random",
    "random_categorical": "test_interpreter_random",
    "random_normal": "test_interpreter_random",
    "random_uniform": "test_interpreter_random",
    **{name: "test_interpreter_constexpr" for name in OPS if name.startswith("constexpr_")},
}


def test_every_operation_has_a_row_or_a_file():
    rows = {row.op for row in ROWS}
    assert rows | set(ELSEWHERE) == set(OPS)
    assert not rows & set(ELSEWHERE)
    assert set(OPS) - set(KERNELS) == {"const", "cond", "while_loop", "read_state", "write_state"}


def declared(row, results):
    """The results in the types that the program declares: floats are float32."""
    return [
        r.astype(np.float32) if r.dtype == np.float64 else r.astype(np.int32) if r.dtype == np.int64 else r
        for r in results
    ]


def check(got, want, rtol):
    assert got.shape == want.shape
    if want.dtype.kind != "f":
        assert got.dtype == want.dtype
        assert np.array_equal(got, want)
        return
    assert got.dtype.kind == "f"
    finite = np.abs(want[np.isfinite(want)])
    scale = max(finite.max(initial=0), 1e-3)
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=0, atol=rtol * scale)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_values(row):
    want = row.results({name: wide(value) for name, value in row.arguments.items()})
    got = run_op(row.op, row.arguments, declared(row, want), fixed=row.fixed)
    assert len(got) == len(want)
    for g, w in zip(got, want):
        check(g, w, row.rtol)


def is_float(value):
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype == np.float32


def rounded(value):
    """What float16 keeps of it."""
    if is_float(value):
        return value.astype(np.float16).astype(np.float64)
    if isinstance(value, float):
        return float(np.float16(value))
    return [rounded(item) for item in value] if isinstance(value, list) else value


HALF = [
    row
    for row in ROWS
    if row.half
    and any(is_float(v) or (isinstance(v, list) and any(map(is_float, v))) for v in row.arguments.values())
]


@pytest.mark.parametrize("row", HALF, ids=str)
def test_float16_is_computed_in_float32_and_rounded_once(row):
    want = row.results({name: rounded(value) for name, value in row.arguments.items()})
    got = run_op(row.op, row.arguments, declared(row, want), half=True, fixed=row.fixed)
    for g, w in zip(got, want):
        if w.dtype.kind == "f":
            assert g.dtype == np.float16
        # Half a step of float16, but for steps inside of sums.
        check(g, w, 6e-4)


@pytest.mark.parametrize("row", HALF[::3], ids=str)
def test_float16_programs_run_in_float32(row):
    want = row.results({name: rounded(value) for name, value in row.arguments.items()})

    def narrow(value):
        if isinstance(value, list):
            return [narrow(item) for item in value]
        return value.astype(np.float16).astype(np.float32) if is_float(value) else value

    arguments = {name: narrow(value) for name, value in row.arguments.items()}
    got = run_op(row.op, arguments, declared(row, want), half=True, fixed=row.fixed, precision="float32")
    for g, w in zip(got, want):
        check(g, w, max(row.rtol, 1e-5))


FIRST = {row.op: row for row in reversed(ROWS)}


@pytest.mark.emulator
@pytest.mark.parametrize("op", FIRST)
def test_values_on_a_gpu(op):
    """The kernels that GPUs run, on the emulator."""
    row = FIRST[op]
    want = row.results({name: wide(value) for name, value in row.arguments.items()})
    got = run_op(op, row.arguments, declared(row, want), fixed=row.fixed, device="emulator")
    for g, w in zip(got, want):
        check(g, w, max(row.rtol, 1e-5))
