"""Moving and casting a module's parameters and buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import rustorch as rt
from rustorch import Tensor
from rustorch.nn.parameter import Parameter

T = TypeVar("T", bound="_Conversion")


def _parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool, Any]:
    """``to``'s four forms: (device, dtype, non_blocking), (dtype, non_blocking), (tensor, non_blocking),
    keywords.
    """
    left = dict(kwargs)
    device = left.pop("device", None)
    dtype = left.pop("dtype", None)
    non_blocking = bool(left.pop("non_blocking", False))
    memory_format = left.pop("memory_format", None)
    left.pop("copy", None)
    other = left.pop("tensor", None) if "tensor" in left else left.pop("other", None)
    if left:
        raise TypeError(f"to: received an unexpected keyword argument; got {next(iter(left))!r}")
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        other = rest.pop(0)
    elif rest and isinstance(rest[0], rt.dtype):
        dtype = rest.pop(0)
    elif rest:
        device = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], rt.dtype)):
            dtype = rest.pop(0)
    if rest:
        non_blocking = bool(rest.pop(0))
    if rest:
        rest.pop(0)  # copy: meaningless for a module, whose tensors are replaced anyway
    if rest:
        raise TypeError(f"to: received an invalid combination of arguments; got {args!r}")
    if other is not None:
        device, dtype = other.device, other.dtype
    return (None if device is None else rt.device(device)), dtype, non_blocking, memory_format


class _Conversion:
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    children: Callable[[], Any]

    def _apply(self: T, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> T:
        """Replace the data of every parameter, gradient and buffer by ``fn`` of it; parameters stay the
        objects.
        """
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            with rt.no_grad():
                param.data = fn(param)
                if param.grad is not None:
                    grad = fn(param.grad).detach()
                    param.grad = grad.requires_grad_(param.grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """Move and/or cast in place: ``to(device, dtype)``, ``to(dtype)``, ``to(tensor)``; returns the
        module.

        Only floating point and complex members are cast; integer buffers keep their dtype.

        >>> nn.Linear(1, 1).to(rt.float64).weight.dtype == rt.float64
        True
        """
        device, dtype, non_blocking, memory_format = _parse_to(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "to: nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}; try casting single tensors instead"
            )
        options: dict[str, Any] = {}
        if device is not None:
            options["device"] = device
        if non_blocking:
            options["non_blocking"] = True

        def convert(t: Tensor) -> Tensor:
            opts = dict(options)
            if dtype is not None and (t.is_floating_point() or t.is_complex()):
                opts["dtype"] = dtype
            if memory_format is not None and t.dim() in (4, 5):
                opts["memory_format"] = memory_format
            return t.to(**opts) if opts else t

        return self._apply(convert)

    def to_empty(self: T, *, device: Any, recurse: bool = True) -> T:
        """Move to ``device`` without copying: the values are left uninitialised."""
        return self._apply(lambda t: rt.empty_like(t, device=device), recurse=recurse)

    def cpu(self: T) -> T:
        """Move every parameter and buffer to the CPU."""
        return self._apply(lambda t: t.to(device=rt.device("cpu")))

    def cuda(self: T, device: Any = None) -> T:
        """Move every parameter and buffer to an NVIDIA device."""
        target = "cuda" if device is None else (f"cuda:{device}" if isinstance(device, int) else device)
        return self._apply(lambda t: t.to(device=rt.device(target)))

    def type(self: T, dst_type: Any) -> T:
        """Cast every parameter and buffer, integer ones included, to ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def _cast_floating(self: T, dtype: Any) -> T:
        return self._apply(lambda t: t.to(dtype=dtype) if t.is_floating_point() else t)

    def float(self: T) -> T:
        """Cast floating point parameters and buffers to float32."""
        return self._cast_floating(rt.float32)

    def double(self: T) -> T:
        """Cast floating point parameters and buffers to float64."""
        return self._cast_floating(rt.float64)

    def half(self: T) -> T:
        """Cast floating point parameters and buffers to float16."""
        return self._cast_floating(rt.float16)

    def bfloat16(self: T) -> T:
        """Cast floating point parameters and buffers to bfloat16."""
        return self._cast_floating(rt.bfloat16)
