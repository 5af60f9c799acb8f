"""Trading time for memory: recompute in backward what forward would keep, as ``torch.utils.checkpoint``.

Method: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016 (arXiv:1604.06174).
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rustorch import _C
from rustorch.autograd.grad_mode import enable_grad
from rustorch.autograd.graph import saved_tensors_hooks

__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]


class CheckpointError(RuntimeError):
    """The recomputation did not do what the first run did."""


class _EnoughRecomputed(Exception):
    """All that the first run kept is there again."""


_settings = threading.local()


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Within the block, whether checkpoints end a recomputation once they have what backward needs.

    >>> import rustorch as rt
    >>> x = rt.ones(1, requires_grad=True)
    >>> with rt.utils.checkpoint.set_checkpoint_early_stop(False):
    ...     y = rt.utils.checkpoint.checkpoint(rt.exp, x, use_reentrant=False)
    """
    before = getattr(_settings, "early_stop", None)
    _settings.early_stop = enable
    try:
        yield
    finally:
        _settings.early_stop = before


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The default of ``context_fn``: two contexts that do nothing."""
    return nullcontext(), nullcontext()


def _describe(t: Any) -> tuple[Any, ...]:
    return tuple(t.shape), t.dtype, t.device


class _Frame:
    """One checkpointed call: what it saved, by number, and how to make it again."""

    def __init__(self, run: Callable[[], Any], check: bool, early_stop: bool) -> None:
        self.run = run
        self.check = check
        self.early_stop = early_stop
        self.saved: list[tuple[Any, ...]] = []
        self.again: dict[int, Any] = {}

    def pack(self, t: Any) -> int:
        self.saved.append(_describe(t))
        return len(self.saved) - 1

    def unpack(self, index: int) -> Any:
        if index not in self.again:
            self.recompute()
        return self.again.pop(index)

    def recompute(self) -> None:
        found: list[Any] = []

        def keep(t: Any) -> int:
            found.append(_C._detach(t))
            if self.early_stop and len(found) == len(self.saved):
                raise _EnoughRecomputed
            return len(found) - 1

        try:
            with enable_grad(), saved_tensors_hooks(keep, lambda i: found[i]):
                self.run()
        except _EnoughRecomputed:
            pass
        if len(found) != len(self.saved):
            raise CheckpointError(
                f"checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation; got {len(self.saved)} and {len(found)}; try a function that does the same "
                "each time"
            )
        for i, (before, t) in enumerate(zip(self.saved, found)):
            if self.check and before != _describe(t):
                raise CheckpointError(
                    "checkpoint: Recomputed values for the following tensors have different metadata than "
                    f"during the forward pass; got tensor {i}, {before} and {_describe(t)}; try a function "
                    "that does the same each time"
                )
        self.again.update(enumerate(found))


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Runs ``function(*args, **kwargs)``, keeping only its inputs; backward runs it again.

    The function must do the same when it is run again; with `preserve_rng_state` it also draws the same
    random numbers.

    Args:
        use_reentrant: should be given, as in PyTorch; both forms behave as PyTorch's ``use_reentrant=False``.
        context_fn: gives two contexts, for the first run and for the recomputation.
        determinism_check: "default" compares shape, dtype and device of what both runs save; "none" does not.
        debug: accepted; errors always say what differs.
        early_stop: end a recomputation as soon as all is there that the first run saved.

    >>> import rustorch as rt
    >>> x = rt.tensor([1.0], requires_grad=True)
    >>> rt.utils.checkpoint.checkpoint(lambda x: (x * x) * x, x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([3.])
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: the use_reentrant parameter should be passed explicitly; use_reentrant=False is "
            "recommended, and is what both values do here.",
            stacklevel=2,
        )
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'] but got {determinism_check}"
        )
    if use_reentrant and (context_fn is not noop_context_fn or debug):
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    if not _C.is_grad_enabled():
        return function(*args, **kwargs)
    first_context, second_context = context_fn()
    generator = _C._default_generator("cpu")
    before = generator._get_state()

    def again() -> None:
        now = generator._get_state()
        if preserve_rng_state:
            generator._set_state(*before)
        try:
            with second_context:
                function(*args, **kwargs)
        finally:
            if preserve_rng_state:
                generator._set_state(*now)

    chosen = getattr(_settings, "early_stop", None)
    frame = _Frame(again, determinism_check == "default", early_stop if chosen is None else chosen)
    with saved_tensors_hooks(frame.pack, frame.unpack), first_context:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Checkpoints a chain of functions in `segments` pieces; the last piece keeps its values.

    >>> import rustorch as rt
    >>> x = rt.ones(1, requires_grad=True)
    >>> rt.utils.checkpoint.checkpoint_sequential([rt.exp, rt.tanh], 2, x, use_reentrant=False).shape
    rustorch.Size([1])
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint_sequential: the use_reentrant parameter should be passed explicitly; "
            "use_reentrant=False is recommended, and is what both values do here.",
            stacklevel=2,
        )
        use_reentrant = False
    layers = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def piece(x: Any) -> Any:
            for layer in layers[start:end]:
                x = layer(x)
            return x

        return piece

    size = max(1, len(layers) // segments)
    start = 0
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(run(start, start + size), input, use_reentrant=use_reentrant, **kwargs)
    return run(size * (segments - 1), len(layers))(input)
