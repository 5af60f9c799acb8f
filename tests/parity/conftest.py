"""The op table, as tests/ops parametrizes it, and what runs of PyTorch's databases have in common."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from ..ops.conftest import pytest_generate_tests

__all__ = ["pytest_generate_tests"]


@pytest.fixture
def quiet() -> Iterator[None]:
    """Without warnings, and with PyTorch's random numbers from their start."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        yield
