"""Headers of Apple's frameworks for type checking, generated from PyObjC's metadata.

In: `metadata/raw*/arm64-*.fwinfo`, the JSON in each of PyObjC's source archives about its framework.
Out: `<Framework>/<Framework>.h` with its enums, structs, typedefs, protocols, classes, constants and
functions, each with its availability on macOS, and a header of one line per header of Apple's, so that
`#import <Metal/MTLDevice.h>` works too. They are Objective-C++ only, and meant for `-isystem`.

Known limits, all because the metadata does not say it:
- no nullability, NS_DESIGNATED_INITIALIZER, NS_UNAVAILABLE or warn_unused_result;
- a C function that returns an object returns `id`, save those in facts.RETURNS;
- a class is available since its oldest member; an enum constant always is;
- unions are missing, and structs that hold function pointers are opaque;
- a declaration that mentions a type unknown here (another framework's) is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from facts import BODIES, COVARIANT, ENCODED, OPTIONS, RETURNS
from spelling import WORD, Item, Speller, Unknown


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def number(value: int) -> str:
    return f"{value}{'ull' if value >= 1 << 63 else ''}"


def attributes(item: Item) -> str:
    """Availability, and the argument that is a format, as attributes of a declaration."""
    first, last, text = item.get("introduced"), item.get("deprecated"), ""
    for i, a in enumerate(item.get("args", ())):
        if item.get("variadic") and a["name"] == "format" and a["type_name"] == "NSString *":
            text = f" NS_FORMAT_FUNCTION({i + 1}, {len(item['args']) + 1})"
    if last and version(last) < (1000,):
        message = re.sub(r'["\\]', "'", item.get("deprecated_message") or "deprecated")
        return f'{text} API_DEPRECATED("{message}", macos({first or "10.0"}, {last}))'
    return f"{text} API_AVAILABLE(macos({first}))" if first else text


def owner_attributes(owner: Item) -> str:
    """A class or protocol is available since its oldest member, and deprecated when every member is."""
    items = owner["methods"]
    if not items or not all(m.get("introduced") for m in items):
        return ""
    span = {"introduced": min((m["introduced"] for m in items), key=version)}
    if all(m.get("deprecated") for m in items):
        span["deprecated"] = max((m["deprecated"] for m in items), key=version)
    return attributes(span)


class Generator:
    """Writes one framework after another."""

    def __init__(self, include: Path, written: list[Path]) -> None:
        """`written`: headers made by hand, whose type names count as known."""
        self.include = include
        self.types = Speller({n for p in written for n in re.findall(r"(\w+)\s*;", p.read_text())})
        self.dropped: list[str] = []  # what could not be declared, and why

    def property(self, p: Item, method: Item, traits: list[str], generics: Collection[str]) -> str:
        declared = self.types.declare(p, p["name"], generics)
        return f"@property ({', '.join(traits)}) {declared}{attributes({**method, **p})};"

    def method(self, m: Item, generics: Collection[str]) -> str:
        arguments = zip(m["selector"].split(":"), m["args"])
        text = " ".join(
            f"{part}:({self.types.declare(a, '', generics)})a{i}" for i, (part, a) in enumerate(arguments)
        )
        instance = m["retval"].get("instancetype")
        result = "instancetype" if instance else self.types.declare(m["retval"], "", generics)
        more = ", ..." if m.get("variadic") else ""
        return f"{'-+'[m['class_method']]} ({result}){text or m['selector']}{more}{attributes(m)};"

    def members(self, owner: Item, generics: Collection[str] = ()) -> list[str]:
        accessor = {(m["class_method"], m["selector"]): m for m in owner["methods"]}
        seen: set[tuple[bool, str]] = set()
        lines: dict[bool, list[str]] = {True: [], False: []}  # by whether they are required
        for p in sorted(owner.get("properties", ()), key=lambda p: "readonly" in p["attributes"]):
            traits = ["=".join(a) if isinstance(a, list) else a for a in p["attributes"]]
            getter = next((a[7:] for a in traits if a.startswith("getter=")), p["name"])
            key = ("class" in traits, getter)
            if key in seen:
                continue
            seen |= {key, (key[0], f"set{p['name'][0].upper()}{p['name'][1:]}:")}
            method = accessor.get(key, {})
            try:
                lines[method.get("required", True)].append(self.property(p, method, traits, generics))
            except Unknown as error:
                self.dropped.append(f"property {p['name']}: {error}")
        for m in owner["methods"]:
            if (m["class_method"], m["selector"]) in seen or m.get("visibility") != "public":
                continue
            try:
                lines[m.get("required", True)].append(self.method(m, generics))
            except Unknown as error:
                self.dropped.append(f"{m['selector']}: {error}")
        return lines[True] + ["@optional"] * bool(lines[False]) + lines[False]

    def enums(self, d: Item) -> Iterator[str]:
        groups: dict[str | None, list[tuple[str, int]]] = {}
        for name, e in d["enum"].items():
            groups.setdefault(e.get("enum"), []).append((name, e["value"]))
        for name, e in d["enum_type"].items():
            base = ENCODED[e["type"]]
            body = ", ".join(f"{n} = ({base}){number(v)}" for n, v in groups.pop(name, ()))
            if OPTIONS.fullmatch(name):
                yield f"typedef {base} {name}; enum : {base} {{ {body} }};"
            else:
                yield f"enum {name} : {base} {{ {body} }};"
            self.types.known.add(name)
        for group in groups.values():
            yield from (f"enum {{ {n} = {number(v)} }};" for n, v in group if n not in ("TRUE", "FALSE"))
        for name, value in {**d["aliases"], **d["literals"]}.items():
            if name not in d["typedefs"] and (not isinstance(value, str) or WORD.fullmatch(value)):
                yield f"#define {name} {value}"

    def typedefs(self, d: Item) -> Iterator[str]:
        types = self.types
        structs = {n: s for n, s in d["structs"].items() if s["fieldnames"] and n not in types.known}
        types.tags.update({s["typestr"][1:].split("=")[0]: n for n, s in structs.items()})
        types.pointers.update({c["typestr"]: n for n, c in d["cftypes"].items() if "Mutable" not in n})
        others = {n: t for n, t in d["typedefs"].items() if n not in types.known and n not in d["enum_type"]}
        pending = others | structs
        before = -1
        while len(pending) != before:  # until a pass explains nothing more
            before = len(pending)
            for name, item in list(pending.items()):
                try:
                    yield types.struct(name, item) if isinstance(item, dict) else types.typedef(name, item)
                    types.known.add(name)
                    del pending[name]
                except Unknown:
                    pass
        self.dropped += pending

    def function(self, framework: str, name: str, f: Item) -> str:
        types, code = self.types, f["retval"]["typestr"]
        result = next((t for pattern, t in RETURNS.items() if re.fullmatch(pattern, name)), None)
        if code in types.pointers and "Mutable" in name:
            result = types.pointers[code].replace("CF", "CFMutable", 1)
        if not result:
            foundation = framework == "CoreFoundation" and code == "@"
            result = "CFTypeRef" if foundation else types.declare(f["retval"])
        args = [a for a in f["args"] if a.get("type_name") or a.get("typestr") != "v"]
        declared = [types.declare(a, f"a{i}") for i, a in enumerate(args)] + ["..."] * f.get(
            "variadic", False
        )
        text = ", ".join(declared)
        if not f.get("inline"):
            owned = (
                f["retval"].get("already_cfretained", False) and code == "@" and framework != "CoreFoundation"
            )
            return f"extern {result} {name}({text}){' NS_RETURNS_RETAINED' * owned}{attributes(f)};"
        scalars = re.sub(r"\[(\d+)(\w)\]", lambda m: m[2] * int(m[1]), re.sub(r"\{\w+=|\}", "", code))
        body = BODIES.get(name)
        if code[0] == "{" and [a["typestr"] for a in args] == list(scalars):
            body = "{" + ", ".join(f"({ENCODED[s]})a{i}" for i, s in enumerate(scalars)) + "}"
        if body:
            return f"static inline {result} {name}({text}) {{ return {body}; }}"
        return f'extern {result} {name}({text}) __asm("inline only: {name}");'  # must not link

    def interfaces(self, own: dict[str, Item], protocols: dict[str, Item]) -> Iterator[str]:
        """Protocols and classes, each after those it builds on."""
        generic = {n: c["template_parameters"] for n, c in own.items() if c.get("template_parameters")}
        done = set()

        def emit(name: str | None) -> Iterator[str]:
            if name is None or name in done or (name not in own and name not in protocols):
                return
            done.add(name)
            item, parameters = own.get(name) or protocols[name], generic.get(name, ())
            wanted = item.get("implements") or item.get("protocols") or ()
            adopted = [p for p in wanted if p in self.types.known]
            for other in [item.get("super"), *adopted]:
                yield from emit(other)
            parent = item.get("super") or ""
            if parameters and generic.get(parent) == parameters:
                parent += f"<{', '.join(parameters)}>"
            shown = ", ".join("__covariant " * (name in COVARIANT) + p for p in parameters)
            kind = (
                "@protocol" if name in protocols else "@interface" if parent else "OBJC_ROOT_CLASS @interface"
            )
            yield (
                f"{owner_attributes(item)} {kind} {name}{shown and f'<{shown}>'}{parent and f' : {parent}'}"
                + (f" <{', '.join(adopted)}>" if adopted else "")
            )
            yield from [*self.members(item, parameters), "@end"]

        for name in [*sorted(protocols), *sorted(own)]:
            yield from emit(name)

    def forward(self, own: dict[str, Item], protocols: dict[str, Item]) -> Iterator[str]:
        for name in sorted(own):
            parameters = own[name].get("template_parameters")
            yield f"@class {name}{'<' + ', '.join(parameters) + '>' if parameters else ''};"
        yield from (f"@protocol {name};" for name in sorted(protocols))

    def functions(self, framework: str, d: Item) -> tuple[list[str], list[str]]:
        """Declarations of constants and functions, and the names that a library holds."""
        lines, symbols = [], []
        for name, item in {**d["externs"], **d["functions"]}.items():
            try:
                if "args" in item:
                    lines.append(self.function(framework, name, item))
                else:
                    lines.append(f"extern {self.types.declare(item, name)}{attributes(item)};")
                symbols += [name] * ("inline" not in lines[-1])
            except Unknown as error:
                self.dropped.append(f"{name}: {error}")
        return lines, symbols

    def write(self, framework: str, text: str, imports: list[str]) -> tuple[list[str], list[str]]:
        """Writes the headers of a framework; returns its functions and constants, and its classes."""
        info = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))
        d = info["definitions"]
        known, protocols = self.types.known, d["formal_protocols"]
        own = {
            n: c for n, c in d["classes"].items() if n != "NSObject" and (c.get("super") or n not in known)
        }
        known |= set(own) | set(protocols)
        out = ["#pragma once", *(f"#import <{i}>" for i in imports), *self.forward(own, protocols)]
        out += [*self.enums(d), *self.typedefs(d), *self.interfaces(own, protocols)]
        for name in sorted(d["classes"].keys() - own.keys()):  # additions to another's class
            out += [f"@interface {name} ({framework})", *self.members(d["classes"][name]), "@end"]
        lines, symbols = self.functions(framework, d)
        out += ['extern "C" {', "#pragma clang arc_cf_code_audited begin", *lines]
        out += ["#pragma clang arc_cf_code_audited end", "}"]
        folder = self.include / framework
        folder.mkdir(parents=True, exist_ok=True)
        for header in info["headers"]:
            (folder / Path(header).name).write_text(f"#import <{framework}/{framework}.h>\n")
        (folder / f"{framework}.h").write_text("\n".join(out) + "\n")
        return symbols, sorted(own)
