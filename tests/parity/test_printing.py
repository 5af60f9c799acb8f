"""`repr` of a tensor is PyTorch's, but for the name of the package."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import rustorch as rt

torch = pytest.importorskip("torch")

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
SHAPES = [
    (),
    (1,),
    (5,),
    (40,),
    (0,),
    (0, 3),
    (2, 3),
    (3, 1, 4),
    (2, 2, 2, 2),
    (1001,),
    (40, 40),
    (7, 200),
    (8, 9, 20),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"precision": 2},
    {"edgeitems": 1, "threshold": 5},
    {"linewidth": 40},
    {"sci_mode": True},
    {"sci_mode": False},
    {"profile": "short"},
    {"edgeitems": 0, "threshold": 5},
]


@pytest.fixture(autouse=True)
def _default_options() -> Any:
    yield
    for lib in (rt, torch):
        lib.set_printoptions(profile="default")


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, kind: int) -> np.ndarray:
    """Random numbers whose magnitudes call for different notations."""
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if "int" in dtype:
        top = [10, 100, 120][kind % 3]
        return np.asarray(rng.integers(0 if dtype == "uint8" else -top, top, shape)).astype(dtype)
    scale = [1.0, 1e4, 1e-6, 1.0, 1e12, 1.0][kind]
    if dtype == "float16":
        scale = min(max(scale, 1e-3), 1e3)
    x = np.asarray(rng.standard_normal(shape) * scale)
    if kind == 3:
        x = np.round(x * 10)
    if kind == 5 and x.size:
        x = np.where(rng.random(shape) < 0.2, rng.choice([np.nan, np.inf, -np.inf, 0.0], shape), x)
    if "complex" in dtype:
        x = x + 1j * rng.standard_normal(shape) * scale
    return np.asarray(x).astype(dtype)


def check(array: np.ndarray) -> None:
    ours, theirs = repr(rt.from_numpy(array)), repr(torch.from_numpy(array))
    # The name of the package is longer, so that a suffix may move to a line of its own.
    ours, theirs = (
        " ".join(text.replace("rustorch.", "torch.").rsplit(", dtype=", 1)[0].split(" "))
        for text in (ours, theirs)
    )
    ours, theirs = (text.split(",\n       dtype=")[0] for text in (ours, theirs))
    assert ours == theirs


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_repr(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(shape) + DTYPES.index(dtype))
    for kind in range(6):
        check(values(rng, shape, dtype, kind))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    for lib in (rt, torch):
        lib.set_printoptions(**options)
    shapes = [(), (3,), (12,), (4, 5), (3, 2, 8)]
    for shape, dtype, kind in itertools.product(shapes, ["float32", "int64", "complex64"], range(6)):
        check(values(rng, shape, dtype, kind))


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: lib.ones(2, requires_grad=True),
        lambda lib: lib.ones(2, 3, requires_grad=True) + 1,
        lambda lib: (lib.ones(30, requires_grad=True) * 1.5).exp(),
        lambda lib: lib.tensor([True, False]),
        lambda lib: lib.tensor([1e-5, 1.0]),
        lambda lib: lib.tensor([-0.0, 0.0]),
        lambda lib: lib.tensor(float("nan")),
        lambda lib: lib.tensor([float("inf"), 1.5]),
        lambda lib: lib.tensor([], dtype=lib.int64),
        lambda lib: lib.zeros(0, 3),
        lambda lib: lib.zeros(2, 0, dtype=lib.int32),
        lambda lib: lib.tensor([1.5, 2.25], dtype=lib.bfloat16),
        lambda lib: lib.tensor([123456789.0]),
        lambda lib: lib.tensor(12345.678),
        lambda lib: lib.tensor([1 + 2j, -3.5 - 1e-6j]),
    ],
)
def test_whole_text(make: Any) -> None:
    assert repr(make(rt)).replace("rustorch.", "torch.") == repr(make(torch))


@pytest.mark.parametrize("spec", ["", ".3f", "8.2e", "d"])
def test_format(spec: str) -> None:
    value = 3 if spec == "d" else 3.14159
    assert format(rt.tensor(value), spec) == format(torch.tensor(value), spec)


def test_format_of_several_elements() -> None:
    assert f"{rt.tensor([1.0, 2.0])}" == "tensor([1., 2.])"
    with pytest.raises(TypeError, match="unsupported format string"):
        format(rt.tensor([1.0, 2.0]), ".3f")


def test_options_are_told_and_checked() -> None:
    rt.set_printoptions(precision=7, linewidth=100)
    assert rt.get_printoptions() == {
        "precision": 7, "threshold": 1000, "edgeitems": 3, "linewidth": 100, "sci_mode": None,
    }  # fmt: skip
    with pytest.raises(ValueError, match="unknown profile"):
        rt.set_printoptions(profile="long")


def test_subclass_and_parameter() -> None:
    class Named(rt.Tensor):  # type: ignore[misc]
        pass

    assert repr(Named(rt.ones(1))) == "Named([1.])"
