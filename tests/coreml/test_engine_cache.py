"""The folder of compiled programs: what is found again, what goes, what is damaged, and several processes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from pathlib import Path

import pytest

import rustorch as rt
from rustorch.coreml.engine import ProgramCache
from rustorch.errors import ArgumentError, ModelCompilationFailed

KEYS = [f"{n:064x}" for n in range(8)]


def writer(data: bytes):  # type: ignore[no-untyped-def]
    def write(path: Path) -> None:
        (path / "part").mkdir(parents=True)
        (path / "part" / "data").write_bytes(data)

    return write


def read(path: Path) -> bytes:
    return (path / "part" / "data").read_bytes()


def never(path: Path) -> None:
    raise AssertionError("it was there")


def test_made_once(tmp_path: Path) -> None:
    cache = ProgramCache(tmp_path / "deep" / "folder")
    assert cache.load(KEYS[0], writer(b"one"), read) == b"one"
    assert cache.load(KEYS[0], never, read) == b"one"
    # Another opening of the folder, as another process makes it.
    assert ProgramCache(tmp_path / "deep" / "folder").load(KEYS[0], never, read) == b"one"
    assert (cache.stats.hits, cache.stats.misses, cache.stats.bytes_written) == (1, 1, 3)
    assert cache.bytes() == 3


def test_times_of_files_do_not_matter(tmp_path: Path) -> None:
    ProgramCache(tmp_path).load(KEYS[0], writer(b"one"), read)
    for path in tmp_path.rglob("*"):
        os.utime(path, (1, 1))
    assert ProgramCache(tmp_path).load(KEYS[0], never, read) == b"one"


def damage_bytes(entry: Path) -> None:
    (entry / "program.mlmodelc" / "part" / "data").write_bytes(b"eno")


def damage_length(entry: Path) -> None:
    (entry / "program.mlmodelc" / "part" / "data").write_bytes(b"on")


def damage_missing(entry: Path) -> None:
    (entry / "program.mlmodelc" / "part" / "data").unlink()


def damage_more(entry: Path) -> None:
    (entry / "program.mlmodelc" / "more").write_bytes(b"?")


def damage_record(entry: Path) -> None:
    (entry / "entry.json").write_bytes(b"\xff{")


def damage_no_record(entry: Path) -> None:
    (entry / "entry.json").unlink()


def damage_other_format(entry: Path) -> None:
    (entry / "entry.json").write_text('{"format": 0, "files": {}, "bytes": 0}')


def damage_all(entry: Path) -> None:
    shutil.rmtree(entry / "program.mlmodelc")


DAMAGES = [value for name, value in sorted(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES, ids=[d.__name__ for d in DAMAGES])
def test_damaged_entries_are_made_anew(damage, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ProgramCache(tmp_path).load(KEYS[0], writer(b"one"), read)
    damage(tmp_path / KEYS[0])
    cache = ProgramCache(tmp_path)
    assert cache.load(KEYS[0], writer(b"new"), read) == b"new"
    assert (cache.stats.damaged, cache.stats.misses) == (1, 1)
    assert cache.load(KEYS[0], never, read) == b"new"
    assert not list(tmp_path.glob("tmp-*"))


def test_what_cannot_be_loaded_is_made_anew_and_then_given_up(tmp_path: Path) -> None:
    cache = ProgramCache(tmp_path)
    made = []

    def refuse(path: Path) -> None:
        made.append(read(path))
        raise ModelCompilationFailed("no")

    with pytest.raises(ModelCompilationFailed):
        cache.load(KEYS[0], writer(b"one"), refuse)
    assert len(made) == 5


def test_a_failed_compilation_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        writer(b"half")(path)
        raise ModelCompilationFailed("no")

    with pytest.raises(ModelCompilationFailed):
        ProgramCache(tmp_path).load(KEYS[0], fail, read)
    assert list(tmp_path.iterdir()) == []


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    cache = ProgramCache(tmp_path, max_bytes=100)
    for n, key in enumerate(KEYS[:3]):
        cache.load(key, writer(b"x" * 30), read)
        os.utime(tmp_path / key / "used", (n, n))
    cache.load(KEYS[0], never, read)  # used just now
    cache.load(KEYS[3], writer(b"x" * 30), read)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == [KEYS[0], KEYS[2], KEYS[3]]
    assert cache.stats.evictions == 1 and cache.bytes() == 90


def test_one_larger_than_the_limit_serves_and_goes_next(tmp_path: Path) -> None:
    cache = ProgramCache(tmp_path, max_bytes=10)
    assert cache.load(KEYS[0], writer(b"x" * 30), read) == b"x" * 30
    cache.load(KEYS[1], writer(b"y"), read)
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == [KEYS[1]]


def test_abandoned_work_is_removed(tmp_path: Path) -> None:
    (tmp_path / "tmp-old").mkdir()
    os.utime(tmp_path / "tmp-old", (1, 1))
    (tmp_path / "tmp-new").mkdir()
    ProgramCache(tmp_path, max_bytes=10).load(KEYS[0], writer(b"x"), read)
    assert not (tmp_path / "tmp-old").exists() and (tmp_path / "tmp-new").exists()


def test_clear(tmp_path: Path) -> None:
    cache = ProgramCache(tmp_path)
    cache.load(KEYS[0], writer(b"one"), read)
    cache.clear()
    assert cache.bytes() == 0
    assert ProgramCache(tmp_path / "nothing").bytes() == 0


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_limits_are_checked(size) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match="max_bytes"):
        ProgramCache("folder", size)


def share(folder: str, worker: int, rounds: int, out) -> None:  # type: ignore[no-untyped-def]
    """Loads and evicts in a folder that others use; what it gets is always what it asked for."""
    cache = ProgramCache(folder, max_bytes=250)
    for n in range(rounds):
        key = KEYS[(n * 3 + worker) % len(KEYS)]
        data = key.encode()
        if cache.load(key, writer(data), read) != data:
            out.put(f"{worker}: another program")
            return
    out.put("")


def test_processes_share_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    workers = [context.Process(target=share, args=(str(tmp_path), w, 40, out)) for w in range(4)]
    for worker in workers:
        worker.start()
    said = [out.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(timeout=60)
    assert said == [""] * 4
    assert not list(tmp_path.glob("tmp-*"))


def test_an_entry_that_comes_and_goes_meanwhile(tmp_path: Path) -> None:
    """Another process's: there when ours is to take its place, and gone when it is read."""
    made = []

    def compile(path: Path) -> None:
        if not made:
            (tmp_path / KEYS[0]).mkdir()
            (tmp_path / KEYS[0] / "part").touch()
        made.append(path)
        writer(b"ours")(path)

    assert ProgramCache(tmp_path).load(KEYS[0], compile, read) == b"ours"
    assert len(made) == 2 and not list(tmp_path.glob("tmp-*"))


def compute(folder: str, out) -> None:  # type: ignore[no-untyped-def]
    config = rt.coreml.CoreMLBackendConfig(cache_folder=folder)
    with rt.coreml.use_reference(), rt.coreml.CoreMLBackend(config) as backend:
        x = rt.arange(6.0, device="coreml")
        out.put(([(x * n).cpu().tolist() for n in range(4)], backend.get_stats()["cache_misses"]))


def test_processes_share_programs(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    start = time.monotonic()
    for round in range(2):
        workers = [context.Process(target=compute, args=(str(tmp_path), out)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for _ in workers:
            found, misses = out.get(timeout=60)
            assert found == [[float(i * n) for i in range(6)] for n in range(4)]
            assert round == 0 or misses == 0
        for worker in workers:
            worker.join(timeout=60)
    assert time.monotonic() - start < 60
