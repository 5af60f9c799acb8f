"""Tensors a module owns: parameters, buffers, and their placeholders of unknown shape."""

from __future__ import annotations

import copy
from typing import Any, TypeGuard

import rustorch as rt
from rustorch import Tensor

_NO_SHAPE = (
    "UninitializedTensor: Can't access the shape of an uninitialized parameter or buffer; this usually "
    "happens in `load_state_dict` when an uninitialized parameter is loaded into an initialized one; try "
    "calling `forward` with a dummy batch first"
)


def _as_subclass(cls: type, data: Tensor, requires_grad: bool) -> Any:
    """A leaf of type ``cls`` over the memory of ``data``."""
    return Tensor.__new__(cls, data).requires_grad_(requires_grad)


def _rebuild_parameter(cls: type, data: Tensor, requires_grad: bool, state: dict[str, Any]) -> Any:
    out = _as_subclass(cls, data, requires_grad)
    out.__dict__.update(state)
    return out


class Parameter(Tensor):
    """A tensor that, assigned to a :class:`~rustorch.nn.Module` attribute, joins ``module.parameters()``.

    ``data`` is any tensor (default: an empty one); its storage is shared, its graph is not. ``requires_grad``
    defaults to True, so integer data needs ``requires_grad=False``. As ``torch.nn.Parameter``.

    >>> p = nn.Parameter(rt.ones(2))
    >>> p.requires_grad, p.is_leaf
    (True, True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = rt.empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: data must be a Tensor; got {type(data).__name__}; try rustorch.tensor(data) "
                "first"
            )
        out: Parameter = _as_subclass(cls, data, requires_grad)
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        out = _rebuild_parameter(
            type(self), self.detach().clone(), self.requires_grad, copy.deepcopy(self.__dict__, memo)
        )
        memo[id(self)] = out
        return out

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        return _rebuild_parameter, (type(self), self.detach(), self.requires_grad, dict(self.__dict__))

    def __repr__(self, **kwargs: Any) -> str:
        return "Parameter containing:\n" + super().__repr__(**kwargs)


class Buffer(Tensor):
    """A tensor that, assigned to a module attribute, is registered as a buffer (state without a gradient
    step).

    ``persistent=False`` leaves it out of ``state_dict()``. As ``torch.nn.Buffer``.

    >>> m = nn.Module()
    >>> m.steps = nn.Buffer(rt.zeros(1))
    >>> list(m.state_dict())
    ['steps']
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        if data is None:
            data = rt.empty(0)
        out: Buffer = _as_subclass(cls, data, data.requires_grad)
        out.persistent = persistent
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        out = _rebuild_parameter(
            type(self), self.detach().clone(), self.requires_grad, copy.deepcopy(self.__dict__, memo)
        )
        memo[id(self)] = out
        return out

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        return _rebuild_parameter, (type(self), self.detach(), self.requires_grad, dict(self.__dict__))


# What may be asked of a tensor that has no shape yet: moving it, casting it, and looking at its labels.
_ALLOWED_WITHOUT_SHAPE = frozenset(
    "bfloat16 char cls_to_become copy_ cpu cuda data detach device double dtype float get_device grad "
    "grad_fn half int is_complex is_cuda is_floating_point is_leaf layout long materialize persistent "
    "requires_grad requires_grad_ retains_grad shape share_memory_ short to type".split()
)


class UninitializedTensorMixin:
    """Placeholder behaviour: every use that needs a shape raises, until ``materialize`` gives it one."""

    cls_to_become: type
    data: Any

    def __getattribute__(self, name: str) -> Any:
        if name in _ALLOWED_WITHOUT_SHAPE or name.startswith("__"):
            return object.__getattribute__(self, name)
        raise ValueError(
            f"UninitializedTensor: Attempted to use an uninitialized parameter in {name!r}; it has no shape "
            "before the first forward; try calling the lazy module with a dummy batch first"
        )

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary Parameter or Buffer of ``shape``; its values are not initialised."""
        if device is None:
            device = self.data.device
        if dtype is None:
            dtype = self.data.dtype
        self.data = rt.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        """Raises RuntimeError: there is none yet."""
        raise RuntimeError(_NO_SHAPE)

    def share_memory_(self) -> Any:
        """Raises RuntimeError: there is no memory to share yet."""
        raise RuntimeError(
            "share_memory_: Can't share memory on an uninitialized parameter or buffer; it has no shape "
            "yet; try calling `forward` with a dummy batch first"
        )

    def __repr__(self, **kwargs: Any) -> str:
        return f"<{self.__class__.__name__}>"


# Reading `shape` raises until there is one.
class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[override]
    """A parameter whose shape is learnt from the first input of a lazy module.

    >>> p = nn.UninitializedParameter()
    >>> p.materialize((2, 3))
    >>> type(p).__name__, tuple(p.shape)
    ('Parameter', (2, 3))
    """

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> UninitializedParameter:
        out: UninitializedParameter = _as_subclass(
            cls, rt.empty(0, device=device, dtype=dtype), requires_grad
        )
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        out = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        memo[id(self)] = out
        return out

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        return UninitializedParameter, (self.requires_grad, self.data.device, self.data.dtype)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[override]
    """A buffer whose shape is learnt from the first input of a lazy module.

    >>> b = nn.UninitializedBuffer()
    >>> b.materialize((4,))
    >>> tuple(b.shape)
    (4,)
    """

    cls_to_become = Buffer
    persistent: bool

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        out: UninitializedBuffer = _as_subclass(cls, rt.empty(0, device=device, dtype=dtype), requires_grad)
        out.persistent = persistent
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        out = type(self)(self.requires_grad, self.data.device, self.data.dtype, self.persistent)
        memo[id(self)] = out
        return out

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        args = (self.requires_grad, self.data.device, self.data.dtype, self.persistent)
        return UninitializedBuffer, args


def is_lazy(param: Any) -> TypeGuard[UninitializedTensorMixin]:
    """Whether ``param`` still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)
