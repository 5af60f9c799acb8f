"""The exceptions of rustorch: one tree under `RustorchError`, each also the built-in that users expect.

Every error from an op carries `op`, `got` and `hint`, and reads ``op: what is wrong; got ...; try ...``.

>>> import rustorch as rt
>>> try:
...     rt.ones(2) + rt.ones(3)
... except rt.errors.RustorchError as error:
...     error.op
'add'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "ArgumentError",
    "AssumptionError",
    "CoreMLError",
    "DTypeError",
    "DeviceNotAvailable",
    "FormatError",
    "InferenceFailed",
    "LinAlgError",
    "MemoryAllocationFailed",
    "ModelCompilationFailed",
    "OpError",
    "OutOfMemoryError",
    "OutOfRangeError",
    "RustorchError",
    "TensorShapeMismatch",
    "UnsupportedOperation",
]


class RustorchError(Exception):
    """Base of all errors raised by rustorch.

    Attributes:
        op: the operation that failed, as a user calls it.
        got: what it was given (dtypes, shapes, devices).
        hint: what to try instead; may be empty.
        recovery: what a program can do about errors of this class; may be empty.
    """

    recovery: ClassVar[str] = ""

    def __init__(self, message: str = "", *, op: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.op = op
        self.got = got
        self.hint = hint

    @classmethod
    def of(cls, op: str, what: str, got: str = "", hint: str = "") -> Self:
        """An error whose message is made of its parts: ``op: what; got ...; try ...``."""
        message = f"{op}: {what}" + (f"; got {got}" if got else "") + (f"; try {hint}" if hint else "")
        return cls(message, op=op, got=got, hint=hint)


class OpError(RustorchError, RuntimeError):
    """Shapes, dtypes or values that an operation cannot work with."""


class DTypeError(RustorchError, TypeError):
    """An argument of the wrong type."""


class ArgumentError(RustorchError, ValueError):
    """An argument of the right type with a value that makes no sense."""


class FormatError(ArgumentError):
    """A file that is not what its format asks for: cut short, inconsistent, or made to do harm."""


class AssumptionError(RustorchError, AssertionError):
    """Arguments that break what a layer assumes of them, where PyTorch asserts it."""


class OutOfRangeError(RustorchError, IndexError):
    """An index or a dimension outside of the tensor."""


class UnsupportedOperation(RustorchError, NotImplementedError):
    """An engine has no kernel for the operation with these dtypes."""

    recovery = "fall back to another device"


class DeviceNotAvailable(RustorchError, RuntimeError):
    """A device that this build or this machine does not have."""

    recovery = "fall back to the CPU"


class OutOfMemoryError(RustorchError, RuntimeError, MemoryError):
    """Memory could not be allocated, or a limit was reached."""


class LinAlgError(RustorchError, RuntimeError):
    """A matrix that is singular, not positive definite, or an iteration that did not converge."""


class CoreMLError(RustorchError):
    """Base of what goes wrong while Core ML, or what stands for it, makes or runs a program."""


class ModelCompilationFailed(CoreMLError, RuntimeError):
    """A program that was not accepted. With routing on, the op runs on another device."""

    recovery = "fall back to another device"


class InferenceFailed(CoreMLError, RuntimeError):
    """A prediction that failed, and failed again when it was tried again."""

    recovery = "retry with backoff"


class MemoryAllocationFailed(CoreMLError, OutOfMemoryError):
    """No memory for a program, its inputs or its outputs."""

    recovery = "reduce the batch"


class TensorShapeMismatch(CoreMLError, ValueError):
    """Inputs of other shapes or dtypes than those that a program was made for."""

    recovery = "make a program for these shapes"
