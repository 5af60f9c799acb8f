"""When indices out of bounds on a GPU become errors."""

from __future__ import annotations

from rustorch import _C

__all__ = ["get_index_checks", "set_index_checks"]


def set_index_checks(when: str) -> None:
    """Chooses when an index that is out of bounds becomes an error on devices that queue their work.

    On the CPU the call itself raises, always. A GPU runs behind the program, which would have to wait for it
    at every indexing op, embedding and loss of classes; so it looks at the indices by itself.

    Args:
        when: "later", as it is unless the environment says ``RUSTORCH_INDEX_CHECKS=now``: the error is raised
            where the program next waits for the device (`synchronize`, a copy to the host, `item`) or indexes
            on it. Until then an index that is out of bounds counts as 0, so that no other memory is touched,
            and what was computed from it is not valid. Or "now": every check waits, and the call that is
            wrong raises.

    Raises:
        ValueError: for anything else.

    Follows the purpose of ``CUDA_LAUNCH_BLOCKING`` in PyTorch, where such an index ends the process's use of
    the GPU; here the program may go on.

    >>> rt.set_index_checks("now")
    >>> rt.get_index_checks()
    'now'
    >>> rt.set_index_checks("later")
    """
    if when not in ("now", "later"):
        raise ValueError(f"set_index_checks: expected 'now' or 'later'; got {when!r}")
    _C._set_index_checks_wait(when == "now")


def get_index_checks() -> str:
    """When an index that is out of bounds on a GPU becomes an error: "now" or "later".

    >>> rt.get_index_checks()
    'later'
    """
    return "now" if _C._index_checks_wait() else "later"
