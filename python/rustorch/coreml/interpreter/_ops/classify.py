"""The last step of a classifier."""

from __future__ import annotations

from rustorch import Tensor
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import OpError


@mil_op("classify")
def classify(
    probabilities: Tensor, classes: list[str] | list[int]
) -> tuple[str | int, dict[str | int, float]]:
    """The label of the greatest probability, and the probability of each label."""
    values = probabilities.reshape(-1).tolist()
    if len(values) != len(classes):
        raise OpError.of("classify", f"{len(classes)} classes need as many probabilities", str(len(values)))
    if not values:
        raise OpError.of("classify", "needs one class at least")
    best = max(range(len(values)), key=values.__getitem__)
    return classes[best], dict(zip(classes, values))
