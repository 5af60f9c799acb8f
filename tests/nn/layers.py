"""One table of layers with their arguments and inputs, for the tests here and for those in tests/parity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Rng = np.random.Generator
Draw = Callable[[Rng], np.ndarray]


def real(*shape: int) -> Draw:
    """Normal numbers, kept away from the kinks that activations have at small round values."""
    return lambda rng: rng.normal(size=shape)


def unit(*shape: int) -> Draw:
    return lambda rng: rng.uniform(0.05, 0.95, size=shape)


def below(high: int, *shape: int) -> Draw:
    return lambda rng: rng.integers(0, high, size=shape)


def sign(*shape: int) -> Draw:
    return lambda rng: rng.choice([-1.0, 1.0], size=shape)


def fixed(values: Any) -> Draw:
    return lambda rng: np.array(values)


@dataclass
class Layer:
    """A layer: its name in ``nn``, constructor arguments, and how to draw its inputs.

    ``random`` layers draw numbers in training, so they are compared in evaluation mode only.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Draw, ...] = (real(2, 3),)
    random: bool = False

    @property
    def id(self) -> str:
        options = [str(a) for a in self.args] + [f"{k}={v}" for k, v in self.kwargs.items()]
        shapes = "x".join(str(d(np.random.default_rng(0)).shape) for d in self.inputs)
        return f"{self.name}({', '.join(options)}) {shapes}".replace(" ", "")

    def draw(self, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [draw(rng) for draw in self.inputs]


def L(name: str, *args: Any, x: Any = None, random: bool = False, **kwargs: Any) -> Layer:
    inputs = (real(2, 3),) if x is None else (x if isinstance(x, tuple) else (x,))
    return Layer(name, args, kwargs, inputs, random)


ACTIVATIONS = [
    L("Identity"),
    L("ReLU"),
    L("ReLU", inplace=True),
    L("ReLU6"),
    L("RReLU", random=True),
    L("RReLU", 0.1, 0.3, inplace=True, random=True),
    L("Hardtanh"),
    L("Hardtanh", -0.5, 0.7),
    L("Sigmoid"),
    L("Hardsigmoid"),
    L("Tanh"),
    L("SiLU"),
    L("Mish"),
    L("Hardswish"),
    L("ELU"),
    L("ELU", 0.5, inplace=True),
    L("CELU"),
    L("CELU", 0.75),
    L("SELU"),
    L("GLU", x=real(2, 4)),
    L("GLU", 0, x=real(4, 3)),
    L("GELU"),
    L("GELU", "tanh"),
    L("Hardshrink"),
    L("Hardshrink", 0.2),
    L("LeakyReLU"),
    L("LeakyReLU", 0.3, inplace=True),
    L("LogSigmoid"),
    L("Softplus"),
    L("Softplus", 2.0, 3.0),
    L("Softshrink"),
    L("Softshrink", 0.1),
    L("PReLU"),
    L("PReLU", 3),
    L("Softsign"),
    L("Tanhshrink"),
    L("Threshold", 0.1, 20.0),
    L("Softmax", 1),
    L("Softmin", 1),
    L("LogSoftmax", -1),
    L("Softmax2d", x=real(2, 3, 2, 2)),
]

LINEAR = [
    L("Linear", 3, 4),
    L("Linear", 3, 4, bias=False, x=real(2, 5, 3)),
    L("Linear", 3, 1, x=real(3)),
    L("Bilinear", 3, 2, 4, x=(real(5, 3), real(5, 2))),
    L("Bilinear", 3, 2, 4, bias=False, x=(real(2, 5, 3), real(2, 5, 2))),
    L("Flatten", x=real(2, 3, 4)),
    L("Flatten", 0, 1, x=real(2, 3, 4)),
    L("Unflatten", 1, (2, 3), x=real(2, 6)),
]

CONVOLUTIONS = [
    L("Conv1d", 2, 4, 3, x=real(2, 2, 7)),
    L("Conv1d", 2, 4, 3, stride=2, padding=1, x=real(2, 7)),
    L("Conv1d", 2, 4, 4, padding="same", x=real(2, 2, 7)),
    L("Conv1d", 2, 2, 3, padding=2, padding_mode="reflect", x=real(2, 2, 7)),
    L("Conv2d", 2, 4, 3, x=real(2, 2, 6, 5)),
    L("Conv2d", 4, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, x=real(2, 4, 6, 5)),
    L("Conv2d", 2, 4, 3, padding="same", dilation=2, bias=False, x=real(2, 2, 6, 5)),
    L("Conv2d", 2, 4, 3, padding="valid", x=real(2, 6, 5)),
    L("Conv2d", 2, 4, 3, padding=1, padding_mode="circular", x=real(1, 2, 6, 5)),
    L("Conv2d", 2, 4, (4, 3), padding="same", padding_mode="replicate", x=real(1, 2, 6, 5)),
    L("Conv3d", 2, 4, 2, x=real(1, 2, 3, 4, 3)),
    L("Conv3d", 2, 2, (1, 2, 1), stride=2, groups=2, bias=False, x=real(2, 3, 4, 3)),
    L("ConvTranspose1d", 2, 4, 3, stride=2, x=real(2, 2, 5)),
    L("ConvTranspose1d", 2, 4, 3, stride=2, output_padding=1, padding=1, x=real(2, 5)),
    L("ConvTranspose2d", 2, 4, 3, x=real(2, 2, 3, 4)),
    L("ConvTranspose2d", 4, 4, (3, 2), stride=(2, 1), groups=2, dilation=2, bias=False, x=real(1, 4, 3, 4)),
    L("ConvTranspose3d", 2, 4, 2, x=real(1, 2, 2, 3, 2)),
]

NORMS = [
    L("BatchNorm1d", 3, x=real(4, 3)),
    L("BatchNorm1d", 3, momentum=None, x=real(4, 3, 5)),
    L("BatchNorm1d", 3, affine=False, x=real(4, 3)),
    L("BatchNorm1d", 3, track_running_stats=False, x=real(4, 3)),
    L("BatchNorm2d", 3, eps=1e-3, momentum=0.5, x=real(4, 3, 2, 2)),
    L("BatchNorm2d", 3, bias=False, x=real(4, 3, 2, 2)),
    L("BatchNorm3d", 3, x=real(2, 3, 2, 2, 2)),
    L("InstanceNorm1d", 3, x=real(2, 3, 5)),
    L("InstanceNorm1d", 3, affine=True, track_running_stats=True, x=real(3, 5)),
    L("InstanceNorm2d", 3, affine=True, x=real(2, 3, 4, 4)),
    L("InstanceNorm3d", 3, x=real(2, 3, 2, 2, 2)),
    L("LayerNorm", 3),
    L("LayerNorm", (2, 3), eps=1e-3, bias=False, x=real(4, 2, 3)),
    L("LayerNorm", 3, elementwise_affine=False),
    L("GroupNorm", 2, 4, x=real(2, 4, 3)),
    L("GroupNorm", 4, 4, affine=False, x=real(2, 4, 3, 3)),
    L("RMSNorm", 3),
    L("RMSNorm", (2, 3), eps=1e-3, elementwise_affine=False, x=real(4, 2, 3)),
    L("LocalResponseNorm", 2, x=real(2, 5, 3)),
    L("LocalResponseNorm", 3, alpha=0.1, beta=0.5, k=2.0, x=real(2, 5, 3, 3)),
]

DROPOUTS = [
    L("Dropout", random=True),
    L("Dropout", 0.3, inplace=True, random=True),
    L("Dropout1d", x=real(2, 3, 4), random=True),
    L("Dropout2d", x=real(2, 3, 2, 2), random=True),
    L("Dropout3d", x=real(2, 3, 2, 2, 2), random=True),
    L("AlphaDropout", random=True),
    L("FeatureAlphaDropout", x=real(2, 3, 4), random=True),
]

POOLING = [
    L("MaxPool1d", 2, x=real(2, 3, 7)),
    L("MaxPool1d", 3, stride=2, padding=1, ceil_mode=True, x=real(3, 8)),
    L("MaxPool2d", 2, x=real(2, 3, 6, 5)),
    L("MaxPool2d", (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), x=real(2, 3, 6, 5)),
    L("MaxPool3d", 2, x=real(1, 2, 4, 4, 4)),
    L("AvgPool1d", 2, x=real(2, 3, 7)),
    L("AvgPool1d", 3, stride=2, padding=1, count_include_pad=False, x=real(2, 3, 7)),
    L("AvgPool2d", 2, x=real(2, 3, 6, 5)),
    L("AvgPool2d", 3, stride=2, padding=1, ceil_mode=True, divisor_override=2, x=real(2, 3, 6, 5)),
    L("AvgPool3d", 2, x=real(1, 2, 4, 4, 4)),
    L("LPPool1d", 2, 3, x=real(2, 3, 7)),
    L("LPPool2d", 2, (3, 2), stride=1, x=real(2, 3, 6, 5)),
    L("LPPool3d", 2, 2, x=real(2, 3, 4, 4, 4)),
    L("AdaptiveAvgPool1d", 3, x=real(2, 3, 7)),
    L("AdaptiveAvgPool2d", (2, None), x=real(2, 3, 5, 4)),
    L("AdaptiveAvgPool3d", 2, x=real(1, 2, 3, 4, 5)),
    L("AdaptiveMaxPool1d", 3, x=real(2, 3, 7)),
    L("AdaptiveMaxPool2d", (2, 3), x=real(2, 3, 5, 4)),
    L("AdaptiveMaxPool3d", 2, x=real(1, 2, 3, 4, 5)),
    L("MaxUnpool1d", 2, x=(real(1, 1, 3), fixed([[[1, 2, 5]]]))),
    L("MaxUnpool2d", 2, x=(real(1, 1, 2, 2), fixed([[[[5, 2], [8, 15]]]]))),
    L("MaxUnpool3d", 1, x=(real(1, 1, 1, 1, 2), fixed([[[[[1, 0]]]]]))),
]

SHAPES = [
    L("Fold", (4, 5), (2, 2), x=real(2, 8, 12)),
    L("Fold", (4, 4), 2, stride=2, padding=1, dilation=1, x=real(12, 9)),
    L("Unfold", (2, 2), x=real(2, 3, 4, 5)),
    L("Unfold", 3, padding=1, stride=2, dilation=1, x=real(2, 3, 4, 5)),
    L("PixelShuffle", 2, x=real(2, 8, 2, 3)),
    L("PixelUnshuffle", 2, x=real(2, 2, 4, 6)),
    L("ChannelShuffle", 2, x=real(2, 4, 3)),
    L("Upsample", scale_factor=2, x=real(1, 2, 3)),
    L("Upsample", size=(5, 7), mode="bilinear", align_corners=True, x=real(1, 2, 3, 4)),
    L("Upsample", scale_factor=(1.5, 2.0), mode="bilinear", x=real(1, 2, 4, 4)),
    L("UpsamplingNearest2d", scale_factor=2, x=real(1, 2, 3, 3)),
    L("UpsamplingBilinear2d", (4, 6), x=real(1, 2, 3, 3)),
    L("ZeroPad1d", 2, x=real(2, 3, 4)),
    L("ZeroPad2d", (1, 2, 0, -1), x=real(2, 3, 4, 4)),
    L("ZeroPad3d", 1, x=real(2, 3, 2, 2, 2)),
    L("ConstantPad1d", (1, 2), 3.5, x=real(2, 3, 4)),
    L("ConstantPad2d", 1, 2.0, x=real(2, 3, 4, 4)),
    L("ConstantPad3d", 1, 2.0, x=real(2, 3, 2, 2, 2)),
    L("ReflectionPad1d", (1, 2), x=real(2, 3, 4)),
    L("ReflectionPad2d", (1, 2, 0, 1), x=real(2, 3, 4, 4)),
    L("ReflectionPad3d", 1, x=real(1, 2, 3, 3, 3)),
    L("ReplicationPad1d", (1, 2), x=real(2, 3, 4)),
    L("ReplicationPad2d", (1, 2, 0, 1), x=real(2, 3, 4, 4)),
    L("ReplicationPad3d", 1, x=real(1, 2, 2, 2, 2)),
    L("CircularPad1d", (1, 2), x=real(2, 3, 4)),
    L("CircularPad2d", (1, 2, 0, 1), x=real(2, 3, 4, 4)),
    L("CircularPad3d", 1, x=real(1, 2, 2, 2, 2)),
]

EMBEDDINGS = [
    L("Embedding", 7, 3, x=below(7, 2, 4)),
    L("Embedding", 7, 3, padding_idx=2, x=fixed([[2, 1, 2], [0, 6, 6]])),
    L("Embedding", 7, 3, padding_idx=-1, max_norm=1.0, norm_type=1.0, x=fixed([6, 1, 2])),
    L("Embedding", 7, 3, scale_grad_by_freq=True, x=fixed([2, 2, 1])),
    L("EmbeddingBag", 7, 3, x=below(7, 2, 4)),
    L("EmbeddingBag", 7, 3, mode="sum", x=(below(7, 6), fixed([0, 2, 2]))),
    L("EmbeddingBag", 7, 3, mode="max", x=below(7, 2, 4)),
    L("EmbeddingBag", 7, 3, mode="mean", padding_idx=1, x=fixed([[1, 1], [1, 2]])),
    L("EmbeddingBag", 7, 3, mode="sum", include_last_offset=True, x=(below(7, 6), fixed([0, 2, 6]))),
]

RECURRENT = [
    L("RNN", 3, 4, x=real(5, 2, 3)),
    L("RNN", 3, 4, num_layers=2, nonlinearity="relu", batch_first=True, x=real(2, 5, 3)),
    L("RNN", 3, 4, bias=False, bidirectional=True, x=real(5, 3)),
    L("LSTM", 3, 4, x=real(5, 2, 3)),
    L("LSTM", 3, 4, 2, bidirectional=True, batch_first=True, x=real(2, 5, 3)),
    L("LSTM", 3, 4, 2, proj_size=2, bidirectional=True, x=real(5, 2, 3)),
    L("LSTM", 3, 4, 2, bias=False, dropout=0.5, x=real(5, 2, 3), random=True),
    L("GRU", 3, 4, x=real(5, 2, 3)),
    L("GRU", 3, 4, 2, bidirectional=True, x=real(5, 3)),
    L("RNNCell", 3, 4, x=real(2, 3)),
    L("RNNCell", 3, 4, nonlinearity="relu", bias=False, x=(real(3), real(4))),
    L("LSTMCell", 3, 4, x=real(2, 3)),
    L("LSTMCell", 3, 4, bias=False, x=real(3)),
    L("GRUCell", 3, 4, x=(real(2, 3), real(2, 4))),
    L("GRUCell", 3, 4, x=real(3)),
]

ATTENTION = [
    L("MultiheadAttention", 4, 2, x=(real(3, 2, 4), real(5, 2, 4), real(5, 2, 4))),
    L("MultiheadAttention", 4, 2, batch_first=True, x=(real(2, 3, 4),) * 3),
    L("MultiheadAttention", 4, 2, bias=False, x=(real(3, 4), real(5, 4), real(5, 4))),
    L("MultiheadAttention", 4, 2, kdim=3, vdim=5, x=(real(3, 2, 4), real(5, 2, 3), real(5, 2, 5))),
    L("MultiheadAttention", 4, 2, add_bias_kv=True, add_zero_attn=True, x=(real(3, 2, 4),) * 3),
    L("TransformerEncoderLayer", 4, 2, 8, dropout=0.0, x=real(3, 2, 4)),
    L("TransformerEncoderLayer", 4, 2, 8, 0.1, "gelu", norm_first=True, x=real(3, 2, 4), random=True),
    L("TransformerEncoderLayer", 4, 2, 8, 0.0, bias=False, batch_first=True, x=real(3, 2, 4)),
    L("TransformerDecoderLayer", 4, 2, 8, dropout=0.0, x=(real(3, 2, 4), real(5, 2, 4))),
    L(
        "TransformerDecoderLayer",
        *(4, 2, 8),
        dropout=0.0,
        norm_first=True,
        batch_first=True,
        x=(real(2, 3, 4), real(2, 5, 4)),
    ),
    L("Transformer", 4, 2, 1, 2, 8, 0.0, x=(real(5, 2, 4), real(3, 2, 4))),
]

DISTANCES = [
    L("CosineSimilarity", x=(real(2, 3), real(2, 3))),
    L("CosineSimilarity", 0, 1e-6, x=(real(2, 3), real(2, 3))),
    L("PairwiseDistance", x=(real(2, 3), real(2, 3))),
    L("PairwiseDistance", 1, keepdim=True, x=(real(2, 3), real(2, 3))),
]

PAIR = (real(3, 4), real(3, 4))

LOSSES = [
    L("L1Loss", x=PAIR),
    L("MSELoss", x=PAIR),
    L("MSELoss", reduction="sum", x=PAIR),
    L("SmoothL1Loss", beta=0.5, x=PAIR),
    L("HuberLoss", delta=0.7, x=PAIR),
    L("NLLLoss", x=(real(3, 4), below(4, 3))),
    L("NLLLoss", ignore_index=1, reduction="sum", x=(real(3, 4, 2), below(4, 3, 2))),
    L("CrossEntropyLoss", x=(real(3, 4), below(4, 3))),
    L("CrossEntropyLoss", label_smoothing=0.1, x=(real(3, 4), below(4, 3))),
    L("CrossEntropyLoss", reduction="none", x=(real(3, 4), unit(3, 4))),
    L("CrossEntropyLoss", ignore_index=2, x=(real(3, 4, 2), below(4, 3, 2))),
    L("BCELoss", x=(unit(3, 4), unit(3, 4))),
    L("BCEWithLogitsLoss", x=(real(3, 4), unit(3, 4))),
    L("KLDivLoss", reduction="batchmean", x=(real(3, 4), unit(3, 4))),
    L("KLDivLoss", log_target=True, reduction="sum", x=PAIR),
    L("PoissonNLLLoss", x=(real(3, 4), unit(3, 4))),
    L("PoissonNLLLoss", log_input=False, full=True, x=(unit(3, 4), fixed(np.arange(12.0).reshape(3, 4)))),
    L("GaussianNLLLoss", x=(real(3, 4), real(3, 4), unit(3, 4))),
    L("GaussianNLLLoss", full=True, eps=0.3, reduction="sum", x=(real(3, 4), real(3, 4), unit(3, 1))),
    L("GaussianNLLLoss", x=(real(3, 4), real(3, 4), unit(3))),
    L("SoftMarginLoss", x=(real(3, 4), sign(3, 4))),
    L("HingeEmbeddingLoss", margin=0.5, x=(real(3, 4), sign(3, 4))),
    L("MarginRankingLoss", margin=0.1, x=(real(3), real(3), sign(3))),
    L("CosineEmbeddingLoss", margin=0.1, x=(real(3, 4), real(3, 4), sign(3))),
    L("CosineEmbeddingLoss", reduction="none", x=(real(4), real(4), fixed(-1))),
    L("AdaptiveLogSoftmaxWithLoss", 8, 12, [3, 7], x=(real(5, 8), below(12, 5))),
    L("AdaptiveLogSoftmaxWithLoss", 8, 12, [4], div_value=2.0, head_bias=True, x=(real(5, 8), below(4, 5))),
    L("AdaptiveLogSoftmaxWithLoss", 8, 12, [3, 7], x=(real(8), fixed(9))),
    L("MultiMarginLoss", x=(real(3, 4), below(4, 3))),
    L("MultiMarginLoss", p=2, margin=0.5, reduction="none", x=(real(3, 4), below(4, 3))),
    L("MultiMarginLoss", x=(real(4), fixed(2))),
    L("MultiLabelMarginLoss", x=(real(2, 4), fixed([[3, 0, -1, 1], [2, -1, 0, 0]]))),
    L("MultiLabelMarginLoss", reduction="none", x=(real(4), fixed([3, 0, 1, 2]))),
    L("MultiLabelSoftMarginLoss", x=(real(3, 4), below(2, 3, 4))),
    L("TripletMarginLoss", x=(real(3, 4), real(3, 4), real(3, 4))),
    L(
        "TripletMarginLoss",
        margin=0.5,
        p=1,
        swap=True,
        reduction="sum",
        x=(real(3, 4), real(3, 4), real(3, 4)),
    ),
    L("TripletMarginWithDistanceLoss", swap=True, x=(real(3, 4), real(3, 4), real(3, 4))),
    L("CTCLoss", x=(real(6, 2, 4), fixed([[1, 2, 2], [3, 1, 0]]), fixed([6, 5]), fixed([3, 2]))),
    L("CTCLoss", 3, "sum", x=(real(6, 2, 4), fixed([1, 1, 2]), fixed([6, 5]), fixed([1, 2]))),
    L(
        "CTCLoss",
        reduction="none",
        zero_infinity=True,
        x=(real(2, 2, 4), fixed([[1, 1], [3, 1]]), fixed([2, 2]), fixed([2, 2])),
    ),
    L("CTCLoss", x=(real(6, 4), fixed([1, 2, 2]), fixed(6), fixed(3))),
]

LAYERS = [
    *ACTIVATIONS,
    *LINEAR,
    *CONVOLUTIONS,
    *NORMS,
    *DROPOUTS,
    *POOLING,
    *SHAPES,
    *EMBEDDINGS,
    *RECURRENT,
    *ATTENTION,
    *DISTANCES,
    *LOSSES,
]
