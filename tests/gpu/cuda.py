"""Launches the probe shaders on an NVIDIA GPU through NVRTC and the driver's API, if there is one."""

from __future__ import annotations

import ctypes as c
import glob
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .emulator import Fault, Sizes

ROOT = Path(__file__).parents[2]
SHADERS = (Path(__file__).parent / "shaders" / "probe.metal",)
PARAMETERS = 31  # of an entry point at most


def _open(patterns: Sequence[str]) -> c.CDLL | None:
    for pattern in patterns:
        for name in sorted(glob.glob(pattern), reverse=True) or [pattern]:
            try:
                return c.CDLL(name)
            except OSError:
                continue
    return None


def _nvrtc() -> c.CDLL | None:
    wheels = [f"{p}/nvidia/*/lib/libnvrtc.so.*" for p in sys.path]
    return _open([*wheels, "/usr/local/cuda*/lib64/libnvrtc.so", "libnvrtc.so"])


def why_not() -> str:
    """Why the GPU cannot be used; empty if it can."""
    driver = _open(["libcuda.so.1"])
    if driver is None or driver.cuInit(0):
        return "no NVIDIA driver"
    return "" if _nvrtc() else "no NVRTC"


class Cuda:
    """The interface of tests.gpu.emulator.Emulator."""

    def __init__(self) -> None:
        driver, compiler = _open(["libcuda.so.1"]), _nvrtc()
        assert driver is not None and compiler is not None
        self.driver, self.compiler = driver, compiler
        self._call("cuInit", 0)
        device, context = c.c_int(), c.c_void_p()
        self._call("cuDeviceGet", c.byref(device), 0)
        self._call("cuDevicePrimaryCtxRetain", c.byref(context), device)
        self._call("cuCtxSetCurrent", context)
        major, minor = c.c_int(), c.c_int()
        self._call("cuDeviceGetAttribute", c.byref(major), 75, device)
        self._call("cuDeviceGetAttribute", c.byref(minor), 76, device)
        self.modules = [self._load(self._compile(p, f"sm_{major.value}{minor.value}")) for p in SHADERS]

    def _call(self, name: str, *args: object) -> None:
        status = getattr(self.driver, name)(*args)
        assert status == 0, f"{name}: CUDA error {status}"

    def _compile(self, path: Path, architecture: str) -> bytes:
        program, size = c.c_void_p(), c.c_size_t()
        rtc = self.compiler
        rtc.nvrtcCreateProgram(c.byref(program), path.read_bytes(), str(path).encode(), 0, None, None)
        options = [
            f"-arch={architecture}",
            "-std=c++20",
            "-default-device",
            "--fmad=false",
            f"-I{ROOT / 'shaders' / 'include'}",
            "--diag-suppress=2803,177",
        ]
        status = rtc.nvrtcCompileProgram(
            program, len(options), (c.c_char_p * len(options))(*[o.encode() for o in options])
        )
        rtc.nvrtcGetProgramLogSize(program, c.byref(size))
        log = c.create_string_buffer(size.value + 1)
        rtc.nvrtcGetProgramLog(program, log)
        assert status == 0, log.value.decode()
        rtc.nvrtcGetCUBINSize(program, c.byref(size))
        binary = c.create_string_buffer(size.value)
        rtc.nvrtcGetCUBIN(program, binary)
        return binary.raw

    def _load(self, binary: bytes) -> c.c_void_p:
        module = c.c_void_p()
        self._call("cuModuleLoadData", c.byref(module), binary)
        return module

    def _function(self, kernel: str) -> c.c_void_p:
        function = c.c_void_p()
        for module in self.modules:
            if self.driver.cuModuleGetFunction(c.byref(function), module, f"{kernel}__k".encode()) == 0:
                return function
        raise Fault(f"no kernel is named {kernel}")

    def launch(
        self,
        kernel: str,
        buffers: Sequence[np.ndarray | bytes],
        groups: Sizes,
        threads: Sizes,
        *,
        unwritten: Sequence[int] = (),
        constants: Sequence[int] = (),
        shuffle: int = 0,
    ) -> None:
        function = self._function(kernel)
        arguments: list[object] = []
        copies: list[tuple[c.c_uint64, np.ndarray]] = []
        for b in buffers:
            if isinstance(b, bytes):
                arguments.append(c.create_string_buffer(b, len(b)))
                continue
            address = c.c_uint64()
            self._call("cuMemAlloc_v2", c.byref(address), c.c_size_t(max(b.nbytes, 1)))
            self._call("cuMemcpyHtoD_v2", address, c.c_void_p(b.ctypes.data), c.c_size_t(b.nbytes))
            arguments.append(address)
            copies.append((address, b))
        arguments += [c.c_uint64() for _ in range(PARAMETERS - len(arguments))]
        pointers = (c.c_void_p * PARAMETERS)(*[c.addressof(a) for a in arguments])  # type: ignore[arg-type]
        grid, block = (*groups, 1, 1)[:3], (*threads, 1, 1)[:3]
        self._call("cuLaunchKernel", function, *grid, *block, 0, None, pointers, None)
        self._call("cuCtxSynchronize")
        for address, b in copies:
            self._call("cuMemcpyDtoH_v2", c.c_void_p(b.ctypes.data), address, c.c_size_t(b.nbytes))
            self._call("cuMemFree_v2", address)
