"""Finding the forward line behind a bad gradient, as ``torch.autograd.anomaly_mode``."""

from __future__ import annotations

import os
import traceback
import warnings

from rustorch import _C

__all__ = ["detect_anomaly", "set_detect_anomaly"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _describe_stack() -> str:
    """The Python stack of the caller's code, innermost frame last; called by the core for each node."""
    frames = [f for f in traceback.extract_stack() if not os.path.abspath(f.filename).startswith(_PACKAGE)]
    return "".join(traceback.format_list(frames))


def _set(mode: bool, check_nan: bool) -> tuple[bool, bool]:
    return _C._set_anomaly(mode), _C._set_anomaly_checks_nan(check_nan)


class detect_anomaly:
    """Within the block, backward fails at the first NaN gradient, and every failure names its forward line.

    Slows everything down: each op keeps the Python stack it was called from. ``check_nan=False`` leaves the
    search for NaN out.

    >>> import rustorch as rt
    >>> x = rt.zeros(1, requires_grad=True)
    >>> try:
    ...     with rt.autograd.detect_anomaly():
    ...         (x * 0 / x).sum().backward()
    ... except RuntimeError as error:
    ...     "returned nan values" in str(error)
    True
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
            "enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = _set(True, self.check_nan)

    def __exit__(self, *exc: object) -> None:
        _set(*self._before)


class set_detect_anomaly:
    """Turns anomaly detection on or off: at once, or until the end of a ``with`` block.

    >>> import rustorch as rt
    >>> with rt.autograd.set_detect_anomaly(True):
    ...     rt.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _set(*self._before)
