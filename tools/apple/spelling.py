"""C declarations from the types in PyObjC's metadata: written ones and Objective-C's encodings."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from facts import ENCODED, GIVEN

Item = dict[str, Any]  # one entry of the metadata
WORD = re.compile(r"[A-Za-z_]\w*")
NOISE = re.compile(r"\b(_Nonnull|_Nullable|_Nullable_result|_Null_unspecified|__strong|struct|enum)\b\s*")
GENERIC = re.compile(r"\b(ObjectType|KeyType|UnitType|ResultType)\b")
POINTER = re.compile(r"((?:[^<>()]|<[^<>()]*>)*\([\^*])(\).*)")  # to a function, or a block
ARRAY = re.compile(r"(.*?)\s*((?:\[\d*\])+)")
OPAQUE = re.compile(r"(?:const )?struct (\w+)(?: \*)?")
# The members in a struct's encoding; braces nest up to three deep.
MEMBER = re.compile(
    r"[rnNoORV^]*(?:b\d+|@\?|<\w+>|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\[[^\]]*\]|[^\^])"
)


class Unknown(Exception):
    """No declaration so far explains a type."""


class Speller:
    """Knows every type name declared so far."""

    def __init__(self, known: Collection[str]) -> None:
        self.known = {*GIVEN, *known}
        self.tags: dict[str, str] = {}  # struct tag -> type name
        self.pointers: dict[str, str] = {}  # encoding -> Core Foundation type

    def decode(self, code: str, name: str = "") -> str:
        """The declaration of `name` with the type of an encoding such as `^{_NSRange=QQ}`."""
        if spelled := ENCODED.get(code) or self.pointers.get(code):
            return f"{spelled} {name}".rstrip()
        if code[0] == "r":
            return "const " + self.decode(code[1:], name)
        if code[0] in "nNoORV":
            return self.decode(code[1:], name)
        if code[0] == "^":
            return self.decode(code[1:], "*" + name)
        if m := re.fullmatch(r"b(\d+)", code):
            return f"unsigned {name} : {m[1]}"
        if m := re.fullmatch(r"\[(\d+)(.*)\]", code):
            return self.decode(m[2], f"{name}[{m[1]}]")
        if m := re.match(r"\{(\w+)=", code):
            return f"{self.tags.get(m[1], m[1])} {name}".rstrip()
        raise Unknown(code)

    def declare(self, item: Item, name: str = "", generics: Collection[str] = ()) -> str:
        """The declaration of `name` with the type of a metadata item."""
        written = item.get("type_name")
        spelled = NOISE.sub("", written or self.decode(item.get("typestr", "v"))).strip()
        spelled = GENERIC.sub(lambda m: m[0] if m[0] in generics else "id", spelled).replace("_Bool", "bool")
        if unknown := set(WORD.findall(spelled)) - self.known - set(generics):
            raise Unknown(", ".join(sorted(unknown)))
        if not written:
            return self.decode(item.get("typestr", "v"), name)
        if m := POINTER.match(spelled):
            return m[1] + name + m[2]
        if m := ARRAY.fullmatch(spelled):
            return f"{m[1]} {name}{m[2]}"
        return f"{spelled} {name}".rstrip()

    def struct(self, name: str, item: Item) -> str:
        tag, body = item["typestr"][1:-1].split("=", 1)
        fields = [self.decode(code, field) for code, field in zip(MEMBER.findall(body), item["fieldnames"])]
        if unknown := {w for f in fields for w in WORD.findall(f)} - self.known - set(item["fieldnames"]):
            raise Unknown(", ".join(unknown))
        return f"typedef struct {tag} {{ {'; '.join(fields)}; }} {name};"

    def typedef(self, name: str, text: str) -> str:
        if (m := OPAQUE.fullmatch(text)) and m[1] not in self.tags:
            return f"typedef {text} {name};"
        if "(" in text and not re.search(r"\([\^*]\)", text):
            raise Unknown(text)
        return f"typedef {self.declare({'type_name': text}, name)};"
