"""Dtype names and groups, and the NumPy side of each dtype.

The table speaks of dtypes by name ("float32"), so that it belongs to no library.
NumPy has no bfloat16: its values travel as float32 arrays that hold only bfloat16 values.
"""

from __future__ import annotations

import numpy as np

FLOATS = ("float32", "float64")
HALVES = ("float16", "bfloat16")
ALL_FLOATS = FLOATS + HALVES
SIGNED = ("int8", "int16", "int32", "int64")
INTS = ("uint8", *SIGNED)
BOOL = ("bool",)
COMPLEX = ("complex64", "complex128")
REAL = ALL_FLOATS + INTS + BOOL
NUMERIC = ALL_FLOATS + INTS + COMPLEX
EVERY = ALL_FLOATS + INTS + BOOL + COMPLEX

# (rtol, atol) as torch.testing.assert_close takes them by default; exact for every other dtype.
TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}

REAL_OF = {"complex64": "float32", "complex128": "float64"}
COMPLEX_OF = {"float16": "complex64", "float32": "complex64", "float64": "complex128"}


def is_float(name: str) -> bool:
    return name in ALL_FLOATS


def is_complex(name: str) -> bool:
    return name in COMPLEX


def is_integral(name: str) -> bool:
    """Integers and bool."""
    return name in INTS or name == "bool"


def category(name: str) -> int:
    """0 bool, 1 integer, 2 floating, 3 complex: a higher category wins in promotion."""
    if name == "bool":
        return 0
    if name in INTS:
        return 1
    return 3 if is_complex(name) else 2


def can_cast(source: str, target: str) -> bool:
    """Whether a result of dtype `source` may be written into a tensor of dtype `target`."""
    a, b = category(source), category(target)
    return not ((a == 3 and b != 3) or (a == 2 and b < 2) or (a == 1 and b == 0))


def carrier(name: str) -> np.dtype:
    """The NumPy dtype that holds the values of dtype `name`."""
    return np.dtype("float32" if name == "bfloat16" else name)


def wide(name: str) -> np.dtype:
    """The NumPy dtype in which the oracle computes: floats in float64, complex in complex128."""
    if is_float(name):
        return np.dtype("float64")
    return np.dtype("complex128") if is_complex(name) else np.dtype(name)


def round_bfloat16(values: np.ndarray) -> np.ndarray:
    """float32 values rounded to the nearest bfloat16, ties to even."""
    x = np.ascontiguousarray(values, dtype=np.float32)
    bits = x.view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32)
    out = rounded.view(np.float32).reshape(np.shape(values))
    return np.where(np.isnan(x.reshape(np.shape(values))), np.float32(np.nan), out).astype(np.float32)


def cast(values: np.ndarray, name: str) -> np.ndarray:
    """`values` rounded to dtype `name`, in the carrier of that dtype."""
    with np.errstate(all="ignore"):
        if name == "bfloat16":
            return round_bfloat16(np.asarray(values, dtype=np.float32))
        return np.asarray(values).astype(carrier(name))
