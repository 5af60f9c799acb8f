"""Handles that take a registered hook away again."""

from __future__ import annotations

import weakref
from collections.abc import MutableMapping
from typing import Any


class RemovableHandle:
    """What every ``register_*_hook`` returns; ``remove()`` takes the hook out, also at the end of a ``with``.

    The table of hooks is held weakly, so a handle never keeps a module or an optimizer alive. ``extra_dict``
    names tables keyed by the same id (for example the set of hooks that want keyword arguments).

    >>> from collections import OrderedDict
    >>> hooks = OrderedDict()
    >>> handle = rt.utils.hooks.RemovableHandle(hooks)
    >>> hooks[handle.id] = print
    >>> handle.remove()
    >>> len(hooks)
    0
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        if extra_dict is None:
            extra: tuple[Any, ...] = ()
        elif isinstance(extra_dict, (list, tuple)):
            extra = tuple(extra_dict)
        else:
            extra = (extra_dict,)
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extra)

    def remove(self) -> None:
        """Take the hook out; removing twice, or after the owner has gone, is harmless."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            table: MutableMapping[int, Any] | None = ref()
            if table is not None and self.id in table:
                del table[self.id]

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        from collections import OrderedDict

        # A table that had died by the time of pickling comes back as an empty one: nothing is left to remove.
        table, self.id, extra = state
        self.hooks_dict_ref = weakref.ref(OrderedDict() if table is None else table)
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if d is None else d) for d in extra)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
