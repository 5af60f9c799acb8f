"""Core ML packages: rustorch beside coremltools and torch, on ResNet-50 with random weights, in one process.

    python bench/coreml.py              # about a minute; the result is written to bench/results/

Needs the `compare` and `coreml` extras. Times are the smallest of several. A ratio is the other's time over
ours, so above 1 ours is the faster. A missed target is a line in the report, never an exit status. Nothing
runs in Core ML.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import itertools
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import rustorch as rt
from rustorch.bench.machine import describe
from rustorch.coreml import export, read_package, to_model, write_package
from rustorch.coreml.mil.program import Model

RESULTS = Path(__file__).parent / "results"
SHAPE = (1, 3, 224, 224)


@dataclass
class Result:
    name: str
    ms: float
    other: str = ""  # what it is compared with
    other_ms: float = 0
    ratio: float = 0
    target: float = 0  # least ratio
    at_most_ms: float = 0


def resnet50(lib: Any) -> Any:
    """ResNet-50 (He et al., 2015) of torch's modules or of ours."""
    nn, relu = lib.nn, lib.nn.functional.relu

    class Bottleneck(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, width: int, inner: int, stride: int) -> None:
            super().__init__()
            out = 4 * inner
            self.conv1, self.bn1 = nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner)
            self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
            self.conv3, self.bn3 = nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out)
            self.downsample = nn.Identity()
            if stride > 1 or width != out:
                self.downsample = nn.Sequential(
                    nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out)
                )

        def forward(self, x: Any) -> Any:
            y = relu(self.bn1(self.conv1(x)))
            y = relu(self.bn2(self.conv2(y)))
            return relu(self.bn3(self.conv3(y)) + self.downsample(x))

    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for inner, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            layers.append(Bottleneck(width, inner, stride if i == 0 else 1))
            width = 4 * inner
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000)).eval()


def least(f: Callable[[], Any], runs: int) -> float:
    """Milliseconds of the fastest run; one comes before, to warm up."""
    return least_of([f], runs)[0]


def least_of(functions: list[Callable[[], Any]], runs: int) -> list[float]:
    """The same of several, in turns, so that whatever the machine does meets all of them alike."""
    best = [float("inf")] * len(functions)
    for f in functions:
        f()
    for _ in range(runs):
        for i, f in enumerate(functions):
            start = time.perf_counter()
            f()
            best[i] = min(best[i], time.perf_counter() - start)
    return [seconds * 1e3 for seconds in best]


def against(name: str, ms: float, other: str, other_ms: float, target: float) -> Result:
    return Result(name, ms, other, other_ms, other_ms / ms, target)


def packages(folder: Path, runs: int) -> list[Result]:
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto.load import load

    ours, theirs = resnet50(rt), resnet50(torch)
    x, tx = rt.randn(SHAPE), torch.randn(SHAPE)
    path = folder / "ours.mlpackage"

    def convert() -> None:
        traced = torch.jit.trace(theirs, tx)
        with contextlib.redirect_stderr(io.StringIO()):  # bars of progress
            model = ct.convert(
                traced,
                inputs=[ct.TensorType("x", SHAPE)],
                convert_to="mlprogram",
                minimum_deployment_target=ct.target.macOS14,
            )
        model.save(str(folder / "theirs.mlpackage"))

    def parse() -> None:
        model = ct.models.MLModel(str(path), skip_model_load=True)
        load(model.get_spec(), 8, model.weights_dir)

    found = [
        against(
            "export, float16",
            least(lambda: export(ours, x, path), runs),
            "torch.jit.trace, coremltools' convert and save",
            least(convert, 1),
            5,
        ),
        against(
            "read a package",
            least(lambda: read_package(path), runs),
            "coremltools' load",
            least(parse, runs),
            3,
        ),
    ]
    return [*found, *one_op(folder)]


def one_op(folder: Path) -> list[Result]:
    """A package of one op: to a new place, in the place of another, and until the disk has it."""
    one, places = rt.ones(4, 4), itertools.count()
    relu, old = to_model(rt.relu, one), folder / "relu.mlpackage"

    def new() -> Path:
        return folder / f"relu-{next(places)}.mlpackage"

    def built() -> Model:
        return to_model(rt.jit.trace(rt.relu, one).graph)

    rows = {
        "one op, recorded, lowered and written": (lambda: write_package(built(), new(), sync=False), 3),
        "one op, written": (lambda: write_package(relu, new(), sync=False), 3),
        "one op, the same over an older package": (lambda: write_package(built(), old, sync=False), 0),
        "one op, exported, and on the disk": (lambda: export(rt.relu, one, new()), 0),
    }
    return [Result(name, least(f, 50), at_most_ms=target) for name, (f, target) in rows.items()]


def runs_of(folder: Path, runs: int) -> list[Result]:
    ours, theirs = resnet50(rt), resnet50(torch)
    x, tx = rt.randn(SHAPE), torch.randn(SHAPE)
    path = folder / "run.mlpackage"
    export(ours, x, path, precision="float32")
    model = rt.load_model(path)
    feed = {"input": x}
    with rt.no_grad(), torch.no_grad():
        calls = [lambda: model.predict(feed), lambda: ours(x), lambda: theirs(tx)]
        ms, eager, torch_ms = least_of(calls, runs)
        difference = float((model.predict(feed)["output"] - ours(x)).abs().max())
    print(f"the package's results differ from the module's by {difference:.1e} at most")
    return [
        against("run, float32", ms, "our module", eager, 1 / 1.1),
        against("run, float32", ms, "torch's module", torch_ms, 1 / 1.1),
    ]


def show(r: Result) -> None:
    beside = f"  {r.other}: {r.other_ms:.1f} ms, ratio {r.ratio:.2f}" if r.other else ""
    missed = (r.target and r.ratio < r.target) or (r.at_most_ms and r.ms > r.at_most_ms)
    print(f"{r.name:42} {r.ms:9.2f} ms{beside}{'  MISSED' if missed else ''}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-save", action="store_true", help="print alone")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rt.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        results = runs_of(Path(name), options.runs) + packages(Path(name), options.runs)
    for result in results:
        show(result)
    if options.no_save:
        return
    date = datetime.date.today().isoformat()
    versions = {name: version(name) for name in ("torch", "coremltools", "numpy")}
    record = {
        "date": date,
        "machine": describe(),
        "threads": options.threads,
        "versions": {"rustorch": rt.__version__, **versions},
        "results": [asdict(r) for r in results],
    }
    target = RESULTS / f"coreml-{date}.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written to {target}")


if __name__ == "__main__":
    main()
