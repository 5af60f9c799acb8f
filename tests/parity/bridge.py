"""Carrying modules and tensors between torch and rustorch."""

from __future__ import annotations

from typing import Any

import numpy as np

import rustorch as rt


def flat(value: Any) -> list[Any]:
    """The tensors of an output, whatever tuples they come in; None stays."""
    if isinstance(value, (tuple, list)):
        return [leaf for part in value for leaf in flat(part)]
    return [value]


def array(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().numpy())


def rt_state(torch_module: Any) -> dict[str, Any]:
    return {k: rt.tensor(v.numpy()) for k, v in torch_module.state_dict().items()}


def assert_same(ours: Any, theirs: Any, rtol: float = 1e-10, atol: float = 1e-12) -> None:
    """Equal structure, shapes, dtypes and, to rounding, values."""
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        if b is None:
            assert a is None
            continue
        assert tuple(a.shape) == tuple(b.shape)
        assert str(a.dtype).split(".")[1] == str(b.dtype).split(".")[1]
        np.testing.assert_allclose(array(a), array(b), rtol=rtol, atol=atol)
