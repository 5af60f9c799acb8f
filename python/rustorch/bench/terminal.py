"""Writing to a terminal, or to a file that is none: colours, a bar, and a line that comes and goes."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TextIO

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
EIGHTHS = " ▏▎▍▌▋▊▉"
MAX_WIDTH = 100


class Console:
    """Plain text where the stream is no terminal or NO_COLOR is set, ASCII where it cannot take more."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stdout if stream is None else stream
        self.is_tty = self.stream.isatty()
        dumb = os.environ.get("TERM") == "dumb"
        forced = bool(os.environ.get("FORCE_COLOR"))
        self.colors = (forced or (self.is_tty and not dumb)) and not os.environ.get("NO_COLOR")
        self.moves = self.is_tty and not dumb
        self.unicode = "utf" in (getattr(self.stream, "encoding", None) or "").lower()
        self.width = min(shutil.get_terminal_size((MAX_WIDTH, 24)).columns, MAX_WIDTH)
        self._transient = False

    def style(self, text: str, *names: str) -> str:
        """The text in a colour or weight; the same text where there is none."""
        codes = ";".join(STYLES[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colors and codes else text

    def line(self, text: str = "") -> None:
        """Writes a line, in place of a transient one."""
        self.clear()
        if not self.unicode:
            text = text.replace("×", "x").replace("µ", "u").replace("·", "|").replace("…", "...")
            text = text.replace("─", "-")
            text = text.encode("ascii", "replace").decode("ascii")
        self.stream.write(text.rstrip() + "\n")
        self.stream.flush()

    def heading(self, text: str, note: str = "") -> None:
        """Writes a title and a note beside it, below an empty line."""
        self.line()
        self.line(self.style(text, "bold", "cyan") + (self.style(f"  {note}", "dim") if note else ""))

    def transient(self, text: str) -> None:
        """A line that the next one replaces; nothing where the cursor cannot move."""
        if self.moves:
            if len(ANSI.sub("", text)) >= self.width:
                text = ANSI.sub("", text)[: self.width - 1]
            self.stream.write("\r\x1b[2K" + text)
            self.stream.flush()
            self._transient = True

    def clear(self) -> None:
        """Takes the transient line away."""
        if self._transient:
            self.stream.write("\r\x1b[2K")
            self._transient = False

    def bar(self, fraction: float, width: int) -> str:
        """A bar of fixed width, exact to an eighth of a character."""
        fraction = min(max(fraction, 0.0), 1.0)
        if not self.unicode:
            full = round(fraction * width)
            return "#" * full + "." * (width - full)
        eighths = round(fraction * width * 8)
        full, rest = divmod(eighths, 8)
        return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(width)
