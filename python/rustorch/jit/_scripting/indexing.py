"""x[key] and x[key] = value."""

from __future__ import annotations

from typing import Any

from rustorch import nn
from rustorch.jit._scripting.ops import Ops
from rustorch.jit._scripting.types import INT, TENSOR
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    ListVal,
    ModuleVal,
    SliceVal,
    Sym,
    TupleVal,
    Val,
)


class Indexing(Ops):
    """The part of the compiler for subscripts."""

    def subscript(self, value: Val, key: Val) -> Val:
        if self.type(value) == TENSOR:
            view, indices = self._view(value, key)
            return view if not indices else self._index(view, indices)
        if isinstance(value, TupleVal) or (isinstance(value, ListVal) and not self.dynamic(value)):
            return self._static_item(value, key)
        if isinstance(value, ListVal):
            return self._list_item(value, key)
        if isinstance(value, DictVal):
            items = self.env.cells[value.cell]
            if not isinstance(key, Const):
                self.fail("a dict needs a key that is known while compiling", "a constant")
            if key.value not in items:
                self.fail(f"the dict has no key {key.value!r}")
            found: Val = items[key.value]
            return found
        if isinstance(value, ModuleVal):
            return self._module_item(value, key)
        if isinstance(value, Const) and isinstance(value.value, str):
            return self._text_item(value.value, key)
        self.fail(f"a subscript of {self.type(value)}")

    def _text_item(self, text: str, key: Val) -> Val:
        part = self._constant_slice(key)
        if part is not None:
            return Const(text[part])
        if not (isinstance(key, Const) and isinstance(key.value, int)):
            self.fail("a string needs an index that is known while compiling")
        if not -len(text) <= key.value < len(text):
            self.fail(f"index {key.value} of {len(text)} characters")
        return Const(text[key.value])

    def _constant_slice(self, key: Val) -> slice | None:
        """A slice whose bounds are known now."""
        if not isinstance(key, SliceVal):
            return None
        bounds = [b.value for b in (key.start, key.stop, key.step) if isinstance(b, Const)]
        return slice(*bounds) if len(bounds) == 3 else None

    def _module_item(self, value: ModuleVal, key: Val) -> Val:
        if not isinstance(key, Const):
            self.fail("a submodule by an index that is not known while compiling", "a `for` over the modules")
        module, name = value.module, key.value
        if isinstance(module, nn.ParameterDict):
            if name not in module:
                self.fail(f"there is no parameter {name!r}")
            return self.module_attribute(value, name)
        if isinstance(name, int):
            of_modules = not isinstance(module, nn.ParameterList)
            names = list(module._modules) if of_modules else [str(i) for i in range(len(module))]
            if not -len(names) <= name < len(names):
                kind = "submodules" if of_modules else "parameters"
                self.fail(f"there are {len(names)} {kind}", got=str(name))
            return self.module_attribute(value, names[name])
        if name not in module._modules:
            self.fail(f"there is no submodule {name!r}")
        return self.module_attribute(value, name)

    def module_attribute(self, value: ModuleVal, name: str) -> Val:
        raise NotImplementedError

    def _static_item(self, value: Any, key: Val) -> Val:
        items = value.items if isinstance(value, TupleVal) else self.env.cells[value.cell]
        part = self._constant_slice(key)
        if part is not None:
            found = items[part]
            return TupleVal(found) if isinstance(value, TupleVal) else self.new_list(found, value.item)
        if isinstance(key, Const) and isinstance(key.value, int):
            if not -len(items) <= key.value < len(items):
                self.fail(f"index {key.value} of {len(items)} items")
            item: Val = items[key.value]
            return item
        if isinstance(value, ListVal):
            return self._list_item(value, key)
        kinds = {self.type(item) for item in items}
        if self.type(key) == INT and len(kinds) == 1:
            made = self.new_list(list(items))
            return self._list_item(made, key)
        self.fail("a tuple needs an index that is known while compiling", "a list")

    def _list_item(self, value: ListVal, key: Val) -> Val:
        found = self.type(value)
        if isinstance(key, SliceVal):
            args = [self.arg(value), self.arg(key.start), self.arg(key.stop)]
            step = Const(1) if isinstance(key.step, Const) and key.step.value is None else key.step
            return self.new_list(self.list_op("slice", found, [*args, self.arg(step)]), found.args[0])
        if self.type(key) != INT:
            self.fail(f"an index of a list must be int, not {self.type(key)}")
        made = self.list_sym(value)
        return self.list_op("get", made.type, [self.arg(made), self.arg(key)], made.type.args[0])

    # ---- Tensors ----

    def _entries(self, key: Val) -> list[Val]:
        return list(key.items) if isinstance(key, TupleVal) else [key]

    def _view(self, x: Val, key: Val) -> tuple[Val, list[Val]]:
        """Ints, slices, None and ... applied; what is left are index tensors, with None for whole dims."""
        entries = self._entries(key)
        dots = [i for i, e in enumerate(entries) if isinstance(e, Const) and e.value is Ellipsis]
        if len(dots) > 1:
            self.fail("an index with two ellipses")
        if dots:
            after = entries[dots[0] + 1 :]
            if any(self._is_index(e) for e in entries):
                self.fail("... together with an index tensor", "two steps, x[...][...]")
            dim = -1
            for entry in reversed(after):
                x, kept = self._apply(x, entry, dim)
                dim -= kept
            entries = entries[: dots[0]]
        indices: list[Val] = []
        dim = 0
        for entry in entries:
            if self._is_index(entry):
                indices += [Const(None)] * (dim - len(indices)) + [entry]
                dim += 1
            elif not indices or self._is_whole(entry):
                x, kept = self._apply(x, entry, dim)
                dim += kept
            else:
                self.fail("an int or a slice after an index tensor", "two steps, x[:, i][mask]")
        return x, indices

    def _is_index(self, entry: Val) -> bool:
        if isinstance(entry, (ListVal,)):
            return True
        return self.type(entry) == TENSOR if not isinstance(entry, SliceVal) else False

    def _is_whole(self, entry: Val) -> bool:
        if not isinstance(entry, SliceVal):
            return False
        return all(isinstance(b, Const) and b.value is None for b in (entry.start, entry.stop, entry.step))

    def _apply(self, x: Val, entry: Val, dim: int) -> tuple[Val, int]:
        """One entry at a dim, and how many dims it leaves."""
        if isinstance(entry, Const) and entry.value is None:
            return self.op("unsqueeze", [x, Const(dim)]), 1
        if isinstance(entry, SliceVal):
            if self._is_whole(entry):
                return x, 1
            step = Const(1) if isinstance(entry.step, Const) and entry.step.value is None else entry.step
            if isinstance(step, Const) and step.value < 0:
                self.fail("a slice of a tensor goes forward", "flip()")
            return self.op("slice", [x, Const(dim), entry.start, entry.stop, step]), 1
        if self.type(entry) == INT:
            return self.op("select", [x, Const(dim), entry]), 0
        self.fail(f"a tensor indexed by {self.type(entry)}")

    def _index(self, x: Val, indices: list[Val]) -> Val:
        return self.op("index", [x, TupleVal(tuple(map(self._index_tensor, indices)))])

    def _index_tensor(self, index: Val) -> Val:
        return self.list_tensor(index) if isinstance(index, ListVal) else index

    def list_tensor(self, value: Val, dtype: Val | None = None, device: Val | None = None) -> Sym:
        """rustorch.tensor of a flat list of numbers."""
        found = self.type(value)
        if found.kind != "List" or found.args[0].kind not in ("int", "float"):
            self.fail(f"a tensor of {found}", "a list of ints or of floats")
        kind = "ints" if found.args[0] == INT else "floats"
        rest = [self.arg(dtype or Const(None)), self.arg(device or Const(None))]
        return self.emit(f"script.tensor.{kind}", [self.arg(value), *rest], TENSOR)

    # ---- Writing ----

    def write_subscript(self, target: Val, key: Val, value: Val) -> None:
        if self.type(target) == TENSOR:
            self._write_tensor(target, key, value)
        elif isinstance(target, ListVal):
            self._write_list(target, key, value)
        elif isinstance(target, DictVal):
            if not isinstance(key, Const):
                self.fail("a dict needs a key that is known while compiling", "a constant")
            self.may_change(target)
            self.env.cells[target.cell] = {**self.env.cells[target.cell], key.value: value}
        else:
            self.fail(f"an assignment to an item of {self.type(target)}")

    def _write_tensor(self, target: Val, key: Val, value: Val) -> None:
        view, indices = self._view(target, key)
        number = self.type(value).is_number
        if not number and self.type(value) != TENSOR:
            self.fail(f"a tensor's items cannot be {self.type(value)}")
        if not indices:
            if number:
                self.op("fill", [view, value], inplace=True)
            else:
                self.op("copy", [view, value], inplace=True)
            return
        if number:
            value = self.op("new_full", [view, TupleVal(()), value])
        tensors = TupleVal(tuple(map(self._index_tensor, indices)))
        self.op("index_put", [view, tensors, value], inplace=True)

    def _write_list(self, target: ListVal, key: Val, value: Val) -> None:
        self.may_change(target)
        items = self.env.cells[target.cell]
        if not isinstance(items, Sym) and isinstance(key, Const) and isinstance(key.value, int):
            if not -len(items) <= key.value < len(items):
                self.fail(f"index {key.value} of {len(items)} items")
            at = key.value % len(items)
            self.env.cells[target.cell] = [*items[:at], value, *items[at + 1 :]]
            return
        if self.type(key) != INT:
            self.fail("an item of a list is assigned by an int index")
        made = self.list_sym(target)
        self.must_fit(value, made.type)
        args = [self.arg(made), self.arg(key), self.arg(value)]
        self.env.cells[target.cell] = self.list_op("set", made.type, args)

    def may_change(self, value: ListVal | DictVal) -> None:
        """It is about to be changed."""
        if value.frozen:
            kind, copy = ("list", "list(...)") if isinstance(value, ListVal) else ("dict", ".copy()")
            self.fail(f"this {kind} cannot be changed: {value.frozen}", f"a copy, {copy}")
        self.env.changed(value.cell)
