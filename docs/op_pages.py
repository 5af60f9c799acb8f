"""A Sphinx extension that writes the pages of functions and methods: one page a namespace.

Ops come from the registry (`rustorch._C.op_table()`), which the package itself is built from; what else
a module holds is found by looking at it. So whatever is new is in the reference without a line written here.
"""

from __future__ import annotations

import importlib
import re
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.ext.napoleon import Config, GoogleDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TITLES = {
    "rt": ("rustorch", "Functions"),
    "Tensor": ("rustorch.Tensor", "Methods of Tensor"),
    "nn.functional": ("rustorch.nn.functional", "nn.functional"),
    "linalg": ("rustorch.linalg", "linalg"),
    "fft": ("rustorch.fft", "fft"),
    "special": ("rustorch.special", "special"),
}


def signature(schema: str, is_method: bool) -> str:
    """'name.overload(Tensor input, int dim) -> Tensor' -> 'name(input: Tensor, dim: int) -> Tensor'."""
    head, _, rest = schema.partition("(")
    arguments, _, result = rest.rpartition(") -> ")
    parts = []
    for argument in re.split(r",\s*(?![^\[(]*[\])])", arguments):
        match = re.fullmatch(r"(\S+) (\w+)(?:=(.*))?", argument.strip())
        if not match:
            parts.append(argument.strip())  # the `*` before keyword-only arguments
            continue
        kind, name, default = match.groups()
        parts.append(f"{name}: {kind}" + (f" = {default}" if default is not None else ""))
    if is_method and parts:
        parts = parts[1:]
    return f"{head.partition('.')[0]}({', '.join(parts)}) -> {result}"


def escape(doc: str) -> str:
    """The same text with stars and bars that mean themselves, outside of literals and examples."""
    lines, example = [], False
    for line in doc.splitlines():
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if not example:
            parts = re.split(r"(`+[^`]*`+)", line)
            parts[::2] = [re.sub(r"(?<!\\)([*|])", r"\\\1", part) for part in parts[::2]]
            line = "".join(parts)
        lines.append(line)
    return "\n".join(lines)


def public(holder: Any) -> dict[str, Any]:
    """What a module or class offers under its own names."""
    names = getattr(holder, "__all__", None) or vars(holder)
    return {name: getattr(holder, name) for name in sorted(names) if not name.startswith("_")}


def other_names(holder: Any, ops: dict[str, Any]) -> dict[str, list[str]]:
    """Op -> the names it also goes by."""
    found: dict[str, list[str]] = {}
    for name, value in public(holder).items():
        schemas = getattr(value, "__schemas__", None)
        if schemas and name not in ops:
            found.setdefault(re.split(r"[.(]", schemas[0])[0], []).append(name)
    return found


def python_entries(holder: Any, path: str, ops: dict[str, Any]) -> str:
    """Directives for the functions, classes and attributes that are no ops."""
    lines = []
    for name, value in public(holder).items():
        if name in ops or hasattr(value, "__schemas__"):
            continue
        if isinstance(holder, type):
            has_call = callable(value) and not isinstance(value, type)
            lines.append(f".. auto{'method' if has_call else 'attribute'}:: {path}.{name}\n")
        elif isinstance(value, type) and value.__module__.startswith("rustorch"):
            if name != "Tensor":  # its methods have a page of their own
                lines.append(f".. autoclass:: {path}.{name}\n   :no-index:\n")
        elif isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
            lines.append(f".. autofunction:: {path}.{name}\n")
    return "\n".join(lines)


def entry(overloads: list[dict[str, Any]], module: str, is_method: bool, others: list[str]) -> str:
    """One directive for all overloads of a name."""
    kind = "method" if is_method else "function"
    signatures = [f"{module}.{signature(op['schema'], is_method)}" for op in overloads]
    doc = next((op["doc"] for op in overloads if op["doc"]), "")
    if others:
        doc += f"\nAlso called {', '.join(f'``{name}``' for name in others)}."
    text = str(GoogleDocstring(escape(doc), Config(napoleon_google_docstring=True)))
    body = "\n".join("   " + line if line else "" for line in text.splitlines())
    indent = "\n" + " " * len(f".. py:{kind}:: ")
    return f".. py:{kind}:: {indent.join(signatures)}\n\n{body}\n"


def write_pages(app: Sphinx) -> None:
    import rustorch
    from rustorch import _C

    folder = Path(app.srcdir) / "api" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    for namespace, (module, title) in TITLES.items():
        ops: dict[str, list[dict[str, Any]]] = {}
        for op in _C.op_table():
            if namespace in op["namespaces"]:
                ops.setdefault(op["schema"].partition("(")[0].partition(".")[0], []).append(op)
        heading = f"{title}\n{'=' * len(title)}\n"
        is_class = namespace == "Tensor"
        holder = rustorch.Tensor if is_class else importlib.import_module(module)
        names = other_names(holder, ops)
        body = "\n".join(entry(ops[name], module, is_class, names.get(name, [])) for name in sorted(ops))
        rest = python_entries(holder, module, ops)
        if rest:
            body += f"\nBesides these ops\n-----------------\n\n{rest}"
        path = folder / f"{namespace.replace('.', '_').lower()}.rst"
        text = f"{heading}\n{body}"
        # Sphinx rebuilds what is newer: leave equal files alone.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
