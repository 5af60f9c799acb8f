"""A network trained on the digits follows the CPU's loss curve on every device that runs shaders."""

from __future__ import annotations

import numpy as np
import pytest

import rustorch as rt
from rustorch.bench.training import make_network
from rustorch.datasets import load_digits

BATCH, STEPS = 32, 12


def loss_curve(device: str, optimizer: str) -> np.ndarray:
    images, labels = load_digits("train")
    rt.manual_seed(0)
    network = make_network().to(device)
    step = {
        "adamw": lambda: rt.optim.AdamW(network.parameters(), lr=3e-3),
        "sgd": lambda: rt.optim.SGD(network.parameters(), lr=0.3, momentum=0.9),
    }[optimizer]()
    loss_of = rt.nn.CrossEntropyLoss()
    losses = []
    for i in range(STEPS):
        rows = slice(i * BATCH % 1280, i * BATCH % 1280 + BATCH)
        step.zero_grad()
        loss = loss_of(network(images[rows].to(device)), labels[rows].to(device))
        loss.backward()
        step.step()
        losses.append(loss.item())
    assert all(p.device == rt.device(device) for p in network.parameters())
    return np.array(losses)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("device", ["emulator", "cuda"])
def test_digits(device: str, optimizer: str) -> None:
    if device == "cuda" and not rt.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    expected, found = loss_curve("cpu", optimizer), loss_curve(device, optimizer)
    assert expected[-1] < 0.97 * expected[0], "the curve falls"
    # Roundings differ in the last bit and grow from step to step.
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)
