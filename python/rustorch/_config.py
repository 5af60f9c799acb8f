"""What was built, and what it runs on."""

from __future__ import annotations

import sys
from typing import Any

from rustorch import _C
from rustorch._version import __version__

__all__ = ["config", "show_config"]


def config() -> dict[str, Any]:
    """The facts that `show_config` prints."""
    import platform

    build = _C._build_info()
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "compiler": build["compiler"].strip(),
        "build": build["build"],
        "matrix library": build["matrix_library"],
        "instruction set": build["simd"],
        "threads": _C.get_num_threads(),
        "devices": ", ".join(_C.available_devices()),
        "default dtype": str(_C.get_default_dtype()),
    }
    if _C._device_count("cuda"):
        from rustorch._libraries import libraries

        facts["cuda libraries"] = "; ".join(str(library) for library in libraries().values())
    return facts


def show_config() -> None:
    """Prints the version, the build, the instruction set, the threads and the devices.

    >>> import rustorch as rt
    >>> rt.show_config()  # doctest: +ELLIPSIS
    version:         ...
    """
    for key, value in config().items():
        print(f"{key + ':':<17}{value}")
