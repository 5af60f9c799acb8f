"""What the engines and libraries of this build can do, and their switches. Follows `torch.backends`.

>>> import rustorch as rt
>>> device = "mps" if rt.backends.mps.is_available() else "cpu"
"""

from __future__ import annotations

from rustorch.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
