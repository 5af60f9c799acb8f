"""Switches for recording: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`.

Each is a context manager and a decorator, and acts on the calling thread, as in ``torch.autograd.grad_mode``.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from rustorch import _C
from rustorch.errors import DTypeError

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _Switch:
    """A context manager that also decorates functions and generators."""

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError

    def _again(self) -> _Switch:
        return type(self)()

    def __call__(self, fn: F) -> F:
        import inspect  # slow to import, and decorators are rare

        if inspect.isclass(fn):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only "
                "decorate functions or methods. To preserve the current behavior of class decoration, you "
                "can directly decorate the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=3,
            )
        if inspect.isgeneratorfunction(fn):
            generator: F = self._wrap_generator(fn)
            return generator

        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return fn(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    def _wrap_generator(self, fn: Any) -> Any:
        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = fn(*args, **kwargs)
            # The mode holds while the generator runs, not while its consumer does.
            resume: Callable[[], Any] = lambda: next(generator)  # noqa: E731
            while True:
                try:
                    with self._again():
                        item = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    value = yield item
                    resume = functools.partial(generator.send, value)
                except GeneratorExit:
                    with self._again():
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)

        return wrapper


class _GradMode(_Switch):
    _enabled: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __new__(cls, fn: Any = None, *args: Any, **kwargs: Any) -> Any:
        # `@no_grad` without parentheses.
        self = super().__new__(cls)
        if callable(fn):
            self.__init__()  # type: ignore[misc]
            return self(fn)
        return self

    def __enter__(self) -> None:
        self._before.append(_C._set_grad_enabled(self._enabled))

    def __exit__(self, *exc: object) -> None:
        _C._set_grad_enabled(self._before.pop())


class no_grad(_GradMode):
    """Ops inside are not recorded, so their results require no gradient.

    >>> import rustorch as rt
    >>> x = rt.ones(2, requires_grad=True)
    >>> with rt.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    _enabled = False


class enable_grad(_GradMode):
    """Ops inside are recorded again, within a `no_grad` block.

    >>> import rustorch as rt
    >>> x = rt.ones(2, requires_grad=True)
    >>> with rt.no_grad(), rt.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    _enabled = True


class set_grad_enabled(_Switch):
    """Turns recording on or off: at once when called as a function, and until the end of a ``with`` block.

    >>> import rustorch as rt
    >>> x = rt.ones(1, requires_grad=True)
    >>> with rt.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        if type(mode).__name__ not in ("bool", "bool_"):  # Python's and NumPy's
            raise DTypeError.of("set_grad_enabled", "mode must be a bool", type(mode).__name__)
        self._mode = bool(mode)
        self._before = _C._set_grad_enabled(self._mode)

    def __enter__(self) -> None:
        _C._set_grad_enabled(self._mode)

    def __exit__(self, *exc: object) -> None:
        _C._set_grad_enabled(self._before)

    def __call__(self, fn: F) -> F:
        _C._set_grad_enabled(self._before)
        return super().__call__(fn)

    def _again(self) -> _Switch:
        return set_grad_enabled(self._mode)


class inference_mode(_Switch):
    """As `no_grad`, and tensors made inside can never enter a graph, which makes them cheaper.

    >>> import rustorch as rt
    >>> with rt.inference_mode():
    ...     y = rt.ones(2)
    >>> y.is_inference()
    True
    """

    def __init__(self, mode: bool = True) -> None:
        self._mode = mode
        self._before: list[tuple[bool, bool]] = []

    def __new__(cls, mode: Any = True) -> Any:
        self = super().__new__(cls)
        if callable(mode):
            self.__init__()  # type: ignore[misc]
            return self(mode)
        return self

    def __enter__(self) -> None:
        inference = _C._set_inference_mode(self._mode)
        # inference_mode(False) inside inference_mode brings recording back.
        self._before.append((inference, _C._set_grad_enabled(not self._mode)))

    def __exit__(self, *exc: object) -> None:
        inference, grad = self._before.pop()
        _C._set_inference_mode(inference)
        _C._set_grad_enabled(grad)

    def _again(self) -> _Switch:
        return inference_mode(self._mode)
