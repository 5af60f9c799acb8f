"""Learning rate schedules: call ``scheduler.step()`` after each epoch (or batch), after
``optimizer.step()``.
"""

from rustorch.optim.lr_scheduler._base import EPOCH_DEPRECATION_WARNING, LRScheduler
from rustorch.optim.lr_scheduler._composite import ChainedScheduler, SequentialLR
from rustorch.optim.lr_scheduler._cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from rustorch.optim.lr_scheduler._cyclic import CyclicLR, OneCycleLR
from rustorch.optim.lr_scheduler._decay import (
    ConstantLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from rustorch.optim.lr_scheduler._lambda import LambdaLR, MultiplicativeLR
from rustorch.optim.lr_scheduler._plateau import ReduceLROnPlateau

__all__ = [
    "EPOCH_DEPRECATION_WARNING",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
