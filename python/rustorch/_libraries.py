"""NVIDIA's libraries for matrix products and convolutions: what is open, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rustorch import _C

__all__ = [
    "Cudnn",
    "Library",
    "Matmul",
    "get_float32_matmul_precision",
    "libraries",
    "set_float32_matmul_precision",
]

NAMES = ("cublasLt", "cudnn")
_precision = "highest"


@dataclass(frozen=True)
class Library:
    """What there is to tell about a library; `why_not` is empty if it is open."""

    name: str
    version: str = ""
    path: str = ""
    why_not: str = ""
    calls: int = 0
    refusals: tuple[str, ...] = ()

    @property
    def available(self) -> bool:
        """Whether it is open."""
        return not self.why_not

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.available else f"{self.name}: {self.why_not}"


def _version(number: int) -> str:
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def _reports(device: object = None) -> list[dict[str, Any]]:
    """What the engine tells of its libraries; nothing without a device."""
    if _C._device_count("cuda") == 0:
        return []
    from rustorch.cuda._device import resolve

    reports: list[dict[str, Any]] = _C._library_reports(resolve("libraries", device))
    return reports


def libraries(device: object = None) -> dict[str, Library]:
    """The libraries of a CUDA device by name, opened if they are not yet.

    Each says its version and file, or why it is not there (`why_not`); how many operations it ran (`calls`);
    and which cases it left to rustorch's own kernels (`refusals`, the first few).

    >>> import rustorch as rt
    >>> sorted(rt.cuda.libraries())
    ['cublasLt', 'cudnn']
    """
    found = {name: Library(name, why_not="no CUDA device is available") for name in NAMES}
    for r in _reports(device):
        version = _version(r["version"]) if r["version"] else ""
        found[r["name"]] = Library(
            r["name"], version, r["path"], r["why_not"], r["calls"], tuple(r["refusals"])
        )
    return found


class Matmul:
    """How matrix products run on CUDA devices. Follows `torch.backends.cuda.matmul`."""

    @property
    def enabled(self) -> bool:
        """Whether cuBLASLt runs what it can; otherwise rustorch's kernels do. On by default."""
        return bool(_C._library_setting("products"))

    @enabled.setter
    def enabled(self, value: bool) -> None:
        _C._set_library_setting("products", value)

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 is multiplied with 10 bits of mantissa, in cuBLASLt. Off by default."""
        return bool(_C._library_setting("products_tf32"))

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        set_float32_matmul_precision("high" if value else "highest")


class Cudnn:
    """How convolutions run on CUDA devices.

    Follows `torch.backends.cudnn`, but for two defaults: TF32 is off, and algorithms are deterministic.
    """

    @property
    def enabled(self) -> bool:
        """Whether cuDNN runs what it can; otherwise rustorch's kernels do. On by default."""
        return bool(_C._library_setting("convolutions"))

    @enabled.setter
    def enabled(self, value: bool) -> None:
        _C._set_library_setting("convolutions", value)

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 is multiplied with 10 bits of mantissa. Off by default, on in PyTorch."""
        return bool(_C._library_setting("convolutions_tf32"))

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        _C._set_library_setting("convolutions_tf32", value)

    @property
    def deterministic(self) -> bool:
        """Whether equal calls have equal results, to the bit. On by default, off in PyTorch."""
        return bool(_C._library_setting("deterministic"))

    @deterministic.setter
    def deterministic(self, value: bool) -> None:
        _C._set_library_setting("deterministic", value)

    #: PyTorch's switch of trials before the first call. Here an algorithm is chosen without any, by cuDNN's
    #: own ranking, so that equal calls have equal results: the value is kept and changes nothing.
    benchmark: bool = False

    def is_available(self) -> bool:
        """Whether the library is open on the current device."""
        return libraries()["cudnn"].available

    def version(self) -> int | None:
        """The library's version as it counts it itself, 91500 for 9.15; None if it is not open."""
        return next((r["version"] for r in _reports() if r["name"] == "cudnn" and not r["why_not"]), None)


def set_float32_matmul_precision(precision: str) -> None:
    """How exact products of float32 matrices are on CUDA devices, for the whole process.

    "highest" (the default): float32. "high" and "medium": 10 bits of mantissa where cuBLASLt runs them, added
    up in float32. Other devices always compute in float32. Follows `torch.set_float32_matmul_precision`.

    Raises:
        RuntimeError: for any other name.

    >>> import rustorch as rt
    >>> rt.set_float32_matmul_precision("high")
    >>> rt.cuda.matmul.allow_tf32
    True
    >>> rt.set_float32_matmul_precision("highest")
    """
    global _precision
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(
            f"set_float32_matmul_precision: there is no such precision; got {precision!r}; "
            "try 'highest', 'high' or 'medium'"
        )
    _C._set_library_setting("products_tf32", precision != "highest")
    _precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` set last, or "highest".

    >>> import rustorch as rt
    >>> rt.get_float32_matmul_precision()
    'highest'
    """
    return _precision
