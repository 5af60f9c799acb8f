"""load_state_dict(strict=False) says what it did not find."""

from __future__ import annotations

import pytest

import rustorch as rt
from rustorch import nn


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))


def test_nothing_given() -> None:
    found = net().load_state_dict({}, strict=False)
    assert found.missing_keys == list(net().state_dict())
    assert found.unexpected_keys == []
    assert repr(found).startswith("_IncompatibleKeys(missing_keys=['0.weight', '0.bias', ")


def test_keys_of_either_side_are_listed_and_the_others_loaded() -> None:
    state = net().state_dict()
    del state["0.bias"]
    state["0.weight"] = rt.full((3, 2), 7.0)
    state["0.scale"] = state["2.weight"] = rt.ones(1)
    m = net()
    found = m.load_state_dict(state, strict=False)
    assert found.missing_keys == ["0.bias"]
    assert sorted(found.unexpected_keys) == ["0.scale", "2.weight"]
    assert (m[0].weight == 7).all()
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: \"0.bias\""):
        m.load_state_dict(state)


def test_wrong_shapes_are_errors_all_the_same() -> None:
    with pytest.raises(RuntimeError, match=r"size mismatch for 0\.weight"):
        net().load_state_dict({"0.weight": rt.ones(1)}, strict=False)
