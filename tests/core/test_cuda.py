"""rustorch.cuda and device memory, on any machine: what they ask of the extension's two doubled devices.

On a real GPU: tests/gpu/test_cuda_runtime.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import _config, _device_memory, _tensor_methods, cuda

from .cuda_double import CudaDouble, stand_in

FIRST, SECOND = rt.device("cuda:0"), rt.device("cuda:1")


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> CudaDouble:
    return stand_in(monkeypatch)


# ---- Devices ----


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        (None, "Second"), ("cuda", "Second"), (0, "First"), (1, "Second"),
        ("cuda:0", "First"), ("cuda:1", "Second"), (FIRST, "First"), (SECOND, "Second"),
    ],
)  # fmt: skip
def test_what_stands_for_a_device(double: CudaDouble, argument: Any, name: str) -> None:
    cuda.set_device(1)
    assert cuda.get_device_name(argument) == name
    assert cuda.get_device_properties(argument).total_memory == {"First": 1 << 34, "Second": 1 << 35}[name]
    assert cuda.get_device_capability(argument) == {"First": (9, 0), "Second": (8, 6)}[name]


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        (2, RuntimeError, r"cuda\.synchronize: invalid device ordinal; got cuda:2"),
        ("cuda:7", RuntimeError, "invalid device ordinal; got cuda:7"),
        ("cpu", ValueError, "Expected a cuda device, but got: cpu"),
        (rt.device("cpu"), ValueError, "Expected a cuda device, but got: cpu"),
    ],
)
def test_no_such_device(double: CudaDouble, argument: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cuda.synchronize(argument)


def test_the_current_device(double: CudaDouble) -> None:
    assert (cuda.device_count(), cuda.is_available(), cuda.current_device()) == (2, True, 0)
    for argument, current in [("cuda:1", 1), (-1, 1), (0, 0), (SECOND, 1), ("cuda", 1)]:
        cuda.set_device(argument)
        assert cuda.current_device() == current


@pytest.mark.parametrize(
    ("context", "within"),
    [
        (lambda: cuda.device(1), 1),
        (lambda: cuda.device("cuda:1"), 1),
        (lambda: cuda.device(0), 0),
        (lambda: cuda.device(None), 0),
        (lambda: cuda.device(-1), 0),
        (lambda: cuda.device_of(SimpleNamespace(device=SECOND)), 1),
        (lambda: cuda.device_of(rt.zeros(1)), 0),
    ],
)
def test_a_device_within_a_block(double: CudaDouble, context: Any, within: int) -> None:
    with pytest.raises(KeyError), context():
        assert cuda.current_device() == within
        with cuda.device(1 - within):
            assert cuda.current_device() == 1 - within
        assert cuda.current_device() == within
        raise KeyError
    assert cuda.current_device() == 0


def test_properties(double: CudaDouble) -> None:
    found = cuda.get_device_properties(1)
    assert repr(found) == (
        "_CudaDeviceProperties(name='Second', total_memory=34359738368, major=8, minor=6, warp_size=32)"
    )
    with pytest.raises(AttributeError, match="CUDA devices have no property 'color'"):
        found.color


def test_every_device_has_a_generator(double: CudaDouble) -> None:
    def states() -> list[list[int]]:
        return [t.tolist() for t in cuda.get_rng_state_all()]

    rt.manual_seed(5)
    seeded, cpu = states(), rt.get_rng_state()
    assert seeded[0] == seeded[1] and cuda.initial_seed() == 5
    with cuda.device(1):
        cuda.manual_seed(6)
        assert cuda.initial_seed() == 6
    assert states()[0] == seeded[0] != states()[1]
    cuda.manual_seed_all(6)
    assert states()[0] == states()[1] == cuda.get_rng_state("cuda:1").tolist()
    assert rt.equal(rt.get_rng_state(), cpu)  # the CPU's is its own
    kept = cuda.get_rng_state_all()
    cuda.seed_all()
    assert states()[0] == states()[1] != kept[0].tolist()
    cuda.seed()
    assert states()[0] != states()[1]
    cuda.set_rng_state_all(kept)
    cuda.set_rng_state(seeded_state := rt.tensor(seeded[0], dtype=rt.uint8), 1)
    assert states() == [kept[0].tolist(), seeded_state.tolist()]
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        cuda.get_rng_state(2)


def test_seeds_without_a_device() -> None:
    if cuda.is_available():
        pytest.skip("there is a device")
    before = rt.get_rng_state()
    cuda.manual_seed(1), cuda.manual_seed_all(1), cuda.seed(), cuda.seed_all()
    assert cuda.get_rng_state_all() == [] and rt.equal(rt.get_rng_state(), before)
    for call in (cuda.get_rng_state, cuda.initial_seed):
        with pytest.raises(RuntimeError, match="no CUDA device is available"):
            call()


# ---- Streams and events ----


@pytest.mark.parametrize(("asked", "given"), [(0, 0), (-1, -1), (-5, -5), (-9, -5), (3, 0)])
def test_priorities_are_those_of_the_device(double: CudaDouble, asked: int, given: int) -> None:
    assert cuda.Stream.priority_range() == (0, -5)
    stream = cuda.Stream(priority=asked)
    assert double.priorities == {stream.cuda_stream: given} and stream.priority == asked


def test_a_stream_and_its_device(double: CudaDouble) -> None:
    stream = cuda.Stream(1)
    assert (stream.device, stream.stream_id, stream.cuda_stream) == (SECOND, 0x100, 0x100)
    assert repr(stream) == "<rustorch.cuda.Stream device=cuda:1 cuda_stream=0x100>"
    assert stream == cuda.ExternalStream(0x100, "cuda:1") and hash(stream) == hash(
        cuda.ExternalStream(0x100, "cuda:1")
    )
    assert stream != cuda.ExternalStream(0x100, 0) and stream != 0x100
    assert cuda.default_stream(1).cuda_stream == 0
    for context in (cuda.stream(stream), stream):
        with context:
            assert cuda.current_device() == 1
            assert cuda.current_stream() == cuda.current_stream(SECOND) == stream
            assert cuda.current_stream(0) == cuda.default_stream(0)
            with cuda.stream(None), cuda.stream(cuda.default_stream(1)):
                assert cuda.current_stream() == cuda.default_stream()
            assert cuda.current_stream() == stream
        assert cuda.current_device() == 0 and cuda.current_stream(1) == cuda.default_stream(1)
    cuda.set_stream(stream)
    assert cuda.current_device() == 1 and cuda.current_stream() == stream
    cuda.set_stream(None)
    assert cuda.current_stream() == stream
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        cuda.Stream("cpu")


def test_streams_are_handed_out_in_turn(double: CudaDouble) -> None:
    first = [cuda.Stream().cuda_stream for _ in range(32)]
    assert [cuda.Stream().cuda_stream for _ in range(64)] == first + first and len(set(first)) == 32
    assert cuda.Stream(1).cuda_stream not in first
    assert cuda.Stream(priority=-1).cuda_stream not in first


def test_events_order_streams(double: CudaDouble) -> None:
    side = cuda.Stream()
    double.work("a")
    double.work("b", side.cuda_stream)
    side.wait_stream(cuda.current_stream())
    double.work("c", side.cuda_stream)
    cuda.current_stream().wait_event(side.record_event())
    double.work("d")
    assert not side.query()
    side.synchronize()
    assert side.query() and double.ran == ["b", "a", "c"]
    cuda.synchronize()
    assert double.ran == ["b", "a", "c", "d"]


def test_without_events_streams_run_as_they_like(double: CudaDouble) -> None:
    double.work("first")
    double.work("second", cuda.Stream().cuda_stream)
    assert double.run() == ["second", "first"]


def test_events_and_times(double: CudaDouble) -> None:
    start, end = (cuda.Event(enable_timing=True) for _ in range(2))
    assert start.cuda_event == 0 and start.query() and start.device is None
    start.wait()
    start.synchronize()
    assert double.queues == {}  # nothing was recorded
    with pytest.raises(ValueError, match="must be recorded"):
        start.elapsed_time(end)
    cuda.set_device(1)
    start.record()
    double.work("a", device=1, milliseconds=2.5)
    end.record()
    assert (start.device, start.cuda_event) == (SECOND, 0xE1)
    assert repr(end) == "<rustorch.Event device=cuda:1 event=0xe1>"
    with pytest.raises(RuntimeError, match=r"must be completed.*; try end.synchronize\(\)"):
        start.elapsed_time(end)
    end.synchronize()
    assert start.elapsed_time(end) == 2.5
    with pytest.raises(RuntimeError, match="the event is of cuda:1; got a stream of cuda:0"):
        end.record(cuda.default_stream(0))
    other = cuda.Event(enable_timing=True)
    other.record(cuda.default_stream(0))
    with pytest.raises(RuntimeError, match="the events are of two devices; got cuda:0"):
        start.elapsed_time(other)


# ---- Memory ----


def test_memory(double: CudaDouble) -> None:
    assert cuda.memory_stats(1) == {
        "allocated": 301, "peak_allocated": 701, "cached": 51, "allocations": 10, "cache_hits": 5,
        "allocated_bytes.all.current": 301, "allocated_bytes.all.peak": 701,
        "reserved_bytes.all.current": 352, "reserved_bytes.all.peak": 901, "allocation.all.allocated": 10,
    }  # fmt: skip
    assert (cuda.memory_allocated(), cuda.max_memory_allocated()) == (300, 700)
    assert (cuda.memory_reserved(), cuda.max_memory_reserved("cuda:1")) == (350, 901)
    assert cuda.mem_get_info(1) == (1 << 33, 1 << 35)
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == 300
    cuda.set_memory_limit(1 << 20, 1)
    cuda.empty_cache()
    assert double.calls == [
        ("_set_memory_limit", SECOND, 1 << 20),
        ("_empty_cache", FIRST),
        ("_empty_cache", SECOND),
    ]


def test_pinned_memory(double: CudaDouble) -> None:
    x = rt.arange(6.0).reshape(2, 3).t()
    y = x.pin_memory()
    assert y.is_pinned() and y.is_pinned("cuda") and not x.is_pinned()
    assert y.tolist() == x.tolist() and y.stride() == x.stride()
    assert y.pin_memory() is y
    with pytest.raises(RuntimeError, match="only dense CPU tensors can be pinned; got a tensor on cuda:1"):
        _device_memory.pin_memory(SimpleNamespace(device=SECOND))


def test_record_stream(double: CudaDouble) -> None:
    there = SimpleNamespace(device=SECOND)
    stream = cuda.Stream(1)
    _device_memory.record_stream(there, stream)
    assert double.calls == [("_record_stream", there, stream.cuda_stream)]
    with pytest.raises(RuntimeError, match="the tensor is on cuda:1; got a stream of cuda:0"):
        _device_memory.record_stream(there, cuda.Stream(0))


# ---- Other libraries ----

SIDE = 0x50  # a consumer's or a producer's own stream


@pytest.mark.parametrize(
    ("stream", "queue", "waits", "kept"),
    [
        # The numbers are those of the array API's standard: None and 1 are the default stream, 2 is the
        # thread's, and -1 says that the consumer needs no order.
        (None, 0, True, "_record_stream"),
        (1, 0, True, "_record_stream"),
        (2, 2, True, "_note_shown"),
        (SIDE, SIDE, True, "_note_shown"),
        (-1, SIDE, False, "_note_shown"),
    ],
)
def test_dlpack_to_a_stream(
    double: CudaDouble,
    monkeypatch: pytest.MonkeyPatch,
    stream: int | None,
    queue: int,
    waits: bool,
    kept: str,
) -> None:
    given = []
    monkeypatch.setattr(double, "_to_dlpack", lambda *arguments: given.append(arguments), raising=False)
    tensor = SimpleNamespace(device=FIRST, requires_grad=False)
    producer = cuda.ExternalStream(0x40)
    with cuda.stream(producer):
        double.work("produce", producer.cuda_stream)
        _tensor_methods.__dlpack__(tensor, stream=stream, max_version=(1, 0))
        double.work("consume", queue)
    # Where nothing orders them, the younger stream comes first.
    in_order = waits or queue < producer.cuda_stream
    assert double.run() == (["produce", "consume"] if in_order else ["consume", "produce"])
    assert [call[:2] for call in double.calls] == [(kept, tensor)]
    assert given == [(tensor, True, False)]


def test_dlpack_within_a_stream(double: CudaDouble) -> None:
    with cuda.stream(cuda.ExternalStream(SIDE)):
        _device_memory.export_to_stream(SimpleNamespace(device=FIRST), SIDE)
    assert double.queues == {} and double.calls == []


@pytest.mark.parametrize("stream", [0, -2])
def test_dlpack_to_no_stream(double: CudaDouble, stream: int) -> None:
    with pytest.raises(BufferError, match=f"unsupported stream on CUDA: {stream}; try 1"):
        _device_memory.export_to_stream(SimpleNamespace(device=FIRST), stream)


class Elsewhere:
    """A tensor that says it is on the second device; the rest is true."""

    def __init__(self, tensor: rt.Tensor) -> None:
        self.tensor, self.device = tensor, SECOND

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tensor, name)


def shown(tensor: rt.Tensor) -> dict[str, Any]:
    return rt.Tensor.__cuda_array_interface__.fget(Elsewhere(tensor))


@pytest.mark.parametrize(
    "dtype",
    [
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
    ],
)
def test_an_array_is_shown_as_numpy_shows_it(double: CudaDouble, dtype: str) -> None:
    for x in (rt.zeros(2, 3, dtype=getattr(rt, dtype)), rt.zeros(4, 3, dtype=getattr(rt, dtype)).t()[1:]):
        want = x.numpy().__array_interface__
        assert shown(x) == {
            "typestr": want["typestr"], "shape": want["shape"], "strides": want["strides"],
            "data": (x.data_ptr(), False), "stream": 1, "version": 3,
        }  # fmt: skip
    assert [call[0] for call in double.calls] == ["_note_shown", "_keep_in_place"] * 2


def test_an_array_says_its_stream_or_why_not(double: CudaDouble) -> None:
    with cuda.stream(cuda.ExternalStream(SIDE, 1)):
        assert shown(rt.zeros(2))["stream"] == SIDE
    assert shown(rt.zeros(2, dtype=rt.bfloat16))["typestr"] == "<V2"
    with pytest.raises(RuntimeError, match=r"requires grad; try tensor.detach\(\)"):
        shown(rt.zeros(2, requires_grad=True))
    assert not hasattr(rt.zeros(2), "__cuda_array_interface__")


class Foreign:
    """Another library's array: its memory is NumPy's, and the first device owns it."""

    def __init__(self, double: CudaDouble, array: np.ndarray, **changed: Any) -> None:
        given = array.__array_interface__
        self.array = array
        self.__cuda_array_interface__ = {
            **{name: given[name] for name in ("typestr", "shape", "strides", "data")}, "version": 3, **changed
        }  # fmt: skip
        double.owners[given["data"][0]] = 1


GRID = np.arange(12, dtype=np.int16).reshape(3, 4)
READ_ONLY = np.arange(3.0)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    "array",
    [GRID, GRID.T, GRID[::2, 1:], np.array(2.5), np.array([1j], np.complex64), READ_ONLY],
    ids=["contiguous", "transposed", "strided", "scalar", "complex", "read-only"],
)
def test_a_foreign_array(double: CudaDouble, array: np.ndarray) -> None:
    obj = Foreign(double, array)
    for take in (rt.as_tensor, rt.asarray, rt.tensor):
        np.testing.assert_array_equal(take(obj).numpy(), array, strict=True)
    assert double.calls == [("_wrap_device_memory", obj, SECOND, not array.flags.writeable)] * 3


def test_a_foreign_array_without_elements(double: CudaDouble) -> None:
    x = rt.as_tensor(Foreign(double, np.empty((0, 3), np.int64), data=(0, False)))
    assert x.shape == (0, 3) and x.dtype == rt.int64
    assert double.calls[0][2] == FIRST  # no memory, so the current device


@pytest.mark.parametrize(
    ("stream", "queue", "waits"), [(None, 0, False), (1, 0, True), (2, 2, True), (SIDE, SIDE, True)]
)
def test_a_foreign_array_and_its_stream(
    double: CudaDouble, stream: int | None, queue: int, waits: bool
) -> None:
    obj = Foreign(double, GRID, stream=stream)
    consumer = cuda.ExternalStream(0x60, 1)
    double.work("produce", queue, device=1)
    with cuda.stream(consumer):
        rt.as_tensor(obj)
        double.work("consume", consumer.cuda_stream, device=1)
    assert double.run() == (["produce", "consume"] if waits else ["consume", "produce"])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"stream": 0}, ValueError, "stream 0 is ambiguous"),
        ({"data": (64, False)}, RuntimeError, "not that of a CUDA device"),
        ({"strides": (8, 3)}, ValueError, r"multiples of the element size; got \(8, 3\); try a copy"),
        ({"typestr": ">i2"}, TypeError, "no tensor dtype for this array; got typestr '>i2'"),
        ({"mask": GRID}, RuntimeError, "masked arrays are not supported"),
    ],
)
def test_a_foreign_array_that_is_refused(
    double: CudaDouble, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rt.as_tensor(Foreign(double, GRID, **changed))


@pytest.mark.parametrize(("current", "stream"), [(None, 1), (SIDE, SIDE)])
def test_an_exporter_is_told_the_consumers_stream(
    double: CudaDouble, current: int | None, stream: int
) -> None:
    asked = []

    class Exporter:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 1

        def __dlpack__(self, **options: Any) -> Any:
            asked.append(options)
            return rt.arange(3).__dlpack__(max_version=(1, 0))

    with cuda.stream(None if current is None else cuda.ExternalStream(current, 1)):
        assert rt.from_dlpack(Exporter()).tolist() == [0, 1, 2]
    assert asked == [{"max_version": (1, 0), "stream": stream}]


def test_the_configuration_names_the_libraries(double: CudaDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"version": 91501, "path": "/lib/x", "calls": 0, "refusals": []}
    reports = [
        {"name": "cublasLt", "why_not": "no libcublasLt.so", **said, "version": 0},
        {"name": "cudnn", "why_not": "", **said},
    ]
    monkeypatch.setattr(double, "_library_reports", lambda device: reports, raising=False)
    assert _config.config()["cuda libraries"] == "cublasLt: no libcublasLt.so; cudnn 9.15.1"
