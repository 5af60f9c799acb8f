"""Operations of ML Programs against the values that coremltools itself infers for constant arguments."""

from __future__ import annotations

import logging

import numpy as np
import pytest

logging.getLogger("coremltools").setLevel(logging.CRITICAL)
ct = pytest.importorskip("coremltools")
from coremltools.converters.mil import Builder as mb  # noqa: E402

from ..coreml.mil_build import run_op  # noqa: E402
from ..coreml.mil_row import Row  # noqa: E402
from ..coreml.test_interpreter_ops import ROWS, check, declared  # noqa: E402


def is_fault(row: Row) -> bool:
    """Where coremltools 9.0 infers something else than its documentation says."""
    given = row.arguments
    return {
        "clamped_relu": given.get("beta", 0) < 0,
        "concat": given.get("interleave", False),
        # -1 is all elements; all but the last are inferred.
        "topk": given.get("k") == -1,
        "scatter_along_axis": given.get("mode") != "update",
    }.get(row.op, False)


# For these it must infer something, so that this file cannot pass by skipping.
INFERRED = """
abs acos add argsort asin atan atanh band_part cast ceil clamped_relu clip concat cos cosh cumsum einsum
elu equal erf exp exp2 expand_dims fill fill_like flatten2d floor floor_div gather gather_along_axis gelu
greater greater_equal identity inverse l2_norm layer_norm leaky_relu less less_equal linear
linear_activation log logical_and logical_not logical_or logical_xor matmul maximum minimum mod mul
non_zero not_equal pad pow quantize range_1d real_div reduce_argmax reduce_argmin reduce_l1_norm
reduce_l2_norm reduce_log_sum reduce_log_sum_exp reduce_max reduce_mean reduce_min reduce_prod reduce_sum
reduce_sum_square relu relu6 reshape reverse round rsqrt scaled_dot_product_attention scaled_tanh
scatter_along_axis select shape sigmoid sigmoid_hard sign sin sinh slice_by_index slice_by_size
slice_update softmax softplus softplus_parametric softsign split sqrt square squeeze stack sub tan tanh
threshold thresholded_relu tile topk transpose
""".split()


def inferred(row: Row) -> list[np.ndarray] | None:
    """What coremltools infers; None where it infers nothing, or does not take the arguments."""
    found = []

    def program():
        results = getattr(mb, row.op)(**row.arguments)
        for result in results if isinstance(results, (tuple, list)) else (results,):
            found.append(result.val)
        return results

    try:
        mb.program(input_specs=[], opset_version=ct.target.iOS18)(program)
    except Exception:
        # Rows of older opsets, and what it cannot infer.
        return None
    return None if any(value is None for value in found) else [np.asarray(value) for value in found]


@pytest.mark.parametrize("op", INFERRED)
def test_values_are_those_that_coremltools_infers(op):
    compared = 0
    for row in ROWS:
        if row.op != op or is_fault(row):
            continue
        values = inferred(row)
        if values is None:
            continue
        got = run_op(op, row.arguments, declared(row, row.results()), fixed=row.fixed)
        for g, w in zip(got, values):
            check(g, w if w.dtype.kind == "f" else w.astype(g.dtype), max(row.rtol, 1e-5))
        compared += 1
    assert compared
