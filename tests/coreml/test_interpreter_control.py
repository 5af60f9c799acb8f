"""Branches, loops, lists and states."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml.interpreter import Runner
from rustorch.coreml.mil import program as mil
from rustorch.errors import ArgumentError, OpError, OutOfRangeError

from .mil_build import model_of

D = mil.DataType
F4 = mil.TensorType(D.FLOAT32, (4,))
F = mil.TensorType(D.FLOAT32)
INT = mil.TensorType(D.INT32)
BOOL = mil.TensorType(D.BOOL)
LIST = mil.ListType(F4)


def named(name, type=F4):
    return mil.NamedType(name, type)


def op(kind, out, type=F4, blocks=(), **inputs):
    """An operation; strings are names, all else constants in place."""
    bindings = {}
    for key, value in inputs.items():
        values = value if isinstance(value, list) else [value]
        bindings[key] = [v if isinstance(v, str) else mil.immediate(v) for v in values]
    outputs = [named(n, t) for n, t in zip(out, type)] if isinstance(out, list) else [named(out, type)]
    return mil.Operation(kind, bindings, outputs, list(blocks))


def run(model, *values, **options):
    return list(Runner(model, **options).predict(*values).values())


X = np.array([1, -2, 3, 0.5], np.float32)


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_cond_runs_one_branch(truth, shape):
    """The other one divides by zero, as integers, which would fail."""
    bad = op("floor_div", "bad", INT, x=1, y=0)
    branches = [
        mil.Block([], ["a"], [op("mul", "a", x="x", y=2.0), *([] if truth else [bad])]),
        mil.Block([], ["b"], [op("add", "b", x="x", y=1.0), *([bad] if truth else [])]),
    ]
    model = model_of(
        [named("x"), named("p", mil.TensorType(D.BOOL, shape))],
        [op("cond", "y", pred="p", blocks=branches)],
        ["y"],
    )
    (y,) = run(model, X, np.full(shape, truth))
    assert np.array_equal(y, X * 2 if truth else X + 1)


def test_branches_return_values_from_around_them_and_constants():
    inner = op("const", "c")
    inner.attributes["val"] = mil.immediate(X)
    model = model_of(
        [named("x"), named("p", BOOL)],
        [op("cond", "y", pred="p", blocks=[mil.Block([], ["x"], []), mil.Block([], ["c"], [inner])])],
        ["y"],
    )
    assert np.array_equal(run(model, -X, np.array(True))[0], -X)
    assert np.array_equal(run(model, -X, np.array(False))[0], X)


def counting_loop(limit):
    """Doubles x, and counts, while the count is below the limit; uses a value from around it."""
    i, v = named("i", INT), named("v")
    j, w = named("j", INT), named("w")
    condition = mil.Block([i, v], ["more"], [op("less", "more", BOOL, x="i", y=limit)])
    body = mil.Block(
        [j, w], ["j1", "w1"], [op("add", "j1", INT, x="j", y="step"), op("mul", "w1", x="w", y=2.0)]
    )
    loop = op("while_loop", ["n", "y"], [INT, F4], loop_vars=["zero", "x"], blocks=[condition, body])
    return model_of(
        [named("x"), named("step", INT)],
        [op("identity", "zero", INT, x=0), loop],
        ["n", "y"],
    )


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_while_loop(limit):
    n, y = run(counting_loop(limit), X, np.int32(1))
    assert n == limit
    assert n.dtype == np.int32
    assert np.array_equal(y, X * 2**limit)


def test_a_loop_that_does_not_end_is_an_error():
    with pytest.raises(OpError, match=r"while_loop 'n, y'.*did not end.*max_iterations"):
        run(counting_loop(5), X, np.int32(0), max_iterations=100)


def test_loop_variables_may_grow():
    """A sequence that a step of the loop appends to, as greedy decoders do."""
    any_length = mil.TensorType(D.FLOAT32, (None,))
    s, t = named("s", any_length), named("t", any_length)
    length = op("shape", "n", mil.TensorType(D.INT32, (1,)), x="s")
    condition = mil.Block(
        [s], ["more"], [length, op("less", "more", mil.TensorType(D.BOOL, (1,)), x="n", y=9)]
    )
    last = op(
        "slice_by_size",
        "last",
        mil.TensorType(D.FLOAT32, (1,)),
        x="t",
        begin=np.array([-1], np.int32),
        size=np.array([1], np.int32),
    )
    body = mil.Block([t], ["u"], [last, op("concat", "u", any_length, values=["t", "last"], axis=0)])
    loop = op("while_loop", "y", any_length, loop_vars=["x"], blocks=[condition, body])
    (y,) = run(model_of([named("x")], [loop], ["y"]), X)
    assert np.array_equal(y, np.concatenate([X, np.full(5, X[-1])]))


def lists(*operations, outputs):
    return model_of([named("x"), named("k", INT)], list(operations), outputs)


def test_lists_are_written_read_gathered_and_scattered():
    rows = mil.TensorType(D.FLOAT32, (2, 4))
    model = lists(
        op("make_list", "l0", LIST, init_length=2, elem_shape=[4]),
        op("list_write", "l1", LIST, ls="l0", index="k", value="x"),
        op("stack", "two", rows, values=["x", "x"], axis=0),
        op("list_scatter", "l2", LIST, ls="l1", indices=np.array([0, 3], np.int32), value="two"),
        op("list_write", "l3", LIST, ls="l2", index=0, value=np.zeros(4, np.float32)),
        op("list_length", "n1", INT, ls="l1"),
        op("list_length", "n3", INT, ls="l3"),
        op("list_read", "r", ls="l1", index="k"),
        op("list_gather", "g", rows, ls="l3", indices=np.array([3, 0], np.int32)),
        outputs=["n1", "n3", "r", "g"],
    )
    n1, n3, r, g = run(model, X, np.int32(1))
    assert (n1, n3) == (2, 4)
    assert np.array_equal(r, X)
    # The list before a write stays as it was.
    assert np.array_equal(g, [X, np.zeros(4)])


@pytest.mark.parametrize(
    ("operations", "error", "text"),
    [
        ([op("list_read", "y", ls="l", index=0)], OpError, "nothing was written"),
        ([op("list_read", "y", ls="l", index=2)], OutOfRangeError, "2 elements"),
        (
            [
                op("list_write", "m", LIST, ls="l", index=1 << 30, value="x"),
                op("list_read", "y", ls="m", index=0),
            ],
            OutOfRangeError,
            "indices below",
        ),
    ],
)
def test_lists_refuse_what_is_not_there(operations, error, text):
    model = lists(op("make_list", "l", LIST, init_length=2), *operations, outputs=["y"])
    with pytest.raises(error, match=text):
        run(model, X, np.int32(0))


def test_a_list_of_absurd_length_is_refused():
    model = lists(
        op("make_list", "l", LIST, init_length=1 << 30), op("list_length", "y", INT, ls="l"), outputs=["y"]
    )
    with pytest.raises(ArgumentError, match="make_list"):
        run(model, X, np.int32(0))


def accumulator(half=False):
    """The state s gets x added at each call; the result is the sum before."""
    tensor = mil.TensorType(D.FLOAT16 if half else D.FLOAT32, (4,))
    operations = [
        mil.Operation("read_state", {"input": ["s"]}, [mil.NamedType("before", tensor)]),
        mil.Operation("add", {"x": ["before"], "y": ["x"]}, [mil.NamedType("after", tensor)]),
        mil.Operation("write_state", {"input": ["s"], "data": ["after"]}, []),
    ]
    inputs = [mil.NamedType("x", tensor), mil.NamedType("s", mil.StateType(tensor))]
    return model_of(inputs, operations, ["before"])


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_states_keep_their_value(half, precision):
    runner = Runner(accumulator(half), precision=precision)
    state, other = runner.make_state(), runner.make_state()
    for calls in range(3):
        assert np.array_equal(runner.predict({"x": X}, state=state)["before"], X * calls)
    assert np.array_equal(runner.predict({"x": X}, state=other)["before"], X * 0)
    assert np.array_equal(state["s"].numpy(), X * 3)
    state["s"] = -X
    assert np.array_equal(runner.predict({"x": X}, state=state)["before"], -X)
    assert list(state) == runner.state_names == ["s"]


def test_states_share_no_memory_with_what_comes_in_and_out():
    tensor = F4
    operations = [
        mil.Operation("write_state", {"input": ["s"], "data": ["x"]}, []),
        mil.Operation("read_state", {"input": ["s"]}, [mil.NamedType("y", tensor)]),
    ]
    runner = Runner(model_of([named("x"), mil.NamedType("s", mil.StateType(tensor))], operations, ["y"]))
    state = runner.make_state()
    x = rt.tensor(X)
    y = runner.predict({"x": x}, state=state)["y"]
    x.zero_()
    y.zero_()
    assert np.array_equal(state["s"].numpy(), X)


def test_states_are_asked_for_and_checked():
    runner = Runner(accumulator())
    with pytest.raises(ArgumentError, match=r"keeps a state.*make_state\(\)"):
        runner.predict({"x": X})
    state = runner.make_state()
    with pytest.raises(ArgumentError, match="has shape"):
        state["s"] = np.zeros(3, np.float32)
    with pytest.raises(KeyError):
        state["t"] = X
    stateless = Runner(counting_loop(1))
    assert len(stateless.make_state()) == 0
    with pytest.raises(ArgumentError, match=r"make_state\(\) made"):
        stateless.predict({"x": X, "step": np.int32(1)}, state=state)


def test_predictions_run_on_several_threads():
    runner = Runner(counting_loop(50))
    results = {}

    def work(k):
        results[k] = [runner.predict({"x": X + k, "step": np.int32(1)})["y"] for _ in range(5)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, values in results.items():
        assert all(np.array_equal(y, (X + k) * np.float32(2.0**50)) for y in values)
    assert len(results) == 4
