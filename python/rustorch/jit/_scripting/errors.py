"""What the compiler raises."""

from __future__ import annotations

from rustorch.errors import OpError

__all__ = ["ScriptError", "Unreachable"]


class ScriptError(OpError):
    """A function that is outside of the subset of Python that `rustorch.jit.script` compiles.

    The message names the file and line, the construct, and what to try.
    """


class Unreachable(Exception):
    """What was compiled always raises, so the rest of its statement never runs."""
