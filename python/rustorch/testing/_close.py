"""assert_close."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rustorch as rt
from rustorch import Tensor

# rtol and atol by the width of a type; types of whole numbers are compared exactly.
_TOLERANCES = {
    rt.float16: (1e-3, 1e-5),
    rt.bfloat16: (1.6e-2, 1e-5),
    rt.float32: (1.3e-6, 1e-5),
    rt.float64: (1e-7, 1e-7),
    rt.complex64: (1.3e-6, 1e-5),
    rt.complex128: (1e-7, 1e-7),
}
_OF_NUMBERS = {bool: rt.bool, int: rt.int64, float: rt.float64, complex: rt.complex128}


@dataclass(frozen=True)
class _Comparison:
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check: dict[str, bool]
    msg: str | Callable[[str], str] | None

    def tolerances(self, *dtypes: rt.dtype) -> tuple[float, float]:
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        both = [_TOLERANCES.get(d, (0.0, 0.0)) for d in dtypes]
        return max(r for r, _ in both), max(a for _, a in both)

    def fail(self, text: str, path: tuple[Any, ...]) -> None:
        if path:
            text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in path)}"
        if self.msg is not None:
            text = self.msg(text) if callable(self.msg) else self.msg
        raise AssertionError(text)

    def compare(self, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
        tensors = isinstance(actual, Tensor), isinstance(expected, Tensor)
        if all(tensors):
            return self.compare_tensors(actual, expected, path)
        if not any(tensors):
            if isinstance(actual, Mapping) and isinstance(expected, Mapping):
                return self.compare_mappings(actual, expected, path)
            if _is_sequence(actual) and _is_sequence(expected):
                return self.compare_sequences(actual, expected, path)
            if type(actual) in _OF_NUMBERS and type(expected) in _OF_NUMBERS:
                return self.compare_numbers(actual, expected, path)
            if _is_array(actual) and _is_array(expected):
                return self.compare_tensors(rt.asarray(actual), rt.asarray(expected), path)
            if actual is None or expected is None:
                if actual is not expected:
                    self.fail(f"None mismatch: {actual} is not {expected}", path)
                return None
        at = f" at item {list(path)}" if path else ""
        raise TypeError(
            f"assert_close: {type(actual).__name__} and {type(expected).__name__} cannot be compared{at}; "
            "try two tensors, arrays, numbers, or sequences or mappings of them"
        )

    def compare_mappings(
        self, actual: Mapping[Any, Any], expected: Mapping[Any, Any], path: tuple[Any, ...]
    ) -> None:
        missing = [k for k in expected if k not in actual]
        extra = [k for k in actual if k not in expected]
        if missing or extra:
            text = "The keys of the mappings do not match:"
            text += f"\nMissing keys in the actual mapping: {missing}" if missing else ""
            self.fail(text + (f"\nAdditional keys in the actual mapping: {extra}" if extra else ""), path)
        for key in expected:
            self.compare(actual[key], expected[key], (*path, key))

    def compare_sequences(
        self, actual: Sequence[Any], expected: Sequence[Any], path: tuple[Any, ...]
    ) -> None:
        if len(actual) != len(expected):
            self.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
        for i, (a, e) in enumerate(zip(actual, expected)):
            self.compare(a, e, (*path, i))

    def compare_numbers(self, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
        if self.check["dtype"] and type(actual) is not type(expected):
            self.fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
        rtol, atol = self.tolerances(_OF_NUMBERS[type(actual)], _OF_NUMBERS[type(expected)])
        if self.equal_nan and cmath.isnan(actual) and cmath.isnan(expected):
            return
        apart = abs(actual - expected)
        if actual == expected or (apart <= atol + rtol * abs(expected) and math.isfinite(abs(expected))):
            return
        share = apart / abs(expected) if expected else math.inf
        self.fail(_number_text(actual, expected, (apart, share), (rtol, atol)), path)

    def compare_tensors(self, actual: Tensor, expected: Tensor, path: tuple[Any, ...]) -> None:
        self.compare_attributes(actual, expected, path)
        rtol, atol = self.tolerances(actual.dtype, expected.dtype)
        with rt.no_grad():
            a, e = (t.detach().cpu() for t in (actual, expected))
            dtype = rt.promote_types(a.dtype, e.dtype)
            dtype = rt.int64 if dtype is rt.bool else dtype
            a, e = a.to(dtype), e.to(dtype)
            if dtype.is_complex or dtype.is_floating_point:
                wide = rt.complex128 if dtype.is_complex else rt.float64
                a, e = a.to(wide), e.to(wide)
                wrong = ~rt.isclose(a, e, rtol=rtol, atol=atol, equal_nan=self.equal_nan)
            elif rtol == atol == 0:
                wrong = a != e
            else:
                wrong = ~rt.isclose(a, e, rtol=rtol, atol=atol)
            if not wrong.any():
                return
            if a.ndim == 0:
                x, y = a.item(), e.item()
                apart = abs(x - y)
                share = apart / abs(y) if y else math.inf
                self.fail(_number_text(x, y, (apart, share), (rtol, atol)), path)
            self.fail(_tensor_text(a, e, wrong, (rtol, atol)), path)

    def compare_attributes(self, actual: Tensor, expected: Tensor, path: tuple[Any, ...]) -> None:
        def differ(name: str, a: Any, e: Any) -> None:
            if a != e:
                self.fail(f"The values for attribute '{name}' do not match: {a} != {e}.", path)

        differ("shape", actual.shape, expected.shape)
        if self.check["device"]:
            differ("device", actual.device, expected.device)
        if self.check["dtype"]:
            differ("dtype", actual.dtype, expected.dtype)
        if self.check["stride"]:
            differ("stride()", actual.stride(), expected.stride())


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str | bytes)


def _is_array(x: Any) -> bool:
    return hasattr(x, "__array_interface__")


def _allowed(tolerance: float, exact: bool) -> str:
    return "" if exact else f" (up to {tolerance} allowed)"


def _number_text(actual: Any, expected: Any, apart: tuple[Any, Any], tolerances: tuple[float, float]) -> str:
    (rtol, atol), exact = tolerances, tolerances == (0, 0)
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\n"
        f"Expected {expected} but got {actual}.\n"
        f"Absolute difference: {apart[0]}{_allowed(atol, exact)}\n"
        f"Relative difference: {apart[1]}{_allowed(rtol, exact)}"
    )


def _tensor_text(a: Tensor, e: Tensor, wrong: Tensor, tolerances: tuple[float, float]) -> str:
    (rtol, atol), exact = tolerances, tolerances == (0, 0)
    apart = (a - e).abs()
    apart = apart.masked_fill(~wrong, 0)  # where infinities agree there is no difference
    share = apart.double() / e.abs().double()
    share = share.masked_fill(~wrong, 0)

    def greatest(values: Tensor) -> str:
        flat = values.reshape(-1)
        at = int(flat.argmax())
        index = tuple(int(i) for i in rt.unravel_index(rt.tensor(at), values.shape))
        return f"{flat[at].item()} at index {index}"

    count, total = int(wrong.sum()), wrong.numel()
    return (
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n\n"
        f"Mismatched elements: {count} / {total} ({count / total:.1%})\n"
        f"Greatest absolute difference: {greatest(apart)}{_allowed(atol, exact)}\n"
        f"Greatest relative difference: {greatest(share)}{_allowed(rtol, exact)}"
    )


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raises AssertionError, saying where and by how much, unless two values are close.

    Close means ``|actual - expected| <= atol + rtol * |expected|`` in every element. Equal infinities are
    close, NaNs only with ``equal_nan``.

    Args:
        actual: a tensor, NumPy array, number or None, or sequences and mappings of them.
        expected: the same.
        allow_subclasses: whether `actual` and `expected` may have different types otherwise alike.
        rtol: together with `atol`, or neither: then both follow the dtype, and of two the greater ones count
            (float64 1e-7 and 1e-7, float32 1.3e-6 and 1e-5, float16 1e-3 and 1e-5, bfloat16 1.6e-2 and 1e-5,
            complex as their parts, all else exact).
        atol: see `rtol`.
        equal_nan: whether NaN is close to NaN.
        check_device: whether the devices must be the same.
        check_dtype: whether the dtypes, or types of numbers, must be the same.
        check_layout: whether the layouts must be the same; there is one, strided.
        check_stride: whether the strides must be the same.
        msg: the message instead, or a function that makes it of this one.

    Raises:
        AssertionError: for values that are not close, or attributes that differ.
        ValueError: for `rtol` without `atol`, or the other way round.
        TypeError: for what cannot be compared.

    Follows `torch.testing.assert_close`.

    >>> rt.testing.assert_close(rt.ones(2), rt.tensor([1.0, 1.0 + 1e-7]))
    >>> rt.testing.assert_close({"a": 1}, {"a": 2})
    Traceback (most recent call last):
    ...
    AssertionError: Scalars are not equal!
    <BLANKLINE>
    Expected 2 but got 1.
    Absolute difference: 1
    Relative difference: 0.5
    <BLANKLINE>
    The failure occurred for item ['a']
    """
    if (rtol is None) != (atol is None):
        absent = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {absent}.")
    if not allow_subclasses and type(actual) is not type(expected):
        raise TypeError(
            f"assert_close: {type(actual).__name__} and {type(expected).__name__} are different types; try "
            "allow_subclasses=True"
        )
    check = {"device": check_device, "dtype": check_dtype, "stride": check_stride}
    _Comparison(rtol, atol, equal_nan, check, msg).compare(actual, expected, ())
