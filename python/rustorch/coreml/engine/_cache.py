"""Compiled programs on disk, by what they compute: shared by processes, limited in size."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from rustorch.errors import ArgumentError, CoreMLError

__all__ = ["CacheStats", "ProgramCache"]

T = TypeVar("T")
_ENTRY, _PROGRAM, _USED, _TEMPORARY = "entry.json", "program.mlmodelc", "used", "tmp-"
_FORMAT = 1
# What a process left behind that did not live to the end of its work.
_ABANDONED_SECONDS = 24 * 3600.0
# How full the folder is left once it was too full.
_KEPT = 0.9
_ATTEMPTS = 5


@dataclass(frozen=True)
class CacheStats:
    """What a cache did since it was opened, in this process.

    Attributes:
        hits, misses: programs that were there, and that had to be compiled.
        damaged: entries that were not what had been written, and were made anew.
        evictions: entries that went to make room.
        compile_seconds: spent in compiling what was missing.
        bytes_written: of new entries.
    """

    hits: int = 0
    misses: int = 0
    damaged: int = 0
    evictions: int = 0
    compile_seconds: float = 0.0
    bytes_written: int = 0


class ProgramCache:
    """A folder of compiled programs.

    An entry is a folder named by its key, which says all that the program depends on. It is written under
    another name and renamed once it is complete, so that processes that share the folder see an entry whole
    or not at all; who comes second with the same entry uses the first. Every file is checked against its
    digest before it is used: what is damaged is made anew. When the entries exceed the limit, those used
    longest ago go.

    Args:
        folder: made when it is needed.
        max_bytes: that the entries may take together.

    Raises:
        ValueError: for a limit that is no positive number.

    >>> import tempfile
    >>> from rustorch.coreml.engine import ProgramCache
    >>> cache = ProgramCache(tempfile.mkdtemp(), max_bytes=1 << 20)
    >>> def compiled(path):
    ...     _ = path.write_bytes(b"program")
    >>> [cache.load("0" * 64, compiled, lambda path: path.read_bytes()) for _ in range(2)]
    [b'program', b'program']
    >>> cache.stats.hits, cache.stats.misses
    (1, 1)
    """

    def __init__(self, folder: str | os.PathLike[str], max_bytes: int = 1 << 30) -> None:
        if not isinstance(max_bytes, int) or isinstance(max_bytes, bool) or max_bytes <= 0:
            raise ArgumentError.of("ProgramCache", "max_bytes is a number of bytes", repr(max_bytes))
        self.folder = Path(folder)
        self.max_bytes = max_bytes
        self.stats = CacheStats()
        self._lock = threading.Lock()
        self._known: int | None = None  # bytes in the folder, as far as this process knows

    # ---- Programs ----

    def load(self, key: str, compile: Callable[[Path], None], load: Callable[[Path], T]) -> T:
        """What `load` makes of the entry's program, which `compile` writes to a path if there is none.

        Raises:
            OSError: where the folder cannot be written to.
        """
        for attempt in range(_ATTEMPTS):
            entry = self.folder / key
            if self._usable(entry):
                self._count(hits=1)
            else:
                self._make(entry, compile)
            try:
                return load(entry / _PROGRAM)
            except (OSError, ValueError, CoreMLError):
                # Gone meanwhile, for want of room, or not what can be loaded: once more from the beginning.
                if attempt == _ATTEMPTS - 1:
                    raise
                self._drop(entry)
                self._count(damaged=1)
        raise AssertionError("the last attempt raises")

    def _usable(self, entry: Path) -> bool:
        try:
            text = (entry / _ENTRY).read_bytes()
        except OSError:
            if entry.exists():
                self._drop(entry)
                self._count(damaged=1)
            return False
        try:
            stored = json.loads(text)
            whole = stored["format"] == _FORMAT and stored["files"] == _digests(entry / _PROGRAM)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            whole = False
        if not whole:
            self._drop(entry)
            self._count(damaged=1)
            return False
        with contextlib.suppress(OSError):  # another process may have dropped it
            os.utime(entry / _USED)
        return True

    def _make(self, entry: Path, compile: Callable[[Path], None]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=self.folder, prefix=_TEMPORARY))
        try:
            start = time.perf_counter()
            compile(temporary / _PROGRAM)
            seconds = time.perf_counter() - start
            files = _digests(temporary / _PROGRAM)
            size = sum(length for length, _ in files.values())
            stored = {"format": _FORMAT, "bytes": size, "files": files}
            (temporary / _USED).touch()
            (temporary / _ENTRY).write_text(json.dumps(stored), encoding="utf-8")
            self._count(misses=1, compile_seconds=seconds)
            try:
                temporary.rename(entry)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                return  # another process was first; if its entry is gone by now, load() begins again
            self._count(bytes_written=size)
            self._make_room(entry, size)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _drop(self, entry: Path) -> None:
        """Removes an entry: out of the way first, so that nobody sees a part of it."""
        with contextlib.suppress(OSError):
            aside = Path(tempfile.mkdtemp(dir=self.folder, prefix=_TEMPORARY))
            with contextlib.suppress(OSError):
                entry.rename(aside / entry.name)
            shutil.rmtree(aside, ignore_errors=True)

    # ---- Room ----

    def _make_room(self, newest: Path, size: int) -> None:
        with self._lock:
            if self._known is not None:
                self._known += size
                if self._known <= self.max_bytes:
                    return
        with self._alone() as alone:
            if not alone:
                return  # another process is at it
            entries = sorted(self._entries())
            total = sum(length for _, length, _ in entries)
            least = self.max_bytes if total <= self.max_bytes else int(self.max_bytes * _KEPT)
            for _, length, entry in entries:
                if total <= least:
                    break
                if entry != newest:
                    self._drop(entry)
                    self._count(evictions=1)
                    total -= length
            with self._lock:
                self._known = total

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """When an entry was used last, its bytes, its place; abandoned work is removed on the way."""
        for path in self.folder.iterdir():
            try:
                if path.name.startswith(_TEMPORARY):
                    if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                        shutil.rmtree(path, ignore_errors=True)
                elif path.is_dir():
                    stored = json.loads((path / _ENTRY).read_bytes())
                    yield (path / _USED).stat().st_mtime, int(stored["bytes"]), path
            except FileNotFoundError:
                continue  # gone meanwhile
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                self._drop(path)
                self._count(damaged=1)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        with open(self.folder / "lock", "a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True  # closing gives the lock back

    def bytes(self) -> int:
        """That all entries take, as their writers counted them."""
        return sum(size for _, size, _ in self._entries()) if self.folder.is_dir() else 0

    def clear(self) -> None:
        """Removes every entry."""
        for _, _, entry in list(self._entries()) if self.folder.is_dir() else []:
            self._drop(entry)
        with self._lock:
            self._known = None

    def _count(self, **by: float) -> None:
        with self._lock:
            self.stats = replace(self.stats, **{k: getattr(self.stats, k) + v for k, v in by.items()})

    def reset_stats(self) -> None:
        """Counts from 0 again."""
        with self._lock:
            self.stats = CacheStats()


def _digests(program: Path) -> dict[str, list[Any]]:
    """Length and digest of every file of a program, which is a file or a folder."""
    files = [program] if program.is_file() else sorted(p for p in program.rglob("*") if not p.is_dir())
    found: dict[str, list[Any]] = {}
    for path in files:
        digest, length = hashlib.blake2b(digest_size=20), 0
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                length += len(block)
        found[path.relative_to(program).as_posix()] = [length, digest.hexdigest()]
    return found
