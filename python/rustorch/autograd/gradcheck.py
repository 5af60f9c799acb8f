"""Analytical gradients against finite differences, as ``torch.autograd.gradcheck``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import rustorch as rt
from rustorch.autograd import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Analytical and numerical gradients differ."""


def _tensors(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, rt.Tensor) else tuple(x)


def _differentiable(outputs: Any) -> list[Any]:
    items = _tensors(outputs)
    return [o for o in items if isinstance(o, rt.Tensor) and o.requires_grad]


def _check_inputs(inputs: tuple[Any, ...]) -> list[Any]:
    wanted = [t for t in inputs if isinstance(t, rt.Tensor) and t.requires_grad]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have "
            "requires_grad=True."
        )
    for i, t in enumerate(wanted):
        if any(step == 0 and size > 1 for step, size in zip(t.stride(), t.shape)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly; try .contiguous()"
            )
        if t.dtype not in (rt.float64, rt.complex128):
            import warnings

            warnings.warn(
                "gradcheck: an input is not double precision; this check will likely fail", stacklevel=3
            )
    return wanted


def _position(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    at: list[int] = []
    for size in reversed(shape):
        index, i = divmod(index, size)
        at.insert(0, i)
    return tuple(at)


def _numerical(fn: Callable[..., Any], inputs: tuple[Any, ...], target: Any, eps: float) -> list[Any]:
    """d outputs / d target by central differences, one matrix (target elements x output elements) an output.

    For complex numbers: of the map from (real, imaginary) parts, as conjugate Wirtinger derivatives need.
    """
    complex_input = target.is_complex()

    def evaluate(delta: Any, index: int) -> list[Any]:
        # In place: the function may hold the input itself, as a module holds its parameters.
        data, at = target.data, _position(index, target.shape)
        kept = data[at].item()
        data[at] = kept + delta
        try:
            return [o.detach().clone().reshape(-1) for o in _differentiable(fn(*inputs))]
        finally:
            data[at] = kept

    steps = (eps, eps * 1j) if complex_input else (eps,)
    rows: list[list[list[Any]]] = []
    for step in steps:
        part = []
        for i in range(target.numel()):
            high, low = evaluate(step, i), evaluate(-step, i)
            part.append([(h - lo) / (2 * eps) for h, lo in zip(high, low)])
        rows.append(part)
    return rows  # [real or imaginary step][input element][output]


def _analytical(outputs: list[Any], target: Any, output: int, index: int, seed: Any, retain: bool) -> Any:
    out = outputs[output]
    flat = rt.zeros(out.numel(), dtype=out.dtype, device=out.device)
    flat[index] = seed
    (result,) = grad(out, target, flat.reshape(out.shape), retain_graph=retain, allow_unused=True)
    return rt.zeros_like(target.detach()) if result is None else result


def _compare_one(
    fn: Callable[..., Any],
    inputs: tuple[Any, ...],
    target: Any,
    position: int,
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
) -> None:
    outputs = _differentiable(fn(*inputs))
    numeric = _numerical(fn, inputs, target, eps)
    for k, out in enumerate(outputs):
        seeds = (1.0, 1j) if out.is_complex() else (1.0,)
        for j in range(out.numel()):
            for seed in seeds:
                analytic = _analytical(outputs, target, k, j, seed, True).reshape(-1)
                again = _analytical(outputs, target, k, j, seed, True).reshape(-1)
                if analytic.numel() and float((analytic - again).abs().max()) > nondet_tol:
                    raise GradcheckError(
                        f"gradcheck: Backward is not reentrant, i.e., running backward with same input and "
                        f"grad_output multiple times gives different values; input {position}, output {k}"
                    )
                for i in range(analytic.numel()):
                    expected = _expected(numeric, i, k, j, seed)
                    got = complex(analytic[i].item())
                    if not _close(got, expected, atol, rtol):
                        raise GradcheckError(
                            f"gradcheck: Jacobian mismatch for output {k} with respect to input {position}: "
                            f"element {i} of the input, element {j} of the output: numerical {expected}, "
                            f"analytical {got}"
                        )


def _expected(numeric: list[Any], i: int, k: int, j: int, seed: Any) -> complex:
    """What the tape should give: Re(conj(seed) dL) of the real step, plus i times that of the imaginary."""
    real_step = complex(numeric[0][i][k][j].item())
    first = (complex(seed).conjugate() * real_step).real
    if len(numeric) == 1:
        return complex(first)
    imaginary_step = complex(numeric[1][i][k][j].item())
    return complex(first, (complex(seed).conjugate() * imaginary_step).real)


def _close(a: complex, b: complex, atol: float, rtol: float) -> bool:
    if a == b or (a != a and b != b):
        return True
    return abs(a - b) <= atol + rtol * abs(b)


def _check_undefined(fn: Callable[..., Any], inputs: tuple[Any, ...], wanted: list[Any]) -> None:
    outputs = _differentiable(fn(*inputs))
    for out in outputs:
        grads = grad(out, wanted, rt.zeros_like(out.detach()), allow_unused=True, retain_graph=True)
        for g in grads:
            if g is not None and bool((g != 0).any()):
                raise GradcheckError(
                    "gradcheck: a zero gradient of the output gave a non-zero gradient of an input"
                )


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    **unused: Any,
) -> bool:
    """Whether the gradients of ``func(*inputs)`` agree with central differences.

    Args:
        func: takes tensors (and anything else), returns a tensor or a tuple of them.
        inputs: a tensor or a sequence; float64 or complex128 where ``requires_grad`` is set.
        eps: the step; atol, rtol: the tolerances.
        raise_exception: raise `GradcheckError` (which says where) instead of returning False.
        nondet_tol: how far two backward passes may differ.

    Follows ``torch.autograd.gradcheck`` in its slow mode.

    >>> import rustorch as rt
    >>> x = rt.tensor([0.5, -1.0], dtype=rt.float64, requires_grad=True)
    >>> rt.autograd.gradcheck(lambda x: x * x, x)
    True
    """
    args = _tensors(inputs)
    wanted = _check_inputs(args)
    try:
        if not _differentiable(func(*args)):
            return _check_constant(func, args, wanted, eps, atol)
        for position, target in enumerate(args):
            if isinstance(target, rt.Tensor) and target.requires_grad:
                _compare_one(func, args, target, position, eps, atol, rtol, nondet_tol)
        if check_undefined_grad:
            _check_undefined(func, args, wanted)
        if check_grad_dtypes:
            for out in _differentiable(func(*args)):
                for t, g in zip(wanted, grad(out, wanted, rt.ones_like(out.detach()), allow_unused=True)):
                    if g is not None and g.dtype != t.dtype:
                        raise GradcheckError(
                            f"gradcheck: a gradient has dtype {g.dtype}, its input {t.dtype}"
                        )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_constant(
    func: Callable[..., Any], args: tuple[Any, ...], wanted: list[Any], eps: float, atol: float
) -> bool:
    """Outputs without a graph must not depend on the inputs."""
    before = [o.detach().clone() for o in _tensors(func(*args)) if isinstance(o, rt.Tensor)]
    for target in wanted:
        with rt.no_grad():
            target += eps
        after = [o.detach().clone() for o in _tensors(func(*args)) if isinstance(o, rt.Tensor)]
        with rt.no_grad():
            target -= eps
        for a, b in zip(before, after):
            floating = a.is_floating_point() or a.is_complex()
            if floating and a.numel() and float((a - b).abs().max()) > atol * eps:
                raise GradcheckError("gradcheck: Numerical gradient for function expected to be zero")
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    **unused: Any,
) -> bool:
    """Whether second derivatives of ``func(*inputs)`` agree with differences of the first.

    `grad_outputs` are random where not given; given ones are varied too where they require grad. Follows
    ``torch.autograd.gradgradcheck``.

    >>> import rustorch as rt
    >>> x = rt.tensor([0.5, -1.0], dtype=rt.float64, requires_grad=True)
    >>> rt.autograd.gradgradcheck(lambda x: x**3, x)
    True
    """
    args = _tensors(inputs)
    outputs = _differentiable(func(*args))
    if grad_outputs is None:
        weights: list[Any] = []
        for o in outputs:
            w = (
                rt.randn(o.shape, dtype=o.dtype, device=o.device)
                if o.is_floating_point() or o.is_complex()
                else rt.ones_like(o)
            )
            if gen_non_contig_grad_outputs and w.dim() > 0:
                w = rt.stack([w, w], -1)[..., 0].detach()
            weights.append(w.requires_grad_(True))
    else:
        weights = list(_tensors(grad_outputs))
    count = len(args)

    def first_derivative(*all_args: Any) -> Sequence[Any]:
        ins, ws = all_args[:count], all_args[count:]
        wanted = [t for t in ins if isinstance(t, rt.Tensor) and t.requires_grad]
        outs = _differentiable(func(*ins))
        grads = grad(outs, wanted, ws, create_graph=True, allow_unused=True)
        return tuple(g for g in grads if g is not None)

    return gradcheck(
        first_derivative,
        (*args, *weights),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
    )
