"""What layers, initializers and their helpers refuse: errors of PyTorch's types, that say what was wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.utils import rnn as packing

Z = rt.zeros
POINTS = (Z(3, 4), Z(3, 4), Z(3, 4))
LINEAR = nn.Linear(2, 2)
TRANSFORMER = nn.Transformer(4, 2, 1, 1, 8)


class Named(nn.Module):
    taken = 3


def attention(query: rt.Tensor, heads: int = 2, width: int = 4, **options: Any) -> Any:
    return F.multi_head_attention_forward(
        query, query, query, width, heads, Z(12, 4), Z(12), None, None, False, 0.0, Z(4, 4), Z(4), **options
    )


def set_child(value: Any) -> None:
    nn.Sequential(LINEAR).__setattr__("0", value)


Refusal = tuple[Callable[[], Any], type[Exception], str]
MODULES: list[Refusal] = [
    (lambda: nn.Module(3), TypeError, "takes 1 positional argument but 2 were given"),
    (lambda: nn.Module(a=3), TypeError, "unexpected keyword argument 'a'"),
    (lambda: set_child(3), TypeError, "cannot assign 'int' as child module '0'"),
    (lambda: nn.Module().add_module("a", 3), TypeError, "int is not a Module subclass"),
    (lambda: nn.Module().add_module(1, None), TypeError, "module name should be a string. Got int"),
    (lambda: Named().add_module("taken", None), KeyError, "attribute 'taken' already exists"),
    (lambda: nn.Module().register_module("a.b", None), KeyError, 'module name can.*t contain ".", got: a.b'),
    (lambda: nn.Module().add_module("", None), KeyError, 'module name can.*t be empty string ""'),
    (lambda: nn.Module().register_buffer(1, None), TypeError, "buffer name should be a string. Got int"),
    (lambda: Named().register_buffer("taken", None), KeyError, "attribute 'taken' already exists"),
    (lambda: nn.Module().register_buffer("a.b", None), KeyError, 'buffer name can.*t contain "."'),
    (lambda: nn.Module().register_buffer("", None), KeyError, 'buffer name can.*t be empty string ""'),
    (lambda: nn.Module().register_buffer("a", 3), TypeError, "cannot assign 'int' object to buffer 'a'"),
    (lambda: nn.Module().register_parameter("a.b", None), KeyError, 'parameter name can.*t contain "."'),
    (lambda: nn.Module().register_parameter("a", Z(1)), TypeError, "Tensor' object to parameter 'a'"),
    (lambda: LINEAR.load_state_dict(3), TypeError, "state_dict to be dict-like, got"),
    (lambda: nn.Sequential() + 3, ValueError, "only objects of Sequential class, but .*int"),
    (lambda: nn.Sequential().__iadd__(3), ValueError, "only objects of Sequential class, but .*int"),
    (lambda: nn.Sequential() * 1.5, TypeError, "unsupported operand type"),
    (lambda: 0 * nn.Sequential(), ValueError, "Non-positive multiplication factor 0"),
    (lambda: nn.Sequential().insert(1, LINEAR), IndexError, "Index out of range: 1"),
    (lambda: nn.ModuleList().extend(3), TypeError, "ModuleList.extend should be called with an iterable"),
    (lambda: nn.ModuleDict().update(3), TypeError, "iterable of key/value pairs, but got int"),
    (lambda: nn.ModuleDict().update([3]), TypeError, "element #0 should be Iterable; is int"),
    (lambda: nn.ModuleDict().update([("a",)]), ValueError, "element #0 has length 1; 2 is required"),
    (lambda: nn.ParameterList().extend(Z(2)), TypeError, "called with an iterable, but got Tensor"),
    (lambda: nn.ParameterDict()[1], TypeError, "not a string .*'int'"),
]

LAYERS: list[Refusal] = [
    (lambda: nn.Conv2d(4, 4, 1, groups=0), ValueError, "groups must be a positive integer; got 0"),
    (lambda: nn.Conv2d(3, 4, 1, groups=2), ValueError, "in_channels must be divisible by groups"),
    (lambda: nn.Conv2d(4, 3, 1, groups=2), ValueError, "out_channels must be divisible by groups"),
    (lambda: nn.Conv1d(1, 1, 3, padding="full"), ValueError, "Invalid padding string 'full'"),
    (lambda: nn.Conv1d(1, 1, 3, 2, padding="same"), ValueError, "not supported for strided convolutions"),
    (lambda: nn.Conv1d(1, 1, 3, padding_mode="wrap"), ValueError, "but got padding_mode='wrap'"),
    (lambda: nn.ConvTranspose1d(1, 1, 3, padding_mode="reflect"), ValueError, 'Only "zeros" padding mode'),
    (
        lambda: nn.ConvTranspose2d(1, 1, 3, 2)(Z(1, 1, 2, 2), output_size=[5]),
        ValueError,
        r"output_size must have 2 or 4 elements \(got 1\)",
    ),
    (
        lambda: nn.ConvTranspose1d(1, 1, 3, 2)(Z(1, 1, 2), output_size=[9]),
        ValueError,
        r"size of \[9\], but valid sizes range from \[5\] to \[6\]",
    ),
    (lambda: nn.RNN(2, 3, 2, dropout=1.5), ValueError, r"dropout should be a number in range \[0, 1\]"),
    (lambda: nn.RNN(2, 3, 2, dropout=True), ValueError, r"dropout should be a number in range \[0, 1\]"),
    (lambda: nn.LSTM(0, 3), ValueError, "input_size must be greater than zero; got 0"),
    (lambda: nn.LSTM(2.0, 3), TypeError, "input_size should be of type int, got: float"),
    (lambda: nn.GRU(2, 3, bias=1), TypeError, "bias should be of type bool, got: int"),
    (lambda: nn.RNN(2, 3, batch_first="no"), TypeError, "batch_first should be of type bool, got: str"),
    (lambda: nn.GRUCell(2, 3)(Z(1, 2), Z(1, 1, 1, 3)), ValueError, "Expected hidden to be 1D or 2D, got 4D"),
    (lambda: nn.HuberLoss(delta=1j), TypeError, "delta must be a float or int, got: <class 'complex'>"),
    (lambda: nn.BatchNorm1d(2, eps=0.0)(Z(2, 2)), ValueError, "eps must be positive during training"),
    (lambda: nn.BatchNorm1d(2, eps=-1.0).eval()(Z(2, 2)), ValueError, "eps must be non-negative"),
    (lambda: nn.MaxPool2d(2)(Z(3, 4)), RuntimeError, r"non-empty 3D or 4D \(batch mode\) tensor expected"),
    (lambda: nn.AvgPool2d(2)(Z(1, 0, 4, 4)), RuntimeError, r"Expected 3D or 4D \(batch mode\) tensor with"),
    (lambda: nn.AdaptiveMaxPool1d(2)(Z(1, 0, 4)), RuntimeError, "non-zero size for non-batch dimensions"),
    (lambda: nn.LSTM(2, 0), ValueError, "hidden_size must be greater than zero; got 0"),
    (lambda: nn.LSTM(2, 3, 0), ValueError, "num_layers must be greater than zero; got 0"),
    (lambda: nn.LSTM(2, 3, proj_size=3), ValueError, "proj_size has to be smaller than hidden_size"),
    (lambda: nn.GRU(2, 3, proj_size=1), ValueError, "only supported for LSTM"),
    (lambda: nn.RNN(2, 3, nonlinearity="selu"), ValueError, "Unknown nonlinearity 'selu'"),
    (lambda: nn.LSTM(2, 3)(Z(4)), ValueError, "Expected input to be 2D or 3D, got 1D instead"),
    (lambda: nn.LSTM(2, 3)(Z(5, 1, 4)), RuntimeError, "Expected 2, got 4"),
    (lambda: nn.LSTM(2, 3).double()(Z(5, 1, 2)), ValueError, "input dtype .*float32.* does not match weight"),
    (
        lambda: nn.GRU(2, 3)(Z(5, 1, 2), Z(1, 3)),
        RuntimeError,
        r"For batched 3-D input, hx should also be 3-D but got \(2-D\)",
    ),
    (
        lambda: nn.LSTM(2, 3)(Z(5, 2), (Z(1, 3), Z(1, 1, 3))),
        RuntimeError,
        r"For unbatched 2-D input, hx and cx should also be 2-D but got \(2-D, 3-D\)",
    ),
    (lambda: nn.GRUCell(2, 3)(Z(1, 1, 2)), ValueError, "Expected input to be 1D or 2D, got 3D instead"),
    (lambda: nn.GRUCell(2, 3)(Z(1, 4)), RuntimeError, "inconsistent input_size: got 4 expected 2"),
    (lambda: nn.GRUCell(2, 3)(Z(2, 2), Z(1, 3)), RuntimeError, "batch size 2 doesn't match hidden0"),
    (lambda: nn.RNNCell(2, 3, nonlinearity="selu")(Z(1, 2)), RuntimeError, "Unknown nonlinearity: selu"),
    (lambda: nn.MultiheadAttention(0, 1), ValueError, "must be greater than 0, got embed_dim=0"),
    (lambda: nn.TransformerEncoderLayer(4, 2, activation="selu"), RuntimeError, "relu/gelu, not selu"),
    (lambda: TRANSFORMER(Z(3, 2, 4), Z(3, 1, 4)), RuntimeError, "batch number .* must be equal; got 2 and 1"),
    (lambda: TRANSFORMER(Z(3, 4), Z(3, 5)), RuntimeError, "must be equal to d_model; got 4, 5 and 4"),
    (lambda: nn.Unflatten("N", (2, 2)), TypeError, "dim must be int .* got 'N'"),
    (lambda: nn.Unflatten(1, 4), TypeError, "must be a tuple of ints, but found type int"),
    (lambda: nn.Unflatten(1, (2, "2")), TypeError, "found element of type str at pos 1"),
    (lambda: nn.BatchNorm1d(2)(Z(1, 2, 3, 4)), ValueError, r"expected 2D or 3D input \(got 4D input\)"),
    (lambda: nn.InstanceNorm1d(2, affine=True)(Z(3, 4)), ValueError, r"num_features \(2\), but got: 3"),
    (lambda: nn.GroupNorm(2, 3), ValueError, r"num_channels \(3\) must be divisible by num_groups \(2\)"),
    (lambda: nn.Softmax2d()(Z(2, 2)), ValueError, "expected input to be 3D or 4D, got 2D instead"),
    (lambda: nn.CircularPad1d(1)(Z(4)), ValueError, r"expected 2D or 3D input \(got 1D input\)"),
    (lambda: nn.Bilinear(0, 1, 1), ValueError, "in1_features must be > 0"),
    (lambda: nn.Dropout(1.5), ValueError, "has to be between 0 and 1, but got 1.5"),
    (lambda: nn.LazyConv1d(2, 1)(Z(4)), RuntimeError, r"Expected 2D \(unbatched\) or 3D \(batched\) input"),
    (lambda: nn.MultiMarginLoss(3), ValueError, "only p == 1 and p == 2 supported; got 3"),
    (lambda: nn.MultiMarginLoss(weight=Z(1, 1)), ValueError, "None or 1D tensor, got 2D"),
    (lambda: nn.TripletMarginLoss(margin=0), ValueError, "greater than 0, got 0"),
    (lambda: nn.TripletMarginWithDistanceLoss(margin=-1), ValueError, "greater than 0, got -1"),
]

FUNCTIONS: list[Refusal] = [
    (lambda: F.local_response_norm(Z(2, 2), 2), ValueError, r"3D or higher .* \(got 2 dimensions\)"),
    (lambda: F.max_unpool1d(Z(1, 2), Z(1, 3).long(), 2), RuntimeError, r"\(1, 2\).* shape: \(1, 3\)"),
    (lambda: F.max_unpool1d(Z(1, 2), Z(1, 2), 2), RuntimeError, "should be type int64 but got: .*float32"),
    (
        lambda: F.max_unpool1d(Z(1, 2), Z(1, 2).long(), 2, output_size=[1, 1, 1, 2]),
        ValueError,
        "containing 1 or 3 elements, but it has a length of '4'",
    ),
    (
        lambda: F.max_unpool1d(Z(1, 1, 2), Z(1, 1, 2).long(), 2, output_size=[7]),
        ValueError,
        r"invalid output_size \(7,\)",
    ),
    (
        lambda: F.max_unpool1d(Z(1, 2), rt.tensor([[0, 4]]), 2),
        RuntimeError,
        "invalid max index: 4; output has 4 places",
    ),
    (
        lambda: F.triplet_margin_with_distance_loss(*POINTS, reduction="most"),
        ValueError,
        "most is not a valid value for reduction",
    ),
    (
        lambda: F.triplet_margin_with_distance_loss(*POINTS, margin=0),
        ValueError,
        "margin must be greater than 0, got 0",
    ),
    (
        lambda: F.triplet_margin_with_distance_loss(Z(4), *POINTS[1:]),
        RuntimeError,
        "anchor 1D, positive 2D, and negative 2D",
    ),
    (lambda: attention(Z(1, 2, 3, 4)), AssertionError, "unbatched 2D or batched 3D tensor but received 4-D"),
    (
        lambda: attention(Z(3, 2, 4), key_padding_mask=Z(2, 3).long()),
        AssertionError,
        "only bool and floating types of key_padding_mask",
    ),
    (
        lambda: attention(Z(3, 2, 4), is_causal=True),
        RuntimeError,
        "Need attn_mask if specifying the is_causal",
    ),
    (
        lambda: attention(Z(3, 2, 4), attn_mask=Z(2, 3)),
        RuntimeError,
        r"2D attn_mask is \(2, 3\), but should be \(3, 3\)",
    ),
    (
        lambda: attention(Z(3, 2, 4), attn_mask=Z(2, 3, 3)),
        RuntimeError,
        r"3D attn_mask is \(2, 3, 3\), but should be \(4, 3, 3\)",
    ),
    (lambda: init.calculate_gain("leaky_relu", True), ValueError, "negative_slope True not a valid number"),
    (lambda: init.calculate_gain("swish"), ValueError, "Unsupported nonlinearity swish"),
    (lambda: init.eye_(Z(3)), ValueError, "Only tensors with 2 dimensions are supported; got 1"),
    (lambda: init.dirac_(Z(3, 3)), ValueError, "3, 4, or 5 dimensions are supported; got 2"),
    (lambda: init.dirac_(Z(3, 3, 1), 2), ValueError, "divisible by groups; got 3 and 2"),
    (lambda: init.xavier_normal_(Z(3)), ValueError, "fewer than 2 dimensions; got 1"),
    (lambda: init.kaiming_normal_(Z(3, 3), mode="fan_sum"), ValueError, "Mode fan_sum not supported"),
    (lambda: init.orthogonal_(Z(3)), ValueError, "2 or more dimensions are supported; got 1"),
    (lambda: init.sparse_(Z(3), 0.5), ValueError, "Only tensors with 2 dimensions are supported; got 1"),
    (lambda: packing.pack_padded_sequence(Z(0, 2), [1, 1]), RuntimeError, "Cannot pack empty tensors"),
    (lambda: packing.pack_padded_sequence(Z(3, 2), [1]), RuntimeError, r"got 1 \(batch_size=2\)"),
    (lambda: packing.pack_padded_sequence(Z(3, 2), [1, 0]), RuntimeError, "has to be greater than 0"),
    pytest.param(
        lambda: packing.PackedSequence(Z(2), rt.tensor([1, 1]).to("emulator")),
        ValueError,
        "batch_sizes should always be on CPU.*got emulator",
        marks=pytest.mark.emulator,
    ),
    pytest.param(
        lambda: nn.utils.parameters_to_vector([Z(1), Z(1).to("emulator")]),
        TypeError,
        "on different devices, .*; got cpu and emulator",
        marks=pytest.mark.emulator,
    ),
    (
        lambda: nn.utils.vector_to_parameters([1.0], [Z(1)]),
        TypeError,
        "expected rustorch.Tensor, but got: list",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), [*MODULES, *LAYERS, *FUNCTIONS], ids=itertools.count())
def test_refused(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
