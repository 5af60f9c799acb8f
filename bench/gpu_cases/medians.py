"""What ops on rows are held to: the median of their ratios over all widths, by op, direction and dtype."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

TARGETS = {"rows": 1.2, "backward": 1.1}


@dataclass(frozen=True)
class Median:
    name: str  # without the width
    widths: list[int]
    ratio: float
    target: float

    @property
    def met(self) -> bool:
        return self.ratio >= self.target


def medians(ratios: Mapping[str, float]) -> list[Median]:
    """Of the ratios of those whose name is direction/op/width/dtype, in the order of their coming."""
    groups: dict[str, dict[int, float]] = {}
    for name, ratio in ratios.items():
        direction, _, rest = name.partition("/")
        if direction in TARGETS:
            op, width, dtype = rest.split("/")
            groups.setdefault(f"{direction}/{op}/{dtype}", {})[int(width)] = ratio
    return [
        Median(name, sorted(found), statistics.median(found.values()), TARGETS[name.partition("/")[0]])
        for name, found in groups.items()
    ]
