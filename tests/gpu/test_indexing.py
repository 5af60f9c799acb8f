"""Reads and writes at indices on the emulator, beside the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F

from .compare import DEVICES

RNG = np.random.default_rng(3)
ITEMS = [rt.bool, rt.uint8, rt.int16, rt.float16, rt.bfloat16, rt.int32, rt.float32, rt.int64, rt.complex128]
NUMBERS = [rt.uint8, rt.int8, rt.int16, rt.int32, rt.int64, rt.float16, rt.bfloat16, rt.float32]


def numpy(x: rt.Tensor) -> np.ndarray:
    x = x.detach().cpu()
    values: np.ndarray = (x.to(rt.float32) if x.dtype == rt.bfloat16 else x).numpy()
    return values


def same(got: rt.Tensor, expected: rt.Tensor, rtol: float = 0) -> None:
    assert got.dtype == expected.dtype and got.shape == expected.shape and got.device.type != "cpu"
    np.testing.assert_allclose(numpy(got), numpy(expected), rtol=rtol, atol=rtol)


def moved_to(device: str) -> Callable[[rt.Tensor], rt.Tensor]:
    return lambda t: t.to(device)


def numbers(*shape: int, dtype: rt.dtype = rt.float32) -> rt.Tensor:
    high = 2 if dtype == rt.bool else 9
    return rt.tensor(RNG.integers(0, high, shape)).to(dtype)


def indices(high: int, *shape: int) -> rt.Tensor:
    return rt.tensor(RNG.integers(0, high, shape))


LAYOUTS: dict[str, Callable[[rt.Tensor], rt.Tensor]] = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
    "stepped": lambda x: rt.stack([x, x], -1).flatten(-2)[..., ::2],
    "offset": lambda x: rt.cat([x[:1], x])[1:],
    "broadcast": lambda x: x[:1].expand(*x.shape),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ITEMS, ids=str)
def test_reads(device: str, dtype: rt.dtype, layout: str) -> None:
    x = LAYOUTS[layout](numbers(6, 16, dtype=dtype))
    y = LAYOUTS[layout](numbers(6, 16, dtype=dtype).copy_(x).to(device))
    rows, along = indices(6, 9), indices(16, 6, 5)
    cases: list[Callable[[rt.Tensor, Callable[[rt.Tensor], rt.Tensor]], rt.Tensor]] = [
        lambda t, at: rt.index_select(t, 0, at(rows)),
        lambda t, at: rt.index_select(t, 1, at(rows).to(rt.int32)),
        lambda t, at: rt.index_select(t, 1, at(rows)[:0]),
        lambda t, at: rt.index_select(t[2, 3], 0, at(rows[:1] * 0)),
        lambda t, at: rt.gather(t, 1, at(along)),
        lambda t, at: rt.gather(t, 0, at(along.t().contiguous() % 6)),
        lambda t, at: rt.gather(t, 1, at(along.t().contiguous()).t()),
        lambda t, at: rt.take(t, at(along)),
        lambda t, at: t[at(rows)],
        lambda t, at: t[:, at(along)],
        lambda t, at: rt.take_along_dim(t, at(along), 1),
    ]
    for case in cases:
        same(case(y, lambda i: i.to(device)), case(x, lambda i: i))


@pytest.mark.parametrize("device", DEVICES)
def test_wide_rows(device: str) -> None:
    """Whole rows of 16 bytes, which move as such, and rows that just miss it."""
    for dtype in [rt.uint8, rt.float16, rt.float32, rt.int64]:
        for width in [8, 16, 32, 33]:
            for x in [numbers(7, width, dtype=dtype), numbers(7, width + 1, dtype=dtype)[:, 1:]]:
                at = indices(7, 5)
                there = (
                    x.contiguous().to(device)
                    if x.is_contiguous()
                    else numbers(7, width + 1, dtype=dtype).to(device)[:, 1:]
                )
                there.copy_(x.to(device))
                same(rt.index_select(there, 0, at.to(device)), rt.index_select(x, 0, at))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ITEMS, ids=str)
def test_writes(device: str, dtype: rt.dtype) -> None:
    x, v = numbers(6, 16, dtype=dtype), numbers(6, 16, dtype=dtype)
    along, rows, many = indices(16, 6, 5), indices(6, 4), indices(96, 200)
    mask = rt.tensor(RNG.integers(0, 2, (6, 16))).to(rt.bool)
    Place = Callable[[rt.Tensor], rt.Tensor]
    cases: list[Callable[[Place], rt.Tensor]] = [
        lambda on: rt.scatter(on(x), 1, on(along), on(v)),
        lambda on: rt.scatter(on(x), 1, on(along), 1),
        lambda on: rt.scatter(on(x).t(), 0, on(along).t(), on(v).t()),
        lambda on: rt.index_copy(on(x), 0, on(rows), on(v)[:4]),
        lambda on: rt.index_fill(on(x), 1, on(rows), 1),
        lambda on: rt.put(on(x), on(along), on(v)[:, :5]),
        lambda on: rt.index_put(on(x), (on(rows), on(rows + 1)), on(v)[0, :4]),
        lambda on: rt.put(on(x), on(many), on(v).reshape(96)[on(many)]),
        lambda on: rt.masked_fill(on(x), on(mask), 1),
        lambda on: rt.masked_fill(on(x), on(mask), rt.tensor(1).to(dtype)),
        lambda on: rt.masked_fill(on(x).t(), on(mask)[:, :1].t(), 1),
        lambda on: rt.masked_select(on(x), on(mask)),
        lambda on: rt.masked_scatter(on(x), on(mask), on(v)),
        lambda on: on(x)[on(mask)],
    ]
    for case in cases:
        same(case(lambda t: t.to(device)), case(lambda t: t))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.bool, *NUMBERS], ids=str)
def test_reductions_into_places(device: str, dtype: rt.dtype) -> None:
    x, v, along = numbers(6, 16, dtype=dtype), numbers(6, 40, dtype=dtype), indices(16, 6, 40)
    rows = indices(6, 30)
    more = numbers(30, 16, dtype=dtype)
    spread = rt.tensor(RNG.integers(0, 96, 3000))
    line = numbers(3000, dtype=dtype)
    Place = Callable[[rt.Tensor], rt.Tensor]
    cases: list[Callable[[Place], rt.Tensor]] = [
        lambda on: rt.scatter_add(on(x), 1, on(along), on(v)),
        lambda on: rt.scatter_add(on(x).t(), 0, on(along).t(), on(v).t()),
        lambda on: rt.index_add(on(x), 0, on(rows), on(more)),
        lambda on: rt.index_add(on(x).t(), 1, on(rows), on(more).t()),
        lambda on: rt.index_put(on(x), (on(rows), on(rows)), on(line)[:30], accumulate=True),
        lambda on: rt.put(on(x), on(spread), on(line), accumulate=True),
        lambda on: rt.put(on(x), on(spread), on(line)),
        *(
            lambda on, r=r: rt.scatter_reduce(on(x), 1, on(along), on(v), r)
            for r in ["sum", "prod", "amax", "amin"]
        ),
        *(
            lambda on, r=r: rt.scatter_reduce(on(x), 1, on(along)[:, :7], on(v), r)
            for r in ["sum", "prod", "amax", "amin"]
        ),
    ]
    for case in cases:
        same(case(lambda t: t.to(device)), case(lambda t: t))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [1, 3], ids=["in_order", "sorted"])
def test_indices_of_many_dims(device: str, count: int) -> None:
    """Dims that do not merge, in values and index."""
    shape = (count, 2, 2, 2, 2, 2)
    turned = (5, 2, 0, 4, 1, 3)
    at = indices(7, *shape).permute(turned)
    v = numbers(*shape, 3).permute(*turned, 6)
    x = numbers(7, 3)

    def put(on: Callable[[rt.Tensor], rt.Tensor]) -> rt.Tensor:
        laid = rt.empty_strided(at.shape, at.stride(), dtype=rt.int64, device=on(at).device).copy_(on(at))
        values = rt.empty_strided(v.shape, v.stride(), device=on(v).device).copy_(on(v))
        return rt.index_put(on(x), (laid,), values, accumulate=True)

    same(put(moved_to(device)), put(moved_to("cpu")))


@pytest.mark.parametrize("device", DEVICES)
def test_numbers_that_are_none(device: str) -> None:
    x = rt.tensor([1.0, float("nan"), -2.0, 5.0])
    v = rt.tensor([float("nan"), 3.0, float("inf"), -float("inf"), 1.0])
    at = rt.tensor([0, 1, 2, 3, 3])
    for how in ["sum", "prod", "amax", "amin"]:
        same(
            rt.scatter_reduce(x.to(device), 0, at.to(device), v.to(device), how),
            rt.scatter_reduce(x, 0, at, v, how),
        )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.bool, rt.float16, rt.float32, rt.int64], ids=str)
def test_nonzero(device: str, dtype: rt.dtype) -> None:
    sparse = rt.tensor(RNG.integers(0, 2, (5, 1000))).to(dtype)
    for x in [
        sparse,
        sparse.t(),
        sparse[:, 1::3],
        sparse[1:, 7:],
        sparse[0, 3:],
        sparse.reshape(5, 2, 5, 100),
        sparse * 0 if dtype != rt.bool else ~sparse & sparse,
        sparse[:0],
        sparse[0, 0],
    ]:
        there = rt.empty_strided(x.shape, x.stride(), dtype=dtype, device=device)
        there.copy_(x.to(device))
        same(rt.nonzero(there), rt.nonzero(x))


@pytest.mark.parametrize("device", DEVICES)
def test_nonzero_of_many_groups(device: str) -> None:
    x = rt.tensor(RNG.integers(0, 40, 300 * 4096 + 5) == 0)
    same(rt.nonzero(x.to("emulator")), rt.nonzero(x))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.float32, rt.float16, rt.bfloat16], ids=str)
def test_embedding(device: str, dtype: rt.dtype) -> None:
    at = indices(10, 4, 7)
    eps = 4 * rt.finfo(dtype).eps
    for width in [1, 8, 19]:
        table = rt.tensor(RNG.standard_normal((10, width))).to(dtype)
        results = []
        for where in ["cpu", device]:
            weight = table.to(where).clone().requires_grad_()
            out = F.embedding(at.to(where), weight, padding_idx=3)
            out.backward(out.detach())
            results.append((out, weight.grad))
        for got, expected in zip(results[1], results[0]):
            assert got is not None and expected is not None
            same(got, expected, eps)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.float32, rt.float16, rt.bfloat16], ids=str)
def test_bags(device: str, dtype: rt.dtype) -> None:
    table = rt.tensor(RNG.standard_normal((10, 5))).to(dtype)
    at, offsets = indices(10, 13), rt.tensor([0, 0, 4, 9])
    share = rt.tensor(RNG.standard_normal(13)).to(dtype)
    for mode, weights in [("sum", None), ("mean", None), ("sum", share)]:
        results = []
        for where in ["cpu", device]:
            weight = table.to(where).clone().requires_grad_()
            out = F.embedding_bag(
                at.to(where),
                weight,
                offsets.to(where),
                mode=mode,
                per_sample_weights=None if weights is None else weights.to(where),
            )
            results.append(out)
        same(results[1], results[0], 4 * rt.finfo(dtype).eps)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_rows_of_bounded_norm(device: str, p: float) -> None:
    table = rt.tensor(RNG.standard_normal((10, 70))).to(rt.float32)
    at = indices(10, 13)
    tables = []
    for where in ["cpu", device]:
        weight = table.to(where).clone()
        F.embedding(at.to(where), weight, max_norm=2.0, norm_type=p)
        tables.append(weight)
    same(tables[1], tables[0], 1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_gradients(device: str) -> None:
    x, v = rt.tensor(RNG.standard_normal((4, 6))), rt.tensor(RNG.standard_normal((4, 6)))
    along, rows = indices(6, 4, 6), indices(4, 5)
    mask = rt.tensor(RNG.integers(0, 2, (4, 6))).to(rt.bool)
    Place = Callable[[rt.Tensor], rt.Tensor]
    cases: list[Callable[[rt.Tensor, rt.Tensor, Place], rt.Tensor]] = [
        lambda a, b, on: rt.gather(a, 1, on(along)),
        lambda a, b, on: rt.index_select(a, 0, on(rows)),
        lambda a, b, on: a[on(rows), on(rows)],
        lambda a, b, on: rt.take(a, on(along)),
        lambda a, b, on: rt.scatter(a, 1, on(along), b),
        lambda a, b, on: rt.scatter_add(a, 1, on(along), b),
        lambda a, b, on: rt.index_add(a, 0, on(rows[:4]), b),
        lambda a, b, on: rt.index_put(a, (on(rows), on(rows)), b[0, :5], accumulate=True),
        lambda a, b, on: rt.masked_fill(a, on(mask), 3.0),
        lambda a, b, on: rt.masked_select(a, on(mask)),
        lambda a, b, on: rt.scatter_reduce(a, 1, on(along), b, "amax"),
    ]
    for case in cases:
        grads = []
        for where in ["cpu", device]:
            a, b = (t.to(rt.float32).to(where).clone().requires_grad_() for t in (x, v))
            out = case(a, b, moved_to(where))
            out.backward(rt.ones_like(out))
            grads.append([a.grad, b.grad])
        for got, expected in zip(grads[1], grads[0]):
            assert (got is None) == (expected is None)
            if got is not None and expected is not None:
                same(got, expected, 1e-6)
