"""An interpreter of Core ML's ML Programs over our own operations.

It runs on any device and needs neither Core ML nor coremltools.
"""

from rustorch.coreml.interpreter.runner import Runner, State

__all__ = ["Runner", "State"]
