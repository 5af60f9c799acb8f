"""The processor that CPU ops run on, as `torch.backends.cpu`."""

from __future__ import annotations

from rustorch import _C

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The instruction set that kernels use, in capitals: "AVX512", "AVX2", "NEON", or "DEFAULT".

    >>> import rustorch as rt
    >>> rt.backends.cpu.get_cpu_capability().isupper()
    True
    """
    name = str(_C._build_info()["simd"])
    return "DEFAULT" if name == "baseline" else name.upper()
