"""oneDNN, as `torch.backends.mkldnn`."""

from __future__ import annotations

from rustorch import _C

__all__ = ["is_available"]


def is_available() -> bool:
    """Whether CPU products and convolutions go to oneDNN: on Linux x86-64.

    >>> import rustorch as rt
    >>> rt.backends.mkldnn.is_available() in (True, False)
    True
    """
    return str(_C._build_info()["matrix_library"]).startswith("oneDNN")
