"""NVIDIA GPUs. Follows `torch.cuda`.

Kernels are compiled by NVRTC when they are first used (`pip install 'rustorch[cuda]'` brings it) and kept in
the user's cache folder, or where `RUSTORCH_CACHE` says.

Matrix products go to cuBLASLt and convolutions to cuDNN where these are there (the same extra brings them;
`RUSTORCH_CUBLASLT` and `RUSTORCH_CUDNN` name other files). Everything else, and everything that they refuse,
goes to rustorch's own kernels. `libraries` says what is open; `matmul` and `cudnn` hold the switches.

Programs that ask first run everywhere:

>>> import rustorch as rt
>>> device = "cuda" if rt.cuda.is_available() else "cpu"
"""

from __future__ import annotations

from rustorch import _C
from rustorch._libraries import Cudnn, Library, Matmul, libraries
from rustorch.errors import DeviceNotAvailable

__all__ = [
    "Library",
    "cudnn",
    "current_device",
    "device_count",
    "empty_cache",
    "is_available",
    "libraries",
    "manual_seed",
    "manual_seed_all",
    "matmul",
    "memory_stats",
    "reset_peak_memory_stats",
    "set_memory_limit",
    "synchronize",
]


matmul = Matmul()
cudnn = Cudnn()


def device_count() -> int:
    """The number of CUDA devices that tensors can be made on.

    >>> import rustorch as rt
    >>> rt.cuda.device_count() >= 0
    True
    """
    return int(_C._device_count("cuda"))


def is_available() -> bool:
    """Whether tensors can be made on a CUDA device.

    >>> import rustorch as rt
    >>> rt.cuda.is_available() == (rt.cuda.device_count() > 0)
    True
    """
    return device_count() > 0


def _check(op: str) -> None:
    if not is_available():
        raise DeviceNotAvailable.of(
            f"cuda.{op}", "no CUDA device is available", "", "rustorch.cuda.is_available()"
        )


def current_device() -> int:
    """The index of the device that "cuda" stands for: the first.

    Raises:
        RuntimeError: where there is none.
    """
    _check("current_device")
    return 0


def _device(op: str, device: object) -> _C.device:
    _check(op)
    if device is None:
        return _C.device("cuda")
    if isinstance(device, int):
        return _C.device(f"cuda:{device}")
    return device if isinstance(device, _C.device) else _C.device(str(device))


def synchronize(device: object = None) -> None:
    """Waits for the work that is queued on a device (an index, a name or a `device`; None: the current one).

    Raises:
        RuntimeError: where there is no device, or if queued work failed.
    """
    _C._synchronize(_device("synchronize", device))


def memory_stats(device: object = None) -> dict[str, int]:
    """Bytes and counts: allocated, peak_allocated, cached, allocations, cache_hits, limit (0 is none).

    Raises:
        RuntimeError: where there is no device.
    """
    return dict(_C._memory_stats(_device("memory_stats", device)))


def reset_peak_memory_stats(device: object = None) -> None:
    """Starts `peak_allocated` over from what is allocated now."""
    _C._reset_peak_memory_stats(_device("reset_peak_memory_stats", device))


def empty_cache(device: object = None) -> None:
    """Gives memory that is kept for reuse back to the device; without a GPU nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.empty_cache()
    """
    if is_available():
        _C._empty_cache(_device("empty_cache", device))


def set_memory_limit(limit: int, device: object = None) -> None:
    """The most bytes that tensors of a device may take; 0 for no limit. Beyond, allocation is an error."""
    _C._set_memory_limit(_device("set_memory_limit", device), limit)


def manual_seed(seed: int) -> None:
    """Seeds the generator of the current device; without one nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.manual_seed(0)
    """
    if is_available():
        from rustorch.random import manual_seed

        manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all devices; without one nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.manual_seed_all(0)
    """
    manual_seed(seed)
