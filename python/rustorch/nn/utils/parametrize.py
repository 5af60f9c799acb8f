"""Tensors of a module that are computed from others each time they are read."""

from __future__ import annotations

import copyreg
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn.modules.container import ModuleDict, ModuleList
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

# While caching is on, the computed tensors by (id of the module, name of the tensor).
_caching = 0
_computed: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Within the block a parametrized tensor is computed once, when it is first read.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> with nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    global _caching
    _caching += 1
    try:
        yield
    finally:
        _caching -= 1
        if not _caching:
            _computed.clear()


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _replace(target: Tensor, value: Tensor) -> None:
    """Gives `target` the value, in the memory of `value` where the shape is another."""
    if target is value:
        return
    if target.shape == value.shape and target.dtype == value.dtype:
        if target.data_ptr() != value.data_ptr() or target.stride() != value.stride():
            target.data = value.detach().clone()
    else:
        target.data = value.detach()


def _inverse(parametrization: Module, value: Any) -> Any:
    """The first value of what is parametrized, or `value` where there is no inverse."""
    try:
        return parametrization.right_inverse(value) if hasattr(parametrization, "right_inverse") else value
    except NotImplementedError:
        return value


def _check_same(what: str, name: str, new: Tensor, old: Tensor) -> None:
    for aspect in ("dtype", "shape"):
        if getattr(new, aspect) != getattr(old, aspect):
            raise ValueError(
                f"{what} may not change the {aspect} of the tensor, unless the `unsafe` flag is enabled.\n"
                f"{name}.{aspect}: {getattr(old, aspect)}\nnew {aspect}: {getattr(new, aspect)}"
            )


def _check_tensor(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in order, and the tensors they begin with: ``original``, or
    ``original0``, ``original1``, ... where the first one's ``right_inverse`` gives several.

    :func:`register_parametrization` makes it. As ``torch.nn.utils.parametrize.ParametrizationList``.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape_and_type = original.detach()
        new: Any = original
        with rt.no_grad():
            for module in reversed(list(self)):
                new = _inverse(module, new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if isinstance(new, Tensor):
            for aspect in ("dtype", "device"):
                if getattr(new, aspect) != getattr(original, aspect):
                    raise ValueError(
                        f"When `right_inverse` outputs one tensor, it may not change the {aspect}.\n"
                        f"original.{aspect}: {getattr(original, aspect)}\n"
                        f"right_inverse(original).{aspect}: {getattr(new, aspect)}"
                    )
            with rt.no_grad():
                shape_and_type = shape_and_type.clone() if new.shape != original.shape else shape_and_type
                _replace(original, new)
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                        f"Got element {i} of the sequence with type {type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part.detach(), original.requires_grad)
                part.requires_grad_(original.requires_grad)
                _register(self, f"original{i}", part)
        if not unsafe:
            result = self()
            _check_tensor(result)
            _check_same("Registering a parametrization", "unparametrized", result, shape_and_type)

    def right_inverse(self, value: Tensor) -> None:
        """Sets the originals so that the parametrized tensor becomes `value`; every parametrization needs a
        ``right_inverse`` for it (RuntimeError otherwise).
        """
        with rt.no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                new = module.right_inverse(new)
            if self.is_tensor:
                if not isinstance(new, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(new).__name__}")
                self._assign("original", new, "The tensor")
                return
            if not isinstance(new, Sequence):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}."
                )
            if len(new) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a "
                    f"sequence of length {len(new)}."
                )
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a sequence of tensors. Got element "
                        f"{i} of type {type(part).__name__}"
                    )
                self._assign(f"original{i}", part, f"Tensor {i}")

    def _assign(self, name: str, value: Tensor, what: str) -> None:
        original = getattr(self, name)
        if original.dtype != value.dtype:
            raise ValueError(
                f"{what} returned by `right_inverse` has dtype {value.dtype} while `{name}` has dtype "
                f"{original.dtype}"
            )
        _replace(original, value)

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = self
        if self.is_tensor:
            x = first(self.original)
        else:
            x = first(*(getattr(self, f"original{i}") for i in range(self.ntensors)))
        for module in others:
            x = module(x)
        return x  # type: ignore[no-any-return]  # a module gives anything


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    known = memo.get(id(self))
    if known is not None:
        return known
    copy = self.__new__(type(self))
    memo[id(self)] = copy
    copy.__dict__ = deepcopy(self.__dict__, memo)
    for slot in copyreg._slotnames(type(self)):  # type: ignore[attr-defined]  # what copy itself uses
        if hasattr(self, slot):
            setattr(copy, slot, deepcopy(getattr(self, slot), memo))
    return copy


def _refuse_pickle(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(); try "
        "rustorch.save(module.state_dict(), ...)"
    )


def _own_class(module: Module) -> None:
    """Gives the module a class of its own, to hold the properties."""
    cls = type(module)
    members: dict[str, Any] = {"__getstate__": _refuse_pickle}
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = _deepcopy
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), members)


def _add_property(module: Module, name: str) -> None:
    def read(self: Any) -> Tensor:
        parametrization = self.parametrizations[name]
        if not _caching:
            return parametrization()  # type: ignore[no-any-return]  # a module gives anything
        key = (id(self), name)
        if key not in _computed:
            _computed[key] = parametrization()
        return _computed[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(read, write))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Makes a parameter or buffer the result of ``parametrization(original)``; gives the module back.

    The original stays trainable under ``module.parametrizations.<name>.original``; a second parametrization
    is applied to the first one's result. ``parametrization.right_inverse(tensor)``, if there is one, gives
    the first original (or several, which ``forward`` then takes), and makes the tensor assignable. Unless
    ``unsafe``, a change of dtype or shape is a ValueError. As
    ``torch.nn.utils.parametrize.register_parametrization``.

    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain: Any = module.parametrizations[tensor_name]
        if not unsafe:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            _check_tensor(after)
            _check_same("Registering a parametrization", f"module.{tensor_name}", after, before)
            back = _inverse(parametrization, after)
            if not isinstance(back, Tensor):
                raise ValueError(
                    f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
                )
            _check_same("parametrization.right_inverse", f"module.{tensor_name}", back, before)
        chain.append(parametrization)
        chain.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        # Made first: a parametrization that does not fit leaves the module as it was.
        chain = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _own_class(module)
            module.parametrizations = ModuleDict()
        _add_property(module, tensor_name)
        module.parametrizations[tensor_name] = chain
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the tensor of that name, or any of the module's, is parametrized.

    >>> nn.utils.parametrize.is_parametrized(nn.Linear(1, 1))
    False
    """
    chains = getattr(module, "parametrizations", None)
    if not isinstance(chains, ModuleDict):
        return False
    return len(chains) > 0 if tensor_name is None else tensor_name in chains


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Makes the tensor an ordinary one again.

    It has its present value or, unless ``leave_parametrized``, that of the original. Raises ValueError for a
    tensor that is not parametrized, or has several originals to go back to. As
    ``torch.nn.utils.parametrize.remove_parametrizations``.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(1, 1))
    >>> type(nn.utils.parametrize.remove_parametrizations(layer, "weight")).__name__
    'Linear'
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    chain: Any = module.parametrizations[tensor_name]
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            with rt.no_grad():
                _replace(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms "
            "of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class as it was before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Gives `to_module` the parametrizations of `from_module` (all, or one tensor's), with their originals.

    Shares the parametrizing modules; gives `to_module` back. As
    ``torch.nn.utils.parametrize.transfer_parametrizations_and_params``.
    """
    if not is_parametrized(from_module):
        return to_module
    chains: Any = from_module.parametrizations
    if tensor_name is not None and tensor_name not in chains:
        return to_module
    for name in [tensor_name] if tensor_name is not None else list(chains):
        source = chains[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for module in source:
            register_parametrization(to_module, name, module, unsafe=source.unsafe)
        target: Any = to_module.parametrizations[name]
        for key in ["original"] if source.is_tensor else [f"original{i}" for i in range(source.ntensors)]:
            if hasattr(target, key):
                with rt.no_grad():
                    _replace(getattr(target, key), getattr(source, key))
    return to_module
