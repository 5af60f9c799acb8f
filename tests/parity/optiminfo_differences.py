"""Where an optimizer answers otherwise than PyTorch's on purpose; with the reason."""

from __future__ import annotations

from .failures import Known

KNOWN = [
    Known(
        "Adam|AdamW",
        "differentiable.*on (float64|complex128).*e-0[678]",
        "PyTorch reckons bias corrections in float32 there, the type of its step",
    ),
    Known(
        "ASGD",
        "on (float64|complex128).*e-(0[89]|1[01])",
        "PyTorch reckons eta in float32, the type of its step",
    ),
    Known(
        "LBFGS",
        r"state\['state'\]\[0\]\['\w+'\]",
        "at the minimum the history is rounding errors; parameters and the state's names are compared",
    ),
    Known(
        "Muon",
        "on (float64|complex128).*e-0[678]",
        "a matrix is made orthogonal in bfloat16, whose products are rounded in an order of their own",
    ),
]
