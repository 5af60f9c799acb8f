"""Functions and modules to record: the table that the tests run through."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import nn


@dataclass(frozen=True)
class Case:
    """`make()` gives arguments, for the function `fn` or the module that `module()` makes."""

    name: str
    make: Callable[[], tuple[Any, ...]]
    fn: Callable[..., Any] | None = None
    module: Callable[[], nn.Module] | None = None
    grad: bool = True  # gradients with respect to the floating inputs are compared
    random: bool = False


def floats(*shapes: tuple[int, ...]) -> Callable[[], tuple[Any, ...]]:
    return lambda: tuple(rt.randn(*shape) for shape in shapes)


Pair = namedtuple("Pair", "left right")
TABLE = rt.tensor([10.0, 20.0, 30.0])


# ---- In place and through views ----


def add_in_place(x: Any, y: Any) -> Any:
    z = x * 1
    z.add_(y).mul_(2)
    return z


def write_slice(x: Any) -> Any:
    z = x.clone()
    z[1:3].add_(1)
    return z, z[1:3].sum()


def write_transposed(x: Any) -> Any:
    z = x.clone()
    z.t().mul_(rt.arange(4.0).reshape(4, 1))
    return z


def write_item(x: Any) -> Any:
    z = x.clone()
    z[0, 1] = 5.0
    z[:, 2] += 3
    z[1] = z[0]
    return z


def view_sees_write(x: Any) -> Any:
    z = x.clone()
    row, column, flat = z[0], z[:, 1], z.view(-1)
    z.add_(1)
    row.mul_(2)
    flat[3] = 0.0
    return row, column, flat, z


def write_through_chain(x: Any) -> Any:
    z = x.clone()
    z.unsqueeze(0).transpose(1, 2)[0, 1:].select(1, 0).fill_(7)
    return z


def write_parts(x: Any) -> Any:
    z = x.clone()
    left, right = z.chunk(2, dim=1)
    left.zero_()
    right.neg_()
    for i, row in enumerate(z.unbind(0)):
        row.add_(i)
    return z


def write_diagonal(x: Any) -> Any:
    z = x.clone()
    z.diagonal().zero_()
    z.as_strided((2, 2), (4, 1), 1).add_(1)
    z.unfold(0, 2, 2).mul_(2)
    return z


def write_out(x: Any, y: Any) -> Any:
    out = rt.empty(0)
    rt.add(x, y, out=out)
    room = rt.zeros(3, 4, 4)
    rt.mul(x, y, out=room[1])
    return out, room


def write_bool_and_cast(x: Any) -> Any:
    mask = x > 0
    mask.logical_not_()
    z = x.clone()
    z.eq_(1.0)
    whole = rt.zeros(4, 4, dtype=rt.int64)
    whole.copy_(x * 10)
    return mask, z, whole


def masked_writes(x: Any) -> Any:
    z = x.clone()
    z[z < 0] = 0.0
    z[[0, 2]] = z[[2, 0]]
    z.masked_fill_(z > 1, 1.0)
    z.scatter_(0, rt.tensor([[0, 1, 2, 3]]), 9.0)
    return z


def geometry_in_place(x: Any) -> Any:
    z = x.clone()
    z.t_()
    z.unsqueeze_(0)
    z.add_(1)
    return z.squeeze_(0)


def view_after_write(x: Any) -> Any:
    z = x.clone().t()
    z.add_(1)
    return z.t().view(-1)


def write_input(x: Any) -> Any:
    x.mul_(3)
    return x, x.sum()


def loop(x: Any) -> Any:
    total = rt.zeros(4)
    for row in x:
        total += row
    history = rt.zeros(4, 4)
    for i in range(4):
        history[i] = total * i
    return total, history


# ---- Structures, constants, dtypes ----


def nested(pair: Any, options: Any) -> Any:
    a, b = pair
    return {"sum": a + b["x"], "list": [a, (b["x"] * options["scale"], None)], "n": 3}


def named(x: Any) -> Any:
    return Pair(x + 1, OrderedDict(top=rt.max(x, dim=1), text="kept"))


def captured(x: Any) -> Any:
    inside = rt.tensor([1.0, 2.0, 3.0])
    inside[1] = 4.0
    inside += 1
    return x * TABLE + inside + rt.arange(3)


def integers(i: Any, flags: Any) -> Any:
    return (i // 3) % 2, i << 1, flags & (i > 2), i.to(rt.float64) / 7, ~flags


def scalars(x: Any) -> Any:
    return 2 - x, x**2, 1 / (x + 10), rt.where(x > 0, x, -1.5), rt.clamp(x, -1, 1), 3.0


def shapes(x: Any) -> Any:
    return x.reshape(x.shape[0] * x.shape[1]) / len(x), rt.full((x.size(0),), 2.0)


def without_grad(x: Any) -> Any:
    with rt.no_grad():
        scale = x.abs().max()
    return x / scale + x.detach() * 2 + x.data


def write_without_grad(x: Any) -> Any:
    y, z = x * 2, x * 3
    with rt.no_grad():
        y.clamp_(max=1.0)
        y[1:3].mul_(2)
    z.data.add_(1)
    z.detach()[0] = 7.0
    aside = z.detach()
    aside.mul_(x)
    return (y * y).sum() + (z * z).sum() + aside.sum()


def gradient_inside(x: Any) -> Any:
    with rt.enable_grad():
        leaf = x.detach().requires_grad_()
        (grad,) = rt.autograd.grad((leaf**3).sum(), leaf)
    return grad


def results_of_one_input(x: Any) -> Any:
    return x, x.view(-1), x.contiguous(), x.to(rt.float32)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(4, 5, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.rnn(x)


class Counting(nn.Module):
    """State that the forward pass writes."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", rt.tensor(0))
        self.scale = nn.Parameter(rt.tensor(2.0))

    def forward(self, x: Any) -> Any:
        self.steps += 1
        return x * self.scale + self.steps


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Any, *, shift: Any) -> Any:
        return self.head(self.embed(tokens) + shift)


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2), nn.Softmax(-1))


def convnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, groups=4), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2)


CASES = [
    Case("add_in_place", floats((4, 4), (4, 4)), add_in_place),
    Case("write_slice", floats((4, 4)), write_slice),
    Case("write_transposed", floats((4, 4)), write_transposed),
    Case("write_item", floats((4, 4)), write_item),
    Case("view_sees_write", floats((4, 4)), view_sees_write),
    Case("write_through_chain", floats((4, 4)), write_through_chain),
    Case("write_parts", floats((4, 4)), write_parts, grad=False),  # eager mode refuses it under grad
    Case("write_diagonal", floats((4, 4)), write_diagonal),
    Case("write_out", floats((4, 4), (4, 4)), write_out, grad=False),
    Case("write_bool_and_cast", floats((4, 4)), write_bool_and_cast, grad=False),
    Case("masked_writes", floats((4, 4)), masked_writes),
    Case("geometry_in_place", floats((2, 4)), geometry_in_place),
    Case("view_after_write", floats((3, 4)), view_after_write),
    Case("write_input", floats((4, 4)), write_input, grad=False),
    Case("loop", floats((4, 4)), loop),
    Case("nested", lambda: ((rt.randn(3), {"x": rt.randn(3)}), {"scale": 2.5}), nested),
    Case("named", floats((3, 4)), named),
    Case("captured", floats((3,)), captured),
    Case("integers", lambda: (rt.randint(0, 9, (5,)), rt.rand(5) > 0.5), integers, grad=False),
    Case("scalars", floats((5,)), scalars),
    Case("shapes", floats((3, 2)), shapes),
    Case("without_grad", floats((5,)), without_grad),
    Case("write_without_grad", floats((5,)), write_without_grad),
    Case("gradient_inside", floats((5,)), gradient_inside, grad=False),
    Case("results_of_one_input", floats((2, 3)), results_of_one_input),
    Case(
        "complex",
        lambda: (rt.randn(4, dtype=rt.complex64),),
        lambda z: (z.real * 2, rt.fft.fft(z)),
        grad=False,
    ),
    Case("half", lambda: (rt.randn(4, 4).to(rt.bfloat16),), lambda x: F.softmax(x @ x, -1)),
    Case("empty", lambda: (rt.zeros(0, 3),), lambda x: (x + 1, x.sum(0))),
    Case("random", floats((8,)), lambda x: F.dropout(x, 0.5) + rt.rand_like(x), random=True),
    Case("mlp", floats((3, 4)), module=mlp),
    Case("convnet", floats((2, 2, 8, 8)), module=convnet),
    Case("convnet_eval", floats((2, 2, 8, 8)), module=lambda: convnet().eval()),
    Case("recurrent", floats((2, 3, 4)), module=Recurrent),
    Case("encoder", floats((2, 5, 8)), module=encoder),
    Case("counting", floats((3,)), module=Counting),
]
