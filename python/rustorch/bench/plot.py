"""The op table as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rustorch.bench.tables import Row

COLORS = {"numpy": "#4c72b0", "torch": "#dd8452", "mlx": "#8172b3"}
LABELS = {"numpy": "NumPy", "torch": "torch", "mlx": "MLX"}


def save_plot(rows: Sequence[Row], path: Path, title: str) -> None:
    """Draws, for each op, the share of the machine's limit and the speed relative to the other libraries.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = [f"{row.case.name}  {row.case.size}" for row in rows]
    heights = range(len(rows))
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 1.6 + 0.24 * len(rows)), sharey=True, layout="constrained"
    )
    shares = [100 * (row.of_limit or 0.0) for row in rows]
    left.barh(heights, shares, color="#55a868", height=0.7)
    left.axvline(100, color="0.4", linewidth=0.8)
    left.set_xlabel("% of the measured limit")
    left.set_yticks(heights, names, fontsize=8)
    left.invert_yaxis()

    for library, color in COLORS.items():
        points = [(ratio, y) for y, row in enumerate(rows) if (ratio := row.ratio(library)) is not None]
        if points:
            right.scatter(*zip(*points), color=color, label=LABELS[library], s=22, zorder=3)
    right.set_xscale("log")
    right.axvline(1, color="0.4", linewidth=0.8)
    right.grid(axis="x", color="0.9")
    right.set_xlabel("times as fast as the other (right: rustorch is faster)")
    if right.get_legend_handles_labels()[0]:
        right.legend(loc="best", fontsize=8)
    for axis in (left, right):
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=130)
    plt.close(figure)
