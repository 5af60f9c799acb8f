"""Files of a package, and of nothing else.

A package is a directory from elsewhere, so names in it are not to be trusted: a path goes down from the
package's directory one part at a time, by descriptors, and never through a symbolic link. What is checked is
thereby what is opened, whatever happens to the directory meanwhile. Nothing is written.
"""

from __future__ import annotations

import json
import os
import stat
import weakref
from typing import Any

from rustorch.errors import FormatError, OpError

__all__ = ["COMPILED_METADATA", "MANIFEST", "PackageFiles", "parse_json", "read_file", "root_model"]

MANIFEST = "Manifest.json"
COMPILED_METADATA = "metadata.json"
MAX_JSON = 16 << 20
# What protobuf's own readers take; only the older kinds of models have their weights in there.
MAX_SPEC = (1 << 31) - 1


def _fail(what: str, got: str = "", hint: str = "") -> FormatError:
    return FormatError.of("coreml", what, got, hint)


class PackageFiles:
    """The regular files below a directory.

    Args:
        path: of the directory.

    Raises:
        OSError: where it cannot be opened.
        RuntimeError: on systems that cannot open files relative to a directory.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if os.open not in os.supports_dir_fd:
            raise OpError.of("coreml", "this system cannot open files relative to a directory", os.name)
        self.path = os.fspath(path)
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._close = weakref.finalize(self, os.close, self._descriptor)

    def open(self, path: str) -> int:
        """A descriptor of a regular file, by its path in the package. Raises ValueError (`FormatError`)."""
        parts = path.split("/")
        if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
            raise _fail("this path leads out of the package, or nowhere", repr(path)[:200])
        directory = self._descriptor
        try:
            for part in parts[:-1]:
                inner = self._step(path, part, directory, os.O_DIRECTORY)
                if directory != self._descriptor:
                    os.close(directory)
                directory = inner
            file = self._step(path, parts[-1], directory, os.O_NONBLOCK)
        finally:
            if directory != self._descriptor:
                os.close(directory)
        return _regular(file, path)

    @staticmethod
    def _step(path: str, part: str, directory: int, flags: int) -> int:
        try:
            return os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=directory)
        except OSError as error:
            try:
                mode = os.stat(part, dir_fd=directory, follow_symlinks=False).st_mode
            except (OSError, ValueError):
                mode = 0
            if stat.S_ISLNK(mode):
                raise _fail(
                    f"{path!r} goes through a symbolic link, which a package may not have", repr(part)
                ) from None
            raise _fail(f"the package has no file {path!r}", error.strerror or str(error)) from None
        except ValueError as error:
            raise _fail("this path leads nowhere", f"{path[:200]!r} ({error})") from None

    def read(self, path: str, limit: int) -> bytes:
        """All bytes of a file of at most `limit` bytes."""
        return _read_all(self.open(path), path, limit)

    def has(self, path: str) -> bool:
        """Whether a regular file lies at this path."""
        try:
            os.close(self.open(path))
        except FormatError:
            return False
        return True

    def close(self) -> None:
        """Closes the directory; files that were opened stay open."""
        self._close()


def _regular(descriptor: int, path: str) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _fail(f"{path!r} is no regular file")
    return descriptor


def _read_all(descriptor: int, path: str, limit: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise _fail(f"{path!r} is larger than any such file has a reason to be", f"{size} bytes")
        return file.read(size)


def read_file(path: str | os.PathLike[str], limit: int) -> bytes:
    """All bytes of a single regular file, of at most `limit` bytes. Raises OSError and ValueError."""
    name = os.fspath(path)
    return _read_all(_regular(os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), name), name, limit)


def parse_json(data: bytes, name: str) -> Any:
    """JSON of which every key occurs once. Raises ValueError (`FormatError`)."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key occurs twice")
        return found

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _fail(f"{name} is no valid JSON", str(error)[:200]) from None


def root_model(files: PackageFiles) -> str:
    """The path of the model's specification, which the manifest names."""
    manifest = parse_json(files.read(MANIFEST, MAX_JSON), MANIFEST)
    if not isinstance(manifest, dict):
        raise _fail(f"{MANIFEST} is no JSON object", type(manifest).__name__)
    version = manifest.get("fileFormatVersion")
    if not isinstance(version, str) or version.split(".")[0] != "1":
        raise _fail(f"{MANIFEST} must be of version 1", repr(version)[:100])
    entries, root = manifest.get("itemInfoEntries"), manifest.get("rootModelIdentifier")
    if not isinstance(entries, dict) or not isinstance(root, str):
        raise _fail(f"{MANIFEST} must have itemInfoEntries and a rootModelIdentifier")
    entry = entries.get(root)
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise _fail(f"{MANIFEST} has no path for the root model", repr(root)[:100])
    return f"Data/{entry['path']}"
