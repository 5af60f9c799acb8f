"""A recording concerns one thread, ends with its function however that ends, and leaves nothing behind."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from typing import Any

import pytest

import rustorch as rt


def test_other_threads_are_not_recorded() -> None:
    inside, done = threading.Event(), threading.Event()
    seen: list[bool] = []

    def other() -> None:
        inside.wait(10)
        seen.append(rt.jit.is_tracing())
        rt.ones(3).exp().cos()
        done.set()

    def fn(x: Any) -> Any:
        y = x + 1
        inside.set()
        assert done.wait(10)
        return y * 2

    thread = threading.Thread(target=other)
    thread.start()
    graph = rt.jit.trace(fn, rt.ones(2)).graph
    thread.join()
    assert seen == [False]
    assert [node.op for node in graph.nodes] == ["add", "mul"]


def test_threads_record_at_the_same_time() -> None:
    barrier = threading.Barrier(4)
    graphs: dict[int, list[str]] = {}

    def work(n: int) -> None:
        def fn(x: Any) -> Any:
            barrier.wait(10)
            for _ in range(n):
                x = x * 2
                barrier_free = x  # each thread has a graph of its own length
            return barrier_free

        graphs[n] = [node.op for node in rt.jit.trace(fn, rt.ones(2)).graph.nodes]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert graphs == {n: ["mul"] * n for n in range(1, 5)}


def test_a_function_that_fails_leaves_no_recording() -> None:
    def fails(x: Any) -> Any:
        x = x + 1
        raise KeyError("user")

    with pytest.raises(KeyError, match="user"):
        rt.jit.trace(fails, rt.ones(2))
    assert not rt.jit.is_tracing()
    with pytest.raises(RuntimeError, match=r"^matmul: "):
        rt.jit.trace(lambda x: x @ rt.ones(3, 3), rt.ones(2, 2))
    assert not rt.jit.is_tracing()
    assert len(rt.jit.trace(lambda x: x + 1, rt.ones(2)).graph.nodes) == 1


def test_an_op_that_fails_and_is_caught_is_not_recorded() -> None:
    def fn(x: Any) -> Any:
        try:
            x.view(7)
        except RuntimeError:
            return x + 1
        return x

    assert [node.op for node in rt.jit.trace(fn, rt.ones(2)).graph.nodes] == ["add"]


def test_a_recording_within_a_recording_is_an_error() -> None:
    def nested(x: Any) -> Any:
        return rt.jit.trace(lambda y: y + 1, x)(x)

    with pytest.raises(RuntimeError, match="trace: this thread is recording a graph already"):
        rt.jit.trace(nested, rt.ones(2))
    assert not rt.jit.is_tracing()


def test_only_the_graph_is_kept() -> None:
    seen: list[weakref.ref[Any]] = []

    def fn(x: Any) -> Any:
        middle = x * 2
        middle.mark = None  # keeps the Python object with the tensor
        seen.append(weakref.ref(x))
        seen.append(weakref.ref(middle))
        return middle + 1

    traced = rt.jit.trace(fn, rt.ones(1000))
    gc.collect()
    assert [ref() for ref in seen] == [None, None]
    assert len(traced.graph.nodes) == 2


def test_recording_again_and_again_takes_no_memory() -> None:
    net = rt.nn.Linear(64, 64)
    x = rt.ones(64, 64)

    def allocated() -> int:
        gc.collect()
        return int(rt.cpu.memory_stats()["allocated"])

    rt.jit.trace(net, x)(x)
    before = allocated()
    for _ in range(20):
        rt.jit.trace(net, x)(x)
    assert allocated() <= before


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ((lambda x: object(), rt.ones(1)), TypeError, "inputs and outputs are tensors"),
        ((lambda x: x, "text"), TypeError, "example_inputs is a tensor or a tuple"),
        ((3, rt.ones(1)), TypeError, "expects a function or a module"),
        ((lambda x: x, (object(),)), TypeError, "inputs and outputs are tensors"),
    ],
)
def test_what_cannot_be_recorded_is_refused(given: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        rt.jit.trace(*given)


def test_a_captured_tensor_with_a_history_is_refused() -> None:
    history = rt.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="a tensor from outside that has a history"):
        rt.jit.trace(lambda x: x + history, rt.ones(2))


def test_a_lazy_module_has_to_know_its_shapes() -> None:
    with pytest.raises(RuntimeError, match="parameter 'weight' of a lazy module has no shape yet"):
        rt.jit.trace(rt.nn.LazyLinear(2), rt.ones(1, 2))


def test_a_graph_is_not_pickled() -> None:
    with pytest.raises(TypeError, match=r"try rustorch\.jit\.save"):
        pickle.dumps(rt.jit.trace(rt.nn.ReLU(), rt.ones(1)))


class TestWrongInputs:
    graph = rt.jit.trace(lambda x, y: x + y["k"], (rt.ones(2), {"k": rt.ones(2)})).graph

    @pytest.mark.parametrize(
        ("inputs", "error", "match"),
        [
            ((rt.ones(2),), TypeError, "another structure"),
            ((rt.ones(2), rt.ones(2)), TypeError, "another structure"),
            ((rt.ones(2), {"j": rt.ones(2)}), TypeError, "another structure"),
            ((rt.ones(3), {"k": rt.ones(2)}), RuntimeError, r"was recorded with shape \[2\]"),
            ((rt.ones(2, dtype=rt.int64), {"k": rt.ones(2)}), TypeError, "must be rustorch.float32"),
        ],
    )
    def test_are_refused(self, inputs: Any, error: type[Exception], match: str) -> None:
        with pytest.raises(error, match=match):
            self.graph(*inputs)


def test_plain_values_stay_what_they_were() -> None:
    traced = rt.jit.trace(lambda x, scale: x * scale, (rt.ones(2), 2.0))
    assert traced(rt.ones(2), 2.0).tolist() == [2.0, 2.0]
    with pytest.raises(TypeError, match=r"other plain values.*\(<tensor 0>, 3\.0\).*\(<tensor 0>, 2\.0\)"):
        traced(rt.ones(2), 3.0)


def test_other_interceptors_see_what_they_saw() -> None:
    """Routing inside and outside of a recording, and of a run."""

    def inside(x: Any) -> Any:
        with rt.record_routing():
            y = x * 2
        return y + 1

    with rt.record_routing() as log:
        traced = rt.jit.trace(inside, rt.ones(2), check_trace=False)
    assert [node.op for node in traced.graph.nodes] == ["mul", "add"]
    assert {"mul", "add"} <= {entry.op for entry in log}
    with rt.record_routing() as log:
        traced(rt.ones(2))
    assert [entry.op for entry in log] == ["mul", "add"]


def test_other_shapes_where_they_are_allowed() -> None:
    traced = rt.jit.trace(rt.nn.Linear(3, 2), rt.ones(1, 3), check_shapes=False)
    assert tuple(traced(rt.ones(5, 3)).shape) == (5, 2)
