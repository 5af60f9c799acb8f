"""The op table, as tests/ops parametrizes it."""

from ..ops.conftest import pytest_generate_tests

__all__ = ["pytest_generate_tests"]
