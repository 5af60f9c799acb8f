"""A Sphinx extension that writes the pages of the ops from the registry: one page a namespace.

The registry (`rustorch._C.op_table()`) is what the package itself is built from, so that a new op is in the
reference without a line written here.
"""

from __future__ import annotations

import re
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


def entry(overloads: list[dict[str, Any]], module: str, is_method: bool) -> str:
    """One directive for all overloads of a name."""
    kind = "method" if is_method else "function"
    signatures = [f"{module}.{signature(op['schema'], is_method)}" for op in overloads]
    doc = next((op["doc"] for op in overloads if op["doc"]), "")
    text = str(GoogleDocstring(escape(doc), Config(napoleon_google_docstring=True)))
    body = "\n".join("   " + line if line else "" for line in text.splitlines())
    indent = "\n" + " " * len(f".. py:{kind}:: ")
    return f".. py:{kind}:: {indent.join(signatures)}\n\n{body}\n"


def write_pages(app: Sphinx) -> None:
    from rustorch import _C

    folder = Path(app.srcdir) / "api" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    for namespace, (module, title) in TITLES.items():
        ops: dict[str, list[dict[str, Any]]] = {}
        for op in _C.op_table():
            if namespace in op["namespaces"]:
                ops.setdefault(op["schema"].partition("(")[0].partition(".")[0], []).append(op)
        heading = f"{title}\n{'=' * len(title)}\n"
        if not ops:
            body = "None yet.\n"
        else:
            body = "\n".join(entry(ops[name], module, namespace == "Tensor") for name in sorted(ops))
        path = folder / f"{namespace.replace('.', '_').lower()}.rst"
        text = f"{heading}\n{body}"
        # Sphinx rebuilds what is newer: leave equal files alone.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
