"""Saving and loading: keys, versions, strictness, assignment, hooks, extra state."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def test_keys_metadata_and_sharing() -> None:
    m = net()
    state = m.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ]
    assert state._metadata == {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 2}}
    assert not state["0.weight"].requires_grad
    assert state["0.weight"].data_ptr() == m[0].weight.data_ptr()
    assert m.state_dict(keep_vars=True)["0.weight"] is m[0].weight
    assert next(iter(m.state_dict(prefix="net."))) == "net.0.weight"
    mine: dict[str, Any] = {}
    assert m.state_dict(destination=mine) is mine and len(mine) == 7
    assert next(iter(m.state_dict(OrderedDict(), "p.", True))) == "p.0.weight"


def test_load_copies_into_the_same_parameters() -> None:
    a, b = net(), net()
    before = [id(p) for p in b.parameters()]
    result = b.load_state_dict(a.state_dict())
    assert str(result) == "<All keys matched successfully>"
    assert result.missing_keys == [] and result.unexpected_keys == []
    assert [id(p) for p in b.parameters()] == before
    assert all((x == y).all() for x, y in zip(a.state_dict().values(), b.state_dict().values()))


def test_strict_and_not() -> None:
    m = net()
    state = m.state_dict()
    del state["0.bias"]
    state["1.extra"] = state["other.weight"] = rt.zeros(1)
    with pytest.raises(RuntimeError) as info:
        m.load_state_dict(state)
    assert str(info.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "0.bias". \n'
        '\tUnexpected key(s) in state_dict: "other.weight", "1.extra". '
    )
    result = m.load_state_dict(state, strict=False)
    assert result.missing_keys == ["0.bias"]
    assert sorted(result.unexpected_keys) == ["1.extra", "other.weight"]
    assert "IncompatibleKeys" in repr(type(result)("a", "b"))


def test_every_mismatch_is_told() -> None:
    m = net()
    state = m.state_dict()
    state["0.weight"] = rt.zeros(3, 3)
    state["0.bias"] = 4
    with pytest.raises(RuntimeError) as info:
        m.load_state_dict(state, strict=False)
    assert "size mismatch for 0.weight: copying a param with shape" in str(info.value)
    assert 'While copying the parameter named "0.bias", expected' in str(info.value)


def test_exception_while_copying_is_told() -> None:
    class Strange(nn.Linear):
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "weight" and "weight" in self.__dict__.get("_parameters", {}):
                raise ValueError("no")
            super().__setattr__(name, value)

    m = Strange(1, 1)
    with pytest.raises(RuntimeError, match=r"an exception occurred : \('no',\)"):
        m.load_state_dict(nn.Linear(1, 1).state_dict(), assign=True)


def test_zero_dim_from_one_element() -> None:
    m = nn.Module()
    m.scale = nn.Parameter(rt.tensor(1.0))
    m.load_state_dict({"scale": rt.tensor([3.0])})
    assert m.scale.item() == 3.0


def test_assign_takes_the_tensors() -> None:
    m = net()
    state = {k: v.double() if v.is_floating_point() else v.clone() for k, v in m.state_dict().items()}
    m[0].weight.requires_grad_(False)
    m.load_state_dict(state, assign=True)
    assert m[0].weight.dtype == rt.float64
    assert isinstance(m[0].weight, nn.Parameter) and not m[0].weight.requires_grad
    assert m[0].weight.data_ptr() == state["0.weight"].data_ptr()
    assert m[1].running_mean is state["1.running_mean"]
    own = nn.Parameter(rt.ones(2, 2))
    m.load_state_dict({**state, "0.weight": own}, assign=True)
    assert m[0].weight is own and not own.requires_grad


def test_batch_norm_state_older_than_its_counter() -> None:
    bn = nn.BatchNorm1d(2)
    bn(rt.ones(3, 2))
    old = {k: v for k, v in bn.state_dict().items() if k != "num_batches_tracked"}
    assert bn.load_state_dict(old).missing_keys == []
    assert bn.num_batches_tracked.item() == 1


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def get_extra_state(self) -> Any:
        return {"count": self.count}

    def set_extra_state(self, state: Any) -> None:
        self.count = state["count"]


def test_extra_state() -> None:
    a, b = nn.Sequential(Counting()), nn.Sequential(Counting())
    a[0].count = 5
    state = a.state_dict()
    assert state == {"0._extra_state": {"count": 5}}
    b.load_state_dict(state)
    assert b[0].count == 5
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0._extra_state"'):
        b.load_state_dict({})
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "_extra_state"'):
        nn.ReLU().load_state_dict({"_extra_state": 1})
    for method in (nn.Module().get_extra_state, lambda: nn.Module().set_extra_state(1)):
        with pytest.raises(RuntimeError, match="never be called"):
            method()


def test_save_hooks() -> None:
    m = net()
    calls: list[Any] = []
    m[0].register_state_dict_pre_hook(lambda mod, prefix, keep: calls.append((mod is m[0], prefix, keep)))

    def post(mod: Any, state: Any, prefix: str, metadata: Any) -> None:
        state[prefix + "note"] = metadata["version"]

    handle = m[1].register_state_dict_post_hook(post)
    state = m.state_dict()
    assert calls == [(True, "0.", False)] and state["1.note"] == 2
    handle.remove()
    assert "1.note" not in m.state_dict()
    with pytest.raises(RuntimeError, match="same function"):
        m._register_state_dict_hook(post)
    m.register_state_dict_post_hook(lambda *args: {})  # type: ignore[arg-type, return-value]
    with pytest.raises(RuntimeError, match="must return None"):
        m.state_dict()
    other = net()
    other._register_state_dict_hook(lambda mod, state, prefix, metadata: {"all": 1})
    assert other.state_dict() == {"all": 1}


def test_load_hooks() -> None:
    m = net()
    seen: list[Any] = []

    def rename(mod: Any, state: Any, prefix: str, *rest: Any) -> None:
        seen.append(mod)
        if prefix + "w" in state:
            state[prefix + "weight"] = state.pop(prefix + "w")

    m[0].register_load_state_dict_pre_hook(rename)
    m.register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear())
    state = m.state_dict()
    state["0.w"] = state.pop("0.weight")
    del state["1.bias"]
    assert m.load_state_dict(state).missing_keys == []
    assert seen == [m[0]]
    # A copy's hook is about the copy.
    other = copy.deepcopy(m)
    other.load_state_dict(other.state_dict())
    assert seen[-1] is other[0]
    m.register_load_state_dict_post_hook(lambda mod, keys: 1)  # type: ignore[arg-type, return-value]
    with pytest.raises(AssertionError, match="not expected to return"):
        m.load_state_dict(m.state_dict())
