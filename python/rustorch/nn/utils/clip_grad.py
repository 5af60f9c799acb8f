"""Limiting gradients by their joint norm or by value.

``foreach`` is accepted wherever torch has it and changes nothing: there is one way here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import rustorch as rt
from rustorch import Tensor


def _as_list(name: str, tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    given_iterator = iter(tensors) is tensors
    out = list(tensors)
    if not out and given_iterator:
        warnings.warn(
            f"`parameters` is an empty generator, no gradient clipping will occur in {name}.", stacklevel=4
        )
    return out


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The p-norm of all tensors as if they were one vector.

    Raises RuntimeError for a NaN or infinite norm with ``error_if_nonfinite``.

    >>> nn.utils.get_total_norm([rt.tensor([3.0]), rt.tensor([4.0])])
    tensor(5.)
    """
    items = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not items:
        return rt.tensor(0.0)
    first = items[0].device
    norms = [rt.linalg.vector_norm(t, norm_type).to(device=first) for t in items]
    total: Tensor = rt.linalg.vector_norm(rt.stack(norms), norm_type)
    if error_if_nonfinite and not bool(rt.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite norm "
            "anyway, set `error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale the gradients in place by ``max_norm / total_norm`` where that is below one.

    >>> p = nn.Parameter(rt.zeros(1))
    >>> p.grad = rt.tensor([4.0])
    >>> nn.utils.clip_grads_with_norm_(p, 1.0, rt.tensor(4.0))
    >>> p.grad
    tensor([1.0000])
    """
    grads = [p.grad for p in _as_list("clip_grads_with_norm_", parameters) if p.grad is not None]
    if not grads:
        return
    with rt.no_grad():
        # The small term keeps a zero norm from dividing by zero; no read-back, so no synchronisation.
        factor = rt.clamp(float(max_norm) / (total_norm + 1e-6), max=1.0)
        for grad in grads:
            grad.mul_(factor.to(device=grad.device))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients in place so that their joint norm is at most ``max_norm``; gives the norm before.

    >>> p = nn.Parameter(rt.zeros(2))
    >>> p.grad = rt.tensor([3.0, 4.0])
    >>> nn.utils.clip_grad_norm_([p], 1.0)
    tensor(5.)
    >>> p.grad
    tensor([0.6000, 0.8000])
    """
    items = _as_list("clip_grad_norm_", parameters)
    with rt.no_grad():
        grads = [p.grad for p in items if p.grad is not None]
        total = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(items, max_norm, total)
    return total


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Limit every gradient element to [-clip_value, clip_value], in place.

    >>> p = nn.Parameter(rt.zeros(2))
    >>> p.grad = rt.tensor([3.0, -0.5])
    >>> nn.utils.clip_grad_value_([p], 1.0)
    >>> p.grad
    tensor([ 1.0000, -0.5000])
    """
    limit = float(clip_value)
    with rt.no_grad():
        for p in _as_list("clip_grad_value_", parameters):
            if p.grad is not None:
                p.grad.clamp_(min=-limit, max=limit)
