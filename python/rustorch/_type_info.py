"""The limits of number formats: `rt.finfo` and `rt.iinfo`."""

from __future__ import annotations

import math

from rustorch import _C
from rustorch.errors import DTypeError

__all__ = ["finfo", "iinfo"]

# Bits in all, bits of the significand with the leading one, and the largest exponent (IEEE 754 and bfloat16).
_FORMATS = {
    _C.float16: (16, 11, 15),
    _C.bfloat16: (16, 8, 127),
    _C.float32: (32, 24, 127),
    _C.float64: (64, 53, 1023),
}
_INTEGERS = (_C.uint8, _C.int8, _C.int16, _C.int32, _C.int64)


def _checked(name: str, type: _C.dtype) -> _C.dtype:
    if not isinstance(type, _C.dtype):
        raise DTypeError.of(name, "argument 'type' must be a dtype", f"{type!r}")
    return type


class finfo:
    """The limits of a floating-point dtype; of a complex dtype those of its parts.

    Attributes: `bits`, `eps` (the step above 1), `max`, `min`, `tiny` and `smallest_normal`, `resolution` (a
    power of ten) and `dtype` (a name). Raises TypeError for integers and bool. Follows `torch.finfo`.

    >>> import rustorch as rt
    >>> rt.finfo(rt.float16).max
    65504.0
    """

    __slots__ = ("_bits", "_digits", "_dtype", "_exponent")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, type: _C.dtype | None = None) -> None:
        given = _C.get_default_dtype() if type is None else _checked("finfo", type)
        real = given.to_real() if given.is_complex else given
        if real not in _FORMATS:
            raise DTypeError.of(
                "finfo", "requires a floating point input type", f"{given}", "rustorch.iinfo for integers"
            )
        self._dtype = str(real).rsplit(".", 1)[-1]
        self._bits, self._digits, self._exponent = _FORMATS[real]

    @property
    def bits(self) -> int:
        """Bits of one number."""
        return self._bits

    @property
    def eps(self) -> float:
        """The step from 1 to the next number."""
        return 2.0 ** (1 - self._digits)

    @property
    def max(self) -> float:
        """The largest number."""
        return (2 - self.eps) * 2.0**self._exponent

    @property
    def min(self) -> float:
        """The smallest number."""
        return -self.max

    @property
    def tiny(self) -> float:
        """The smallest positive number of full precision."""
        return 2.0 ** (1 - self._exponent)

    smallest_normal = tiny

    @property
    def resolution(self) -> float:
        """The power of ten that decimals of this dtype resolve."""
        return float(f"1e-{math.floor((self._digits - 1) * math.log10(2))}")

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self._dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self._dtype == other._dtype

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer dtype.

    Attributes: `bits`, `max`, `min` and `dtype` (a name). Raises TypeError for bool, floating-point and
    complex dtypes. Follows `torch.iinfo`.

    >>> import rustorch as rt
    >>> rt.iinfo(rt.int8).min
    -128
    """

    __slots__ = ("_bits", "_dtype", "_signed")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, type: _C.dtype) -> None:
        if _checked("iinfo", type) not in _INTEGERS:
            raise DTypeError.of(
                "iinfo", "requires an integer input type", f"{type}", "rustorch.finfo for floating point"
            )
        self._dtype = str(type).rsplit(".", 1)[-1]
        self._bits = 8 * type.itemsize
        self._signed = type.is_signed

    @property
    def bits(self) -> int:
        """Bits of one number."""
        return self._bits

    @property
    def max(self) -> int:
        """The largest number."""
        return (1 << (self._bits - self._signed)) - 1

    @property
    def min(self) -> int:
        """The smallest number."""
        return -(1 << (self._bits - 1)) if self._signed else 0

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self._dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self._dtype == other._dtype

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
