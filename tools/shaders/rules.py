"""The rules for shaders that clang does not know, read from the syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from clang.cindex import Cursor, CursorKind, Diagnostic, StorageClass, TranslationUnit, TypeKind

import dialect
from calls import CallGraph

KERNEL = (CursorKind.FUNCTION_DECL, CursorKind.FUNCTION_TEMPLATE)
FUNCTION = (*KERNEL, CursorKind.CXX_METHOD, CursorKind.CONSTRUCTOR, CursorKind.CONVERSION_FUNCTION)
CAST = (CursorKind.CSTYLE_CAST_EXPR, CursorKind.CXX_STATIC_CAST_EXPR, CursorKind.CXX_REINTERPRET_CAST_EXPR)
CONVERSION = (CursorKind.CALL_EXPR, CursorKind.CXX_FUNCTIONAL_CAST_EXPR)
# What Metal has not, or only in versions after ours; clang takes it.
REFUSED = {
    CursorKind.GOTO_STMT: "goto",
    CursorKind.ASM_STMT: "assembler",
    CursorKind.LAMBDA_EXPR: "a lambda, which Metal has from 3.2 on",
    CursorKind.CXX_THROW_EXPR: "an exception",
    CursorKind.CXX_TRY_STMT: "an exception",
    CursorKind.CXX_NEW_EXPR: "new",
    CursorKind.CXX_DELETE_EXPR: "delete",
    CursorKind.CXX_TYPEID_EXPR: "typeid",
    CursorKind.CXX_DYNAMIC_CAST_EXPR: "dynamic_cast",
}
POINTER = (TypeKind.POINTER, TypeKind.LVALUEREFERENCE, TypeKind.RVALUEREFERENCE)
MOST_BUFFERS = 31
POSITION = {"uint", "uint2", "uint3", "ushort", "ushort2", "ushort3"}
COUNT = {"uint", "ushort"}
BUILTINS = {
    "thread_position_in_grid": POSITION,
    "thread_position_in_threadgroup": POSITION,
    "threadgroup_position_in_grid": POSITION,
    "threads_per_threadgroup": POSITION,
    "threadgroups_per_grid": POSITION,
    "threads_per_grid": POSITION,
    "thread_index_in_threadgroup": COUNT,
    "thread_index_in_simdgroup": COUNT,
    "simdgroup_index_in_threadgroup": COUNT,
    "simdgroups_per_threadgroup": COUNT,
    "threads_per_simdgroup": COUNT,
}
WORDS = {"__private": "thread", "__global": "device", "__local": "threadgroup", "__constant": "constant"}


class Finding(NamedTuple):
    file: str
    line: int
    what: str


def in_metals_words(text: str) -> str:
    text = re.sub(r"\b__(private|global|local|constant)\b", lambda m: WORDS[m[0]], text)
    return text.replace("__generic ", "").replace("rt_metal_has_no_double", "double")


def is_library(file: str) -> bool:
    return Path(file).is_relative_to(dialect.INCLUDE)


def is_excused(diagnostic: Diagnostic) -> bool:
    """Whether it is clang's fault: what Metal takes and C++ for OpenCL does not."""
    text = diagnostic.spelling
    if diagnostic.severity < Diagnostic.Error:
        return "constexpr if" in text
    if "cast from" in text and re.search(r"'half'", text) and "'__bf16'" in text:
        return True
    # A struct is copied from constant memory.
    if re.match(r"no matching constructor for initialization of|no viable overloaded '='", text):
        return any(
            re.search(r"\(the implicit copy .*\) not viable: .*'(const )?__constant", note.spelling)
            for note in diagnostic.children
        )
    # A temporary lies in the thread's memory; to clang it has no address space.
    return bool(
        re.match(r"binding reference of type 'const __private .*' to value of type '(?!const|__)", text)
    )


def check_includes(unit: TranslationUnit, headers: Path) -> set[Finding]:
    """Shaders include the project's headers, and those alone include Metal's."""
    found = set()
    for c in unit.cursor.get_children():
        if c.kind != CursorKind.INCLUSION_DIRECTIVE or is_library(c.location.file.name):
            continue
        source = Path(c.location.file.name)
        if source.parent != headers and not (headers / c.spelling).is_file():
            found.add(
                Finding(str(source), c.location.line, f"includes {c.spelling}; shaders include rt_kernel.h")
            )
    return found


def annotations(cursor: Cursor) -> list[str]:
    return [c.spelling for c in cursor.get_children() if c.kind == CursorKind.ANNOTATE_ATTR]


def check_signature(kernel: Cursor) -> Iterable[str]:
    if kernel.result_type.kind != TypeKind.VOID:
        yield f"{kernel.spelling}: a kernel returns void"
    buffers, builtin_seen = 0, False
    for p in kernel.get_children():
        if p.kind != CursorKind.PARM_DECL:
            continue
        where = f"{kernel.spelling}: {p.spelling or 'a parameter'}"
        attribute, _, index = next(iter(annotations(p)), "").partition(" ")
        if attribute == "buffer":
            if builtin_seen:
                yield f"{where}: buffers come before built-ins"
            if index != str(buffers):
                yield f"{where}: buffer({index}) stands at place {buffers}"
            buffers += 1
            target = p.type.get_pointee().spelling
            if "__global" not in target and "__constant" not in target:
                yield f"{where}: a buffer is a device or constant pointer or reference"
            if "__global" in target and p.type.kind != TypeKind.POINTER:
                yield f"{where}: a single device value is passed as a pointer"
        elif attribute in BUILTINS:
            builtin_seen = True
            kind = p.type.spelling.replace("__private", "").replace("const ", "").strip()
            if kind not in BUILTINS[attribute]:
                yield f"{where}: [[{attribute}]] is no {kind}"
        else:
            yield f"{where}: no attribute, or one that shaders do not use"
    if buffers > MOST_BUFFERS:
        yield f"{kernel.spelling}: {buffers} buffers; at most {MOST_BUFFERS}"


def converts_literal(c: Cursor) -> bool:
    """T(0.5), T(-0.5): a number that the compiler converts, which a formula over several types needs."""
    parts = list(c.get_children())
    if c.kind == CursorKind.CALL_EXPR and (not parts or parts[0].kind != CursorKind.TYPE_REF):
        return False
    while parts and parts[-1].kind in (CursorKind.UNEXPOSED_EXPR, CursorKind.UNARY_OPERATOR):
        parts = list(parts[-1].get_children())
    return bool(parts) and parts[-1].kind == CursorKind.FLOATING_LITERAL


def check_cursor(c: Cursor, function: Cursor | None) -> Iterable[str]:
    """What is wrong with one node; `function` is the one around it."""
    kind = c.kind
    if kind in REFUSED:
        yield f"{REFUSED[kind]} is not for shaders"
    elif kind == CursorKind.FLOATING_LITERAL and c.type.kind not in (TypeKind.FLOAT, TypeKind.HALF):
        yield "a floating literal ends in f or h; without, it is a double elsewhere"
    elif kind == CursorKind.DECL_REF_EXPR and c.spelling.startswith("__builtin_"):
        yield f"{c.spelling} is the compiler's own"
    elif kind in CAST and "__generic" in c.type.spelling:
        yield f"a cast to '{in_metals_words(c.type.spelling)}', which names no address space"
    elif kind in FUNCTION and "__generic" in c.result_type.spelling:
        yield f"'{c.spelling}' returns a pointer or reference without an address space"
    elif kind in (CursorKind.VAR_DECL, CursorKind.PARM_DECL, CursorKind.FIELD_DECL):
        type_ = c.type.spelling
        if c.type.kind in POINTER and not re.search(r"\b__(?!generic)", c.type.get_pointee().spelling):
            yield f"'{c.spelling}' is a pointer or reference without an address space"
        if kind == CursorKind.VAR_DECL:
            if function is None and "__constant" not in type_:
                yield f"'{c.spelling}' is at program scope and not constant"
            elif function is not None and c.storage_class == StorageClass.STATIC:
                yield f"'{c.spelling}' is a static variable in a function"
            if "rt_shared" in annotations(c) and not (function and "kernel" in annotations(function)):
                yield f"'{c.spelling}' is threadgroup storage outside of a kernel's body"


def check_tree(unit: TranslationUnit) -> set[Finding]:
    """All rules but clang's own, for the shader and the project's headers in it."""
    found: set[Finding] = set()
    calls, kernels, exported = CallGraph(), {}, set()

    def report(c: Cursor, texts: Iterable[str]) -> None:
        found.update(Finding(c.location.file.name, c.location.line, text) for text in texts)

    def walk(c: Cursor, function: Cursor | None) -> None:
        report(c, check_cursor(c, function))
        if c.kind in KERNEL and "kernel" in annotations(c):
            report(c, check_signature(c))
            kernels[c.spelling] = c
        if c.kind == CursorKind.TYPEDEF_DECL and c.spelling.startswith("rt_exported_"):
            targets = [t.spelling for t in c.get_children() if t.kind == CursorKind.DECL_REF_EXPR]
            name = (targets or [c.spelling.removeprefix("rt_exported_")])[0]
            exported.add(name)
            if name not in kernels:
                report(c, [f"exports {name}, which is no kernel"])
        if c.kind in FUNCTION:
            function = c
            calls.add(c)
        elif function is not None:
            calls.note(function, c)
        if not (c.kind in CONVERSION and converts_literal(c)):
            for child in c.get_children():
                walk(child, function)

    for top in unit.cursor.get_children():
        if top.location.file and not top.kind.is_preprocessing() and not is_library(top.location.file.name):
            walk(top, None)
    for name, kernel in kernels.items():
        # One in a header is for whichever shader exports it.
        if name not in exported and kernel.location.file.name == unit.spelling:
            report(kernel, [f"{name}: no RT_EXPORT"])
    for function in calls.recursive():
        report(function, [f"'{function.spelling}' may call itself; shaders do not recur"])
    return found
