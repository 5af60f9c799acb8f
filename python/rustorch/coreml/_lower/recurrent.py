"""Recurrent networks as MIL's own operations, instead of one operation for each step of each gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rustorch.coreml._lower.builder import Builder, Var
from rustorch.coreml._lower.registry import Call
from rustorch.coreml.mil.program import DataType

__all__ = ["lower_network", "takes"]

# Where MIL's gates stand among PyTorch's: LSTM i f g o -> i f o g, GRU r z n -> r n z.
_GATES = {"LSTM": (0, 1, 3, 2), "GRU": (0, 2, 1), "RNN_TANH": (0,), "RNN_RELU": (0,)}


def takes(module: Any, opset: str) -> bool:
    """Whether the network has an operation. A GRU has from CoreML8 on: before, the reset gate is applied in
    another place than in PyTorch."""
    dropout = module.training and module.dropout > 0
    return not dropout and not module.proj_size and (module.mode != "GRU" or opset >= "CoreML8")


def _weights(b: Builder, module: Any, index: int, dtype: DataType) -> dict[str, Var]:
    """Of one layer and direction, gates in MIL's order."""
    order, h = _GATES[module.mode], module.hidden_size
    names = module._weight_names[index]
    arrays = {name: getattr(module, name).detach().cpu().float().numpy() for name in names}
    sorted_ = {name: np.concatenate([a[g * h : (g + 1) * h] for g in order]) for name, a in arrays.items()}
    w_ih, w_hh, *biases = names
    found = {"weight_ih": sorted_[w_ih], "weight_hh": sorted_[w_hh]}
    if biases:
        b_ih, b_hh = (sorted_[name] for name in biases)
        if module.mode == "GRU":
            found |= {"bias": b_hh, "input_bias": b_ih}
        else:
            found["bias"] = b_ih + b_hh
    return {kind: b.constant(array, dtype, f"{names[0]}_{kind}") for kind, array in found.items()}


def _lstm(
    b: Builder, module: Any, layer: int, x: Var, state: list[list[Var]], dtype: DataType
) -> tuple[Var, list[list[Var]]]:
    """A layer, both directions at once; the state is h and c for each direction."""
    directions, h = len(state), module.hidden_size
    weights: dict[str, Any] = _weights(b, module, layer * directions, dtype)
    if directions == 2:
        back = _weights(b, module, layer * 2 + 1, dtype)
        weights |= {f"{kind}_back": v for kind, v in back.items()}
    initial = [b.concat(list(parts), 1) for parts in zip(*state)]
    s, n = x.shape[:2]
    wide = directions * h
    y, *last = b.ops(
        "lstm",
        [((s, n, wide), dtype), ((n, wide), dtype), ((n, wide), dtype)],
        x=x,
        initial_h=initial[0],
        initial_c=initial[1],
        **weights,
        direction="bidirectional" if directions == 2 else "forward",
        output_sequence=True,
    )
    parts = [[b.slice(v, 1, d * h, (d + 1) * h) for v in last] for d in range(directions)]
    return y, parts


def _single(
    b: Builder, module: Any, layer: int, x: Var, state: list[list[Var]], dtype: DataType
) -> tuple[Var, list[list[Var]]]:
    """A layer of a GRU or a plain network, one operation for each direction."""
    s, n = x.shape[:2]
    shape = (n, module.hidden_size)
    results, last = [], []
    for d, (initial,) in enumerate(state):
        arguments: dict[str, Any] = _weights(b, module, layer * len(state) + d, dtype)
        if module.mode == "GRU":
            arguments["reset_after"] = True
        else:
            arguments["activation"] = module.mode.partition("_")[2].lower()
        y, h = b.ops(
            module.mode.partition("_")[0].lower(),
            [((s, *shape), dtype), (shape, dtype)],
            x=x,
            initial_h=initial,
            **arguments,
            direction="reverse" if d else "forward",
            output_sequence=True,
        )
        results.append(y)
        last.append([h])
    return b.concat(results, 2), last


def lower_network(c: Call, module: Any, x: Var, state: Sequence[Var] | None) -> list[Var]:
    """The sequence of results and the final state, of the layouts that the module gives."""
    b = c.b
    # These operations know float16 from CoreML7 on.
    dtype = b.float_type if b.opset >= "CoreML7" else DataType.FLOAT32
    batched = x.rank == 3
    x = b.cast(x, dtype)
    if not batched:
        x = b.reshape(x, (x.shape[0], 1, x.shape[1]))
    elif module.batch_first:
        x = b.transpose(x, [1, 0, 2])
    layers, directions = module.num_layers, 2 if module.bidirectional else 1
    n, h = x.shape[1], module.hidden_size
    kinds = 2 if module.mode == "LSTM" else 1
    if state is None:
        zeros = b.full((n, h), 0.0, dtype)
        initial = [[zeros] * kinds] * (layers * directions)
    else:
        whole = [b.cast(s if batched else b.reshape(s, (s.shape[0], 1, h)), dtype) for s in state]
        initial = [
            [b.reshape(b.slice(s, 0, i, i + 1), (n, h)) for s in whole] for i in range(layers * directions)
        ]
    final: list[list[Var]] = []
    layer_of = _lstm if module.mode == "LSTM" else _single
    for layer in range(layers):
        own = initial[layer * directions : (layer + 1) * directions]
        x, last = layer_of(b, module, layer, x, own, dtype)
        final += last
    if not batched:
        x = b.reshape(x, (x.shape[0], x.shape[2]))
    elif module.batch_first:
        x = b.transpose(x, [1, 0, 2])
    states = [b.op("stack", (len(final), n, h), values=list(parts), axis=0) for parts in zip(*final)]
    return [x, *(s if batched else b.reshape(s, (len(final), h)) for s in states)]
