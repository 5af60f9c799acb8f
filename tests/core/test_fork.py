"""A fork while other threads compute: the child finds the locks of the process free."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

import rustorch as rt

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # The child may find the allocator of AddressSanitizer locked by a thread that it does not have.
    pytest.mark.skipif(
        "RUSTORCH_SANITIZED" in os.environ, reason="a sanitizer's own locks are not kept free"
    ),
]


def double(grad: Any) -> Any:
    return grad * 2


def random_gradient_and_hooks() -> bool:
    rt.manual_seed(7)
    x = rt.rand(20_000, requires_grad=True)
    handle = x.register_hook(double)
    x.sum().backward()
    handle.remove()
    assert x.grad is not None
    return x.grad.sum().item() == 40_000 and 0 <= x.min().item() < x.max().item() < 1


def test_a_child_forked_among_busy_threads_computes() -> None:
    stop = threading.Event()
    good = [True] * 4

    def hammer(i: int) -> None:
        while not stop.is_set():
            good[i] &= random_gradient_and_hooks()

    threads = [threading.Thread(target=hammer, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(50):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    signal.alarm(20)  # ends a child that waits for ever
                    status = 0 if random_gradient_and_hooks() else 2
                finally:
                    os._exit(status)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 0
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert all(good)
