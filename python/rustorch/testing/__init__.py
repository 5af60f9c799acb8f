"""What tests of code with tensors want: comparisons that explain themselves, and arbitrary tensors."""

from __future__ import annotations

from rustorch.testing._close import assert_close
from rustorch.testing._tensors import make_tensor

__all__ = ["assert_close", "make_tensor"]
