"""Whether operations have to give the same result in every run.

Kernels of rustorch add in a fixed order on every device, so the only ones that may differ from run to run are
convolutions that cuDNN computes while `rustorch.cuda.cudnn.deterministic` is off.
"""

from __future__ import annotations

from rustorch import _C
from rustorch.errors import DTypeError, OpError

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_deterministic_debug_mode",
    "is_deterministic_algorithms_warn_only_enabled",
    "set_deterministic_debug_mode",
    "use_deterministic_algorithms",
]

_MODES = ("default", "warn", "error")
_on = False
_warn_only = False
_fills = True  # while it is on
_left_free = False  # what cuDNN was allowed before it was told otherwise here


def _set(on: bool, warn_only: bool) -> None:
    global _on, _warn_only, _left_free
    if on and not _on:
        _left_free = not _C._library_setting("deterministic")
        _C._set_library_setting("deterministic", True)
    elif _on and not on and _left_free:
        _C._set_library_setting("deterministic", False)
    _on, _warn_only = on, warn_only
    _C._set_fills_uninitialized(_on and _fills)


def fills() -> bool:
    """Whether uninitialised memory is filled while the mode is on."""
    return _fills


def set_fills(fill: bool) -> None:
    """Sets `rustorch.utils.deterministic.fill_uninitialized_memory`."""
    global _fills
    _fills = fill
    _C._set_fills_uninitialized(_on and _fills)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Demands results that do not differ from run to run, of every operation and device.

    Args:
        mode: whether to demand it; cuDNN then takes none but deterministic algorithms, whatever
            `rustorch.cuda.cudnn.deterministic` was before, which comes back when the mode ends. `empty` and
            its relatives give NaN, or the largest integer, as `rustorch.utils.deterministic` has it.
        warn_only: kept and told, but without effect: no operation here has to be refused.

    Raises:
        TypeError: for a mode that is no bool.

    Follows `torch.use_deterministic_algorithms`.

    >>> import rustorch as rt
    >>> rt.use_deterministic_algorithms(True)
    >>> rt.are_deterministic_algorithms_enabled()
    True
    >>> rt.use_deterministic_algorithms(False)
    """
    for name, value, where in (("mode", mode, " (position 1)"), ("warn_only", warn_only, "")):
        if not isinstance(value, bool):
            raise DTypeError.of(
                "use_deterministic_algorithms",
                f"argument '{name}'{where} must be bool, not {type(value).__name__}",
            )
    _set(mode, warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` is on.

    Follows `torch.are_deterministic_algorithms_enabled`.
    """
    return _on


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was last given `warn_only`.

    Follows `torch.is_deterministic_algorithms_warn_only_enabled`.
    """
    return _warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Sets the mode of `use_deterministic_algorithms` by one value.

    Args:
        debug_mode: 0 or "default" for off, 1 or "warn", 2 or "error".

    Raises:
        TypeError: if it is neither an int nor a string.
        RuntimeError: for another string or number.

    Follows `torch.set_deterministic_debug_mode`.

    >>> import rustorch as rt
    >>> rt.set_deterministic_debug_mode("error")
    >>> rt.get_deterministic_debug_mode()
    2
    >>> rt.set_deterministic_debug_mode(0)
    """
    op = "set_deterministic_debug_mode"
    if isinstance(debug_mode, bool) or not isinstance(debug_mode, (int, str)):
        raise DTypeError.of(op, "debug_mode must be str or int", str(type(debug_mode)))
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise OpError.of(
                op,
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`",
                repr(debug_mode),
            )
        debug_mode = _MODES.index(debug_mode)
    if not 0 <= debug_mode < len(_MODES):
        raise OpError.of(op, "invalid value of debug_mode, expected 0, 1, or 2", str(debug_mode))
    _set(debug_mode > 0, debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """The mode of `set_deterministic_debug_mode` as a number: 0, 1 or 2.

    Follows `torch.get_deterministic_debug_mode`.
    """
    return (1 if _warn_only else 2) if _on else 0
