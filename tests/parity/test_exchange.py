"""Memory and files go to PyTorch and back."""

from __future__ import annotations

from pathlib import Path

import pytest

import rustorch as rt

torch = pytest.importorskip("torch")

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
          "complex64", "complex128"]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_both_ways(dtype: str) -> None:
    theirs = torch.arange(12).reshape(3, 4).to(getattr(torch, dtype)).T
    ours = rt.from_dlpack(theirs)
    assert str(ours.dtype) == f"rustorch.{dtype}" and rt._C._data_pointer(ours) == theirs.data_ptr()
    back = torch.from_dlpack(ours)
    assert back.data_ptr() == theirs.data_ptr() and back.stride() == theirs.stride()
    assert torch.equal(back, theirs)
    del theirs
    back.zero_()
    assert not bool(ours.any())


@pytest.mark.parametrize("dtype", DTYPES[:-1])
def test_state_dicts_of_torch(dtype: str, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    state = {"layer.weight": torch.arange(6).reshape(2, 3).to(getattr(torch, dtype)), "n": torch.tensor(3)}
    safetensors.save_file(state, tmp_path / "x", metadata={"format": "pt"})
    for mmap in (False, True):
        found = rt.load(tmp_path / "x", mmap=mmap)
        assert list(found) == list(state) or set(found) == set(state)
        for name, value in state.items():
            assert torch.equal(torch.from_dlpack(found[name].clone()), value)
    rt.save(found, tmp_path / "y")
    again = safetensors.load_file(tmp_path / "y")
    assert all(torch.equal(again[name], value) for name, value in state.items())


def test_a_file_of_torch_save_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "x")
    with pytest.raises(ValueError, match="pickle"):
        rt.load(tmp_path / "x")
