"""Where we answer otherwise than PyTorch on purpose, or the answer is not determined; with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .failures import Known

# Values are drawn: shapes and dtypes are compared.
RANDOM = {
    "bernoulli",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "multinomial",
    "new_empty",
    "new_empty_strided",
    "nn.functional.alpha_dropout",
    "nn.functional.dropout",
    "nn.functional.dropout2d",
    "nn.functional.dropout3d",
    "nn.functional.feature_alpha_dropout",
    "nn.functional.rrelu",
    "normal",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
}

# What of a result is determined: eigenvectors up to a factor, indices of equal values up to order.
INVARIANTS: dict[str, Callable[[Any], Any]] = {
    "argsort": lambda r: r.sort(0).values if r.ndim else r,
    "kthvalue": lambda r: r[0],
    "linalg.eigh": lambda r: (r[0], r[1].abs()),
    "linalg.svd": lambda r: r[1],
    "mode": lambda r: r[0],
    "sort": lambda r: r[0],
    "svd": lambda r: r[1],
    "topk": lambda r: r[0],
}


KNOWN = [
    Known(
        "__rdiv__",
        "AttributeError, not TypeError",
        "called on a number it is a method without its tensor, which PyTorch finds out later",
    ),
    Known(
        "nn_functional_embedding(_bag)?",
        "sparse gradients are not supported",
        "there are no sparse tensors",
    ),
    Known(
        "as_strided_scatter",
        "^gradient",
        "PyTorch's gradient of it fails its own check (an expected failure in its entry)",
    ),
    Known(
        "masked_select|gather|take|index_select|cat|scatter.*|kthvalue",
        r"out=.*no error",
        "an out= that shares memory with an argument is safe here: results are made apart, then copied",
    ),
    Known(
        "arange|linalg_cholesky",
        r"out=.*(no error|can't be cast|step must be nonzero)",
        "out= takes any dtype that the result can be cast to, and says so where it cannot",
    ),
    Known(
        "(bitwise|pow|float_power|remainder|xlogy|special_xlog1py|special_zeta).*",
        r"\(2, 3\)\n.*no error",
        "two Python numbers are computed with, as they are by torch.add",
    ),
    Known(
        "istft",
        "gradient 1: .*PyTorch has 0.0",
        "PyTorch leaves a real window out of the graph; finite differences have our gradient",
    ),
    Known(
        "nn_functional_adaptive_(avg|max)_pool[123]d",
        r"output_size=\[-1.*no error",
        "-1 keeps the size, as None does",
    ),
    Known(
        "(lin|log)space.*",
        r"must be Number",
        "start and end are numbers; a tensor of several is a TypeError",
    ),
    Known(
        "polygamma.*|special_polygamma.*",
        r"float32.*1 of 25 values",
        "next to a pole, where float32 arguments lie too far apart",
    ),
    Known(
        "nn_functional_adaptive_(avg|max)_pool[123]d",
        "ValueError, not OpError",
        "an input of too few dims is one error, whether output_size is a number or a list",
    ),
    Known(
        "narrow_copy",
        "Dimension out of range",
        "a dim out of range is an IndexError, as in torch.narrow",
    ),
    Known(
        "matrix_exp",
        "float32.*2 of 125 values differ",
        "errors are small against the matrix, not against its smallest element",
    ),
    Known(
        "fft_ihfft[2n]",
        "^out of",
        "PyTorch leaves its out= unwritten",
    ),
    Known(
        "addbmm",
        "inplace of .*doesn't match the broadcast shape",
        "a tensor cannot be written with a result that is larger, as in torch.Tensor.add_",
    ),
    Known(
        "nn_functional_batch_norm",
        r"float32\[0\] = \[\].*Dimension out of range",
        "a tensor of one dim has no channels, empty or not",
    ),
]
