"""Graph: a recorded computation, with the shape of its inputs and outputs in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from rustorch import _C
from rustorch._C import GraphNode as Node
from rustorch._C import GraphValue as Value
from rustorch.errors import DTypeError, OpError
from rustorch.jit import _structure
from rustorch.jit._scripting.signature import Signature
from rustorch.jit._structure import Slot

__all__ = ["Graph", "Node", "Value"]


class Graph:
    """A computation in SSA form: nodes that each call one op, on values that are each made once.

    `graph(*inputs)` runs it and gives what the recorded function gives, exactly; ops run as in eager mode, so
    gradients flow and other devices serve. Graphs are constant: passes make new ones. Two graphs are equal if
    they compute the same in the same way, with equal parameters and constants.

    >>> import rustorch as rt
    >>> graph = rt.jit.trace(lambda x: (x * 2).sum(), rt.ones(3)).graph
    >>> print(graph)
    graph(%x: float32[3]) {
      %1: float32[3] = mul(input=%x, other=2)
      %2: float32[] = sum(input=%1)
      return (%2)
    }
    >>> graph(rt.ones(3))
    tensor(6.)
    >>> [node.op for node in graph.nodes]
    ['mul', 'sum']
    """

    __slots__ = ("_core", "_input", "_lists", "_output", "_signature", "check_shapes")

    def __init__(
        self,
        core: _C._Graph,
        input: Any,
        output: Any,
        check_shapes: bool = True,
        signature: Signature | None = None,
    ) -> None:
        self._signature = signature
        self._lists = [] if signature is None else [v.type.rstrip("?").endswith("[]") for v in core.outputs]
        self._core = core
        self._input = input
        self._output = output
        self.check_shapes = check_shapes

    # ---- Reading ----

    @property
    def nodes(self) -> list[Node]:
        """The calls, in order. ``node.inputs`` are all arguments by their names in the schema, as values or,
        where they are no tensors, as Python numbers, tuples, dtypes; ``node.outputs`` the results."""
        found: list[Node] = self._core.nodes
        return found

    @property
    def inputs(self) -> list[Value]:
        """The values of the tensors in the arguments, in order."""
        found: list[Value] = self._core.inputs
        return found

    @property
    def outputs(self) -> list[Value]:
        """The values of the tensors in the result, in order."""
        found: list[Value] = self._core.outputs
        return found

    @property
    def parameters(self) -> dict[str, Value]:
        """The parameters by name; ``value.tensor`` is the tensor."""
        return {value.name: value for value in self._core.parameters}

    @property
    def buffers(self) -> dict[str, Value]:
        """The buffers, and other state that is written, by name."""
        return {value.name: value for value in self._core.buffers}

    @property
    def constants(self) -> dict[str, Value]:
        """The constants by name."""
        return {value.name: value for value in self._core.constants}

    @property
    def mutations(self) -> list[tuple[Value, Value]]:
        """Pairs of values: after a run, the second is copied into the tensor of the first, which is an input,
        a buffer or the like that the recorded function writes."""
        found: list[tuple[Value, Value]] = self._core.mutations
        return found

    def __str__(self) -> str:
        return str(self._core)

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        same = self._input == other._input and self._output == other._output
        same = same and self._signature == other._signature
        return same and bool(self._core.same(other._core))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        raise DTypeError.of("pickle", "a graph is not pickled", "Graph", "rustorch.jit.save")

    def __deepcopy__(self, memo: dict[int, Any]) -> Graph:
        return self  # it is constant

    # ---- Running ----

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        """Run the graph on inputs of the recorded structure, dtypes and shapes.

        Raises:
            TypeError: inputs of another structure or dtype than the recorded ones.
            RuntimeError: inputs of another shape, unless it was recorded with ``check_shapes=False``.
        """
        return self._call(inputs, kwargs, None)

    def _call(
        self,
        args: Any,
        kwargs: Any,
        tensors: Sequence[_C.Tensor] | None,
        flags: Sequence[bool] | None = None,
    ) -> Any:
        if self._signature is not None:
            values = self._core.run_values(self._signature.bind(args, kwargs, flags), tensors)
            values = [list(v) if is_list and v is not None else v for v, is_list in zip(values, self._lists)]
            return _structure.fill(self._output, values)

        def run(given: list[_C.Tensor]) -> Any:
            self._check(given)
            return self._core.run(given, tensors)

        return self._fill(args, kwargs, run)

    def _fill(self, args: Any, kwargs: Any, run: Callable[[list[_C.Tensor]], Any]) -> Any:
        """What the recorded function returns, with the tensors that `run` makes of those in the arguments."""
        if not kwargs and all(isinstance(item, _C.Tensor) for item in args):
            given = list(args)  # the common call, without walking through it
            skeleton: Any = [tuple(map(Slot, range(len(given)))), {}]
        else:
            found, skeleton = _structure.flatten([args, kwargs], "graph")
            given = [tensor for _, tensor in found]
        if not _structure.matches(self._input, skeleton):
            raise DTypeError.of(
                "graph",
                "the inputs have another structure, or other plain values, than those it was recorded with",
                repr(skeleton)[:200],
                f"inputs like {self._input!r}"[:200],
            )
        return _structure.fill(self._output, run(given))

    def _check(self, given: Sequence[_C.Tensor]) -> None:
        for value, tensor in zip(self.inputs, given):
            if tensor.dtype != value.dtype:
                raise DTypeError.of(
                    "graph", f"input '{value.name}' must be {value.dtype}", str(tensor.dtype), "to(dtype)"
                )
            if self.check_shapes and tuple(tensor.shape) != tuple(value.shape):
                raise OpError.of(
                    "graph",
                    f"input '{value.name}' was recorded with shape {list(value.shape)}",
                    str(list(tensor.shape)),
                    "trace(..., check_shapes=False), if nothing in the function depends on this size",
                )

    # ---- Passes ----

    def _with(self, core: _C._Graph) -> Graph:
        return Graph(core, self._input, self._output, self.check_shapes, self._signature)

    def _with_flags(self, flags: Sequence[bool] | None) -> Graph:
        """With what modules' `training` is now."""
        if self._signature is None or flags is None:
            return self
        now = tuple((path, flag) for (path, _), flag in zip(self._signature.flags, flags))
        signature = replace(self._signature, flags=now)
        return Graph(self._core, self._input, self._output, self.check_shapes, signature)

    def eliminate_dead_code(self) -> Graph:
        """Without the nodes, parameters and constants that no output depends on."""
        return self._with(self._core.eliminate_dead_code())

    def fold_constants(self, max_bytes: int = 1 << 24) -> Graph:
        """With what depends on constants alone computed now, unless a node makes more than `max_bytes`."""
        return self._with(self._core.fold_constants(max_bytes))

    def merge_common_subexpressions(self) -> Graph:
        """With every computation done once. Random draws stay apart."""
        return self._with(self._core.merge_common_subexpressions())

    def optimize(self) -> Graph:
        """All passes: constants folded, common subexpressions merged, dead code removed."""
        return self.fold_constants().merge_common_subexpressions().eliminate_dead_code()

    def decompose(self, names: Iterable[str], inputs: Sequence[_C.Tensor] | None = None) -> Graph:
        """With ops of these names replaced by the ops that they call inside.

        Args:
            names: of records ("max.dim"), or of all overloads ("max").
            inputs: example tensors to run on; made up from the inputs' types where they are left out.

        Raises:
            RuntimeError: for an op that is computed by a kernel, not made of others.

        >>> import rustorch as rt
        >>> graph = rt.jit.trace(lambda x: rt.nn.functional.softsign(x), rt.ones(2)).graph
        >>> [node.op for node in graph.decompose(["softsign"]).nodes]
        ['abs', 'add', 'div']
        """
        return self._with(self._core.decompose(list(names), inputs))
