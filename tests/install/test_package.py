"""The installed package is complete, and importing it is light."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata, resources

import rustorch as rt


def test_version_is_that_of_the_distribution() -> None:
    assert rt.__version__ == metadata.version("rustorch")


def test_data_and_type_information_are_installed() -> None:
    package = resources.files("rustorch")
    for name in ("py.typed", "_C.pyi", "datasets/digits/digits.npz", "datasets/digits/README.md"):
        assert package.joinpath(name).is_file(), name


def test_licences_of_what_is_bundled_are_installed() -> None:
    installed = {path.name for path in metadata.files("rustorch") or [] if "licenses" in path.parts}
    assert {"LICENSE", "oneDNN.txt", "oneDNN-third-party-programs.txt", "OpenBLAS.txt"} <= installed


def test_numpy_is_the_only_requirement() -> None:
    required = [line for line in metadata.requires("rustorch") or [] if "extra ==" not in line]
    assert [line.split(">")[0].strip() for line in required] == ["numpy"]


def test_extras() -> None:
    extras = set(metadata.metadata("rustorch").get_all("Provides-Extra") or [])
    assert {"test", "compare", "coreml", "cuda", "notebooks", "dev"} <= extras


def test_import_is_light() -> None:
    heavy = ("numpy", "torch", "mlx", "scipy", "matplotlib", "rustorch.bench")
    code = f"import sys, rustorch; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
