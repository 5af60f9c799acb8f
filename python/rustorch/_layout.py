"""How tensors lie in memory, by name: layouts and memory formats, and Tensor's attributes about them."""

from __future__ import annotations

from typing import Any

from rustorch import _C
from rustorch.errors import OpError

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "empty_permuted",
    "layout",
    "memory_format",
    "preserve_format",
    "resize_as_",
    "strided",
]


class memory_format(str):
    """An order of dims in memory: what ``memory_format=`` of `to`, `clone`, `contiguous` and `empty` takes.

    Follows `torch.memory_format`.

    >>> import rustorch as rt
    >>> rt.zeros(1, 2, 3, 4).to(memory_format=rt.channels_last).stride()
    (24, 1, 8, 2)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"rustorch.{str.__str__(self)}"

    __str__ = __repr__

    def __reduce__(self) -> str:
        return str.__str__(self)


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


class layout:
    """A kind of storage. Every tensor here is `rustorch.strided`.

    Follows `torch.layout`.

    >>> import rustorch as rt
    >>> rt.zeros(2).layout
    rustorch.strided
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"rustorch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided = layout("strided")


def dim_order(self: _C.Tensor) -> tuple[int, ...]:
    """The dims from the outermost in memory to the innermost.

    >>> import rustorch as rt
    >>> rt.zeros(2, 3).T.dim_order()
    (1, 0)
    """
    return tuple(sorted(range(self.ndim), key=lambda d: -self.stride(d)))


def empty_permuted(size: Any, physical_layout: Any, **options: Any) -> _C.Tensor:
    """An uninitialised tensor without gaps, whose dims lie in memory in the order of `physical_layout`.

    Args:
        size: the shape.
        physical_layout: the dims from the outermost in memory to the innermost.
        options: `dtype`, `device`, `requires_grad` and `pin_memory`, as of `rustorch.empty`.

    Raises:
        RuntimeError: if the layout does not name every dim once.

    Follows `torch.empty_permuted`.

    >>> import rustorch as rt
    >>> rt.empty_permuted((2, 3, 5), (1, 0, 2)).stride()
    (5, 10, 1)
    """
    order = list(physical_layout)
    if len(order) != len(size):
        raise OpError.of(
            "empty_permuted",
            "Number of dimensions in size does not match the length of the physical_layout",
            f"{len(size)} and {len(order)}",
        )
    if sorted(order) != list(range(len(order))):
        raise OpError.of(
            "empty_permuted", "the physical_layout names every dim once", f"{order} for {len(order)} dims"
        )
    made: _C.Tensor = _C.namespaces()["rt"]["empty"]([size[d] for d in order], **options)
    return made.permute(sorted(range(len(order)), key=order.__getitem__))


def resize_as_(input: _C.Tensor, the_template: _C.Tensor, *, memory_format: Any = None) -> _C.Tensor:
    """Gives `input`, in place, the shape of another tensor; values stay in memory order.

    `memory_format` is the order of the dims in memory; `preserve_format` takes the other tensor's order, if
    it is dense. By default the dims lie in row-major order.

    Follows `torch.resize_as_`.

    >>> import rustorch as rt
    >>> rt.resize_as_(rt.zeros(4), rt.ones(2, 2)).shape
    rustorch.Size([2, 2])
    """
    order = _preserved(the_template) if memory_format is preserve_format else memory_format
    input.resize_(tuple(the_template.shape), memory_format=order or contiguous_format)
    return input


def _preserved(template: _C.Tensor) -> Any:
    formats = (contiguous_format, channels_last, channels_last_3d)
    return next((f for f in formats if template.is_contiguous(memory_format=f)), None)


def _is_device(kind: str) -> property:
    own = "metal" if kind == "mps" else kind  # the name that devices have here
    return property(lambda self: self.device.type == own, doc=f"Whether the tensor is on a {own} device.")


def install() -> None:
    """Hangs the attributes on the type; called once by the package."""
    tensor: Any = _C.Tensor
    tensor.layout = property(lambda self: strided, doc="How elements are stored: `rustorch.strided`.")
    for kind in ("cpu", "cuda", "mps", "meta", "xpu"):
        setattr(tensor, f"is_{kind}", _is_device(kind))
    for name in ("is_sparse", "is_sparse_csr", "is_mkldnn", "is_nested", "is_quantized"):
        setattr(tensor, name, property(lambda self: False, doc="False: tensors here are dense."))
    for method in (dim_order, resize_as_):
        method.__qualname__ = f"Tensor.{method.__name__}"
        setattr(tensor, method.__name__, method)
