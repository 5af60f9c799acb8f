"""Where a module answers otherwise than PyTorch's on purpose; with the reason."""

from __future__ import annotations

from .opinfo_differences import Known

KNOWN = [
    Known(
        "nn_CTCLoss",
        "^gradient of input 0",
        "PyTorch's gradient holds only behind a log_softmax; ours is that of the function",
    ),
]


def known(module: str, failure: str) -> bool:
    return any(k.covers(module, failure) for k in KNOWN)
