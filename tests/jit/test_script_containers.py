"""Scripts: lists, tuples and dicts, the items of them and of tensors, and what several names share."""

# ruff: noqa: UP006, UP035, UP045, C408, C409, C416
from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

import rustorch as rt
from rustorch import Tensor
from tests.jit.script_rows import Rows, check_agrees, check_raises, check_refused

ROWS = Rows()
X = rt.tensor([1.0, -2.0, 3.0])
M = rt.arange(6.0).reshape(2, 3)
CUBE = rt.arange(24).reshape(2, 3, 4)
WEIGHTS, CONFIG = [3, 1, 2], {"width": 2, "names": ["a", "b"]}


@pytest.mark.parametrize(("fn", "calls"), ROWS.good)
def test_it_computes_what_python_computes(fn: Any, calls: Any) -> None:
    check_agrees(fn, calls)


@pytest.mark.parametrize(("fn", "message"), ROWS.bad)
def test_it_is_refused_with_its_line(fn: Any, message: str) -> None:
    check_refused(fn, message)


@pytest.mark.parametrize(("fn", "message", "args"), ROWS.failing)
def test_it_raises_what_python_raises(fn: Any, message: str, args: Any) -> None:
    check_raises(fn, message, args)


# ---- Lists of known length ----


@ROWS.agrees((X, 2), (X, 0))
def lists_of_known_length(x, n: int):
    a = [n, 1, 2]
    b = a
    a[0] = 7
    a[-1] += n
    b.append(n)
    b.insert(1, 9)
    b.insert(-1, 8)
    popped = b.pop(), b.pop(0), b.pop(-2)
    c = a.copy()
    c.reverse()
    d = a + [5] + c
    d *= 2
    e = [x, n, "text", None, (n, 1)]
    c.extend(a)
    c.extend((n, 4))
    c += [1]
    f = list(c)
    c.clear()
    return a, b, c, d, len(d), popped, e[0], e[2], e[3], e[4][0], a[1:], a[::-1], f[:-1:2], 2 * [n], [0] * 0


@ROWS.agrees(([4, 5, 6], 1), ([4, 5, 6], -3))
def items_by_an_index_of_the_run(xs: List[int], i: int):
    known = [1, 2, 3]
    known[i] = 7
    copied = list(xs)
    copied[i] = known[i] * 2
    copied[0] += 1
    return known, copied, known[i], xs[i], (1, 2, 3)[i], known[i:], xs[:i], (xs + known)[1::2]


@ROWS.agrees(([1, 2, 3],), ([1],))
def lists_of_any_length(xs: List[int]):
    a = list(xs)
    b = a
    b.append(7)
    a.extend([8, 9])
    a += xs
    last = a.pop()
    c = a.copy()
    c.reverse()
    d = xs * 2 + c
    e: List[int] = []
    e = e + xs
    empty = [] + xs
    doubled = a
    doubled *= 2
    cleared = list(xs)
    cleared.clear()
    cleared.append(4)
    return a, b, c, d, e, empty, last, len(a), a[-1], a[1:], a[::-1], a[:1], cleared, doubled


@ROWS.agrees(([1.5, 2.0], [X, X]), ([0.5], [X]))
def lists_of_floats_and_tensors(fs: List[float], ts: List[Tensor]):
    a = list(ts)
    a[0] = a[0] + fs[0]
    a.append(ts[-1] * 2)
    b = list(fs)
    b[-1] = 9.0
    return rt.stack(a).sum(0), b, fs, len(ts), [t.sum() for t in ts], [f * 2 for f in fs if f > 1]


@ROWS.agrees((M,))
def constant_lists(x):
    return (
        x[:, WEIGHTS[1]],
        WEIGHTS[1:],
        len(WEIGHTS),
        x.sum(dim=WEIGHTS[1]),
        CONFIG["names"],
        CONFIG["width"] * x,
    )


@ROWS.agrees((X, 2), (X, 0))
def lists_under_several_names(x, n: int):
    a: List[int] = []
    b = a
    for i in range(n):
        b.append(i)
    c = [a, a]
    c[0].append(7)
    if n > 1:
        a.append(8)
    else:
        b.append(9)
    return a, b, c[1], len(b)


@ROWS.refused("this list cannot be changed: it is an argument")
def changed_argument(xs: List[int]):
    xs.append(1)  # <-
    return xs


@ROWS.refused("this list cannot be changed: it is a constant of the script")
def changed_constant():
    WEIGHTS.pop()  # <-
    return WEIGHTS


@ROWS.refused("this list cannot be changed: it is what an op gave; a copy is list(...)")
def changed_parts(x):
    parts = x.split(1)
    parts.append(x)  # <-
    return parts


@ROWS.refused("this list cannot be changed: it is one of two lists")
def changed_one_of_two(n: int):
    a = [1]
    b = [2]
    c = a if n > 0 else b
    c += [3]  # <-
    return a


@ROWS.refused("this may be a list or dict that was changed since the if that chose it")
def read_one_of_two_after_a_change(n: int):
    a = [1]
    b = [2]
    c = a if n > 0 else b
    a.append(3)
    return c  # <-


@ROWS.refused("this may be a list or dict that was changed since the if that chose it")
def read_one_of_three_after_a_change(n: int):
    a = {"k": 1}
    b = {"k": 2}
    c = a if n > 0 else b
    d = c if n > 1 else b
    a["k"] = 3
    return d["k"]  # <-


@ROWS.agrees((1, 5), (0, 5))
def one_of_two_lists(n: int, m: int):
    a, b = [1, m], [2, 3]
    c = a if n > 0 else b
    d = {"k": 1} if n > 0 else {"k": m}
    first = c[0] + d["k"]
    a.append(4)
    return first, a, b


@ROWS.refused("this list or dict is changed in two ways by the if")
def changed_in_two_ways(x, n: int):
    a = [x, 1]
    if n > 0:
        a.append("text")
    return a  # <-


@ROWS.refused("this list or dict is changed in two ways by the if")
def dict_changed_in_two_ways(x, n: int):
    d = {"a": x}
    if n > 0:
        d["b"] = x
    return d["a"]  # <-


@ROWS.refused("float in a List[int]")
def item_of_another_type(xs: List[int]):
    ys = list(xs)
    ys[0] = 1.5  # <-
    return ys


@ROWS.refused("int in a List[float]")
def appended_item_of_another_type(xs: List[float]):
    ys = list(xs)
    ys.append(1)  # <-
    return ys


@ROWS.refused("float in a List[int]")
def item_of_another_type_by_an_index_of_the_run(i: int):
    ys = [1, 2]
    ys[i] = 1.5  # <-
    return ys


@ROWS.refused("+ of List[int] and List[float]")
def sum_of_lists_of_two_types(a: List[int], b: List[float]):
    return a + b  # <-


@ROWS.refused("+ of List[number] and List[int]")
def sum_of_a_list_of_open_numbers(x, xs: List[int]):
    return [x[0].item()] + xs  # <-


@ROWS.refused("index 3 of 2 items")
def index_beyond_a_list():
    return [1, 2][3]  # <-


@ROWS.refused("index -3 of 2 items")
def write_beyond_a_list():
    a = [1, 2]
    a[-3] = 5  # <-
    return a


@ROWS.refused("an item of a list is assigned by an int index")
def write_of_a_slice():
    a = [1, 2]
    a[:1] = [5]  # <-
    return a


@ROWS.refused("an index of a list must be int, not Tensor")
def list_indexed_by_a_tensor(x, xs: List[int]):
    return xs[x]  # <-


@ROWS.refused("a bound of a slice is float")
def slice_by_a_float(xs: List[int]):
    return xs[1.5:]  # <-


@ROWS.refused("a slice with step 0")
def slice_with_step_zero():
    return [1, 2, 3][::0]  # <-


@ROWS.refused("an empty list whose items have no type")
def empty_list_of_no_type(i: int):
    a = []
    return a[i]  # <-


@ROWS.refused("a List[str] whose length is not known")
def list_of_texts_by_an_index_of_the_run(i: int):
    return ["a", "b"][i]  # <-


@ROWS.refused("a list extended by Tensor")
def extended_by_a_tensor(x):
    a = [x]
    a.extend(x)  # <-
    return a


@ROWS.refused("the method 'sort' of a list")
def sorted_list():
    a = [2, 1]
    a.sort()  # <-
    return a


@ROWS.refused("the method 'insert' of a list with these arguments")
def insert_without_an_item():
    a = [1]
    a.insert(0)  # <-
    return a


@ROWS.refused("the method 'pop' of a list with these arguments")
def pop_beyond():
    a = [1]
    a.pop(3)  # <-
    return a


@ROWS.refused("the method 'numel' of a list with these arguments")
def numel_of_a_shape(x):
    return x.shape.numel()  # <-


@ROWS.refused("the method 'append' of List[int] with these arguments")
def append_by_name():
    a = [1]
    a.append(item=2)  # <-
    return a


@ROWS.raises("range", [1], 4)
def index_beyond_in_the_run(xs: List[int], i: int):
    return xs[i]


@ROWS.raises("", [1])
def pop_of_nothing(xs: List[int]):
    ys = list(xs)
    ys.pop()
    return ys.pop()


# ---- Tuples ----


@ROWS.agrees((X, 3))
def tuples(x, n: int):
    t = (x, n) + (1.5,)
    u = t[1:]
    a, (b, c) = t[0], (n, 2)
    [d, e] = u
    f = g = n + 1
    return t, u, t[-1], len(t), a, b, c, d, e, f, g, (n,) * 3, tuple([n, 1]), tuple(), (1, 2)[::-1]


@ROWS.agrees((M, [4, 5]))
def unpacking(x, pair: List[int]):
    a, b = x
    c, d = pair
    e, f = x.shape
    values, indices = x.max(1)
    (g, h), i = [(1, 2), 3]
    return a, b, c, d, e, f, values, indices, g, h, i


@ROWS.raises("", [1, 2, 3])
def unpacking_of_too_many(xs: List[int]):
    a, b = xs
    return a + b


@ROWS.refused("3 values for 2 targets")
def unpacking_of_too_many_constants():
    a, b = (1, 2, 3)  # <-
    return a + b


@ROWS.refused("a starred target")
def starred_target():
    a, *b = (1, 2, 3)  # <-
    return a, b


@ROWS.refused("int cannot be unpacked")
def unpacked_number(n: int):
    a, b = n  # <-
    return a + b


@ROWS.refused("a tuple needs an index that is known while compiling")
def tuple_of_two_types_by_an_index_of_the_run(x, i: int):
    return (x, 1)[i]  # <-


@ROWS.refused("an assignment to an item of Tuple[int, int]")
def item_of_a_tuple():
    t = (1, 2)
    t[0] = 3  # <-
    return t


@ROWS.refused("a subscript of int")
def item_of_a_number(n: int):
    return n[0]  # <-


# ---- Dicts ----


@ROWS.agrees((X, 2), (X, 0))
def dicts(x, n: int):
    d = {"a": x, "b": n, 3: 1.5}
    e = d
    d["c"] = n + 1
    e["b"] += 1
    copied = d.copy()
    copied.update({"z": 0, "a": -x})
    if n > 1:
        d["b"] = 7
    return (
        d,
        copied,
        d.get("b"),
        d.get("q"),
        d.get("q", n),
        len(d),
        list(d.keys()),
        list(d.values())[1],
        bool({}),
    )


@ROWS.agrees((X,))
def loops_over_dicts(x):
    total, text = x, ""
    d = {"a": 1, "b": 2}
    for key, value in d.items():
        total = total + value
        text += key
        d[key] = value * 2
    for value in d.values():
        total = total * value
    return total, d, "".upper() + text, [d[k] for k in d]


@ROWS.refused("** in a dict")
def merged_dicts(x):
    d = {"a": x}
    return {**d}  # <-


@ROWS.refused("a dict needs keys that are known while compiling")
def unknown_key(n: int):
    return {n: 1}  # <-


@ROWS.refused("a dict needs a key that is known while compiling")
def item_by_an_unknown_key(n: int):
    d = {1: 2}
    return d[n]  # <-


@ROWS.refused("a dict needs a key that is known while compiling")
def write_by_an_unknown_key(n: int):
    d = {1: 2}
    d[n] = 3  # <-
    return d


@ROWS.refused("the dict has no key 'b'")
def missing_key(x):
    return {"a": x}["b"]  # <-


@ROWS.refused("the method 'pop' of a dict")
def popped_key(x):
    d = {"a": x}
    d.pop("a")  # <-
    return d


@ROWS.refused("the method 'update' of DictVal with these arguments")
def update_by_names():
    d = {"a": 1}
    d.update({"b": 2}, c=3)  # <-
    return d


@ROWS.refused("this dict cannot be changed: it is a constant of the script")
def changed_constant_dict(x):
    CONFIG["width"] = 3  # <-
    return x


@ROWS.refused("this dict cannot be changed: it is one of two dicts")
def changed_one_of_two_dicts(n: int):
    a = {"k": 1}
    b = {"k": 2}
    c = a if n > 0 else b
    c["k"] = 3  # <-
    return a


@ROWS.refused("an argument of type Dict[str, int]")
def dict_argument(d: Dict[str, int]):  # <-
    return d["a"]


# ---- Items of tensors ----


@ROWS.agrees((CUBE, 1), (CUBE, -1))
def items_of_tensors(x, i: int):
    n = rt.tensor(1)
    index = rt.tensor([0, 1])
    mask = x[:, :, 0] > 3
    return (
        (x[i], x[i, 0], x[i, 0, 1], x[(i, 1)], x[:, i], x[..., i], x[i, ..., 1], x[None], x[:, None, i]),
        (x[0:i], x[::2], x[:, 1:, ::3], x[..., None, 0], x[..., 0, None], x[..., 1:], x[:n], x[n:, 0]),
        (x[index], x[:, index], x[i, index], x[index, :, index], x[[0, 1]], x[:, [0, -1]], x[None, index]),
        (x[mask], x[x > 4], x[:, x[0, :, 0] > 2], x[mask, index[:1]], x[n], x[0, :, index], x[...]),
    )


@ROWS.agrees((M, 1), (M, 0))
def writes_to_tensors(x, i: int):
    y = x.clone()
    row = y[1]
    y[i] = 5
    y[0, i] = x[1, 2]
    y[:, 1] += 2
    y[..., -1] *= i
    y[y > 6] = -1
    y[rt.tensor([1]), rt.tensor([0])] = x[0, 0]
    y[[0]] -= 1
    y[i][0] = 9
    y[1, 1:] = True
    z = rt.zeros(2, 3, dtype=rt.int64)
    z[0] = 2.5
    z[z == 0] = 7.9
    return y, row, z


@ROWS.agrees(([1, 2, 3], True, 1), ([1, 2, 3], False, None))
def slices_by_bools_and_optionals(xs: List[int], b: bool, n: Optional[int]):
    return xs[b:], xs[n:], xs[: int(b)], xs[True:], [4, 5, 6][False:True], list(), [7, 8][b:]


@ROWS.agrees(
    (M, [1, 0]),
)
def lists_as_indices(x, xs: List[int]):
    return x[xs], x[:, xs], x[[xs[0]]], rt.tensor(xs), x.permute(xs), x.sum(xs)


@ROWS.refused("an index with two ellipses")
def two_ellipses(x):
    return x[..., 0, ...]  # <-


@ROWS.refused("... together with an index tensor")
def ellipsis_and_an_index_tensor(x):
    return x[..., rt.tensor([0])]  # <-


@ROWS.refused("an int or a slice after an index tensor")
def int_after_an_index_tensor(x):
    return x[rt.tensor([0]), 1]  # <-


@ROWS.refused("a tensor indexed by float")
def tensor_indexed_by_a_float(x):
    return x[1.5]  # <-


@ROWS.refused("a tensor of List[bool]")
def tensor_indexed_by_bools(x):
    return x[[True, False]]  # <-


@ROWS.refused("a slice of a tensor goes forward")
def slice_backward(x):
    return x[::-1]  # <-


@ROWS.refused("a tensor's items cannot be List[int]")
def items_written_from_a_list(x):
    x[0] = [1, 2, 3]  # <-
    return x


@ROWS.raises("index", M, 7)
def index_beyond_a_tensor(x, i: int):
    return x[i]


# ---- Augmented assignment ----


@ROWS.agrees((rt.tensor([6, 3]), 2))
def augmented_assignment_writes_the_tensor(x, n: int):
    y = x.clone()
    alias = y
    y += n
    y -= 1
    y *= x
    y //= 2
    y %= 7
    y **= 2
    y |= 8
    y &= 13
    y ^= 1
    y <<= n
    y >>= 1
    z = y
    z @= x
    return alias, y, z


@ROWS.agrees((X, 3, 1.5))
def augmented_assignment_of_numbers(x, n: int, s: float):
    k = n
    k += 1
    k *= 2
    k -= n
    k //= 2
    k %= 5
    k **= 2
    s /= 2
    m = 6
    m <<= 1
    m |= 1
    t = (1,)
    t += (n,)
    word = "a"
    word += "b"
    d = {"a": [1]}
    d["a"] += [n]
    total = n
    total += x
    return k, s, m, t, word == "ab", d, total


@ROWS.agrees(())
def repeated_lists_stay_the_same_list():
    a = [1]
    b = a
    a *= 2
    return a, b


@ROWS.refused("the operator Add between Optional[Tensor] and int")
def augmented_optional(y: Optional[Tensor]):
    y += 1  # <-
    return y


@ROWS.refused("a float is annotated as int")
def number_that_changes_its_type(n: int):
    n /= 2  # <-
    return n


# ---- Iteration ----


@ROWS.agrees((M, [1, 2, 3], 3), (M, [5], 1), (M, [], 0))
def iteration(x, xs: List[int], n: int):
    total = 0
    out: List[int] = []
    for i, v in enumerate(xs):
        total += i * v
    for i, v in enumerate(xs, 5):
        total += i * v
    for i, v in enumerate((7, 8), start=n):
        total += i * v
    for a, b in zip(xs, range(n)):
        total += a * b
    for a, b, c in zip(range(n), (1, 2), xs):
        total += a + b * c
    for a, b in zip((1, 2), [n, 5]):
        total += a * b
    for v in reversed(xs):
        out.append(v)
    for v in reversed((n, 2)):
        total = total * 2 + v
    for i in reversed(range(n)):
        out.append(i)
    for i in range(n, -n, -2):
        out.append(i)
    for i in range(1, 10, n + 1):
        out.append(i)
    for i, (a, b) in enumerate(zip(xs, xs)):
        total += i + a - b
    rows = x[0] * 0
    for row in reversed(x):
        rows = rows * 2 + row
    for i in range(4, 1):
        total += i
    for _ in zip():
        total += 1
    return total, out, rows, list(range(3)), list(range(n)), list(xs), list(zip(("a", "b"), (1, 2))), list(x)


@ROWS.agrees((X, [1, 2, 3], 2), (X, [], 0))
def comprehensions(x, xs: List[int], n: int):
    return (
        [v * n for v in xs],
        [v for v in xs if v > 1 if v < 3],
        [i + v for i, v in enumerate(xs)],
        [v for v in x],
        [n * 0.5 for n in (1, 2)],
        [[i, v] for i, v in enumerate((n, 4))],
        [v for v in [1, 2, 3] if v != 2],
        sum(v for v in (n, 2)),
        max(v * 2 for v in (n, 1)),
        tuple(v for v in (n, "a")),
        any(v > 2 for v in (n, 1)),
        n,
    )


@ROWS.agrees(([1, 2, 3],), ([],))
def comprehensions_within_comprehensions(xs: List[int]):
    return (
        [sum([w for w in (v, 1)]) for v in xs],
        [len([w for w in xs if w > v]) for v in xs],
        [[w + v for w in (1, 2)] for v in (3, 4)],
        [len([u for u in [w for w in xs if w > v] if u > 2]) for v in xs],
    )


@ROWS.agrees((X, 2))
def comprehension_names_are_its_own(x, n: int):
    v = x
    a = [v + n for v in (1, 2)]
    b = [n * 1.5 for n in (1.0, 2.0)]
    return a, b, v, n


@ROWS.refused("a list is changed while a loop goes over it")
def list_changed_in_its_loop(xs: List[int]):
    ys = list(xs)
    for v in ys:  # <-
        ys.append(v)
    return ys


@ROWS.refused("a list is changed while a loop goes over it")
def list_changed_in_a_loop_of_zip(x, xs: List[int]):
    ys = list(xs)
    for v, _ in zip(ys, x):  # <-
        ys[0] = v + 1
    return ys


@ROWS.refused("a list is changed while a loop goes over it")
def list_changed_in_a_loop_of_reversed(n: int):
    ys = [n, 1, 2]
    for v in reversed(ys):  # <-
        ys[0] = v + ys[0]
    return ys


@ROWS.refused("an iterator is gone over again")
def zip_gone_over_twice():
    pairs = zip((1, 2), (3, 4))
    first = [a for a, _ in pairs]
    return first, [b for _, b in pairs]  # <-


@ROWS.refused("an iterator is gone over again")
def enumeration_gone_over_twice(xs: List[int]):
    pairs = enumerate(xs)
    k = 0
    for i, v in pairs:
        k += i * v
    for i, v in pairs:  # <-
        k += i + v
    return k


@ROWS.refused("GeneratorExp is outside of the subset")
def generator_under_a_name():
    g = (v for v in (1, 2))  # <-
    return sum(g), sum(g)


@ROWS.refused("a comprehension with several loops")
def comprehension_with_two_loops():
    return [a * b for a in (1, 2) for b in (3, 4)]  # <-


@ROWS.refused("tuple() of what has no known length")
def tuple_of_a_list(xs: List[int]):
    return tuple(xs)  # <-


@ROWS.refused("a loop over int")
def loop_over_a_number(n: int):
    for i in n:  # <-
        n += i
    return n


@ROWS.refused("range() takes one to three ints")
def range_of_floats(s: float):
    return list(range(s))  # <-


@ROWS.refused("range() with step 0")
def range_with_step_zero(n: int):
    return list(range(0, n, 0))  # <-


@ROWS.refused("len() of int")
def length_of_a_number(n: int):
    return len(n)  # <-


# ---- rustorch.tensor ----


@ROWS.agrees((3, 1.5, True, [4, 5]))
def tensors_of_numbers(n: int, s: float, b: bool, xs: List[int]):
    return (
        (rt.tensor(n), rt.tensor(s), rt.tensor(b), rt.tensor(2), rt.tensor(n, dtype=rt.float64)),
        (
            rt.tensor([n, 1]),
            rt.tensor([s, 1]),
            rt.tensor([b, False]),
            rt.tensor([b, n]),
            rt.tensor((n, s, b)),
        ),
        (
            rt.tensor([[n, 1], [2, 3]]),
            rt.tensor([[1, 2.5], [3, 4]]),
            rt.tensor(xs),
            rt.tensor([b], dtype=rt.float32),
        ),
        (
            rt.tensor(xs),
            rt.tensor(xs, dtype=rt.float64),
            rt.tensor([b], dtype=rt.int8),
            rt.tensor([n], device="cpu"),
        ),
        rt.tensor(1.0, requires_grad=False),
    )


@ROWS.refused("a tensor of a number that may be int or float")
def tensor_of_an_item(x):
    return rt.tensor(x[0].item())  # <-


@ROWS.refused("tensor(requires_grad=True)")
def tensor_that_requires_grad():
    return rt.tensor(1.0, requires_grad=True)  # <-


@ROWS.refused("'dtype' must be")
def tensor_with_a_number_for_a_dtype(xs: List[int]):
    return rt.tensor(xs, dtype=3)  # <-


@ROWS.refused("a tensor of Tensor")
def tensor_of_a_tensor(x):
    return rt.tensor(x)  # <-


@ROWS.refused("a tensor of List[Nothing]")
def tensor_of_nothing():
    return rt.tensor([])  # <-


# ---- Arguments ----


@ROWS.agrees((X, [1, 2]), (X, None))
def optional_lists(x, ns: Optional[List[int]] = None):
    if ns is not None:
        return x * len(ns), ns[0] + sum([v for v in (ns[0], 1)]), ns[1:]
    return x, 0, [0]


@ROWS.agrees(([X, X],))
def a_list_without_items_types_is_of_tensors(xs: List):
    return xs[0] + xs[1]


@ROWS.agrees((X, ((1, X), 2.5)))
def nested_tuples(x, state: Tuple[Tuple[int, Tensor], float]):
    (n, y), s = state
    return x * n + y * s, state
