"""Recurrent networks. Sequences come first: (time, batch, features)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError, OpError
from rustorch.nn import functional as F

Activation = Callable[[Tensor], Tensor]


def _hard_sigmoid(x: Tensor) -> Tensor:
    return rt.clamp(0.2 * x + 0.5, 0.0, 1.0)


def _scaled_tanh(x: Tensor) -> Tensor:
    return 1.7159 * rt.tanh(x * (2 / 3))


_ACTIVATIONS: dict[str, Activation] = {
    "tanh": lambda x: rt.tanh(x),
    "sigmoid": lambda x: rt.sigmoid(x),
    "relu": lambda x: rt.relu(x),
    "linear": lambda x: x,
    "hard_sigmoid": _hard_sigmoid,
    "sigmoid_hard": _hard_sigmoid,
    "scaled_tanh": _scaled_tanh,
}


def _activation(op: str, name: str) -> Activation:
    if name not in _ACTIVATIONS:
        raise ArgumentError.of(op, "unknown activation", name, ", ".join(_ACTIVATIONS))
    return _ACTIVATIONS[name]


def _check(op: str, x: Tensor, weight_ih: Tensor, weight_hh: Tensor, gates: int) -> None:
    hidden = weight_hh.shape[-1]
    good = x.dim() == 3 and weight_ih.shape == (gates * hidden, x.shape[-1])
    if not good or weight_hh.shape != (gates * hidden, hidden):
        raise OpError.of(
            op,
            f"needs x (time, batch, I) and weights ({gates} H, I) and ({gates} H, H)",
            f"{list(x.shape)}, {list(weight_ih.shape)} and {list(weight_hh.shape)}",
        )


def _steps(op: str, count: int, direction: str) -> Iterable[int]:
    if direction not in ("forward", "reverse"):
        raise ArgumentError.of(op, "unknown direction", direction, "forward or reverse")
    return range(count) if direction == "forward" else range(count - 1, -1, -1)


def _sequence(results: list[Tensor], last: Tensor, direction: str, output_sequence: bool) -> Tensor:
    if not output_sequence:
        return last.unsqueeze(0)
    if not results:
        return last.new_empty((0, *last.shape))
    return rt.stack(results[::-1] if direction == "reverse" else results)


@mil_op("rnn")
def rnn(
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None,
    direction: str,
    output_sequence: bool,
    activation: str,
) -> tuple[Tensor, Tensor]:
    """``h' = activation(W_ih x + W_hh h + b)`` (Elman, 1990)."""
    _check("rnn", x, weight_ih, weight_hh, 1)
    function = _activation("rnn", activation)
    inputs = F.linear(x, weight_ih, bias)
    h, results = initial_h, []
    for t in _steps("rnn", x.shape[0], direction):
        h = function(inputs[t] + F.linear(h, weight_hh))
        results.append(h)
    return _sequence(results, h, direction, output_sequence), h


@mil_op("gru")
def gru(
    x: Tensor,
    initial_h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None,
    direction: str,
    output_sequence: bool,
    recurrent_activation: str,
    activation: str,
    reset_after: bool,
    input_bias: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Gates r, o, z (Cho et al., 2014): ``h' = (1 - z) o + z h``. The reset gate multiplies h before its
    product with the weights, or with `reset_after` that product.
    """
    _check("gru", x, weight_ih, weight_hh, 3)
    gate, function = _activation("gru", recurrent_activation), _activation("gru", activation)
    inputs = F.linear(x, weight_ih, input_bias)
    w_r, w_o, w_z = rt.chunk(weight_hh, 3)
    if bias is None:
        bias = rt.zeros(weight_hh.shape[0], dtype=x.dtype, device=x.device)
    b_r, b_o, b_z = rt.chunk(bias, 3)
    h, results = initial_h, []
    for t in _steps("gru", x.shape[0], direction):
        x_r, x_o, x_z = rt.chunk(inputs[t], 3, -1)
        r = gate(x_r + F.linear(h, w_r, b_r))
        z = gate(x_z + F.linear(h, w_z, b_z))
        o = function(x_o + (r * F.linear(h, w_o, b_o) if reset_after else F.linear(r * h, w_o, b_o)))
        h = (1 - z) * o + z * h
        results.append(h)
    return _sequence(results, h, direction, output_sequence), h


def _lstm_direction(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None,
    peephole: Tensor | None,
    direction: str,
    output_sequence: bool,
    activations: tuple[Activation, Activation, Activation],
    clip: float | None,
) -> tuple[Tensor, Tensor, Tensor]:
    _check("lstm", x, weight_ih, weight_hh, 4)
    gate, cell, output = activations
    inputs = F.linear(x, weight_ih, bias)
    p_i, p_f, p_o = (None, None, None) if peephole is None else rt.chunk(peephole, 3)
    results = []
    for t in _steps("lstm", x.shape[0], direction):
        i, f, o, z = rt.chunk(inputs[t] + F.linear(h, weight_hh), 4, -1)
        if p_i is not None:
            i, f = i + p_i * c, f + p_f * c
        z = cell(z)
        if clip is not None:
            z = rt.clamp(z, -clip, clip)
        c = gate(f) * c + gate(i) * z
        if p_o is not None:
            o = o + p_o * c
        h = gate(o) * output(c)
        results.append(h)
    return _sequence(results, h, direction, output_sequence), h, c


@mil_op("lstm")
def lstm(
    x: Tensor,
    initial_h: Tensor,
    initial_c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | None,
    peephole: Tensor | None,
    weight_ih_back: Tensor | None,
    weight_hh_back: Tensor | None,
    bias_back: Tensor | None,
    peephole_back: Tensor | None,
    direction: str,
    output_sequence: bool,
    recurrent_activation: str,
    cell_activation: str,
    activation: str,
    clip: float | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gates i, f, o, z (Hochreiter and Schmidhuber, 1997), with peepholes if given (Gers et al., 2002);
    "bidirectional" has the states of both directions side by side.
    """
    names = recurrent_activation, cell_activation, activation
    gate, cell, output = (_activation("lstm", name) for name in names)
    same = (output_sequence, (gate, cell, output), clip)
    if direction != "bidirectional":
        return _lstm_direction(
            x, initial_h, initial_c, weight_ih, weight_hh, bias, peephole, direction, *same
        )
    if weight_ih_back is None or weight_hh_back is None:
        raise ArgumentError.of("lstm", "bidirectional needs weight_ih_back and weight_hh_back")
    h, h_back = rt.chunk(initial_h, 2, -1)
    c, c_back = rt.chunk(initial_c, 2, -1)
    ahead = _lstm_direction(x, h, c, weight_ih, weight_hh, bias, peephole, "forward", *same)
    back = _lstm_direction(
        x, h_back, c_back, weight_ih_back, weight_hh_back, bias_back, peephole_back, "reverse", *same
    )
    y, h, c = (rt.cat([a, b], -1) for a, b in zip(ahead, back))
    return y, h, c
