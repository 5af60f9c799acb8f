"""Where a module answers otherwise than PyTorch's on purpose; with the reason."""

from __future__ import annotations

from .failures import Known

KNOWN = [
    Known(
        "nn_CTCLoss",
        "^gradient of input 0",
        "PyTorch's gradient holds only behind a log_softmax; ours is that of the function",
    ),
]
