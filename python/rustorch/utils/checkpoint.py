"""Trading time for memory: recompute in backward what forward would keep, as ``torch.utils.checkpoint``.

Method: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016 (arXiv:1604.06174).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rustorch import _C
from rustorch.autograd.grad_mode import enable_grad
from rustorch.autograd.graph import saved_tensors_hooks

__all__ = ["checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """The recomputation did not do what the first run did."""


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Runs ``function(*args, **kwargs)``, keeping only its inputs; backward runs it again.

    The function must do the same when it is run again; with `preserve_rng_state` it also draws the same
    random numbers. `use_reentrant` is accepted; both forms behave as PyTorch's ``use_reentrant=False``.

    >>> import rustorch as rt
    >>> x = rt.tensor([1.0], requires_grad=True)
    >>> rt.utils.checkpoint.checkpoint(lambda x: (x * x) * x, x).sum().backward()
    >>> x.grad
    tensor([3.])
    """
    if not _C.is_grad_enabled():
        return function(*args, **kwargs)
    generator = _C._default_generator("cpu")
    before = generator._get_state()
    count = 0
    recomputed: dict[int, Any] = {}

    def pack(_: Any) -> int:
        nonlocal count
        count += 1
        return count - 1

    def recompute() -> None:
        found: list[Any] = []

        def keep(t: Any) -> int:
            found.append(_C._detach(t))
            return len(found) - 1

        now = generator._get_state()
        if preserve_rng_state:
            generator._set_state(*before)
        try:
            with enable_grad(), saved_tensors_hooks(keep, lambda i: found[i]):
                function(*args, **kwargs)
        finally:
            if preserve_rng_state:
                generator._set_state(*now)
        if len(found) != count:
            raise CheckpointError(
                f"checkpoint: a different number of tensors was saved during the original forward and "
                f"recomputation; got {count} and {len(found)}; try a function that does the same each time"
            )
        recomputed.update(enumerate(found))

    def unpack(index: int) -> Any:
        if index not in recomputed:
            recompute()
        return recomputed.pop(index)

    with saved_tensors_hooks(pack, unpack):
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Checkpoints a chain of functions in `segments` pieces; the last piece keeps its values.

    >>> import rustorch as rt
    >>> x = rt.ones(1, requires_grad=True)
    >>> rt.utils.checkpoint.checkpoint_sequential([rt.exp, rt.tanh], 2, x).shape
    rustorch.Size([1])
    """
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
