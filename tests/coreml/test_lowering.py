"""The op table through export and back: each lowering against the eager op, in float32 and float16."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import _C
from rustorch.coreml import to_model
from rustorch.coreml._lower import LOWERINGS
from rustorch.coreml.interpreter import Runner
from rustorch.errors import ArgumentError, UnsupportedOperation
from rustorch.jit import TracerWarning

from ..jit.test_ops import function_of
from ..ops.case import OpCase, Sample
from ..ops.harness import build, is_tensor, leaves, samples_of, to_numpy
from ..ops.table import CASES

RECORDS = {record["name"]: record for record in _C.op_table()}
# Rows of the op table whose op has a lowering of its own, for one of its overloads at least.
BASES = {name.partition(".")[0] for name in LOWERINGS}
ROWS = [c for c in CASES if c.name.rpartition(".")[2] in BASES and not c.random and "float32" in c.dtypes]


def samples(case: OpCase) -> list[Sample]:
    """Those that a package can hold: no empty tensors, numbers of types that Core ML has, finite."""
    found = [
        s
        for s in samples_of(case, "float32")
        if all(
            0 < a.values.size <= 4096
            and a.dtype in ("float32", "int64", "int32", "bool", "uint8", "int8", "int16")
            and bool(np.isfinite(a.values).all())
            for a in leaves(s)
        )
        and leaves(s)
    ]
    return found[:4]


def close(found: Any, expected: Any, precision: str) -> None:
    expected = expected if expected.dim() else expected.reshape(1)
    f, e = to_numpy(found).astype(np.float64), to_numpy(expected).astype(np.float64)
    assert f.shape == e.shape
    if not expected.dtype.is_floating_point:
        np.testing.assert_array_equal(f, e)
        return
    finite = e[np.isfinite(e)]
    scale = max(1.0, float(np.abs(finite).max())) if finite.size else 1.0
    narrow = precision == "float16" or expected.dtype != rt.float32  # a package rounds to one type
    limit = 2e-2 if narrow else 2e-5
    np.testing.assert_allclose(f, e, rtol=limit, atol=limit * scale)


def as_interface(t: Any) -> Any:
    """What Core ML takes: at least one dim, and integers of 32 bits, bools among them."""
    t = t if t.dim() else t.reshape(1)
    return t if t.dtype.is_floating_point else t.to(rt.int32)


def run(case: OpCase, sample: Sample, precision: str) -> set[str] | None:
    """Export, run, compare; the names of the ops that took part, or None where it cannot be exported."""
    call = function_of(case, sample, case.called)
    inputs = build(rt, sample)[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        try:
            expected = [t for t in call(*build(rt, sample)[2]) if is_tensor(t)]
        except RuntimeError:
            return None
        if not expected or any(t.is_complex() or not t.numel() or t.dim() > 5 for t in expected):
            return None
        recorded = rt.jit.trace(call, tuple(inputs), check_trace=False)
    graph = recorded.graph
    try:
        model = to_model(graph, precision=precision)  # type: ignore[arg-type]
    except UnsupportedOperation:
        return None
    except ArgumentError as error:
        assert "float16" in str(error) or "dimensions" in str(error) or "32 bits" in str(error)
        return None
    names = [feature.name for feature in model.description.inputs]
    found = Runner(model).predict(dict(zip(names, map(as_interface, build(rt, sample)[2]))))
    for value, feature in zip(expected, model.description.outputs):
        close(found[feature.name], value, precision)
    return {node.op for node in graph.optimize().nodes}


def export_and_run(call: Any, inputs: list[Any], precision: str, target: str = "macOS14") -> list[Any]:
    model = to_model(call, tuple(inputs), precision=precision, target=target)  # type: ignore[arg-type]
    names = [feature.name for feature in model.description.inputs]
    found = Runner(model).predict(dict(zip(names, map(as_interface, inputs))))
    return [found[feature.name] for feature in model.description.outputs]


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("case", ROWS, ids=[case.id for case in ROWS])
def test_values(case: OpCase, precision: str) -> None:
    for sample in samples(case):
        run(case, sample, precision)


X = rt.linspace(-2.0, 3.0, 24).reshape(2, 3, 4)
IMAGE = rt.linspace(-1.0, 1.0, 2 * 4 * 6 * 6).reshape(2, 4, 6, 6)
MASK = X > 0
STATS = (rt.tensor([0.1, -0.2, 0.3]), rt.tensor([1.0, 2.0, 0.5]))
WEIGHTS = {n: rt.linspace(-0.5, 0.5, 4 * 4 * 3**n).reshape(4, 4, *[3] * n) for n in (1, 2, 3)}

# What the op table calls by another name, or with arguments that packages do not take.
CALLS: dict[str, tuple[Any, list[Any]]] = {
    "alpha_dropout": (lambda x: F.alpha_dropout(x, 0.3), [X]),
    "alpha_dropout.train": (lambda x: rt.alpha_dropout(x, 0.3, False), [X]),
    "batch_norm": (lambda x: F.batch_norm(x, *STATS, STATS[1], STATS[0]), [X]),
    "bitwise_and": (lambda x, y: x & y, [MASK, X > 1]),
    "bitwise_or": (lambda x, y: x | y, [MASK, X > 1]),
    "bitwise_xor": (lambda x, y: x ^ y, [MASK, X > 1]),
    "bitwise_not": (lambda x: ~x, [MASK]),
    "conv1d.padding": (lambda x: F.conv1d(x[:, :, 0], WEIGHTS[1], padding="same"), [IMAGE]),
    "conv2d.padding": (lambda x: F.conv2d(x, WEIGHTS[2], padding="valid"), [IMAGE]),
    "conv3d.padding": (
        lambda x: F.conv3d(x.unsqueeze(2).expand(2, 4, 3, 6, 6), WEIGHTS[3], padding="same"),
        [IMAGE],
    ),
    "cpu": (lambda x: x.cpu() + 1, [X]),
    "dropout": (lambda x: F.dropout(x, 0.5, False), [X]),
    "dropout.train": (lambda x: rt.dropout(x, 0.5, False), [X]),
    "dropout1d": (lambda x: F.dropout1d(x, 0.5, False), [X]),
    "dropout2d": (lambda x: F.dropout2d(x, 0.5, False), [IMAGE]),
    "dropout3d": (lambda x: F.dropout3d(x.unsqueeze(2), 0.5, False), [IMAGE]),
    "empty_like": (lambda x: rt.empty_like(x) * 0 + x, [X]),
    "expit": (rt.special.expit, [X]),
    "feature_alpha_dropout": (lambda x: F.feature_alpha_dropout(x, 0.5), [IMAGE]),
    "feature_alpha_dropout.train": (lambda x: rt.feature_alpha_dropout(x, 0.5, False), [IMAGE]),
    "feature_dropout": (lambda x: rt.feature_dropout(x, 0.5, False), [IMAGE]),
    "index": (lambda x, i: x[i], [X, rt.tensor([1, 0, 1])]),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2), [IMAGE]),
    "new_empty": (lambda x: x.new_empty(2, 3, 4) * 0 + x, [X]),
    "one_hot": (lambda i: F.one_hot(i, 5), [rt.tensor([4, 0, 2])]),
    "relu": (rt.relu, [X]),
    "softmax": (lambda x: F.softmax(x, 1), [X]),
    "log_softmax": (lambda x: F.log_softmax(x, 2), [X]),
    "slice": (lambda x: x[:, 1:, ::2], [X]),
    "split.list": (lambda x: rt.split(x, [1, 3], 2), [X]),
    "split.method": (lambda x: x.split(2, 2), [X]),
    "split.list_method": (lambda x: x.split([1, 3], 2), [X]),
    "to.device": (lambda x: x.to("cpu", rt.int32), [X]),
    "to.other": (lambda x, y: x.to(y), [X, MASK]),
    "type_as": (lambda x, y: x.type_as(y) + 1, [X, rt.ones(1, dtype=rt.int64)]),
    "where.method": (lambda x, c: x.where(c, 0.5), [X, MASK]),
    # Forms of a lowering that samples of the table do not reach.
    "index, two": (lambda x, i, j: x[i, j], [X, rt.tensor([1, 0]), rt.tensor([[2], [0]])]),
    "index, second": (lambda x, i: x[:, i], [X, rt.tensor([2, 0])]),
    "bilinear": (lambda x: F.interpolate(x, size=(9, 7), mode="bilinear"), [IMAGE]),
    "corners": (lambda x: F.interpolate(x, size=(9, 7), mode="bilinear", align_corners=True), [IMAGE]),
    "adaptive, uneven": (lambda x: F.adaptive_avg_pool2d(x, (4, 3)), [IMAGE]),
    "pool, ceil": (lambda x: F.max_pool2d(x, 4, 3, 1, ceil_mode=True), [IMAGE]),
    "causal": (
        lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True, scale=0.3),
        [IMAGE],
    ),
    "mask": (lambda x, m: F.scaled_dot_product_attention(x, x, x, m), [IMAGE, rt.eye(6) > 0]),
    "circular": (lambda x: F.pad(x, (2, 1), "circular"), [X]),
    "cut": (lambda x: F.pad(x, (-1, 2)), [X]),
    "write": (lambda x: _written(x), [X]),
    "copy": (lambda x, y: x.clone().copy_(y), [X, X[0, :1]]),
    # Constants here; test_shapes.py has them with sizes that vary.
    "arange": (lambda x: x + rt.arange(4), [X]),
    "arange.start": (lambda x: x + rt.arange(1, 9, 2), [X]),
    "empty": (lambda x: rt.empty(4).fill_(2.0) + x, [X]),
    "eye": (lambda x: x @ rt.eye(4), [X]),
    "eye.m": (lambda x: x @ rt.eye(4, 2), [X]),
    "full": (lambda x: x + rt.full((4,), 2.5), [X]),
    "linspace": (lambda x: x + rt.linspace(-1, 1, 4), [X]),
    "ones": (lambda x: x + rt.ones(4), [X]),
    "zeros": (lambda x: x + rt.zeros(4), [X]),
    "write, by index": (
        lambda x, i, y: _put(x, (slice(None), i), y),
        [X, rt.tensor([2, 0]), rt.ones(2, 2, 4)],
    ),
    "write, by two": (
        lambda x, i, j: _put(x, (i, j), 7.0),
        [X, rt.tensor([1, 0]), rt.tensor([[2], [0]])],
    ),
    "write, by mask": (lambda x, m: _put(x, (m,), 7.0), [X, X[:, :, 0] > 0]),
    "write, added": (
        lambda x, i: x.index_put((i,), rt.ones(3, 4), accumulate=True),
        [X, rt.tensor([1, 1])],
    ),
}


def _put(x: Any, where: Any, values: Any) -> Any:
    y = x.clone()
    y[where] = values
    return y


def _written(x: Any) -> Any:
    y = x.clone()
    y[:, 1] = 5
    y[:, :, 1:3] += 1
    return y


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str, precision: str) -> None:
    call, inputs = CALLS[name]
    expected = call(*inputs)
    expected = [expected] if is_tensor(expected) else list(expected)
    for found, e in zip(export_and_run(call, inputs, precision), expected, strict=True):
        close(found, e, precision)
    if name in LOWERINGS:
        assert name in {node.op for node in rt.jit.trace(call, tuple(inputs)).graph.nodes}


def test_slices_are_written_in_place() -> None:
    """Where the target has the operation."""
    call, inputs = CALLS["write"]
    close(export_and_run(call, inputs, "float32", "macOS15")[0], call(*inputs), "float32")
    model = to_model(call, tuple(inputs), target="macOS15")
    assert "slice_update" in [o.type for o in model.default_function.block.operations]


@pytest.mark.parametrize("name", ["causal", "mask"])
def test_attention_of_its_own(name: str) -> None:
    """Where the target has the operation."""
    call, inputs = CALLS[name]
    close(export_and_run(call, inputs, "float32", "macOS15")[0], call(*inputs), "float32")
    model = to_model(call, tuple(inputs), target="macOS15")
    assert "scaled_dot_product_attention" in [o.type for o in model.default_function.block.operations]


@pytest.mark.parametrize("name", sorted(set(LOWERINGS) - set(CALLS)))
def test_is_reached(name: str) -> None:
    """By a row of the op table, where it has no call of its own."""
    rows = [c for c in ROWS if c.name.rpartition(".")[2] == name.partition(".")[0]]
    assert any(name in (run(c, s, "float32") or ()) for c in rows for s in samples(c))


@pytest.mark.parametrize("name", sorted(LOWERINGS))
def test_lowerings_take_what_the_ops_take(name: str) -> None:
    assert name in RECORDS and not RECORDS[name]["random"]
    schema = RECORDS[name]["schema"]
    known = re.findall(r"(\w+)(?:=[^,()]*)?(?=[,)])", schema[schema.index("(") : schema.index("->")])
    parameters = inspect.signature(LOWERINGS[name]).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        assert set(known) <= set(parameters)
    for parameter in parameters.values():
        takes_all = parameter.kind is parameter.VAR_KEYWORD
        if parameter.default is parameter.empty and parameter.name != "c" and not takes_all:
            assert parameter.name in known, f"{schema} has no {parameter.name}"
