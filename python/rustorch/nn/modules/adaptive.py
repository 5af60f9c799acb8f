"""The adaptive softmax, for outputs of very many classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import Tensor
from rustorch.nn.modules.container import ModuleList, Sequential
from rustorch.nn.modules.linear import Linear
from rustorch.nn.modules.module import Module


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """The adaptive softmax (Grave et al., 2017): frequent classes first, rare ones in clusters of their own.

    Classes are numbered from frequent to rare. Those below ``cutoffs[0]`` are in the head, with one entry for
    each cluster that follows; cluster i projects to ``in_features / div_value ** (i + 1)`` features. Called
    with inputs (N, in_features) and targets (N), or one of each without N, it gives each target's log
    probability and their mean, negated. As ``torch.nn.AdaptiveLogSoftmaxWithLoss``.

    >>> m = nn.AdaptiveLogSoftmaxWithLoss(8, 10, cutoffs=[4, 8])
    >>> out = m(rt.ones(2, 8), rt.tensor([1, 9]))
    >>> out.output.shape, m.log_prob(rt.ones(2, 8)).shape
    (rustorch.Size([2]), rustorch.Size([2, 10]))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(set(cutoffs))
            or cutoffs[0] <= 0
            or cutoffs[-1] > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                "where each value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **factory)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **factory),
                    Linear(hidden, size, bias=False, **factory),
                )
            )

    def reset_parameters(self) -> None:
        """Draws the weights anew."""
        self.head.reset_parameters()
        for layer in self.tail.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> _ASMoutput:
        """(log probabilities of the targets, their mean negated)."""
        dims = target.dim()
        if dims == 1:
            if input.shape[0] != target.shape[0]:
                raise RuntimeError("Input and target should have the same size in the batch dimension.")
            if input.dim() != 2:
                raise RuntimeError(
                    f"1D target tensor expects 2D input tensors, but found inputs with size {input.shape}"
                )
        elif dims == 0:
            if input.dim() != 1:
                raise RuntimeError(
                    f"0D target tensor expects 1D input tensors, but found inputs with size {input.shape}"
                )
            input, target = input.unsqueeze(0), target.unsqueeze(0)
        else:
            raise RuntimeError(
                "0D or 1D target tensor expected, multi-target not supported; got a target of shape "
                f"{target.shape}"
            )
        if bool(((target < 0) | (target >= self.n_classes)).any()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        head = F.log_softmax(self.head(input), dim=1)
        # A target in a cluster is first the cluster's entry in the head.
        entry = target
        for i in range(self.n_clusters):
            inside = (target >= self.cutoffs[i]) & (target < self.cutoffs[i + 1])
            entry = entry.masked_fill(inside, self.shortlist_size + i)
        output = head.gather(1, entry.unsqueeze(1)).squeeze(1)
        for i in range(self.n_clusters):
            inside = (target >= self.cutoffs[i]) & (target < self.cutoffs[i + 1])
            rows = inside.nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            within = F.log_softmax(self.tail[i](input.index_select(0, rows)), dim=1)
            chosen = (target.index_select(0, rows) - self.cutoffs[i]).unsqueeze(1)
            output = output.index_add(0, rows, within.gather(1, chosen).squeeze(1))
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if dims == 0 else output, loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """Log probabilities of all classes: (N, in_features) -> (N, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i in range(self.n_clusters):
            cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(self.tail[i](input), dim=1) + cluster)
        return rt.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each input: (N, in_features) -> (N)."""
        return self.log_prob(input).argmax(1)
