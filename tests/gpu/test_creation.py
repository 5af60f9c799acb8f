"""Sequences, random numbers, triangles and reversals on the emulator, beside the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES

FLOATS = [rt.float32, rt.float16, rt.bfloat16]
INTEGERS = [rt.uint8, rt.int8, rt.int16, rt.int32, rt.int64]
SIZES = [0, 1, 7, 33, 1000]


def same(got: rt.Tensor, expected: rt.Tensor, rtol: float = 0) -> None:
    """Bit for bit; what has logarithms in it may differ by a bit where nothing fuses multiply and add."""
    assert got.dtype == expected.dtype and got.shape == expected.shape
    assert not got.device.type == "cpu"
    wide = rt.float64 if expected.dtype.is_floating_point else expected.dtype
    np.testing.assert_allclose(got.cpu().to(wide).numpy(), expected.to(wide).numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS], ids=str)
def test_arange(device: str, dtype: rt.dtype) -> None:
    for args in [(0,), (37,), (-5, 100, 3), (9, -20, -4), (2**40, 2**40 + 5)]:
        same(rt.arange(*args, dtype=dtype, device=device), rt.arange(*args, dtype=dtype))
    same(rt.range(3, 9, dtype=dtype, device=device), rt.range(3, 9, dtype=dtype))


@pytest.mark.parametrize("device", DEVICES)
def test_ranges_of_truth(device: str) -> None:
    """Not zero is true."""
    for args in [(0, 40), (-3, 3, 3), (2**32, 2**32 + 1)]:
        expected = np.arange(args[0], args[1] + 1, *args[2:]) != 0
        got = rt.range(*args, dtype=rt.bool, device=device)
        assert got.dtype == rt.bool and got.device.type != "cpu"
        np.testing.assert_array_equal(got.cpu().numpy(), expected)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_real_sequences(device: str, dtype: rt.dtype) -> None:
    for args in [(0.5, 9.0, 0.1), (3.0, -1.0, -0.3), (1e-36, 3e-36, 1e-38), (-3e38, 3e38, 2.5e37)]:
        same(rt.arange(*args, dtype=dtype, device=device), rt.arange(*args, dtype=dtype))
    for args in [
        (0.0, 1.0, 101),
        (-3.5, 2.25, 4),
        (1.0, 2.0, 1),
        (5, 5, 3),
        (0.0, float("inf"), 3),
        (2.0, 3.0, 0),
    ]:
        same(rt.linspace(*args, dtype=dtype, device=device), rt.linspace(*args, dtype=dtype))
    same(rt.logspace(0, 3, 5, dtype=dtype, device=device), rt.logspace(0, 3, 5, dtype=dtype))
    same(rt.linspace(0, 10, 4, dtype=rt.int32, device=device), rt.linspace(0, 10, 4, dtype=rt.int32))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_random_floats(device: str, dtype: rt.dtype, size: int) -> None:
    def drawn(where: str) -> tuple[list[rt.Tensor], list[rt.Tensor]]:
        rt.manual_seed(5)
        x = rt.zeros(size, dtype=dtype, device=where)
        exact = [
            rt.rand(size, dtype=dtype, device=where),
            x.clone().uniform_(-3, 2),
            x.clone().bernoulli_(0.3),
            x.clone().cauchy_(),
            x.clone().geometric_(0.4),
            x.clone().random_(-4, 9),
        ]
        close = [
            rt.randn(size, dtype=dtype, device=where),
            x.clone().normal_(2, 0.5),
            x.clone().log_normal_(0.1, 0.2),
            x.clone().exponential_(3.0),
        ]
        return exact, close

    for rtol, got, expected in zip([0, rt.finfo(dtype).eps * 2], drawn(device), drawn("cpu")):
        for a, b in zip(got, expected):
            same(a, b, rtol)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.bool, *INTEGERS], ids=str)
def test_random_integers(device: str, dtype: rt.dtype) -> None:
    def drawn(where: str) -> list[rt.Tensor]:
        rt.manual_seed(6)
        x = rt.zeros(65, dtype=dtype, device=where)
        return [
            x.clone().random_(0, 2),
            x.clone().bernoulli_(0.7),
            x.clone()[1:].random_(),
            rt.randint(0, 2, (5, 3), dtype=dtype, device=where),
            rt.randperm(50, device=where),
        ]

    for got, expected in zip(drawn(device), drawn("cpu")):
        same(got, expected)


@pytest.mark.parametrize("device", DEVICES)
def test_random_layouts(device: str) -> None:
    def drawn(where: str) -> list[rt.Tensor]:
        rt.manual_seed(7)
        base = rt.zeros(9, 11, device=where)
        base.t().uniform_()
        odd = rt.zeros(21, device=where)
        odd[3:17].normal_()
        stepped = rt.zeros(4, 10, device=where)
        stepped[:, ::3].uniform_(1, 2)
        number = rt.zeros((), device=where).normal_()
        return [base, odd, stepped, number, rt.rand(3, dtype=rt.complex64, device=where)]

    for got, expected in zip(drawn(device)[:-1], drawn("cpu")[:-1]):
        same(got, expected, 2e-7)
    got, expected = drawn(device)[-1], drawn("cpu")[-1]
    np.testing.assert_array_equal(got.cpu().numpy(), expected.numpy())


def test_no_doubles() -> None:
    with pytest.raises(RuntimeError, match="random_uniform_float64"):
        rt.rand(3, dtype=rt.float64, device="emulator")
    with pytest.raises(RuntimeError, match="sequence_reals_float64"):
        rt.linspace(0, 1, 3, dtype=rt.float64, device="emulator")


LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(-1, -2),
    "stepped": lambda x: x[..., ::2],
    "offset": lambda x: x[..., 1:, :],
    "broadcast": lambda x: x[..., :1].expand(*x.shape),
    "empty": lambda x: x[..., :0],
}
ITEMS = [
    rt.bool,
    rt.uint8,
    rt.float16,
    rt.bfloat16,
    rt.int32,
    rt.float32,
    rt.int64,
    rt.float64,
    rt.complex128,
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ITEMS, ids=str)
def test_triangles_and_flips(device: str, dtype: rt.dtype, layout: str) -> None:
    x = rt.tensor(np.random.default_rng(0).integers(1, 9, (2, 5, 7))).to(dtype)
    here, there = LAYOUTS[layout](x), LAYOUTS[layout](x.to(device))
    for k in [0, -2, 3, 100, -100]:
        for f in [rt.tril, rt.triu]:
            np.testing.assert_array_equal(
                f(there, k).cpu().to(rt.complex128).numpy(), f(here, k).to(rt.complex128).numpy()
            )
    for dims in [(0,), (1,), (-1,), (0, 2), (0, 1, 2), ()]:
        np.testing.assert_array_equal(
            rt.flip(there, dims).cpu().to(rt.complex128).numpy(),
            rt.flip(here, dims).to(rt.complex128).numpy(),
        )


@pytest.mark.parametrize("device", DEVICES)
def test_in_place_and_gradients(device: str) -> None:
    x = rt.arange(24.0).reshape(4, 6)
    y = x.to(device)
    y.tril_()
    np.testing.assert_array_equal(y.cpu().numpy(), np.tril(x.numpy()))
    np.testing.assert_array_equal(rt.flip(rt.tensor(3.0, device=device), (0,)).cpu().numpy(), 3.0)
    steps: list[Callable[[rt.Tensor], rt.Tensor]] = [
        lambda t: t.tril(-1),
        lambda t: t.triu(1),
        lambda t: t.flip(0, 1),
    ]
    for f in steps:
        grads = []
        for where in ["cpu", device]:
            leaf = x.to(where).detach().clone().requires_grad_()
            f(leaf).backward(x.to(where))
            assert leaf.grad is not None
            grads.append(leaf.grad.cpu().numpy())
        np.testing.assert_array_equal(*grads)
