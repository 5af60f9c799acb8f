"""Who calls whom, to find functions that reach themselves."""

from __future__ import annotations

from collections.abc import Iterator

from clang.cindex import Cursor, CursorKind, conf

REFERENCE = (CursorKind.DECL_REF_EXPR, CursorKind.MEMBER_REF_EXPR)


def _key(function: Cursor) -> str:
    """One for all instances of a template, and for a declaration and its definition."""
    template = conf.lib.clang_getSpecializedCursorTemplate(function)
    return str((template or function).get_usr())


class CallGraph:
    def __init__(self) -> None:
        self.calls: dict[str, set[str]] = {}
        self.functions: dict[str, Cursor] = {}

    def add(self, function: Cursor) -> None:
        self.functions[_key(function)] = function
        self.calls.setdefault(_key(function), set())

    def note(self, function: Cursor, node: Cursor) -> None:
        """Adds the call if the node is one. In a template it may be of any overload."""
        if node.kind in REFERENCE and node.referenced:
            self.calls[_key(function)].add(_key(node.referenced))
        elif node.kind == CursorKind.OVERLOADED_DECL_REF:
            for i in range(conf.lib.clang_getNumOverloadedDecls(node)):
                self.calls[_key(function)].add(_key(conf.lib.clang_getOverloadedDecl(node, i)))

    def recursive(self) -> Iterator[Cursor]:
        for key, function in self.functions.items():
            seen: set[str] = set()
            todo = list(self.calls[key])
            while todo:
                callee = todo.pop()
                if callee not in seen:
                    seen.add(callee)
                    todo += self.calls.get(callee, ())
            if key in seen:
                yield function
