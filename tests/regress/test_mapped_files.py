"""Tensors and storages over files."""

from __future__ import annotations

from pathlib import Path

import pytest

import rustorch as rt


def test_shared_files_are_seen_by_all(tmp_path: Path) -> None:
    path = tmp_path / "中文"
    one = rt.from_file(str(path), True, 1000)
    two = rt.from_file(path, shared=True, size=1000)
    one.fill_(0.5)
    assert (two == 0.5).all()
    two[3] = 4
    assert one[3] == 4
    assert path.stat().st_size == 4000
    assert rt.from_file(path, size=4, dtype=rt.float32, requires_grad=True).requires_grad


def test_what_is_not_shared_stays_here(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(8)))
    own = rt.from_file(path, size=3, dtype=rt.uint8)
    own[0] = 9
    assert own.tolist() == [9, 1, 2]
    assert path.read_bytes() == bytes(range(8))
    assert rt.from_file(path).shape == (0,)


def test_files_that_cannot_be_mapped(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        rt.from_file(tmp_path / "none", size=1)
    path = tmp_path / "short"
    path.write_bytes(b"abc")
    with pytest.raises(RuntimeError, match="the file has 3 bytes"):
        rt.from_file(path, size=1)
    with pytest.raises(RuntimeError, match="negative"):
        rt.from_file(path, size=-1)


def test_storages_of_files(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    typed = rt.FloatStorage.from_file(str(path), True, 10)
    x = rt.FloatTensor(typed).fill_(2)
    assert x.data_ptr() == typed.data_ptr()
    assert rt.FloatStorage.from_file(path, True, 10).tolist() == [2] * 10
    assert rt.UntypedStorage.from_file(path, False, 4).tolist() == [0, 0, 0, 64]
    with pytest.raises(TypeError, match="no dtype"):
        rt.TypedStorage.from_file(path, False, 4)
