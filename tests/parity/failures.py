"""What goes wrong in many samples of one thing, told together."""

from __future__ import annotations

from collections.abc import Callable


class Failures:
    """Failures of the samples of `name`; of those with one message the first is shown, known ones are not."""

    def __init__(self, name: str, known: Callable[[str, str], bool]) -> None:
        self.name, self.known = name, known
        self.ran = 0
        self.found: dict[str, str] = {}
        self.count = 0

    def note(self, where: str, error: BaseException) -> None:
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        text = f"{kind}{str(error)[:400]}"
        if not self.known(self.name, f"{where}\n{text}") and not self.known(self.name, text):
            self.count += 1
            self.found.setdefault(text, f"{where[:400]}\n    {text}")

    def report(self) -> None:
        if self.found:
            shown = list(self.found.values())[:5]
            raise AssertionError("\n  ".join([f"{self.count} of {self.ran} samples differ", *shown]))
