"""Text stubs (.tbd): the names that a library of macOS has, which is all that a linker wants of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

# Of libobjc: what the compiler calls by itself.
RUNTIME = """objc_alloc objc_alloc_init objc_allocWithZone objc_autorelease objc_autoreleasePoolPop
objc_autoreleasePoolPush objc_autoreleaseReturnValue objc_begin_catch objc_copyWeak objc_destroyWeak
objc_end_catch objc_enumerationMutation objc_exception_rethrow objc_exception_throw objc_getProperty
objc_initWeak objc_loadWeak objc_loadWeakRetained objc_moveWeak objc_msgSend objc_msgSendSuper
objc_msgSendSuper2 objc_opt_class objc_opt_isKindOfClass objc_opt_new objc_opt_respondsToSelector
objc_opt_self objc_release objc_retain objc_retainAutorelease objc_retainAutoreleaseReturnValue
objc_retainAutoreleasedReturnValue objc_retainBlock objc_setProperty_atomic objc_setProperty_atomic_copy
objc_setProperty_nonatomic objc_setProperty_nonatomic_copy objc_storeStrong objc_storeWeak objc_sync_enter
objc_sync_exit objc_unsafeClaimAutoreleasedReturnValue __objc_personality_v0 _objc_empty_cache
objc_ehtype_vtable""".split()
# What no declaration shows: the class of @"...", the empty @{} and @[], and the type that @catch names.
EXTRA = {
    "CoreFoundation": ["__CFConstantStringClassReference", "__NSDictionary0__", "__NSArray0__"],
    "Foundation": ["OBJC_EHTYPE_$_NSException"],
}


def write(folder: Path, name: str, symbols: Sequence[str], classes: Sequence[str] = ()) -> None:
    library = name.startswith("lib")
    path = folder / (f"{name}.tbd" if library else f"{name}.framework/{name}.tbd")
    path.parent.mkdir(parents=True, exist_ok=True)
    version = "C" if name == "Foundation" else "A"
    framework = f"/System/Library/Frameworks/{name}.framework/Versions/{version}/{name}"
    names = ", ".join(repr("_" + s) for s in [*symbols, *EXTRA.get(name, ())])
    lines = [
        "--- !tapi-tbd",
        "tbd-version: 4",
        "targets: [ arm64-macos ]",
        f"install-name: '{f'/usr/lib/{name}.A.dylib' if library else framework}'",
        "exports:",
        "  - targets: [ arm64-macos ]",
        f"    symbols: [ {names} ]",
    ]
    if classes:
        lines.append(f"    objc-classes: [ {', '.join(map(repr, classes))} ]")
    path.write_text("\n".join([*lines, "...", ""]))


def declared(header: str) -> list[str]:
    """The functions and constants that a header written by hand declares."""
    return re.findall(r"^extern .*?(\w+)(?=\(|;)", header, re.M)
