"""What shows only after a while: threads that compute and differentiate, a fork, memory that grows."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import rustorch as rt

pytestmark = pytest.mark.slow

# A sanitizer keeps freed memory aside for a while; leaks are found by its own check.
measures_memory = pytest.mark.skipif("RUSTORCH_SANITIZED" in os.environ, reason="freed memory is set aside")

THREADS = 8
MIB = 1 << 20


def resident() -> int:
    """Bytes of this process in memory."""
    if sys.platform.startswith("linux"):
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource  # macOS counts bytes here, and only the peak; growth shows in it all the same

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def growth(work: Callable[[], Any], repetitions: int) -> int:
    """How much memory the second half of `repetitions` calls adds; the first fills caches."""
    for _ in range(repetitions // 2):
        work()
    gc.collect()
    before = resident()
    for _ in range(repetitions - repetitions // 2):
        work()
    gc.collect()
    return resident() - before


def in_threads(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """The results of `count` threads that start together; an exception in any of them is raised here."""
    barrier = threading.Barrier(count)

    def run(i: int) -> Any:
        barrier.wait(timeout=60)
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return [f.result(timeout=120) for f in [pool.submit(run, i) for i in range(count)]]


def loss_and_gradients(seed: int) -> list[np.ndarray]:
    """A small net, forward and backward, from NumPy's random numbers."""
    rng = np.random.default_rng(seed)
    w1, w2 = (rt.tensor(rng.standard_normal(s), requires_grad=True) for s in ((8, 16), (16, 4)))
    x = rt.tensor(rng.standard_normal((32, 8)))
    hidden = rt.nn.functional.relu(x @ w1)
    loss = rt.log_softmax(hidden @ w2, dim=1)[:, 0].mean().neg()
    loss.backward()
    return [loss.detach().numpy().copy(), w1.grad.numpy().copy(), w2.grad.numpy().copy()]


def test_threads_compute_and_differentiate() -> None:
    """Every thread gets what a single thread gets."""
    expected = [loss_and_gradients(i) for i in range(THREADS)]

    def work(i: int) -> list[list[np.ndarray]]:
        return [loss_and_gradients(i) for _ in range(40)]

    for i, rounds in enumerate(in_threads(work)):
        for found in rounds:
            for f, e in zip(found, expected[i], strict=True):
                np.testing.assert_allclose(f, e, rtol=1e-12)


def test_threads_share_a_parameter() -> None:
    """Gradients from many threads into one leaf add up, none is lost."""
    w = rt.ones(64, dtype=rt.float64, requires_grad=True)
    rounds = 50

    def work(i: int) -> None:
        for _ in range(rounds):
            (w * (i + 1)).sum().backward()

    in_threads(work)
    np.testing.assert_array_equal(w.grad.numpy(), np.full(64, rounds * THREADS * (THREADS + 1) / 2))


def test_grad_mode_belongs_to_the_thread() -> None:
    def work(i: int) -> bool:
        with rt.set_grad_enabled(i % 2 == 0):
            x = rt.ones(3, requires_grad=True)
            return all((x * 2).requires_grad for _ in range(200))

    assert in_threads(work) == [i % 2 == 0 for i in range(THREADS)]
    assert rt.is_grad_enabled()


def test_threads_read_one_tensor() -> None:
    x = rt.arange(100_000, dtype=rt.float64)
    expected = float(np.arange(100_000.0).sum())
    assert set(in_threads(lambda i: [x.sum().item() for _ in range(20)][-1])) == {expected}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_computes() -> None:
    """After threads have run in the parent the child still multiplies, reduces and differentiates."""
    a = rt.ones(256, 256)
    assert (a @ a).sum().item() == 256**3
    loss_and_gradients(0)
    expected = loss_and_gradients(1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            good = (a @ a).sum().item() == 256**3
            good &= all(np.allclose(f, e) for f, e in zip(loss_and_gradients(1), expected))
            status = 0 if good else 2
        finally:
            os._exit(status)
    deadline = threading.Timer(60, os.kill, (child, 9))
    deadline.start()
    _, status = os.waitpid(child, 0)
    deadline.cancel()
    assert os.waitstatus_to_exitcode(status) == 0
    assert (a @ a).sum().item() == 256**3  # and the parent goes on


@measures_memory
def test_small_ops_do_not_leak() -> None:
    """100,000 ops over views, results of every size, and errors."""
    x = rt.ones(64, 64)

    def ten_ops() -> None:
        y = (x + 1) * 2
        z = y[1:, ::2].transpose(0, 1)
        z = z.contiguous().sum(0)
        w = rt.zeros(100)
        w[3] = 1.0
        w += 2
        assert rt.cat([z, w]).shape[0] == 163
        try:
            w.view(7, 7)
        except RuntimeError:
            return
        raise AssertionError("view of a wrong size succeeded")

    assert growth(ten_ops, 10_000) < 4 * MIB


@measures_memory
def test_training_steps_do_not_leak() -> None:
    """1,000 steps with a graph of their own each, kept graphs and second derivatives among them."""
    rng = np.random.default_rng(0)
    w1, w2 = (rt.tensor(rng.standard_normal(s), requires_grad=True) for s in ((32, 64), (64, 8)))
    x, y = rt.tensor(rng.standard_normal((128, 32))), rt.tensor(rng.integers(0, 8, 128))
    count = iter(range(10**9))

    def step() -> None:
        loss = rt.nn.functional.cross_entropy(rt.tanh(x @ w1) @ w2, y)
        if next(count) % 10 == 0:
            g1, _ = rt.autograd.grad(loss, [w1, w2], create_graph=True)
            (loss + 1e-3 * (g1 * g1).sum()).backward()
        else:
            loss.backward()
        with rt.no_grad():
            for w in (w1, w2):
                w -= 0.01 * w.grad
                w.grad = None

    assert growth(step, 1_000) < 4 * MIB


@measures_memory
def test_reference_cycles_through_the_graph_are_collected() -> None:
    """A tensor that holds its own graph in an attribute or a hook goes away with the collector."""

    def cycle() -> None:
        x = rt.ones(1000, requires_grad=True)
        y = x * 2
        y.myself = y
        y.register_hook(lambda grad, keep=x: grad)
        y.sum().backward()

    assert growth(cycle, 2_000) < 4 * MIB
