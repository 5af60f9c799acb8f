"""Functions made of ops whose arguments take forms that only Python can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rustorch import _C
from rustorch.errors import ArgumentError, DTypeError, OpError, OutOfRangeError

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "gradient",
    "unravel_index",
]

_OPS = _C.namespaces()["rt"]


# ---- Shapes ----


def _each(name: str, tensors: tuple[Any, ...], widen: Any) -> Any:
    """`widen` of one tensor, or of each of several or of a sequence of them."""
    if len(tensors) == 1 and not isinstance(tensors[0], (list, tuple)):
        tensors_in: Any = (tensors[0],)
    else:
        tensors_in = tensors[0] if len(tensors) == 1 else tensors
    for t in tensors_in:
        if not isinstance(t, _C.Tensor):
            raise DTypeError.of(name, "arguments must be tensors", type(t).__name__)
    widened = tuple(widen(t) for t in tensors_in)
    return widened[0] if len(tensors) == 1 and isinstance(tensors[0], _C.Tensor) else widened


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dim; zero-dim ones become vectors of one element.

    Args:
        tensors: tensors, or one sequence of them; several give a tuple.

    Follows `torch.atleast_1d`.

    >>> import rustorch as rt
    >>> rt.atleast_1d(rt.tensor(5))
    tensor([5])
    """
    return _each("atleast_1d", tensors, lambda t: t.reshape(1) if t.ndim == 0 else t)


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dims; vectors become matrices of one row.

    Follows `torch.atleast_2d`.

    >>> import rustorch as rt
    >>> rt.atleast_2d(rt.tensor([1, 2]))
    tensor([[1, 2]])
    """

    def widen(t: _C.Tensor) -> _C.Tensor:
        if t.ndim == 0:
            return t.reshape(1, 1)
        return t.unsqueeze(0) if t.ndim == 1 else t

    return _each("atleast_2d", tensors, widen)


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dims: a vector is (1, n, 1), a matrix (m, n, 1).

    Follows `torch.atleast_3d`.

    >>> import rustorch as rt
    >>> rt.atleast_3d(rt.ones(2, 3)).shape
    rustorch.Size([2, 3, 1])
    """

    def widen(t: _C.Tensor) -> _C.Tensor:
        if t.ndim == 0:
            return t.reshape(1, 1, 1)
        if t.ndim == 1:
            return t.unsqueeze(0).unsqueeze(-1)
        return t.unsqueeze(-1) if t.ndim == 2 else t

    return _each("atleast_3d", tensors, widen)


def broadcast_shapes(*shapes: Any) -> _C.Size:
    """The shape that tensors of the given shapes broadcast to.

    Args:
        shapes: shapes, or ints for shapes of one dim.

    Raises:
        RuntimeError: if they do not broadcast, or a size is negative.

    Follows `torch.broadcast_shapes`.

    >>> import rustorch as rt
    >>> rt.broadcast_shapes((2,), (3, 1), (1, 1))
    rustorch.Size([3, 2])
    """
    result: list[int] = []
    for shape in shapes:
        if not isinstance(shape, (int, Sequence)):
            raise OpError.of(
                "broadcast_shapes",
                "Input shapes should be of type ints, a tuple of ints, or a list of ints",
                repr(shape),
            )
        sizes = [shape] if isinstance(shape, int) else list(shape)
        for size in sizes:
            if not isinstance(size, int):
                raise OpError.of("broadcast_shapes", "sizes must be ints", repr(size))
            if size < 0:
                raise OpError.of(
                    "broadcast_shapes",
                    f"Trying to create tensor with negative dimension ({size})",
                    repr(shape),
                )
        result = [1] * (len(sizes) - len(result)) + result
        for d, size in enumerate(reversed(sizes), 1):
            if result[-d] == 1:
                result[-d] = size
            elif size not in (1, result[-d]):
                raise OpError.of(
                    "broadcast_shapes",
                    "Shape mismatch: objects cannot be broadcast to a single shape",
                    ", ".join(map(str, shapes)),
                )
    return _C.Size(result)


def unravel_index(indices: _C.Tensor, shape: Any) -> tuple[_C.Tensor, ...]:
    """The index along each dim of places that are counted in row-major order.

    Args:
        indices: integers, from 0 to the number of elements.
        shape: of the tensor that they count in; an int stands for one dim.

    Raises:
        ValueError: for sizes below zero, and indices out of range.
        TypeError: for indices that are no integers.

    Follows `torch.unravel_index`.

    >>> import rustorch as rt
    >>> rt.unravel_index(rt.tensor([4, 5]), (3, 2))
    (tensor([2, 2]), tensor([0, 1]))
    """
    if not isinstance(indices, _C.Tensor):
        raise DTypeError.of("unravel_index", "expected 'indices' to be a tensor", type(indices).__name__)
    if indices.is_floating_point() or indices.is_complex() or indices.dtype is _C.bool:
        raise DTypeError.of(
            "unravel_index",
            "expected 'indices' to be integer dtype",
            str(indices.dtype),
            "indices.long()",
        )
    if not isinstance(shape, (int, _C.Size, Sequence)):
        raise DTypeError.of("unravel_index", "expected 'shape' to be int or sequence of ints", repr(shape))
    sizes = [shape] if isinstance(shape, int) else list(shape)
    if not all(isinstance(n, int) for n in sizes):
        raise DTypeError.of("unravel_index", "expected 'shape' sequence to only contain ints", repr(shape))
    if any(n < 0 for n in sizes):
        raise ArgumentError.of("unravel_index", "'shape' cannot have negative values", str(tuple(sizes)))
    count = 1
    for n in sizes:
        count *= n
    if indices.numel() and bool(((indices < -count) | (indices >= count)).any()):
        raise ArgumentError.of(
            "unravel_index", f"indices are out of bounds for {count} elements", f"shape {tuple(sizes)}"
        )
    found = []
    for n in sizes:
        count = count // n if n else 0
        found.append((indices // max(count, 1)) % max(n, 1))
    return tuple(found)


# ---- Calculus on samples ----


def _slope_of_places(part: Any, shaped: Any, n: int, at: _C.Tensor, edge_order: int) -> tuple[Any, Any, Any]:
    """The derivative at the first, the inner and the last samples, taken at the places `at`."""
    steps = at[1:] - at[:-1]
    before, after = steps[:-1], steps[1:]
    both = before + after
    inner = (
        part(0, n - 2) * shaped(-after / (before * both))
        + part(1, n - 2) * shaped((after - before) / (before * after))
        + part(2, n - 2) * shaped(before / (after * both))
    )
    if edge_order == 1:
        return (part(1, 1) - part(0, 1)) / steps[0], inner, (part(-1, 1) - part(-2, 1)) / steps[-1]
    # One-sided parabolas through the three outer samples.
    p, q, r, s = steps[0], steps[1], steps[-2], steps[-1]
    first = (
        part(0, 1) * (-(2 * p + q) / (p * (p + q)))
        + part(1, 1) * ((p + q) / (p * q))
        + part(2, 1) * (-p / (q * (p + q)))
    )
    last = (
        part(-3, 1) * (s / (r * (r + s)))
        + part(-2, 1) * (-(r + s) / (r * s))
        + part(-1, 1) * ((2 * s + r) / (s * (r + s)))
    )
    return first, inner, last


def _slope(x: _C.Tensor, d: int, at: Any, edge_order: int) -> _C.Tensor:
    """The derivative along `d`; `at` is the distance of samples, or their places as a vector."""
    n = x.shape[d]

    def part(start: int, length: int) -> _C.Tensor:
        return x.narrow(d, start % n, length)

    def shaped(v: Any) -> Any:
        return v.reshape([-1 if k == d else 1 for k in range(x.ndim)]) if isinstance(v, _C.Tensor) else v

    if isinstance(at, _C.Tensor):
        first, inner, last = _slope_of_places(part, shaped, n, at, edge_order)
    else:
        inner = (part(2, n - 2) - part(0, n - 2)) / (2 * at)
        if edge_order == 1:
            first = (part(1, 1) - part(0, 1)) / at
            last = (part(-1, 1) - part(-2, 1)) / at
        else:
            first = (-1.5 * part(0, 1) + 2 * part(1, 1) - 0.5 * part(2, 1)) / at
            last = (1.5 * part(-1, 1) - 2 * part(-2, 1) + 0.5 * part(-3, 1)) / at
    joined: _C.Tensor = _OPS["cat"]([first, inner, last], d)
    return joined


def gradient(
    input: _C.Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[_C.Tensor, ...]:
    """Derivatives of samples along some dims, by central differences inside and one-sided ones at the edges.

    Args:
        input: samples of a function.
        spacing: their distance, one number for each dim, or for each dim the places as a vector.
        dim: an int or a list of them; all by default.
        edge_order: 1 or 2, the accuracy at the edges; a dim needs more samples than that.

    Returns:
        A tuple with one tensor for each dim.

    Raises:
        RuntimeError: for another edge order, too few samples, or a spacing that does not fit the dims.

    Follows `torch.gradient`.

    >>> import rustorch as rt
    >>> rt.gradient(rt.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    """
    if edge_order not in (1, 2):
        raise OpError.of(
            "gradient", "torch.gradient only supports edge_order=1 and edge_order=2.", str(edge_order)
        )
    if input.dtype in (_C.uint8, _C.bool):
        raise OpError.of(
            "gradient", f"torch.gradient does not support {input.dtype} input.", "", "input.float()"
        )
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    for d in dims:
        if not -input.ndim <= d < input.ndim:
            raise OutOfRangeError.of("gradient", f"Dimension out of range: {d}", f"{input.ndim} dims")
    wrapped = [d % input.ndim for d in dims]
    if len(set(wrapped)) < len(wrapped):
        raise OpError.of("gradient", "dim appears multiple times in the list of dims", str(list(dims)))
    spacing = 1 if spacing is None else spacing
    single = isinstance(spacing, (int, float, complex)) or (
        isinstance(spacing, _C.Tensor) and spacing.ndim == 0
    )
    places = [spacing] * len(wrapped) if single else list(spacing)
    if len(places) != len(wrapped):
        raise OpError.of(
            "gradient",
            "torch.gradient expected spacing to be unspecified, a scalar or a list of one entry for each dim",
            f"{len(places)} for {len(wrapped)}",
        )
    for d, at in zip(wrapped, places):
        if input.shape[d] < edge_order + 1:
            raise OpError.of(
                "gradient",
                "torch.gradient expected each dimension size to be at least edge_order+1",
                f"size {input.shape[d]}",
            )
        if isinstance(at, _C.Tensor) and at.ndim > 0 and tuple(at.shape) != (input.shape[d],):
            raise OpError.of(
                "gradient", "torch.gradient expected one place for each sample", f"{tuple(at.shape)}"
            )
    return tuple(
        _slope(input, d, at.item() if isinstance(at, _C.Tensor) and at.ndim == 0 else at, edge_order)
        for d, at in zip(wrapped, places)
    )
