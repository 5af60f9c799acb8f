"""Streams, events and pinned memory of the emulator, whose queue runs when somebody waits for it."""

from __future__ import annotations

import gc
import threading

import pytest

import rustorch as rt
from rustorch.utils import data
from rustorch.utils.data._utils.pin_memory import pin_memory

DEVICES = ["emulator", "emulator:1"]


@pytest.mark.parametrize("device", DEVICES)
def test_streams(device: str) -> None:
    side = rt.Stream(device)
    with side as entered:
        assert entered is side
        x = rt.arange(6.0, device=device) * 2
    assert not side.query() and side.query()  # asking lets time pass
    assert x.cpu().tolist() == [0, 2, 4, 6, 8, 10]
    assert side == side and side != rt.Stream(device) and hash(side) == hash(side)
    assert device in repr(side)
    y = rt.ones(3, device=device) + 1
    side.wait_stream(rt.Stream(device))
    side.synchronize()
    assert y.tolist() == [2, 2, 2]


def test_streams_are_handed_out_in_turn() -> None:
    device = "emulator"
    ids = [rt.Stream(device).stream_id for _ in range(70)]
    assert len(set(ids)) == 32 and 0 not in ids


def test_a_stream_is_current_in_its_thread_only() -> None:
    seen = []
    with rt.Stream("emulator:1"):
        assert rt.device("emulator") == rt.device("emulator:1")
        thread = threading.Thread(target=lambda: seen.append(rt.device("emulator")))
        thread.start()
        thread.join()
    assert seen == [rt.device("emulator:0")] and rt.device("emulator") == rt.device("emulator:0")


@pytest.mark.parametrize("device", DEVICES)
def test_events(device: str) -> None:
    start, end = (rt.Event(device, enable_timing=True) for _ in range(2))
    assert start.query()  # never recorded
    start.synchronize()
    start.wait()
    with pytest.raises(ValueError, match="must be recorded"):
        start.elapsed_time(end)
    start.record()
    x = rt.ones(1000, device=device).sum()
    end.record(rt.Stream(device))
    assert not end.query()
    end.synchronize()
    assert start.query() and start.elapsed_time(end) >= 0 >= end.elapsed_time(start)
    assert x.item() == 1000
    with pytest.raises(ValueError, match="enable_timing"):
        start.elapsed_time(rt.Event(device))
    end.record()
    with pytest.raises(RuntimeError, match="must be completed"):
        start.elapsed_time(end)


def test_events_of_other_devices() -> None:
    event = rt.Event("emulator")
    with pytest.raises(RuntimeError, match="of emulator"):
        event.record(rt.Stream("emulator:1"))
    event.record()
    rt.Stream("emulator:1").wait_event(event)  # waits for it
    assert event.query()
    with pytest.raises(RuntimeError, match="not supported"):
        rt.Event("emulator", interprocess=True)
    for make in (rt.Stream, lambda d: rt.Event(d).record()):
        with pytest.raises(ValueError, match="no streams"):
            make("cpu")


@pytest.mark.parametrize("device", DEVICES)
def test_memory_goes_on_within_its_stream(device: str) -> None:
    """A block that one stream gave back is not handed to another; one that both used waits for both."""
    side = rt.Stream(device)
    n = 12345

    def address(stream: rt.Stream | None) -> int:
        if stream is None:
            return rt.empty(n, device=device).data_ptr()
        with stream:
            return rt.empty(n, device=device).data_ptr()

    rt._C._empty_cache(device)
    rt._C._synchronize(device)
    first, second = address(None), address(side)
    assert first != second
    assert address(None) == first and address(side) == second
    x = rt.ones(n, device=device)
    assert x.data_ptr() == first
    with side:
        y = x * 2
    del x
    gc.collect()
    assert address(None) != first  # the product is still to come
    side.synchronize()
    assert y[0].item() == 2
    assert first in [address(None), rt.empty(n, device=device).data_ptr(), address(None)]


def test_record_stream() -> None:
    device, n = "emulator", 54321
    rt._C._synchronize(device)
    side = rt.Stream(device)
    x = rt.ones(n, device=device)
    first = x.data_ptr()
    x.record_stream(side)
    del x
    assert rt.empty(n, device=device).data_ptr() != first
    with pytest.raises(RuntimeError, match="a stream of emulator:1"):
        rt.ones(1, device=device).record_stream(rt.Stream("emulator:1"))


@pytest.mark.parametrize("device", DEVICES)
def test_pinned_copies_are_queued(device: str) -> None:
    host = rt.arange(5.0).pin_memory(device)
    assert host.is_pinned(device) and host.tolist() == [0, 1, 2, 3, 4]
    assert host.pin_memory(device) is host
    assert host[1:].is_pinned(device) and not host.clone().is_pinned(device)
    x = host.to(device, non_blocking=True)
    host[0] = 7  # before the copy: the host did not wait, so it must
    rt._C._synchronize(device)
    assert x.cpu().tolist() == [7, 1, 2, 3, 4]
    back = x.to("cpu", non_blocking=True)
    assert back.is_pinned(device)
    rt._C._synchronize(device)
    assert back.tolist() == [7, 1, 2, 3, 4]
    x += 1
    host.copy_(x, non_blocking=True)
    assert host.tolist() == [7, 1, 2, 3, 4]
    rt._C._synchronize(device)
    assert host.tolist() == [8, 2, 3, 4, 5]


def test_what_is_not_pinned_or_is_converted_is_waited_for() -> None:
    device = "emulator"
    plain = rt.arange(5.0)
    x = plain.to(device, non_blocking=True)
    plain[0] = 9
    assert x.cpu().tolist() == [0, 1, 2, 3, 4]
    assert x.to("cpu", rt.int32, non_blocking=True).tolist() == [0, 1, 2, 3, 4]
    target = rt.zeros(5)
    assert target.copy_(x * 2, non_blocking=True).tolist() == [0, 2, 4, 6, 8]
    pinned = rt.zeros(2, 3).pin_memory(device)
    pinned.t().copy_(rt.arange(6, device=device).reshape(3, 2).float(), non_blocking=True)
    assert pinned.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_pinned_memory_in_flight_is_not_reused() -> None:
    device, n = "emulator", 7777
    host = rt.ones(n).pin_memory(device)
    first = host.data_ptr()
    x = host.to(device, non_blocking=True)
    del host
    other = rt.zeros(n).pin_memory(device)
    assert other.data_ptr() != first
    rt._C._synchronize(device)
    assert x.sum().item() == n
    assert rt.zeros(n).pin_memory(device).data_ptr() == first  # done, so it is free


def test_pinning_keeps_strides_and_gradients() -> None:
    x = rt.rand(2, 3, requires_grad=True)
    y = x.t().pin_memory("emulator")
    assert y.stride() == (1, 3) and y.tolist() == x.t().tolist()
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [[1] * 3] * 2


def test_batches_are_pinned() -> None:
    d = data.TensorDataset(rt.arange(4.0), rt.arange(4))
    loader = data.DataLoader(d, 2, pin_memory=True, pin_memory_device="emulator")
    batches = list(loader)
    assert [[t.tolist() for t in batch] for batch in batches] == [
        [[0, 1], [0, 1]],
        [[2, 3], [2, 3]],
    ]
    assert all(t.is_pinned("emulator") for batch in batches for t in batch)
    nested = pin_memory({"x": (rt.ones(1), "name"), "n": range(2)}, "emulator")
    assert nested["x"][0].is_pinned("emulator") and nested["x"][1] == "name" and nested["n"] == [0, 1]


@pytest.mark.skipif(rt.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu() -> None:
    cuda = rt.cuda
    for call in (
        lambda: rt.empty(3, pin_memory=True),
        lambda: rt.tensor([1], pin_memory=True),
        lambda: rt.zeros(3).pin_memory(),
        cuda.Stream,
        cuda.current_stream,
        cuda.default_stream,
        cuda.current_device,
        cuda.synchronize,
        cuda.mem_get_info,
        cuda.memory_stats,
        cuda.get_device_name,
        lambda: cuda.set_device(0),
        lambda: cuda.device(0),
        lambda: cuda.Event().record(),
    ):
        with pytest.raises(RuntimeError, match="available"):
            call()
    assert cuda.memory_allocated() == cuda.max_memory_reserved() == 0
    assert not rt.zeros(2).is_pinned()
    with pytest.raises(AttributeError, match="only CUDA tensors"):
        _ = rt.zeros(2).__cuda_array_interface__
    with cuda.stream(None), cuda.device(None), cuda.device_of(rt.zeros(1)):
        cuda.set_stream(None)
    with pytest.warns(UserWarning, match="no accelerator is found"):
        assert len(list(data.DataLoader(data.TensorDataset(rt.arange(3)), pin_memory=True))) == 3


class Array:
    """An object that says of its memory what it is told to."""

    def __init__(self, **interface: object) -> None:
        self.__cuda_array_interface__ = {
            "typestr": "<f4", "shape": (2,), "data": (256, False), "version": 3, **interface
        }  # fmt: skip


@pytest.mark.skipif(rt.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("interface", "error", "message"),
    [
        ({}, RuntimeError, "none is available"),
        ({"typestr": ">f4"}, TypeError, "typestr '>f4'"),
        ({"mask": object()}, RuntimeError, "masked"),
        ({"strides": (3,)}, ValueError, "multiples of the element size"),
    ],
)
def test_foreign_arrays(interface: dict[str, object], error: type[Exception], message: str) -> None:
    for take in (rt.as_tensor, rt.asarray, rt.tensor):
        with pytest.raises(error, match=message):
            take(Array(**interface))
