"""PyTorch's OptimizerInfo database as cases: the same optimizer in both libraries, on the same parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_optimizers import OptimizerInfo, OptimizerInput, optim_db

import rustorch as rt

from .opinfo import argument, array

OPTIMIZERS: list[OptimizerInfo] = [info for info in optim_db if hasattr(rt.optim, info.name)]

SHAPES = ((3, 4), (2, 2), (5, 1))


def parameters(lib: Any, dtype: str) -> list[Any]:
    """Matrices, as Muon takes nothing else."""
    rng = np.random.default_rng(0)
    return [lib.nn.Parameter(lib.tensor(drawn(rng, s, dtype), dtype=getattr(lib, dtype))) for s in SHAPES]


def drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    values = rng.normal(size=shape)
    return values + 1j * rng.normal(size=shape) if dtype.startswith("complex") else values


def options(config: OptimizerInput, mine: bool) -> dict[str, Any]:
    return argument(config.kwargs, []) if mine else dict(config.kwargs)


class Training:
    """One optimizer of one library: steps on gradients that are drawn from a seed."""

    def __init__(self, lib: Any, info: OptimizerInfo, dtype: str, groups: bool, **kwargs: Any) -> None:
        self.lib, self.info, self.dtype = lib, info, dtype
        self.params = parameters(lib, dtype)
        if kwargs.get("differentiable"):
            # Steps that are recorded cannot write into leaves.
            self.params = [p.clone() for p in self.params]
        given: Any = self.params
        if groups:
            given = [{"params": self.params[:1], "lr": 0.03}, {"params": self.params[1:]}]
        self.kwargs = kwargs
        self.optimizer = getattr(lib.optim, info.name)(given, **kwargs)

    def steps(self, count: int, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        targets = [
            self.lib.tensor(drawn(rng, s, self.dtype), dtype=getattr(self.lib, self.dtype)) for s in SHAPES
        ]

        def closure() -> Any:
            self.optimizer.zero_grad()
            loss = sum(((p - t).abs() ** 2).sum() for p, t in zip(self.params, targets, strict=True))
            loss.backward()
            return loss

        for _ in range(count):
            if self.info.step_requires_closure:
                self.optimizer.step(closure)
                continue
            for p, shape in zip(self.params, SHAPES, strict=True):
                p.grad = self.lib.tensor(drawn(rng, shape, self.dtype), dtype=p.dtype)
            self.optimizer.step()


def assert_same_state(mine: Any, theirs: Any, rtol: float, where: str = "state") -> None:
    """State dicts with the same keys, types and values."""
    if isinstance(theirs, torch.Tensor) and theirs.ndim == 0 and isinstance(mine, float):
        # Python's numbers where PyTorch keeps results of products: they are read as either.
        assert_same_state(mine, theirs.item(), rtol, where)
    elif isinstance(theirs, torch.Tensor):
        assert isinstance(mine, rt.Tensor), f"{where}: a {type(mine).__name__}, PyTorch has a tensor"
        assert str(mine.dtype) == f"rus{theirs.dtype}", f"{where}: {mine.dtype}, PyTorch has {theirs.dtype}"
        assert tuple(mine.shape) == tuple(theirs.shape), f"{where}: shape {tuple(mine.shape)}"
        np.testing.assert_allclose(array(mine), array(theirs), rtol=rtol, atol=1e-2 * rtol, err_msg=where)
    elif isinstance(theirs, dict):
        assert set(mine) == set(theirs), f"{where}: {sorted(mine)}, PyTorch has {sorted(theirs)}"
        for key, value in theirs.items():
            assert_same_state(mine[key], value, rtol, f"{where}[{key!r}]")
    elif isinstance(theirs, (list, tuple)):
        assert type(mine) is type(theirs) and len(mine) == len(theirs), where
        for i, (m, t) in enumerate(zip(mine, theirs, strict=True)):
            assert_same_state(m, t, rtol, f"{where}[{i}]")
    elif isinstance(theirs, float):
        assert type(mine) is float, f"{where}: a {type(mine).__name__}, PyTorch has a float"
        np.testing.assert_allclose(mine, theirs, rtol=rtol, err_msg=where)
    else:
        assert mine == theirs, f"{where}: {mine!r}, PyTorch has {theirs!r}"
