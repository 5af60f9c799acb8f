"""Texts of tensors. That they are PyTorch's is tested beside it (tests/parity/test_printing.py)."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import rustorch as rt


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    rt.set_printoptions(profile="default")


TEXTS: list[tuple[Any, dict[str, Any], str]] = [
    (rt.arange(2000), {}, "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    (
        rt.arange(4000).reshape(1000, 4),
        {"edgeitems": 1},
        "tensor([[   0,  ...,    3],\n        ...,\n        [3996,  ..., 3999]])",
    ),
    (rt.arange(6), {"threshold": 2, "edgeitems": 0}, "tensor([...], size=(6,))"),
    (
        rt.arange(6).reshape(2, 3),
        {"threshold": 2, "edgeitems": 1},
        "tensor([[0,  ..., 2],\n        [3,  ..., 5]])",
    ),
    (rt.empty(0), {}, "tensor([])"),
    (rt.empty(0, dtype=rt.int64), {}, "tensor([], dtype=rustorch.int64)"),
    (rt.empty(0, 3), {}, "tensor([], size=(0, 3))"),
    (rt.empty(2, 0, dtype=rt.bool), {}, "tensor([], size=(2, 0), dtype=rustorch.bool)"),
    (rt.tensor([1e-5, 1.0]), {}, "tensor([1.0000e-05, 1.0000e+00])"),
    (rt.tensor([1e-5, 1.0]), {"sci_mode": False, "precision": 5}, "tensor([0.00001, 1.00000])"),
    (rt.tensor([2.0, 1.0]), {"sci_mode": True, "precision": 1}, "tensor([2.0e+00, 1.0e+00])"),
    (rt.tensor([float("inf"), -1.0]), {}, "tensor([inf, -1.])"),
    (rt.tensor([1 + 2j, -1.5j]), {}, "tensor([1.+2.0000j, -0.-1.5000j])"),
    (rt.ones(1, requires_grad=True), {}, "tensor([1.], requires_grad=True)"),
    (rt.ones(1, requires_grad=True) * 2, {}, "tensor([2.], grad_fn=<MulBackward0>)"),
    (
        rt.zeros(6, dtype=rt.float64, requires_grad=True),
        {"linewidth": 40},
        "tensor([0., 0., 0., 0., 0., 0.],\n       dtype=rustorch.float64,\n       requires_grad=True)",
    ),
    (rt.arange(4), {"linewidth": 16}, "tensor([0, 1, 2,\n        3])"),
]  # fmt: skip


@pytest.mark.parametrize(("tensor", "options", "text"), TEXTS)
def test_texts(tensor: Any, options: dict[str, Any], text: str) -> None:
    rt.set_printoptions(**options)
    assert repr(tensor) == text


def test_options() -> None:
    rt.set_printoptions(profile="short")
    assert rt.get_printoptions()["precision"] == 2
    with pytest.raises(ValueError, match="unknown profile; got 'long'; try 'default', 'short' or 'full'"):
        rt.set_printoptions(profile="long")


def test_formats_of_one_number_and_of_many() -> None:
    assert f"{rt.tensor(1.5):.3f}" == "1.500" and f"{rt.tensor(7):03d}" == "007"
    assert f"{rt.tensor([1, 2])}" == "tensor([1, 2])"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{rt.tensor([1, 2]):.3f}"


def test_one_complex_number_however_deep() -> None:
    assert complex(rt.tensor([[1 - 2j]])) == 1 - 2j and complex(rt.tensor(3)) == 3
    with pytest.raises(ValueError, match="only one element tensors can be converted"):
        complex(rt.tensor([1j, 2j]))


def test_names_of_layouts() -> None:
    assert repr(rt.channels_last) == str(rt.channels_last) == "rustorch.channels_last"
    for kept in (rt.channels_last, rt.strided):
        assert pickle.loads(pickle.dumps(kept)) is kept
