from __future__ import annotations

import os
import sys

import pytest

import rustorch

from . import cuda
from .emulator import Emulator

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def own_kernels_in_a_sweep() -> None:
    """tools/gpu_sweep.py is about our kernels: NVIDIA's libraries do not take their place."""
    if os.environ.get("RUSTORCH_SWEEP", "").startswith("cuda"):
        rustorch.cuda.matmul.enabled = rustorch.cuda.cudnn.enabled = False


@pytest.fixture(scope="session", params=[False, True], ids=["plain", "checked"])
def emulator(request: pytest.FixtureRequest) -> Emulator:
    return Emulator(request.param)


@pytest.fixture(scope="session", params=["plain", "checked", "cuda"])
def executor(request: pytest.FixtureRequest) -> Emulator | cuda.Cuda:
    """Everything that runs shaders here."""
    if request.param != "cuda":
        return Emulator(request.param == "checked")
    reason = cuda.why_not()
    if reason:
        pytest.skip(reason)
    return cuda.Cuda()


@pytest.fixture(scope="session")
def checked() -> Emulator:
    return Emulator(True)
