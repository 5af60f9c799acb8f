"""Making one batch out of a list of samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import rustorch as rt
from rustorch import Tensor


def _numpy_kind(elem: Any) -> str:
    """'ndarray', 'scalar' or '', told without importing NumPy."""
    for cls in type(elem).__mro__:
        if cls.__module__ == "numpy" and cls.__name__ in ("ndarray", "memmap"):
            return "ndarray"
        if cls.__module__ == "numpy" and cls.__name__ == "generic":
            return "scalar"
    return ""


def _is_text(array: Any) -> bool:
    return array.dtype.kind in "USO"


def _rebuilt(elem: Any, values: Any) -> Any:
    """``values`` in a container of ``elem``'s type if that can be made, else a plain dict or list."""
    try:
        if isinstance(elem, MutableMapping):
            out = copy.copy(elem)
            out.update(values)
            return out
        if isinstance(elem, MutableSequence):
            copied = copy.copy(elem)
            for i, value in enumerate(values):
                copied[i] = value
            return copied
        return type(elem)(values)
    except TypeError:
        return values


def default_convert(data: Any) -> Any:
    """NumPy arrays and scalars become tensors, inside containers too; everything else stays.

    >>> rt.utils.data.default_convert({"a": 1, "b": "text"})
    {'a': 1, 'b': 'text'}
    """
    if isinstance(data, Tensor):
        return data
    kind = _numpy_kind(data)
    if kind:
        return data if kind == "ndarray" and _is_text(data) else rt.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuilt(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(d) for d in data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt(data, [default_convert(d) for d in data])
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples to a batch: tensors and arrays are stacked, numbers become a tensor, containers are gone into.

    Tuples become lists of batches, dicts dicts of batches; text stays a list. Raises TypeError for other
    types and RuntimeError if sequences differ in length.

    >>> rt.utils.data.default_collate([(rt.zeros(1), 1), (rt.ones(1), 2)])
    [tensor([[0.],
            [1.]]), tensor([1, 2])]
    """
    elem = batch[0]
    if isinstance(elem, Tensor):
        return rt.stack(list(batch), 0)
    collate: Callable[[Sequence[Any]], Any] = default_collate
    kind = _numpy_kind(elem)
    if kind == "ndarray":
        if _is_text(elem):
            raise TypeError(_unknown(elem.dtype))
        return default_collate([rt.as_tensor(b) for b in batch])
    if kind == "scalar":
        return rt.as_tensor(batch)
    if isinstance(elem, float):
        return rt.tensor(batch, dtype=rt.float64)
    if isinstance(elem, int):
        return rt.tensor(batch)
    if isinstance(elem, (str, bytes)):
        return batch
    if isinstance(elem, Mapping):
        return _rebuilt(elem, {key: collate([d[key] for d in batch]) for key in elem})
    if isinstance(elem, tuple) and hasattr(elem, "_fields"):
        return type(elem)(*(collate(samples) for samples in zip(*batch)))
    if isinstance(elem, Sequence):
        if any(len(sample) != len(elem) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [collate(samples) for samples in zip(*batch)]
        return columns if isinstance(elem, tuple) else _rebuilt(elem, columns)
    raise TypeError(_unknown(type(elem)))


def _unknown(what: Any) -> str:
    return f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {what}"
