"""Scripts: branches, loops, exits, annotations and exceptions."""

# ruff: noqa: UP006, UP007, UP035, UP045, B016, F401, F821, F823, F841
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import pytest

import rustorch as rt
from rustorch import Tensor
from tests.jit.script_rows import Rows, check_agrees, check_raises, check_refused

ROWS = Rows()
X = rt.tensor([1.0, -2.0, 3.0])
SHADOWED = 3


@pytest.mark.parametrize(("fn", "calls"), ROWS.good)
def test_it_computes_what_python_computes(fn: Any, calls: Any) -> None:
    check_agrees(fn, calls)


@pytest.mark.parametrize(("fn", "message"), ROWS.bad)
def test_it_is_refused_with_its_line(fn: Any, message: str) -> None:
    check_refused(fn, message)


@pytest.mark.parametrize(("fn", "message", "args"), ROWS.failing)
def test_it_raises_what_python_raises(fn: Any, message: str, args: Any) -> None:
    check_raises(fn, message, args)


class Point(NamedTuple):
    x: Tensor
    y: int


# ---- What branches leave ----


@ROWS.agrees((X, 2), (X, 0))
def branches_merge_all_kinds_of_values(x, n: int):
    numbers, pair, named, text = [1, n], (x, 1), Point(x, 1), "a"
    nested, d, word = ((x, (n, 2)), 3), {"a": x, "b": [n]}, None
    if n > 1:
        numbers, pair, named, text = [n, 5], (x * 2, n), Point(-x, n), "b"
        nested, word = ((x + 1, (7, n)), n), n
        d["a"] = x * 3
        d["b"].append(4)
    else:
        d["b"].append(n)
        numbers = numbers[::-1]
    return numbers, pair, named, text == "b", nested, d, word is None


@ROWS.agrees((X, 2), (X, 0))
def lists_of_two_lengths_are_merged(x, n: int):
    a = [1, 2, 3] if n > 1 else [n]
    b: List[int] = []
    c = [x]
    if n > 0:
        b.append(n)
        c.append(x * 2)
    return a, b, c, len(a) + len(b) + len(c)


@ROWS.agrees((X, 0), (X, 1), (X, 2), (X, 3))
def a_branch_may_exit(x, n: int):
    if n == 0:
        return x, 0
    elif n == 1:
        k = 5
    else:
        if n > 2:
            return -x, n
        k = 7
    return x * k, k


@ROWS.agrees((X, 1), (X, -1))
def a_function_may_end_without_a_value(x, n: int):
    if n > 0:
        return x


@ROWS.agrees((X,))
def a_function_may_have_no_return(x):
    """What it says is no statement."""
    x + 1


@ROWS.agrees((X, 5))
def constant_conditions_take_one_way(x, n: int):
    if SHADOWED > 5:
        y = x.no_such_method()
    elif not ():
        y = x
    if isinstance(n, str) or n is None:
        return x.no_such_method()
    while False:
        y = y.no_such_method()
    for _ in ():
        y = y.no_such_method()
    return y


@ROWS.agrees((X, 0), (X, 1), (X, 2), (X, 3))
def containers_on_the_ways_that_go_on(x, n: int):
    if n == 1:
        xs, t, d = [n, 5], (x, [n]), {"a": n}
    else:
        if n > 2:
            return x, 0
        if n == 0:
            if x.sum() > 100:
                return -x, 1
            else:
                return x, 2
        xs, t, d = [n, 6], (-x, [7]), {"a": 8}
    return t[0], xs[1] + t[1][0] + d["a"]


@ROWS.agrees((X, 3), (X, 1))
def constants_of_all_kinds_are_merged(x, n: int):
    dtype = rt.float64 if n > 1 else rt.int32
    device = rt.device("cpu")
    where = x.device if n > 1 else device
    s = 1.5 if n > 2 else 2.5
    act = rt.sin
    bound = x.sum
    if n > 1:
        act, bound = rt.sin, x.sum
    return x.to(dtype), where == x.device, act(x), bound(), s, dtype == rt.float64


@ROWS.refused("the variable 't' is Tuple[int, int] in one branch and Tuple[int, str] in the other")
def tuples_of_other_types(n: int):
    if n > 0:
        t = (n, 1)
    else:
        t = (n, "a")
    return t[0]  # <-


@ROWS.refused("the variable 'a' is List[Tensor] in one branch and List[int] in the other")
def lists_of_other_types(x, n: int):
    if n > 0:
        a = [x]
    else:
        a = [1]
    return a[0]  # <-


@ROWS.refused("this list or dict is changed in two ways by the if")
def items_of_other_types(x, n: int):
    a, d = [x, 1], {"a": x}
    if n > 0:
        a[1] = x
        d["a"] = 1
    return a  # <-


@ROWS.refused("this list or dict is changed in two ways by the if")
def values_of_other_types(x, n: int):
    d = {"a": x}
    if n > 0:
        d["a"] = 1
    return d["a"]  # <-


@ROWS.refused("this list or dict is changed in two ways by the if")
def values_of_other_types_within_a_branch(x, n: int):
    a = [x, 1]
    if n > 1:
        if n > 2:
            a.pop()
        x = x + 1
    return x, a  # <-


@ROWS.refused("this may be a list or dict that was changed since the if that chose it")
def chosen_within_a_tuple_and_changed(x, n: int):
    a = [1]
    t = (x, a)
    if n > 0:
        t = (x, [n])
    a.append(3)
    return t if len(a) > 0 else (x, a)  # <-


@ROWS.refused("the value is Tensor in one branch and Tuple[Tensor, List[Any]] in the other")
def tensor_or_a_tuple_that_was_chosen(x, n: int):
    a = [1]
    t = (x, a)
    if n > 0:
        t = (x, [n])
    a.append(3)
    return x if n > 1 else t  # <-


@ROWS.refused("this list or dict is changed in two ways by the if")
def returned_in_a_tuple(x, n: int):
    a = [x, 1]
    t = (a, n)
    if n > 0:
        a[0] = 2
    return t  # <-


@ROWS.refused("the variable 'y' has no value in the if branch")
def first_value_in_the_else(x, n: int):
    if n > 0:
        pass
    else:
        y = x
    return y  # <-


@ROWS.refused("the variable 'y' has no value in the else branch of the if at")
def read_much_later(x, n: int):
    if n > 0:
        y = x
    if n > 1:
        x = x + 1
    return y + 1  # <-


@ROWS.refused("the variable 'd' is DictVal in one branch and DictVal in the other")
def dicts_of_two_shapes(x, n: int):
    if n > 0:
        d = {"a": x}
    else:
        d = {"b": x}
    return d["a"]  # <-


@ROWS.refused("the variable 't' is Tuple[Tensor] in one branch and Tuple[Tensor, int] in the other")
def tuples_of_two_lengths(x, n: int):
    if n > 0:
        t = (x,)
    else:
        t = (x, n)
    return t[0]  # <-


@ROWS.refused("the variable 'p' is Tuple[Tensor, int] in one branch and Tuple[Tensor, int] in the other")
def a_named_tuple_or_a_tuple(x, n: int):
    if n > 0:
        p = Point(x, n)
    else:
        p = (x, n)
    return p[0]  # <-


@ROWS.refused("the function returns Tensor on one way and int on another")
def two_types_returned(x, n: int):
    if n > 0:  # <-
        return x
    else:
        return n


@ROWS.refused("the name 'SHADOWED' has no value here")
def local_read_before_it_is_set(x):
    y = x * SHADOWED  # <-
    SHADOWED = 2
    return y


@ROWS.refused("the name 'unknown' has no value here")
def unknown_name(x):
    return x + unknown  # <-


# ---- Loops ----


@ROWS.agrees((X, 0), (X, 1), (X, 2), (X, 4))
def exits_from_unrolled_loops(x, n: int):
    k = 0
    for v in (1, 2, 3):
        if v == n:
            continue
        if v > n + 1:
            break
        for w in (1, 2):
            if w + v > 4:
                break
            k += v * w
        if k > 8:
            return x, k
        k += 1
    for i, name in enumerate(("a", "b")):
        if name == "b":
            break
        k += 10 * i
    return x * k, k


@ROWS.agrees((X, 0), (X, 1), (X, 3), (X, 9))
def exits_from_loops_in_loops(x, n: int):
    k = 0
    for v in (1, 2, 3):
        for j in range(n):
            if j == v:
                break
            if j > 4:
                return x, k
            k += j * v
        while k < 10:
            k += 1
            if k == 5:
                continue
            if k == 8:
                break
    i = 0
    while True:
        i += 1
        if i > n:
            if n > 2:
                break
            return x + i, i
    return x, k + i


@ROWS.agrees((X, 0), (X, 1), (X, 3))
def loops_carry_all_kinds_of_values(x, n: int):
    pair, d, xs, found, text, flag = (x, 0), {"a": x, "n": 0}, [0, 1], None, "", False
    ys: List[Tensor] = []
    for i in range(n):
        pair = (pair[0] * 2, pair[1] + i)
        d["a"] = d["a"] + i
        d["n"] += 1
        xs[i % 2] = xs[0] + i
        found = x * i
        text = "some"
        flag = not flag
        ys.append(x)
        if found is not None and len(ys) > 1:
            found = found + 1
    return pair, d, xs, found, text == "some", flag, ys


@ROWS.agrees((X, 3), (X, 0))
def optionals_are_narrowed(x, n: int):
    h: Optional[Tensor] = None
    k: Optional[int] = None
    for i in range(n):
        if h is None:
            h = x
        h = h + i
        k = i if k is None else k + i
    if h is None or k is None:
        return x, -1
    assert k is not None
    return h * 2, k + 1


@ROWS.agrees((0,), (2,), (4,))
def none_becomes_a_value_of_any_type(n: int):
    k, s, text, first = None, None, None, None
    for i in range(n):
        if i > 1:
            k = i
        elif k is not None:
            s = 0.5
        if s is None and n > 3:
            text = "some"
        if first is None:
            first = i * 1.5
    return k, s, text, first


@ROWS.agrees((X, 2), (X, None))
def narrowing_by_every_form_of_test(x, n: Optional[int] = None):
    a = n + 1 if n is not None else 0
    b = 0 if None is n else 1
    if n is not None and n > 1:
        a += n
    if not (n is None or n > 5):
        a += 2 * n
    if not n is None:  # noqa: E714
        return x * n, a, b
    return x, a, b


@ROWS.agrees((X, 3), (X, 0), (X, 1))
def inner_loops_are_compiled_anew_where_more_turns_out(x, n: int):
    s = {"k": 1}
    total = 0
    for i in range(n):
        if s["k"] > 1:
            extra = [i, 1]
            total += extra[0]
        a = [1]
        b = [i]
        d = {"z": None}
        for j in range(n):
            b.append(j)
            total += sum(tuple(a)) + len(b)
            d["z"] = j
        s["k"] += 1
    return total, s


@ROWS.refused("int in a List[float]")
def declared_list_of_another_type(n: int):
    xs: List[float] = []
    for _ in range(n):
        xs.append(1.5)
        xs.append(n)  # <-
    return xs


@ROWS.refused("else after a loop")
def while_with_else(n: int):
    while n > 0:  # <-
        n -= 1
    else:
        n = 5
    return n


@ROWS.refused("else after a loop")
def for_with_else(x):
    for _ in range(3):  # <-
        x = x + 1
    else:
        x = x * 2
    return x


@ROWS.refused("the variable 'y' is Tensor before the loop and int after a turn")
def another_type_after_a_turn(x, n: int):
    y = x
    for i in range(n):  # <-
        y = i
    return y


@ROWS.refused("the variable 't' changes its structure in the loop")
def dict_in_place_of_a_number(x, n: int):
    t = 1
    for _ in range(n):  # <-
        t = {"a": x}
    return t


@ROWS.refused("the variable 't' is Tuple[Tensor] before the loop and Tuple[Tensor, Tensor] after a turn")
def tuple_that_grows(x, n: int):
    t = (x,)
    for _ in range(n):  # <-
        t = t + (x,)
    return t


@ROWS.refused("the variable 'a' is another list after a turn of the loop")
def another_list_after_a_turn(n: int):
    a = [1]
    for i in range(n):  # <-
        a = [i]
    return a


@ROWS.refused("a list or dict that is made in a loop is returned from it")
def list_made_in_a_loop(x, n: int):
    for i in range(n):  # <-
        if i > 1:
            return [x, x]
    return [x]


@ROWS.refused("a list of List[Any] becomes one of List[Any] in the loop")
def list_of_two_types_that_grows(x, n: int):
    a = [x, 1]
    for _ in range(n):  # <-
        a.append(x)
    return a


@ROWS.refused("this may be a list or dict that was changed since the if that chose it")
def one_of_two_lists_changed_in_a_loop(n: int):
    a = [1]
    b = [2]
    c = a if n > 0 else b
    for i in range(n):  # <-
        a.append(i)
    return c


# ---- Annotations ----


@ROWS.agrees((X, 1, [2]))
def annotated_variables(x, n: int, xs: List[int]):
    a: List[int] = [1]
    b: Optional[int] = n
    c: Tuple[int, float] = (1, 2.0)
    d: List[float] = []
    d.append(1.0)
    e: int
    e = 3
    f: Dict[str, int] = {"a": 1}
    g: Tensor = x * 2
    h: List[int] = xs
    i: Union[int, float] = n
    j: bool = n > 0
    return a, b, c, d, e, f, g, h, i, j, rt.jit.annotate(List[int], []), rt.jit.annotate(float, 1.5)


def test_an_int_under_the_annotation_float_is_that_float() -> None:
    def constant(x):
        y: float = 3
        return x * y, y

    assert rt.jit.script(constant)(X)[1] == 3.0
    assert type(rt.jit.script(constant)(X)[1]) is float


@ROWS.refused("a List[int] is annotated as List[float]")
def annotated_as_another_list(xs: List[int]):
    a: List[float] = xs  # <-
    return a


@ROWS.refused("a Tensor is annotated as Optional[int]")
def annotated_as_another_optional(x):
    a: Optional[int] = x  # <-
    return a


@ROWS.refused("a int is annotated as float; at")
def annotated_as_a_float(n: int):
    s: float = n  # <-
    return s


@ROWS.refused("a Tensor is annotated as int")
def assigned_another_type(x):
    n: int = 1
    n = x  # <-
    return n


@ROWS.refused("<class 'set'> is no type that scripts know")
def annotated_as_a_set(x):
    a: set = x  # <-
    return a


@ROWS.refused("<class 'set'> is no type that scripts know")
def annotated_as_a_set_by_annotate(x):
    return rt.jit.annotate(set, x)  # <-


@ROWS.refused("the annotation 'Unknown' cannot be read: name 'Unknown' is not defined")
def annotated_as_something_unknown(x):
    a: Unknown = x  # <-
    return a


@ROWS.refused("the function does not return a value on all ways through it")
def missing_return(x, n: int) -> Tensor:  # <-
    if n > 0:
        return x


@ROWS.agrees((X, 1))
def returns_an_optional(x, n: int) -> Optional[Tensor]:
    if n > 0:
        return x


@ROWS.agrees((X, 1))
def returns_a_class(x, n: int) -> Point:
    return Point(x, n)


# ---- Exceptions ----


class TooLarge(ValueError):
    pass


class Own(Exception):
    pass


def failing(x) -> Tensor:
    raise IndexError("from the helper")


def wrong_input(x) -> TypeError:
    return TypeError("made by a function")


@ROWS.raises("too large: {n}", 9)
def raised_under_a_condition(n: int):
    if n > 5:
        raise ValueError("too large: {n}")
    return n


@ROWS.raises("zero", 0)
def raised_at_the_end(n: int):
    if n > 0:
        return n
    raise KeyError("zero")


@ROWS.raises("always", 1)
def raised_always(n: int):
    raise RuntimeError("always")


@ROWS.raises("from the helper", X, 1)
def raised_by_a_helper_in_an_expression(x, n: int):
    if n > 0:
        return failing(x) * 2 + 1
    return x


@ROWS.raises("from the helper", X, 7)
def raised_in_a_loop(x, n: int):
    for i in range(n):
        if i > 5:
            x = x + failing(x)
        x = x + 1
    return x


@ROWS.raises("from the helper", X, 2)
def raised_in_a_comprehension(x, n: int):
    return [x if v < 1 else failing(x) for v in range(n)]


@ROWS.raises("from the helper", X, 2)
def raised_on_both_ways(x, n: int):
    y = failing(x) if n > 7 else failing(-x)
    return y + 1


@ROWS.agrees((X, 0), (X, -1))
def what_never_runs_raises_nothing(x, n: int):
    y = failing(x) if n > 0 else x
    if n > 1:
        z = failing(x)
    else:
        z = x * 2
    for _ in range(n):
        z = failing(z)
    while n > 0:
        z = failing(z)
    return y, z


@ROWS.raises("", 1)
def asserted(n: int):
    assert n > 3
    return n


@ROWS.raises("n is {n}, but", 1)
def asserted_with_a_message(n: int):
    assert n > 3, "n is {n}, " + "but"
    return n


def test_messages_hold_the_source_of_what_is_not_constant() -> None:
    def message(x, n: int):
        if n > 0:
            raise ValueError(f"n is {n}, x is {x.sum()}" + "!")
        assert n > -5, "n is " + str(n)
        if n == 0:
            text = ", ".join([str(x.dim()), "a"])
            raise TypeError(text)
        return x

    scripted = rt.jit.script(message)
    for n, kind, text in [
        (1, ValueError, "n is {n}, x is {x.sum()}!"),
        (-9, AssertionError, "n is {str(n)}"),
        (0, TypeError, "{text}"),
    ]:
        with pytest.raises(kind) as caught:
            scripted(X, n)
        assert str(caught.value) == text


@ROWS.raises("the sum is", X, 1)
def raised_after_a_computation(x, n: int):
    if n > 0:
        y = x.sum()
        raise ValueError("the sum is " + str(y))
    return x


@pytest.mark.parametrize(
    ("n", "kind"), [(1, ValueError), (2, Exception), (3, TypeError), (4, NotImplementedError), (5, KeyError)]
)
def test_exceptions_are_the_built_in_one_that_they_derive_from(n: int, kind: Any) -> None:
    def derived(x, n: int):
        if n == 1:
            raise TooLarge("text")
        if n == 2:
            raise Own
        if n == 3:
            raise wrong_input(x)
        if n == 4:
            raise NotImplementedError
        if n == 5:
            raise KeyError()
        return x

    with pytest.raises(kind) as caught:
        rt.jit.script(derived)(X, n)
    assert caught.type is kind


@ROWS.refused("raise without an exception")
def raised_again(x):
    raise  # <-


@ROWS.refused("raise of something that is no exception")
def raised_number(x):
    raise 3  # <-


@ROWS.refused("raise of FileNotFoundError")
def raised_error_of_the_system(x):
    raise FileNotFoundError("no file")  # <-


# ---- with ----


@ROWS.agrees((X,), (-X,))
def without_grad_in_branches(x):
    with rt.no_grad():
        a = x * 2
        if a.sum() > 0:
            return a
    return x


def test_no_grad_holds_where_it_is_said() -> None:
    def parts(x, n: int):
        with rt.no_grad():
            a = x * 2
            if n > 0:
                a = a * 3
        return a, x * 2

    for run in (parts, rt.jit.script(parts)):
        a, b = run(X.clone().requires_grad_(), 1)
        assert (a.requires_grad, b.requires_grad) == (False, True)


@ROWS.refused("the only `with` is `with rustorch.no_grad()`")
def with_enable_grad(x):
    with rt.enable_grad():  # <-
        return x


@ROWS.refused("the only `with` is `with rustorch.no_grad()`")
def with_a_name(x):
    with rt.no_grad() as mode:  # <-
        return x


# ---- Statements outside of the subset ----


@ROWS.refused("the statement FunctionDef is outside of the subset; at")
def inner_function(x):
    def inner(y):  # <-
        return y

    return inner(x)


@ROWS.refused("try a class outside")
def inner_class(x):
    class Inner:  # <-
        pass

    return x


@ROWS.refused("the statement Delete is outside of the subset")
def deleted_variable(x):
    del x  # <-


@ROWS.refused("the statement Global is outside of the subset")
def global_variable(x):
    global SHADOWED  # <-
    SHADOWED = 5
    return x


@ROWS.refused("the statement Import is outside of the subset")
def inner_import(x):
    import math  # <-

    return x


@ROWS.refused("NamedExpr is outside of the subset")
def assigned_in_an_expression(n: int):
    return (m := n) + m  # <-


@ROWS.refused("an assignment to the attribute 'extra' of Tensor")
def attribute_of_a_tensor(x):
    x.extra = 3  # <-
    return x
