"""Operations with arguments spoiled at random: they work, or say what is wrong, and nothing else."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from rustorch.coreml.interpreter import Runner
from rustorch.coreml.interpreter.opset import OPS
from rustorch.coreml.mil import program as mil
from rustorch.errors import RustorchError

from .mil_build import one_op
from .test_interpreter_ops import ROWS, declared

# Ranges of 2^31 numbers are allowed, and slow.
TRIED = [row for row in ROWS if row.op != "range_1d"]
INTEGERS = [0, 1, -1, 2, 3, 5, -7, 100, 2**31 - 1, -(2**31)]
FLOATS = [0.0, -1.0, 1e30, np.inf, -np.inf, np.nan, 1e-30]
DTYPES = [np.int32, np.float32, np.bool_, np.uint8, np.float16]


def spoiled(value, draw):
    if isinstance(value, list):
        if value and isinstance(value[0], (np.ndarray, np.generic)):
            return draw.choice([value[:1], value + value, [spoiled(value[0], draw), *value[1:]]])
        place = draw.randrange(len(value)) if value else 0
        changed = [
            *value[:place],
            *(spoiled(item, draw) for item in value[place : place + 1]),
            *value[place + 1 :],
        ]
        return draw.choice([value[:-1], value + value[:1], changed])
    if isinstance(value, (np.ndarray, np.generic)):
        value = np.asarray(value)
        filled = draw.choice(
            INTEGERS if value.dtype.kind == "i" else FLOATS if value.dtype.kind == "f" else [0, 1]
        )
        return draw.choice(
            [
                value.reshape(-1),
                value[None],
                value[:0] if value.ndim else value,
                value.T.copy(),
                value.astype(draw.choice(DTYPES)),
                np.full_like(value, filled),
            ]
        )
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return draw.choice(INTEGERS if isinstance(value, int) else FLOATS)
    return draw.choice(["", "valid", "same", "custom", "constant", "int8", "DEFAULT"])


def model_and_feed(row, draw):
    arguments = dict(row.arguments)
    for name in draw.sample(sorted(arguments), min(len(arguments), draw.choice([1, 1, 2]))):
        arguments[name] = spoiled(arguments[name], draw)
    model = one_op(row.op, arguments, declared(row, row.results()), half=draw.random() < 0.3)
    # Only the operation itself judges its result.
    operation = model.functions["main"].block.operations[0]
    operation.outputs = [mil.NamedType(o.name, mil.TensorType(o.type.dtype, None)) for o in operation.outputs]
    feed = {}
    for name, value in arguments.items():
        if OPS[row.op].parameters[name].kind == "V":
            feed |= {f"{name}_{i}": item for i, item in enumerate(value)}
        else:
            feed[name] = value
    return model, feed


@pytest.mark.parametrize("seed", range(4))
def test_spoiled_arguments(seed):
    draw = random.Random(seed)
    worked = refused = 0
    for _ in range(250):
        row = draw.choice(TRIED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model, feed = model_and_feed(row, draw)
            except (RustorchError, ValueError, TypeError, OverflowError):
                continue  # No program can say that.
        try:
            runner = Runner(model)
            runner.predict({name: feed[name] for name in runner.input_names})
            worked += 1
        except RustorchError as error:
            assert str(error).startswith(("in ", "interpreter: ", "predict: ")), error
            refused += 1
    assert worked > 50
    assert refused > 50
