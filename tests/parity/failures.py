"""What goes wrong in many samples of one thing, told together."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Known:
    """A difference on purpose: failures under such a name whose text matches are expected, for the reason."""

    def __init__(self, names: str, text: str, reason: str) -> None:
        self.names, self.text, self.reason = names, text, reason

    def covers(self, name: str, failure: str) -> bool:
        return (
            re.fullmatch(self.names, name) is not None
            and re.search(self.text, failure, re.DOTALL) is not None
        )


class Failures:
    """Failures of the samples of `name`; of those with one message the first is shown, known ones are not."""

    def __init__(self, name: str, known: Sequence[Known]) -> None:
        self.name, self.known = name, known
        self.ran = 0
        self.found: dict[str, str] = {}
        self.count = 0

    def note(self, where: str, error: BaseException) -> None:
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        text = f"{kind}{str(error)[:400]}"
        if not any(k.covers(self.name, said) for k in self.known for said in (f"{where}\n{text}", text)):
            self.count += 1
            self.found.setdefault(text, f"{where[:400]}\n    {text}")

    def report(self) -> None:
        if self.found:
            shown = list(self.found.values())[:5]
            raise AssertionError("\n  ".join([f"{self.count} of {self.ran} samples differ", *shown]))
