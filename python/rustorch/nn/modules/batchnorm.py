"""Normalisation over the batch."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.modules.lazy import LazyModuleMixin
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter, is_lazy


class _NormBase(Module):
    """Affine parameters and running statistics of batch and instance norm."""

    _version = 2  # 2 brought num_batches_tracked
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            if wanted:
                setattr(self, name, Parameter(rt.empty(num_features, device=device, dtype=dtype)))
            else:
                self.register_parameter(name, None)
        if track_running_stats:
            self.register_buffer("running_mean", rt.zeros(num_features, device=device, dtype=dtype))
            self.register_buffer("running_var", rt.ones(num_features, device=device, dtype=dtype))
            self.register_buffer("num_batches_tracked", rt.tensor(0, dtype=rt.int64, device=device))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the statistics: mean 0, variance 1, no batches."""
        if self.track_running_stats:
            assert self.running_mean is not None and self.running_var is not None
            assert self.num_batches_tracked is not None
            with rt.no_grad():
                self.running_mean.zero_()
                self.running_var.fill_(1)
                self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the statistics and set the affine map to the identity."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any, **kwargs: Any
    ) -> None:
        version = local_metadata.get("version", None)
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            # Written before the counter existed: keep ours, or start from zero.
            current = self.num_batches_tracked
            known = current is not None and current.device.type != "meta"
            state_dict[key] = current if known else rt.tensor(0, dtype=rt.int64)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest, **kwargs)


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # cumulative average instead of an exponential one
                factor = 1.0 / float(self.num_batches_tracked)
        use_batch = self.training or (self.running_mean is None and self.running_var is None)
        keep = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if keep else None,
            self.running_var if keep else None,
            self.weight,
            self.bias,
            use_batch,
            factor,
            self.eps,
        )


def _expect_dims(input: Tensor, dims: tuple[int, ...]) -> None:
    if input.dim() not in dims:
        expected = " or ".join(f"{d}D" for d in dims)
        raise ValueError(f"expected {expected} input (got {input.dim()}D input)")


class BatchNorm1d(_BatchNorm):
    """Each feature of (N, C) or (N, C, L) to zero mean and unit variance over the batch, then ``weight x +
    bias``.

    Training uses the batch's statistics and updates the running ones by ``momentum`` (None: cumulative
    average); evaluation uses the running ones (Ioffe and Szegedy, 2015). As ``torch.nn.BatchNorm1d``.

    >>> [round(v, 2) for v in nn.BatchNorm1d(1)(rt.tensor([[1.0], [3.0]])).flatten().tolist()]
    [-1.0, 1.0]
    """

    def _check_input_dim(self, input: Tensor) -> None:
        _expect_dims(input, (2, 3))


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of each channel of (N, C, H, W); see :class:`BatchNorm1d`.

    >>> nn.BatchNorm2d(3)(rt.ones(2, 3, 4, 4)).shape == (2, 3, 4, 4)
    True
    """

    def _check_input_dim(self, input: Tensor) -> None:
        _expect_dims(input, (4,))


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of each channel of (N, C, D, H, W); see :class:`BatchNorm1d`.

    >>> nn.BatchNorm3d(3)(rt.ones(2, 3, 2, 2, 2)).shape == (2, 3, 2, 2, 2)
    True
    """

    def _check_input_dim(self, input: Tensor) -> None:
        _expect_dims(input, (5,))


class _LazyNormBase(LazyModuleMixin):
    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any
    num_features: int
    affine: bool
    track_running_stats: bool

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        # The parent is made without members, which are then named as placeholders.
        super().__init__(0, eps, momentum, False, False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = rt.tensor(0, dtype=rt.int64, device=device)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()  # type: ignore[misc]

    def _channels(self, input: Tensor) -> int:
        return input.shape[1]

    def initialize_parameters(self, input: Tensor) -> None:
        waiting = self.has_uninitialized_params()
        if self.num_features == 0:
            self.num_features = self._channels(input)
        for tensor in (self.weight, self.bias, self.running_mean, self.running_var):
            if is_lazy(tensor):
                tensor.materialize((self.num_features,))
        if waiting:
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):
    """A BatchNorm1d that learns ``num_features`` from its first input.

    >>> nn.LazyBatchNorm1d()(rt.ones(2, 3)).shape == (2, 3)
    True
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):
    """A BatchNorm2d that learns ``num_features`` from its first input.

    >>> nn.LazyBatchNorm2d()(rt.ones(2, 3, 1, 1)).shape == (2, 3, 1, 1)
    True
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):
    """A BatchNorm3d that learns ``num_features`` from its first input.

    >>> nn.LazyBatchNorm3d()(rt.ones(2, 3, 1, 1, 1)).shape == (2, 3, 1, 1, 1)
    True
    """

    cls_to_become = BatchNorm3d
