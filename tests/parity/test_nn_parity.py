"""Every layer against torch: printing, state_dict, outputs, gradients, buffers, training and evaluation."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn

from ..nn.layers import LAYERS, Layer
from .bridge import array, assert_same, flat, rt_state

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore::UserWarning")]

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)


def make(layer: Layer) -> tuple[Any, Any]:
    """The layer in both libraries, in double precision, with torch's values."""
    theirs = getattr(torch.nn, layer.name)(*layer.args, **layer.kwargs).double()
    ours = getattr(nn, layer.name)(*layer.args, **layer.kwargs).double()
    ours.load_state_dict(rt_state(theirs))
    return ours, theirs


def inputs(layer: Layer) -> tuple[list[Any], list[Any]]:
    ours, theirs = [], []
    for value in layer.draw():
        # Signs are targets, which torch does not differentiate.
        grad = value.dtype.kind == "f" and not (np.abs(value) == 1).all()
        ours.append(rt.tensor(value, requires_grad=grad))
        theirs.append(torch.tensor(value, requires_grad=grad))
    # Attention sees whether its arguments are one object.
    if len({id(d) for d in layer.inputs}) == 1 and len(ours) == 3:
        return [ours[0]] * 3, [theirs[0]] * 3
    return ours, theirs


@each_layer
def test_printing_and_state(layer: Layer) -> None:
    theirs = getattr(torch.nn, layer.name)(*layer.args, **layer.kwargs)
    ours = getattr(nn, layer.name)(*layer.args, **layer.kwargs)
    assert repr(ours) == repr(theirs)
    a, b = ours.state_dict(), theirs.state_dict()
    assert list(a) == list(b)
    assert [tuple(t.shape) for t in a.values()] == [tuple(t.shape) for t in b.values()]
    assert dict(a._metadata) == dict(b._metadata)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@each_layer
def test_forward_and_gradients(layer: Layer, training: bool) -> None:
    ours, theirs = make(layer)
    training = training and not layer.random
    ours.train(training)
    theirs.train(training)
    x, y = inputs(layer)
    # torch's gradient of ctc_loss holds only behind a log_softmax.
    head = "log_softmax" if layer.name == "CTCLoss" else "clone"
    options = (-1,) if layer.name == "CTCLoss" else ()
    first_ours, first_theirs = (getattr(t, head)(*options) if t.dim() else t for t in (x[0], y[0]))
    one_object = len(x) > 1 and x[0] is x[1]
    out_ours = ours(*([first_ours] * len(x) if one_object else [first_ours, *x[1:]]))
    out_theirs = theirs(*([first_theirs] * len(y) if one_object else [first_theirs, *y[1:]]))
    assert_same(out_ours, out_theirs)
    for (name, a), (_, b) in zip(ours.named_buffers(), theirs.named_buffers()):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-10, err_msg=name)

    # A weighted sum, so that every output element has a gradient of its own.
    rng = np.random.default_rng(1)
    total_ours: Any = 0.0
    total_theirs: Any = 0.0
    for a, b in zip(flat(out_ours), flat(out_theirs)):
        if b is not None and b.is_floating_point() and b.requires_grad:
            w = rng.normal(size=tuple(b.shape))
            finite = np.isfinite(array(b))
            w = np.where(finite, w, 0.0)
            total_ours = total_ours + (a * rt.tensor(w)).sum()
            total_theirs = total_theirs + (b * torch.tensor(w)).sum()
    if isinstance(total_theirs, float):
        return
    leaves_ours = [t for t in [*x, *ours.parameters()] if t.requires_grad]
    leaves_theirs = [t for t in [*y, *theirs.parameters()] if t.requires_grad]
    grads_ours = rt.autograd.grad(total_ours, leaves_ours, allow_unused=True)
    grads_theirs = torch.autograd.grad(total_theirs, leaves_theirs, allow_unused=True)
    for a, b in zip(grads_ours, grads_theirs):
        a = rt.zeros(tuple(b.shape), dtype=rt.float64) if a is None and b is not None else a
        # torch's hardsigmoid takes 1 / 6 in float32, whatever the dtype.
        assert_same(a, b, rtol=1e-7 if layer.name == "Hardsigmoid" else 1e-8, atol=1e-10)


def test_every_layer_of_torch_is_here_or_left_out_on_purpose() -> None:
    left_out = {
        "Container",
        "CrossMapLRN2d",
        "DataParallel",
        "FractionalMaxPool2d",
        "FractionalMaxPool3d",
        "LinearCrossEntropyLoss",
        "LinearCrossEntropyOptions",
        "NLLLoss2d",
        "SyncBatchNorm",
    }
    missing = {
        name
        for name, value in vars(torch.nn).items()
        if inspect.isclass(value) and value.__module__.startswith("torch.nn") and not hasattr(nn, name)
    }
    assert missing == left_out


def same_signature(ours: Any, theirs: Any) -> bool:
    def names(f: Any) -> list[tuple[str, str]]:
        params = inspect.signature(f).parameters.values()
        return [
            (p.name, p.kind.name if p.kind.name == "KEYWORD_ONLY" else "")
            for p in params
            if p.kind.name not in ("VAR_POSITIONAL", "VAR_KEYWORD")
        ]

    return names(ours) == names(theirs)


# Written with *args in torch; here the arguments have names.
NAMED_HERE = {"RNN", "LSTM", "GRU"}


@pytest.mark.parametrize("name", sorted({layer.name for layer in LAYERS} - NAMED_HERE))
def test_signature_and_defaults(name: str) -> None:
    ours, theirs = getattr(nn, name).__init__, getattr(torch.nn, name).__init__
    assert same_signature(ours, theirs)
    a, b = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    for key, value in b.items():
        if key in a and isinstance(value.default, (int, float, str, bool, type(None))):
            assert a[key].default == value.default, key


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in dir(torch.nn.functional)
        if inspect.isfunction(getattr(torch.nn.functional, n))
        and not n.startswith("_")
        and getattr(torch.nn.functional, n).__module__ == "torch.nn.functional"
        and hasattr(nn.functional, n)
        and inspect.isfunction(getattr(nn.functional, n))
    ],
)
def test_functional_signature(name: str) -> None:
    assert same_signature(getattr(nn.functional, name), getattr(torch.nn.functional, name))


# Attention with every kind of mask.

MASKS: dict[str, dict[str, Any]] = {
    "padding-bool": {"key_padding_mask": np.array([[0, 0, 1, 0, 1], [0, 1, 0, 0, 0]], bool)},
    "padding-float": {"key_padding_mask": np.linspace(-1, 1, 10).reshape(2, 5)},
    "attn-bool": {"attn_mask": np.triu(np.ones((3, 5), bool), 3)},
    "attn-float": {"attn_mask": np.linspace(-1, 1, 15).reshape(3, 5)},
    "attn-per-head": {"attn_mask": np.linspace(-1, 1, 60).reshape(4, 3, 5)},
    "both": {
        "attn_mask": np.linspace(-1, 1, 15).reshape(3, 5),
        "key_padding_mask": np.linspace(0, 2, 10).reshape(2, 5),
    },
    "both-per-head": {
        "attn_mask": np.linspace(-1, 1, 60).reshape(4, 3, 5),
        "key_padding_mask": np.linspace(0, 2, 10).reshape(2, 5),
    },
}


@pytest.mark.parametrize("extra", [False, True], ids=["plain", "bias_kv+zero_attn"])
@pytest.mark.parametrize("need_weights", [True, False], ids=["weights", "no-weights"])
@pytest.mark.parametrize("mask", MASKS)
def test_attention_masks(mask: str, need_weights: bool, extra: bool) -> None:
    theirs = torch.nn.MultiheadAttention(4, 2, add_bias_kv=extra, add_zero_attn=extra).double()
    ours = nn.MultiheadAttention(4, 2, add_bias_kv=extra, add_zero_attn=extra).double()
    ours.load_state_dict(rt_state(theirs))
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(3, 2, 4)), rng.normal(size=(5, 2, 4))
    for average in (True, False):
        options = {"need_weights": need_weights, "average_attn_weights": average}
        a = ours(
            *(rt.tensor(v) for v in (q, k, k)), **options, **{n: rt.tensor(v) for n, v in MASKS[mask].items()}
        )
        b = theirs(
            *(torch.tensor(v) for v in (q, k, k)),
            **options,
            **{n: torch.tensor(v) for n, v in MASKS[mask].items()},
        )
        assert_same(a, b)


@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_is_causal(need_weights: bool) -> None:
    theirs = torch.nn.MultiheadAttention(4, 2, batch_first=True).double()
    ours = nn.MultiheadAttention(4, 2, batch_first=True).double()
    ours.load_state_dict(rt_state(theirs))
    x = np.random.default_rng(0).normal(size=(2, 5, 4))
    mask = np.triu(np.full((5, 5), -np.inf), 1)
    a, b = rt.tensor(x), torch.tensor(x)
    assert_same(
        ours(a, a, a, attn_mask=rt.tensor(mask), is_causal=True, need_weights=need_weights),
        theirs(b, b, b, attn_mask=torch.tensor(mask), is_causal=True, need_weights=need_weights),
    )
    with pytest.raises(RuntimeError, match="Need attn_mask"):
        ours(a, a, a, is_causal=True)


def test_attention_static_key_and_value() -> None:
    rng = np.random.default_rng(0)
    x, k = rng.normal(size=(3, 2, 4)), rng.normal(size=(4, 5, 2))
    w, o = rng.normal(size=(12, 4)), rng.normal(size=(4, 4))

    def call(t: Any, f: Any) -> Any:
        q = t.tensor(x)
        s = t.tensor(k)
        return f.multi_head_attention_forward(
            *(q, q, q, 4, 2, t.tensor(w), None, None, None, False, 0.0, t.tensor(o), None),
            static_k=s,
            static_v=2 * s,
        )

    assert_same(call(rt, nn.functional), call(torch, torch.nn.functional))


@pytest.mark.parametrize("causal", [None, True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_transformer_with_masks(causal: bool | None, batch_first: bool) -> None:
    args = {"dim_feedforward": 8, "dropout": 0.0, "batch_first": batch_first}
    theirs = torch.nn.Transformer(4, 2, 2, 2, **args).double()
    ours = nn.Transformer(4, 2, 2, 2, **args).double()
    ours.load_state_dict(rt_state(theirs))
    rng = np.random.default_rng(0)
    src, tgt = rng.normal(size=(4, 4, 4)), rng.normal(size=(4, 4, 4))
    padding = np.zeros((4, 4), bool)
    padding[1, 3] = True

    def call(t: Any, net: Any) -> Any:
        mask = t.nn.Transformer.generate_square_subsequent_mask(4, dtype=t.float64)
        return net(
            t.tensor(src),
            t.tensor(tgt),
            tgt_mask=mask,
            tgt_is_causal=causal,
            src_key_padding_mask=t.tensor(padding),
            memory_key_padding_mask=t.tensor(padding),
        )

    assert_same(call(rt, ours), call(torch, theirs), rtol=1e-8)


# Recurrent networks: given states, packed sequences.


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packed_sequences(name: str, enforce_sorted: bool) -> None:
    theirs = getattr(torch.nn, name)(3, 4, 2, bidirectional=True).double()
    ours = getattr(nn, name)(3, 4, 2, bidirectional=True).double()
    ours.load_state_dict(rt_state(theirs))
    rng = np.random.default_rng(0)
    lengths = [5, 3, 3, 1] if enforce_sorted else [3, 1, 5, 3]
    x, h = rng.normal(size=(5, 4, 3)), rng.normal(size=(4, 4, 4))

    def call(t: Any, net: Any) -> Any:
        packed = t.nn.utils.rnn.pack_padded_sequence(
            t.tensor(x), t.tensor(lengths), enforce_sorted=enforce_sorted
        )
        state = t.tensor(h)
        out, last = net(packed, (state, 2 * state) if name == "LSTM" else state)
        padded, sizes = t.nn.utils.rnn.pad_packed_sequence(out, padding_value=-1.0, total_length=6)
        return packed.data, packed.batch_sizes, out.data, last, padded, sizes

    assert_same(call(rt, ours), call(torch, theirs))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_recurrent_given_state(name: str) -> None:
    theirs = getattr(torch.nn, name)(3, 4, batch_first=True).double()
    ours = getattr(nn, name)(3, 4, batch_first=True).double()
    ours.load_state_dict(rt_state(theirs))
    rng = np.random.default_rng(0)
    x, h = rng.normal(size=(2, 5, 3)), rng.normal(size=(1, 2, 4))

    def call(t: Any, net: Any) -> Any:
        state = t.tensor(h)
        return net(t.tensor(x), (state, -state) if name == "LSTM" else state)

    assert_same(call(rt, ours), call(torch, theirs))


# Errors: the same exception type as torch, for the same calls.

BAD_CALLS: dict[str, Any] = {
    "conv groups": lambda t: t.nn.Conv2d(3, 4, 3, groups=2),
    "conv out groups": lambda t: t.nn.Conv2d(4, 3, 3, groups=2),
    "conv zero groups": lambda t: t.nn.Conv2d(4, 4, 3, groups=0),
    "conv padding string": lambda t: t.nn.Conv2d(4, 4, 3, padding="x"),
    "conv same stride": lambda t: t.nn.Conv2d(4, 4, 3, padding="same", stride=2),
    "conv padding mode": lambda t: t.nn.Conv2d(4, 4, 3, padding_mode="x"),
    "transposed padding mode": lambda t: t.nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"),
    "transposed output size": lambda t: t.nn.ConvTranspose1d(2, 2, 3)(t.zeros(2, 2, 5), output_size=[100]),
    "transposed output dims": lambda t: t.nn.ConvTranspose1d(2, 2, 3)(t.zeros(2, 2, 5), output_size=[1, 2]),
    "bn1d dims": lambda t: t.nn.BatchNorm1d(3)(t.zeros(3)),
    "bn2d dims": lambda t: t.nn.BatchNorm2d(3)(t.zeros(3, 3)),
    "in features": lambda t: t.nn.InstanceNorm1d(3, affine=True)(t.zeros(2, 4, 5)),
    "gn channels": lambda t: t.nn.GroupNorm(3, 4),
    "embedding padding": lambda t: t.nn.Embedding(3, 4, padding_idx=3),
    "embedding weight": lambda t: t.nn.Embedding(3, 4, _weight=t.zeros(2, 2)),
    "embedding pretrained": lambda t: t.nn.Embedding.from_pretrained(t.zeros(2)),
    "attention heads": lambda t: t.nn.MultiheadAttention(5, 2),
    "attention zero": lambda t: t.nn.MultiheadAttention(0, 2),
    "attention dims": lambda t: t.nn.MultiheadAttention(4, 2)(*[t.zeros(4)] * 3),
    "attention mask shape": lambda t: t.nn.MultiheadAttention(4, 2)(
        *[t.zeros(3, 1, 4)] * 3, attn_mask=t.zeros(2, 2)
    ),
    "attention int mask": lambda t: t.nn.MultiheadAttention(4, 2)(
        *[t.zeros(3, 1, 4)] * 3, attn_mask=t.zeros(3, 3, dtype=t.int64)
    ),
    "lstm dropout": lambda t: t.nn.LSTM(3, 4, dropout=2),
    "lstm hidden": lambda t: t.nn.LSTM(3, 0),
    "lstm layers": lambda t: t.nn.LSTM(3, 4, 0),
    "lstm proj": lambda t: t.nn.LSTM(3, 4, proj_size=4),
    "gru proj": lambda t: t.nn.GRU(3, 4, proj_size=2),
    "rnn nonlinearity": lambda t: t.nn.RNN(3, 4, nonlinearity="x"),
    "lstm dims": lambda t: t.nn.LSTM(3, 4)(t.zeros(2, 2, 2, 2)),
    "lstm features": lambda t: t.nn.LSTM(3, 4)(t.zeros(2, 2, 2)),
    "lstm state": lambda t: t.nn.LSTM(3, 4)(t.zeros(2, 2, 3), (t.zeros(1, 3, 4), t.zeros(1, 2, 4))),
    "lstm state dims": lambda t: t.nn.LSTM(3, 4)(t.zeros(2, 2, 3), (t.zeros(1, 4), t.zeros(1, 4))),
    "lstm dtype": lambda t: t.nn.LSTM(3, 4)(t.zeros(2, 2, 3, dtype=t.float64)),
    "cell dims": lambda t: t.nn.GRUCell(3, 4)(t.zeros(2, 2, 2)),
    "cell features": lambda t: t.nn.GRUCell(3, 4)(t.zeros(2, 2)),
    "cell batch": lambda t: t.nn.GRUCell(3, 4)(t.zeros(2, 3), t.zeros(3, 4)),
    "cell nonlinearity": lambda t: t.nn.RNNCell(3, 4, nonlinearity="z")(t.zeros(2, 3)),
    "unflatten int": lambda t: t.nn.Unflatten(1, 3),
    "unflatten float": lambda t: t.nn.Unflatten(1, (2.0,)),
    "reduction": lambda t: t.nn.SoftMarginLoss(reduction="x")(t.zeros(2), t.ones(2)),
    "activation": lambda t: t.nn.TransformerEncoderLayer(4, 2, activation="x"),
    "transformer features": lambda t: t.nn.Transformer(4, 2, 1, 1)(t.zeros(2, 2, 3), t.zeros(2, 2, 4)),
    "transformer batch": lambda t: t.nn.Transformer(4, 2, 1, 1)(t.zeros(2, 1, 4), t.zeros(2, 2, 4)),
    "triplet margin": lambda t: t.nn.TripletMarginLoss(margin=0),
    "multi margin p": lambda t: t.nn.MultiMarginLoss(p=3),
    "multi margin weight": lambda t: t.nn.MultiMarginLoss(weight=t.zeros(2, 2)),
    "gaussian var": lambda t: t.nn.GaussianNLLLoss()(t.zeros(2), t.zeros(2), -t.ones(2)),
    "gaussian var shape": lambda t: t.nn.GaussianNLLLoss()(t.zeros(2, 3), t.zeros(2, 3), t.ones(2, 2)),
    "cosine embedding dims": lambda t: t.nn.CosineEmbeddingLoss()(t.zeros(2), t.zeros(2), t.ones(2)),
    "dropout p": lambda t: t.nn.Dropout(2),
    "dropout1d dims": lambda t: t.nn.Dropout1d()(t.zeros(2)),
    "bilinear features": lambda t: t.nn.Bilinear(0, 1, 2),
    "bilinear sizes": lambda t: t.nn.Bilinear(2, 2, 2)(t.zeros(3, 2), t.zeros(4, 2)),
    "circular dims": lambda t: t.nn.CircularPad1d(1)(t.zeros(2, 2, 2, 2)),
    "glu odd": lambda t: t.nn.GLU()(t.zeros(3)),
    "celu zero": lambda t: t.nn.CELU(0.0)(t.zeros(3)),
    "softshrink negative": lambda t: t.nn.Softshrink(-1.0)(t.zeros(3)),
    "hardtanh range": lambda t: t.nn.Hardtanh(1.0, 0.0),
    "softmax2d dims": lambda t: t.nn.Softmax2d()(t.zeros(2, 2)),
    "unpool shapes": lambda t: t.nn.MaxUnpool1d(2)(t.zeros(1, 1, 2), t.zeros(1, 1, 3, dtype=t.int64)),
    "unpool index": lambda t: t.nn.MaxUnpool1d(2)(t.zeros(1, 1, 1), t.full((1, 1, 1), 9, dtype=t.int64)),
    "unpool size": lambda t: t.nn.MaxUnpool1d(2)(
        t.zeros(1, 1, 1), t.zeros(1, 1, 1, dtype=t.int64), output_size=[9]
    ),
    "unshuffle size": lambda t: t.nn.PixelUnshuffle(2)(t.zeros(1, 3, 3)),
    "channel shuffle": lambda t: t.nn.ChannelShuffle(3)(t.zeros(1, 4, 2)),
    "lazy dims": lambda t: t.nn.LazyConv2d(2, 3)(t.zeros(2, 2)),
    "lazy shape": lambda t: t.nn.LazyLinear(3).weight.shape,
    "lrn dims": lambda t: t.nn.LocalResponseNorm(2)(t.zeros(2, 2)),
    "affine grid": lambda t: t.nn.functional.affine_grid(t.zeros(1, 2, 2), (1, 1, 2, 2), align_corners=True),
    "affine grid size": lambda t: t.nn.functional.affine_grid(t.zeros(1, 2, 3), (1, 2), align_corners=True),
    "pdist dims": lambda t: t.nn.functional.pdist(t.zeros(2)),
    "ctc targets": lambda t: t.nn.functional.ctc_loss(t.zeros(4, 1, 3), t.tensor([1, 2]), [4], [3]),
    "rrelu bounds": lambda t: t.nn.functional.rrelu(t.zeros(2), 0.5, 0.1, training=True),
    "module forward": lambda t: t.nn.Module()(),
    "module argument": lambda t: t.nn.Module(3),
    "module keyword": lambda t: t.nn.Module(a=3),
    "buffer dot": lambda t: t.nn.Linear(2, 2).register_buffer("a.b", None),
    "buffer empty": lambda t: t.nn.Linear(2, 2).register_buffer("", None),
    "buffer exists": lambda t: t.nn.Linear(2, 2).register_buffer("weight", None),
    "buffer name": lambda t: t.nn.Linear(2, 2).register_buffer(3, None),
    "buffer value": lambda t: t.nn.Linear(2, 2).register_buffer("z", 3),
    "parameter value": lambda t: t.nn.Linear(2, 2).register_parameter("z", t.zeros(2)),
    "parameter assignment": lambda t: setattr(t.nn.Linear(2, 2), "weight", t.zeros(2)),
    "missing keys": lambda t: t.nn.Linear(2, 2).load_state_dict({}),
    "no state dict": lambda t: t.nn.Linear(2, 2).load_state_dict([]),
    "wrong value": lambda t: t.nn.Linear(2, 2).load_state_dict({"weight": 3, "bias": t.zeros(2)}),
    "submodule": lambda t: t.nn.Linear(2, 2).get_submodule("a.b"),
    "parameter path": lambda t: t.nn.Linear(2, 2).get_parameter("zz"),
    "buffer path": lambda t: t.nn.Linear(2, 2).get_buffer("weight"),
    "attribute": lambda t: t.nn.Linear(2, 2).zzz,
    "deletion": lambda t: delattr(t.nn.Linear(2, 2), "zzz"),
    "to int": lambda t: t.nn.Linear(2, 2).to(t.int32),
    "train value": lambda t: t.nn.Linear(2, 2).train(1),
    "add_module": lambda t: t.nn.Linear(2, 2).add_module("a", 3),
    "sequential value": lambda t: t.nn.Sequential("a"),
    "sequential insert": lambda t: t.nn.Sequential().insert(9, t.nn.ReLU()),
    "sequential insert value": lambda t: t.nn.Sequential().insert(0, 3),
    "sequential times": lambda t: t.nn.Sequential() * 0,
    "sequential times float": lambda t: t.nn.Sequential() * 2.0,
    "sequential plus": lambda t: t.nn.Sequential() + 3,
    "sequential index": lambda t: t.nn.Sequential()[0],
    "list index": lambda t: t.nn.ModuleList([t.nn.ReLU()])["a"],
    "list extend": lambda t: t.nn.ModuleList(3),
    "dict value": lambda t: t.nn.ModuleDict({"a": 3}),
    "dict pairs": lambda t: t.nn.ModuleDict([1, 2]),
    "dict triples": lambda t: t.nn.ModuleDict([(1, 2, 3)]),
    "dict key": lambda t: t.nn.ModuleDict({3: t.nn.ReLU()}),
    "dict method name": lambda t: t.nn.ModuleDict({"keys": t.nn.ReLU()}),
    "dict missing": lambda t: t.nn.ModuleDict()["a"],
    "parameters extend": lambda t: t.nn.ParameterList(3),
    "parameter key": lambda t: t.nn.ParameterDict({3: t.nn.Parameter()}),
    "parameter missing": lambda t: t.nn.ParameterDict()["a"],
    "parameter list call": lambda t: t.nn.ParameterList()(),
    "integer parameter": lambda t: t.nn.Parameter(t.zeros(2, dtype=t.int64)),
    "fan": lambda t: t.nn.init.xavier_uniform_(t.zeros(3)),
    "fan mode": lambda t: t.nn.init.kaiming_uniform_(t.zeros(3, 3), mode="x"),
    "gain": lambda t: t.nn.init.calculate_gain("x"),
    "gain slope": lambda t: t.nn.init.calculate_gain("leaky_relu", "a"),
    "eye": lambda t: t.nn.init.eye_(t.zeros(3)),
    "dirac": lambda t: t.nn.init.dirac_(t.zeros(3, 3)),
    "dirac groups": lambda t: t.nn.init.dirac_(t.zeros(3, 3, 3), 2),
    "orthogonal": lambda t: t.nn.init.orthogonal_(t.zeros(3)),
    "sparse": lambda t: t.nn.init.sparse_(t.zeros(3), 0.1),
    "pack order": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(3, 2, 1), t.tensor([1, 3])),
    "pack zero": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(3, 2, 1), t.tensor([1, 0])),
    "pack count": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(3, 2, 1), t.tensor([1])),
    "pad side": lambda t: t.nn.utils.rnn.pad_sequence([t.zeros(1)], padding_side="x"),
    "vector": lambda t: t.nn.utils.vector_to_parameters([1.0], []),
    "clip nonfinite": lambda t: t.nn.utils.get_total_norm([t.tensor(float("nan"))], error_if_nonfinite=True),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_errors_have_torch_types(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as theirs:
            BAD_CALLS[name](torch)
        with pytest.raises(Exception) as ours:
            BAD_CALLS[name](rt)
    assert issubclass(ours.type, theirs.type), f"{ours.value!r} against {theirs.value!r}"


def test_incompatible_keys_text() -> None:
    def message(t: Any) -> str:
        net = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2))
        state = net.state_dict()
        del state["0.bias"], state["1.running_mean"]
        state["extra"] = t.zeros(1)
        state["0.weight"] = t.zeros(3, 2)
        with pytest.raises(RuntimeError) as info:
            net.load_state_dict(state)
        return str(info.value).replace("rustorch.", "torch.")

    assert message(rt) == message(torch)


@pytest.mark.parametrize("name", ["LazyLinear", "LazyConv2d", "LazyConvTranspose1d", "LazyBatchNorm1d"])
def test_lazy_layers_print_alike(name: str) -> None:
    args: dict[str, tuple[Any, ...]] = {"LazyLinear": (2,), "LazyBatchNorm1d": ()}
    ours = getattr(nn, name)(*args.get(name, (2, 3)))
    theirs = getattr(torch.nn, name)(*args.get(name, (2, 3)))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    shape = {"LazyLinear": (2, 3), "LazyConv2d": (1, 2, 5, 5)}.get(name, (2, 3, 5))
    assert ours(rt.ones(*shape)).shape == tuple(theirs(torch.ones(*shape)).shape)
    assert repr(ours) == repr(theirs)
    assert type(ours).__name__ == type(theirs).__name__
