"""From a Python function to a graph."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch.jit import _structure
from rustorch.jit._graph import Graph
from rustorch.jit._script_module import ScriptFunction, ScriptModule
from rustorch.jit._scripting.blocks import Block
from rustorch.jit._scripting.calls import RESULT, RETURNED, Calls
from rustorch.jit._scripting.errors import Unreachable
from rustorch.jit._scripting.ops import Accepts
from rustorch.jit._scripting.signature import Argument, Signature
from rustorch.jit._scripting.types import BOOL, NOTHING, TENSOR, Type, from_annotation, list_of, optional
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    Env,
    ListVal,
    Missing,
    ModuleVal,
    Sym,
    TupleVal,
    Unset,
    Val,
)

_MAX_DEPTH = 64


class Frame:
    """A function that is being compiled: its syntax and where its names are found."""

    def __init__(self, fn: Any, fail: Callable[..., Any]) -> None:
        self.fn = fn
        code = fn.__code__
        self.file, self.first = code.co_filename, code.co_firstlineno
        try:
            source = textwrap.dedent(inspect.getsource(code))
            tree = ast.parse(source)
        except (OSError, TypeError, SyntaxError, IndentationError) as error:
            fail(f"the source of '{fn.__qualname__}' ({self.file}:{self.first}) cannot be read: {error}",
                 "a function in a file")  # fmt: skip
        found = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == code.co_name
        ]
        if not found:
            fail(
                f"'{fn.__qualname__}' ({self.file}:{self.first}) is not made by def", "a function made by def"
            )
        self.node = found[0]
        self.locals = _names_set(self.node.body)
        closure = inspect.getclosurevars(fn)
        self.outside: dict[str, Any] = {**vars(builtins), **fn.__globals__, **closure.nonlocals}

    def location(self, node: ast.AST) -> str:
        return f"{self.file}:{self.first + getattr(node, 'lineno', 1) - 1}"


def _names_set(body: list[ast.stmt]) -> set[str]:
    """The names that a function assigns to, besides those of its comprehensions."""
    found: set[str] = set()
    todo: list[ast.AST] = [*body]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.comprehension)]
    return found


_GRAD_MODE = rt.no_grad()(lambda: None).__code__  # of what decorators of grad mode make


class Compiler(Calls):
    """Compiles one function, with all that it calls in place."""

    def __init__(self) -> None:
        self.root = self.block = Block()
        self.env = Env()
        self.frames: list[Frame] = []
        self.location = "the function"
        self.flags: dict[str, Sym] = {}
        self.modules: dict[str, Any] = {}
        self.carried = {}
        self.calls: list[str] = []

    # ---- Where the compiler is ----

    def at(self, node: ast.AST) -> None:
        self.location = self.frames[-1].location(node)

    def lookup(self, name: str) -> Val:
        value = self.env.names.get(name)
        if isinstance(value, Missing):
            self.fail(value.why, "a value for it before")
        if isinstance(value, Sym) and value.type.kind == "List":  # an Optional that is not None here
            return self.new_list(value, value.type.args[0], frozen="it is an argument")
        if value is not None:
            return value
        outside = self.frames[-1].outside
        if name not in outside or name in self.frames[-1].locals:
            self.fail(f"the name '{name}' has no value here")
        return self.wrap(outside[name])

    def annotation(self, node: ast.expr) -> Any:
        try:
            return eval(compile(ast.Expression(node), "<annotation>", "eval"), self.frames[-1].outside)
        except Exception as error:
            self.fail(f"the annotation {ast.unparse(node)!r} cannot be read: {error}")

    # ---- Functions ----

    def parameter_type(self, frame: Frame, parameter: inspect.Parameter) -> Type:
        annotation = parameter.annotation
        has_default = parameter.default is not inspect.Parameter.empty
        if annotation is inspect.Parameter.empty:
            if not has_default:
                return TENSOR
            if parameter.default is None:
                return optional(TENSOR)
            found = Const(parameter.default).type
            if found == NOTHING:
                self.fail(f"the argument '{parameter.name}' has a default and no type", "an annotation")
            return found
        try:
            if isinstance(annotation, str):
                annotation = eval(annotation, frame.outside)
            kind = from_annotation(annotation)
            return optional(kind) if has_default and parameter.default is None else kind
        except Exception as error:
            known_types = "Tensor, int, float, bool, str, Optional, List and Tuple of them"
            self.fail(f"the type of the argument '{parameter.name}': {error}", known_types)

    def undecorated(self, fn: Any) -> tuple[Any, bool]:
        """The function under `no_grad` as a decorator, and whether it was decorated so."""
        without_grad = False
        while fn.__code__ is _GRAD_MODE:
            found = inspect.getclosurevars(fn).nonlocals
            if not isinstance(found["self"], rt.no_grad):
                self.fail(f"'{fn.__qualname__}' is decorated with {type(found['self']).__name__}", "no_grad")
            fn, without_grad = found["fn"], True
        return fn, without_grad

    def inline(self, fn: Any, args: list[Val], kwargs: dict[str, Val], owner: Val | None = None) -> Val:
        mark = getattr(fn, "_rustorch_jit", "")
        if mark == "unused":
            self.raises("RuntimeError", f"'{fn.__qualname__}' is marked as unused in scripts")
            raise Unreachable
        if mark == "ignore":
            self.fail(
                f"'{fn.__qualname__}' is ignored: a graph holds no Python", "calling it outside, or @unused"
            )
        fn, without_grad = self.undecorated(fn)
        if any(frame.fn is fn for frame in self.frames) or len(self.frames) > _MAX_DEPTH:
            if owner is None or len(self.frames) > _MAX_DEPTH:
                self.fail(f"'{fn.__qualname__}' calls itself", "a loop")
        where = self.location
        frame = Frame(fn, self.fail)
        given = ([owner] if owner is not None else []) + args
        bound = self.bound(fn, given, kwargs, fn.__qualname__)
        names: dict[str, Val] = {}
        for name, parameter in inspect.signature(fn, follow_wrapped=False).parameters.items():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                names[name] = TupleVal(tuple(bound.get(name, ())))
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                names[name] = self.new_dict(dict(bound.get(name, {})))
            else:
                names[name] = bound[name] if name in bound else self.wrap(parameter.default)
        outer_names, outer_declared = self.env.names, self.env.declared
        state = {name: value for name, value in outer_names.items() if name.startswith("%state")}
        env = self.env
        env.names, env.declared = {**names, **state}, {}
        self.frames.append(frame)
        self.calls.append(where)
        grad = self.block.grad
        self.block.grad = grad and not without_grad
        result = self.run_body(frame)
        self.block.grad = grad
        self.calls.pop()
        self.frames.pop()
        left = {name: value for name, value in env.names.items() if name.startswith("%state")}
        env.names, env.declared = {**outer_names, **left}, outer_declared
        self.location = where
        if self.env.dead:
            raise Unreachable
        return result

    def run_body(self, frame: Frame) -> Val:
        self.execute(frame.node.body)
        if self.env.dead:
            return self.env.names.get(RESULT, Unset())
        flag = self.env.names.get(RETURNED, Const(False))

        def fall_off() -> None:
            self.env.names[RESULT] = Const(None)

        if not isinstance(flag, Const):
            self.at(frame.node)
            self.branch(flag, lambda: None, fall_off)
        elif not flag.value:
            fall_off()
        result = self.env.names[RESULT]
        if frame.node.returns is not None:
            result = self.returned(result, frame.node.returns)
        return result

    def returned(self, result: Val, annotation: ast.expr) -> Val:
        self.at(annotation)
        try:
            wanted = from_annotation(self.annotation(annotation))
        except TypeError:
            return result  # such as a class of results; the value itself says what it is
        found = self.type(result)
        if wanted.kind == "Tensor" and found.kind == "Optional":
            self.fail("the function does not return a value on all ways through it", "a return at its end")
        return result

    # ---- Modules and what rustorch.jit made ----

    def training_flag(self, value: ModuleVal) -> Val:
        if value.path not in self.flags:
            self.flags[value.path] = self.root.add_input(f"{value.path}training", BOOL)
            self.modules[value.path] = value.module
        return self.flags[value.path]

    def state_of(self, path: str) -> Val:
        return self.root.tensors[path]

    def special(self, fn: Any, args: list[Val], kwargs: dict[str, Val]) -> Val | None:
        from rustorch.jit import _scripting_api as api

        if fn is api.is_scripting:
            return Const(True)
        if fn is rt.jit.is_tracing:
            return Const(False)
        if isinstance(fn, (ScriptFunction, ScriptModule)):
            source = getattr(fn, "_source", None)
            if isinstance(fn, ScriptFunction) and source is not None:
                return self.inline(source, args, kwargs)
            return self.inline_graph(fn, args, kwargs)
        return None

    def inline_graph(self, fn: Any, args: list[Val], kwargs: dict[str, Val]) -> Val:
        """The nodes of a recorded function or module, here."""
        graph = fn.graph
        if graph._signature is not None:
            self.fail("a call of a scripted module", "the module that it was made from")
        if kwargs or graph.mutations:
            self.fail("a call of a recorded function with keyword arguments, or one that writes state")
        items = [item for value in args for item in (Accepts(self.env).items(value) or [value])]
        if len(items) != len(graph.inputs) or any(self.type(item) != TENSOR for item in items):
            self.fail(f"the recorded function takes {len(graph.inputs)} tensors")
        numbers = {value.id: self.block.use(self.sym(item)) for value, item in zip(graph.inputs, items)}
        core = graph._core
        tensors = fn._tensors() if isinstance(fn, ScriptModule) else [v.tensor for v in core.tensors]
        for value, tensor in zip(core.tensors, tensors):
            name = next((n for n, t in self.state_names() if t is tensor), None)
            kind = (
                value.kind
                if name is not None or value.kind == "constant"
                else "parameter"
                if tensor.requires_grad
                else "buffer"
            )
            unique = name or f"inlined{id(tensor)}"
            sym = self.root.add_tensor(kind, unique, tensor, TENSOR)
            numbers[value.id] = self.block.use(sym)
        from rustorch.jit._serialize import renumbered

        for node in core.nodes:
            before = self.block.builder.size()
            renumbered(self.block.builder, node, numbers)
            made = [value for value in node.outputs if value is not None]
            for i, value in enumerate(made):
                numbers[value.id] = before + i
        outputs = [Sym(self.block, numbers[value.id], TENSOR) for value in graph.outputs]
        return self._structured(graph._output, outputs)

    def state_names(self) -> list[tuple[str, Any]]:
        return list(self.state)

    state: tuple[tuple[str, Any], ...] = ()

    def _structured(self, skeleton: Any, outputs: list[Sym]) -> Val:
        if isinstance(skeleton, _structure.Slot):
            return outputs[skeleton.index]
        if isinstance(skeleton, tuple):
            names = tuple(getattr(type(skeleton), "_fields", ()))
            items = tuple(self._structured(item, outputs) for item in skeleton)
            return TupleVal(items, names, type(skeleton) if names else tuple)
        if isinstance(skeleton, list):
            return self.new_list([self._structured(item, outputs) for item in skeleton])
        if isinstance(skeleton, dict):
            return self.new_dict({key: self._structured(item, outputs) for key, item in skeleton.items()})
        return self.wrap(skeleton)

    # ---- The whole ----

    def compile(self, fn: Any = None, owner: Any = None) -> Graph:
        """The graph of a function, or of a method of a module: of its forward, if there is no function."""
        fn = fn or self.forward_of(owner)
        fn, without_grad = self.undecorated(fn)
        frame = Frame(fn, self.fail)
        self.frames.append(frame)
        self.at(frame.node)
        self.block.grad = not without_grad
        parameters = list(inspect.signature(fn, follow_wrapped=False).parameters.values())
        if owner is not None:
            self.env.names[parameters.pop(0).name] = ModuleVal(owner, "")
            self.state = (*owner.named_parameters(), *owner.named_buffers())
        arguments = []
        for parameter in parameters:
            if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
                self.fail(f"the argument *{parameter.name}", "arguments with names")
            kind = self.parameter_type(frame, parameter)
            has_default = parameter.default is not inspect.Parameter.empty
            default = parameter.default if has_default else None
            keyword_only = parameter.kind is inspect.Parameter.KEYWORD_ONLY
            arguments.append(Argument(parameter.name, kind, keyword_only, has_default, default))
            self.env.names[parameter.name] = self._input(parameter.name, kind)
            if kind.leaf is not None and kind.kind != "List":
                self.env.declared[parameter.name] = kind
        result = self.run_body(frame)
        outputs: list[Sym] = []
        skeleton = self._result(result, outputs)
        for name, value in self.env.names.items():
            if name.startswith("%state"):
                target = self.root.tensors[name.split(" ")[1]]
                self.root.builder.add_mutation(target.id, self.root.use(self.sym(value)))
        flags = tuple((path, bool(self.modules[path].training)) for path in self.flags)
        signature = Signature(fn.__name__, tuple(arguments), flags)
        core = self.root.finish(outputs).eliminate_dead_code()
        return Graph(core, [(), {}], skeleton, False, signature)

    def _input(self, name: str, kind: Type) -> Val:
        if kind.kind == "Tuple":
            return TupleVal(tuple(self._input(f"{name}.{i}", item) for i, item in enumerate(kind.args)))
        if kind.leaf is None:
            self.fail(f"an argument of type {kind}", "tensors, numbers, str, and lists and tuples of them")
        made = self.root.add_input(name, kind)
        if kind.kind == "List":
            return self.new_list(made, kind.args[0], frozen="it is an argument")
        return made

    def _result(self, value: Val, outputs: list[Sym]) -> Any:
        """The structure of what is returned; its values become outputs of the graph."""
        if isinstance(value, (ListVal, DictVal)) and isinstance(self.env.cells[value.cell], Missing):
            self.fail(self.env.cells[value.cell].why)
        if isinstance(value, Const):
            return value.value
        if isinstance(value, TupleVal):
            items = [self._result(item, outputs) for item in value.items]
            return value.cls._make(items) if hasattr(value.cls, "_make") else tuple(items)
        if isinstance(value, DictVal):
            return {key: self._result(item, outputs) for key, item in self.env.cells[value.cell].items()}
        if isinstance(value, ListVal):
            state = self.env.cells[value.cell]
            if isinstance(state, list):
                return [self._result(item, outputs) for item in state]
            value = state
        if isinstance(value, Unset):
            return None
        if not isinstance(value, Sym):
            self.fail(f"a function cannot return {value!r}", "tensors, numbers, and containers of them")
        outputs.append(value)
        return _structure.Slot(len(outputs) - 1)


__all__ = ["Compiler", "list_of"]
