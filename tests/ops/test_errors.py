"""Wrong calls raise the documented builtin exception, with a message of the form "op: what; got ..."."""

from __future__ import annotations

import builtins

import pytest

import rustorch as rt

from .case import OpCase
from .harness import Failures, build, resolve
from .rows import rows


@rows(lambda case: bool(case.errors))
def test_errors(case: OpCase) -> None:
    failures = Failures(case, "errors")
    for i, error in enumerate(case.errors):
        with failures.at(error.sample, error=i, type=error.type):
            args, kwargs, _ = build(rt, error.sample)
            with pytest.raises(getattr(builtins, error.type), match=error.pattern(case)):
                resolve(rt, case.called)(*args, **kwargs)
    failures.report()
