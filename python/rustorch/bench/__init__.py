"""The benchmark: ``python -m rustorch.bench``.

It prints the machine and its measured limits, times ops by size on every available engine beside NumPy
(and PyTorch and MLX on request), and trains a small convolutional network on real handwritten digits.

One module, one job: `cases` is the table of what is timed, `libraries` how each library is called, `timing`
the method, `limits` the yardstick, `training` the network, `terminal`, `tables` and `plot` the output, `cli`
the command.
"""

from rustorch.bench.cli import main

__all__ = ["main"]
