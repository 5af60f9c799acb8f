"""Work on two NVIDIA GPUs of one process: each tensor's own device computes, whatever device is current."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import rustorch as rt
from rustorch import cuda, nn

pytestmark = pytest.mark.skipif(cuda.device_count() < 2, reason="fewer than two CUDA devices")

FIRST, SECOND = "cuda:0", "cuda:1"
BOTH = pytest.mark.parametrize("current", [0, 1], ids=lambda i: f"cuda:{i}-is-current")


def draw(*shape: int, seed: int = 0) -> rt.Tensor:
    return rt.tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@BOTH
def test_each_computes_on_its_own(current: int) -> None:
    """Elementwise, reductions, products and convolutions by library, sorting, and checks of indices."""
    a, b, image, kernel = draw(64, 96), draw(96, 32, seed=1), draw(2, 8, 9, 9), draw(4, 8, 3, 3, seed=1)
    with cuda.device(current):
        for device in (SECOND, FIRST):
            x, y = a.to(device), b.to(device)
            convolved = nn.functional.conv2d(image.to(device), kernel.to(device))
            results = [
                (x @ y, a @ b, 1e-4),
                (convolved, nn.functional.conv2d(image, kernel), 1e-4),
                (x.exp().sum(0), a.exp().sum(0), 1e-5),
                (x.sort(dim=1).values, a.sort(dim=1).values, 0),
                (x[rt.tensor([3, -1]).to(device)], a[rt.tensor([3, -1])], 0),
            ]
            for got, expected, tolerance in results:
                assert got.device == rt.device(device)
                np.testing.assert_allclose(
                    got.cpu().numpy(), expected.numpy(), rtol=tolerance, atol=tolerance
                )
            assert cuda.current_device() == current
            with pytest.raises(IndexError):
                x[rt.tensor([64]).to(device)].cpu()


@pytest.mark.parametrize("dtype", [rt.float32, rt.float16, rt.int64, rt.bool, rt.complex64])
@pytest.mark.parametrize(("source", "target"), [(FIRST, SECOND), (SECOND, FIRST)])
def test_copies_of_any_layout(dtype: rt.dtype, source: str, target: str) -> None:
    x = rt.arange(24 * 35).reshape(24, 35).to(dtype)
    views = [
        lambda t: t,
        lambda t: t.t(),
        lambda t: t[3::4, ::2],
        lambda t: t[:1].expand(5, 35),
        lambda t: t[:0],
    ]
    for view in views:
        there = view(x.to(source))
        moved = there.to(target)
        assert moved.device == rt.device(target) and moved.dtype == dtype
        assert rt.equal(moved.cpu(), view(x))
        # Into memory that has a layout of its own, with a conversion.
        room = rt.zeros(
            *reversed(there.shape), dtype=rt.float32 if dtype != rt.complex64 else dtype, device=target
        )
        room.t().copy_(there)
        assert rt.equal(room.cpu(), view(x).to(room.dtype).t())


def test_gradients_cross_devices() -> None:
    def loss(w: rt.Tensor, v: rt.Tensor, *devices: str) -> rt.Tensor:
        hidden = (w @ w.t()).tanh().to(devices[0])
        return (hidden @ v).to(devices[1]).square().sum()

    w, v = draw(6, 6), draw(6, 3, seed=1)
    here = [t.clone().requires_grad_() for t in (w, v)]
    loss(*here, "cpu", "cpu").backward()
    there = [w.to(FIRST).requires_grad_(), v.to(SECOND).requires_grad_()]
    loss(*there, SECOND, FIRST).backward()
    for got, expected in zip(there, here):
        assert got.grad is not None and expected.grad is not None and got.grad.device == got.device
        np.testing.assert_allclose(got.grad.cpu().numpy(), expected.grad.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("optimizer", [rt.optim.AdamW, rt.optim.SGD, rt.optim.RMSprop])
def test_a_model_over_two_devices_trains(optimizer: type[rt.optim.Optimizer]) -> None:
    def train(*devices: str) -> list[float]:
        rt.manual_seed(0)
        first, second = nn.Linear(8, 16).to(devices[0]), nn.Linear(16, 2).to(devices[1])
        steps = optimizer([*first.parameters(), *second.parameters()], lr=0.05)
        x, y = draw(32, 8).to(devices[0]), draw(32, 2, seed=1).to(devices[1])
        losses = []
        for _ in range(20):
            steps.zero_grad()
            out = nn.functional.mse_loss(second(first(x).relu().to(devices[1])), y)
            out.backward()
            steps.step()
            losses.append(out.item())
        return losses

    there, here = train(FIRST, SECOND), train("cpu", "cpu")
    assert there[-1] < 0.9 * there[0]
    np.testing.assert_allclose(there, here, rtol=1e-4)


def test_random_numbers_are_each_devices_own() -> None:
    drawn = []
    for device in (FIRST, SECOND, "cpu"):
        rt.manual_seed(7)
        drawn.append(rt.rand(1000, device=device).cpu())
    assert rt.equal(drawn[0], drawn[1]) and rt.equal(drawn[0], drawn[2])
    state = cuda.get_rng_state(SECOND)
    again = rt.rand(10, device=SECOND)
    _ = rt.rand(10, device=FIRST)
    cuda.set_rng_state(state, SECOND)
    assert rt.equal(rt.rand(10, device=SECOND), again)


def test_memory_is_counted_by_device() -> None:
    before = [cuda.memory_allocated(d) for d in (FIRST, SECOND)]
    x = rt.empty(1 << 22, dtype=rt.uint8, device=SECOND)
    assert [cuda.memory_allocated(d) for d in (FIRST, SECOND)] == [before[0], before[1] + (1 << 22)]
    del x
    assert [cuda.memory_allocated(d) for d in (FIRST, SECOND)] == before


def test_streams_of_two_devices_are_in_order_by_events() -> None:
    ours, theirs = cuda.Stream(0), cuda.Stream(1)
    for value in range(30):
        with cuda.stream(ours):
            x = rt.full((1 << 20,), float(value), device=FIRST)
            for _ in range(10):
                x = x + 1
            y = x.to(SECOND, non_blocking=True)  # on both devices' current streams
        theirs.wait_stream(ours)
        theirs.wait_stream(cuda.current_stream(SECOND))
        with cuda.stream(theirs):
            z = y * 2
        del x, y
        theirs.synchronize()
        assert z.min().item() == z.max().item() == 2 * (value + 10)


def test_threads_on_their_own_devices() -> None:
    """The current device is the thread's: both send tensors to the other's GPU all the while."""
    failures: list[str] = []

    def work(own: int) -> None:
        cuda.set_device(own)
        other = f"cuda:{1 - own}"
        total = rt.zeros(257, 129, device="cuda")
        for k in range(50):
            x = rt.full((129, 257), float(k), device="cuda")
            total += (x.to(other).t() + 1).to(f"cuda:{own}") - 1
        if total.device != rt.device("cuda", own) or not bool((total == sum(range(50))).all()):
            failures.append(f"on cuda:{own}: {total}")

    threads = [threading.Thread(target=work, args=(k % 2,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == [] and cuda.current_device() == 0


def test_dlpack_says_the_device() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available() or torch.cuda.device_count() < 2:
        pytest.skip("torch sees fewer than two GPUs")
    x = rt.arange(6.0, device=SECOND).reshape(2, 3)
    y = torch.from_dlpack(x.t())
    assert y.device == torch.device("cuda", 1) and y.data_ptr() == x.data_ptr() and y.stride() == (1, 3)
    y += 1
    torch.cuda.synchronize(1)
    assert x.sum().item() == 21
    with torch.cuda.device(1):  # torch exports what is on its current device
        back = rt.from_dlpack(y)
    assert back.device == rt.device(SECOND) and back.data_ptr() == x.data_ptr()
