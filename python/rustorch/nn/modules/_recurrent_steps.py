"""The arithmetic of one step of each recurrent network, and the loop over time."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn import functional as F

State = tuple[Tensor, ...]

# (projected input of the step, state, hidden-to-hidden weights and bias, projection) -> new state; state[0]
# is output.
Step = Callable[[Tensor, State, Tensor, "Tensor | None", "Tensor | None"], State]

# Is told of each call of a network over padded sequences: the module, its input and state as they were given,
# what it gave. Whoever has an operation for the whole, such as an exporter, looks at calls and not at steps.
OBSERVER: ContextVar[Callable[[Any, Tensor, State | None, Tensor, State], None] | None] = ContextVar(
    "recurrent_observer", default=None
)


def tanh_step(x: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> State:
    """``h' = tanh(x + W h + b)`` (Elman, 1990)."""
    return (rt.tanh(x + F.linear(state[0], w_hh, b_hh)),)


def relu_step(x: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> State:
    """``h' = relu(x + W h + b)``."""
    return (rt.relu(x + F.linear(state[0], w_hh, b_hh)),)


def lstm_step(x: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> State:
    """Gates i, f, g, o: ``c' = f c + i g``, ``h' = o tanh(c')``, projected by ``w_hr`` if given (Sak et al.,
    2014).
    """
    i, f, g, o = rt.chunk(x + F.linear(state[0], w_hh, b_hh), 4, -1)
    c = rt.sigmoid(f) * state[1] + rt.sigmoid(i) * rt.tanh(g)
    h = rt.sigmoid(o) * rt.tanh(c)
    return (h if w_hr is None else F.linear(h, w_hr)), c


def gru_step(x: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> State:
    """Gates r, z, n: ``h' = (1 - z) n + z h``, the reset gate applied after the product (Cho et al.,
    2014).
    """
    xr, xz, xn = rt.chunk(x, 3, -1)
    hr, hz, hn = rt.chunk(F.linear(state[0], w_hh, b_hh), 3, -1)
    n = rt.tanh(xn + rt.sigmoid(xr + hr) * hn)
    return (n + rt.sigmoid(xz + hz) * (state[0] - n),)


STEPS: dict[str, Step] = {
    "RNN_TANH": tanh_step,
    "RNN_RELU": relu_step,
    "LSTM": lstm_step,
    "GRU": gru_step,
}


def run_direction(
    step: Step,
    inputs: list[Tensor],
    state: State,
    weights: tuple[Any, ...],
    reverse: bool,
) -> tuple[list[Tensor], State]:
    """Run over ``inputs`` (already projected), one per time step, whose batches may only shrink with time.

    Rows whose sequence has ended keep their last state; in reverse, a row joins at its own last step.
    """
    outputs: list[Tensor] = []
    ended: list[State] = []
    batch = 0 if reverse else inputs[0].shape[0]
    current = tuple(s[:batch] for s in state) if reverse else state
    for x in reversed(inputs) if reverse else inputs:
        n = x.shape[0]
        if n < batch:
            ended.append(tuple(s[n:] for s in current))
            current = tuple(s[:n] for s in current)
        elif n > batch:
            joining = tuple(s[batch:n] for s in state)
            current = joining if batch == 0 else tuple(rt.cat(pair) for pair in zip(current, joining))
        batch = n
        current = step(x, current, *weights)
        outputs.append(current[0])
    if ended:
        ended.append(current)
        current = tuple(rt.cat(parts[::-1]) for parts in zip(*ended))
    if reverse:
        outputs.reverse()
    return outputs, current
