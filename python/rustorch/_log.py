"""The logger `rustorch`, of the standard library's logging; RUSTORCH_LOG sets its level.

The logging module is imported with the first message, or at once if RUSTORCH_LOG is set.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

__all__ = ["debug", "logger", "start"]

_VARIABLE = "RUSTORCH_LOG"


@cache
def logger() -> logging.Logger:
    """The logger, at the level that RUSTORCH_LOG asks for."""
    import logging

    log = logging.getLogger("rustorch")
    text = os.environ.get(_VARIABLE, "").strip().upper()
    if not text:
        log.addHandler(logging.NullHandler())
        return log

    class Terminal(logging.StreamHandler):  # type: ignore[type-arg]
        """Writes to stderr unless the program has set up logging of its own, which then gets the records."""

        def emit(self, record: logging.LogRecord) -> None:
            if not logging.getLogger().handlers:
                super().emit(record)

    handler = Terminal()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
    log.addHandler(handler)
    level = int(text) if text.isdigit() else logging.getLevelName(text)
    if isinstance(level, int):
        log.setLevel(level)
    else:
        log.setLevel(logging.INFO)
        log.warning("%s is not a log level; got %r; try debug, info, warning or error", _VARIABLE, text)
    return log


def debug(message: str, *args: object) -> None:
    """A message of level debug; costs next to nothing while nobody listens."""
    log = logger()
    if log.isEnabledFor(10):
        log.debug(message, *args)


def start() -> None:
    """Called once by the package: says what was imported if RUSTORCH_LOG is set."""
    if os.environ.get(_VARIABLE):
        from rustorch._config import config

        debug("imported rustorch %s", ", ".join(f"{key} {value}" for key, value in config().items()))
