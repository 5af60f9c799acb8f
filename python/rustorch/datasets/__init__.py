"""Small real data sets that come with the package, for examples, tests and benchmarks."""

from rustorch.datasets.digits_loader import DIGITS_SPLITS, load_digits

__all__ = ["DIGITS_SPLITS", "load_digits"]
