"""Sums of products whose arguments come in forms that only Python can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rustorch import _C
from rustorch.errors import ArgumentError, OpError

__all__ = ["chain_matmul", "einsum", "tensordot"]

_OPS = _C.namespaces()["rt"]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _subscripts(labels: Sequence[Any]) -> str:
    text = ""
    for label in labels:
        if label is Ellipsis:
            text += "..."
        elif isinstance(label, int) and 0 <= label < len(_LETTERS):
            text += _LETTERS[label]
        else:
            raise ArgumentError(
                "einsum: einsum(): subscript in subscript list is not within the valid range [0, 52); "
                f"got {label!r}; try numbers from 0 to 51 or Ellipsis",
                op="einsum",
                got=repr(label),
            )
    return text


def einsum(*args: Any) -> _C.Tensor:
    """The sum of products of tensors over the subscripts that the output does not name.

    Args:
        args: an equation such as ``"ij,jk->ik"`` and its operands (or one list of them), or each operand
            followed by a list of numbers from 0 to 51 (or Ellipsis) for its dims, and last that of the
            output. Repeated subscripts of an operand take a diagonal, ``...`` stands for dims that broadcast,
            and without ``->`` the output has the subscripts that occur once, in alphabetical order.

    More than two operands are contracted pair by pair, the cheapest first.

    Raises:
        RuntimeError: for an equation that does not fit the operands.

    Follows `torch.einsum`.

    >>> import rustorch as rt
    >>> rt.einsum("ij,jk->ik", rt.tensor([[1, 2]]), rt.tensor([[3], [4]]))
    tensor([[11]])
    """
    if len(args) < 2:
        raise ArgumentError(
            "einsum: einsum(): must specify the equation string and at least one operand, or at least one "
            f"operand and its subscripts list; got {len(args)} argument(s); try einsum('ij->ji', x)",
            op="einsum",
        )
    if isinstance(args[0], str):
        equation, operands = args[0], args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
    else:
        equation = ",".join(_subscripts(labels) for labels in args[1::2])
        operands = args[: len(args) - len(args) % 2 : 2]
        if len(args) % 2 == 1:
            equation += "->" + _subscripts(args[-1])
    result: _C.Tensor = _OPS["_einsum"](equation, list(operands))
    return result


def tensordot(a: _C.Tensor, b: _C.Tensor, dims: Any = 2, out: _C.Tensor | None = None) -> _C.Tensor:
    """The sum of products of two tensors over pairs of dims.

    Args:
        a, b: tensors of one dtype.
        dims: how many of the last dims of ``a`` meet the first of ``b``, or a pair of lists of dims.
        out: where to put the result.

    Raises:
        RuntimeError: for dims of different sizes.

    Follows `torch.tensordot`.

    >>> import rustorch as rt
    >>> rt.tensordot(rt.ones(2, 3), rt.ones(3, 4), dims=1).shape
    rustorch.Size([2, 4])
    """
    if isinstance(dims, _C.Tensor):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        pair = [list(d) if isinstance(d, (list, tuple)) else [int(d)] for d in dims]
        if len(pair) != 2:
            raise OpError(f"tensordot: dims must be a number or a pair of lists; got {dims}", op="tensordot")
        dims_a, dims_b = pair
    else:
        count = int(dims)
        if count < 0:
            raise OpError(f"tensordot: tensordot expects dims >= 0, but got dims={count}", op="tensordot")
        if count > min(a.ndim, b.ndim):
            raise OpError(
                f"tensordot: tensordot expects dims < ndim_a or ndim_b, but got dims={count}", op="tensordot"
            )
        dims_a, dims_b = list(range(-count, 0)), list(range(count))
    result: _C.Tensor = _OPS["_tensordot"](a, b, dims_a, dims_b, out=out)
    return result


def chain_matmul(*matrices: _C.Tensor, out: _C.Tensor | None = None) -> _C.Tensor:
    """The product of matrices in the order that needs the fewest multiplications.

    Follows `torch.chain_matmul`; `linalg.multi_dot` takes vectors too.

    >>> import rustorch as rt
    >>> rt.chain_matmul(rt.ones(2, 3), rt.ones(3, 4), rt.ones(4, 1)).shape
    rustorch.Size([2, 1])
    """
    result: _C.Tensor = _OPS["_chain_matmul"](list(matrices), out=out)
    return result
