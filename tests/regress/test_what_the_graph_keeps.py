"""A graph keeps the operands that wanted gradients read, and no others."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

import rustorch as rt

F = rt.nn.functional
Call = Callable[[rt.Tensor, rt.Tensor], rt.Tensor]
PRODUCTS: dict[str, tuple[tuple[int, ...], tuple[int, ...], Call]] = {
    "mul": ((3, 4), (3, 4), lambda x, w: x * w),
    "addcmul": ((3, 4), (3, 4), lambda x, w: rt.addcmul(rt.zeros(3, 4), x, w)),
    "mm": ((3, 4), (4, 5), rt.mm),
    "bmm": ((2, 3, 4), (2, 4, 5), rt.bmm),
    "matmul": ((2, 3, 4), (4, 5), rt.matmul),
    "mv": ((3, 4), (4,), rt.mv),
    "dot": ((4,), (4,), rt.dot),
    "vdot": ((4,), (4,), rt.vdot),
    "addmm": ((3, 4), (4, 5), lambda x, w: rt.addmm(rt.zeros(5), x, w)),
    "addmv": ((3, 4), (4,), lambda x, w: rt.addmv(rt.zeros(3), x, w)),
    "baddbmm": ((2, 3, 4), (2, 4, 5), lambda x, w: rt.baddbmm(rt.zeros(1), x, w)),
    "linear": ((3, 4), (5, 4), F.linear),
    "conv1d": ((2, 3, 8), (4, 3, 2), F.conv1d),
    "conv_transpose2d": ((2, 3, 5, 5), (3, 4, 2, 2), F.conv_transpose2d),
}


def kept(f: Call, x: rt.Tensor, w: rt.Tensor) -> set[int]:
    """Addresses of what the call's node keeps."""
    found: list[int] = []

    def pack(t: rt.Tensor) -> rt.Tensor:
        found.append(t.data_ptr())
        return t

    with rt.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = f(x, w)
    y.sum().backward()
    return set(found)


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_keeps_the_other_operand(name: str) -> None:
    shape, other, f = PRODUCTS[name]
    for wanted in ((True, True), (True, False), (False, True)):
        x, w = rt.randn(shape, requires_grad=wanted[0]), rt.randn(other, requires_grad=wanted[1])
        expected = {t.data_ptr() for t, by in ((w, wanted[0]), (x, wanted[1])) if by}
        assert kept(f, x, w) == expected
        assert (x.grad is not None, w.grad is not None) == wanted


def test_a_quotient_keeps_its_numerator_for_the_divisor_alone() -> None:
    x, w = rt.randn(3, requires_grad=True), rt.rand(3) + 1
    assert kept(rt.div, x, w) == {w.data_ptr()}
    assert kept(rt.div, x, w.requires_grad_()) == {x.data_ptr(), w.data_ptr()}


def test_a_scaled_tensor_is_let_go_of() -> None:
    x = rt.randn(1000, requires_grad=True)
    before = rt.cpu.memory_stats()["allocated"]
    y = x * 1
    for _ in range(5):
        y = y * 2 / 3
    assert rt.cpu.memory_stats()["allocated"] - before < 2 * 4096
    y.sum().backward()
    assert x.grad is not None and rt.allclose(x.grad, rt.full((1000,), (2 / 3) ** 5))


def test_scaling_in_place_copies_nothing_for_the_gradient() -> None:
    x = rt.randn(1000, requires_grad=True)
    y = x + 0
    before = rt.cpu.memory_stats()["allocated"]
    y.mul_(2).mul_(3)
    assert rt.cpu.memory_stats()["allocated"] - before < 4096
    y.backward(rt.ones(1000))
    assert x.grad is not None and bool((x.grad == 6).all())


@pytest.mark.parametrize(
    "name", ["Adadelta", "Adagrad", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop"]
)
def test_recorded_steps_of_optimizers_end(name: str) -> None:
    """What a step writes must not be kept by the graph that it belongs to."""

    def steps() -> None:
        start = rt.randn(100, requires_grad=True)
        p = start.clone()
        opt = getattr(rt.optim, name)([p], differentiable=True)
        for _ in range(3):
            p.grad = rt.randn(100, requires_grad=True)
            opt.step()
        p.sum().backward(inputs=[start])

    steps()
    gc.collect()
    before = rt.cpu.memory_stats()["allocated"]
    for _ in range(5):
        steps()
    gc.collect()
    assert rt.cpu.memory_stats()["allocated"] == before
