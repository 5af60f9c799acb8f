"""Operations with a hand-written backward, as ``torch.autograd.Function``."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from rustorch import _C
from rustorch.autograd.grad_mode import no_grad

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What forward leaves for backward. Attributes of your own are kept too."""

    def __init__(self, function: type[Function]) -> None:
        self._function = function
        self._to_save: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._non_differentiable: tuple[Any, ...] = ()
        self._saved: Any = None
        self._tensor_positions: list[int] = []
        self._argument_count = 0
        self._result_positions: list[int] = []
        self._result_count = 0
        self.materialize_grads = True
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors for backward; changing them in place meanwhile is then an error."""
        for t in tensors:
            if t is not None and not isinstance(t, _C.Tensor):
                raise TypeError(
                    f"save_for_backward: can only save variables; got {type(t).__name__}; "
                    "try an attribute of ctx"
                )
        self._to_save = tensors

    def mark_dirty(self, *args: Any) -> None:
        """Says which inputs forward changed in place."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Any) -> None:
        """Says which results carry no gradient."""
        self._non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether missing gradients reach backward as zeros (the default) or as None."""
        self.materialize_grads = value

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """The older name of `saved_tensors`."""
        warnings.warn(
            "'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2
        )
        return self.saved_tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`."""
        if self._saved is None:
            return tuple(self._to_save)
        return tuple(self._saved.unpack())

    def _run_backward(self, grads: tuple[Any, ...], needed: tuple[bool, ...]) -> tuple[Any, ...]:
        """Called by the core: gradients of the tensor arguments, in order."""
        # One gradient a result of forward: None for those that are no tensors.
        every: list[Any] = [None] * self._result_count
        for position, g in zip(self._result_positions, grads):
            every[position] = g
        flags = [False] * self._argument_count
        for position, wanted in zip(self._tensor_positions, needed):
            flags[position] = wanted
        self.needs_input_grad = tuple(flags)
        result = self._function._derivative()(self, *every)
        if not isinstance(result, tuple):
            result = (result,)
        name = self._function.__name__ + "Backward"
        # Trailing None for arguments that are not tensors may be left out or added.
        if len(result) > self._argument_count and all(r is None for r in result[self._argument_count :]):
            result = result[: self._argument_count]
        if len(result) != self._argument_count:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients "
                f"(expected {self._argument_count}, got {len(result)})"
            )
        for i, g in enumerate(result):
            if g is not None and i not in self._tensor_positions:
                raise RuntimeError(
                    f"function {name} returned a gradient different from None at position {i + 1}, "
                    "but the corresponding forward input was not a Variable"
                )
        return tuple(result[i] for i in self._tensor_positions)


@functools.cache
def _default_values(forward: Callable[..., Any]) -> tuple[Any, ...]:
    import inspect  # slow to import, and only new-style functions need it

    parameters = inspect.signature(forward).parameters.values()
    return tuple(p.default for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))


class Function:
    """Base of operations that define their own derivative.

    Write ``forward(ctx, *args)`` (or ``forward(*args)`` and ``setup_context(ctx, inputs, output)``) and
    ``backward(ctx, *grads)`` as static methods, then call ``apply``. Backward returns one gradient an
    argument of forward, None where there is none; written with differentiable ops it can itself be
    differentiated.

    >>> import rustorch as rt
    >>> class Square(rt.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * g
    >>> x = rt.tensor([3.0], requires_grad=True)
    >>> Square.apply(x).sum().backward()
    >>> x.grad
    tensor([6.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself. Instantiating an autograd function will raise an error "
            "in a future version.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises: an operation is called by its class's `apply`."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style "
            f"autograd function with static forward method; try {type(self).__name__}.apply"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the result."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Fills ctx after a forward that does not take one."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Computes the gradients of the arguments from those of the results."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function "
            "to use it with backward mode AD."
        )

    # Another name for backward.
    vjp = backward

    @classmethod
    def _derivative(cls) -> Callable[..., Any]:
        by_vjp = cls.vjp is not Function.vjp
        if by_vjp and cls.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                "only implement one of them."
            )
        return cls.vjp if by_vjp else cls.backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs forward and records the call."""
        if _C._is_tracing():
            from rustorch.jit._recording import _warn

            _warn(
                f"{cls.__name__}: its backward is not recorded, and no gradient flows through it in the graph"
            )
        ctx = FunctionCtx(cls)
        if cls.setup_context is not Function.setup_context and not kwargs:
            # It sees what forward took for arguments that were left out, and backward answers for them.
            args += _default_values(cls.forward)[len(args) :]
        ctx._argument_count = len(args)
        ctx._tensor_positions = [i for i, a in enumerate(args) if isinstance(a, _C.Tensor)]
        ctx.needs_input_grad = tuple(isinstance(a, _C.Tensor) and a.requires_grad for a in args)
        record = _C.is_grad_enabled() and any(ctx.needs_input_grad)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        if not record:
            return output
        single = not isinstance(output, (tuple, list))
        flat = (output,) if single else tuple(output)
        tensor_at = [i for i, o in enumerate(flat) if isinstance(o, _C.Tensor)]
        ctx._result_positions, ctx._result_count = tensor_at, len(flat)
        outputs, ctx._saved = _C._attach_function(
            ctx,
            cls.__name__ + "Backward",
            tuple(args[i] for i in ctx._tensor_positions),
            tuple(flat[i] for i in tensor_at),
            tuple(ctx._dirty),
            tuple(ctx._non_differentiable),
            tuple(ctx._to_save),
        )
        ctx._to_save = ctx._dirty = ctx._non_differentiable = ()
        made = list(flat)
        for i, o in zip(tensor_at, outputs):
            made[i] = o
        if single:
            return made[0]
        return type(output)(made) if type(output) in (tuple, list) else tuple(made)


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a backward whose own derivative must not be taken: doing so is then an error.

    >>> import rustorch as rt
    >>> rt.autograd.function.once_differentiable(lambda ctx, g: g).__name__
    '<lambda>'
    """

    @functools.wraps(fn)
    def wrapper(ctx: FunctionCtx, *grads: Any) -> Any:
        with no_grad():
            result = fn(ctx, *grads)
        if not _C.is_grad_enabled() or not any(isinstance(g, _C.Tensor) and g.requires_grad for g in grads):
            return result
        name = ctx._function.__name__

        class Refuse(Function):
            @staticmethod
            def forward(ctx: FunctionCtx, value: Any, *grads: Any) -> Any:
                return value.clone()

            @staticmethod
            def backward(ctx: FunctionCtx, *g: Any) -> Any:
                raise RuntimeError(
                    f"{name}: trying to differentiate twice a function that was marked with "
                    "@once_differentiable"
                )

        values = result if isinstance(result, tuple) else (result,)
        guarded = tuple(v if v is None else Refuse.apply(v, *grads) for v in values)
        return guarded if isinstance(result, tuple) else guarded[0]

    return wrapper
