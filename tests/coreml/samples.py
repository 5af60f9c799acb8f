"""Models to write, read and break: one small, one with every type of value."""

from __future__ import annotations

import numpy as np

from rustorch.coreml.mil import program as mil

D = mil.DataType


def constant(name: str, value: mil.Value) -> mil.Operation:
    attributes = {"name": mil.immediate(name), "val": value}
    return mil.Operation("const", outputs=[mil.NamedType(name, value.type)], attributes=attributes)


def array(name: str, shape: tuple[int, ...], dtype: D = D.FLOAT32, **flexible) -> mil.FeatureDescription:
    return mil.FeatureDescription(name, mil.ArrayFeatureType(dtype, shape, **flexible))


def small(**description) -> mil.Model:
    """y = linear(x, weight of 4 by 3 in the file of weights, bias of 4 in the program)."""
    rng = np.random.default_rng(0)
    x = mil.NamedType("x", mil.TensorType(D.FLOAT32, (2, 3)))
    y = mil.NamedType("y", mil.TensorType(D.FLOAT32, (2, 4)))
    operations = [
        constant("weight", mil.immediate(rng.standard_normal((4, 3), np.float32))),
        constant("bias", mil.immediate(rng.standard_normal(4, np.float32))),
        mil.Operation("linear", {"x": ["x"], "weight": ["weight"], "bias": ["bias"]}, [y]),
    ]
    function = mil.Function([x], "CoreML7", {"CoreML7": mil.Block([], ["y"], operations)})
    interface = mil.ModelDescription([array("x", (2, 3))], [array("y", (2, 4))], **description)
    return mil.Model(8, interface, mil.Program({"main": function}))


def _numbers(dtype: D, shape: tuple[int, ...]) -> mil.TensorValue:
    rng = np.random.default_rng(len(shape))
    if dtype is D.STRING:
        texts = np.array(["", 'é\n"\\', "x" * 200, "\u4e16"], dtype=object)
        data = rng.choice(texts, shape)
        data = np.array(data, dtype=object)
    elif dtype is D.BOOL:
        data = rng.integers(0, 2, shape).astype(bool)
    elif dtype is D.BFLOAT16:
        bits = rng.integers(0, 1 << 16, shape, dtype=np.uint32)
        # NaN has many forms, of which texts know one.
        bits[(bits & 0x7F80) == 0x7F80] = 0x7F80
        data = (bits << np.uint32(16)).view(np.float32)
    elif dtype.value.startswith("fp8"):
        data = rng.integers(0, 256, shape).astype(np.uint8)
    elif dtype.is_float:
        data = (rng.standard_normal(shape) * 100).astype(dtype.numpy_dtype)
        data.reshape(-1)[:3] = [np.inf, -0.0, np.finfo(data.dtype).tiny][: data.size]
    else:
        low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
        high = (1 << (dtype.bits - dtype.is_signed)) - 1
        data = rng.integers(low, high, shape, endpoint=True, dtype=dtype.numpy_dtype)
        data.reshape(-1)[:2] = [low, high][: data.size]
    return mil.TensorValue(mil.TensorType(dtype, shape), np.asarray(data, dtype.numpy_dtype).reshape(shape))


def every_value() -> mil.Program:
    """All data types as scalars and as tensors of all kinds; lists, tuples, dictionaries; nested blocks."""
    operations = []
    for dtype in D:
        for i, shape in enumerate([(1,), (2, 3), (0, 4), (3, 0), (5, 13)]):
            value = _numbers(dtype, shape)
            operations.append(constant(f"{dtype.value}_{i}", value))
        scalar = mil.TensorValue(mil.TensorType(dtype), value.data[:1, 1].reshape(()))
        operations.append(constant(f"{dtype.value}_scalar", scalar))
    number, text = mil.immediate(7), mil.immediate("seven")
    integers = mil.ListValue(mil.ListType(number.type, 2), (number, mil.immediate(-8)))
    open_list = mil.ListValue(mil.ListType(text.type), (text,))
    pair = mil.TupleValue(mil.TupleType((number.type, integers.type)), (number, integers))
    table = mil.DictionaryValue(mil.DictionaryType(text.type, pair.type), ((text, pair),))
    for name, value in {"list": integers, "open": open_list, "pair": pair, "table": table}.items():
        operations.append(constant(f"a_{name}", value))

    row = mil.TensorType(D.FLOAT32, (None, 3))
    inner = mil.Operation("relu", {"x": ["carried"]}, [mil.NamedType("inner", row)])
    condition = mil.Block([mil.NamedType("seen", row)], ["flag"], [])
    body = mil.Block([mil.NamedType("carried", row)], ["inner"], [inner], {"note": text})
    loop = mil.Operation(
        "while_loop", {"loop_vars": ["x"]}, [mil.NamedType("looped", row)], [condition, body]
    )
    operations += [
        mil.Operation("odd", {"none": [], "both": ["x", mil.immediate([1.5, -2.5])]}),
        loop,
        mil.Operation("read_state", {"input": ["cache"]}, [mil.NamedType("held", row)]),
        mil.Operation("any", {"x": ["x"]}, [mil.NamedType("any", mil.TensorType(D.INT32, None))]),
    ]
    inputs = [
        mil.NamedType("x", row),
        mil.NamedType("flag", mil.TensorType(D.BOOL)),
        mil.NamedType("cache", mil.StateType(mil.TensorType(D.FLOAT16, (1, 8)))),
    ]
    block = mil.Block([], ["looped", "any"], operations)
    first = mil.Function(inputs, "CoreML8", {"CoreML8": block}, {"hint": table})
    second = mil.Function(inputs[:1], "CoreML8", {"CoreML8": mil.Block([], ["x"], [])})
    return mil.Program({"main": first, "other": second}, attributes={"buildInfo": table})


def every_feature() -> mil.ModelDescription:
    """All types of features, in the description of two functions."""
    ranged = (mil.SizeRange(1, None), mil.SizeRange(0, 0), mil.SizeRange(3, 3))
    text = mil.FeatureDescription("flag", mil.Int64FeatureType(), "a flag", optional=True)
    cache = mil.FeatureDescription("cache", mil.StateFeatureType(mil.ArrayFeatureType(D.FLOAT16, (1, 8))))
    outputs = [
        mil.FeatureDescription("looped", mil.DictionaryFeatureType("string")),
        mil.FeatureDescription("any", mil.SequenceFeatureType("int64", mil.SizeRange(1, 5))),
    ]
    main = mil.FunctionDescription(
        "main", [array("x", (2, 3, 3), shape_range=ranged), text], outputs, [cache]
    )
    shapes = ((1, 3), (2, 3), (4, 3))
    pictures = mil.ImageFeatureType(4, 3, "RGB", ((4, 3), (8, 6)))
    other = mil.FunctionDescription("other", [mil.FeatureDescription("x", pictures)], [array("x", (1, 3))])
    other.outputs = [array("x", (1, 3), D.INT32, enumerated_shapes=shapes, default=-7)]
    return mil.ModelDescription(
        functions=[main, other],
        default_function_name="main",
        metadata=mil.Metadata("what", "1.2", "who", "free", {"key": "välue", "empty": ""}),
    )
