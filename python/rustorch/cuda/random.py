"""The random numbers of CUDA devices: a generator each, as `torch.cuda.random`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rustorch import _C
from rustorch.cuda._device import device_count, is_available, resolve

__all__ = [
    "get_rng_state",
    "get_rng_state_all",
    "initial_seed",
    "manual_seed",
    "manual_seed_all",
    "seed",
    "seed_all",
    "set_rng_state",
    "set_rng_state_all",
]


def _generator(op: str, device: Any) -> _C.Generator:
    return _C._default_generator(f"cuda:{resolve(op, device).index or 0}")


def get_rng_state(device: Any = "cuda") -> _C.Tensor:
    """The state of a device's default generator as a uint8 tensor on the CPU.

    Raises:
        RuntimeError: where there is no such device.
    """
    return _generator("get_rng_state", device).get_state()


def get_rng_state_all() -> list[_C.Tensor]:
    """The states of all devices' default generators.

    >>> import rustorch as rt
    >>> states = rt.cuda.get_rng_state_all()
    >>> rt.cuda.set_rng_state_all(states)
    """
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state(new_state: _C.Tensor, device: Any = "cuda") -> None:
    """Brings a device's default generator back to a state that `get_rng_state` returned.

    Raises:
        RuntimeError: where there is no such device, or the tensor is no such state.
    """
    _generator("set_rng_state", device).set_state(new_state)


def set_rng_state_all(new_states: Iterable[_C.Tensor]) -> None:
    """Brings the default generators of the first devices back to one state each."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)


def manual_seed(seed: int) -> None:
    """Seeds the default generator of the current device; without one nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.manual_seed(0)
    """
    if is_available():
        _generator("manual_seed", None).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the default generators of all devices; without one nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.manual_seed_all(0)
    """
    for i in range(device_count()):
        _generator("manual_seed_all", i).manual_seed(seed)


def seed() -> None:
    """Seeds the default generator of the current device from the system's entropy."""
    if is_available():
        _generator("seed", None).seed()


def seed_all() -> None:
    """Seeds the default generators of all devices with one number from the system's entropy."""
    if is_available():
        manual_seed_all(_generator("seed_all", 0).seed())


def initial_seed() -> int:
    """The seed of the current device's default generator.

    Raises:
        RuntimeError: where there is no device.
    """
    return _generator("initial_seed", None).initial_seed()
