"""Scripts: numbers, booleans, strings, None and how they are compared, converted and combined."""

# ruff: noqa: UP006, UP035, UP045, E711
from __future__ import annotations

import math
from typing import Any, List, Optional

import pytest

import rustorch as rt
from rustorch import Tensor
from tests.jit.script_rows import Rows, check_agrees, check_raises, check_refused

ROWS = Rows()
X = rt.tensor([1.0, -2.0, 3.0])
INTS = rt.tensor([6, 3, 5])
LIMIT, NAME = 4, "limit"


@pytest.mark.parametrize(("fn", "calls"), ROWS.good)
def test_it_computes_what_python_computes(fn: Any, calls: Any) -> None:
    check_agrees(fn, calls)


@pytest.mark.parametrize(("fn", "message"), ROWS.bad)
def test_it_is_refused_with_its_line(fn: Any, message: str) -> None:
    check_refused(fn, message)


@pytest.mark.parametrize(("fn", "message", "args"), ROWS.failing)
def test_it_raises_what_python_raises(fn: Any, message: str, args: Any) -> None:
    check_raises(fn, message, args)


# ---- Arithmetic ----


@ROWS.agrees((7, 2), (-7, 2), (7, -2), (0, 5))
def int_arithmetic(n: int, m: int):
    return n + m, n - m, n * m, n / m, n // m, n % m, -n, +n, abs(n), n**2, 2**3, n**3


@ROWS.agrees((7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (0.25, -0.5))
def float_arithmetic(s: float, t: float):
    return s + t, s - t, s * t, s / t, s // t, s % t, -s, +s, abs(s), s**2, s + 1, 1 - s


@ROWS.agrees((2, -2), (-3, 3), (1, 0))
def powers_of_ints_are_ints_or_floats(n: int, m: int):
    return n**m, n**-1, 2**m


@ROWS.agrees((True, False), (False, True), (True, True))
def bools_are_numbers(a: bool, b: bool):
    return a + b, a - b, a * 3, a / 2, a // True, -a, abs(a), a < b, a == 1, a & b, a | b, a ^ b, a + 0.5


@ROWS.agrees((3, 0.5))
def constants_are_folded(n: int, s: float):
    k = 6
    return k + 1, k / 4, k // 4, k % 4, k << 2, k >> 1, k & 3, k | 9, k ^ 5, ~k, -k, +k, -True, k**2, "a" * 3


@ROWS.agrees((X, 2, 0.5, True))
def numbers_and_tensors(x, n: int, s: float, b: bool):
    return x + n, n - x, x * s, s / x, x // n, x % n, x**n, n**x, x + b, -x, +x, 1 + x, abs(x)


@ROWS.agrees((INTS, 1))
def bits_of_tensors(x, n: int):
    return x & n, x | 8, x ^ n, ~x, x << n, x >> n, x & x, 1 | x


@ROWS.agrees((X, rt.ones(3, 3)))
def products(x, w):
    return x @ w, x @ x, w @ w


@ROWS.refused("the operator BitAnd between int and int")
def bits_of_ints(n: int):
    return n & 3  # <-


@ROWS.refused("Invert of int")
def inverted_int(n: int):
    return ~n  # <-


@ROWS.refused("~ of a float")
def inverted_float():
    return ~1.5  # <-


@ROWS.refused("UAdd of bool")
def plus_bool(b: bool):
    return +b  # <-


@ROWS.refused("USub of str")
def minus_text(s: str):
    return -s  # <-


@ROWS.refused("the operator Add between int and str")
def number_and_text(n: int, s: str):
    return n + s  # <-


@ROWS.refused("Add: unsupported operand type(s)")
def none_and_number():
    return None + 1  # <-


@ROWS.refused("an int does not fit in 64 bits")
def too_large(x):
    return x + 2**63  # <-


@ROWS.refused("Pow: (34")
def overflowing_constant():
    return 2.0**5000  # <-


@ROWS.refused("LShift: negative shift count")
def negative_shift():
    return 1 << -1  # <-


@ROWS.refused("Pow: the result is complex")
def complex_power():
    return (-8) ** 0.5  # <-


@ROWS.refused("a constant of type complex")
def complex_constant(x):
    return x + 1j  # <-


@ROWS.refused("a constant of type bytes")
def bytes_constant():
    return b"text"  # <-


@ROWS.raises("division by zero", 1)
def constant_division_by_zero(n: int):
    if n > 0:
        return 1 // 0
    return n


@ROWS.raises("division by zero", 0.0)
def float_division_by_zero(s: float):
    return 1 / s


# ---- Comparisons ----


@ROWS.agrees((1, 2.5), (3, 3.0), (4, -1.0))
def comparisons_of_numbers(n: int, s: float):
    return n < s, n <= s, n > s, n >= s, n == s, n != s, 1 < 2, 2 <= 1.5, n == True, 0 < n <= 3 < 4  # noqa: E712


@ROWS.agrees((X, 1.0), (-X, -2.0))
def comparisons_of_tensors(x, s: float):
    return x < s, s < x, x <= s, s >= x, x == s, s != x, x > x.flip(0)


@ROWS.agrees((X[0], X[1]), (X[1], X[2]))
def chains_of_tensors_give_the_last(x, y):
    return x < y < 5, y > x > -1


@ROWS.agrees(([3, 4],), ([12, 1],))
def chains_compute_the_middle_once(xs: List[int]):
    ys = list(xs)
    inside = 0 < ys.pop() < 3
    return inside, ys


@ROWS.agrees(("sum",), ("mean",), ("",))
def comparisons_of_text(s: str):
    return (
        s == "sum",
        s != "sum",
        s in ("sum", "mean"),
        s not in ("sum", 1),
        s == 3,
        s != None,
        bool(s),
        not s,
    )


@ROWS.agrees((3,), (7,))
def values_of_two_kinds_are_never_equal(n: int):
    return n == None, n != None, n == "a", "a" == n, n in (None, 3), n in ("a", None), n == (n,), [n] == (n,)


@ROWS.agrees((X,), (INTS,))
def dtypes_and_devices(x):
    return (
        x.dtype == rt.float32,
        x.dtype != rt.int64,
        rt.float32 == rt.float32,
        x.device == rt.zeros(1).device,
        rt.float32.is_floating_point,
        rt.int64.itemsize,
        x.dtype,
    )


@ROWS.agrees((2,), (5,))
def containers_are_compared_by_their_items(n: int):
    return (n, 2) == (2, 2), (n, 2) != (2, 2), [n, 1] == [5, 1], (n,) == (n, n), (1, 2) == (1, 2), [n] != [n]


@ROWS.agrees((3,), (4,))
def membership(n: int):
    return n in (1, 3), n not in [3, 4], 2 in (1, 2), n in (n, 1), "a" in {"a": n}, "b" in {"a": n}


@ROWS.agrees(())
def membership_in_constants():
    return "im" in NAME, "x" not in "limit", 3 in [1, 2], 3 in [1, 3]


@ROWS.refused("`in` List[int]")
def in_a_list_of_unknown_length(n: int, xs: List[int]):
    return n in xs  # <-


@ROWS.refused("`in` of tensors")
def in_tensors(x):
    return x in [x]  # <-


@ROWS.refused("`in` a dict with a key that is not known")
def in_a_dict(n: int):
    return n in {1: 2}  # <-


@ROWS.refused("a comparison of containers of tensors")
def containers_of_tensors(x):
    return (x, 1) == (x, 1)  # <-


@ROWS.refused("a comparison of List[int] with Tuple[int, int]")
def shapes_with_tuples(x):
    return x.shape == (2, 3)  # <-


@ROWS.refused("'<' not supported between instances of 'str' and 'int'")
def order_of_constants():
    return "a" < 1  # <-


@ROWS.refused("a comparison of str with str")
def order_of_text(s: str):
    return s < "b"  # <-


# ---- and, or, not, if as an expression ----


@ROWS.agrees((3, 4), (0, 4), (3, 0), (0, 0))
def and_and_or_give_one_of_the_values(n: int, m: int):
    return n or m, n and m, 0 or n, 5 and n, 0 and n, 5 or n, n and m and 7, n or m or 7


@ROWS.agrees((X[0], X[1] * 0), (X[0] * 0, X[1]))
def and_and_or_of_tensors(x, y):
    return x and y, x or y, not x


@ROWS.agrees((X, 3), (X, 0), (-X, 1))
def conditions_mix_kinds(x, n: int):
    if n and x[0] > 0 and [1]:
        k = 1
    elif not (n or x.sum() < 0) or x[0] < -5:
        k = 2
    else:
        k = 3
    while not (k > 5 and True):
        k += 1
    assert n < 9 or x[0]
    return k, 1 if n and x[0] else 2, (n > 0 and n < 3) or n == 7


@ROWS.agrees((X, [1, 2]), (X, []))
def containers_are_true_if_not_empty(x, xs: List[int]):
    ys: List[int] = []
    return (
        bool(xs),
        not ys,
        bool((1,)),
        not (),
        bool({"a": 1}),
        1 if xs else 2,
        bool(rt.relu),
        bool("a"),
        bool(0),
    )


def test_and_of_a_bool_and_a_tensor_is_a_bool() -> None:
    """Python would give one or the other; the type is one, as in PyTorch's compiler."""

    def both(x, n: int):
        return n > 0 and x.sum() > 0, x.sum() > 0 and n > 0, n > 0 or x.sum() > 0, x.sum() > 0 or n > 0

    scripted = rt.jit.script(both)
    for x in (X, -X):
        for n in (0, 1):
            a, b = bool(x.sum() > 0), n > 0
            assert scripted(x, n) == (a and b, a and b, a or b, a or b)


@ROWS.refused("the value is int in one branch and bool in the other")
def and_of_a_bool_and_an_int(n: int):
    return n > 0 and n  # <-


@ROWS.refused("the value is Tensor in one branch and int in the other")
def if_of_a_tensor_and_an_int(x, n: int):
    return (x if n > 0 else 1) + 1  # <-


@ROWS.refused("the truth of a value of type Optional[Tensor]")
def truth_of_an_optional(x, y: Optional[Tensor]):
    return x if y else -x  # <-


# ---- is ----


@ROWS.agrees((X, None), (X, X))
def identity(x, y: Optional[Tensor] = None):
    return y is None, y is not None, None is y, x is None, None is None, x is x, 1 == None, rt.relu is rt.relu


@ROWS.agrees(())
def identity_of_constants():
    a = None
    return a is None, True is True, False is not True, rt.float32 is rt.float32, rt.relu is not rt.sin


@ROWS.refused("`is` between values")
def identity_of_values(n: int, m: int):
    return n is m  # <-


# ---- Conversions ----


@ROWS.agrees((3, -2.5, True, X), (0, 2.5, False, -X))
def conversions(n: int, s: float, b: bool, x):
    return (
        (int(n), int(s), int(b), int(x[1]), int(2.9), int("12"), int(True)),
        (float(n), float(s), float(b), float(x[1]), float(2), float("1.5"), float("inf")),
        (bool(n), bool(s), bool(b), bool(x[1]), bool(0.0), bool("a"), bool(None)),
        (str(3), str(None), str(2.5), "a"),
    )


@ROWS.agrees((X,), (INTS,), (X > 0,))
def items_keep_their_type(x):
    return x[0].item(), x[1].item() + 1, bool(x[0].item()), float(x[2].item())


@ROWS.refused("int() of str")
def int_of_text(s: str):
    return int(s)  # <-


@ROWS.refused("invalid literal for int()")
def int_of_a_word():
    return int("word")  # <-


@ROWS.refused("int(): too many positional arguments")
def int_with_a_base():
    return int("ff", 16)  # <-


@ROWS.refused("float() of Tuple[int, int]")
def float_of_a_tuple():
    return float((1, 2))  # <-


@ROWS.refused("str() of a value that is not known while compiling")
def text_of_a_number(n: int):
    return str(n)  # <-


@ROWS.raises("NaN", math.nan)
def int_of_nan(s: float):
    return int(s)


# ---- min, max, sum, abs, any, all, math ----


@ROWS.agrees((3, 2.5, True), (-1, 3.0, False), (3, 3.0, True))
def extremes(n: int, s: float, b: bool):
    return min(n, 2), max(n, 2), min(n, s), max(s, n), min(b, n), max([n, 2, 7]), min((s, 1.5)), max(1, 2, 3)


@ROWS.agrees((math.nan, 1.0), (1.0, math.nan))
def extremes_of_nan(a: float, b: float):
    return min(a, b), max(a, b)


@ROWS.agrees((2, 0.5))
def sums(n: int, s: float):
    return sum([n, 1]), sum((s, n)), sum([]), sum([1, n], 3), sum([s], start=n), sum(v * n for v in (1, 2))


@ROWS.agrees((X, 1), (X, 0))
def sums_of_tensors_and_all_and_any(x, n: int):
    return (
        sum([x, x]),
        any([n > 0, n > 5]),
        all([n >= 0, n < 1]),
        any([]),
        all(()),
        any([n, 0]),
        any([True, n]),
    )


@ROWS.agrees((3, True))
def absolute_values(n: int, b: bool):
    return abs(-n), abs(-3), abs(-2.5), abs(b), abs(True), abs(False)


@ROWS.agrees((2.25, 7), (0.5, -3))
def mathematics(s: float, n: int):
    return (
        math.sqrt(s), math.exp(s), math.log(s), math.log2(s), math.log10(s), math.sin(n), math.cos(s),
        math.tan(s), math.tanh(s), math.fabs(n), math.floor(s), math.ceil(-s), math.floor(n), math.pi * s,
    )  # fmt: skip


@ROWS.agrees((2**62 + 1,))
def floor_of_an_int_is_exact(n: int):
    return math.floor(n), math.ceil(n)


@ROWS.raises("math domain error", -1.0)
def root_of_a_negative_number(s: float):
    return math.sqrt(s)


@ROWS.refused("math.log() takes one argument")
def logarithm_with_a_base(s: float):
    return math.log(s, 2)  # <-


@ROWS.refused("math.sqrt: math domain error")
def root_of_a_negative_constant():
    return math.sqrt(-1)  # <-


@ROWS.refused("math.sqrt: must be real number")
def root_of_text():
    return math.sqrt("a")  # <-


@ROWS.refused("a call of 'gcd'")
def other_mathematics(n: int):
    return math.gcd(n, 2)  # <-


@ROWS.refused("abs() of List[int]")
def absolute_list(xs: List[int]):
    return abs(xs)  # <-


@ROWS.refused("abs() of str")
def absolute_text():
    return abs("a")  # <-


@ROWS.refused("max() of Tensor and int")
def extreme_of_a_tensor(x):
    return max(x, 1)  # <-


@ROWS.refused("min() of List[int]")
def extreme_of_a_list(xs: List[int]):
    return min(xs)  # <-


@ROWS.refused("sum() of List[int]")
def sum_of_a_list(xs: List[int]):
    return sum(xs)  # <-


@ROWS.refused("any() and all() of Tensor")
def any_of_a_tensor(x):
    return any(x)  # <-


# ---- Text ----


@ROWS.agrees((X, "sum"), (X, "mean"))
def text_is_constant(x, mode: str = "sum"):
    key = f"{NAME}_{LIMIT}" + "_" + str(2)
    word = "a,b".upper().split(sep=",")
    d = {"limit_4_2": x, "B": 2}
    return d[key], d[word[1]], len(key), key[0], key[-1], key[:3], key[::2]


@ROWS.refused("an f-string of what is not known while compiling")
def text_of_a_value(n: int):
    return f"{n}"  # <-


@ROWS.refused("an f-string of what is not known while compiling")
def text_with_a_format():
    return f"{LIMIT:03d}"  # <-


@ROWS.refused("'a' has no attribute 'nothing'")
def no_method_of_text():
    return "a".nothing()  # <-


@ROWS.refused("join(): ")
def wrong_arguments_of_text():
    return ",".join(3)  # <-


@ROWS.refused("the attribute 'upper' of str")
def method_of_unknown_text(s: str):
    return s.upper()  # <-


@ROWS.refused("index 7 of 3 characters")
def index_of_text():
    return "abc"[7]  # <-


@ROWS.refused("a string needs an index that is known while compiling")
def unknown_index_of_text(n: int):
    return "abc"[n]  # <-


@ROWS.refused("a subscript of str")
def item_of_unknown_text(s: str):
    return s[0]  # <-


@ROWS.refused("len() of str")
def length_of_unknown_text(s: str):
    return len(s)  # <-
