"""Functions in the subset of Python that script() compiles, with arguments that take their branches apart."""

# ruff: noqa: UP006, UP035, UP045
from __future__ import annotations

import math
from typing import List, NamedTuple, Optional, Tuple

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import Tensor

SCALE = 2.5


def arithmetic(x, y, n: int, s: float):
    a = x + y * n - s / 2
    b = 2 - x.detach() // 3
    c = -a % 2 + x**2
    d = n // 3 + n % 3 - n * 2
    return a, b, c, d, n / 2, s**2, -n, +s, 7 // n, -7 % n


def comparisons(x, n: int, s: float):
    return x < 0, 1 >= x, n == 3, n != 3 and s > 0.5, 0 < n <= 3, not n, s < n, x == x


def branches(x, n: int):
    if n > 2:
        y = x * 2
    elif n == 2:
        y = x - 1
    else:
        y = x
    if x.sum() > 0 and n != 0:
        y = y + 1
    return y if n % 2 else -y


def early(x, n: int):
    if n < 0:
        return x
    y = x * 2
    if x.sum() > 0:
        if n > 2:
            return y + 1
        y = y - 3
    else:
        return y * 0.5
    return y + n


def loops(x, n: int):
    total = rt.zeros(2)
    for i in range(n):
        for j in range(i, n, 2):
            if j == 3:
                continue
            if total.sum() > 20:
                break
            total = total + x * j
        total += 1
    for i in range(n, 0, -1):
        total = total - i
    return total


def found(x, n: int):
    for i in range(n):
        if x[i] > 0:
            return i, x[i]
    return -1, x[0]


def nested_return(x, n: int):
    i = 0
    while True:
        i += 1
        for j in range(i):
            if i * j > n:
                return x * i + j
        if i > 10:
            break
    return x


def newton(x):
    y = x
    steps = 0
    while (y * y - x).abs() > 1e-4 and steps < 50:
        y = 0.5 * (y + x / y)
        steps = steps + 1
    return y, steps


def rnn(x, h, w):
    outputs = []
    for t in range(x.size(0)):
        h = rt.tanh(x[t] + h @ w)
        outputs.append(h)
    return rt.stack(outputs), h


def lists(x, n: int):
    a: List[int] = []
    b = [1.5, 2.5]
    for i in range(n):
        a.append(i * i)
        if i % 2 == 0:
            b.append(i / 2)
    c = a
    c.append(7)
    parts = x.split(1)
    total = 0
    for v in a:
        total += v
    for part in parts:
        x = x + part.sum()
    last = a[-1] if len(a) > 2 else 0
    return a, b, len(b), total, last, x, a[1:], b[::-1], [v + 1 for v in a], [w * 2 for w in b if w > 1]


def rows(x):
    total = x[0] * 0
    for i, row in enumerate(x):
        total = total + row * i
    for a, b in zip(x, [1, 2]):
        total = total + a * b
    return total, len(x)


def indexing(x, i: int):
    a = x[i]
    b = x[:, i]
    c = x[1:, None, : i + 1]
    d = x[..., -1]
    e = x[..., None, 0:1]
    f = x[x > 0]
    g = x[rt.tensor([1, 0])]
    h = x[:, rt.tensor([0, 0, 1])]
    return a, b, c, d, e, f, g, h


def writing(x, i: int):
    y = x.clone()
    y[i] = 5
    y[:, 0] += 2
    y[0, 1] = x[1, 1]
    y[y > 4] = 0
    y[rt.tensor([0])] = x[1]
    z = y[0]
    z.mul_(2)
    y -= 1
    y.clamp_(min=-1)
    return y, z


def writing_in_blocks(x, n: int):
    y = x.clone()
    row = y[0]
    for i in range(n):
        if i % 2 == 0:
            row.add_(i)
        else:
            y.mul_(0.5)
    return y, row


def optionals(x, bias: Optional[Tensor] = None, scale: Optional[float] = None):
    if bias is not None:
        x = x + bias
    if scale is None:
        s = 1.0
    else:
        s = scale
    return x * s, bias is None


def late(x, n: int):
    h = None
    for i in range(n):
        if h is None:
            h = x * i
        else:
            h = h + x
    if h is None:
        h = x
    return h


def tuples(x, pair: Tuple[Tensor, int]):
    y, n = pair
    state = (x, y)
    for i in range(n):
        a, b = state
        state = (b, a + i)
    first, _ = state
    values, indices = x.max(0)
    m = x.max(0)
    return state, first, values, indices, m.values, (n, (n, 1))[1]


def dicts(x, n: int):
    d = {"a": x, "b": x * 2}
    d["c"] = d["a"] + 1
    if n > 1:
        d["a"] = d["b"] * n
    for key in d:
        x = x + d[key]
    total = x
    for _, value in d.items():
        total = total + value
    return d, total, "a" in d


def shapes(x):
    n, m = x.shape
    k = x.size(-1) * 2
    y = x.reshape(m, n).view(-1)
    z = rt.zeros(n, k, dtype=x.dtype)
    return y, z, x.shape, x.dim(), x.numel(), x.dtype == rt.float32, list(x.shape), x.size()


def conversions(x, n: int):
    i = int(x.sum())
    f = float(n) + float(x[0])
    b = bool(n)
    item = x.sum().item()
    return (
        i,
        f,
        b,
        item,
        int(-2.7),
        abs(n - 5),
        min(n, 3),
        max(2, n, i),
        math.sqrt(n),
        math.floor(f),
        rt.tensor(n),
        rt.tensor(f),
    )


def short_circuit(x, n: int):
    if n > 0 and x[n - 1] > 0:
        a = 1
    else:
        a = 0
    if n == 0 or x[n - 1] < 0:
        a += 2
    return a, n > 5 or not (n < 2)


def strings(x, mode: str = "sum"):
    if mode == "sum":
        return x.sum()
    elif mode == "mean":
        return x.mean()
    raise ValueError("mode is sum or mean")


def helper(x, k: int = 3):
    if k > 2:
        return x * k
    return x + k


@rt.jit.script
def compiled_helper(x, n: int):
    for i in range(n):
        x = x + i
    return x


def calling(x, n: int):
    return helper(x) + helper(x, k=n) + compiled_helper(x, n)


def functional(x):
    y = F.softmax(F.relu(x) * SCALE, dim=-1)
    z = F.layer_norm(x, x.shape[-1:])
    return rt.cat([y, z], dim=0), rt.where(x > 0, x, y)


def without_grad(x):
    with rt.no_grad():
        w = x.sigmoid()
    return x * w


def asserting(x, n: int):
    assert n > 0, "n must be positive"
    if n > 3:
        raise ValueError("too many")
    return x / n


class Point(NamedTuple):
    x: Tensor
    y: int


def named(x, n: int):
    p = Point(x, n)
    return p.x * p.y, p


def swap(a, b, n: int):
    for _ in range(n):
        a, b = b, a + b
    return a, b


def zero_trips(x, n: int):
    last = -1
    for i in range(n):
        last = i
    while n > 100:
        n = n - 1
        x = x + 1
    return x, last, n


def scripting(x):
    if rt.jit.is_scripting():
        return x * 1
    return x


def mixed_exits(x, n: int):
    out: List[Tensor] = []
    for i in range(n):
        if i == 1:
            continue
        if i == 4:
            break
        if x.sum() > 1e6:
            return x, i
        out.append(x * i)
    if len(out) == 0:
        return x, -1
    return rt.stack(out).sum(0), len(out)


def ints(n: int, m: int):
    gcd, b = n, m
    while b != 0:
        gcd, b = b, gcd % b
    bits = 0
    while n > 0:
        bits += n % 2
        n //= 2
    return gcd, bits


def list_argument(xs: List[Tensor], ns: List[int], fs: List[float]):
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    s = 0
    for n in ns:
        s += n
    return total * s, fs + [1.0], len(ns), ns[0], xs


def _x(*shape):
    values = rt.arange(1, 1 + math.prod(shape), dtype=rt.float32)
    return (rt.sin(values * 1.3) * 2 + 0.25).reshape(shape)


# function: argument tuples
CASES = {
    arithmetic: [(_x(3), _x(3), 4, 0.5), (_x(2), _x(2), -3, 2.0)],
    comparisons: [(_x(3), 3, 0.7), (_x(3), 0, -1.0)],
    branches: [(_x(3) * sign, n) for sign in (1, -1) for n in range(4)],
    early: [(_x(3) * sign, n) for sign in (1, -1) for n in (-1, 1, 3)],
    loops: [(_x(2), n) for n in (0, 1, 4, 7)],
    found: [(_x(4), 4), (-_x(1), 1), (_x(1), 0), (rt.tensor([-1.0, -2, 3]), 3)],
    nested_return: [(_x(2), 3), (_x(2), 40), (_x(2), 1000)],
    newton: [(rt.tensor(2.0),), (rt.tensor(100.0),)],
    rnn: [(_x(5, 3), _x(3), _x(3, 3)), (_x(1, 3), _x(3), _x(3, 3))],
    lists: [(_x(3), 0), (_x(3), 5)],
    rows: [(_x(2, 3),), (_x(1, 2),)],
    indexing: [(_x(2, 3), 0), (_x(2, 3), 1), (_x(2, 3), -1)],
    writing: [(_x(2, 3), 0), (_x(2, 3), 1)],
    writing_in_blocks: [(_x(2, 2), 0), (_x(2, 2), 5)],
    optionals: [(_x(2),), (_x(2), _x(2)), (_x(2), None, 2.0), (_x(2), _x(1), 0.5)],
    late: [(_x(2), 0), (_x(2), 1), (_x(2), 3)],
    tuples: [(_x(2), (_x(2), 0)), (_x(2), (_x(2), 3))],
    dicts: [(_x(2), 0), (_x(2), 3)],
    shapes: [(_x(2, 3),), (_x(4, 1),)],
    conversions: [(_x(3), 4), (-_x(3), 0)],
    short_circuit: [(_x(3), 0), (_x(3), 1), (-_x(3), 3)],
    strings: [(_x(3),), (_x(3), "mean")],
    calling: [(_x(2), 1), (_x(2), 5)],
    functional: [(_x(2, 3),)],
    without_grad: [(_x(3),)],
    asserting: [(_x(2), 2)],
    named: [(_x(2), 3)],
    swap: [(_x(2), _x(2) + 1, n) for n in (0, 1, 4)],
    zero_trips: [(_x(2), 0), (_x(2), 3), (_x(2), 103)],
    scripting: [(_x(2),)],
    mixed_exits: [(_x(2), n) for n in (0, 1, 3, 9)] + [(_x(2) * 1e7, 3)],
    ints: [(12, 18), (7, 0)],
    list_argument: [([_x(2), _x(2)], [1, 2], [0.5])],
}
