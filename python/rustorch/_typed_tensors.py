"""The older names of tensors of one dtype: FloatTensor, LongTensor and the others."""

from __future__ import annotations

import warnings
from typing import Any

from rustorch import _C, _storage_methods
from rustorch.errors import DTypeError, OpError

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "set_default_tensor_type",
]


def _is_size(value: Any) -> bool:
    return hasattr(type(value), "__index__") and not isinstance(value, (bool, _C.Tensor))


def _check_is_data(data: Any) -> None:
    if isinstance(data, str):
        raise DTypeError.of("new", "new(): invalid data type 'str'")
    if not hasattr(data, "__len__"):
        raise DTypeError.of("new", f"new(): data must be a sequence (got {type(data).__name__})")


def made_of(dtype: _C.dtype, home: _C.device, device: Any, args: tuple[Any, ...]) -> _C.Tensor:
    """What the older constructors give on the device `home`: an uninitialised tensor of sizes, or data."""
    of_tensor = len(args) == 1 and isinstance(args[0], _C.Tensor)
    if device is not None:
        kind = _C.device(device).type
        if of_tensor or kind != home.type:
            raise OpError.of(
                "new",
                "legacy constructor of a tensor takes no device"
                if of_tensor
                else f"legacy constructor expects device type: {home.type} but device type: {kind} "
                "was passed",
                str(device),
                "rustorch.tensor(data, device=...) or Tensor.to(device)",
            )
    if of_tensor:
        if args[0].dtype is not dtype:
            raise DTypeError.of(
                "new", f"expected a tensor of {dtype} (got {args[0].dtype})", "", f"Tensor.to({dtype})"
            )
        moved: _C.Tensor = args[0].to(home)
        return _C._detach(moved) if moved is args[0] else moved
    if len(args) == 1 and _storage_methods.is_storage(args[0]):
        return _storage_methods.values_in_storage("new", args[0], dtype)
    sizes = args[0] if len(args) == 1 and isinstance(args[0], _C.Size) else args or (0,)
    if len(args) > 1 or all(map(_is_size, sizes)):
        for at, size in enumerate(sizes):
            if not _is_size(size):
                raise DTypeError.of(
                    "new",
                    f"new(): argument 'size' failed to unpack the object at pos {at + 1} with error "
                    f'"type must be tuple of ints,but got {type(size).__name__}"',
                )
        made: _C.Tensor = _C.namespaces()["rt"]["empty"](tuple(sizes), dtype=dtype, device=device or home)
        return made
    _check_is_data(args[0])
    from rustorch._tensor_api import tensor

    return tensor(args[0], dtype=dtype, device=device or home)


def default_made_of(*args: Any, size: Any = None, data: Any = None, device: Any = None) -> _C.Tensor:
    """The same of the default dtype, on the CPU: what `Tensor` gives."""
    if size is not None:
        args = (*args, _C.Size(size))
    elif data is not None:
        args = (*args, data)
    return made_of(_C.get_default_dtype(), _C.device("cpu"), device, args)


class TensorType:
    """Makes tensors of one dtype, and is the type that `isinstance` knows them by.

    Called with sizes (or a `Size`) it gives an uninitialised tensor, with data a tensor of that data.
    Follows `torch.FloatTensor` and its relatives; `rustorch.tensor(data, dtype=...)` is preferred.

    >>> import rustorch as rt
    >>> rt.FloatTensor([1, 2])
    tensor([1., 2.])
    >>> isinstance(rt.arange(2), rt.LongTensor)
    True
    """

    __slots__ = ("__name__", "dtype")

    def __init__(self, name: str, dtype: _C.dtype) -> None:
        self.__name__ = name
        self.dtype = dtype

    def __call__(self, *args: Any, device: Any = None) -> _C.Tensor:
        return made_of(self.dtype, _C.device("cpu"), device, args)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, _C.Tensor) and instance.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class 'rustorch.{self.__name__}'>"

    def __reduce__(self) -> str:
        return self.__name__


FloatTensor = TensorType("FloatTensor", _C.float32)
DoubleTensor = TensorType("DoubleTensor", _C.float64)
HalfTensor = TensorType("HalfTensor", _C.float16)
BFloat16Tensor = TensorType("BFloat16Tensor", _C.bfloat16)
LongTensor = TensorType("LongTensor", _C.int64)
IntTensor = TensorType("IntTensor", _C.int32)
ShortTensor = TensorType("ShortTensor", _C.int16)
CharTensor = TensorType("CharTensor", _C.int8)
ByteTensor = TensorType("ByteTensor", _C.uint8)
BoolTensor = TensorType("BoolTensor", _C.bool)


def set_default_tensor_type(t: Any, /) -> None:
    """Sets the dtype that Python floats become by the older name of a type; `set_default_dtype` is preferred.

    Args:
        t: such as `rustorch.DoubleTensor`, or its name.

    Raises:
        TypeError: for a type that is not of floating-point numbers, or none at all.

    Follows `torch.set_default_tensor_type`.

    >>> import rustorch as rt
    >>> rt.set_default_tensor_type("rustorch.DoubleTensor")
    >>> rt.tensor(0.5).dtype
    rustorch.float64
    >>> rt.set_default_tensor_type(rt.FloatTensor)
    """
    named = globals().get(t.rpartition(".")[2]) if isinstance(t, str) else t
    if not isinstance(named, TensorType):
        raise DTypeError.of(
            "set_default_tensor_type", "invalid type object", repr(t), "rustorch.DoubleTensor"
        )
    if not named.dtype.is_floating_point:
        raise DTypeError.of(
            "set_default_tensor_type",
            "only floating-point types are supported as the default type",
            named.__name__,
        )
    warnings.warn(
        "set_default_tensor_type is deprecated: use set_default_dtype() and set_default_device()",
        stacklevel=2,
    )
    _C.set_default_dtype(named.dtype)
