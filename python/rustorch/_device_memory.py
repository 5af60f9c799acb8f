"""Tensors' memory beyond the CPU's own: pinned for copies, used on several streams, shared on a GPU.

Memory of a GPU is shared through DLPack (`_tensor_api`, `_tensor_methods`) and the CUDA array interface.
"""

from __future__ import annotations

import math
from typing import Any

from rustorch import _C
from rustorch.errors import DeviceNotAvailable, OpError

# The driver's names for its default stream, which all threads share, and for each thread's own.
LEGACY_STREAM, PER_THREAD_STREAM = 1, 2

_TYPES = {
    "|b1": "bool", "|u1": "uint8", "|i1": "int8", "<i2": "int16", "<i4": "int32", "<i8": "int64",
    "<f2": "float16", "<f4": "float32", "<f8": "float64", "<c8": "complex64", "<c16": "complex128",
    "<V2": "bfloat16",
}  # fmt: skip


# ---- Pinned memory ----


def _accelerator(op: str, device: Any) -> _C.device:
    if device is not None:
        return _C.device(device)
    if _C._device_count("cuda") == 0:
        raise DeviceNotAvailable.of(
            op, "Cannot access accelerator device when none is available.", "", "rustorch.cuda.is_available()"
        )
    return _C.device("cuda")


def is_pinned(self: _C.Tensor, device: Any = None) -> bool:
    """Whether the memory was page-locked by `pin_memory` for a device (by default, for CUDA).

    Follows `torch.Tensor.is_pinned`.

    >>> import rustorch as rt
    >>> rt.zeros(2).is_pinned()
    False
    """
    return bool(_C._is_pinned(self, "cuda" if device is None else device))


def pin_memory(self: _C.Tensor, device: Any = None) -> _C.Tensor:
    """This tensor in page-locked memory of the host, from and to which a GPU copies while the host goes on.

    Itself if it lies there already. Its memory is not reused before the copies that were in flight as it
    went are done.

    Args:
        device: which engine is to copy; by default CUDA.

    Raises:
        RuntimeError: for a tensor that is not on the CPU, or if there is no such device.

    Follows `torch.Tensor.pin_memory`.

    >>> import rustorch as rt
    >>> if rt.cuda.is_available():
    ...     y = rt.ones(3).pin_memory().to("cuda", non_blocking=True)
    """
    where = _accelerator("pin_memory", device)
    if self.device.type != "cpu":
        raise OpError.of("pin_memory", "only dense CPU tensors can be pinned", f"a tensor on {self.device}")
    if is_pinned(self, where):
        return self
    return _C._pinned_empty(self, where).copy_(self)  # type: ignore[no-any-return]


# ---- Streams ----


def record_stream(self: _C.Tensor, stream: Any) -> None:
    """Keeps the memory from other tensors until the stream has done what is queued on it as the tensor goes.

    Ops of ours see to that by themselves: this is for memory that other libraries work on.

    Raises:
        RuntimeError: for a stream of another device.

    Follows `torch.Tensor.record_stream`.
    """
    if stream.device != self.device:
        raise OpError.of("record_stream", f"the tensor is on {self.device}", f"a stream of {stream.device}")
    _C._record_stream(self, stream.stream_id)


def _order(device: _C.device, first: int, then: int) -> None:
    """Lets what is queued on the stream `then` from now on run after what is queued on `first` now."""
    if (first or LEGACY_STREAM) == (then or LEGACY_STREAM):  # ours of number 0 is that one
        return
    event = _C._event_create(device, False)
    _C._event_record(event, first)
    _C._event_wait(event, device, then)


def wait_for_stream(device: _C.device, producer: int) -> None:
    """Lets what is queued on the current stream from now on run after what is queued on another now."""
    _order(device, producer, _C._stream_current(device))


def let_stream_wait(device: _C.device, consumer: int) -> None:
    """The reverse of `wait_for_stream`."""
    _order(device, _C._stream_current(device), consumer)


def export_to_stream(tensor: _C.Tensor, stream: int | None) -> None:
    """What `__dlpack__` owes a consumer that will use the memory on a stream, by the array API's numbers."""
    if stream == 0 or (stream is not None and stream < -1):
        raise BufferError(f"dlpack: unsupported stream on CUDA: {stream}; try 1 for the default stream")
    if stream is None or stream == LEGACY_STREAM:
        let_stream_wait(tensor.device, LEGACY_STREAM)
        _C._record_stream(tensor, 0)
        return
    if stream != -1:
        let_stream_wait(tensor.device, stream)
    if stream != _C._stream_current(tensor.device):
        # It may be gone when the tensor goes, so that no event can be recorded on it then.
        _C._note_shown(tensor)


# ---- The CUDA array interface, version 3 ----


def _cuda_array_interface(self: _C.Tensor) -> dict[str, Any]:
    if self.device.type != "cuda":
        raise AttributeError(
            f"__cuda_array_interface__: only CUDA tensors have it; got a tensor on {self.device}; try .cuda()"
        )
    if self.requires_grad:
        raise OpError.of(
            "__cuda_array_interface__",
            "Can't get it of a tensor that requires grad",
            "",
            "tensor.detach()",
        )
    size = self.element_size()
    names = {name: text for text, name in _TYPES.items()}
    _C._note_shown(self)
    _C._keep_in_place(self)
    return {
        "typestr": names[str(self.dtype).rpartition(".")[2]],
        "shape": tuple(self.shape),
        "strides": None if self.is_contiguous() else tuple(size * s for s in self.stride()),
        "data": (self.data_ptr(), False),
        "stream": _C._stream_current(self.device) or LEGACY_STREAM,
        "version": 3,
    }


def from_cuda_array(obj: Any) -> _C.Tensor:
    """A tensor over the memory of an object that has ``__cuda_array_interface__``; the object stays alive."""
    given = obj.__cuda_array_interface__
    op = "as_tensor"
    if given.get("mask") is not None:
        raise OpError.of(op, "masked arrays are not supported")
    name = _TYPES.get(given["typestr"])
    if name is None:
        raise TypeError(f"{op}: there is no tensor dtype for this array; got typestr {given['typestr']!r}")
    dtype = getattr(_C, name)
    shape = tuple(int(n) for n in given["shape"])
    address, read_only = given["data"]
    size = int(given["typestr"][2:])
    if given.get("strides") is None:
        strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    else:
        if any(s % size for s in given["strides"]):
            raise ValueError(
                f"{op}: strides must be multiples of the element size; got {given['strides']}; try a copy"
            )
        strides = tuple(int(s) // size for s in given["strides"])
    _accelerator(op, None)
    index = _C._pointer_device("cuda", address) if address else _C._current_device("cuda")
    if index < 0:
        raise OpError.of(op, "the array's memory is not that of a CUDA device")
    device = _C.device("cuda", index)
    stream = given.get("stream")
    if stream is not None:
        if stream == 0:
            raise ValueError(f"{op}: stream 0 is ambiguous in the interface; got stream=0")
        wait_for_stream(device, int(stream))
    return _C._wrap_device_memory(  # type: ignore[no-any-return]
        obj, address, device, dtype, shape, strides, bool(read_only)
    )


def install() -> None:
    """Hangs the attributes on the type; called once by the package."""
    tensor: Any = _C.Tensor
    for method in (is_pinned, pin_memory, record_stream):
        method.__qualname__ = f"Tensor.{method.__name__}"
        setattr(tensor, method.__name__, method)
    tensor.__cuda_array_interface__ = property(
        _cuda_array_interface, doc="The memory of a CUDA tensor, for other libraries (version 3)."
    )
