"""Everything public says what it is."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from typing import Any

import pytest

import rustorch as rt


def public_modules() -> list[str]:
    found = [info.name for info in pkgutil.walk_packages(rt.__path__, "rustorch.")]
    return [
        "rustorch",
        *(name for name in found if not any(part.startswith("_") for part in name.split("."))),
    ]


def public_names(module: types.ModuleType) -> list[str]:
    return getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]


def is_ours(value: Any) -> bool:
    return callable(value) and str(getattr(value, "__module__", None)).startswith("rustorch")


def methods(cls: type) -> dict[str, Any]:
    """The public methods and properties that the class itself defines."""
    kinds = (types.FunctionType, staticmethod, classmethod, property)
    defined = {name: value for name, value in vars(cls).items() if not name.startswith("_")}
    return {
        name: value
        for name, value in defined.items()
        if isinstance(value, kinds) or hasattr(value, "__schemas__")
    }


@pytest.mark.parametrize("name", public_modules())
def test_public_names_have_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    silent = [] if module.__doc__ else [name]
    for key in public_names(module):
        value = getattr(module, key)
        if isinstance(value, types.ModuleType) or not is_ours(value):
            continue
        if not value.__doc__:
            silent.append(key)
        if inspect.isclass(value):
            # A method that overrides another may leave it to that one's text.
            silent += [f"{key}.{k}" for k in methods(value) if not inspect.getdoc(getattr(value, k))]
    assert not silent, f"without a docstring: {', '.join(silent)}"
