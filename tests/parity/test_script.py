"""script() beside torch.jit.script on the same sources, where PyTorch compiles them."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.jit import script_functions as functions

torch = pytest.importorskip("torch")

import rustorch as rt  # noqa: E402

# What PyTorch's compiler refuses: unary plus, filters in comprehensions, a None that becomes a tensor without
# an annotation, numbers of the module, //=.
REFUSED = {"arithmetic", "lists", "late", "functional", "ints"}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: Any) -> Any:
    """The same file, written for torch."""
    source = Path(inspect.getfile(functions)).read_text()
    source = source.replace("import rustorch as rt\n", "import torch as rt\nimport torch\n")
    source = source.replace("import rustorch.nn.functional", "import torch.nn.functional")
    source = source.replace("from rustorch import Tensor", "from torch import Tensor")
    source = source.replace("from __future__ import annotations\n", "")
    file = tmp_path_factory.mktemp("script") / "torch_script_functions.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("torch_script_functions", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["torch_script_functions"] = module
    spec.loader.exec_module(module)
    return module


def converted(value: Any) -> Any:
    if isinstance(value, rt.Tensor):
        return torch.from_numpy(value.numpy().copy())
    if isinstance(value, (list, tuple)):
        return type(value)(map(converted, value))
    return value


def compare(ours: Any, other: Any) -> None:
    if isinstance(ours, rt.Tensor):
        assert str(ours.dtype).split(".")[1] == str(other.dtype).split(".")[1]
        torch.testing.assert_close(torch.from_numpy(ours.numpy()), other, rtol=1e-5, atol=1e-6)
    elif isinstance(ours, dict):
        assert list(ours) == list(other)
        compare(list(ours.values()), list(other.values()))
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(other)
        for a, b in zip(ours, other):
            compare(a, b)
    else:
        assert type(ours) is type(other) and ours == pytest.approx(other)


@pytest.mark.parametrize(
    "fn", [f for f in functions.CASES if f.__name__ not in REFUSED], ids=lambda f: f.__name__
)
def test_results_are_those_of_pytorchs_compiler(theirs: Any, fn: Any) -> None:
    compiled, reference = rt.jit.script(fn), torch.jit.script(getattr(theirs, fn.__name__))
    for args in functions.CASES[fn]:
        compare(
            compiled(*(a.clone() if isinstance(a, rt.Tensor) else a for a in args)),
            reference(*converted(args)),
        )
