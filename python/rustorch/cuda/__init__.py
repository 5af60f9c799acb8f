"""NVIDIA GPUs. Follows `torch.cuda`.

Kernels are compiled by NVRTC when they are first used (`pip install 'rustorch[cuda]'` brings it) and kept in
the user's cache folder, or where `RUSTORCH_CACHE` says, at most `RUSTORCH_CACHE_MB` megabytes of them (512).

Matrix products go to cuBLASLt and convolutions to cuDNN where these are there (the same extra brings them;
`RUSTORCH_CUBLASLT` and `RUSTORCH_CUDNN` name other files). Everything else, and everything that they refuse,
goes to rustorch's own kernels. `libraries` says what is open; `matmul` and `cudnn` hold the switches.

Programs that ask first run everywhere:

>>> import rustorch as rt
>>> device = "cuda" if rt.cuda.is_available() else "cpu"
"""

from __future__ import annotations

from rustorch._libraries import Cudnn, Library, Matmul, libraries
from rustorch.cuda._device import (
    DeviceProperties,
    current_device,
    device,
    device_count,
    device_of,
    get_device_capability,
    get_device_name,
    get_device_properties,
    is_available,
    set_device,
    synchronize,
)
from rustorch.cuda.memory import (
    empty_cache,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    memory_stats,
    reset_peak_memory_stats,
    set_memory_limit,
)
from rustorch.cuda.random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)
from rustorch.cuda.streams import (
    Event,
    ExternalStream,
    Stream,
    StreamContext,
    current_stream,
    default_stream,
    set_stream,
    stream,
)

__all__ = [
    "DeviceProperties",
    "Event",
    "ExternalStream",
    "Library",
    "Stream",
    "StreamContext",
    "cudnn",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "device_of",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "initial_seed",
    "is_available",
    "libraries",
    "manual_seed",
    "manual_seed_all",
    "matmul",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_memory_limit",
    "set_rng_state",
    "set_rng_state_all",
    "set_stream",
    "stream",
    "synchronize",
]

matmul = Matmul()
cudnn = Cudnn()
