"""Rows of a specification of scripts: functions with calls on which they agree with Python, or why not."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import rustorch as rt

MARK = "# <-"  # stands in the line that the error has to name


def same(a: Any, b: Any, named: bool = True) -> bool:
    """Whether two results are one: types, dtypes, shapes, and all values; `named`: and the named tuples."""
    if isinstance(a, rt.Tensor):
        return isinstance(b, rt.Tensor) and a.dtype == b.dtype and a.shape == b.shape and rt.equal(a, b)
    if isinstance(a, (list, tuple)):
        if named and hasattr(a, "_fields") and type(a) is not type(b):
            return False
        return (
            isinstance(b, (list, tuple))
            and len(a) == len(b)
            and all(same(*pair, named) for pair in zip(a, b))
        )
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key], named) for key in a)
    return type(a) is type(b) and (a == b or (a != a and b != b))


class Rows:
    """The rows of one file of tests, as decorators of the functions that they are about."""

    def __init__(self) -> None:
        self.good: list[Any] = []
        self.bad: list[Any] = []
        self.failing: list[Any] = []

    def agrees(self, *calls: Any) -> Callable[[Any], Any]:
        """Computes what the function computes in Python, on each of these tuples of arguments."""

        def add(fn: Any) -> Any:
            self.good.append(pytest.param(fn, calls, id=fn.__name__))
            return fn

        return add

    def refused(self, message: str) -> Callable[[Any], Any]:
        """Is no script: a ScriptError says so, and names the marked line."""

        def add(fn: Any) -> Any:
            self.bad.append(pytest.param(fn, message, id=fn.__name__))
            return fn

        return add

    def raises(self, message: str, *args: Any) -> Callable[[Any], Any]:
        """Compiles, and raises when it runs, an error of the type that Python raises."""

        def add(fn: Any) -> Any:
            self.failing.append(pytest.param(fn, message, args, id=fn.__name__))
            return fn

        return add


def check_agrees(fn: Any, calls: Any) -> None:
    scripted = rt.jit.script(fn)
    optimized = scripted.graph.optimize()
    for args in calls:
        expected = fn(*copy.deepcopy(args))
        for run in (scripted, optimized):
            found = run(*copy.deepcopy(args))
            assert same(expected, found), f"{fn.__name__}{args}: {expected} in Python, {found} as a script"


def check_refused(fn: Any, message: str) -> None:
    with pytest.raises(rt.jit.ScriptError) as caught:
        rt.jit.script(fn)
    assert message in str(caught.value)
    lines, first = inspect.getsourcelines(fn)
    marked = [first + i for i, line in enumerate(lines) if line.rstrip().endswith(MARK)]
    assert len(marked) == 1, "one line is marked"
    assert f"{inspect.getsourcefile(fn)}:{marked[0]}" in str(caught.value)


def check_raises(fn: Any, message: str, args: Any) -> None:
    with pytest.raises(Exception) as plain:
        fn(*copy.deepcopy(args))
    scripted = rt.jit.script(fn)
    with pytest.raises(plain.type, match=message):
        scripted(*copy.deepcopy(args))
