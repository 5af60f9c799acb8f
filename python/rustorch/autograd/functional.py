"""Whole derivatives of functions: Jacobians, Hessians and their products with vectors.

Follows ``torch.autograd.functional``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch.autograd import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, rt.Tensor) else tuple(x)


def _prepare(inputs: Any, create_graph: bool) -> tuple[Any, ...]:
    if create_graph:
        return tuple(
            t.view_as(t) if t.requires_grad else t.detach().requires_grad_(True) for t in _tuple(inputs)
        )
    return tuple(t.detach().requires_grad_(True) for t in _tuple(inputs))


def _outputs(func: Callable[..., Any], args: tuple[Any, ...], strict: bool) -> tuple[tuple[Any, ...], bool]:
    with rt.enable_grad():
        out = func(*args)
    single = isinstance(out, rt.Tensor)
    outs = _tuple(out)
    if strict and not all(o.requires_grad for o in outs):
        raise RuntimeError("jacobian: an output of the function is independent of the inputs (strict mode)")
    return outs, single


def _gradients(
    outs: tuple[Any, ...], ins: tuple[Any, ...], weights: Any, create_graph: bool, strict: bool
) -> tuple[Any, ...]:
    pairs = [(o, w) for o, w in zip(outs, weights) if o.requires_grad]
    if not pairs:
        return tuple(rt.zeros_like(t) for t in ins)
    found = grad(
        [o for o, _ in pairs],
        ins,
        [w for _, w in pairs],
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
    )
    if strict and any(g is None for g in found):
        raise RuntimeError("jacobian: an output is independent of one of the inputs (strict mode)")
    return tuple(rt.zeros_like(t) if g is None else g for g, t in zip(found, ins))


def _unpack(values: tuple[Any, ...], single: bool) -> Any:
    return values[0] if single else values


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The value of the function and the product of a vector with its Jacobian.

    >>> import rustorch as rt
    >>> rt.autograd.functional.vjp(lambda x: x * x, rt.tensor([1.0, 2.0]), rt.ones(2))[1]
    tensor([2., 4.])
    """
    args = _prepare(inputs, create_graph)
    outs, single = _outputs(func, args, strict)
    if v is None:
        if len(outs) != 1 or outs[0].numel() != 1:
            raise RuntimeError("vjp: the vector v can only be None if the function returns a single element")
        weights: tuple[Any, ...] = (rt.ones_like(outs[0]),)
    else:
        weights = _tuple(v)
    products = _gradients(outs, args, weights, create_graph, strict)
    if not create_graph:
        outs = tuple(o.detach() for o in outs)
    return _unpack(outs, single), _unpack(products, isinstance(inputs, rt.Tensor))


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The value of the function and the product of its Jacobian with a vector, by differentiating twice.

    >>> import rustorch as rt
    >>> rt.autograd.functional.jvp(lambda x: x * x, rt.tensor([1.0, 2.0]), rt.ones(2))[1]
    tensor([2., 4.])
    """
    args = _prepare(inputs, create_graph)
    outs, single = _outputs(func, args, strict)
    if v is None:
        if len(args) != 1 or args[0].numel() != 1:
            raise RuntimeError("jvp: the vector v can only be None if the input has a single element")
        direction: tuple[Any, ...] = (rt.ones_like(args[0]),)
    else:
        direction = _tuple(v)
    # The vector-Jacobian product is linear in its weights, so its derivative by them is what is wanted.
    weights = tuple(rt.zeros_like(o, requires_grad=True) for o in outs)
    with rt.enable_grad():
        products = _gradients(outs, args, weights, True, strict)
    result = _gradients(products, weights, direction, create_graph, False)
    if not create_graph:
        outs = tuple(o.detach() for o in outs)
        result = tuple(r.detach() for r in result)
    return _unpack(outs, single), _unpack(result, single)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All derivatives of the outputs by the inputs, of shape ``output.shape + input.shape``.

    `vectorize` and `strategy` are accepted and change nothing but speed elsewhere.

    >>> import rustorch as rt
    >>> rt.autograd.functional.jacobian(lambda x: x * x, rt.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    args = _prepare(inputs, create_graph)
    outs, single_output = _outputs(func, args, strict)
    single_input = isinstance(inputs, rt.Tensor)
    result = []
    for out in outs:
        rows: list[tuple[Any, ...]] = []
        for i in range(out.numel()):
            weight = rt.zeros(out.numel(), dtype=out.dtype, device=out.device)
            weight[i] = 1
            rows.append(_gradients((out,), args, (weight.reshape(out.shape),), create_graph, strict))
        blocks = tuple(
            rt.stack([r[k] for r in rows]).reshape(tuple(out.shape) + tuple(t.shape))
            if rows
            else rt.zeros(tuple(out.shape) + tuple(t.shape), dtype=out.dtype, device=out.device)
            for k, t in enumerate(args)
        )
        result.append(_unpack(blocks, single_input))
    return _unpack(tuple(result), single_output)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a function with one element as its result.

    >>> import rustorch as rt
    >>> rt.autograd.functional.hessian(lambda x: (x**3).sum(), rt.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    single = isinstance(inputs, rt.Tensor)

    def slope(*args: Any) -> Any:
        out = func(*args)
        if not isinstance(out, rt.Tensor) or out.numel() != 1:
            raise RuntimeError("hessian: the function must return a Tensor with a single element")
        found = jacobian(lambda *a: func(*a).reshape(()), args, create_graph=True)
        return found[0] if single else found

    return jacobian(slope, inputs, create_graph=create_graph, strict=strict)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The value of the function and the product of its Hessian with a vector.

    >>> import rustorch as rt
    >>> rt.autograd.functional.hvp(lambda x: (x**3).sum(), rt.tensor([1.0, 2.0]), rt.ones(2))[1]
    tensor([ 6., 12.])
    """
    return vhp(func, inputs, v, create_graph, strict)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """The value of the function and the product of a vector with its Hessian.

    >>> import rustorch as rt
    >>> rt.autograd.functional.vhp(lambda x: (x**3).sum(), rt.tensor([1.0, 2.0]), rt.ones(2))[1]
    tensor([ 6., 12.])
    """
    args = _prepare(inputs, create_graph)
    with rt.enable_grad():
        out = func(*args)
        if not isinstance(out, rt.Tensor) or out.numel() != 1:
            raise RuntimeError("vhp: the function must return a Tensor with a single element")
        slopes = _gradients((out,), args, (rt.ones_like(out),), True, strict)
    direction = _tuple(v) if v is not None else tuple(rt.ones_like(t) for t in args)
    products = _gradients(slopes, args, direction, create_graph, strict)
    return (out if create_graph else out.detach()), _unpack(products, isinstance(inputs, rt.Tensor))
