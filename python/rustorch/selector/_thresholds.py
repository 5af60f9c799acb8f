"""The sizes from which engines pay, as data: shipped, from a file, from the environment, from code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rustorch.errors import ArgumentError

__all__ = ["DeviceThresholds", "config_file"]


@dataclass(frozen=True)
class DeviceThresholds:
    """From where engines take work. Sizes count the elements of the largest tensor of a call.

    What ships are estimates. They are overruled by ``thresholds.json`` in the user's configuration folder,
    then by the environment (``RUSTORCH_METAL_MIN_SIZE=4096``), then by `set_thresholds`.

    Attributes:
        coreml_min_size, coreml_max_size: Core ML takes what lies between.
        metal_min_size: Metal takes what is at least this large; memory is shared, so moving costs nothing.
        cuda_min_size: from where a new tensor is made on the GPU.
        cuda_move_size: from where inputs in host memory are worth moving to the GPU.
        cuda_move_size_dense: the same for matrix products, convolutions and attention.
        emulator_min_size, emulator_move_size: of the emulator, where a chain names it.
        gpu_min_memory: bytes that a GPU must have to be used.

    >>> from rustorch.selector import DeviceThresholds
    >>> DeviceThresholds(metal_min_size=1024).metal_min_size
    1024
    """

    coreml_min_size: int = 1 << 16
    coreml_max_size: int = 1 << 26
    metal_min_size: int = 1 << 14
    cuda_min_size: int = 1 << 16
    cuda_move_size: int = 1 << 22
    cuda_move_size_dense: int = 1 << 16
    emulator_min_size: int = 0
    emulator_move_size: int = 1 << 62
    gpu_min_memory: int = 1 << 30

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
                raise ArgumentError.of(
                    "DeviceThresholds", f"{field.name} must be a number of elements or bytes", repr(value)
                )

    def overruled(self, values: Mapping[str, Any], source: str) -> DeviceThresholds:
        """With some fields replaced; `source` is named in errors."""
        known = {field.name for field in fields(self)}
        for name in values:
            if name not in known:
                raise ArgumentError.of(
                    "DeviceThresholds",
                    f"{source} has no threshold of this name",
                    name,
                    ", ".join(sorted(known)),
                )
        try:
            return replace(self, **values)
        except ArgumentError as error:
            raise ArgumentError.of("DeviceThresholds", f"{source}: {error}") from None

    @classmethod
    def from_user(cls) -> DeviceThresholds:
        """What ships, overruled by the user's file and the environment."""
        return (
            cls()
            .overruled(_from_file(), str(config_file()))
            .overruled(_from_environment(), "the environment")
        )


def config_file() -> Path:
    """Where the user's thresholds are kept; `RUSTORCH_CONFIG` names another folder."""
    folder = os.environ.get("RUSTORCH_CONFIG")
    if folder:
        return Path(folder) / "thresholds.json"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "rustorch" / "thresholds.json"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / "rustorch" / "thresholds.json"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "rustorch" / "thresholds.json"


def _from_file() -> dict[str, Any]:
    path = config_file()
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ArgumentError.of(
            "DeviceThresholds", f"{path} is not JSON: {error}", "", "removing it"
        ) from None
    if not isinstance(values, dict):
        raise ArgumentError.of("DeviceThresholds", f"{path} must hold an object", type(values).__name__)
    return values


def _from_environment() -> dict[str, Any]:
    values = {}
    for field in fields(DeviceThresholds):
        text = os.environ.get(f"RUSTORCH_{field.name.upper()}")
        if text is None:
            continue
        try:
            values[field.name] = int(text)
        except ValueError:
            raise ArgumentError.of(
                "DeviceThresholds", f"RUSTORCH_{field.name.upper()} is not a number", repr(text)
            ) from None
    return values
