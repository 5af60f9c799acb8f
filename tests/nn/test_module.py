"""Module: registration, traversal, modes, conversion, printing, copying."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn

from .layers import LAYERS, Layer


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.block = nn.Sequential(nn.BatchNorm1d(3), nn.ReLU())
        self.scale = nn.Parameter(rt.ones(3))
        self.register_buffer("offset", rt.zeros(3))
        self.register_buffer("scratch", rt.zeros(1), persistent=False)

    def forward(self, x: Any) -> Any:
        return self.block(self.first(x)) * self.scale + self.offset


class NonLeaf(nn.Parameter):
    grad_fn = property(lambda self: "node")  # type: ignore[assignment]


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


def test_members_by_name() -> None:
    net = Net()
    assert names(net.named_parameters()) == [
        "scale",
        "first.weight",
        "first.bias",
        "block.0.weight",
        "block.0.bias",
    ]
    assert names(net.named_parameters(recurse=False)) == ["scale"]
    assert names(net.named_parameters(prefix="p"))[0] == "p.scale"
    assert names(net.named_buffers())[:2] == ["offset", "scratch"]
    assert names(net.named_modules()) == ["", "first", "block", "block.0", "block.1"]
    assert names(net.named_children()) == ["first", "block"]
    assert len(list(net.parameters())) == 5
    assert len(list(net.buffers())) == 5
    assert len(list(net.modules())) == 5
    assert list(net.children()) == [net.first, net.block]


def test_shared_members_are_named_once() -> None:
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    net.c = nn.Linear(2, 2)
    net.c.weight = net.a.weight
    assert names(net.named_modules()) == ["", "a", "c"]
    assert names(net.named_modules(remove_duplicate=False)) == ["", "a", "b", "c"]
    assert names(net.named_parameters()) == ["a.weight", "a.bias", "c.bias"]
    assert len(names(net.named_parameters(remove_duplicate=False))) == 6
    assert len(list(net.children())) == 2


def test_attributes_move_between_tables() -> None:
    net = nn.Module()
    net.x = 3
    assert net.__dict__["x"] == 3
    net.x = nn.Parameter(rt.ones(1))
    assert "x" not in net.__dict__ and list(net._parameters) == ["x"]
    net.x = None
    assert net.x is None and "x" in net._parameters
    del net.x
    assert not hasattr(net, "x")
    net.x = nn.ReLU()
    assert list(net._modules) == ["x"]
    net.x = nn.Parameter(rt.ones(1))
    assert not net._modules and list(net._parameters) == ["x"]
    net.y = nn.Buffer(rt.zeros(2), persistent=False)
    assert list(net._buffers) == ["y"] and not net.state_dict().get("y")
    net.y = rt.ones(2)
    assert net._buffers["y"].tolist() == [1.0, 1.0]
    net.y = nn.Buffer(rt.zeros(2))
    assert "y" in net.state_dict()
    del net.y
    assert not net._buffers


def test_assignment_before_init_is_told() -> None:
    class Early(nn.Module):
        def __init__(self, value: Any) -> None:
            self.member = value

    for value, text in [
        (nn.Parameter(rt.ones(1)), "cannot assign parameters before Module.__init__"),
        (nn.ReLU(), "cannot assign module before Module.__init__"),
        (nn.Buffer(rt.ones(1)), "cannot assign buffers before Module.__init__"),
    ]:
        with pytest.raises(AttributeError, match=text):
            Early(value)
    with pytest.raises(AttributeError, match="before Module"):
        nn.Module.register_buffer(nn.Module.__new__(nn.Module), "a", None)
    with pytest.raises(AttributeError, match="before Module"):
        nn.Module.register_parameter(nn.Module.__new__(nn.Module), "a", None)


def test_wrong_values_are_refused() -> None:
    net = Net()
    for name in ("first", "scale", "offset"):
        with pytest.raises(TypeError, match="cannot assign"):
            setattr(net, name, 3)
    with pytest.raises(ValueError, match="non-leaf"):
        net.register_parameter("q", NonLeaf(rt.ones(1)))
    with pytest.raises(TypeError, match="must be a Tensor"):
        nn.Parameter([1.0])  # type: ignore[arg-type]


def test_paths() -> None:
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("block.1") is net.block[1]
    assert net.get_parameter("first.bias") is net.first.bias
    assert net.get_buffer("block.0.running_mean") is net.block[0].running_mean
    net.set_submodule("block.1", nn.Tanh())
    assert isinstance(net.block[1], nn.Tanh)
    net.set_submodule("extra", nn.Tanh())
    assert isinstance(net.extra, nn.Tanh)
    for call, error in [
        (lambda: net.get_submodule("block.7"), AttributeError),
        (lambda: net.get_submodule("scale"), AttributeError),
        (lambda: net.get_parameter("first"), AttributeError),
        (lambda: net.get_parameter("nothing"), AttributeError),
        (lambda: net.get_buffer("nothing"), AttributeError),
        (lambda: net.get_buffer("scale"), AttributeError),
        (lambda: net.set_submodule("", nn.Tanh()), ValueError),
        (lambda: net.set_submodule("a.b", nn.Tanh()), AttributeError),
        (lambda: net.set_submodule("scale.b", nn.Tanh()), AttributeError),
        (lambda: net.set_submodule("scale", nn.Tanh()), AttributeError),
        (lambda: net.set_submodule("new", nn.Tanh(), strict=True), AttributeError),
        (lambda: net.set_submodule("first", 3), ValueError),
    ]:
        with pytest.raises(error):
            call()


def test_modes() -> None:
    net = Net()
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    net.requires_grad_()
    net(rt.ones(4, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(p.grad is not None and not p.grad.any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_zero_grad_of_a_recorded_gradient() -> None:
    net = nn.Linear(1, 1, bias=False)
    (net(rt.ones(1, 1)) ** 2).sum().backward(create_graph=True)
    assert net.weight.grad.grad_fn is not None
    net.zero_grad(set_to_none=False)
    assert net.weight.grad.grad_fn is None and net.weight.grad.item() == 0


def test_apply_goes_from_the_leaves_up() -> None:
    seen: list[str] = []
    Net().apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "BatchNorm1d", "ReLU", "Sequential", "Net"]


@pytest.mark.parametrize(
    ("convert", "dtype"),
    [
        (lambda m: m.double(), "float64"),
        (lambda m: m.half(), "float16"),
        (lambda m: m.bfloat16(), "bfloat16"),
        (lambda m: m.double().float(), "float32"),
        (lambda m: m.to(rt.float64), "float64"),
        (lambda m: m.to("cpu", rt.float64), "float64"),
        (lambda m: m.to(dtype=rt.float64, device="cpu", non_blocking=True), "float64"),
        (lambda m: m.to(rt.zeros(1, dtype=rt.float64)), "float64"),
        (lambda m: m.to(rt.device("cpu"), None, True, False), "float32"),
        (lambda m: m.to(), "float32"),
        (lambda m: m.cpu(), "float32"),
    ],
)
def test_conversion(convert: Any, dtype: str) -> None:
    net = Net()
    net(rt.ones(4, 2)).sum().backward()
    before = list(net.parameters())
    assert convert(net) is net
    want = getattr(rt, dtype)
    assert [id(p) for p in net.parameters()] == [id(p) for p in before]
    assert all(p.dtype == want and p.grad.dtype == want and p.is_leaf for p in net.parameters())
    assert net.offset.dtype == want
    assert net.block[0].num_batches_tracked.dtype == rt.int64


def test_conversion_errors_and_to_empty() -> None:
    net = Net()
    for bad in (lambda: net.to(rt.int32), lambda: net.to(1, 2, 3, 4, 5), lambda: net.to(colour="red")):
        with pytest.raises(TypeError):
            bad()
    assert net.to_empty(device="cpu").first.weight.shape == (3, 2)


def test_printing() -> None:
    assert repr(Net()) == (
        "Net(\n"
        "  (first): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (block): Sequential(\n"
        "    (0): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "    (1): ReLU()\n"
        "  )\n"
        ")"
    )

    class Both(nn.Linear):
        def __init__(self) -> None:
            super().__init__(1, 1)
            self.child = nn.ReLU()

    assert repr(Both()) == ("Both(\n  in_features=1, out_features=1, bias=True\n  (child): ReLU()\n)")


def test_dir_names_members() -> None:
    listed = dir(Net())
    assert {"first", "block", "scale", "offset", "forward", "training"} <= set(listed)
    assert "0" not in dir(nn.Sequential(nn.ReLU()))


def test_call_super_init() -> None:
    class Mixin:
        def __init__(self, colour: str) -> None:
            self.colour = colour

    class Painted(nn.Module, Mixin):
        call_super_init = True

    assert Painted(colour="red").colour == "red"


def test_deepcopy_and_pickle() -> None:
    net = Net()
    net.eval()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert repr(other) == repr(net)
        assert not other.training and other.scratch is not net.scratch
        for (name, a), (_, b) in zip(net.named_parameters(), other.named_parameters()):
            assert isinstance(b, nn.Parameter) and b.requires_grad, name
            assert a is not b and (a == b).all()
        with rt.no_grad():
            other.scale.add_(1)
        assert net.scale.tolist() == [1.0, 1.0, 1.0]


def test_copies_keep_sharing_among_themselves() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    other = copy.deepcopy(net)
    assert other[1].weight is other[0].weight


def test_old_pickles_without_newer_tables_load() -> None:
    net = nn.Linear(1, 1)
    state = dict(net.__dict__)
    del state["_forward_hooks_always_called"], state["_is_full_backward_hook"]
    fresh = nn.Linear.__new__(nn.Linear)
    fresh.__setstate__(state)
    assert fresh(rt.ones(1, 1)).shape == (1, 1)


def test_parameter_and_buffer() -> None:
    data = rt.ones(2)
    p = nn.Parameter(data)
    assert isinstance(p, rt.Tensor) and p.requires_grad and p.is_leaf
    with rt.no_grad():
        p[0] = 5
    assert data.tolist() == [5.0, 1.0]
    assert repr(p) == "Parameter containing:\ntensor([5., 1.], requires_grad=True)"
    assert type(p * 2) is rt.Tensor
    assert not nn.Parameter(rt.zeros(1, dtype=rt.int64), requires_grad=False).requires_grad
    assert nn.Parameter().numel() == 0
    again = pickle.loads(pickle.dumps(nn.Parameter(rt.ones(1), requires_grad=False)))
    assert type(again) is nn.Parameter and not again.requires_grad
    b = nn.Buffer(rt.ones(1), persistent=False)
    for other in (copy.deepcopy(b), pickle.loads(pickle.dumps(b))):
        assert type(other) is nn.Buffer and not other.persistent and not other.requires_grad
    memo: dict[int, Any] = {}
    assert copy.deepcopy(p, memo) is copy.deepcopy(p, memo)
    assert copy.deepcopy(b, memo) is copy.deepcopy(b, memo)
    assert nn.Buffer().numel() == 0


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
def test_every_layer_copies_pickles_and_reloads(layer: Layer) -> None:
    made = getattr(nn, layer.name)(*layer.args, **layer.kwargs)
    other = pickle.loads(pickle.dumps(copy.deepcopy(made)))
    assert repr(other) == repr(made)
    fresh = getattr(nn, layer.name)(*layer.args, **layer.kwargs)
    assert str(fresh.load_state_dict(made.state_dict())) == "<All keys matched successfully>"
    for a, b in zip(made.state_dict().values(), fresh.state_dict().values()):
        assert (a == b).all()


@pytest.mark.parametrize(
    "make",
    [lambda: rt.ones(1), nn.Parameter, nn.Buffer, nn.UninitializedParameter, nn.UninitializedBuffer],
)
def test_a_copy_that_was_made_already_is_given_again(make: Any) -> None:
    """As by those who keep a memo of their own."""
    tensor, copied = make(), make()
    assert tensor.__deepcopy__({id(tensor): copied}) is copied


def test_children_can_be_taken_away_and_stay_known() -> None:
    net = nn.Sequential(nn.Linear(1, 1))
    net.__setattr__("0", None)
    assert list(net.named_children()) == [] and list(net._modules) == ["0"]


def test_zero_grad_where_some_have_none() -> None:
    net = nn.Linear(2, 1)
    net.bias.grad = rt.ones(1)
    net.zero_grad(set_to_none=False)
    assert net.weight.grad is None and net.bias.grad.tolist() == [0]
    net.zero_grad()
    assert net.bias.grad is None


def test_conversion_of_layouts_and_types() -> None:
    net = nn.Conv2d(2, 3, 2).to(memory_format=rt.channels_last)
    assert net.weight.stride() == (8, 1, 4, 2) and net.bias.stride() == (1,)
    counting = nn.BatchNorm1d(2).type(rt.float64)
    assert {t.dtype for t in counting.state_dict().values()} == {rt.float64}  # the count too


@pytest.mark.skipif(rt.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(("device", "name"), [(None, "cuda"), (1, "cuda:1"), ("cuda:0", "cuda:0")])
def test_a_gpu_that_is_not_there(device: Any, name: str) -> None:
    with pytest.raises(RuntimeError, match=f"{name}"):
        nn.Linear(1, 1).cuda(device)
