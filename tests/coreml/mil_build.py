"""Programs of one operation, for tests of the interpreter."""

from __future__ import annotations

import numpy as np

from rustorch.coreml.interpreter import Runner
from rustorch.coreml.interpreter.opset import OPS
from rustorch.coreml.mil import program as mil

D = mil.DataType


def data_type(array, half=False):
    """The MIL type of an array; with `half` float32 becomes float16."""
    dtype = D.of_numpy(np.asarray(array).dtype)
    return D.FLOAT16 if half and dtype is D.FLOAT32 else dtype


def tensor_type(array, half=False):
    return mil.TensorType(data_type(array, half), np.asarray(array).shape)


def constant(value, half=False):
    """A value in place. Python's floats are of the program's float type."""
    if isinstance(value, np.ndarray) and half and value.dtype == np.float32:
        return mil.immediate(value.astype(np.float16))
    if isinstance(value, float) and half:
        return mil.immediate(value, D.FLOAT16)
    return mil.immediate(value)


def model_of(inputs, operations, outputs, description=None, opset="CoreML8", functions=None):
    """A model with one function `main`, or with others beside it."""
    block = mil.Block(outputs=outputs, operations=operations)
    function = mil.Function(inputs, opset, {opset: block})
    return mil.Model(
        9, description or mil.ModelDescription(), mil.Program({"main": function, **(functions or {})})
    )


def one_op(op, arguments, results, half=False, fixed=()):
    """A model of one operation.

    Arrays for tensor parameters are inputs of the model, unless named in `fixed`; all else stands in place.
    """
    inputs, bindings = [], {}
    for name, value in arguments.items():
        kind = OPS[op].parameters[name].kind
        if kind == "T" and isinstance(value, np.ndarray) and name not in fixed:
            inputs.append(mil.NamedType(name, tensor_type(value, half)))
            bindings[name] = [name]
        elif kind == "V":
            names = [f"{name}_{i}" for i in range(len(value))]
            inputs += [mil.NamedType(n, tensor_type(v, half)) for n, v in zip(names, value)]
            bindings[name] = names
        elif kind.startswith("V"):
            bindings[name] = [mil.immediate(item) for item in value]
        else:
            bindings[name] = [constant(value, half)]
    outputs = [mil.NamedType(f"out_{i}", tensor_type(r, half)) for i, r in enumerate(results)]
    return model_of(inputs, [mil.Operation(op, bindings, outputs)], [output.name for output in outputs])


def run_op(op, arguments, results, half=False, fixed=(), **options):
    """What the operation gives for the arguments; `results` say only of what types it is declared to be."""
    runner = Runner(one_op(op, arguments, results, half, fixed), **options)
    feed = {}
    for name, value in arguments.items():
        if OPS[op].parameters[name].kind == "V":
            feed |= {f"{name}_{i}": item for i, item in enumerate(value)}
        elif name in runner.input_names:
            feed[name] = value
    return list(runner.predict(feed).values())
