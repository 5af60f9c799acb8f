"""Layers against NumPy: recurrent steps, attention, batch statistics, padding; options and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax

import rustorch as rt
from rustorch import nn


def value(t: Any) -> np.ndarray:
    return np.array(t.detach().numpy())


def test_linear_and_bilinear() -> None:
    layer, x = nn.Linear(3, 2).double(), rt.randn(4, 3, dtype=rt.float64)
    np.testing.assert_allclose(value(layer(x)), value(x) @ value(layer.weight).T + value(layer.bias))


@pytest.mark.parametrize("momentum", [0.3, None])
def test_batch_norm_statistics(momentum: float | None) -> None:
    bn = nn.BatchNorm1d(2, momentum=momentum).double()
    mean, var = np.zeros(2), np.ones(2)
    for step in range(1, 4):
        x = np.random.default_rng(step).normal(1, 2, size=(8, 2))
        out = bn(rt.tensor(x))
        np.testing.assert_allclose(value(out), (x - x.mean(0)) / np.sqrt(x.var(0) + bn.eps), rtol=1e-9)
        share = 1 / step if momentum is None else momentum
        mean = mean + share * (x.mean(0) - mean)
        var = var + share * (x.var(0, ddof=1) - var)
        np.testing.assert_allclose(value(bn.running_mean), mean)
        np.testing.assert_allclose(value(bn.running_var), var)
        assert bn.num_batches_tracked.item() == step
    bn.eval()
    np.testing.assert_allclose(value(bn(rt.tensor(x))), (x - mean) / np.sqrt(var + bn.eps), rtol=1e-9)
    bn.reset_running_stats()
    assert not bn.running_mean.any() and bn.num_batches_tracked.item() == 0


def test_instance_norm_without_a_batch_and_wrong_size() -> None:
    layer = nn.InstanceNorm1d(3)
    x = rt.randn(3, 5)
    assert rt.allclose(layer(x), layer(x.unsqueeze(0))[0])
    with pytest.warns(UserWarning, match="does not match num_features"):
        layer(rt.randn(1, 4, 5))


def lstm_by_hand(x: np.ndarray, layer: Any) -> tuple[np.ndarray, np.ndarray]:
    w_ih, w_hh = value(layer.weight_ih_l0), value(layer.weight_hh_l0)
    bias = value(layer.bias_ih_l0) + value(layer.bias_hh_l0)
    h = c = np.zeros((x.shape[1], layer.hidden_size))
    outputs = []
    for step in x:
        i, f, g, o = np.split(step @ w_ih.T + h @ w_hh.T + bias, 4, axis=1)
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs), c


def test_lstm_by_hand() -> None:
    layer, x = nn.LSTM(3, 4).double(), rt.randn(5, 2, 3, dtype=rt.float64)
    out, (h, c) = layer(x)
    outputs, cell = lstm_by_hand(value(x), layer)
    np.testing.assert_allclose(value(out), outputs, rtol=1e-9)
    np.testing.assert_allclose(value(h[0]), outputs[-1], rtol=1e-9)
    np.testing.assert_allclose(value(c[0]), cell, rtol=1e-9)
    assert layer.flatten_parameters() is None
    assert [[tuple(w.shape) for w in ws] for ws in layer.all_weights] == [[(16, 3), (16, 4), (16,), (16,)]]


def test_gru_by_hand() -> None:
    cell = nn.GRUCell(3, 4).double()
    x, h = rt.randn(2, 3, dtype=rt.float64), rt.randn(2, 4, dtype=rt.float64)
    gi = value(x) @ value(cell.weight_ih).T + value(cell.bias_ih)
    gh = value(h) @ value(cell.weight_hh).T + value(cell.bias_hh)
    (ir, iz, in_), (hr, hz, hn) = np.split(gi, 3, 1), np.split(gh, 3, 1)
    r, z = expit(ir + hr), expit(iz + hz)
    n = np.tanh(in_ + r * hn)
    np.testing.assert_allclose(value(cell(x, h)), (1 - z) * n + z * value(h), rtol=1e-9)


def test_a_network_equals_its_cells() -> None:
    for name in ("RNN", "LSTM", "GRU"):
        net = getattr(nn, name)(3, 4).double()
        cell = getattr(nn, name + "Cell")(3, 4).double()
        cell.load_state_dict({k[:-3]: v for k, v in net.state_dict().items()})
        x = rt.randn(5, 2, 3, dtype=rt.float64)
        state: Any = None
        for step in x:
            state = cell(step, state)
        last = state[0] if name == "LSTM" else state
        np.testing.assert_allclose(value(net(x)[0][-1]), value(last), rtol=1e-9)


def test_packed_sequences_equal_single_ones() -> None:
    net = nn.LSTM(3, 4, 2, bidirectional=True).double()
    parts = [rt.randn(n, 3, dtype=rt.float64) for n in (2, 5, 3)]
    packed = nn.utils.rnn.pack_sequence(parts, enforce_sorted=False)
    out, (h, _) = net(packed)
    for i, (part, got) in enumerate(zip(parts, nn.utils.rnn.unpack_sequence(out))):
        want, (want_h, _) = net(part)
        np.testing.assert_allclose(value(got), value(want), rtol=1e-9)
        np.testing.assert_allclose(value(h[:, i]), value(want_h), rtol=1e-9)


def test_recurrent_dropout_and_odd_arguments() -> None:
    net = nn.GRU(3, 4, 2, dropout=0.5)
    x = rt.randn(5, 2, 3)
    assert not rt.allclose(net(x)[0], net(x)[0])
    net.eval()
    assert rt.allclose(net(x)[0], net(x)[0])
    with pytest.warns(UserWarning, match="dropout option adds dropout"):
        nn.GRU(3, 4, dropout=0.5)
    for bad, error in [
        (lambda: nn.RNN(3, 4.0), TypeError),  # type: ignore[arg-type]
        (lambda: nn.LSTM(3, 4, proj_size=-1), ValueError),
        (lambda: nn.RNN(3, 4, proj_size=2), ValueError),
        (lambda: nn.modules.rnn.RNNBase("X", 3, 4), ValueError),
        (lambda: nn.RNN(3, 4)(rt.zeros(0, 2, 3)), RuntimeError),
        (lambda: nn.LSTM(3, 4)(rt.zeros(1, 2, 3), rt.zeros(1, 2, 4)), RuntimeError),
        (lambda: nn.GRU(3, 4)(rt.zeros(1, 2, 3), rt.zeros(1, 3, 4)), RuntimeError),
        (lambda: nn.GRUCell(3, 4)(rt.zeros(2, 3), rt.zeros(2, 5)), RuntimeError),
        (lambda: nn.GRUCell(3, 4)(rt.zeros(2, 3), rt.zeros(1, 2, 4)), ValueError),
    ]:
        with pytest.raises(error):
            bad()


def test_attention_by_hand() -> None:
    attn = nn.MultiheadAttention(6, 2).double()
    q, k = rt.randn(3, 1, 6, dtype=rt.float64), rt.randn(4, 1, 6, dtype=rt.float64)
    out, weights = attn(q, k, k, average_attn_weights=False)
    w, b = value(attn.in_proj_weight), value(attn.in_proj_bias)
    heads, expected = [], []
    for h in range(2):
        rows = slice(3 * h, 3 * h + 3)
        qh = value(q)[:, 0] @ w[:6][rows].T + b[:6][rows]
        kh = value(k)[:, 0] @ w[6:12][rows].T + b[6:12][rows]
        vh = value(k)[:, 0] @ w[12:][rows].T + b[12:][rows]
        expected.append(softmax(qh @ kh.T / np.sqrt(3), -1))
        heads.append(expected[-1] @ vh)
    joined = np.concatenate(heads, -1) @ value(attn.out_proj.weight).T + value(attn.out_proj.bias)
    np.testing.assert_allclose(value(weights[0]), expected, rtol=1e-9)
    np.testing.assert_allclose(value(out[:, 0]), joined, rtol=1e-9)
    fast, none = attn(q, k, k, need_weights=False)
    assert none is None
    np.testing.assert_allclose(value(fast), value(out), rtol=1e-9)


def test_attention_dropout_and_argument_checks() -> None:
    attn = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = rt.randn(3, 2, 4)
    for weights in (True, False):
        assert not rt.allclose(attn(x, x, x, need_weights=weights)[0], attn(x, x, x)[0])
    f = nn.functional.multi_head_attention_forward
    eye = rt.eye(4)
    w = rt.zeros(12, 4)

    def call(q: Any = x, k: Any = x, v: Any = x, e: int = 4, heads: int = 2, **kw: Any) -> Any:
        base: dict[str, Any] = {"in_proj_weight": w, "bias_k": None, "bias_v": None, **kw}
        first = (base.pop("in_proj_weight"), None, base.pop("bias_k"), base.pop("bias_v"))
        return f(q, k, v, e, heads, *first, False, 0.0, eye, None, **base)

    zero = rt.zeros(1, 1, 4)
    for bad in (
        lambda: call(e=6),
        lambda: call(heads=3),
        lambda: call(k=rt.randn(3, 4)),
        lambda: call(v=rt.randn(2, 2, 4)),
        lambda: call(v=rt.randn(2, 2, 4), use_separate_proj_weight=True),
        lambda: call(use_separate_proj_weight=True),
        lambda: call(in_proj_weight=None),
        lambda: call(key_padding_mask=rt.zeros(2, 2)),
        lambda: call(key_padding_mask=rt.zeros(2)),
        lambda: call(attn_mask=rt.zeros(1, 1, 1, 1)),
        lambda: call(rt.randn(3, 4), rt.randn(3, 4), rt.randn(3, 4), attn_mask=rt.zeros(1, 3, 3)),
        lambda: call(bias_k=zero),
        lambda: call(bias_k=zero, bias_v=zero, static_k=rt.zeros(4, 3, 2)),
        lambda: call(static_k=rt.zeros(4, 3, 3)),
    ):
        with pytest.raises(AssertionError):
            bad()
    with pytest.warns(UserWarning, match="mismatched"):
        call(key_padding_mask=rt.zeros(2, 3, dtype=rt.bool), attn_mask=rt.zeros(3, 3))


def test_transformer_options() -> None:
    src, tgt = rt.randn(4, 1, 4), rt.randn(3, 1, 4)

    class Memory(nn.Module):
        def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
            return x

    net = nn.Transformer(4, 2, custom_encoder=Memory(), custom_decoder=Memory())
    assert net(src, tgt) is tgt
    layer = nn.TransformerEncoderLayer(4, 2, 8, activation=nn.GELU())
    assert nn.TransformerEncoder(layer, 2, nn.LayerNorm(4))(src).shape == (4, 1, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    enc = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, 0.0), 1)
    as_bool = rt.triu(rt.ones(4, 4), 1).bool()
    assert rt.allclose(enc(src, mask), enc(src, as_bool), atol=1e-6)
    assert rt.allclose(enc(src, mask), enc(src, mask, is_causal=True), atol=1e-6)
    other = rt.zeros(4, 4)
    assert not rt.allclose(enc(src, other), enc(src, mask))
    detect = nn.modules.transformer._is_causal
    assert detect(mask, None, 4) and detect(mask, None, None) and detect(mask, True, None)
    assert detect(as_bool, None, 4) and not detect(~as_bool, None, 4)
    assert not detect(other, None, 4) and not detect(None, None, 4) and not detect(mask, None, 3)
    unbatched = nn.Transformer(4, 2, 1, 1, 8)
    assert unbatched(rt.randn(4, 4), rt.randn(3, 4)).shape == (3, 4)


def test_embedding_options() -> None:
    table = rt.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=1)
    layer(rt.tensor([1, 2, 2])).sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [0, 0], [2, 2]]
    assert not nn.Embedding.from_pretrained(table).weight.requires_grad
    bag = nn.EmbeddingBag.from_pretrained(table, mode="sum", freeze=False)
    out = bag(rt.tensor([0, 1, 2]), rt.tensor([0, 2]), rt.tensor([1.0, 2.0, 3.0]))
    assert out.tolist() == [[4, 7], [12, 15]]
    assert bag.weight.requires_grad and not nn.EmbeddingBag.from_pretrained(table).weight.requires_grad
    full = nn.Embedding(3, 4, 1, 2.0, 1.0, True, sparse=False)
    assert repr(full) == (
        "Embedding(3, 4, padding_idx=1, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True)"
    )
    options = {"max_norm": 1.0, "norm_type": 1.0, "scale_grad_by_freq": True, "padding_idx": 0}
    assert repr(nn.EmbeddingBag(3, 4, mode="sum", **options)) == (
        "EmbeddingBag(3, 4, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, mode='sum', padding_idx=0)"
    )
    assert repr(nn.Embedding(3, 4, sparse=True)) == "Embedding(3, 4, sparse=True)"
    for make in (nn.Embedding.from_pretrained, nn.EmbeddingBag.from_pretrained):
        with pytest.raises(AssertionError, match="2-dimensional"):
            make(rt.zeros(3))


def test_transposed_convolution_output_size() -> None:
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
    x = rt.randn(1, 1, 4, 4)
    for size in [(7, 7), (8, 8), (1, 1, 7, 8)]:
        assert layer(x, output_size=size).shape[-2:] == tuple(size[-2:])
    assert layer(x[0], output_size=(8, 7)).shape == (1, 8, 7)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes_of_convolutions(mode: str) -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode).double()
    x = np.random.default_rng(0).normal(size=(4, 5))
    numpy_mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    padded = rt.tensor(np.pad(x, 1, mode=numpy_mode)[None])
    expected = nn.functional.conv2d(padded, layer.weight, layer.bias)
    np.testing.assert_allclose(value(layer(rt.tensor(x[None]))), value(expected), rtol=1e-9)


def test_layers_made_on_a_device_with_a_dtype() -> None:
    options = {"device": "cpu", "dtype": rt.float64}
    for layer in (
        nn.Linear(2, 2, **options),
        nn.Conv2d(2, 2, 1, **options),
        nn.ConvTranspose2d(2, 2, 1, **options),
        nn.BatchNorm1d(2, **options),
        nn.InstanceNorm1d(2, affine=True, **options),
        nn.LayerNorm(2, **options),
        nn.GroupNorm(1, 2, **options),
        nn.RMSNorm(2, **options),
        nn.Embedding(2, 2, **options),
        nn.EmbeddingBag(2, 2, **options),
        nn.LSTM(2, 2, **options),
        nn.GRUCell(2, 2, **options),
        nn.MultiheadAttention(2, 1, kdim=1, **options),
        nn.Transformer(2, 1, 1, 1, 2, **options),
        nn.PReLU(**options),
        nn.Bilinear(1, 1, 1, **options),
    ):
        assert all(p.dtype == rt.float64 for p in layer.parameters())


def test_older_names_of_hardtanh_arguments() -> None:
    with pytest.warns(FutureWarning, match="deprecated"):
        layer = nn.Hardtanh(min_value=-2.0, max_value=3.0)
    assert (layer.min_val, layer.max_val) == (-2.0, 3.0)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_packed_sequences_take_states_in_the_order_of_the_batch(kind: str) -> None:
    """Sorting the sequences by length sorts their states too: each row is as if it ran alone."""
    net = getattr(nn, kind)(2, 3, num_layers=2, bidirectional=True).double()
    lengths = [2, 4, 3]
    x = rt.randn(4, 3, 2, dtype=rt.float64)
    states = [rt.randn(4, 3, 3, dtype=rt.float64) for _ in range(2 if kind == "LSTM" else 1)]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    out, final = net(packed, tuple(states) if kind == "LSTM" else states[0])
    out, _ = nn.utils.rnn.pad_packed_sequence(out)
    for i, n in enumerate(lengths):
        own = [s[:, i : i + 1] for s in states]
        want, last = net(x[:n, i : i + 1], tuple(own) if kind == "LSTM" else own[0])
        np.testing.assert_allclose(value(out[:n, i : i + 1]), value(want))
        for a, b in zip(final, last) if kind == "LSTM" else [(final, last)]:
            np.testing.assert_allclose(value(a[:, i : i + 1]), value(b))


def test_attention_without_a_batch_is_that_of_a_batch_of_one() -> None:
    layer = nn.MultiheadAttention(4, 2).double()
    x = rt.randn(3, 4, dtype=rt.float64)
    hidden = rt.tensor([False, True, False])
    out, weights = layer(x, x, x, key_padding_mask=hidden)
    want, wanted = layer(*[x.unsqueeze(1)] * 3, key_padding_mask=hidden.unsqueeze(0))
    np.testing.assert_allclose(value(out), value(want.squeeze(1)))
    np.testing.assert_allclose(value(weights), value(wanted.squeeze(0)))
    assert (weights[:, 1] == 0).all()


def test_attention_to_keys_and_values_that_are_given() -> None:
    """They stand for the projected ones: with projections that change nothing, for the inputs themselves."""
    q, k, v = (rt.randn(3, 1, 4, dtype=rt.float64) for _ in range(3))
    same = rt.eye(4, dtype=rt.float64)
    none = rt.zeros_like(q)

    def heads(t: Any) -> Any:
        return t.reshape(3, 2, 2).transpose(0, 1)

    def attend(key: Any, given: Any, **options: Any) -> Any:
        first = (rt.cat([same] * 3), None, None, None, False, 0.0, same, None)
        return nn.functional.multi_head_attention_forward(q, key, given, 4, 2, *first, **options)[0]

    want = attend(k, v)
    np.testing.assert_allclose(value(attend(none, none, static_k=heads(k), static_v=heads(v))), value(want))


@pytest.mark.parametrize(("name", "function"), [("relu", nn.functional.relu), ("gelu", nn.functional.gelu)])
def test_activations_of_transformers_by_name(name: str, function: Any) -> None:
    layers = []
    for activation in (name, function):
        rt.manual_seed(0)
        layers.append(nn.TransformerEncoderLayer(4, 2, 8, 0.0, activation).eval())
    x = rt.randn(3, 1, 4)
    assert rt.equal(layers[0](x), layers[1](x))


def test_adaptive_softmax_is_a_distribution_over_all_classes() -> None:
    rt.manual_seed(0)
    m = nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs=[5, 10, 15], div_value=2.0)
    x, target = rt.randn(40, 16), rt.arange(20).repeat(2)
    every = m.log_prob(x)
    assert rt.allclose(every.exp().sum(1), rt.ones(40), atol=1e-5)
    output, loss = m(x, target)
    assert rt.allclose(output, every.gather(1, target.unsqueeze(1)).squeeze(1), atol=1e-5)
    assert loss.item() == pytest.approx(-output.mean().item())
    assert (m.predict(x) == every.argmax(1)).all()


@pytest.mark.parametrize("cutoffs", [[], [0, 5], [5, 5], [5, 20], [5, 2], [2.5]])
def test_cutoffs_of_the_adaptive_softmax_are_checked(cutoffs: list[int]) -> None:
    with pytest.raises(ValueError, match="cutoffs"):
        nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs=cutoffs)


def test_targets_of_the_adaptive_softmax_are_checked() -> None:
    m = nn.AdaptiveLogSoftmaxWithLoss(4, 6, cutoffs=[2])
    for x, target, message in [
        (rt.ones(2, 4), rt.tensor([0, 6]), r"in \[0, 5\]"),
        (rt.ones(3, 4), rt.tensor([0, 1]), "same size in the batch"),
        (rt.ones(4), rt.tensor([0]), "size|2D input"),
        (rt.ones(2, 4), rt.tensor(1), "1D input"),
        (rt.ones(2, 4), rt.zeros(2, 2, dtype=rt.int64), "multi-target"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            m(x, target)
