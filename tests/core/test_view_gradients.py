"""Gradients of views of one tensor come together in one buffer, and nobody sees that they do."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

# How a view is taken of a tensor (4, 5, 6), and of an array of positions in it.
Window = Callable[[Any], Any]


def strided(size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Window:
    def window(x: Any) -> Any:
        if isinstance(x, rt.Tensor):
            return rt.as_strided(x, size, stride, offset)
        items = x.reshape(-1)[offset:]
        return np.lib.stride_tricks.as_strided(items, size, [s * items.itemsize for s in stride])

    return window


WINDOWS: dict[str, Window] = {
    "select": lambda x: x[1],
    "select_from_end": lambda x: x[:, :, -2],
    "slice": lambda x: x[1:3],
    "slice_to_end": lambda x: x[2:],
    "every_other": lambda x: x[:, ::2],
    "steps": lambda x: x[:, ::2, 1::3],
    "empty": lambda x: x[:, 3:3],
    "chained": lambda x: x[1:, 2][1],
    "transposed": lambda x: x.swapaxes(0, 2)[1:3].swapaxes(1, 2),
    "diagonal": lambda x: x.diagonal(1, 0, 2),
    "diagonal_below": lambda x: x.diagonal(-2),
    "strided": strided((2, 3), (40, 2), 7),
    "strided_over_itself": strided((4, 3), (1, 1), 3),
    "whole": lambda x: x,
    "whole_transposed": lambda x: x.swapaxes(0, 1),
}
METHODS: dict[str, tuple[Window, Window]] = {
    "narrow": (lambda x: x.narrow(1, 1, 3), lambda i: i[:, 1:4]),
    "split": (lambda x: x.split(2, 1)[1], lambda i: i[:, 2:4]),
    "chunk": (lambda x: x.chunk(2, 2)[0], lambda i: i[:, :, :3]),
    "unbind": (lambda x: x.unbind(1)[4], lambda i: i[:, 4]),
    "unfold": (lambda x: x.unfold(2, 3, 1), lambda i: np.lib.stride_tricks.sliding_window_view(i, 3, 2)),
}
for name, window in WINDOWS.items():
    METHODS[name] = (window, window)

SHAPE = (4, 5, 6)
POSITIONS = np.arange(120).reshape(SHAPE)
RNG = np.random.default_rng(3)


def weights(window: str) -> np.ndarray:
    """Small whole numbers, whose sums are exact in every dtype."""
    return RNG.integers(-4, 5, METHODS[window][1](POSITIONS).shape).astype(np.float32)


def expected(uses: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """Each place gets what every use of it is weighted with."""
    total = np.zeros(120)
    for name, w in uses:
        np.add.at(total, METHODS[name][1](POSITIONS).reshape(-1), w.reshape(-1))
    return total.reshape(SHAPE)


def loss(x: rt.Tensor, uses: list[tuple[str, np.ndarray]]) -> rt.Tensor:
    s = rt.zeros((), dtype=x.dtype)
    for name, w in uses:
        s = s + (METHODS[name][0](x) * rt.tensor(w).to(x.dtype)).sum()
    return s


def check(x: rt.Tensor, grad: rt.Tensor | None, uses: list[tuple[str, np.ndarray]]) -> None:
    assert grad is not None and grad.dtype == x.dtype and grad.shape == x.shape
    values = grad.to(rt.complex64) if x.dtype.is_complex else grad.to(rt.float32)
    np.testing.assert_array_equal(values.numpy(), expected(uses))


MIXES = [
    *itertools.product(METHODS, ["slice", "whole"]),
    ("whole", "slice", "steps", "whole", "select"),
    ("select", "slice", "slice_to_end", "steps", "narrow", "diagonal"),
    ("whole_transposed", "slice", "strided"),
    ("strided", "strided", "select"),
    ("empty", "empty"),
    tuple(METHODS),
]


@pytest.mark.parametrize("names", MIXES, ids="+".join)
@pytest.mark.parametrize("backwards", [False, True])
def test_gradient_is_the_sum_over_uses(names: tuple[str, ...], backwards: bool) -> None:
    uses = [(n, weights(n)) for n in names[:: -1 if backwards else 1]]
    x = rt.randn(*SHAPE, requires_grad=True)
    for times in [1, 2]:  # accumulated into .grad
        loss(x, uses).backward()
        check(x, x.grad, uses * times)
        assert x.grad.stride() == x.stride()
    y = x * 1
    y.retain_grad()
    loss(y, uses).backward()
    check(y, y.grad, uses)


@pytest.mark.parametrize("dtype", [rt.float64, rt.float16, rt.bfloat16, rt.complex64], ids=str)
def test_dtypes(dtype: rt.dtype) -> None:
    uses = [(n, weights(n)) for n in ["slice", "steps", "whole", "diagonal", "select"]]
    x = rt.randn(*SHAPE).to(dtype).requires_grad_()
    total = loss(x, uses)
    rt.autograd.backward(total, rt.ones_like(total))
    check(x, x.grad, uses)


def test_uses_of_several_dtypes() -> None:
    w = weights("slice")
    x = rt.randn(*SHAPE, requires_grad=True)
    y = x.to(rt.float64)
    (x[1:3] * rt.tensor(w)).sum().backward()
    ((y[1:3] * rt.tensor(w)).sum() + x[1:3].to(rt.bfloat16).sum().to(rt.float64)).backward()
    check(x, x.grad, [("slice", w), ("slice", w), ("slice", np.ones_like(w))])


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2)])
def test_leaf_of_another_layout(order: tuple[int, ...]) -> None:
    uses = [(n, weights(n)) for n in ["slice", "steps", "whole", "transposed", "select"]]
    base = rt.randn(*(SHAPE[d] for d in order))
    x = base.permute(*np.argsort(order).tolist()).detach().requires_grad_()
    assert x.shape == SHAPE and not x.is_contiguous()
    loss(x, uses).backward()
    check(x, x.grad, uses)
    assert x.grad.stride() == x.stride()


def test_window_of_a_window_that_begins_elsewhere() -> None:
    base = rt.randn(7, 5, 6)
    x = base[2:6].detach().requires_grad_()
    assert x.storage_offset() == 60
    a, b = rt.as_strided(x, (2, 3), (40, 2), 67), rt.as_strided(x, (3,), (1,))
    (2 * a.sum() + 3 * b.sum() + x[0].sum()).backward()
    want = expected([("strided", np.full((2, 3), 2.0))])
    want[0] += 1
    want[0, 0, :3] += 3  # without an offset it begins where x does
    np.testing.assert_array_equal(x.grad.numpy(), want)


def test_expanded_gradients() -> None:
    x = rt.randn(*SHAPE, requires_grad=True)
    y = x * 1
    (y.sum() + y[1:3].sum() + y[1].sum() + y.sum()).backward()
    check(
        x,
        x.grad,
        [(n, np.ones(METHODS[n][1](POSITIONS).shape)) for n in ("whole", "whole", "slice", "select")],
    )


def test_hooks_see_whole_gradients() -> None:
    uses = [(n, weights(n)) for n in ["slice", "steps", "slice_to_end"]]
    x = rt.randn(*SHAPE, requires_grad=True)
    y = x * 1
    views = [METHODS[n][0](y) for n, _ in uses]
    seen: list[tuple[str, rt.Tensor]] = []
    x.register_hook(lambda g: seen.append(("x", g)))
    y.register_hook(lambda g: seen.append(("y", g)))
    for (name, _), v in zip(uses, views):
        v.register_hook(lambda g, name=name: seen.append((name, g)))
        v.retain_grad()
    sum((v * rt.tensor(w)).sum() for v, (_, w) in zip(views, uses)).backward()
    assert [n for n, _ in seen] == ["slice_to_end", "steps", "slice", "y", "x"]
    for _, g in seen[-2:]:
        check(x, g, uses)
    for (_, w), v, (_, g) in zip(uses, views, reversed(seen[:3])):
        np.testing.assert_array_equal(v.grad.numpy(), w)
        np.testing.assert_array_equal(g.numpy(), w)
    check(x, x.grad, uses)


def test_hook_of_a_view_changes_its_part() -> None:
    x = rt.ones(3, requires_grad=True)
    y = x * 1
    a, b = y[:2], y[1:]
    b.register_hook(lambda g: g * 10)
    (a.sum() + b.sum()).backward()
    assert x.grad.tolist() == [1, 11, 10]


KEPT: dict[str, Callable[[rt.Tensor], Any]] = {
    "tensor": lambda g: g,
    "view": lambda g: g[1:],
    "detached": lambda g: g.detach(),
    "array": lambda g: g.numpy(),
    "buffer": lambda g: np.asarray(memoryview(g.numpy())),
    "dlpack": lambda g: np.from_dlpack(g),
}


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_what_a_hook_keeps_does_not_change(keep: Callable[[rt.Tensor], Any]) -> None:
    x = rt.ones(4, requires_grad=True)
    y = x * 1
    views = [y[:3], y[1:], y[2:]]
    kept: list[Any] = []
    for v in views:
        v.grad_fn.register_hook(lambda inputs, _: kept.append(keep(inputs[0])))
    sum(v.sum() for v in views).backward()
    assert x.grad.tolist() == [1, 2, 3, 2]
    wholes = [rt.tensor(v) for v in ([0.0, 0, 1, 1], [0.0, 1, 1, 1], [1.0, 1, 1, 0])]
    for got, whole in zip(kept, wholes, strict=True):
        assert np.asarray(got).tolist() == np.asarray(keep(whole)).tolist()


@pytest.mark.parametrize("last", ["root", "hook"])
@pytest.mark.parametrize("how", ["array", "tensor", "view"])
def test_gradients_of_the_user_are_not_written(last: str, how: str) -> None:
    mine, held = np.ones(4, np.float32), rt.ones(4)
    given = {"array": lambda: rt.from_numpy(mine), "tensor": lambda: held, "view": lambda: held.view(4)}[how]
    x = rt.ones(4, requires_grad=True)
    y = x * 1
    older = [y[1:], y[2:]]
    if last == "root":
        (g,) = rt.autograd.grad([y, *older], x, [given(), rt.ones(3), rt.ones(2)])
    else:
        newest = y.view(4)  # whose gradient is handed through to y
        newest.register_hook(lambda _: given())
        (g,) = rt.autograd.grad([newest.sum(), *[v.sum() for v in older]], x)
    assert g.tolist() == [1, 2, 3, 3]
    assert mine.tolist() == held.tolist() == [1] * 4


class Passes(rt.autograd.Function):
    """Gives the very gradient on that it is told to."""

    given: Callable[[], rt.Tensor]

    @staticmethod
    def forward(ctx: Any, x: rt.Tensor) -> rt.Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: Any, g: rt.Tensor) -> rt.Tensor:
        return Passes.given()


@pytest.mark.parametrize("inference", [False, True])
def test_gradients_of_a_function_are_not_written(inference: bool) -> None:
    mine = np.ones(4, np.float32)

    def given() -> rt.Tensor:
        with rt.inference_mode(inference):
            return rt.ones(4) if inference else rt.from_numpy(mine)

    Passes.given = staticmethod(given)
    x = rt.ones(4, requires_grad=True)
    y = x * 1
    older = [y[:2], y[1:]]
    newest = Passes.apply(y)
    (newest.sum() + sum(v.sum() for v in older)).backward()
    assert x.grad.tolist() == [2, 3, 2, 2]
    assert mine.tolist() == [1] * 4


def test_gradients_of_a_tensor_and_its_views() -> None:
    x = rt.randn(4, requires_grad=True)
    y = x * 1
    a, b = y[:3], y[1:]
    got = rt.autograd.grad((a * 2).sum() + (b * 3).sum() + y.sum(), [a, y, b, x])
    assert [g.tolist() for g in got] == [[2, 2, 2], [3, 6, 6, 4], [3, 3, 3], [3, 6, 6, 4]]
    only = rt.autograd.grad(y[0] * 2 + y[1] * 3, y)
    assert only[0].tolist() == [2, 3, 0, 0]


def test_writes_through_views() -> None:
    x = rt.ones(4, requires_grad=True)
    y = x * 1
    a, b = y[:3], y[1:]
    a.mul_(2)  # b's history is now that of a window of the base
    b[0] = 5
    (a.sum() + (b * 3).sum() + y[3] + y.sum()).backward()
    assert x.grad.tolist() == [4, 0, 10, 5]


def test_higher_derivatives() -> None:
    def f(x: rt.Tensor) -> rt.Tensor:
        y = x * x
        parts = [y[0], y[1:], y[::2], y.diagonal(), rt.as_strided(y, (2, 2), (1, 2), 1), y.t()[1], y]
        return sum((p * p).sum() for p in parts)

    x = rt.randn(3, 3, dtype=rt.float64, requires_grad=True)
    assert rt.autograd.gradcheck(f, (x,))
    assert rt.autograd.gradgradcheck(f, (x,))
    with_graph = rt.autograd.grad(f(x), x, create_graph=True)[0]
    assert with_graph.requires_grad
    assert with_graph.tolist() == rt.autograd.grad(f(x), x)[0].tolist()


def test_anomaly_mode_names_the_view() -> None:
    x = rt.ones(4, requires_grad=True)
    with rt.autograd.detect_anomaly():
        y = x * 1
        a, b = y[1:], y[:2]
        a.register_hook(lambda g: g * float("nan"))
        with pytest.raises(RuntimeError, match=r"SliceBackward0.* nan"):
            (a.sum() + b.sum()).backward()
    with rt.autograd.detect_anomaly(check_nan=False):
        y = x * 1
        (y[1:].sum() + y[:2].sum()).backward()
    assert x.grad.tolist() == [1, 2, 1, 1]


def test_passes_of_several_threads() -> None:
    x = rt.randn(64, 16, requires_grad=True)
    y = x * 1
    total = sum(((i + 1) * y[i]).sum() for i in range(64))
    found: list[list[float]] = []

    def run() -> None:
        for _ in range(5):
            found.append(rt.autograd.grad(total, x, retain_graph=True)[0][:, 3].tolist())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [[float(i + 1) for i in range(64)]] * 20


def ops_of_backward(views: list[rt.Tensor]) -> rt.RoutingLog:
    """The ops that run to add up the gradients of these views."""
    total = sum((v.sum() for v in views), start=rt.zeros(()))
    return rt.explain(total.backward)


@pytest.mark.parametrize("name", ["select", "slice", "every_other", "diagonal", "strided"])
def test_later_views_are_added_where_they_lie(name: str) -> None:
    y = rt.randn(*SHAPE, requires_grad=True) * 1
    window = METHODS[name][0]
    ops = Counter((e.op, e.size) for e in ops_of_backward([window(y) for _ in range(9)]))
    assert ops.pop(("add_", window(y).numel())) == 8
    assert all(count == 1 for count in ops.values())


def test_memory_and_work_of_many_views() -> None:
    n, row = 1000, 1000
    x = rt.randn(n, row, requires_grad=True)
    y = x * 1
    rows = [y[i] for i in range(n)]
    before = rt.cpu.memory_stats()["allocated"]
    rt.cpu.reset_peak_memory_stats()
    log = ops_of_backward(rows)
    peak = rt.cpu.memory_stats()["peak_allocated"] - before
    assert x.grad.tolist() == [[1.0] * row] * n
    assert sum(e.size for e in log) <= 2 * n * row  # the rows once, and y's gradient once
    assert peak < 3 * 4 * n * row
