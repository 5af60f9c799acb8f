"""Tensors as text, in PyTorch's format."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from rustorch import _C

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["get_printoptions", "set_printoptions", "tensor_text"]


# What `set_printoptions` sets. A dict rather than a dataclass, whose module is slow to import.
_DEFAULTS: dict[str, Any] = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}
_PROFILES: dict[str, dict[str, Any]] = {
    "default": {},
    "short": {"precision": 2, "edgeitems": 2},
    "full": {"threshold": math.inf},
}
_options = dict(_DEFAULTS)


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are printed.

    Args:
        precision: digits after the point (default 4).
        threshold: elements above which only the edges are printed (default 1000).
        edgeitems: items printed at either end of a dim then (default 3).
        linewidth: characters in a line (default 80).
        profile: "default", "short" or "full": values for all of these at once.
        sci_mode: scientific notation always, never, or (None) as the values ask for it.

    Raises:
        ValueError: for an unknown profile.

    Follows `torch.set_printoptions`.

    >>> import rustorch as rt
    >>> rt.set_printoptions(precision=2)
    >>> rt.tensor([1.12345])
    tensor([1.12])
    >>> rt.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(
                f"set_printoptions: unknown profile; got {profile!r}; try 'default', 'short' or 'full'"
            )
        _options.update({**_DEFAULTS, **_PROFILES[profile]})
    values = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({name: value for name, value in values.items() if value is not None})
    _options["sci_mode"] = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The current print options, by the names that `set_printoptions` takes.

    >>> import rustorch as rt
    >>> rt.get_printoptions()["linewidth"]
    80
    """
    return dict(_options)


class Format(NamedTuple):
    """How every number of a tensor is written, and how wide the widest is."""

    write: Callable[[Any], str]
    width: int

    def __call__(self, value: Any) -> str:
        return self.write(value).rjust(self.width)


def _flatten(values: Any) -> list[Any]:
    if not isinstance(values, list):
        return [values]
    flat: list[Any] = []
    for value in values:
        flat.extend(_flatten(value) if isinstance(value, list) else (value,))
    return flat


def _float_format(numbers: list[float]) -> Format:
    """Zeros, infinities and NaN have no say in notation and width."""
    precision = _options["precision"]
    decisive = [x for x in numbers if x != 0 and math.isfinite(x)]
    largest, smallest = (max(map(abs, decisive)), min(map(abs, decisive))) if decisive else (1.0, 1.0)
    whole = all(x == math.ceil(x) for x in decisive)
    scientific = bool(decisive) and (largest / smallest > 1000.0 or largest > 1.0e8)
    if not whole:
        scientific = scientific or smallest < 1.0e-4
    if decisive and _options["sci_mode"] is not None:
        scientific = _options["sci_mode"]

    def fixed(x: float) -> str:
        return f"{x:.{precision}f}"

    def exponent(x: float) -> str:
        return f"{x:.{precision}e}"

    def integer(x: float) -> str:
        return f"{x:.0f}." if math.isfinite(x) else f"{x:.0f}"

    write = exponent if scientific else integer if whole else fixed
    return Format(write, max((len(write(x)) for x in decisive), default=1))


def _format_of(dtype: _C.dtype, numbers: list[Any]) -> Format:
    if dtype.is_floating_point:
        return _float_format(numbers)
    if not dtype.is_complex:
        return Format(str, max((len(str(x)) for x in numbers), default=1))
    real, imaginary = _float_format([z.real for z in numbers]), _float_format([z.imag for z in numbers])

    def write(z: complex) -> str:
        tail = f"{imaginary(z.imag)}j".lstrip()
        return real(z.real) + (tail if tail[0] in "+-" else f"+{tail}")

    # The sign is counted apart, so that lines break where PyTorch's do.
    return Format(write, real.width + imaginary.width + 1)


def _vector(values: list[Any], size: int, indent: int, one: Format, is_complex: bool) -> str:
    cut = len(values) < size
    # A complex number's text can be wider than its two parts, which are aligned each on its own.
    texts = [one.write(v) if is_complex else one(v) for v in values]
    if cut:
        texts.insert(len(values) // 2, " ...")
    per_line = max(1, (_options["linewidth"] - indent) // (one.width + 2))
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(values: Any, shape: tuple[int, ...], indent: int, one: Format, is_complex: bool) -> str:
    if not shape:
        return one.write(values) if is_complex else one(values)
    if len(values) == 0 and shape[0] > 0:
        return "[...]"
    if len(shape) == 1:
        return _vector(values, shape[0], indent, one, is_complex)
    rows = [_nested(row, shape[1:], indent + 1, one, is_complex) for row in values]
    if len(values) < shape[0]:
        rows.insert(len(values) // 2, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(rows) + "]"


def _suffixes(tensor: _C.Tensor) -> list[str]:
    default = _C.get_default_dtype()
    found = [f"device='{tensor.device}'"] if tensor.device.type != "cpu" else []
    numel = math.prod(tensor.shape)
    if numel == 0:
        if tensor.ndim != 1:
            found.append(f"size={tuple(tensor.shape)}")
        # There are no elements to tell the dtype by.
        shown = tensor.dtype != default
    else:
        if _options["edgeitems"] == 0:
            found.append(f"size={tuple(tensor.shape)}")
        complex_default = _C.complex128 if default == _C.float64 else _C.complex64
        shown = tensor.dtype not in (default, complex_default, _C.int64, _C.bool)
    if shown:
        found.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        found.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        found.append("requires_grad=True")
    return found


def tensor_text(tensor: _C.Tensor, name: str = "tensor") -> str:
    """What `repr(tensor)` gives.

    >>> import rustorch as rt
    >>> rt.tensor([[1, 2], [3, 4]], dtype=rt.int32)
    tensor([[1, 2],
            [3, 4]], dtype=rustorch.int32)
    """
    prefix = f"{name}("
    indent = len(prefix)
    shape = tuple(tensor.shape)
    numel = math.prod(shape)
    if numel == 0:
        body = "[]"
    else:
        values = _C._printed_values(tensor, _options["edgeitems"] if numel > _options["threshold"] else -1)
        one = _format_of(tensor.dtype, _flatten(values))
        body = _nested(values, shape, indent, one, tensor.dtype.is_complex)
    text = prefix + body
    length = len(text) - text.rfind("\n") + 1
    for suffix in _suffixes(tensor):
        if length + len(suffix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
        else:
            text += f", {suffix}"
            length += len(suffix) + 2
    return text + ")"
