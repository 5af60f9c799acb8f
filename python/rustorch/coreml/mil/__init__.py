"""The model intermediate language (MIL) of Core ML: programs as data, and their text."""

from rustorch.coreml.mil import program

__all__ = ["program"]
