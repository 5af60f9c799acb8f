"""What other libraries' objects may be, and what tensors on other devices hand out."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import rustorch as rt


class Exporter:
    """Hands out its array by DLPack, and notes what it was asked."""

    def __init__(self, array: np.ndarray, device: tuple[int, int] | None = (1, 0), old: bool = False) -> None:
        self.array, self.old = array, old
        self.asked: list[dict[str, Any]] = []
        if device is not None:
            self.__dlpack_device__ = lambda: device

    def __dlpack__(self, **options: Any) -> Any:
        if self.old and options:
            raise TypeError("unexpected keyword argument")
        self.asked.append(options)
        return self.array.__dlpack__()


def shares(tensor: rt.Tensor, exporter: Exporter) -> bool:
    return np.shares_memory(tensor.numpy(), exporter.array)


@pytest.mark.parametrize(
    ("device", "asked"),
    [
        (None, {"max_version": (1, 0)}),
        ((1, 0), {"max_version": (1, 0)}),
        ((3, 0), {"max_version": (1, 0)}),  # pinned memory of the host
        ((8, 0), {"max_version": (1, 0), "stream": None}),  # a device of another kind
    ],
)
def test_what_exporters_are_asked(device: tuple[int, int] | None, asked: dict[str, Any]) -> None:
    exporter = Exporter(np.arange(3.0), device)
    assert shares(rt.from_dlpack(exporter), exporter)
    rt.from_dlpack(exporter, copy=False)
    assert exporter.asked == [asked, {**asked, "copy": False}]


@pytest.mark.parametrize(("copied", "shared"), [(None, True), (False, True), (True, False)])
def test_exporters_from_before_version_1(copied: bool | None, shared: bool) -> None:
    """They know no arguments, so that the copy is ours."""
    exporter = Exporter(np.arange(3.0), old=True)
    tensor = rt.from_dlpack(exporter, copy=copied)
    assert exporter.asked == [{}] and tensor.tolist() == [0, 1, 2] and shares(tensor, exporter) == shared


def test_exporters_are_arrays_too() -> None:
    exporter = Exporter(np.arange(3.0))
    tensor = rt.asarray(exporter)
    assert shares(tensor, exporter) and not tensor.requires_grad
    again = rt.asarray(exporter, requires_grad=True)
    assert shares(again.detach(), exporter) and again.requires_grad and again.is_leaf


@pytest.mark.emulator
def test_to_another_device() -> None:
    exporter = Exporter(np.arange(3.0))
    moved = rt.from_dlpack(exporter, device="emulator")
    assert moved.device == rt.device("emulator") and moved.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="the data is on cpu; got device=emulator and copy=False"):
        rt.from_dlpack(exporter, device="emulator", copy=False)


@pytest.mark.emulator
def test_tensors_of_another_device_hand_out_what_the_host_sees() -> None:
    there = rt.arange(3.0, device="emulator") + 1
    assert np.from_dlpack(there).tolist() == [1, 2, 3]
    host = rt.from_dlpack(there.__dlpack__(dl_device=(1, 0), max_version=(1, 0)))
    assert host.device == rt.device("cpu") and host.tolist() == [1, 2, 3]
    with pytest.raises(BufferError, match=r"than the host; got dl_device=\(8, 0\)"):
        rt.ones(1).__dlpack__(dl_device=(8, 0))
    with pytest.raises(TypeError, match=r"emulator device type tensor to numpy.*; try \.cpu\(\)"):
        there.numpy()
    for write in (lambda: there.apply_(abs), lambda: rt.ones(3).map_(there, max)):
        with pytest.raises(
            TypeError, match=r"only implemented on CPU tensors; got emulator; try Tensor\.cpu"
        ):
            write()


class Labelled(rt.Tensor):
    """A tensor with a name."""

    label: str


def labelled() -> Labelled:
    x = Labelled(rt.arange(4.0).reshape(2, 2).t())
    x.requires_grad = True
    x.label = "weights"
    return x


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_subclasses_keep_class_attributes_and_layout(again: Any) -> None:
    x = labelled()
    y = again(x)
    assert type(y) is Labelled and y.label == "weights" and y.requires_grad
    assert y.tolist() == x.tolist() and y.stride() == x.stride() and y.data_ptr() != x.data_ptr()


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_tensors_without_elements_are_pickled(protocol: int) -> None:
    x = pickle.loads(pickle.dumps(rt.empty(2, 0, dtype=rt.int16), protocol))
    assert x.shape == (2, 0) and x.dtype == rt.int16


def test_views_know_that_they_are() -> None:
    x = rt.zeros(2, 2)
    assert x[0]._is_view() and x.t()._is_view() and not x._is_view() and not (x + 1)._is_view()


def test_storages_are_told_apart() -> None:
    x = rt.zeros(2, 2)
    one, same, other = x.untyped_storage(), x[1].untyped_storage(), rt.zeros(4).untyped_storage()
    assert one._cdata == same._cdata != other._cdata
