"""Optimizers and learning rate schedules. As ``torch.optim``."""

from rustorch.optim import lr_scheduler
from rustorch.optim.adam import Adam
from rustorch.optim.adamw import AdamW
from rustorch.optim.optimizer import Optimizer
from rustorch.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
