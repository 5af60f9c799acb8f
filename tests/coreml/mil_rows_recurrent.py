"""Rows: recurrent networks, quantization, lists and classifiers, random numbers."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from .mil_row import Table, normal, uniform

table = Table()
row = table.add
f32 = np.float32

T, B, IN, H = 4, 2, 3, 5
X, START, CELL = normal(T, B, IN), normal(B, H), normal(B, H)
FUNCTIONS = {
    "tanh": np.tanh,
    "sigmoid": expit,
    "relu": lambda x: np.maximum(x, 0),
    "linear": lambda x: x,
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "scaled_tanh": lambda x: 1.7159 * np.tanh(x * 2 / 3),
}


def over_time(x, direction, step, state):
    """The outputs of all steps, in the order of `x`, and the last state."""
    outputs = []
    for frame in x if direction == "forward" else x[::-1]:
        state = step(frame, *state)
        outputs.append(state[0])
    return np.stack(outputs if direction == "forward" else outputs[::-1]), state


def rnn(
    x, initial_h, weight_ih, weight_hh, bias=0, direction="forward", output_sequence=False, activation="tanh"
):
    function = FUNCTIONS[activation]
    y, (h,) = over_time(
        x, direction, lambda v, h: (function(v @ weight_ih.T + h @ weight_hh.T + bias),), (initial_h,)
    )
    return (y if output_sequence else h[None]), h


def gru(
    x,
    initial_h,
    weight_ih,
    weight_hh,
    bias=None,
    direction="forward",
    output_sequence=False,
    recurrent_activation="sigmoid",
    activation="tanh",
    reset_after=False,
    input_bias=None,
):
    gate, function = FUNCTIONS[recurrent_activation], FUNCTIONS[activation]
    w_r, w_o, w_z = np.split(weight_ih, 3)
    u_r, u_o, u_z = np.split(weight_hh, 3)
    b_r, b_o, b_z = np.split(np.zeros(3 * H) if bias is None else bias, 3)
    i_r, i_o, i_z = np.split(np.zeros(3 * H) if input_bias is None else input_bias, 3)

    def step(v, h):
        r = gate(w_r @ v.T + u_r @ h.T + (b_r + i_r)[:, None]).T
        z = gate(w_z @ v.T + u_z @ h.T + (b_z + i_z)[:, None]).T
        inner = r * (h @ u_o.T + b_o) if reset_after else (r * h) @ u_o.T + b_o
        o = function(v @ w_o.T + i_o + inner)
        return ((1 - z) * o + z * h,)

    y, (h,) = over_time(x, direction, step, (initial_h,))
    return (y if output_sequence else h[None]), h


def lstm(
    x,
    initial_h,
    initial_c,
    weight_ih,
    weight_hh,
    bias=0,
    peephole=None,
    weight_ih_back=None,
    weight_hh_back=None,
    bias_back=0,
    peephole_back=None,
    direction="forward",
    output_sequence=False,
    recurrent_activation="sigmoid",
    cell_activation="tanh",
    activation="tanh",
    clip=np.inf,
):
    names = recurrent_activation, cell_activation, activation
    gate, cell, output = (FUNCTIONS[name] for name in names)
    if direction == "bidirectional":
        rest = {"output_sequence": output_sequence, "clip": clip}
        h, h_back = np.split(initial_h, 2, -1)
        c, c_back = np.split(initial_c, 2, -1)
        ahead = lstm(x, h, c, weight_ih, weight_hh, bias, peephole, direction="forward", **rest)
        back = lstm(
            x,
            h_back,
            c_back,
            weight_ih_back,
            weight_hh_back,
            bias_back,
            peephole_back,
            direction="reverse",
            **rest,
        )
        return tuple(np.concatenate(pair, -1) for pair in zip(ahead, back))
    p_i, p_f, p_o = np.split(np.zeros(3 * H) if peephole is None else peephole, 3)

    def step(v, h, c):
        i, f, o, z = np.split(v @ weight_ih.T + h @ weight_hh.T + bias, 4, -1)
        new = gate(f + p_f * c) * c + gate(i + p_i * c) * np.clip(cell(z), -clip, clip)
        return gate(o + p_o * new) * output(new), new

    y, (h, c) = over_time(x, direction, step, (initial_h, initial_c))
    return (y if output_sequence else h[None]), h, c


R = {"x": X, "initial_h": START, "weight_ih": normal(H, IN), "weight_hh": normal(H, H)}
row("rnn", rnn, **R)
row("rnn", rnn, bias=normal(H), direction="reverse", output_sequence=True, activation="relu", rtol=1e-5, **R)
G = {"x": X, "initial_h": START, "weight_ih": normal(3 * H, IN), "weight_hh": normal(3 * H, H)}
row("gru", gru, **G)
row("gru", gru, bias=normal(3 * H), direction="reverse", output_sequence=True, **G)
row("gru", gru, bias=normal(3 * H), input_bias=normal(3 * H), reset_after=True, output_sequence=True, **G)
row("gru", gru, recurrent_activation="hard_sigmoid", activation="scaled_tanh", **G)
L = {
    "x": X,
    "initial_h": START,
    "initial_c": CELL,
    "weight_ih": normal(4 * H, IN),
    "weight_hh": normal(4 * H, H),
}
row("lstm", lstm, **L)
row("lstm", lstm, bias=normal(4 * H), peephole=normal(3 * H), output_sequence=True, clip=0.25, **L)
row(
    "lstm",
    lstm,
    direction="reverse",
    output_sequence=True,
    cell_activation="relu",
    activation="linear",
    rtol=1e-5,
    **L,
)
row(
    "lstm",
    lstm,
    **{**L, "initial_h": normal(B, 2 * H), "initial_c": normal(B, 2 * H)},
    weight_ih_back=normal(4 * H, IN),
    weight_hh_back=normal(4 * H, H),
    bias=normal(4 * H),
    bias_back=normal(4 * H),
    direction="bidirectional",
    output_sequence=True,
)

# Quantization.
V = 3 * normal(2, 4)
SCALE, ZERO = uniform(0.05, 0.1, 4), np.array([0, 3, -4, 5], np.int8)


def quantize(input, scale, output_dtype, zero_point=0, axis=None):
    low, high = (-128, 127) if output_dtype == "int8" else (0, 255)
    return np.clip(np.round(input / scale) + zero_point, low, high).astype(output_dtype)


row("quantize", quantize, input=V, scale=SCALE, zero_point=ZERO, axis=1, output_dtype="int8", half=False)
row(
    "quantize",
    quantize,
    input=V,
    scale=f32(0.125),
    zero_point=np.uint8(100),
    output_dtype="uint8",
    half=False,
)
row("quantize", quantize, input=V, scale=f32(0.125), output_dtype="int8")
CODES = np.arange(-4, 4, dtype=np.int8).reshape(2, 4)
row(
    "dequantize",
    lambda input, scale, zero_point, axis: (input.astype(float) - zero_point) * scale,
    input=CODES,
    scale=SCALE,
    zero_point=ZERO,
    axis=-1,
)
row(
    "dequantize",
    lambda input, scale: input * np.float64(scale),
    input=CODES,
    scale=f32(0.25),
    fixed=("input",),
)
