"""rustorch.cuda on a real GPU: streams, memory, pinned copies, other libraries. Skipped without one."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.utils import data

cuda = rt.cuda
pytestmark = pytest.mark.skipif(not cuda.is_available(), reason="no CUDA device")
two = pytest.mark.skipif(cuda.device_count() < 2, reason="fewer than two CUDA devices")


def busy(n: int = 4096, times: int = 20) -> rt.Tensor:
    """Some milliseconds of work on the current stream."""
    x = rt.ones(n, n, device="cuda")
    for _ in range(times):
        x = x * 1.0 + 0.0
    return x


def test_events_and_times() -> None:
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    assert start.query() and start.cuda_event == 0
    busy()
    start.record()
    busy()
    end.record()
    with pytest.raises((RuntimeError, ValueError)):
        start.elapsed_time(cuda.Event(enable_timing=True))
    end.synchronize()
    assert start.query() and 0 < start.elapsed_time(end) < 10_000
    assert start.cuda_event != 0
    with pytest.raises(ValueError, match="enable_timing"):
        start.elapsed_time(cuda.Event())


def test_streams_order() -> None:
    side = cuda.Stream()
    assert cuda.current_stream() == cuda.default_stream() and cuda.default_stream().cuda_stream == 0
    x = busy() + 1
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        assert cuda.current_stream() == side
        y = x * 2
        for _ in range(20):
            y = y + 1
    assert cuda.current_stream() == cuda.default_stream()
    cuda.current_stream().wait_event(side.record_event())
    z = y * 1
    assert z.min().item() == z.max().item() == 24
    side.synchronize()
    assert side.query()
    least, most = cuda.Stream.priority_range()
    assert least >= 0 >= most
    assert cuda.Stream(priority=-1).priority == -1


def test_memory_used_on_two_streams_is_not_reused_early() -> None:
    """The default stream's tensor is freed while a late kernel of a side stream still reads it."""
    side = cuda.Stream()
    n = 1 << 20
    for value in range(1, 20):
        x = rt.full((n,), float(value), device="cuda")
        side.wait_stream(cuda.current_stream())
        with cuda.stream(side):
            slow = busy(2048, 5)
            y = x + slow[0, 0]
        del x
        z = rt.full((n,), -1.0, device="cuda")  # would land in x's memory
        side.synchronize()
        assert y.min().item() == y.max().item() == value + 1
        assert z.max().item() == -1


def test_pinned_memory() -> None:
    host = rt.arange(1 << 20, dtype=rt.float32).pin_memory()
    assert host.is_pinned() and not rt.zeros(1).is_pinned()
    assert host.pin_memory() is host
    for make in (rt.empty, rt.zeros, rt.ones):
        assert make(3, pin_memory=True).is_pinned()
    assert rt.tensor([1, 2], pin_memory=True).is_pinned()
    with pytest.raises(RuntimeError, match="only dense CPU tensors"):
        rt.zeros(1, device="cuda").pin_memory()
    for _ in range(5):
        x = host.to("cuda", non_blocking=True)
        back = (x + 1).to("cpu", non_blocking=True)
        assert back.is_pinned()
        cuda.synchronize()
        assert back.sum().item() == (host + 1).sum().item()
    # In flight: the block goes to nobody before its copy is done.
    for value in range(20):
        block = rt.full((1 << 20,), float(value)).pin_memory()
        x = block.to("cuda", non_blocking=True)
        del block
        other = rt.full((1 << 20,), -1.0).pin_memory()
        assert x.min().item() == x.max().item() == value
        del other
    # A blocking copy from pinned memory is done on return.
    block = rt.ones(1 << 24).pin_memory()
    x = block.to("cuda")
    block.fill_(2)
    assert x.max().item() == 1
    loader = data.DataLoader(data.TensorDataset(rt.arange(8)), 4, pin_memory=True)
    assert all(batch.is_pinned() for (batch,) in loader)


def test_devices_and_memory() -> None:
    assert cuda.current_device() == 0 and rt.device("cuda") == rt.device("cuda:0")
    props = cuda.get_device_properties()
    assert props.name == cuda.get_device_name(0) and props.total_memory > 1 << 30
    assert (props.major, props.minor) == cuda.get_device_capability()
    assert props.warp_size == 32 and props.multi_processor_count > 0
    free, total = cuda.mem_get_info()
    assert 0 < free <= total
    before = cuda.memory_allocated()
    cuda.reset_peak_memory_stats()
    x = rt.empty(1 << 24, dtype=rt.uint8, device="cuda")
    assert cuda.memory_allocated() == before + (1 << 24)
    del x
    gc.collect()
    assert cuda.memory_allocated() == before < cuda.max_memory_allocated()
    assert cuda.memory_reserved() >= before and cuda.max_memory_reserved() >= cuda.max_memory_allocated()
    cuda.empty_cache()
    assert cuda.memory_reserved() <= cuda.max_memory_reserved()
    assert cuda.memory_stats()["allocated_bytes.all.current"] == cuda.memory_allocated()
    for call in (cuda.set_device, cuda.get_device_name, cuda.synchronize):
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            call(99)
    with pytest.raises(ValueError, match="Expected a cuda device"):
        cuda.synchronize("cpu")


@two
def test_two_devices() -> None:
    x = rt.arange(1 << 20, dtype=rt.float32, device="cuda:0")
    y = (x + 1).to("cuda:1")
    assert y.device == rt.device("cuda:1") and (y * 2).sum().item() == ((x + 1) * 2).sum().item()
    assert rt.equal(y.to("cuda:0"), x + 1)
    with pytest.raises(RuntimeError, match="same device"):
        _ = x + y
    with cuda.device(1):
        assert cuda.current_device() == 1
        assert rt.ones(1, device="cuda").device == rt.device("cuda:1")
    assert cuda.current_device() == 0
    with cuda.device_of(y):
        assert cuda.current_device() == 1
    stream = cuda.Stream(1)
    stream.wait_stream(cuda.current_stream(0))
    with cuda.stream(stream):
        assert cuda.current_device() == 1
        z = (x * 3).to("cuda:1", non_blocking=True) + 1
    stream.synchronize()
    assert rt.equal(z.cpu(), (x * 3 + 1).cpu())


def test_dlpack_with_torch() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    a = torch.arange(6.0, device="cuda").reshape(2, 3).t()
    b = rt.from_dlpack(a)
    assert b.device == rt.device("cuda:0") and b.data_ptr() == a.data_ptr() and b.stride() == a.stride()
    b += 1
    assert a.sum().item() == 21
    for dtype in ("bfloat16", "float16", "int64", "bool", "complex64"):
        c = rt.ones(5, dtype=getattr(rt, dtype), device="cuda")
        d = torch.from_dlpack(c)
        assert d.data_ptr() == c.data_ptr() and str(d.dtype) == f"torch.{dtype}" and bool(d.all())
    assert rt.as_tensor(a).data_ptr() == a.data_ptr()
    assert torch.as_tensor(b, device="cuda").data_ptr() == b.data_ptr()
    # Side streams on both sides: the one waits for the other.
    ours, theirs = cuda.Stream(), torch.cuda.Stream()
    for value in range(10):
        with cuda.stream(ours):
            x = busy(2048, 5) + value
        with torch.cuda.stream(theirs):
            with cuda.stream(ours):
                y = torch.from_dlpack(x)  # asks for the consumer's stream, which is theirs
            z = y * 2
            torch.cuda._sleep(1_000_000)
            w = y + 0
            del y, x
        with cuda.stream(ours):
            _ = rt.full((2048, 2048), -5.0, device="cuda")
        theirs.synchronize()
        assert z.max().item() == 2 * (value + 1) and w.min().item() == w.max().item() == value + 1
    with torch.cuda.stream(theirs):
        big = torch.ones(1 << 20, device="cuda")
        torch.cuda._sleep(1_000_000)
        big.add_(1)
        with cuda.stream(ours):
            mine = rt.from_dlpack(big) * 3
        del big
    ours.synchronize()
    assert mine.min().item() == 6


def test_dlpack_streams() -> None:
    x = rt.ones(4, device="cuda")
    assert x.__dlpack_device__() == (2, 0)
    for stream in (None, -1, 1, 2, cuda.Stream().cuda_stream):
        back = rt.from_dlpack(x.__dlpack__(stream=stream, max_version=(1, 0)))
        assert back.data_ptr() == x.data_ptr()
        del back
    for stream in (0, -2):
        with pytest.raises(BufferError, match="unsupported stream"):
            x.__dlpack__(stream=stream)
    with pytest.raises(TypeError, match="stream must be an int"):
        x.__dlpack__(stream="1")


class OnlyInterface:
    """What has `__cuda_array_interface__` and nothing else."""

    def __init__(self, array: Any, **changed: Any) -> None:
        self.array = array
        self.__cuda_array_interface__ = {**array.__cuda_array_interface__, **changed}


def test_cuda_array_interface() -> None:
    x = rt.arange(6, dtype=rt.int32, device="cuda").reshape(2, 3)
    given = x.__cuda_array_interface__
    assert given == {
        "typestr": "<i4", "shape": (2, 3), "strides": None, "data": (x.data_ptr(), False), "stream": 1,
        "version": 3,
    }  # fmt: skip
    assert x.t().__cuda_array_interface__["strides"] == (4, 12)
    y = rt.as_tensor(OnlyInterface(x.t()))
    assert y.data_ptr() == x.data_ptr() and y.tolist() == [[0, 3], [1, 4], [2, 5]]
    z = rt.tensor(OnlyInterface(x))
    assert z.data_ptr() != x.data_ptr() and z.tolist() == x.tolist()
    side = cuda.Stream()
    with cuda.stream(side):
        assert x.__cuda_array_interface__["stream"] == side.cuda_stream
        assert rt.as_tensor(OnlyInterface(x, stream=1)).sum().item() == 15
        assert rt.as_tensor(OnlyInterface(x, stream=None)).sum().item() == 15
    with pytest.raises(ValueError, match="ambiguous"):
        rt.as_tensor(OnlyInterface(x, stream=0))
    read_only = rt.as_tensor(OnlyInterface(x, data=(x.data_ptr(), True)))
    with pytest.raises(RuntimeError, match="read-only"):
        read_only += 1
    with pytest.raises(RuntimeError, match="requires grad"):
        _ = rt.ones(1, device="cuda", requires_grad=True).__cuda_array_interface__
    assert rt.as_tensor(OnlyInterface(rt.empty(0, device="cuda"))).shape == (0,)


def test_an_imported_array_lives_as_long_as_our_work_on_it() -> None:
    alive = []

    class Told(OnlyInterface):
        def __del__(self) -> None:
            alive.append(side.query())

    side = cuda.Stream()
    source = rt.ones(1 << 20, device="cuda")
    cuda.synchronize()
    with cuda.stream(side):
        x = rt.as_tensor(Told(source))
        slow = busy()
        y = x + slow[0, 0]
        del x
        gc.collect()
    while not alive:
        side.query()
        _ = rt.empty(1, device="cuda")  # an allocation looks after what has become free
    assert alive == [True] and y.max().item() == 2


def test_with_cupy() -> None:
    cupy = pytest.importorskip("cupy")
    a = cupy.arange(6, dtype=cupy.float32).reshape(2, 3)
    for take in (rt.from_dlpack, rt.as_tensor, lambda o: rt.as_tensor(OnlyInterface(o))):
        b = take(a)
        assert b.data_ptr() == a.data.ptr and b.tolist() == a.tolist()
    x = rt.arange(6, dtype=rt.float32, device="cuda").reshape(2, 3).t()
    for c in (cupy.from_dlpack(x), cupy.asarray(x)):
        assert c.data.ptr == x.data_ptr()
        np.testing.assert_array_equal(cupy.asnumpy(c), x.cpu().numpy())
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        d = cupy.asarray(busy(2048, 10)) * 2
    stream.synchronize()
    assert float(d.max()) == 2
    external = cuda.ExternalStream(stream.ptr)
    with cuda.stream(external):
        y = rt.ones(3, device="cuda") + 1
    stream.synchronize()
    assert y.tolist() == [2, 2, 2]
