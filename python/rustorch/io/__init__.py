"""Saving and loading, in the safetensors format with a JSON structure: no pickle, no code in files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from rustorch import _C
from rustorch.errors import ArgumentError, DTypeError, FormatError
from rustorch.io import safetensors, structure

__all__ = ["load", "safetensors", "save"]

# The key of the metadata under which the structure stands.
_STRUCTURE = "rustorch"


class _Writer:
    """Collects the tensors of one save; memory that several of them share is written once."""

    def __init__(self) -> None:
        self.found: list[tuple[_C.Tensor, str, dict[str, Any]]] = []

    def node(self, tensor: _C.Tensor, path: str) -> dict[str, Any]:
        node: dict[str, Any] = {"$tensor": ""}
        self.found.append((tensor, path, node))
        if tensor.requires_grad:
            node["requires_grad"] = True
        if type(tensor).__name__ == "Parameter":
            node["parameter"] = True
        return node

    def entries(self) -> dict[str, _C.Tensor]:
        groups: dict[int, list[tuple[_C.Tensor, str, dict[str, Any]]]] = {}
        for item in self.found:
            groups.setdefault(_C._storage_id(item[0]), []).append(item)
        taken: dict[str, _C.Tensor] = {}
        for group in groups.values():
            begin, end = self._extent(group)
            whole = next((t for t, _, _ in group if _covers(t, begin, end)), None)
            if len(group) == 1 and group[0][0].dtype in safetensors.NAMES:
                whole = group[0][0]
            if whole is None:
                # No tensor stands for the memory of all: it is written as bytes.
                begin = begin // 16 * 16
                stored = _C._tensor_over(
                    _C._storage_bytes(group[0][0]), _C.uint8, (end - begin,), (1,), begin
                )
                path = f"{group[0][1]}.storage".lstrip(".")
            else:
                stored, path = whole, next(path for tensor, path, _ in group if tensor is whole)
            name = _free_name(path, taken)
            taken[name] = stored
            for tensor, _, node in group:
                node["$tensor"] = name
                if tensor is not whole:
                    node["window"] = _window(tensor, begin)
        return taken

    @staticmethod
    def _extent(group: list[tuple[_C.Tensor, str, dict[str, Any]]]) -> tuple[int, int]:
        spans = [_span(tensor) for tensor, _, _ in group if 0 not in tensor.shape]
        return min((span[0] for span in spans), default=0), max((span[1] for span in spans), default=0)


def _covers(tensor: _C.Tensor, begin: int, end: int) -> bool:
    """Whether the tensor is the memory from begin to end, as a file can hold it."""
    dense = _C._geometry(tensor)[0] == safetensors.dense_stride(tuple(tensor.shape))
    return (
        dense
        and tensor.dtype in safetensors.NAMES
        and begin % 16 == 0
        and (_span(tensor) == (begin, end) or begin == end)
    )


def _window(tensor: _C.Tensor, begin: int) -> dict[str, Any]:
    stride, offset = _C._geometry(tensor)
    empty = 0 in tensor.shape
    return {
        "dtype": str(tensor.dtype).partition(".")[2],
        "size": list(tensor.shape),
        "stride": list(stride),
        "offset": 0 if empty else (offset * tensor.itemsize - begin) // tensor.itemsize,
    }


def _span(tensor: _C.Tensor) -> tuple[int, int]:
    """First and last byte of its storage that a tensor can touch."""
    stride, offset = _C._geometry(tensor)
    begin = offset * tensor.itemsize
    reach = sum((size - 1) * step for size, step in zip(tensor.shape, stride)) + 1
    return begin, begin + reach * tensor.itemsize


def _free_name(path: str, taken: Mapping[str, Any]) -> str:
    name, n = path or "tensor", 1
    while name in taken or name == "__metadata__":
        n += 1
        name = f"{path or 'tensor'}.{n}"
    return name


def save(obj: Any, f: str | os.PathLike[str] | BinaryIO) -> None:
    """Writes tensors and nested data to a file, which other readers of safetensors can open too.

    Args:
        obj: a tensor, or any nesting of dicts, lists, tuples and sets of tensors, numbers, strings, bytes,
            None, dtypes, devices and sizes: state dicts, states of optimizers, checkpoints.
        f: a path, which is replaced only once the file is complete, or a binary file.

    Raises:
        TypeError: for objects of other types. There is no pickle.

    Tensors that share memory share it again after `load`. Follows `torch.save`.

    >>> import io
    >>> import rustorch as rt
    >>> file = io.BytesIO()
    >>> rt.save({"step": 3, "weights": [rt.ones(2), rt.zeros(1)]}, file)
    >>> rt.load(io.BytesIO(file.getvalue()))
    {'step': 3, 'weights': [tensor([1., 1.]), tensor([0.])]}
    """
    writer = _Writer()
    tree = structure.encode(obj, writer.node)
    entries = writer.entries()
    metadata = {"format": "rustorch", _STRUCTURE: json.dumps(tree, allow_nan=False)}
    if hasattr(f, "write"):
        safetensors.write(cast(BinaryIO, f), entries, metadata)
    else:
        with safetensors.replacing(cast(str, f)) as file:
            safetensors.write(file, entries, metadata)


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
) -> Any:
    """Reads what `save` wrote, or any safetensors file (a dict of its tensors, such as a PyTorch state dict).

    Args:
        f: a path or a binary file.
        map_location: the device, or a dict of devices by devices, that tensors are to be on.
        weights_only: accepted for PyTorch's sake. Files hold data and no code, so that there is nothing else.
        mmap: leave the tensors in the memory-mapped file, whose pages are read when they are touched; writes
            stay in memory. Needs a path.

    Raises:
        ValueError: for files that do not follow the format, pickles among them.

    Follows `torch.load`.
    """
    if not isinstance(weights_only, bool):
        raise DTypeError.of("load", "weights_only must be a bool", type(weights_only).__name__)
    if hasattr(f, "read"):
        if mmap:
            raise ArgumentError.of("load", "mmap needs a file by name", type(f).__name__, "its path")
        file = safetensors.SafetensorsFile(bytes(f.read()))
    else:
        file = safetensors.SafetensorsFile(f, share=bool(mmap))
    if _STRUCTURE not in file.metadata:
        return {name: _placed(tensor, map_location) for name, tensor in file.items()}
    try:
        tree = json.loads(file.metadata[_STRUCTURE])
    except (ValueError, RecursionError) as error:
        what = "the structure of the file is not valid JSON"
        raise FormatError.of("load", what, str(error)[:100]) from None
    return _Reader(file, map_location).read(tree)


def _placed(tensor: _C.Tensor, map_location: Any) -> _C.Tensor:
    if isinstance(map_location, Mapping):
        map_location = map_location.get(str(tensor.device))
    if map_location is None or _C.device(map_location) == tensor.device:
        return tensor
    return tensor.to(map_location)


class _Reader:
    """Makes the tensors of one load; those of one entry share its memory."""

    def __init__(self, file: safetensors.SafetensorsFile, map_location: Any) -> None:
        self.file = file
        self.map_location = map_location
        self.storages: dict[str, _C.Tensor] = {}
        self.tensors: dict[str, _C.Tensor] = {}

    def read(self, tree: Any) -> Any:
        try:
            return structure.decode(tree, self.tensor)
        except RecursionError:
            raise FormatError.of("load", "the structure of the file is nested too deeply") from None

    def tensor(self, node: dict[str, Any]) -> _C.Tensor:
        if not set(node) <= {"$tensor", "window", "requires_grad", "parameter"}:
            raise FormatError.of("load", "a tensor of the structure is malformed", repr(node)[:100])
        name = node["$tensor"]
        if name not in self.storages:
            self.storages[name] = _placed(self.file.storage(name), self.map_location)
        if "window" not in node:
            if name not in self.tensors:
                self.tensors[name] = self._dressed(self.file.over(self.storages[name], name), node)
            return self.tensors[name]
        window = node["window"]
        dtype = getattr(_C, window["dtype"])
        if not isinstance(dtype, _C.dtype):
            raise FormatError.of("load", "a tensor of the structure has no dtype", repr(node)[:100])
        size, stride = tuple(window["size"]), tuple(window["stride"])
        tensor = _C._tensor_over(self.storages[name], dtype, size, stride, window["offset"])
        return self._dressed(tensor, node)

    @staticmethod
    def _dressed(tensor: _C.Tensor, node: dict[str, Any]) -> _C.Tensor:
        wants_grad = node.get("requires_grad") is True
        if node.get("parameter") is True:
            from rustorch.nn import Parameter

            return Parameter(tensor, requires_grad=wants_grad)
        if wants_grad:
            tensor.requires_grad = True
        return tensor
