"""The mixin of layers that learn their input size from the first input."""

from __future__ import annotations

import warnings
from typing import Any

from rustorch.nn.parameter import is_lazy
from rustorch.utils.hooks import RemovableHandle


class LazyModuleMixin:
    """Turns a layer into one whose parameters get their shapes at the first call, when it becomes the plain
    layer.

    A subclass sets ``cls_to_become`` and defines ``initialize_parameters(*args)``, which sees the first
    call's arguments and materialises the parameters. Before that, optimizers cannot use the parameters, but
    the module can be moved, cast, saved and loaded. As ``torch.nn.modules.lazy.LazyModuleMixin``.
    """

    cls_to_become: type | None = None
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _initialize_hook: RemovableHandle
    _load_hook: RemovableHandle

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        host: Any = self
        self._load_hook = host._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = host.register_forward_pre_hook(
            LazyModuleMixin._infer_parameters, with_kwargs=True
        )
        warnings.warn(
            "Lazy modules are a new feature under heavy development so changes to the API or functionality "
            "can happen at any moment.",
            stacklevel=3,
        )

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        # Placeholders cannot be detached: they are saved as they are.
        host: Any = self
        for table in (self._parameters, self._buffers):
            for name, value in table.items():
                if value is None or name in host._non_persistent_buffers_set:
                    continue
                destination[prefix + name] = value if is_lazy(value) or keep_vars else value.detach()

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for table in (self._parameters, self._buffers):
            for name, value in table.items():
                key = prefix + name
                if (
                    key in state_dict
                    and value is not None
                    and is_lazy(value)
                    and not is_lazy(state_dict[key])
                ):
                    value.materialize(state_dict[key].shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every placeholder its shape, from the arguments of the first call."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether any parameter or buffer still waits for its shape."""
        return any(is_lazy(v) for t in (self._parameters, self._buffers) for v in t.values())

    def _infer_parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        self.initialize_parameters(*args, **(kwargs or {}))
        if self.has_uninitialized_params():
            raise RuntimeError(
                f"module {type(self).__name__} has not been fully initialized; try materialising every "
                "parameter in initialize_parameters"
            )
        self._initialize_hook.remove()
        self._load_hook.remove()
        del self._initialize_hook
        del self._load_hook
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become
