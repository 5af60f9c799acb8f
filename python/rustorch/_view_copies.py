"""PyTorch's `view_copy` and relatives: what a view shows, in memory of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rustorch import _C
from rustorch._layout import contiguous_format
from rustorch.errors import DTypeError

_VIEWS = (
    "as_strided", "detach", "diagonal", "expand", "permute", "select", "split", "split_with_sizes",
    "squeeze", "t", "transpose", "unbind", "unfold", "unsqueeze", "view", "view_as_complex", "view_as_real",
)  # fmt: skip

__all__ = ["alias_copy", "slice_copy", *(f"{name}_copy" for name in _VIEWS)]


def _stored(op: str, shown: Any, out: Any) -> Any:
    """Contiguous copies of one tensor or of a tuple of them, in `out` where it is given."""
    if isinstance(shown, _C.Tensor):
        if out is None:
            return shown.clone(memory_format=contiguous_format)
        if not isinstance(out, _C.Tensor):
            raise DTypeError.of(op, "out= takes one tensor", type(out).__name__)
        return out.resize_(shown.shape).copy_(shown)
    if out is None:
        return tuple(part.clone(memory_format=contiguous_format) for part in shown)
    if isinstance(out, _C.Tensor) or len(out) != len(shown):
        raise DTypeError.of(op, f"out= takes {len(shown)} tensors", type(out).__name__)
    for place, part in zip(out, shown, strict=True):
        place.resize_(part.shape).copy_(part)
    return None


def _copy_of(view: str) -> Callable[..., Any]:
    def copied(input: Any, *args: Any, out: Any = None, **named: Any) -> Any:
        return _stored(copied.__name__, getattr(input, view)(*args, **named), out)

    copied.__name__ = copied.__qualname__ = f"{view}_copy"
    copied.__doc__ = f"""What `Tensor.{view}` shows of `input`, copied: a contiguous tensor, or a tuple.

    Takes the view's arguments, and `out`, a tensor (or as many as there are parts) to fill. Gradients pass.
    Follows `torch.{view}_copy`.
    """
    return copied


globals().update({f"{name}_copy": _copy_of(name) for name in _VIEWS})


def alias_copy(input: Any, *, out: Any = None) -> Any:
    """A contiguous copy, as `torch.alias_copy`.

    >>> import rustorch as rt
    >>> rt.alias_copy(rt.arange(2))
    tensor([0, 1])
    """
    return _stored("alias_copy", input, out)


def slice_copy(
    input: Any,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Any = None,
) -> Any:
    """A copy of positions `start` to `end` of a dim in steps of `step`, as `torch.slice_copy`.

    >>> import rustorch as rt
    >>> rt.slice_copy(rt.arange(5), 0, 1, None, 2)
    tensor([1, 3])
    """
    at = dim + input.ndim if dim < 0 else dim
    return _stored("slice_copy", input[(slice(None),) * at + (slice(start, end, step),)], out)
