"""PyTorch's ModuleInfo database as cases: the same module in both libraries, with the same parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence
from torch.testing._internal.common_modules import ErrorModuleInput, ModuleInfo, ModuleInput, module_db

import rustorch as rt

from .opinfo import argument, counterpart, show_call, tensor_of

MODULES: list[ModuleInfo] = [info for info in module_db if hasattr(rt.nn, info.module_cls.__name__)]


def carried(value: Any, tensors: list[tuple[torch.Tensor, Any]]) -> Any:
    """`value` in our terms, as `argument`; a packed sequence and a layer keep what they are."""
    if isinstance(value, PackedSequence):
        return rt.nn.utils.rnn.PackedSequence(*(carried(v, tensors) for v in value))
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return encoder_layer(value)
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        return type(value)([carried(v, tensors) for v in value])
    if isinstance(value, dict):
        return {k: carried(v, tensors) for k, v in value.items()}
    return argument(value, tensors)


def encoder_layer(layer: torch.nn.TransformerEncoderLayer) -> Any:
    mine = rt.nn.TransformerEncoderLayer(
        layer.linear1.in_features,
        layer.self_attn.num_heads,
        layer.linear1.out_features,
        layer.dropout.p,
        counterpart(layer.activation),
        layer.norm1.eps,
        layer.self_attn.batch_first,
        layer.norm_first,
        bias=layer.linear1.bias is not None,
    )
    mine.load_state_dict(state_of(layer))
    return mine


def state_of(module: torch.nn.Module) -> dict[str, Any]:
    return {k: tensor_of(v) for k, v in module.state_dict().items()}


class Pair:
    """One sample of a module, made in both libraries."""

    def __init__(self, info: ModuleInfo, sample: ModuleInput, dtype: torch.dtype, training: bool) -> None:
        self.info, self.sample, self.dtype, self.training = info, sample, dtype, training
        self.theirs = self.make_theirs()
        self.mine = self.make_mine()

    def make_theirs(self) -> torch.nn.Module:
        made = self.info.module_cls(
            *self.sample.constructor_input.args, **self.sample.constructor_input.kwargs
        )
        return made.to(self.dtype).train(self.training)

    def make_mine(self) -> Any:
        given = self.sample.constructor_input
        args, kwargs = carried(list(given.args), []), carried(given.kwargs, [])
        made = getattr(rt.nn, self.info.module_cls.__name__)(*args, **kwargs)
        return made.to(getattr(rt, str(self.dtype).removeprefix("torch."))).train(self.training)

    def inputs(self) -> tuple[list[Any], dict[str, Any], list[tuple[torch.Tensor, Any]]]:
        """The arguments of forward for ours, and which of their tensors belongs to which of ours."""
        tensors: list[tuple[torch.Tensor, Any]] = []
        given = self.sample.forward_input
        return carried(list(given.args), tensors), carried(given.kwargs, tensors), tensors

    def call_theirs(self) -> Any:
        return self.theirs(*self.sample.forward_input.args, **self.sample.forward_input.kwargs)

    def share_parameters(self) -> None:
        """Theirs in ours; lazy modules take a first step to learn their shapes, each by itself."""
        if self.info.is_lazy:
            with torch.no_grad(), rt.no_grad():
                self.call_theirs()
                args, kwargs, _ = self.inputs()
                self.mine(*args, **kwargs)
        self.mine.load_state_dict(state_of(self.theirs))

    def is_random(self) -> bool:
        """Whether a dropout draws numbers: a module, attention or one between recurrent layers."""

        def rate(module: torch.nn.Module) -> float:
            found = [getattr(module, name, 0.0) for name in ("p", "dropout")]
            return max((r for r in found if isinstance(r, float)), default=0.0)

        return self.training and any(rate(m) > 0 for m in self.theirs.modules())

    def __str__(self) -> str:
        def call(given: Any) -> str:
            return show_call(given.args, given.kwargs)

        mode = "train" if self.training else "eval"
        forward = call(self.sample.forward_input) if self.sample.forward_input is not None else ""
        return f"{self.info.module_cls.__name__}{call(self.sample.constructor_input)}{forward} in {mode} mode"


def modes(info: ModuleInfo) -> list[bool]:
    return [True, False] if info.train_and_eval_differ else [True]


def samples(info: ModuleInfo, dtype: torch.dtype, training: bool, requires_grad: bool) -> list[ModuleInput]:
    if dtype not in info.dtypes:
        return []
    return list(
        info.module_inputs_func(
            info, device="cpu", dtype=dtype, requires_grad=requires_grad, training=training
        )
    )


def errors(info: ModuleInfo, dtype: torch.dtype) -> Iterator[ErrorModuleInput]:
    for training in modes(info):
        yield from info.module_error_inputs_func(
            info, device="cpu", dtype=dtype, requires_grad=False, training=training
        )
