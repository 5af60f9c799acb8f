"""How the weights of a program are compressed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rustorch.coreml.mil.program import (
    BlobFileValue,
    Block,
    DataType,
    Model,
    Operation,
    TensorType,
    TensorValue,
)

__all__ = ["quantization"]


def quantization(model: Model) -> str | None:
    """The forms of compressed weights, the one with most weights first; None where none is compressed.

    Names tell what is stored: "int8", "palettized 4-bit", "sparse".
    """
    sizes: dict[str, int] = {}
    for function in model.functions.values():
        dtypes = {
            item.name: item.type.dtype
            for operation in _operations(function.block)
            for item in operation.outputs
            if isinstance(item.type, TensorType)
        }
        for operation in _operations(function.block):
            if operation.type.startswith("constexpr_"):
                output = operation.outputs[0].type if operation.outputs else None
                count = output.count if isinstance(output, TensorType) and output.is_static else 0
                name = _form(operation, dtypes)
                sizes[name] = sizes.get(name, 0) + count
    return ", ".join(sorted(sizes, key=lambda name: -sizes[name])) or None


def _operations(block: Block) -> Iterator[Operation]:
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from _operations(inner)


def _form(operation: Operation, dtypes: Mapping[str, DataType]) -> str:
    match operation.type:
        case "constexpr_lut_to_dense" | "constexpr_lut_to_sparse":
            table = operation.attributes.get("lut")
            if isinstance(table, (TensorValue, BlobFileValue)):
                # Indices of older programs are packed bytes: the table's length says how wide they are.
                return f"palettized {max(table.type.count - 1, 1).bit_length()}-bit"
            dtype = _dtype(operation, ("indices", "indices_nonzero_data"), dtypes)
            return f"palettized {dtype.bits}-bit" if dtype else "palettized"
        case "constexpr_sparse_to_dense" | "constexpr_sparse_blockwise_shift_scale":
            return "sparse"
        case "constexpr_affine_dequantize" | "constexpr_blockwise_shift_scale":
            dtype = _dtype(operation, ("quantized_data", "data"), dtypes)
            return dtype.value if dtype else "affine"
        case other:
            return other.removeprefix("constexpr_")


def _dtype(operation: Operation, names: tuple[str, ...], dtypes: Mapping[str, DataType]) -> DataType | None:
    """The data type of a parameter, which older programs have among the attributes."""
    for name in names:
        for value in (operation.attributes.get(name), *operation.inputs.get(name, [])):
            if isinstance(value, str):
                return dtypes.get(value)
            if isinstance(value, (TensorValue, BlobFileValue)):
                return value.type.dtype
    return None
