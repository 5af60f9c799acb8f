"""Connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Sequence

import rustorch as rt
from rustorch import Tensor


def _lengths(lengths: Tensor | Sequence[int], n: int, name: str) -> list[int]:
    out = [int(v) for v in (lengths.reshape(-1).tolist() if isinstance(lengths, Tensor) else lengths)]
    if len(out) != n:
        raise RuntimeError(f"ctc_loss: {name} must be of size batch_size; got {len(out)} for a batch of {n}")
    return out


def _padded_targets(targets: Tensor, lengths: list[int], device: rt.device) -> Tensor:
    """Targets as (N, max length), whichever of the two forms they came in."""
    longest = max(lengths, default=0)
    if targets.dim() == 2:
        if targets.shape[1] < longest:
            raise RuntimeError(
                f"ctc_loss: Expected tensor to have size at least {longest} at dimension 1; got targets of "
                f"shape {tuple(targets.shape)}"
            )
        return targets[:, :longest].to(rt.int64)
    if sum(lengths) != targets.shape[0]:
        raise RuntimeError(
            f"ctc_loss: Expected tensor to have size {sum(lengths)} at dimension 0, but got size "
            f"{targets.shape[0]} for argument targets"
        )
    out = rt.zeros((len(lengths), longest), dtype=rt.int64, device=device)
    start = 0
    for i, n in enumerate(lengths):
        out[i, :n] = targets[start : start + n].to(rt.int64)
        start += n
    return out


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """The negative log likelihood of a label sequence, summed over all alignments (Graves et al., 2006).

    ``log_probs`` is (T, N, C) or (T, C) of log probabilities; ``targets`` is (N, S) or all targets in one
    row. 'mean' divides each loss by its target's length first. ``zero_infinity`` makes impossible alignments
    count zero.

    >>> p = rt.log_softmax(rt.zeros(2, 1, 2), 2)
    >>> nn.functional.ctc_loss(p, rt.tensor([[1]]), [2], [1], reduction="none")
    tensor([0.2877])
    """
    batched = log_probs.dim() == 3
    if not batched:
        log_probs = log_probs.unsqueeze(1)
        targets = targets.unsqueeze(0) if targets.dim() == 1 else targets
    steps, batch, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank must be in label range; got {blank} for {classes} classes")
    device = log_probs.device
    n_in = _lengths(input_lengths, batch, "input_lengths")
    n_out = _lengths(target_lengths, batch, "target_lengths")
    if any(n > steps for n in n_in):
        raise RuntimeError(
            f"ctc_loss: Expected input_lengths to have value at most {steps}, but got value {max(n_in)}"
        )
    labels = _padded_targets(targets, n_out, device)

    # States: blank, label, blank, label, ..., blank. A label may be entered from its own blank or, when it
    # differs from the label before, straight from that label.
    width = 2 * labels.shape[1] + 1
    states = rt.full((batch, width), blank, dtype=rt.int64, device=device)
    states[:, 1::2] = labels
    may_skip = rt.zeros((batch, width), dtype=rt.bool, device=device)
    may_skip[:, 3::2] = labels[:, 1:] != labels[:, :-1]

    # A large negative number instead of -inf keeps gradients of impossible paths zero rather than NaN.
    never = -1e30
    emit = log_probs.gather(2, states.unsqueeze(0).expand(steps, -1, -1)).clamp(min=never)
    start = rt.full((batch, width), never, dtype=log_probs.dtype, device=device)
    alpha = rt.cat((emit[0, :, :2], start[:, 2:]), 1) if steps else start
    length = rt.tensor(n_in, device=device).unsqueeze(1)
    for t in range(1, steps):
        one = rt.cat((start[:, :1], alpha[:, :-1]), 1)
        two = rt.cat((start[:, :2], alpha[:, :-2]), 1)[:, :width]
        two = rt.where(may_skip, two, start)
        moved = rt.logsumexp(rt.stack((alpha, one, two)), 0) + emit[t]
        alpha = rt.where(length > t, moved.clamp(min=never), alpha)

    last = rt.tensor([2 * n for n in n_out], device=device).unsqueeze(1)
    end_blank = alpha.gather(1, last).squeeze(1)
    end_label = alpha.gather(1, (last - 1).clamp(min=0)).squeeze(1)
    end_label = rt.where(last.squeeze(1) > 0, end_label, rt.full_like(end_label.detach(), never))
    loss = -rt.logsumexp(rt.stack((end_blank, end_label)), 0)
    impossible = loss.detach() > -never / 2
    loss = rt.masked_fill(loss, impossible, 0.0 if zero_infinity else float("inf"))

    if reduction == "mean":
        weights = rt.tensor([max(n, 1) for n in n_out], device=device).to(loss.dtype)
        return (loss / weights).mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss if batched else loss.squeeze(0)
    raise ValueError(f"{reduction} is not a valid value for reduction")
