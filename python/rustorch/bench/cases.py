"""The table of what is timed. To add a row, add a row.

`run` is Python source over the inputs: `t` is rustorch or torch, `F` its `nn.functional`. `numpy` and `mlx`
say the same to `np` and `mx`, or are empty where the library has no short way to say it.
`nbytes` counts every input read once and every output written once; `flops` counts what a matrix product or
a convolution must do, and is left at 0 where an op is bound by memory on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

F32 = 4  # bytes
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Case:
    group: str
    name: str
    size: str
    inputs: Shapes  # normal random float32 arrays
    run: str
    numpy: str = ""
    mlx: str = ""
    setup: str = ""  # runs once, for rustorch and torch
    mlx_setup: str = ""
    nbytes: float = 0.0
    flops: float = 0.0
    writes: bool = True  # False: next to nothing, so the limit is that of reading
    quick: bool = False  # also part of --quick
    indices: Mapping[str, tuple[tuple[int, ...], int]] = field(default_factory=dict)  # shape, upper bound

    @property
    def key(self) -> str:
        """Group, name and size, as patterns of the command line see them."""
        return f"{self.group}/{self.name}/{self.size}"

    def make_inputs(self) -> dict[str, np.ndarray]:
        """The same numbers in every run and for every library."""
        import numpy as np

        generator = np.random.default_rng(0)
        arrays: dict[str, np.ndarray] = {
            name: generator.standard_normal(shape, dtype=np.float32) for name, shape in self.inputs.items()
        }
        for name, (shape, bound) in self.indices.items():
            arrays[name] = generator.integers(0, bound, shape, dtype=np.int64)
        return arrays


def _call_cost() -> list[Case]:
    """One call on next to no data: what is left is the way through the library."""
    pair: Shapes = {"a": (1,), "b": (1,)}
    ten: Shapes = {"x": (10,)}
    square: Shapes = {"a": (4, 4), "b": (4, 4)}
    chain = """
def chain():
    y = x
    for _ in range(500):
        y = y * 1.001 + 0.001
    y.backward()
    x.grad = None

x = x.reshape(()).requires_grad_()"""
    # fmt: off
    return [
        Case("call", "add", "1", pair, "a + b", "a + b", "a + b", quick=True),
        Case("call", "add, with grad", "1", pair, "a + b", setup="a.requires_grad_()", quick=True),
        Case("call", "relu", "10", ten, "x.relu()", "np.maximum(x, 0)", "mx.maximum(x, 0)", quick=True),
        Case("call", "sum", "10", ten, "x.sum()", "x.sum()", "x.sum()", quick=True),
        Case("call", "index", "10", ten, "x[3]", "x[3]", "x[3]", quick=True),
        Case("call", "view", "10", ten, "x.view(5, 2)", "x.reshape(5, 2)", "x.reshape(5, 2)"),
        Case("call", "matmul", "4x4", square, "a @ b", "a @ b", "a @ b", quick=True),
        # 500 multiplications and 500 additions of one number, and their gradients.
        Case("call", "chain, with grads", "1000 nodes", {"x": (1,)}, "chain()", setup=chain, quick=True),
    ]
    # fmt: on


def _elementwise() -> list[Case]:
    gelu = "0.5 * a * (1 + np.tanh(0.7978846 * (a + 0.044715 * a * a * a)))"
    # fmt: off
    ops = [  # name, rustorch, numpy, mlx, arrays read, arrays written, sizes
        ("add", "a + b", "a + b", "a + b", 2, 1, (10_000, 1_000_000, 10_000_000)),
        ("add, in place", "a.add_(b)", "np.add(a, b, out=a)", "", 2, 1, (10_000_000,)),
        ("exp", "a.exp()", "np.exp(a)", "mx.exp(a)", 1, 1, (10_000, 1_000_000)),
        ("tanh", "a.tanh()", "np.tanh(a)", "mx.tanh(a)", 1, 1, (1_000_000,)),
        ("gelu", "F.gelu(a, approximate='tanh')", gelu, "nn.gelu_approx(a)", 1, 1, (1_000_000,)),
        ("where", "t.where(a > 0, a, b)", "np.where(a > 0, a, b)", "mx.where(a > 0, a, b)",
         2, 1, (1_000_000,)),
        ("to float64", "a.double()", "a.astype(np.float64)", "", 1, 2, (1_000_000,)),
    ]
    # fmt: on
    return [
        Case(
            "elementwise",
            name,
            f"{n:.0e}".replace("e+0", "e"),
            {"a": (n,), "b": (n,)} if reads == 2 else {"a": (n,)},
            run,
            numpy,
            mlx,
            nbytes=(reads + writes) * n * F32,
            quick=n == 1_000_000 and name in ("add", "exp", "gelu"),
        )
        for name, run, numpy, mlx, reads, writes, sizes in ops
        for n in sizes
    ]


def _reduce() -> list[Case]:
    n, rows, columns = 1_000_000, 4096, 1024
    size, nbytes = f"{rows}x{columns}", rows * columns * F32
    # fmt: off
    ops = [  # name, rustorch, numpy, mlx, quick
        ("sum over rows", "x.sum(0)", "x.sum(0)", "x.sum(0)", False),
        ("sum over columns", "x.sum(1)", "x.sum(1)", "x.sum(1)", True),
        ("max", "x.amax(1)", "x.max(1)", "x.max(1)", False),
        ("argmax", "x.argmax(1)", "x.argmax(1)", "x.argmax(1)", False),
        ("var", "x.var(1)", "x.var(1, ddof=1)", "x.var(1, ddof=1)", True),
    ]
    # fmt: on
    return [
        Case(
            "reduce",
            "sum",
            "1e6",
            {"x": (n,)},
            "x.sum()",
            "x.sum()",
            "x.sum()",
            nbytes=n * F32,
            writes=False,
            quick=True,
        ),
        *(
            Case(
                "reduce",
                name,
                size,
                {"x": (rows, columns)},
                run,
                numpy,
                mlx,
                nbytes=nbytes,
                writes=False,
                quick=quick,
            )
            for name, run, numpy, mlx, quick in ops
        ),
        Case(
            "reduce",
            "cumsum",
            size,
            {"x": (rows, columns)},
            "x.cumsum(1)",
            "x.cumsum(1)",
            "x.cumsum(1)",
            nbytes=2 * nbytes,
        ),
    ]


def _matmul() -> list[Case]:
    # fmt: off
    shapes = [  # batch, m, k, n, size, quick
        (1, 64, 64, 64, "64", True),
        (1, 256, 256, 256, "256", False),
        (1, 1024, 1024, 1024, "1024", True),
        (1, 1, 4096, 4096, "1x4096x4096", True),
        (1, 16, 4096, 4096, "16x4096x4096", False),
        (64, 128, 128, 128, "64 of 128", False),
    ]
    # fmt: on
    return [
        Case(
            "matmul",
            "a @ b",
            size,
            {"a": (m, k), "b": (k, n)} if batch == 1 else {"a": (batch, m, k), "b": (batch, k, n)},
            "a @ b",
            "a @ b",
            "a @ b",
            nbytes=F32 * batch * (m * k + k * n + m * n),
            flops=2.0 * batch * m * k * n,
            writes=m > 1,
            quick=quick,
        )
        for batch, m, k, n, size, quick in shapes
    ]


def _conv() -> list[Case]:
    # fmt: off
    layers = [  # name, channels, side, kernel, groups, with gradients, quick
        ("3x3", 64, 56, 3, 1, False, True),
        ("3x3", 64, 224, 3, 1, False, False),
        ("3x3, with grads", 64, 56, 3, 1, True, True),
        ("1x1", 256, 56, 1, 1, False, False),
        ("3x3 depthwise", 128, 56, 3, 128, False, True),
    ]
    # fmt: on
    cases = []
    for name, channels, side, kernel, groups, grads, quick in layers:
        arguments = f"(x, w, padding={kernel // 2}, groups={groups})"
        points, weights = channels * side * side, channels * channels // groups * kernel**2
        passes = 3 if grads else 1  # output, gradient of the input, gradient of the weights
        cases.append(
            Case(
                "conv",
                name,
                f"{channels}x{side}x{side}",
                {"x": (1, channels, side, side), "w": (channels, channels // groups, kernel, kernel)},
                f"t.autograd.grad(F.conv2d{arguments}, (x, w), g)" if grads else f"F.conv2d{arguments}",
                mlx="" if grads else f"mx.conv2d{arguments}",
                setup=f"x.requires_grad_(); w.requires_grad_(); g = F.conv2d{arguments}.detach()"
                if grads
                else "",
                # MLX keeps channels last.
                mlx_setup="x = mx.contiguous(mx.transpose(x, (0, 2, 3, 1)));"
                "w = mx.contiguous(mx.transpose(w, (0, 2, 3, 1))); mx.eval(x, w)",
                nbytes=F32 * passes * (2 * points + weights),
                flops=2.0 * passes * points * (channels // groups) * kernel**2,
                quick=quick,
            )
        )
    return cases


def _network() -> list[Case]:
    softmax = "(e := np.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True)"
    norm = "(x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * w + b"
    side, rows, width = 1024, 4096, 768
    layer: Shapes = {"x": (rows, width), "w": (width,), "b": (width,)}
    call = f"F.layer_norm(x, ({width},), w, b)"
    heads, length, depth = 8, 512, 64
    one_head: Shapes = dict.fromkeys("qkv", (1, heads, length, depth))
    samples, classes, parameters = 64, 50_257, 1_000_000
    # fmt: off
    return [
        Case("network", "softmax", f"{side}x{side}", {"x": (side, side)}, "x.softmax(-1)", softmax,
             "mx.softmax(x, axis=-1)", nbytes=F32 * 2 * side * side, quick=True),
        Case("network", "layer_norm", f"{rows}x{width}", layer, call, norm,
             "mx.fast.layer_norm(x, w, b, 1e-5)", nbytes=F32 * 2 * rows * width, quick=True),
        Case("network", "layer_norm, grads", f"{rows}x{width}", layer,
             f"t.autograd.grad({call}, (x, w, b), g)",
             setup=f"x.requires_grad_(); w.requires_grad_(); b.requires_grad_(); g = {call}.detach()",
             nbytes=F32 * 5 * rows * width),
        Case("network", "cross_entropy, grad", f"{samples}x{classes}", {"x": (samples, classes)},
             "t.autograd.grad(F.cross_entropy(x, y), x)", setup="x.requires_grad_()",
             indices={"y": ((samples,), classes)}, nbytes=F32 * 3 * samples * classes),
        Case("network", "attention", f"{heads}x{length}x{depth}", one_head,
             "(q @ k.transpose(-2, -1) * 0.125).softmax(-1) @ v",
             mlx="mx.fast.scaled_dot_product_attention(q, k, v, scale=0.125)",
             nbytes=F32 * 4 * heads * length * depth, flops=4.0 * heads * length * length * depth),
        Case("network", "AdamW step", "1e6", {"p": (parameters,), "g": (parameters,)}, "optimizer.step()",
             setup="p.requires_grad_(); p.grad = g; optimizer = t.optim.AdamW([p], lr=1e-3)",
             nbytes=F32 * 7 * parameters, quick=True),
    ]
    # fmt: on


def _indexing() -> list[Case]:
    vocabulary, width, tokens, side, n = 50_000, 256, 4096, 2048, 1_000_000
    pair: Shapes = {"a": (n,), "b": (n,)}
    # fmt: off
    return [
        Case("indexing", "embedding", f"{tokens} of {vocabulary}", {"w": (vocabulary, width)},
             "F.embedding(i, w)", "w[i]", "w[i]", indices={"i": ((tokens,), vocabulary)},
             nbytes=F32 * 2 * tokens * width, quick=True),
        Case("indexing", "transpose, copied", f"{side}x{side}", {"x": (side, side)}, "x.t().contiguous()",
             "np.ascontiguousarray(x.T)", "mx.contiguous(x.T)", nbytes=F32 * 2 * side * side, quick=True),
        Case("indexing", "cat", "2 of 1e6", pair, "t.cat((a, b))", "np.concatenate((a, b))",
             "mx.concatenate((a, b))", nbytes=F32 * 4 * n),
        Case("indexing", "mask", "1e6", {"x": (n,)}, "x[x > 0]", "x[x > 0]", nbytes=F32 * 1.5 * n),
        # Compared, not rated: what sorting must move depends on the method.
        Case("indexing", "sort", "1e6", {"x": (n,)}, "x.sort()", "x[np.argsort(x)]", "x[mx.argsort(x)]"),
    ]
    # fmt: on


GROUPS = {
    "call": "cost of a call",
    "elementwise": "elementwise",
    "reduce": "reductions",
    "matmul": "matrix products",
    "conv": "convolutions",
    "network": "layers and steps",
    "indexing": "indexing and moving",
}

CASES: tuple[Case, ...] = (
    *_call_cost(),
    *_elementwise(),
    *_reduce(),
    *_matmul(),
    *_conv(),
    *_network(),
    *_indexing(),
)
