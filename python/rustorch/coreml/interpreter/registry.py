"""Where the functions that compute MIL's operations are collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from rustorch.coreml.interpreter.opset import OPS

__all__ = ["KERNELS", "Kernel", "mil_op"]

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Kernel:
    """A function that computes an operation.

    Attributes:
        compute: takes the operation's arguments in the order and of the kinds that `opset` lists, then what
            `wants` names, and returns the result or a tuple of results.
        half: whether it takes float16 as it is, since it moves data or rounds once. Others get float32.
        view: whether a result may share memory with an argument.
        wants: what it takes besides: "outputs" (the dtypes declared for the results), "device".
    """

    compute: Callable[..., Any]
    half: bool
    view: bool
    wants: tuple[str, ...]


KERNELS: dict[str, Kernel] = {}


def mil_op(
    *names: str, half: bool = False, view: bool = False, wants: tuple[str, ...] = ()
) -> Callable[[Function], Function]:
    """Registers a function as the kernel of one or several operations."""

    def register(function: Function) -> Function:
        for name in names:
            if name not in OPS or name in KERNELS:
                raise AssertionError(f"{name} is unknown, or has a kernel already")
            KERNELS[name] = Kernel(function, half, view, wants)
        return function

    return register
