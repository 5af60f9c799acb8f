"""PyTorch's OpInfo database as cases: finds our counterpart of an op and carries arguments over."""

from __future__ import annotations

import builtins
import itertools
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.testing._internal import common_methods_invocations as invocations
from torch.testing._internal.common_device_type import toleranceOverride
from torch.testing._internal.opinfo.core import OpInfo, SampleInput

import rustorch as rt


def lookup(path: str) -> Any:
    """The function rt.X, or else the method Tensor.X; None if there is neither."""
    for root in (rt, rt.Tensor):
        found: Any = root
        for part in path.split("."):
            found = getattr(found, part, None)
        if callable(found):
            return found
    return None


OPS: list[OpInfo] = [op for op in invocations.op_db if lookup(op.name) is not None]


def ours(op: OpInfo) -> Callable[..., Any]:
    """Our counterpart. What the database wraps in Python is the same wrapper over our names."""
    fn = op.op
    if isinstance(fn, types.FunctionType) and fn.__module__.startswith("torch.testing"):
        return rebound(fn)
    found = lookup(op.name)
    assert found is not None
    return found


def rebound(fn: types.FunctionType) -> Callable[..., Any]:
    """The function with `torch` meaning rustorch, in it and in what it closes over."""

    def cell(value: Any) -> Any:
        if isinstance(value, types.FunctionType) and value.__module__.startswith("torch.testing"):
            value = rebound(value)
        elif callable(value) and not isinstance(value, type):
            value = counterpart(value)
        return types.CellType(value)

    closure = tuple(cell(c.cell_contents) for c in fn.__closure__ or ())
    copy = types.FunctionType(
        fn.__code__, {**fn.__globals__, "torch": rt}, fn.__name__, fn.__defaults__, closure
    )
    copy.__kwdefaults__ = fn.__kwdefaults__
    return copy


def counterpart(fn: Any) -> Any:
    """Ours for one of PyTorch's functions, by its public name."""
    name = getattr(fn, "__name__", "")
    for module, path in (
        (torch, name),
        (torch.nn.functional, f"nn.functional.{name}"),
        (torch.linalg, f"linalg.{name.removeprefix('linalg_')}"),
        (torch.special, f"special.{name.removeprefix('special_')}"),
        (torch.fft, f"fft.{name.removeprefix('fft_')}"),
    ):
        if getattr(module, path.rsplit(".", 1)[-1], None) is fn:
            return lookup(path) or fn
    return fn


# ---- arguments ----


def tensor_of(t: torch.Tensor) -> Any:
    """The same values in a storage of its own, with the same sizes, strides and offset."""
    flat = t.detach().resolve_conj().resolve_neg()
    base = torch.empty(0, dtype=flat.dtype).set_(flat.untyped_storage())
    carrier = {torch.bfloat16: torch.int16}.get(flat.dtype, flat.dtype)
    made = rt.from_numpy(np.array(base.view(carrier).numpy(), copy=True))
    if carrier is not flat.dtype:
        made = made.view(rt.bfloat16)
    made = made.as_strided(tuple(flat.shape), tuple(flat.stride()), flat.storage_offset())
    return made.detach().requires_grad_() if t.requires_grad else made


def argument(value: Any, tensors: list[tuple[torch.Tensor, Any]]) -> Any:
    """`value` in our terms; tensors are noted in `tensors`, and one object stays one object."""
    if isinstance(value, torch.Tensor):
        for theirs, mine in tensors:
            if theirs is value:
                return mine
        tensors.append((value, tensor_of(value)))
        return tensors[-1][1]
    if isinstance(value, torch.Size):
        return rt.Size(value)
    if isinstance(value, (list, tuple)):
        return type(value)([argument(v, tensors) for v in value])
    if isinstance(value, dict):
        return {k: argument(v, tensors) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(*(argument(v, tensors) for v in (value.start, value.stop, value.step)))
    if isinstance(value, (torch.dtype, torch.memory_format, torch.layout)):
        return getattr(rt, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return rt.device(str(value))
    if isinstance(value, torch.Generator):
        return rt.Generator().manual_seed(value.initial_seed())
    if isinstance(value, torch.nn.Module):
        return getattr(rt.nn, type(value).__name__)()
    if isinstance(value, types.FunctionType) and value.__module__.startswith("torch"):
        return rebound(value)
    return counterpart(value) if callable(value) and not isinstance(value, type) else value


class Call:
    """One sample, for both libraries, with fresh tensors for each call of ours."""

    def __init__(self, sample: SampleInput) -> None:
        self.sample = sample
        self.theirs = [sample.input, *sample.args], dict(sample.kwargs)

    def mine(self) -> tuple[list[Any], dict[str, Any], list[tuple[torch.Tensor, Any]]]:
        tensors: list[tuple[torch.Tensor, Any]] = []
        args = argument(self.theirs[0], tensors)
        return args, argument(self.theirs[1], tensors), tensors

    def __str__(self) -> str:
        return show_call(*self.theirs)


def show(v: Any) -> str:
    if isinstance(v, torch.Tensor):
        strides = "" if v.is_contiguous() else f", strides {tuple(v.stride())}"
        values = f" = {v.tolist()}" if v.numel() <= 8 else ""
        return f"{str(v.dtype).removeprefix('torch.')}{list(v.shape)}{strides}{values}"
    if isinstance(v, (list, tuple)):
        return f"[{', '.join(map(show, v))}]"
    return repr(v)


def show_call(args: Iterable[Any], kwargs: Mapping[str, Any]) -> str:
    return f"({', '.join([*map(show, args), *(f'{k}={show(v)}' for k, v in kwargs.items())])})"


def spread(samples: Iterator[SampleInput], count: int, look_at: int = 60) -> list[SampleInput]:
    """`count` samples of the first `look_at`, evenly spread."""
    found = list(itertools.islice(samples, look_at))
    if len(found) <= max(count, 1):
        return found
    step = (len(found) - 1) / (count - 1)
    return [found[round(i * step)] for i in range(count)]


def dtypes_of(op: OpInfo) -> list[torch.dtype]:
    """float32, an integer, bool and complex64 as far as the op has them; else any one that it has."""
    wanted = [torch.float32, torch.int64, torch.bool, torch.complex64]
    found = [d for d in wanted if d in op.dtypes]
    return found or sorted(op.dtypes, key=str)[:1]


TOLERANCES = {
    torch.float16: (1e-3, 1e-3),
    torch.bfloat16: (1.6e-2, 1e-2),
    torch.float32: (1.3e-5, 1e-5),
    torch.complex64: (1.3e-5, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex128: (1e-7, 1e-7),
}


# Their recurrences subtract large terms: how a sum is rounded shows in the result.
CANCELLING = ("special.hermite_polynomial_h", "special.hermite_polynomial_he")


def usual_tolerance(dtype: torch.dtype) -> tuple[float, float]:
    """(rtol, atol): PyTorch's default for the dtype."""
    return TOLERANCES.get(dtype, (0.0, 0.0))


def tolerance(op: OpInfo, dtype: torch.dtype) -> tuple[float, float]:
    """The usual one for the dtype, or the widest that the entry itself asks for."""
    rtol, atol = usual_tolerance(dtype)
    for info in op.decorators:
        for decorator in getattr(info, "decorators", ()):
            if isinstance(decorator, toleranceOverride) and dtype in decorator.d:
                asked = decorator.d[dtype]
                rtol, atol = max(rtol, asked.rtol), max(atol, asked.atol)
    if op.name in CANCELLING and dtype is torch.float32:
        rtol, atol = max(rtol, 1e-4), max(atol, 1e-4)
    return rtol, atol


# ---- results ----


def flat(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)) and not isinstance(value, (torch.Size, rt.Size)):
        return [leaf for part in value for leaf in flat(part)]
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in flat(part)]
    return [value]


def array(t: Any) -> np.ndarray:
    t = t.detach()
    if isinstance(t, torch.Tensor):
        t = t.resolve_conj().resolve_neg()
        if t._is_zerotensor():
            t = t.clone()
    if str(t.dtype).endswith("bfloat16"):
        t = t.float()
    return np.array(t.numpy())


def shares_memory(result: torch.Tensor, call: Call) -> bool:
    owners = {
        t.untyped_storage().data_ptr()
        for t in flat([call.theirs[0], call.theirs[1]])
        if isinstance(t, torch.Tensor)
    }
    return result.numel() > 0 and result.untyped_storage().data_ptr() in owners


def gradients(lib: Any, result: Any, inputs: list[Any], which: list[bool]) -> list[Any] | None:
    """Of the results that `which` marks, weighted by fixed numbers."""
    outputs = [
        o for o, wanted in zip(flat(result), which, strict=True) if wanted and o.requires_grad and o.numel()
    ]
    if not outputs or not inputs:
        return None
    weights = []
    for i, o in enumerate(outputs):
        rng = np.random.default_rng(i)
        values = rng.uniform(0.5, 1.5, tuple(o.shape))
        if o.is_complex():
            values = values + 1j * rng.uniform(0.5, 1.5, tuple(o.shape))
        weights.append(lib.from_numpy(np.array(values)).to(o.dtype))
    return list(lib.autograd.grad(outputs, inputs, weights, allow_unused=True))


def compare(mine: Any, theirs: Any, tol: Callable[[torch.dtype], tuple[float, float]]) -> None:
    """Same structure; tensors of the same dtype, shape and values; else the same Python values."""
    mine, theirs = flat(mine), flat(theirs)
    assert len(mine) == len(theirs), f"{len(mine)} results, PyTorch has {len(theirs)}"
    for a, b in zip(mine, theirs, strict=True):
        if not isinstance(b, torch.Tensor):
            compare_python(a, b)
            continue
        assert isinstance(a, rt.Tensor), f"a {type(a).__name__}, PyTorch returns a tensor"
        name = str(b.dtype).removeprefix("torch.")
        assert str(a.dtype) == f"rustorch.{name}", f"dtype {a.dtype}, PyTorch has {name}"
        assert tuple(a.shape) == tuple(b.shape), f"shape {tuple(a.shape)}, PyTorch has {tuple(b.shape)}"
        compare_values(array(a), array(b), *tol(b.dtype))


def compare_values(a: np.ndarray, b: np.ndarray, rtol: float, atol: float) -> None:
    with np.errstate(all="ignore"):
        same = (a == b) if b.dtype.kind in "biu" else np.isclose(a, b, rtol, atol, equal_nan=True)
    if not np.all(same):
        at = tuple(int(i) for i in np.argwhere(~np.asarray(same))[0])
        count = np.count_nonzero(~np.asarray(same))
        raise AssertionError(f"{count} of {same.size} values differ, {at}: {a[at]}, PyTorch has {b[at]}")


def compare_python(a: Any, b: Any) -> None:
    if isinstance(b, (torch.dtype, torch.device, torch.layout)):
        assert str(a).rsplit(".", 1)[-1] == str(b).rsplit(".", 1)[-1]
    elif isinstance(b, torch.Size):
        assert isinstance(a, rt.Size) and tuple(a) == tuple(b)
    elif isinstance(b, (builtins.bool, int, float, complex)):
        assert type(a) is type(b), f"a {type(a).__name__}, PyTorch returns a {type(b).__name__}"
        assert np.isclose(a, b, 1e-6, 1e-8, equal_nan=True), f"{a!r}, PyTorch returns {b!r}"
    else:
        assert (a is None) == (b is None), f"{a!r}, PyTorch returns {b!r}"


def assert_view(mine: Any, theirs: Any, call: Call) -> None:
    """Views of an argument have PyTorch's strides and offsets."""
    for a, b in zip(flat(mine), flat(theirs), strict=True):
        if not isinstance(b, torch.Tensor) or not shares_memory(b, call):
            continue
        assert tuple(a.stride()) == tuple(b.stride()), (
            f"strides {tuple(a.stride())}, PyTorch has {tuple(b.stride())}"
        )
        assert a.storage_offset() == b.storage_offset(), (
            f"offset {a.storage_offset()}, PyTorch has {b.storage_offset()}"
        )
