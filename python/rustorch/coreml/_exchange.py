"""Two directories that change places at once, where the system can do that."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
from collections.abc import Callable

__all__ = ["exchanged"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # of Linux
_RENAME_SWAP = 2  # of macOS
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)


@functools.cache
def _function() -> Callable[[bytes, bytes], int] | None:
    """The C library's function; None where it has none."""
    name = "renamex_np" if sys.platform == "darwin" else "renameat2"
    try:
        found = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    if sys.platform == "darwin":
        found.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
        return lambda a, b: int(found(a, b, _RENAME_SWAP))
    found.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return lambda a, b: int(found(_AT_FDCWD, a, _AT_FDCWD, b, _RENAME_EXCHANGE))


def exchanged(first: str, second: str) -> bool:
    """Puts each in the place of the other; False where the file system cannot.

    Raises:
        OSError: for anything else that is in the way.
    """
    function = _function()
    if function is None:
        return False
    if function(os.fsencode(first), os.fsencode(second)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code), second)
