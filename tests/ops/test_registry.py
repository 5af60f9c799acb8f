"""The registry, the list of core names and the op table agree: nothing is untested, nothing is missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import rustorch as rt

from .case import OpCase
from .harness import leaves, resolve, samples_of
from .table import CASES

CORE_OPS = Path(__file__).with_name("core_ops.txt").read_text().split()
STEPS = Path(__file__).parents[1] / "optim" / "test_steps.py"
SPACES = ("Tensor", "operator", "nn", "linalg", "fft", "special")
TABLE: list[dict[str, Any]] = rt._C.op_table()


def names_of(case: OpCase) -> set[str]:
    """Every name that a row exercises, as users write it, without the namespace Tensor."""
    paths = {case.name, case.called, *case.variants, *case.covers, case.inplace} - {""}
    return {p.removeprefix("Tensor.").removeprefix("operator.") for p in paths}


ROWS: dict[str, list[OpCase]] = {}
for _case in CASES:
    for _name in names_of(_case):
        ROWS.setdefault(_name, []).append(_case)


def rows_of(record: dict[str, Any]) -> list[OpCase]:
    spaces = [
        s for s in record["namespaces"] if s not in ("", "rt", "Tensor", "Tensor.inplace", "rt.inplace")
    ]
    names = [
        f"{s.removesuffix('.inplace')}.{record['python_name']}{'_' * s.endswith('.inplace')}" for s in spaces
    ]
    if len(spaces) < len(record["namespaces"]) or not spaces:
        names.append(record["python_name"])
    return [row for name in names for row in ROWS.get(name, [])]


def test_the_registry_is_not_empty() -> None:
    assert len(TABLE) >= len(CORE_OPS)
    assert not [n for n, k in Counter(r["name"] for r in TABLE).items() if k > 1], "names are unique"


# Ops without a place in Python are the derivatives of others, whose rows run them.
PUBLIC = [r for r in TABLE if r["namespaces"]]


@pytest.mark.parametrize("record", PUBLIC, ids=[r["name"] for r in PUBLIC])
def test_every_registered_op_has_a_row(record: dict[str, Any]) -> None:
    if record["namespaces"] == ["optim"]:
        # Steps of optimizers change their arguments; they stand beside their rules in NumPy.
        assert f".{record['name']}(" in STEPS.read_text()
        return
    found = rows_of(record)
    assert found, f"{record['name']}: add a row to tests/ops/table (see OpCase in tests/ops/case.py)"
    if record["differentiable"] and not record["random"]:  # test_random_gradients.py has the random ones
        assert any(row.grad or row.refuses_grad for row in found), (
            f"{record['name']} is differentiable: set grad= in its row"
        )
    if record["out"]:
        assert any(row.out for row in found), f"{record['name']} takes out=: set out=True in its row"
    if record["view"]:
        assert any(row.view for row in found), f"{record['name']} is a view: set view=True in its row"
    if record["random"]:
        assert any(row.random for row in found), f"{record['name']} is random: set random=True in its row"


@pytest.mark.parametrize("name", CORE_OPS)
def test_every_core_name_is_callable(name: str) -> None:
    """A method or property of Tensor (of some only the in-place form), or else a function."""
    if not (hasattr(rt.Tensor, name) or hasattr(rt.Tensor, f"{name}_")):
        assert callable(resolve(rt, name))


@pytest.mark.parametrize("name", CORE_OPS)
def test_every_core_name_has_a_row(name: str) -> None:
    assert name in {case.name for case in CASES}


def test_rows_are_told_apart() -> None:
    assert not [i for i, n in Counter(c.id for c in CASES).items() if n > 1]


def test_a_row_says_what_it_tests(case: OpCase) -> None:
    """A row has an oracle, a property, or a reason for having neither; its samples make sense."""
    oracles = [case.ref, case.sample_ref, case.check, case.parity_only or None]
    assert sum(o is not None for o in oracles) == 1
    for path in (case.called, *case.variants, case.inplace):
        assert "." not in path or path.split(".")[0] in SPACES, path
    samples = samples_of(case, case.dtypes[0])
    assert samples
    shapes = [a.values.shape for s in samples for a in leaves(s)]
    if case.pointwise:
        assert () in shapes, "no zero-dim sample"
        assert any(0 in s for s in shapes), "no empty sample"
