"""Graphs: recording what a function or a module computes, running it again, saving and loading it."""

from __future__ import annotations

from rustorch.jit._graph import Graph, Node, Value
from rustorch.jit._recording import TracerWarning, is_tracing, trace
from rustorch.jit._script_module import ScriptFunction, ScriptModule
from rustorch.jit._scripting_api import (
    ScriptError,
    annotate,
    export,
    ignore,
    is_scripting,
    script,
    unused,
)
from rustorch.jit._serialize import load, save

__all__ = [
    "Graph",
    "Node",
    "ScriptError",
    "ScriptFunction",
    "ScriptModule",
    "TracerWarning",
    "Value",
    "annotate",
    "export",
    "ignore",
    "is_scripting",
    "is_tracing",
    "load",
    "save",
    "script",
    "trace",
    "unused",
]
