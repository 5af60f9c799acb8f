"""Seeds and the state of the random streams."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from rustorch import _C

__all__ = [
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

#: The generator that CPU ops draw from where none is given.
default_generator: _C.Generator = _C._default_generator("cpu")


def manual_seed(seed: int) -> _C.Generator:
    """Sets the seed of every device's default generator and returns the CPU's.

    Negative seeds count modulo 2**64. Follows `torch.manual_seed`.

    >>> import rustorch as rt
    >>> _ = rt.manual_seed(1); a = rt.rand(3)
    >>> _ = rt.manual_seed(1); (rt.rand(3) == a).tolist()
    [True, True, True]
    """
    _C._seed_default_generators(seed)
    return default_generator


def seed() -> int:
    """Sets a seed from the system's entropy for every default generator and returns it.

    Follows `torch.seed`.
    """
    value = default_generator.seed()
    _C._seed_default_generators(value)
    return value


def initial_seed() -> int:
    """The seed that the default CPU generator was started with.

    Follows `torch.initial_seed`.

    >>> import rustorch as rt
    >>> _ = rt.manual_seed(7); rt.initial_seed()
    7
    """
    return default_generator.initial_seed()


def get_rng_state() -> _C.Tensor:
    """The state of the default CPU generator as a uint8 tensor.

    Follows `torch.get_rng_state`; the format is our own: seed and offset, little-endian.
    """
    return default_generator.get_state()


def set_rng_state(new_state: _C.Tensor) -> None:
    """Brings the default CPU generator back to a state that `get_rng_state` returned.

    >>> import rustorch as rt
    >>> state = rt.get_rng_state(); a = rt.rand(2)
    >>> rt.set_rng_state(state); (rt.rand(2) == a).tolist()
    [True, True]
    """
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cuda",
) -> Iterator[None]:
    """A context after which the random streams go on as if it had not been.

    Covers the CPU and the listed devices. Follows `torch.random.fork_rng`.
    """
    if not enabled:
        yield
        return
    generators = [default_generator]
    for device in devices or ():
        generators.append(
            _C._default_generator(f"{device_type}:{device}" if isinstance(device, int) else device)
        )
    states = [g._get_state() for g in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator._set_state(*state)
