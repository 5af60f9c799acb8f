"""How each library is called: its arrays, its names, its thread count, and when its work is done."""

from __future__ import annotations

import importlib.util
import os
import sys
import timeit
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rustorch.bench.cases import Case

if TYPE_CHECKING:
    import numpy as np

# Read once, when a matrix library is loaded: NumPy's and MLX's OpenBLAS, MKL, Accelerate.
THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)


class Library:
    """One library on one engine."""

    def __init__(self, name: str, label: str) -> None:
        self.name = name
        self.label = label

    def statement(self, case: Case) -> str:
        """The source to time; empty where the library has none for this case."""
        raise NotImplementedError

    def names(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """What the source may use: the library's modules, and the inputs as its arrays."""
        raise NotImplementedError

    def setup(self, case: Case) -> str:
        """Source that runs once before the timing."""
        return ""

    def timer(self, case: Case, arrays: Mapping[str, np.ndarray]) -> timeit.Timer | None:
        """A timer of the case, set up; None where the library has no statement for it."""
        statement = self.statement(case)
        if not statement:
            return None
        names = self.names(arrays)
        exec(self.setup(case), names)
        return timeit.Timer(statement, globals=names)


class Rustorch(Library):
    """This package, on one of its engines; each call waits for a device that works on its own."""

    def __init__(self, device: str = "cpu") -> None:
        super().__init__("rustorch" if device == "cpu" else f"rustorch:{device}", device)
        self.device = device

    def statement(self, case: Case) -> str:
        return case.run if self.device == "cpu" else f"{case.run}; wait()"

    def setup(self, case: Case) -> str:
        return case.setup

    def names(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        import rustorch as rt

        tensors = {name: rt.from_numpy(array.copy()).to(self.device) for name, array in arrays.items()}
        return {"t": rt, "F": rt.nn.functional, "wait": partial(rt._C._synchronize, self.device), **tensors}


class Numpy(Library):
    """NumPy on the CPU."""

    def __init__(self) -> None:
        super().__init__("numpy", "NumPy")

    def statement(self, case: Case) -> str:
        return case.numpy

    def names(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        import numpy as np

        return {"np": np, **{name: array.copy() for name, array in arrays.items()}}


class Torch(Library):
    """PyTorch on the CPU."""

    def __init__(self, threads: int) -> None:
        super().__init__("torch", "torch")
        import torch

        torch.set_num_threads(threads)

    def statement(self, case: Case) -> str:
        return case.run

    def setup(self, case: Case) -> str:
        return case.setup

    def names(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        import torch

        tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        return {"t": torch, "F": torch.nn.functional, **tensors}


class Mlx(Library):
    """MLX on the CPU. It is lazy, so that each call is evaluated at once."""

    def __init__(self, threads: int) -> None:
        """Its elementwise ops use one thread, its matrix library what the environment says at load."""
        super().__init__("mlx", "MLX")
        import mlx.core as mx

        mx.set_default_device(mx.cpu)

    def statement(self, case: Case) -> str:
        return f"mx.eval({case.mlx})" if case.mlx else ""

    def setup(self, case: Case) -> str:
        return case.mlx_setup

    def names(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        import mlx.core as mx
        import mlx.nn

        return {"mx": mx, "nn": mlx.nn, **{name: mx.array(array) for name, array in arrays.items()}}


def limit_threads(threads: int) -> str:
    """Sets the thread count of this package, and of the libraries that are not loaded yet.

    Returns:
        a warning where one is loaded already, else nothing.
    """
    import rustorch as rt

    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)
    rt.set_num_threads(threads)
    return "NumPy was imported before; it keeps its own thread count" if "numpy" in sys.modules else ""


def engines() -> list[str]:
    """The devices of this build that can run ops here, as names for `Tensor.to`.

    The emulator is not among them: it is for tests, and thousands of times slower.
    """
    from rustorch import _C

    return [name for name in _C.available_devices() if _C.device(name).type != "emulator"]


COMPARED: dict[str, tuple[str, Callable[[int], Library]]] = {"torch": ("torch", Torch), "mlx": ("MLX", Mlx)}


def find_libraries(threads: int, compared: Sequence[str] = ()) -> tuple[list[Library], list[str]]:
    """This package on each engine, NumPy, and those of torch and MLX that are asked for.

    Returns:
        the libraries, and a line for each that was asked for and cannot be used.
    """
    found: list[Library] = [*(Rustorch(device) for device in engines()), Numpy()]
    missing = []
    for module in compared:
        label, make = COMPARED[module]
        if importlib.util.find_spec(module) is None:
            missing.append(f"{label} is not installed; try pip install 'rustorch[compare]'")
            continue
        try:
            found.append(make(threads))
        except (ImportError, OSError) as error:
            missing.append(f"{label} is installed but does not load: {error}")
    return found, missing
