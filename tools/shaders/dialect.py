"""Metal as a dialect that clang reads: C++ for OpenCL, whose address spaces are part of a type.

The words are macros (include/words.h). What macros cannot do is rewritten in the text, line by line.
"""

from __future__ import annotations

import re
from pathlib import Path

INCLUDE = Path(__file__).resolve().parent / "include"
METAL_VERSION = 310  # macOS 14

FLAGS = [
    *("-x", "clcpp", "-cl-std=clc++2021", "-cl-no-stdinc", "-nostdinc", "-nostdinc++"),
    *("-target", "x86_64-linux-gnu", "-fsyntax-only", "-ferror-limit=0"),
    f"-D__METAL_VERSION__={METAL_VERSION}",
    "-Xclang",
    "-cl-ext=+cl_khr_fp16,-cl_khr_fp64,-__opencl_c_fp64,+__opencl_c_generic_address_space,"
    "+__opencl_c_program_scope_global_variables",
    # Metal 3.1 is C++14 with a few later features as warnings.
    *("-Wno-everything", "-Wpre-c++17-compat"),
    f"-isystem{INCLUDE}",
]

# Apple's half of rt_kernel.h: clang puts no attributes before an instantiation and wants values for
# constants; and what is exported is to show in the syntax tree.
KERNEL_HEADER = [
    ("#define RT_EXPORT(name)\n", "#define RT_EXPORT(name) typedef int rt_exported_##name;\n"),
    (
        "template [[host_name(#host)]] [[kernel]] decltype(__VA_ARGS__) __VA_ARGS__;",
        "template decltype(__VA_ARGS__) __VA_ARGS__; typedef decltype(__VA_ARGS__) rt_exported_##host;",
    ),
    (
        "constant type name [[function_constant(index)]];",
        "extern constant type name [[function_constant(index)]];",
    ),
]

_SHARED = re.compile(r"^([ \t]*)rt_shared\b([^;]*);", re.M)
_DECLARATOR = re.compile(r"(.*?)(\w+)\s*((?:\[.*\])?)\s*$", re.S)


def _split(text: str) -> list[str]:
    """At the commas that no bracket encloses."""
    parts, depth = [""], 0
    for c in text:
        depth += (c in "<([{") - (c in ">)]}")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _shared(match: re.Match[str]) -> str:
    # clang has threadgroup storage in OpenCL's kernels only, which can be no templates: a reference to it has
    # the same type in every use.
    indent, declaration = match.groups()
    base, lines = "", []
    for part in _split(declaration):
        found = _DECLARATOR.match(part)
        if not found:
            return match[0]
        base = base or " ".join(found[1].split())
        lines.append(
            f'rt_shared {base} (&{found[2]}){found[3]} __attribute__((annotate("rt_shared"))) = '
            f"*(threadgroup {base}(*){found[3]})0;"
        )
    return indent + " ".join(lines) + "\n" * match[0].count("\n")


def translate(text: str, name: str) -> str:
    """The text of a shader or header as clang is to see it, with as many lines."""
    if name == "rt_kernel.h":
        for old, new in KERNEL_HEADER:
            if old not in text:
                raise ValueError(
                    f"rt_kernel.h no longer says {old!r}; tools/shaders/dialect.py must learn what it says"
                )
            text = text.replace(old, new)
        return text
    return _SHARED.sub(_shared, text)
