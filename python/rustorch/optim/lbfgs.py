"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._lbfgs_search import Point, as_point, strong_wolfe
from rustorch.optim._rules import as_number, check_ranges
from rustorch.optim.optimizer import Optimizer, as_real


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal, 1989), with a fixed step or a strong Wolfe line search.

    A step takes up to ``max_iter`` iterations and ``max_eval`` evaluations (``max_iter * 5 / 4`` by default)
    of the closure, which clears the gradients, computes the loss and calls ``backward``. One group only.
    ``history_size`` pairs of vectors as long as all parameters together are kept. As ``torch.optim.LBFGS``.

    >>> p = nn.Parameter(rt.tensor([3.0]))
    >>> opt = rt.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     opt.zero_grad()
    ...     loss = ((p - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> opt.step(closure).item(), round(p.item(), 4)
    (4.0, 1.0)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_ranges(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Tensor]:
        """Those of the one group; kept nowhere else, so that copies and pickles have their own."""
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    def _gradient(self) -> Tensor:
        grads = [rt.zeros_like(p) if p.grad is None else p.grad for p in self._params]
        return rt.cat([g.reshape(-1) for g in as_real(grads)])

    def _place(self, origin: list[Tensor], t: float, direction: Tensor) -> None:
        """The parameters at `t` steps from `origin`."""
        at = 0
        for p, start in zip(as_real(self._params), as_real(origin)):
            step = direction[at : at + p.numel()].view(p.shape)
            p.copy_(start.add(step, alpha=t))
            at += p.numel()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to ``max_iter`` iterations; gives the loss before the first."""
        if closure is None:
            raise TypeError("LBFGS.step: the closure, which computes the loss anew, is missing")
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        with rt.no_grad():
            return self._iterate(closure)

    def _iterate(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        search = group["line_search_fn"]
        # All of the state hangs on the first parameter, so that loading casts it to its type.
        own: dict[str, Any] = self.state[self._params[0]]
        own.setdefault("func_evals", 0)
        own.setdefault("n_iter", 0)

        first_loss = self._evaluate(closure)
        loss, gradient = float(first_loss), self._gradient()
        evaluations = 1
        own["func_evals"] += 1
        if self._largest(gradient) <= group["tolerance_grad"]:
            return first_loss

        for iteration in range(1, group["max_iter"] + 1):
            own["n_iter"] += 1
            direction = self._direction(own, gradient, group["history_size"])
            own["d"], own["prev_flat_grad"], own["prev_loss"] = direction, gradient.clone(), loss
            t = as_number(group["lr"])
            if own["n_iter"] == 1:
                total = float(gradient.abs().sum())
                t *= min(1.0, 1.0 / total) if total else 1.0
            own["t"] = t
            here = as_point(0.0, loss, gradient, direction)
            if here.slope > -group["tolerance_change"]:
                break

            origin = [p.clone() for p in self._params]
            taken = 0
            if search is None:
                self._place(origin, t, direction)
                # In the last iteration nobody would look at it.
                if iteration < group["max_iter"]:
                    loss, gradient, taken = float(self._evaluate(closure)), self._gradient(), 1
            elif search == "strong_wolfe":

                def at(t: float, origin: list[Tensor] = origin, direction: Tensor = direction) -> Point:
                    self._place(origin, t, direction)
                    return as_point(t, float(self._evaluate(closure)), self._gradient(), direction)

                left = group["max_eval"] - evaluations
                found, taken = strong_wolfe(at, here, t, self._largest(direction), max_search=left)
                loss, gradient, t = found.loss, found.gradient, found.t
                self._place(origin, t, direction)
            else:
                raise RuntimeError("only 'strong_wolfe' is supported")
            own["t"] = t
            evaluations += taken
            own["func_evals"] += taken
            if (
                iteration == group["max_iter"]
                or evaluations >= group["max_eval"]
                or self._largest(gradient) <= group["tolerance_grad"]
                or self._largest(direction) * abs(t) <= group["tolerance_change"]
                or abs(loss - own["prev_loss"]) < group["tolerance_change"]
            ):
                break
        return first_loss

    @staticmethod
    def _largest(x: Tensor) -> float:
        return float(x.abs().max())

    @staticmethod
    def _direction(own: dict[str, Any], gradient: Tensor, history_size: int) -> Tensor:
        """Minus the inverse Hessian's estimate times the gradient, by the two-loop recursion."""
        if own["n_iter"] == 1:
            own.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return gradient.neg()
        changes, steps, inverses = own["old_dirs"], own["old_stps"], own["ro"]
        change, step = gradient - own["prev_flat_grad"], own["d"] * own["t"]
        curvature = float(change.dot(step))
        # A pair of no positive curvature would make the estimate indefinite.
        if curvature > 1e-10:
            if len(changes) == history_size:
                for history in (changes, steps, inverses):
                    history.pop(0)
            changes.append(change)
            steps.append(step)
            inverses.append(1.0 / curvature)
            own["H_diag"] = curvature / float(change.dot(change))
        direction = gradient.neg()
        shares = own.setdefault("al", [None] * history_size)
        for i in reversed(range(len(changes))):
            shares[i] = float(steps[i].dot(direction)) * float(inverses[i])
            direction.sub_(changes[i], alpha=shares[i])
        direction.mul_(float(own["H_diag"]))
        for y, s, inverse, share in zip(changes, steps, inverses, shares):
            direction.add_(s, alpha=share - float(y.dot(direction)) * float(inverse))
        return direction
