"""Exports whose inputs have ranges of sizes, or several shapes: one package, right at all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import nn
from rustorch.coreml import EnumeratedShapes, RangeDim, export, to_model
from rustorch.coreml.interpreter import Runner
from rustorch.coreml.mil.program import SizeRange
from rustorch.errors import ArgumentError, OpError, UnsupportedOperation

from .test_export import departure, made

B, N = RangeDim(1, 4), RangeDim(1, 12)
H, W = RangeDim(8, 12), RangeDim(8, 12)


def numbers(*shape: int) -> Any:
    return rt.randn(*shape)


def words(*shape: int) -> Any:
    return rt.randint(0, 50, shape)


def net(name: str) -> Any:
    return made(name)[0]


# Name: function, example, shape, and shapes of inputs to try. Each is tried where no recording was made.
NETS: dict[str, tuple[Any, Any, Any, list[tuple[int, ...]]]] = {
    "mlp": (net("mlp"), numbers(2, 6), (N, 6), [(1, 6), (7, 6), (11, 6)]),
    "unet": (net("unet"), numbers(1, 3, 10, 10), (1, 3, H, W), [(1, 3, 8, 12)]),
    "vit": (net("vit"), numbers(2, 3, 8, 8), (B, 3, H, W), [(1, 3, 12, 9), (3, 3, 9, 8)]),
    "encoder": (net("encoder"), numbers(2, 7, 32), (B, N, 32), [(1, 1, 32), (3, 5, 32)]),
    "gpt": (net("gpt"), words(2, 9), (B, RangeDim(1, 16)), [(1, 1), (3, 7), (4, 16), (2, 15)]),
    "gpt of shapes": (net("gpt"), words(2, 9), EnumeratedShapes([(1, 1), (2, 9), (1, 16)]), [(1, 1)]),
    "lstm": (net("bilstm"), numbers(4, 2, 5), (N, B, 5), [(1, 1, 5), (9, 3, 5)]),
    "norms": (net("norms"), numbers(2, 4, 5, 5), (B, 4, H, 5), [(1, 4, 9, 5), (3, 4, 11, 5)]),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_nets(name: str) -> None:
    rt.manual_seed(5)
    f, example, shape, trials = NETS[name]
    target = "iOS18" if name in ("gpt", "lstm", "vit") else "iOS15"
    model = to_model(f, example, inputs={"x": shape}, precision="float32", target=target)
    runner = Runner(model)
    for sizes in trials:
        x = words(*sizes) if example.dtype is rt.int64 else numbers(*sizes)
        with rt.no_grad():
            expected = f(x)
        expected = expected[0] if isinstance(expected, tuple) else expected
        found = next(iter(runner.predict(x).values()))
        assert found.shape == expected.shape and departure(found, expected) <= 1e-5


# Functions of a [4, 3] and, if they take a second, a [5, 3]; the first size of each varies.
CALLS: dict[str, Any] = {
    "size as a number": lambda a: a * a.shape[0] + 1 / a.shape[1],
    "arange": lambda a: a * rt.arange(a.shape[0]).unsqueeze(1),
    "arange of floats": lambda a: a[:, 0] + rt.arange(1.0, a.shape[0] + 1),
    "eye": lambda a: rt.eye(a.shape[0]) @ a + rt.eye(a.shape[0], 3),
    "linspace": lambda a: a[:, 0] * rt.linspace(-1, 2, a.shape[0]),
    "made": lambda a: a + rt.zeros(a.shape[0], 3) + rt.ones(a.shape[0], 1) + rt.full((1,), 2.0),
    "filled": lambda a: rt.zeros_like(a) + a.new_ones(a.shape[0], 1) * a,
    "full of the size": lambda a: a + rt.full((1, 3), a.shape[0]),
    "last": lambda a: a[-1] + a[-2:].sum() + a[1:, -2:].sum(),
    "triangle": lambda a: (rt.tril(a @ a.T), rt.triu(a @ a.T, 1), rt.tril(rt.ones(len(a), len(a)))),
    "product of sizes": lambda a, b: (a.unsqueeze(1) * b.unsqueeze(0)).reshape(-1, 3) + 1,
    "made of a product": lambda a, b: rt.ones(a.shape[0] * b.shape[0]) * a.sum() + b.mean(),
    "made of a square": lambda a: rt.arange(2 * a.shape[0] * a.shape[0]) + a.sum(),
    "sum of sizes": lambda a, b: rt.cat([a, b]) * (a.shape[0] + 2 * b.shape[0]),
    "matrix product": lambda a, b: (a @ b.T).transpose(0, 1),
    "expand": lambda a: rt.ones(1, 3).expand(a.shape[0], 3) * a,
    "repeat": lambda a: a.repeat(2, 1).view(2, a.shape[0], 3),
    "roll, flip, pad": lambda a: F.pad(a.roll(1, 0).flip(0), (1, 1, 2, 0))[1:-1],
    "chunk": lambda a: a.T.chunk(3)[1] + a.mean(0, keepdim=True).T,
    "var": lambda a: a.var(0) + a.std() + F.softmax(a, 0).sum(0),
    "argmax": lambda a: (a.argmax(), a.argmax(0), a.flatten().cumsum(0)),
    "written": lambda a: _written(a),
    "upsample": lambda a: F.interpolate(a[None, None], scale_factor=2, mode="bilinear"),
    "nearest": lambda a: F.interpolate(a[None, None], scale_factor=(3, 2)),
    "causal": lambda a: F.scaled_dot_product_attention(a[None], a[None], a[None], is_causal=True),
}


def _written(a: Any) -> Any:
    b = a.clone()
    b[1:, 1] = 5
    return b


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    rt.manual_seed(5)
    f = CALLS[name]
    names = "ab"[: f.__code__.co_argcount]
    examples = tuple(numbers(n, 3) for n, _ in zip((4, 5), names))
    shapes = {name: (RangeDim(2, 12), 3) for name in names}
    model = to_model(f, examples, inputs=shapes, precision="float32", target="iOS18")
    for sizes in ((2, 3), (3, 7), (11, 2), (12, 12)):
        given = [numbers(n, 3) for n, _ in zip(sizes, names)]
        expected = f(*given)
        found = Runner(model).predict(*given).values()
        for x, y in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
            y = y if y.dim() else y.reshape(1)
            assert x.shape == y.shape and departure(x.float(), y.float()) <= 1e-5


def test_one_range_is_one_size() -> None:
    shapes = {"a": (N, 3), "b": (N, 3)}
    model = to_model(lambda a, b: a + b, (rt.ones(4, 3), rt.ones(4, 3)), inputs=shapes, verify=True)
    assert Runner(model).predict(rt.ones(9, 3), rt.ones(9, 3))["output"].sum() == 54


def test_the_interface_says_what_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "net.mlpackage"
    shapes = {"x": (RangeDim(2, 12, default=3), 6), "y": None}
    export(lambda x, y: x + y, (rt.ones(4, 6), rt.ones(1, 6)), path, inputs=shapes)
    model = rt.load_model(path)
    x, y = (feature.type for feature in model.description.inputs)
    assert (x.shape, x.shape_range) == ((3, 6), (SizeRange(2, 12), SizeRange(6, 6)))
    assert (y.shape, y.shape_range) == ((1, 6), ())
    with pytest.raises(ValueError, match="takes the sizes 2 to 12, 6 to 6"):
        model.predict(rt.ones(13, 6), rt.ones(1, 6))

    several = EnumeratedShapes([(1, 6), (8, 6)], default=(8, 6))
    export(nn.ReLU(), rt.ones(1, 6), path, inputs={"x": several})
    model = rt.load_model(path)
    (x,) = (feature.type for feature in model.description.inputs)
    assert (x.shape, x.enumerated_shapes) == ((8, 6), ((8, 6), (1, 6)))
    assert model.predict(rt.ones(1, 6))["output"].shape == (1, 6)
    with pytest.raises(ValueError, match="takes the shapes"):
        model.predict(rt.ones(2, 6))


def test_a_slice_of_everything_is_tried() -> None:
    """At the upper end the recording has no slice; that the package holds there is seen by running it."""
    table = rt.randn(12, 3)
    model = to_model(lambda a: table[: len(a)] * a, rt.ones(4, 3), inputs={"a": (N, 3)}, precision="float32")
    assert departure(Runner(model).predict(rt.ones(12, 3))["output"], table) <= 1e-6


def halves(a: Any) -> Any:
    return a.sum() if len(a) > 5 else a.mean()


REFUSED: dict[str, tuple[type[Exception], str, Any]] = {
    "branches": (OpError, r"other results than the module at \[12, 3\]", halves),
    "numbers": (UnsupportedOperation, r"other= of div at .*test_shapes.* 2.0, ", lambda a: a / len(a) ** 0.5),
    "tensors": (
        UnsupportedOperation,
        "constant tensor that depends on the inputs' shapes",
        lambda a: a * rt.tensor([float(len(a))]),
    ),
    "lowerings": (
        UnsupportedOperation,
        r"adaptive_avg_pool1d \(.*inputs' shapes.*\) at .*test_shapes",
        lambda a: F.adaptive_avg_pool1d(a.T[None], 2),
    ),
    "cubes": (
        UnsupportedOperation,
        r"a size of 8, .*1728 follows from no size that is known",
        lambda a: rt.ones(a.shape[0] ** 3) * a.sum(),
    ),
    "sizes": (OpError, r"at a \[12, 3\]: .*narrower", lambda a: a + rt.ones(8, 3)[: len(a)]),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_vary_is_named(what: str) -> None:
    error, text, f = REFUSED[what]
    with pytest.raises(error, match=text):
        to_model(f, rt.ones(4, 3), inputs={"a": (RangeDim(2, 12), 3)})


def test_networks_need_a_system_that_has_them() -> None:
    net, x, shapes = nn.GRU(3, 4).eval(), rt.ones(4, 1, 3), {"x": (N, 1, 3)}
    with pytest.raises(UnsupportedOperation, match='try target="macOS15", where a GRU is one'):
        to_model(net, x, inputs=shapes)
    to_model(net, x, inputs=shapes, target="macOS15", verify=True)
    projected = nn.LSTM(3, 4, proj_size=2).eval()
    with pytest.raises(UnsupportedOperation, match=r"a fixed length: Core ML's lstm has no projection"):
        to_model(projected, x, inputs=shapes, target="macOS15")
    to_model(projected, x, target="macOS15", verify=True)


def test_shapes_that_make_no_sense() -> None:
    x = rt.ones(4, 3)
    shapes = EnumeratedShapes([(4, 3), (5, 3)]), EnumeratedShapes([(4, 3), (5, 3), (6, 3)])
    for make, text in (
        (lambda: RangeDim(5, 2), "lower_bound <= default"),
        (lambda: RangeDim(1, 4, default=9), "lower_bound <= default"),
        (lambda: EnumeratedShapes([(1,), (1, 2)]), "one rank"),
        (lambda: EnumeratedShapes([(1,), (2,)], default=(3,)), "none of the shapes"),
        (lambda: to_model(nn.ReLU(), x, inputs={"x": (N, 4)}), "does not fit"),
        (lambda: to_model(nn.ReLU(), x, inputs={"x": (N, 3), "y": None}), "needs 1 names"),
        (
            lambda: to_model(rt.add, (x, x), inputs={"input": shapes[0], "other": shapes[1]}),
            "inputs of enumerated shapes need as many each",
        ),
        (lambda: to_model(rt.jit.trace(nn.ReLU(), x), x, inputs={"x": (N, 3)}), "recorded with"),
    ):
        with pytest.raises(ArgumentError, match=text):
            make()
