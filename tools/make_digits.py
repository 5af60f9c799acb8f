"""Make python/rustorch/datasets/digits/digits.npz from the published text file.

    python tools/make_digits.py optdigits.tes

The input is `optdigits.tes` of the UCI data set "Optical Recognition of Handwritten Digits" (or its copy
`digits.csv.gz` in scikit-learn): 1,797 lines of 64 pixel counts (0 to 16) and a label.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

OUTPUT = Path(__file__).parent.parent / "python/rustorch/datasets/digits/digits.npz"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="optdigits.tes or digits.csv.gz")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    table = np.loadtxt(arguments.source, delimiter=",").astype(np.uint8)
    if table.shape != (1797, 65) or table[:, :64].max() != 16:
        parser.error(
            f"{arguments.source}: expected 1797 rows of 64 pixels in 0..16 and a label, got {table.shape}"
        )
    np.savez_compressed(arguments.output, images=table[:, :64].reshape(-1, 8, 8), labels=table[:, 64])
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
