"""Products and convolutions on CUDA devices, by NVIDIA's libraries and by our shaders, against the CPU's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rustorch as rt

from . import test_conv
from .compare import FLOATS, LAYOUTS, Layout, assert_same, draw, gradients, moved


@pytest.fixture(params=["cuda-library", "cuda-shader"])
def by(request: pytest.FixtureRequest) -> Iterator[str]:
    """Who multiplies; skips where that cannot be."""
    if not rt.cuda.is_available():
        pytest.skip("no CUDA device")
    library = request.param == "cuda-library"
    if library and not rt.cuda.libraries()["cublasLt"].available:
        pytest.skip(rt.cuda.libraries()["cublasLt"].why_not)
    rt.cuda.matmul.enabled = library
    yield request.param
    rt.cuda.matmul.enabled = True


def calls() -> int:
    return rt.cuda.libraries()["cublasLt"].calls


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(3, 5, 4), (33, 17, 35), (128, 64, 256), (2, 1100, 3)], ids=str)
def test_products(by: str, shape: tuple[int, int, int], dtype: rt.dtype) -> None:
    m, k, n = shape
    a, b = draw((m, k), dtype), draw((k, n), dtype, 1)
    before = calls()
    assert_same(a.to("cuda") @ b.to("cuda"), a @ b, scale=k**0.5)
    assert calls() - before == (by == "cuda-library")


@pytest.mark.parametrize("dtype", [rt.float32, rt.bfloat16], ids=str)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_layouts(by: str, left: Layout, right: Layout, dtype: rt.dtype) -> None:
    a, b = draw((7, 24), dtype), draw((24, 16), dtype, 1)
    assert_same(moved(a, left, "cuda") @ moved(b, right, "cuda"), a @ b, scale=5)
    x, y = draw((3, 7, 24), dtype), draw((3, 24, 16), dtype, 1)
    assert_same(moved(x, left, "cuda") @ moved(y, right, "cuda"), x @ y, scale=5)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(
    "a, b",
    [
        ((2, 3, 4, 5), (5, 6)),
        ((4, 5), (2, 3, 5, 2)),
        ((2, 1, 4, 5), (3, 5, 2)),
        ((2, 1, 1, 2, 1, 3, 4), (1, 2, 3, 1, 2, 4, 2)),
        ((70, 70, 3, 4), (1, 70, 4, 2)),
    ],
    ids=str,
)
def test_batches(by: str, a: tuple[int, ...], b: tuple[int, ...], dtype: rt.dtype) -> None:
    x, y = draw(a, dtype), draw(b, dtype, 1)
    assert_same(x.to("cuda") @ y.to("cuda"), x @ y, scale=3)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("beta, alpha", [(1, 1), (0, 2), (3, -1), (2, 0)])
def test_factors(by: str, beta: int, alpha: int, dtype: rt.dtype) -> None:
    x, a, b = draw((6, 9), dtype, 2), draw((6, 32), dtype), draw((32, 9), dtype, 1)
    want = rt.addmm(x, a, b, beta=beta, alpha=alpha)
    got = rt.addmm(*[t.to("cuda") for t in (x, a, b)], beta=beta, alpha=alpha)
    assert_same(got, want, scale=12)


def test_out_layouts(by: str) -> None:
    a, b = draw((6, 5), rt.float32), draw((5, 7), rt.float32, 1)
    for out in (
        rt.zeros(7, 6, device="cuda").T,
        rt.zeros(6, 14, device="cuda")[:, ::2],
        rt.zeros(8, 9, device="cuda")[1:7, 2:],
    ):
        rt.mm(a.to("cuda"), b.to("cuda"), out=out)
        assert_same(out, a @ b)


def test_not_finite(by: str) -> None:
    nan, inf = float("nan"), float("inf")
    a = rt.tensor([[inf, 1.0], [nan, 1.0], [-inf, inf]])
    b = rt.tensor([[1.0, 0.0, -1.0], [1.0, 2.0, 3.0]])
    assert_same(a.to("cuda") @ b.to("cuda"), a @ b)
    x = rt.full((3, 3), nan)
    assert_same(rt.addmm(x.to("cuda"), a.to("cuda"), b.to("cuda"), beta=0), a @ b)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_gradients(by: str, dtype: rt.dtype) -> None:
    inputs = [draw((12, 20), dtype), draw((8, 20), dtype, 1), draw((8,), dtype, 2)]
    linear = rt.nn.functional.linear
    for got, want in zip(gradients(linear, inputs, "cuda"), gradients(linear, inputs, "cpu"), strict=True):
        assert_same(got, want, scale=10)


def test_tf32_is_asked_for(by: str) -> None:
    x = rt.full((64, 64), 1 + 2.0**-12)  # more mantissa than TF32 has
    there = x.to("cuda")
    assert_same(there @ there, x @ x)
    rt.cuda.matmul.allow_tf32 = True
    try:
        got = (there @ there).cpu()
    finally:
        rt.cuda.matmul.allow_tf32 = False
    error = abs(got[0, 0].item() / (x @ x)[0, 0].item() - 1)
    assert error < 2e-3
    assert (error > 1e-5) == (by == "cuda-library")


@pytest.fixture(params=["cuda-library", "cuda-shader"])
def conv_by(request: pytest.FixtureRequest) -> Iterator[str]:
    """Who convolves; skips where that cannot be."""
    if not rt.cuda.is_available():
        pytest.skip("no CUDA device")
    library = request.param == "cuda-library"
    if library and not rt.cuda.cudnn.is_available():
        pytest.skip(rt.cuda.libraries()["cudnn"].why_not)
    rt.cuda.cudnn.enabled = library
    yield request.param
    rt.cuda.cudnn.enabled = True


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("case", [*test_conv.CASES, *test_conv.LARGER], ids=str)
def test_convolutions(conv_by: str, case: test_conv.Case, dtype: rt.dtype) -> None:
    inputs = case.inputs(dtype)
    assert_same(case.op(*[t.to("cuda") for t in inputs]), case.op(*inputs), scale=10)
    for got, want in zip(
        gradients(case.op, inputs[:2], "cuda"), gradients(case.op, inputs[:2], "cpu"), strict=True
    ):
        assert_same(got, want, scale=20)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_common_convolution_is_not_refused(conv_by: str, dtype: rt.dtype) -> None:
    x, w = draw((2, 16, 12, 12), dtype).to("cuda"), draw((32, 16, 3, 3), dtype, 1).to("cuda")
    before = rt.cuda.libraries()["cudnn"].calls
    gradients(lambda x, w: rt.nn.functional.conv2d(x, w, padding=1), [x, w], "cuda")
    assert rt.cuda.libraries()["cudnn"].calls - before == (3 if conv_by == "cuda-library" else 0)


def test_values_that_are_not_finite_stay_where_they_belong(conv_by: str) -> None:
    x, w = draw((1, 8, 9, 9), rt.float32), draw((8, 8, 3, 3), rt.float32, 1)
    x[0, 3, 4, 4] = float("inf")
    x[0, 2, 0, 8] = float("nan")
    conv = rt.nn.functional.conv2d
    assert_same(conv(x.to("cuda"), w.to("cuda"), padding=1), conv(x, w, padding=1), scale=10)
