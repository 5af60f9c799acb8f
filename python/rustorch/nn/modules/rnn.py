"""Recurrent networks over whole sequences, and their single-step cells."""

from __future__ import annotations

import math
import warnings
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.modules._recurrent_steps import OBSERVER, STEPS, run_direction
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter
from rustorch.nn.utils.rnn import PackedSequence

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


class RNNBase(Module):
    """Layers, directions and weights of RNN, LSTM and GRU.

    Per layer k (and ``_reverse`` for the second direction): ``weight_ih_lk`` (gates * hidden, input),
    ``weight_hh_lk`` (gates * hidden, output), ``bias_ih_lk``, ``bias_hh_lk``, and ``weight_hr_lk`` with
    ``proj_size``; all start uniform in +-1/sqrt(hidden_size).
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if not isinstance(dropout, (int, float)) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element "
                f"being zeroed; got {dropout!r}"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=3,
            )
        given = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        for name, value in given.items():
            if not isinstance(value, int):
                raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        for name, value in {"bias": bias, "batch_first": batch_first}.items():
            if not isinstance(value, bool):
                raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
        if input_size <= 0:
            raise ValueError(f"input_size must be greater than zero; got {input_size}")
        if hidden_size <= 0:
            raise ValueError(f"hidden_size must be greater than zero; got {hidden_size}")
        if num_layers <= 0:
            raise ValueError(f"num_layers must be greater than zero; got {num_layers}")
        if proj_size < 0:
            raise ValueError(
                f"proj_size should be a positive integer or zero to disable projections; got {proj_size}"
            )
        if proj_size >= hidden_size:
            raise ValueError(
                f"proj_size has to be smaller than hidden_size; got {proj_size} and {hidden_size}"
            )
        if mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._output_size = proj_size if proj_size > 0 else hidden_size
        directions = 2 if bidirectional else 1
        self._weight_names: list[list[str]] = []
        for layer in range(num_layers):
            width = input_size if layer == 0 else self._output_size * directions
            for suffix in ("", "_reverse")[:directions]:
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (_GATES[mode] * hidden_size, width),
                    "weight_hh": (_GATES[mode] * hidden_size, self._output_size),
                }
                if bias:
                    shapes["bias_ih"] = shapes["bias_hh"] = (_GATES[mode] * hidden_size,)
                if proj_size > 0:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = []
                for kind, shape in shapes.items():
                    names.append(f"{kind}_l{layer}{suffix}")
                    setattr(self, names[-1], Parameter(rt.empty(shape, device=device, dtype=dtype)))
                self._weight_names.append(names)
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._weight_names]

    def flatten_parameters(self) -> None:
        """Nothing to do: the weights are used where they are. Kept for code that calls it."""

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _weights(self, index: int) -> tuple[Tensor, Tensor | None, tuple[Any, ...]]:
        """(input weight, input bias, (hidden weight, hidden bias, projection)) of one layer and direction."""
        by_kind = {name.partition("_l")[0]: getattr(self, name) for name in self._weight_names[index]}
        hidden = (by_kind["weight_hh"], by_kind.get("bias_hh"), by_kind.get("weight_hr"))
        return by_kind["weight_ih"], by_kind.get("bias_ih"), hidden

    # Shapes of the state.

    def _state_shapes(self, batch: int) -> list[tuple[int, int, int]]:
        n = self.num_layers * (2 if self.bidirectional else 1)
        return [(n, batch, self._output_size)]

    def _check_state(self, state: tuple[Tensor, ...], batch: int) -> None:
        for i, (s, expected) in enumerate(zip(state, self._state_shapes(batch))):
            if tuple(s.shape) != expected:
                name = f"hidden[{i}]" if len(state) > 1 else "hidden"
                raise RuntimeError(f"Expected {name} size {expected}, got {list(s.shape)}")

    def _initial_state(self, hx: Any, x: Tensor, batch: int, batched: bool) -> tuple[Tensor, ...]:
        if hx is None:
            return tuple(
                rt.zeros(shape, dtype=x.dtype, device=x.device) for shape in self._state_shapes(batch)
            )
        state = hx if isinstance(hx, (tuple, list)) else (hx,)
        if len(state) != len(self._state_shapes(batch)):
            raise RuntimeError(
                f"{type(self).__name__}: expected {len(self._state_shapes(batch))} tensors of hidden state; "
                f"got {len(state)}"
            )
        dims = 3 if batched else 2
        if any(s.dim() != dims for s in state):
            names = "hx" if len(state) == 1 else "hx and cx"
            got = ", ".join(f"{s.dim()}-D" for s in state)
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, {names} should also be {dims}-D but got ({got}) tensors")
        state = tuple(s if batched else s.unsqueeze(1) for s in state)
        self._check_state(state, batch)
        return state

    def _check_input(self, x: Tensor) -> None:
        weight = getattr(self, self._weight_names[0][0])
        if x.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({x.dtype})"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.shape[-1]}"
            )

    # Running.

    def _run(self, steps: list[Tensor], state: tuple[Tensor, ...]) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        """All layers over the time steps; gives the last layer's outputs and the final states."""
        directions = 2 if self.bidirectional else 1
        sizes = [x.shape[0] for x in steps]
        final: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            # One product projects the inputs of all steps at once.
            whole = rt.cat(steps) if len(steps) > 1 else steps[0]
            if layer > 0 and self.dropout > 0 and self.training:
                whole = F.dropout(whole, self.dropout, True)
            outputs: list[list[Tensor]] = []
            for d in range(directions):
                index = layer * directions + d
                w_ih, b_ih, hidden = self._weights(index)
                projected = list(rt.split(F.linear(whole, w_ih, b_ih), sizes))
                own = tuple(s[index] for s in state)
                out, last = run_direction(STEPS[self.mode], projected, own, hidden, d == 1)
                outputs.append(out)
                final.append(last)
            steps = outputs[0] if directions == 1 else [rt.cat(pair, -1) for pair in zip(*outputs)]
        return steps, tuple(rt.stack(parts) for parts in zip(*final))

    def _give_state(self, state: tuple[Tensor, ...]) -> Any:
        return state[0]

    def forward(self, input: Any, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D instead"
            )
        batched = input.dim() == 3
        x = input if batched else input.unsqueeze(1)
        if batched and self.batch_first:
            x = x.transpose(0, 1)
        self._check_input(x)
        if x.shape[0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        state = self._initial_state(hx, x, x.shape[1], batched)
        steps, final = self._run(list(rt.unbind(x, 0)), state)
        out = rt.stack(steps, 1 if batched and self.batch_first else 0)
        if not batched:
            out, final = out.squeeze(1), tuple(s.squeeze(1) for s in final)
        observer = OBSERVER.get()
        if observer is not None:
            given = None if hx is None else tuple(hx) if isinstance(hx, (tuple, list)) else (hx,)
            observer(self, input, given, out, final)
        return out, self._give_state(final)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        sizes = packed.batch_sizes.tolist()
        self._check_input(packed.data)
        state = self._initial_state(hx, packed.data, sizes[0], True)
        if hx is not None and packed.sorted_indices is not None:
            state = tuple(s.index_select(1, packed.sorted_indices) for s in state)
        steps, final = self._run(list(rt.split(packed.data, sizes)), state)
        if packed.unsorted_indices is not None:
            final = tuple(s.index_select(1, packed.unsorted_indices) for s in final)
        out = PackedSequence(
            rt.cat(steps), packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices
        )
        return out, self._give_state(final)

    def extra_repr(self) -> str:
        s = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            s += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            s += f", num_layers={self.num_layers}"
        if self.bias is not True:
            s += f", bias={self.bias}"
        if self.batch_first is not False:
            s += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            s += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            s += f", bidirectional={self.bidirectional}"
        return s


class RNN(RNNBase):
    """``h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)``, or relu with ``nonlinearity='relu'``.

    Input (L, N, I), (N, L, I) with ``batch_first``, (L, I), or a PackedSequence. Returns (outputs, last
    hidden state). As ``torch.nn.RNN``.

    >>> out, h = nn.RNN(2, 3)(rt.ones(5, 1, 2))
    >>> out.shape == (5, 1, 3), h.shape == (1, 1, 3)
    (True, True)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: int = 0,
    ) -> None:
        if proj_size:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.nonlinearity = nonlinearity
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with projection if ``proj_size`` > 0.

    Input as :class:`RNN`'s; the state is a pair (h, c). Returns (outputs, (h, c)). As ``torch.nn.LSTM``.

    >>> out, (h, c) = nn.LSTM(2, 3)(rt.ones(5, 1, 2))
    >>> out.shape == (5, 1, 3), c.shape == (1, 1, 3)
    (True, True)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )

    def _state_shapes(self, batch: int) -> list[tuple[int, int, int]]:
        n = self.num_layers * (2 if self.bidirectional else 1)
        return [(n, batch, self._output_size), (n, batch, self.hidden_size)]

    def _give_state(self, state: tuple[Tensor, ...]) -> Any:
        return state


class GRU(RNNBase):
    """Gated recurrent unit (Cho et al., 2014); input and result as :class:`RNN`'s. As ``torch.nn.GRU``.

    >>> out, h = nn.GRU(2, 3, bidirectional=True)(rt.ones(5, 1, 2))
    >>> out.shape == (5, 1, 6), h.shape == (2, 1, 3)
    (True, True)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: int = 0,
    ) -> None:
        if proj_size:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
