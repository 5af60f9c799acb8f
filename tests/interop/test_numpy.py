"""Tensors and NumPy: one memory, NumPy's functions, mixed expressions, and programs written for arrays."""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import re
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

import rustorch as rt

NUMPY_DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def of(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, rt.Tensor) else x


# ---- One memory ----


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_memory_is_shared_both_ways(dtype: str) -> None:
    array = np.zeros((3, 4), dtype)
    tensor = rt.from_numpy(array)
    assert str(tensor.dtype) == f"rustorch.{dtype}"
    array[1, 2] = 1
    assert of(tensor)[1, 2] == 1
    back = np.asarray(tensor)
    back[0, 0] = 1
    assert array[0, 0] == 1 and back.dtype == array.dtype
    for view in (tensor.numpy(), np.asarray(tensor), np.array(tensor, copy=False), np.from_dlpack(tensor)):
        assert np.shares_memory(view, array)


@pytest.mark.parametrize(
    "make", [lambda a: a.T, lambda a: a[::2], lambda a: a[1:, 2:], lambda a: a[0:0], lambda a: a[0, 0:1]]
)
def test_layouts_are_kept(make: Any) -> None:
    array = make(np.arange(20.0).reshape(4, 5))
    tensor = rt.from_numpy(array)
    assert np.array_equal(of(tensor), array)
    assert of(tensor).strides == array.strides or array.size <= 1
    assert np.shares_memory(of(tensor), array) or array.size == 0


def test_each_side_keeps_the_memory_alive() -> None:
    array = np.ones(1000)
    ref = weakref.ref(array)
    tensor = rt.from_numpy(array)
    del array
    gc.collect()
    assert ref() is not None
    view = tensor.numpy()
    del tensor
    gc.collect()
    assert ref() is not None and view.sum() == 1000
    del view
    gc.collect()
    assert ref() is None


def test_read_only_memory_is_not_written() -> None:
    array = np.zeros(3)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="The given NumPy array is not writable, .* non-writable"):
        tensor = rt.from_numpy(array)
    with pytest.raises(RuntimeError, match="read-only"):
        tensor.add_(1)
    assert not tensor.numpy().flags.writeable
    assert memoryview(tensor).readonly


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_scalar_types_are_numpys_own(dtype: str) -> None:
    expected = np.dtype(dtype).type
    tensor = rt.from_numpy(np.ones(2, dtype))
    for array in (tensor.numpy(), np.asarray(tensor), np.from_dlpack(tensor)):
        assert array.dtype.type is expected
        assert type(array[0]) is expected


def test_from_numpy_says_what_it_cannot() -> None:
    with pytest.raises(TypeError, match=r"expected np\.ndarray"):
        rt.from_numpy([1, 2])
    with pytest.raises(ValueError, match="negative"):
        rt.from_numpy(np.ones(3)[::-1])
    for bad in (np.array(["a"]), np.array([object()]), np.zeros(2, "M8[s]"), np.zeros(2, "u4")):
        with pytest.raises(TypeError, match="can't convert"):
            rt.from_numpy(bad)
    with pytest.raises(ValueError, match="byte order"):
        rt.from_numpy(np.zeros(2, ">f4"))


def test_numpy_says_what_it_cannot() -> None:
    leaf = rt.ones(2, requires_grad=True)
    for take in (lambda: leaf.numpy(), lambda: np.asarray(leaf), lambda: np.array(leaf)):
        with pytest.raises(RuntimeError, match="requires grad"):
            take()
    assert leaf.numpy(force=True).tolist() == [1, 1]
    half = rt.ones(2, dtype=rt.bfloat16)
    for take in (lambda: half.numpy(), lambda: np.asarray(half)):
        with pytest.raises(TypeError, match="BFloat16"):
            take()
    with pytest.raises(BufferError):
        memoryview(half)


def test_array_protocol() -> None:
    tensor = rt.tensor([1.0, 2.0])
    assert np.asarray(tensor, dtype=np.int32).tolist() == [1, 2]
    assert not np.shares_memory(np.array(tensor), tensor.numpy())
    assert tensor.__array__(np.float64).dtype == np.float64
    assert not np.shares_memory(tensor.__array__(copy=True), tensor.numpy())
    with pytest.raises(ValueError, match="copy"):
        tensor.__array__(np.float64, copy=False)
    interface = rt.zeros(2, 3).T.__array_interface__
    assert interface["shape"] == (3, 2) and interface["strides"] == (4, 12) and interface["typestr"] == "<f4"
    assert not hasattr(rt.ones(1, requires_grad=True), "__array_interface__")


def test_buffer_protocol() -> None:
    tensor = rt.tensor([[1, 2], [3, 4]], dtype=rt.int16)
    view = memoryview(tensor)
    assert (view.format, view.shape, view.strides, view.itemsize) == ("h", (2, 2), (4, 2), 2)
    assert view.tolist() == [[1, 2], [3, 4]] and bytes(tensor) == view.tobytes()
    view[0, 0] = 9
    assert of(tensor)[0, 0] == 9
    assert memoryview(tensor.T).tolist() == [[9, 3], [2, 4]] and not memoryview(tensor.T).c_contiguous
    del tensor
    gc.collect()
    assert view[1, 1] == 4
    assert memoryview(rt.tensor(3.5)).tolist() == 3.5


def test_asarray_and_as_tensor() -> None:
    array = np.ones(3, np.float32)
    for make in (rt.as_tensor, rt.asarray):
        assert np.shares_memory(make(array).numpy(), array)
        tensor = rt.ones(2)
        assert make(tensor) is tensor
        assert make([1, 2]).dtype == rt.int64 and make(2.5).shape == ()
        assert make(array, dtype=rt.float64).dtype == rt.float64
        assert make(np.float32(2)).dtype == rt.float32
    assert not np.shares_memory(rt.asarray(array, copy=True).numpy(), array)
    with pytest.raises(ValueError, match="can't alias arbitrary sequence"):
        rt.asarray([1, 2], copy=False)
    with pytest.raises(ValueError, match="can't alias tensor"):
        rt.asarray(array, dtype=rt.float64, copy=False)
    assert rt.asarray(array, requires_grad=True).requires_grad
    leaf = rt.ones(2, requires_grad=True)
    assert rt.asarray(leaf).requires_grad and not rt.asarray(leaf, requires_grad=False).requires_grad
    assert leaf.requires_grad
    assert rt.asarray(memoryview(bytearray(b"ab")), dtype=rt.uint8).numpy().tolist() == [97, 98]


def test_frombuffer() -> None:
    buffer = bytearray(range(8))
    tensor = rt.frombuffer(buffer, dtype=rt.int32)
    tensor.zero_()
    assert buffer == bytes(8)
    buffer[:] = range(8)
    assert rt.frombuffer(buffer, dtype=rt.uint8, count=2, offset=3).numpy().tolist() == [3, 4]
    with pytest.warns(UserWarning, match=r"The given buffer is not writable\W .* non-writable"):
        tensor = rt.frombuffer(b"abcd", dtype=rt.uint8)
    with pytest.raises(RuntimeError, match="read-only"):
        tensor.zero_()
    for arguments, message in (
        ({"count": 0}, "both buffer length (8) and count (0) must not be 0"),
        ({"offset": 8}, "offset (8 bytes) must be non-negative and no greater than buffer length (8 bytes)"),
        ({"offset": -1}, "offset (-1 bytes) must be non-negative"),
        (
            {"count": 9},
            "requested buffer length (9 * 1 bytes) after offset (0 bytes) must not be greater than actual "
            "buffer length (8 bytes)",
        ),
        (
            {"offset": 1, "dtype": rt.int32},
            "buffer length (7 bytes) after offset (1 bytes) must be a multiple of element size (4)",
        ),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            rt.frombuffer(buffer, **{"dtype": rt.uint8, **arguments})
    with pytest.raises(ValueError, match="buffer protocol"):
        rt.frombuffer(3, dtype=rt.uint8)


# ---- DLPack ----


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_dlpack_with_numpy(dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype).T
    tensor = rt.from_dlpack(array)
    assert np.shares_memory(of(tensor), array) and np.array_equal(of(tensor), array)
    back = np.from_dlpack(tensor)
    assert np.shares_memory(back, array) and back.strides == array.strides


def test_dlpack_read_only() -> None:
    array = np.zeros(3)
    array.flags.writeable = False
    tensor = rt.from_dlpack(array)
    with pytest.raises(RuntimeError, match="read-only"):
        tensor.add_(1)
    with pytest.raises(BufferError, match="read-only"):
        tensor.__dlpack__()
    assert not np.from_dlpack(tensor).flags.writeable


def test_dlpack_capsules_live_once() -> None:
    tensor = rt.ones(3)
    before = rt.cpu.memory_stats()["allocated"]
    for version in (None, (1, 0)):
        capsule = tensor.__dlpack__(max_version=version)
        again = rt.from_dlpack(capsule)
        assert np.shares_memory(of(again), of(tensor))
        with pytest.raises(RuntimeError, match="consumed"):
            rt.from_dlpack(capsule)
        rt.ones(3).__dlpack__(max_version=version)
    del capsule, again
    gc.collect()
    assert rt.cpu.memory_stats()["allocated"] == before


def test_dlpack_by_pytorchs_names() -> None:
    tensor = rt.ones(3)
    for to_dlpack in (rt.to_dlpack, rt.utils.dlpack.to_dlpack):
        again = rt.utils.dlpack.from_dlpack(to_dlpack(tensor))
        assert again.data_ptr() == tensor.data_ptr()
        with pytest.raises(TypeError, match="expected a Tensor"):
            to_dlpack([1])


def test_dlpack_arguments() -> None:
    tensor = rt.ones(3)
    assert tensor.__dlpack_device__() == (1, 0)
    copied = rt.from_dlpack(tensor.__dlpack__(max_version=(1, 0), copy=True))
    assert not np.shares_memory(of(copied), of(tensor))
    assert not np.shares_memory(of(rt.from_dlpack(np.ones(3), copy=True)), of(tensor))
    with pytest.raises(BufferError, match="gradient"):
        rt.ones(1, requires_grad=True).__dlpack__()
    with pytest.raises(BufferError):
        tensor.__dlpack__(dl_device=(2, 0), copy=False)
    with pytest.raises(TypeError, match="stream"):
        tensor.__dlpack__(stream=1)
    with pytest.raises(RuntimeError, match="capsule"):
        rt.from_dlpack(3)


# ---- NumPy's functions ----

UNARY = [
    "absolute",
    "sqrt",
    "exp",
    "log",
    "sin",
    "cos",
    "tanh",
    "floor",
    "ceil",
    "rint",
    "negative",
    "isnan",
    "sign",
    "square",
    "reciprocal",
    "log1p",
    "expm1",
    "deg2rad",
    "cbrt",
    "spacing",
]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "maximum",
    "minimum",
    "power",
    "arctan2",
    "hypot",
    "less",
    "equal",
    "logical_and",
    "fmod",
    "floor_divide",
    "remainder",
    "copysign",
]


@pytest.mark.parametrize("name", UNARY)
def test_unary_ufuncs(name: str, rng: np.random.Generator) -> None:
    array = rng.random((3, 4)) + 0.5
    result = getattr(np, name)(rt.from_numpy(array))
    assert isinstance(result, rt.Tensor)
    np.testing.assert_allclose(of(result), getattr(np, name)(array), rtol=1e-12)


@pytest.mark.parametrize("name", BINARY)
def test_binary_ufuncs_mix_both_ways(name: str, rng: np.random.Generator) -> None:
    a, b = rng.random((3, 4)) + 0.5, rng.random(4) + 0.5
    expected = getattr(np, name)(a, b)
    for x, y in ((rt.from_numpy(a), b), (a, rt.from_numpy(b)), (rt.from_numpy(a), rt.from_numpy(b))):
        result = getattr(np, name)(x, y)
        assert isinstance(result, rt.Tensor)
        np.testing.assert_allclose(of(result), expected, rtol=1e-12)


def test_operators_mix_both_ways() -> None:
    array, tensor = np.arange(3.0), rt.ones(3, dtype=rt.float64)
    for result in (array + tensor, tensor + array, array[::-1] * 1 + tensor * 0 + 1):
        assert isinstance(result, rt.Tensor)
    assert of(array - tensor).tolist() == [-1, 0, 1] and of(tensor - array).tolist() == [1, 0, -1]
    assert of(tensor + array[::-1]).tolist() == [3, 2, 1]
    assert isinstance(array < tensor, rt.Tensor) and isinstance(np.eye(3) @ tensor, rt.Tensor)
    array += tensor
    assert isinstance(array, np.ndarray) and array.tolist() == [1, 2, 3]


def test_numpy_scalars_are_numbers() -> None:
    tensor = rt.ones(2)
    for number in (np.float64(2), np.float32(2), np.int64(2), np.int8(2)):
        assert (tensor * number).dtype == rt.float32 and (number * tensor).dtype == rt.float32
        assert of(number * tensor).tolist() == [2, 2]
    assert rt.zeros(np.int64(2), np.int32(3)).shape == (2, 3)


def test_ufunc_methods_and_keywords(rng: np.random.Generator) -> None:
    array = rng.random((3, 4))
    tensor = rt.from_numpy(array)
    for take in (
        lambda x: np.add.reduce(x),
        lambda x: np.add.reduce(x, axis=None),
        lambda x: np.add.reduce(x, (0, 1)),
        lambda x: np.maximum.reduce(x, 1, keepdims=True),
        lambda x: np.multiply.reduce(x, axis=-1),
        lambda x: np.add.accumulate(x, axis=1),
        lambda x: np.multiply.accumulate(x),
        lambda x: np.add.outer(x, x[0]),
        lambda x: np.subtract.reduce(x),
        lambda x: np.add(x, 1, dtype=np.float32),
        lambda x: np.modf(x)[0],
        lambda x: np.add.reduceat(x, [0, 2]),
    ):
        result = take(tensor)
        assert isinstance(result, rt.Tensor)
        np.testing.assert_allclose(of(result), take(array), rtol=1e-6)
    out = rt.zeros(3, 4, dtype=rt.float64)
    assert np.add(tensor, 1, out=out) is out and np.allclose(of(out), array + 1)
    plain = np.zeros((3, 4))
    assert np.add(tensor, 1, out=plain) is plain and np.allclose(plain, array + 1)
    masked = np.add(tensor, 1, out=rt.zeros(3, 4, dtype=rt.float64), where=array > 0.5)
    assert np.allclose(of(masked), np.where(array > 0.5, array + 1, 0))


FUNCTIONS: dict[str, Any] = {
    "sum": lambda x: np.sum(x, axis=1),
    "mean": lambda x: np.mean(x, axis=0, keepdims=True),
    "std": np.std,
    "var": lambda x: np.var(x, axis=1, ddof=1),
    "max": np.max,
    "min": lambda x: np.min(x, axis=(0, 1)),
    "prod": lambda x: np.prod(x, axis=1),
    "argmax": lambda x: np.argmax(x, axis=1),
    "cumsum": np.cumsum,
    "concatenate": lambda x: np.concatenate([x, x], axis=1),
    "stack": lambda x: np.stack([x, x]),
    "vstack": lambda x: np.vstack([x, x]),
    "hstack": lambda x: np.hstack([x, x]),
    "split": lambda x: np.split(x, 2, axis=1)[1],
    "split at": lambda x: np.split(x, [1, 3], axis=1)[1],
    "reshape": lambda x: np.reshape(x, (4, 3)),
    "ravel": np.ravel,
    "transpose": np.transpose,
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "squeeze": lambda x: np.squeeze(x[:1]),
    "broadcast_to": lambda x: np.broadcast_to(x[0], (2, 4)),
    "flip": np.flip,
    "roll": lambda x: np.roll(x, 1),
    "tile": lambda x: np.tile(x, (2, 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=0),
    "pad": lambda x: np.pad(x, ((1, 0), (2, 1))),
    "where": lambda x: np.where(x > 0.5, x, 0.0),
    "clip": lambda x: np.clip(x, 0.2, 0.6),
    "sort": lambda x: np.sort(x, axis=0),
    "argsort": np.argsort,
    "diff": np.diff,
    "dot": lambda x: np.dot(x, x.T),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "outer": lambda x: np.outer(x[0], x[1]),
    "trace": np.trace,
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "frobenius": np.linalg.norm,
    "svd": lambda x: np.linalg.svd(x)[1],
    "det": lambda x: np.linalg.det(x[:, :3]),
    "inv": lambda x: np.linalg.inv(x[:, :3] + np.eye(3)),
    "fft": np.fft.fft,
    "median": np.median,
    "percentile": lambda x: np.percentile(x, 30),
    "histogram": lambda x: np.histogram(x, bins=3)[0],
    "cov": np.cov,
    "interp": lambda x: np.interp(x[0], np.arange(3.0), np.arange(3.0)),
    "zeros_like": np.zeros_like,
    "full_like": lambda x: np.full_like(x, 3),
    "unique": lambda x: np.unique(np.round(x)),
    "isclose": lambda x: np.isclose(x, x + 1e-12),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, rng: np.random.Generator) -> None:
    array = rng.random((3, 4))
    result, expected = FUNCTIONS[name](rt.from_numpy(array)), FUNCTIONS[name](array)
    assert isinstance(result, rt.Tensor)
    assert tuple(result.shape) == np.shape(expected)
    np.testing.assert_allclose(of(result), expected, rtol=1e-10, atol=1e-12)


def test_functions_that_answer(rng: np.random.Generator) -> None:
    tensor = rt.from_numpy(rng.random((3, 4)))
    assert np.allclose(tensor, tensor.numpy()) is True and np.array_equal(tensor, tensor + 1) is False
    assert np.shape(tensor) == (3, 4) and np.ndim(tensor) == 2 and np.size(tensor) == 12


def test_gradients_flow_or_the_call_says_why_not() -> None:
    x = rt.ones(3, requires_grad=True)
    np.sum(np.exp(x) * np.arange(3.0, dtype=np.float32)).backward()
    np.testing.assert_allclose(of(x.grad), np.e * np.arange(3.0), rtol=1e-6)
    with pytest.raises(RuntimeError, match="gradients would be lost"):
        np.median(x)
    with rt.no_grad():
        assert np.median(x).item() == 1


def test_fallbacks_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="rustorch"):
        np.median(rt.ones(3))
    assert "np.median: computed by NumPy" in caplog.text


# ---- Scalars and containers ----


def test_scalars_behave() -> None:
    t = rt.tensor(2.75)
    assert float(t) == 2.75 and int(t) == 2 and complex(t) == 2.75 and bool(t) and f"{t:.1f}" == "2.8"
    assert round(t, 1).item() == pytest.approx(2.8) and [10, 20, 30][rt.tensor(1)] == 20
    assert complex(rt.tensor(1 + 2j)) == 1 + 2j and int(rt.tensor(3 + 0j)) == 3
    with pytest.raises(RuntimeError):
        int(rt.tensor(1 + 2j))
    with pytest.raises(TypeError):
        [1, 2][rt.tensor(1.0)]
    for bad in (rt.ones(2), rt.ones(0)):
        with pytest.raises(RuntimeError, match="ambiguous"):
            bool(bad)
    assert {t: 1}[t] == 1 and t in [t]


def test_containers_behave() -> None:
    t = rt.tensor([[1, 2], [3, 4]])
    assert len(t) == 2 and [row.tolist() for row in t] == [[1, 2], [3, 4]]
    assert [row.tolist() for row in reversed(t)] == [[3, 4], [1, 2]]
    assert 3 in t and 7 not in t and np.int64(4) in t
    with pytest.raises(RuntimeError, match="only supports Tensor or scalar"):
        "a" in t  # noqa: B015
    assert "numpy" in dir(t)
    a, b = t
    assert a.tolist() == [1, 2] and b.tolist() == [3, 4]


def test_pickle_and_copy() -> None:
    base = rt.arange(6.0).reshape(2, 3)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        a, b = pickle.loads(pickle.dumps((base, base.T), protocol))
        a[0, 1] = 9
        assert b[1, 0].item() == 9 and base[0, 1].item() == 1
    buffers: list[Any] = []
    data = pickle.dumps(base, 5, buffer_callback=buffers.append)
    assert pickle.loads(data, buffers=buffers).tolist() == base.tolist() and len(buffers) == 1
    shallow, (x, y) = copy.copy(base), copy.deepcopy((base, base[0]))
    assert np.shares_memory(of(shallow), of(base)) and not np.shares_memory(of(x), of(base))
    assert np.shares_memory(of(x), of(y))
    leaf = rt.ones(2, requires_grad=True)
    leaf.grad = rt.ones(2)
    twin = copy.deepcopy(leaf)
    assert twin.requires_grad and twin.grad.tolist() == [1, 1] and twin.grad is not leaf.grad
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(leaf * 2)
    for value in (rt.float32, rt.device("cpu"), rt.Size([2, 3]), rt.add):
        assert type(pickle.loads(pickle.dumps(value))) is type(value)
    half = rt.ones(2, dtype=rt.bfloat16)
    assert pickle.loads(pickle.dumps(half)).dtype == rt.bfloat16 and copy.deepcopy(half).dtype == rt.bfloat16
    ref = weakref.ref(half)
    del half
    assert ref() is None


# ---- Programs written for arrays ----


def k_means(points: Any, centers: Any, steps: int) -> Any:
    for _ in range(steps):
        distances = ((points[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)
        nearest = np.argmin(distances, axis=1)
        centers = np.stack([points[nearest == k].mean(axis=0) for k in range(len(centers))])
    return centers


def principal_axes(data: Any) -> Any:
    centered = data - np.mean(data, axis=0)
    values, vectors = np.linalg.eigh(np.dot(centered.T, centered) / (len(data) - 1))
    return np.abs(vectors[:, np.argsort(-values)])


def heat(field: Any, steps: int) -> Any:
    field = np.copy(field)
    for _ in range(steps):
        field[1:-1, 1:-1] += 0.1 * (
            field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:] + field[1:-1, :-2] - 4 * field[1:-1, 1:-1]
        )
    return field


def running_statistics(series: Any, window: int) -> Any:
    sums = np.concatenate([np.zeros(1), np.cumsum(series)])
    means = (sums[window:] - sums[:-window]) / window
    return np.stack([means, np.maximum(means, 0), np.clip(means, -0.1, 0.1)])


def least_squares(x: Any, y: Any) -> Any:
    design = np.stack([np.ones_like(x), x, x**2], axis=1)
    return np.linalg.solve(np.dot(design.T, design), np.dot(design.T, y))


@pytest.mark.parametrize(
    ("program", "shapes", "rest"),
    [
        (k_means, [(60, 2), (3, 2)], (4,)),
        (principal_axes, [(50, 4)], ()),
        (heat, [(12, 9)], (5,)),
        (running_statistics, [(30,)], (5,)),
        (least_squares, [(20,), (20,)], ()),
    ],
    ids=lambda p: getattr(p, "__name__", ""),
)
def test_programs_for_arrays(
    program: Any, shapes: list[Any], rest: tuple[int, ...], rng: np.random.Generator
) -> None:
    arrays = [rng.standard_normal(shape) for shape in shapes]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = program(*map(rt.from_numpy, [a.copy() for a in arrays]), *rest)
    assert isinstance(result, rt.Tensor)
    np.testing.assert_allclose(of(result), program(*arrays, *rest), rtol=1e-9, atol=1e-12)
