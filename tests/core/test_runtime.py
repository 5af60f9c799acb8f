"""Settings of the process: the registry, devices, memory, threads, the default dtype, logging, import."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import _C, _config, _log


def test_the_registry_describes_every_op() -> None:
    table = {row["name"]: row for row in _C.op_table()}
    add = table["add"] if "add" in table else table["add.Tensor"]
    assert add["python_name"] == "add" and set(add["namespaces"]) == {"rt", "Tensor"}
    assert add["vjp"] and add["differentiable"] and add["inplace"] and add["out"] and not add["view"]
    assert add["kind"] == "kernel" and add["engines"][0] == "cpu" and add["doc"]
    assert table["as_strided"]["view"] and table["_as_strided_backward"]["namespaces"] == []
    for row in table.values():
        assert (row["kind"] == "composite") == (row["engines"] == []) and row["kind"] in (
            "kernel",
            "composite",
        )


def test_namespaces_hold_the_callables() -> None:
    assert _C.namespaces()["rt"]["add"] is rt.add
    assert _C._find_callable("add_", True, True) is rt.Tensor.add_
    with pytest.raises(RuntimeError, match="no such op"):
        _C._find_callable("nothing", False, False)


def test_devices() -> None:
    assert _C.available_devices()[0] == "cpu" and rt.devices()[0].name == "cpu"
    assert rt.cpu.is_available() and rt.cpu.device_count() == 1
    rt.cpu.synchronize()
    with pytest.raises(RuntimeError, match=r"not part of this build|not available"):
        _C._memory_stats("mlcompute")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the emulator is built on Linux")
@pytest.mark.skipif("RUSTORCH_SANITIZED" in os.environ, reason="sanitizers cannot follow its fibers")
def test_the_emulator_is_part_of_the_build() -> None:
    """Where it were not, hundreds of tests would be skipped."""
    assert "emulator" in _C.available_devices()


# Builds with sanitizers keep no freed memory: its use would go unseen.
keeps_memory = pytest.mark.skipif("RUSTORCH_SANITIZED" in os.environ, reason="freed memory is not kept")


@keeps_memory
def test_memory_statistics_and_limit() -> None:
    rt.cpu.empty_cache()
    before = rt.cpu.memory_stats()
    x = rt.zeros(1 << 20)
    during = rt.cpu.memory_stats()
    assert during["allocated"] - before["allocated"] == 4 << 20
    assert during["allocations"] > before["allocations"] and during["peak_allocated"] >= during["allocated"]
    del x
    after = rt.cpu.memory_stats()
    assert after["allocated"] == before["allocated"] and after["cached"] >= 4 << 20
    rt.cpu.reset_peak_memory_stats()
    assert rt.cpu.memory_stats()["peak_allocated"] == rt.cpu.memory_stats()["allocated"]
    rt.cpu.empty_cache()
    assert rt.cpu.memory_stats()["cached"] == 0
    rt.cpu.set_memory_limit(after["allocated"] + (1 << 20))
    try:
        with pytest.raises(rt.errors.OutOfMemoryError, match="memory limit"):
            rt.zeros(1 << 20)
        assert rt.zeros(1 << 10).shape == (1024,)
    finally:
        rt.cpu.set_memory_limit(0)
    with pytest.raises(ValueError, match="negative"):
        rt.cpu.set_memory_limit(-1)


def test_threads() -> None:
    before = rt.get_num_threads()
    try:
        rt.set_num_threads(1)
        assert rt.get_num_threads() == 1
        for bad, error in ((0, RuntimeError), (-1, RuntimeError), ("2", TypeError), (True, TypeError)):
            with pytest.raises(error, match="set_num_threads"):
                rt.set_num_threads(bad)
    finally:
        rt.set_num_threads(before)


def test_default_dtype() -> None:
    assert rt.get_default_dtype() is rt.float32
    try:
        rt.set_default_dtype(rt.float64)
        assert rt.tensor(1.5).dtype is rt.float64 and rt.tensor(1j).dtype is rt.complex128
        assert repr(rt.tensor([1.0])) == "tensor([1.])"
    finally:
        rt.set_default_dtype(rt.float32)
    for bad in (rt.int64, "float32"):
        with pytest.raises(TypeError):
            rt.set_default_dtype(bad)


def test_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    rt.show_config()
    text = capsys.readouterr().out
    assert rt.__version__ in text and "cpu" in text
    assert all(key in text for key in _config.config())


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120, check=True
    )


def test_logging_by_environment() -> None:
    code = "import rustorch as rt, numpy as np; np.median(rt.ones(3))"
    told = run(code, RUSTORCH_LOG="debug").stderr
    assert (
        "imported rustorch version" in told and "threads" in told and "np.median: computed by NumPy" in told
    )
    assert run(code, RUSTORCH_LOG="warning").stderr == "" and run(code, RUSTORCH_LOG="").stderr == ""
    assert "is not a log level" in run("import rustorch", RUSTORCH_LOG="loud").stderr


def test_a_program_with_logging_of_its_own_gets_each_record_once() -> None:
    code = "import logging; logging.basicConfig(format='mine %(message)s'); import rustorch"
    lines = run(code, RUSTORCH_LOG="debug").stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("mine imported")


def test_the_logger_is_the_standard_one(caplog: pytest.LogCaptureFixture) -> None:
    assert _log.logger() is logging.getLogger("rustorch")
    with caplog.at_level(logging.DEBUG, logger="rustorch"):
        _log.debug("%d things", 3)
    assert caplog.messages == ["3 things"]


def test_import_is_light() -> None:
    code = (
        "import sys; before = set(sys.modules); import rustorch; "
        "heavy = {'numpy', 'scipy', 'rustorch.nn', 'logging', 'dataclasses', 'inspect'}; "
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    assert run(code, RUSTORCH_LOG="").stdout.strip() == "[]"


def test_unknown_names_are_errors() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        rt.nothing


@pytest.mark.parametrize("space", ["linalg", "fft", "special"])
def test_namespaces_are_modules(space: str) -> None:
    module: Any = getattr(rt, space)
    assert module.__doc__ and set(module.__all__) >= {
        n for n in _C.namespaces().get(space, {}) if n[0] != "_"
    }
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("data", [[[1, 2], [3]], [1, [2]]])
def test_ragged_data(data: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        rt.tensor(data)


def test_tensor_takes_arrays_and_scalars() -> None:
    array = np.arange(3)[::-1]
    assert rt.tensor(array).numpy().tolist() == [2, 1, 0]
    assert rt.tensor(np.float64(2)).dtype is rt.float64 and rt.tensor([np.int8(1)]).dtype is rt.int8
    assert rt.tensor([array, array]).shape == (2, 3)
    with pytest.raises(TypeError):
        rt.tensor("text")


@keeps_memory
def test_memory_limit_counts_what_is_cached() -> None:
    """Blocks of many sizes, freed one after another, must not pile up beyond the limit."""
    rt.cpu.empty_cache()
    base = rt.cpu.memory_stats()["allocated"]
    limit = base + (64 << 20)
    rt.cpu.set_memory_limit(limit)
    try:
        for megabytes in (60, 47, 38, 30, 21, 55):
            block = rt.empty(megabytes << 20, dtype=rt.uint8)
            stats = rt.cpu.memory_stats()
            assert stats["allocated"] + stats["cached"] <= limit
            del block
    finally:
        rt.cpu.set_memory_limit(0)
        rt.cpu.empty_cache()


@keeps_memory
def test_a_slightly_larger_block_is_used_again() -> None:
    rt.cpu.empty_cache()
    del_me = rt.empty(10 << 20, dtype=rt.uint8)
    del del_me
    hits = rt.cpu.memory_stats()["cache_hits"]
    again = rt.empty(9 << 20, dtype=rt.uint8)
    assert rt.cpu.memory_stats()["cache_hits"] == hits + 1
    assert again.nbytes == 9 << 20


@pytest.mark.parametrize("sizes", [(2**32, 2**32), (2**62, 2, 2)])
def test_more_elements_than_64_bits_count(sizes: tuple[int, ...]) -> None:
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
        rt.ones(1).expand(*sizes)


def test_strides_beyond_64_bits() -> None:
    with pytest.raises(RuntimeError, match="Stride calculation overflowed"):
        rt.empty((0, 2**40, 2**40))


def test_a_read_only_gradient_is_copied() -> None:
    """A function may hand back memory that must not be written; the next backward adds in place."""
    frozen = np.ones(3, np.float32)
    frozen.flags.writeable = False

    class Frozen(rt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return rt.from_numpy(frozen)

    x = rt.zeros(3, requires_grad=True)
    for _ in range(2):
        Frozen.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]
    assert frozen.tolist() == [1, 1, 1]


def test_out_is_written_without_a_temporary() -> None:
    a, b, out = rt.ones(1000), rt.ones(1000, 1), rt.empty(1000, 1000)
    version, before = out._version, rt.cpu.memory_stats()["allocations"]
    assert rt.add(a, b, out=out) is out
    assert rt.cpu.memory_stats()["allocations"] == before
    assert out._version == version + 1
    assert bool((out == 2).all())


def test_out_that_lies_across_its_input() -> None:
    x = rt.arange(10.0)
    with pytest.raises(RuntimeError, match="unsupported operation"):
        rt.mul(x[:-1], 2, out=x[1:])
    rt.mul(x[:-1].clone(), 2, out=x[1:])
    assert x.tolist() == [0.0, *(2.0 * i for i in range(9))]
