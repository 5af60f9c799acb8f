"""Trains a small convolutional network on the handwritten digits until it reads 98 % of the test images."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rustorch.bench.terminal import Console

if TYPE_CHECKING:
    from rustorch import Tensor

TARGET = 0.98
MAX_EPOCHS = 40
BATCH = 32
BAR_WIDTH = 24
SHADES = " ░▒▓█"


@dataclass
class Result:
    """What a training run came to; one entry an epoch in the lists."""

    parameters: int
    train_images: int
    test_images: int
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    seconds: float = 0.0  # of training and testing, without loading the data

    @property
    def epochs(self) -> int:
        """How many passes over the training images were made."""
        return len(self.losses)

    @property
    def reached(self) -> bool:
        """Whether the last accuracy is the one aimed at."""
        return bool(self.accuracies) and self.accuracies[-1] >= TARGET

    @property
    def images_per_second(self) -> float:
        """Training images seen in a second."""
        return self.epochs * self.train_images / self.seconds

    def as_json(self) -> dict[str, object]:
        """The figures, ready for JSON."""
        return {
            "data": "UCI handwritten digits",
            "target": TARGET,
            "reached": self.reached,
            "seconds": self.seconds,
            "epochs": self.epochs,
            "images_per_second": self.images_per_second,
            "parameters": self.parameters,
            "train_images": self.train_images,
            "test_images": self.test_images,
            "losses": self.losses,
            "accuracies": self.accuracies,
        }


def make_network() -> Any:
    """Two convolutions, a pooling and two linear layers: 38 thousand parameters."""
    from rustorch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def accuracy(network: Any, images: Tensor, labels: Tensor) -> tuple[float, Tensor]:
    """The share of images read correctly, and what the network read."""
    import rustorch as rt

    network.eval()
    with rt.no_grad():
        read = network(images).argmax(1)
    network.train()
    return (read == labels).sum().item() / len(labels), read


def train(console: Console, seed: int = 0) -> Result:
    """Trains, with a progress bar, and reports."""
    import rustorch as rt
    from rustorch.datasets import load_digits
    from rustorch.utils.data import DataLoader, TensorDataset

    images, labels = load_digits("train")
    test_images, test_labels = load_digits("test")
    rt.manual_seed(seed)
    network = make_network()
    loss_of = rt.nn.CrossEntropyLoss()
    optimizer = rt.optim.AdamW(network.parameters(), lr=3e-3)
    loader: Any = DataLoader(TensorDataset(images, labels), batch_size=BATCH, shuffle=True)
    result = Result(sum(p.numel() for p in network.parameters()), len(labels), len(test_labels))

    console.heading(
        "Training",
        f"convolutional network, {result.parameters:,} parameters, on the UCI handwritten digits"
        f" to {TARGET:.0%} test accuracy",
    )
    start = time.perf_counter()
    while result.epochs < MAX_EPOCHS and not result.reached:
        total, last_drawn = 0.0, 0.0
        for batch, (x, y) in enumerate(loader, 1):
            optimizer.zero_grad()
            loss = loss_of(network(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
            now = time.perf_counter()
            if now - last_drawn > 0.05:
                bar = console.style(console.bar(batch / len(loader), BAR_WIDTH), "cyan")
                console.transient(f"  epoch {result.epochs + 1:>2}  {bar}  loss {total / batch:.4f}")
                last_drawn = now
        result.losses.append(total / len(loader))
        share, read = accuracy(network, test_images, test_labels)
        result.accuracies.append(share)
        result.seconds = time.perf_counter() - start
        bar = console.style(console.bar(1.0, BAR_WIDTH), "cyan")
        console.line(
            f"  epoch {result.epochs:>2}  {bar}  loss {result.losses[-1]:.4f}"
            f"  test {share:>6.1%}  {result.seconds:>5.1f} s"
        )
    draw_digits(console, test_images, test_labels, read)
    report(console, result)
    return result


def draw_digits(console: Console, images: Tensor, labels: Tensor, read: Tensor) -> None:
    """Six test images and what the network read, the misread ones first. Only where shades can be shown."""
    if not console.unicode:
        return
    wrong = (read != labels).nonzero().flatten().tolist()[:3]
    chosen = wrong + [i for i in range(len(labels)) if i not in wrong][: 6 - len(wrong)]
    pixels = [images[i, 0].tolist() for i in chosen]
    console.line()
    for y in range(8):
        lines = ("".join(SHADES[round(value * 4)] * 2 for value in image[y]) for image in pixels)
        console.line("  " + "".join(line[:15].ljust(16) for line in lines))
    captions = []
    for i in chosen:
        is_right = int(read[i]) == int(labels[i])
        text = f"read {int(read[i])}" + ("" if is_right else f", is {int(labels[i])}")
        captions.append(console.style(f"{text:<16}", "green" if is_right else "red"))
    console.line("  " + "".join(captions))


def report(console: Console, result: Result) -> None:
    """Prints what the training came to."""
    share = f"{result.accuracies[-1]:.1%} of {result.test_images} test images read correctly"
    console.line()
    if result.reached:
        console.line(
            "  "
            + console.style(f"{share} after {result.seconds:.1f} s", "bold", "green")
            + f": {result.epochs} epochs of {result.train_images:,} images,"
            f" {result.images_per_second:,.0f} images a second"
        )
    else:
        console.line(
            "  "
            + console.style(f"Missed {TARGET:.0%}: {share}", "bold", "red")
            + f" after {result.epochs} epochs and {result.seconds:.1f} s"
        )
