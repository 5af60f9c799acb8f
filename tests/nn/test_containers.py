"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict as Python containers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn


def kinds(modules: Any) -> str:
    return "".join(type(m).__name__[0] for m in modules)


def keys(module: nn.Module) -> list[str]:
    return list(module._modules)


def test_sequential_protocol() -> None:
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ELU())
    assert len(s) == 3 and kinds(s) == "RTE"
    assert isinstance(s[-1], nn.ELU) and kinds(s[1:]) == "TE" and keys(s[1:]) == ["1", "2"]
    s[1] = nn.Sigmoid()
    assert kinds(s) == "RSE"
    del s[0]
    assert kinds(s) == "SE" and keys(s) == ["0", "1"]
    assert s.append(nn.GELU()) is s
    s.insert(0, nn.Mish())
    s.insert(-1, nn.CELU())
    assert kinds(s) == "MSECG" and keys(s) == ["0", "1", "2", "3", "4"]
    assert kinds(s + nn.Sequential(nn.ReLU())) == "MSECGR" and len(s) == 5
    s += nn.Sequential(nn.ReLU())
    s.extend([nn.Tanh()])
    assert kinds(s) == "MSECGRT"
    assert isinstance(s.pop(-1), nn.Tanh) and len(s) == 6
    del s[1:3]
    assert kinds(s) == "MCGR" and keys(s) == ["0", "1", "2", "3"]
    two = nn.Sequential(nn.ReLU(), nn.Tanh())
    assert kinds(two * 2) == kinds(2 * two) == "RTRT"
    two *= 2
    assert kinds(two) == "RTRT"
    with pytest.raises(ValueError):
        two += [nn.ReLU()]  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        two.pop(9)


def test_sequential_by_name() -> None:
    s = nn.Sequential(OrderedDict([("a", nn.ReLU()), ("b", nn.Tanh())]))
    assert isinstance(s.a, nn.ReLU) and isinstance(s[1], nn.Tanh)
    assert s(rt.tensor([-1.0])).item() == 0
    assert nn.Sequential()(3) == 3
    assert repr(s) == "Sequential(\n  (a): ReLU()\n  (b): Tanh()\n)"


def test_module_list_protocol() -> None:
    m = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ELU()])
    assert len(m) == 3 and kinds(m) == "RTE" and kinds(m[:2]) == "RT"
    assert isinstance(m[-1], nn.ELU)
    m[0] = nn.Sigmoid()
    m.insert(1, nn.Mish())
    assert kinds(m) == "SMTE" and keys(m) == ["0", "1", "2", "3"]
    del m[0]
    del m[-1:]
    assert kinds(m) == "MT" and keys(m) == ["0", "1"]
    m += [nn.GELU()]
    assert kinds(m + [nn.CELU()]) == "MTGC" and len(m) == 3
    assert isinstance(m.pop(0), nn.Mish) and kinds(m) == "TG"
    m.extend(m)
    assert kinds(m) == "TGTG"
    assert "0" not in dir(m)
    with pytest.raises(IndexError):
        m[9]
    with pytest.raises(NotImplementedError):
        m(1)
    m.append(None)
    assert m[4] is None


def test_module_list_prints_runs_once() -> None:
    m = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh(), nn.ReLU()])
    assert repr(m) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n  (3): ReLU()\n)"
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict_protocol() -> None:
    d = nn.ModuleDict({"a": nn.ReLU()})
    d["b"] = nn.Tanh()
    d.update([("c", nn.ELU())])
    d.update(nn.ModuleDict({"d": nn.GELU()}))
    assert list(d) == list(d.keys()) == ["a", "b", "c", "d"] and len(d) == 4
    assert kinds(d.values()) == "RTEG" and "b" in d and "z" not in d
    assert [k for k, _ in d.items()] == ["a", "b", "c", "d"]
    assert isinstance(d.pop("b"), nn.Tanh)
    del d["a"]
    assert list(d) == ["c", "d"]
    with pytest.raises(KeyError):
        d["a"]
    d.clear()
    assert len(d) == 0


def test_parameter_list_protocol() -> None:
    p = nn.ParameterList([rt.zeros(1), nn.Parameter(rt.ones(2))])
    assert len(p) == 2 and isinstance(p[0], nn.Parameter)
    p.append(rt.full((1,), 2.0)).extend([rt.full((1,), 3.0)])
    p += [rt.full((1,), 4.0)]
    assert [t.sum().item() for t in p] == [0, 2, 2, 3, 4]
    assert [n for n, _ in p.named_parameters()] == ["0", "1", "2", "3", "4"]
    p[1] = rt.full((1,), 9.0)
    assert isinstance(p[1], nn.Parameter) and p[-1].item() == 4
    assert [t.item() for t in p[1:3]] == [9, 2]
    assert p.pop(1).item() == 9 and [t.item() for t in p] == [0, 2, 3, 4]
    p.append(3)
    assert p[4] == 3 and "0" not in dir(p)
    assert "(0): Parameter containing: [" in repr(p) and "(4): Object of type: int" in repr(p)
    with pytest.raises(RuntimeError, match="should not be called"):
        p()
    with pytest.raises(IndexError):
        p[9]


def test_parameter_dict_protocol() -> None:
    p = nn.ParameterDict({"b": rt.zeros(1), "a": rt.ones(2, 3)})
    assert list(p) == list(p.keys()) == ["a", "b"] and len(p) == 2 and "a" in p
    assert list(nn.ParameterDict(OrderedDict([("b", rt.zeros(1)), ("a", rt.zeros(1))]))) == ["b", "a"]
    assert isinstance(p["a"], nn.Parameter) and p.get("z") is None and p.get("z", 1) == 1
    assert [n for n, _ in p.named_parameters()] == ["a", "b"]
    assert list(reversed(p)) == ["b", "a"]
    assert [k for k, _ in p.items()] == ["a", "b"] and len(list(p.values())) == 2
    other = nn.ParameterDict({"c": rt.zeros(1)})
    assert list(p | other) == ["a", "b", "c"]
    p |= other
    assert list(p) == ["a", "b", "c"]
    assert list(p.copy()) == ["a", "b", "c"] and p.copy()["a"] is p["a"]
    assert p.setdefault("a") is p["a"] and p.setdefault("d", rt.zeros(1)) is p["d"]
    assert p.popitem()[0] == "d" and p.pop("c").shape == (1,)
    del p["b"]
    assert list(p) == ["a"]
    assert list(p.fromkeys(["x", "y"], rt.zeros(1))) == ["x", "y"]
    p.update([("q", 3)])
    assert "(a): Parameter containing: [" in repr(p) and "of size 2x3]" in repr(p)
    assert "(q): Object of type: int" in repr(p)
    p.clear()
    assert len(p) == 0
    for bad, error in [
        (lambda: p.update(3), TypeError),
        (lambda: p.update([3]), TypeError),
        (lambda: p.update([(1, 2, 3)]), ValueError),
        (lambda: p(), RuntimeError),
    ]:
        with pytest.raises(error):
            bad()


def test_parameter_dicts_join_what_is_on_their_left() -> None:
    ours = nn.ParameterDict({"b": rt.ones(1), "c": rt.ones(2)})
    joined = {"a": 1, "b": 2} | ours
    assert type(joined) is dict and list(joined) == ["a", "b", "c"]
    assert joined["a"] == 1 and joined["b"] is ours["b"] and list(ours) == ["b", "c"]
