"""Scripts: calls of functions, ops, methods and modules, and what they are given."""

# ruff: noqa: UP006, UP007, UP035, UP045, C417, PIE804
from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any, List, NamedTuple, Optional, Tuple, Union

import pytest

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import Tensor, nn
from tests.jit.script_rows import Rows, check_agrees, check_raises, check_refused, same

ROWS = Rows()
X = rt.tensor([1.0, -2.0, 3.0])
M = rt.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(("fn", "calls"), ROWS.good)
def test_it_computes_what_python_computes(fn: Any, calls: Any) -> None:
    check_agrees(fn, calls)


@pytest.mark.parametrize(("fn", "message"), ROWS.bad)
def test_it_is_refused_with_its_line(fn: Any, message: str) -> None:
    check_refused(fn, message)


@pytest.mark.parametrize(("fn", "message", "args"), ROWS.failing)
def test_it_raises_what_python_raises(fn: Any, message: str, args: Any) -> None:
    check_raises(fn, message, args)


# ---- Python functions, compiled in place ----


def scaled(a, b=2, *rest, k=3, **more):
    return a * b + k + sum(rest) + sum(more.values())


def doubled(fn: Any) -> Any:
    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs) * 2

    return wrapper


@doubled
@doubled
def incremented(x, by: int = 1):
    return x + by


@rt.no_grad()
def detached(x):
    return x * 2


@rt.no_grad
def also_detached(x):
    return x * 3


@rt.enable_grad()
def attached(x):
    return x * 2


def recursive(x, n):
    return mutual(x, n - 1)


def mutual(x, n):
    return recursive(x, n)


def appends(xs, v):
    xs.append(v)


def written(x):
    y = x * 2
    y[0] = x[1]
    values, _ = y.max(1)
    return y, values


def uses_a_lambda(x):
    return list(map(lambda v: v, x))


class Special(Tensor):
    pass


class Point(NamedTuple):
    x: Tensor
    y: int = 4


@ROWS.agrees((X, 2))
def arguments(x, n: int):
    d = {"b": 5, "k": 1}
    return (
        (scaled(x), scaled(x, n), scaled(x, n, 1, 2), scaled(x, k=n), scaled(x, z=n, y=1), scaled(b=n, a=x)),
        (scaled(*(x, n)), scaled(x, **d), scaled(*[x, 1, 1], q=3), scaled(x, *(1,), 4, k=0, r=2)),
    )


@ROWS.agrees((X, 2))
def decorators_are_compiled_as_well(x, n: int):
    return incremented(x), incremented(x, by=n), detached(x), also_detached(x)


def test_functions_under_no_grad_need_no_gradient() -> None:
    def both(x):
        return detached(x), x * 2, also_detached(x), x.sum()

    for run in (both, rt.jit.script(both)):
        found = run(X.clone().requires_grad_())
        assert [t.requires_grad for t in found] == [False, True, False, True]
    assert not rt.jit.script(detached)(X.clone().requires_grad_()).requires_grad


@ROWS.agrees((X, 2))
def named_tuples(x, n: int):
    p = Point(x)
    q = Point(y=n, x=-x)
    a, b = q
    return p, q, p.x, q.y + p[1], a, b, len(p), p[1:]


@ROWS.agrees((X, 2))
def helpers_change_the_lists_they_are_given(x, n: int):
    xs = [n]
    appends(xs, 7)
    return xs, appends(xs, 8) is None


@ROWS.agrees((X,))
def constants_and_modes(x):
    return rt.jit.is_tracing(), F.relu is F.relu, rt.relu(x), getattr(F, "relu")(x), x.shape[0]  # noqa: B009


@ROWS.refused("scaled(): missing a required argument: 'a'")
def call_without_an_argument():
    return scaled()  # <-


@ROWS.refused("Point(): missing a required argument: 'x'")
def named_tuple_without_a_field():
    return Point()  # <-


@ROWS.refused("the keyword argument 'b' is given twice, or is no name")
def argument_given_twice(x):
    return scaled(x, **{"b": 1}, b=2)  # <-


@ROWS.refused("* of a list whose length is not known")
def star_of_a_tensor(x):
    return scaled(*x)  # <-


@ROWS.refused("** of something that is no dict")
def stars_of_a_tensor(x):
    return scaled(**x)  # <-


@ROWS.refused("a call of int")
def call_of_a_number(n: int):
    return n(3)  # <-


@ROWS.refused("a call of 'sorted'")
def call_of_sorted():
    return sorted([3, 1])  # <-


@ROWS.refused("'recursive' calls itself")
def calls_a_recursive_function(x):
    return recursive(x, 3)  # <-


@ROWS.refused("Lambda is outside of the subset")
def calls_what_is_no_script(x):
    return uses_a_lambda(x)  # <-


@ROWS.refused("'attached' is decorated with enable_grad")
def calls_under_enable_grad(x):
    with rt.no_grad():
        return attached(x)  # <-


@ROWS.refused("a function cannot return Object(")
def returns_a_function(x):
    return rt.relu  # <-


@ROWS.refused("len(): too many positional arguments")
def length_of_two(x):
    return len(x, x)  # <-


def test_a_decorated_function_needs_a_wrapper_with_names() -> None:
    with pytest.raises(rt.jit.ScriptError, match=r"the argument \*args"):
        rt.jit.script(incremented)


# ---- isinstance, type, getattr, print ----


@ROWS.agrees((X, 3, 1.5), (X, -1, 0.0))
def classes(x, n: int, s: float):
    p, d, parts, none = Point(x, n), {"a": n}, x.split(1), None
    return (
        (isinstance(x, Tensor), isinstance(x, int), isinstance(n, int), isinstance(n > 0, int)),
        (isinstance(s, (int, float)), isinstance(s, (int, str)), isinstance("a", str), isinstance(n, object)),
        (isinstance(p, Point), isinstance(p, tuple), isinstance((1,), Point), isinstance([n], (list, tuple))),
        (isinstance(d, dict), isinstance(d, list), isinstance(x.shape, tuple), isinstance(parts, list)),
        (isinstance(none, type(None)), isinstance(x.dtype, rt.dtype), isinstance(x.device, rt.device)),
        (isinstance(rt.relu, int), isinstance(x[0].item(), (int, float)), isinstance(n, Number), int is int),
    )  # fmt: skip


Number = Union[int, float, None]


@ROWS.agrees((X, None), (X, X))
def classes_of_optionals(x, y: Optional[Tensor] = None):
    return (
        isinstance(y, Tensor),
        isinstance(y, (Tensor, int)),
        isinstance(y, type(None)),
        isinstance(y, object),
    )


@ROWS.agrees((X, 1))
def attributes_by_name(x, n: int):
    return getattr(x, "shape")[0], getattr(rt, "nothing", n), hasattr(rt, "relu"), hasattr(rt, "nothing")  # noqa: B009


@ROWS.refused("isinstance() of number, whose class is not known while compiling; at")
def class_of_an_item(x):
    return isinstance(x[0].item(), float)  # <-


@ROWS.refused("isinstance() of Tensor, whose class is not known while compiling")
def class_of_a_parameter(x):
    return isinstance(x, nn.Parameter)  # <-


@ROWS.refused("isinstance() takes a class")
def class_of_a_number(n: int):
    return isinstance(n, 3)  # <-


@ROWS.refused("type() of anything but modules and constants")
def type_of_a_tensor(x):
    return type(x)  # <-


@ROWS.refused("getattr() of a name that is not constant")
def attribute_by_an_unknown_name(x, s: str):
    return getattr(x, s)  # <-


@ROWS.refused("hasattr() of anything but modules")
def attribute_of_a_tensor_asked_for(x):
    return hasattr(x, "shape")  # <-


def test_print_writes_what_python_writes(capsys: Any) -> None:
    def speak(x, n: int, xs: List[int]):
        print()
        print(n, 2.5, "a", True, None, x, sep="-", end="!\n")
        print(x.dtype, n > 1, xs, [1, 2], sep=None, end=None)
        return n

    scripted = rt.jit.script(speak)
    speak(X, 3, [4])
    expected = capsys.readouterr().out
    scripted(X, 3, [4])
    assert capsys.readouterr().out == expected


@ROWS.refused("print() with a separator that is no constant string")
def print_with_an_unknown_separator(s: str):
    print(1, 2, sep=s)  # <-


@ROWS.refused("a Tuple[int, Tensor] cannot be one value of a graph")
def print_of_a_tuple(x):
    print((1, x))  # <-


# ---- Ops and methods ----


@ROWS.agrees((M, 2), (-M, 1))
def ops_and_methods(x, n: int):
    return (
        (x.float(), x.double(), x.to(rt.float64), x.type_as(x), x.new_zeros(2), x.sum(dim=1, keepdim=True)),
        (x.max(1).values, x.max(1)[1], x.mean(axis=0), x.view(3, 2), x.reshape([3, 2]), x.T, x.mT),
        (x.mH, x.requires_grad, x.ndim, rt.cat((x, x), 1), rt.cat([x, x]), rt.einsum("ij,ij->i", x, x)),
        (F.pad(x, (n, 0)), x.sum((0, 1)), x.repeat(n, 1), x.repeat([n, n]), rt.zeros((n, n)), rt.ones(n)),
        (rt.full((n,), 1.5), x.expand(n, 2, 3), x.roll(n, 0), rt.where(x > n, x, 0.0)),
        (rt.linspace(0, 1, 3), rt.arange(n), rt.arange(0.0, n), rt.lerp(x, x, 0.5)),
        (F.avg_pool2d(x[None], n, 1), x.clamp(min=None, max=n), x.permute(1, 0)),
        (rt.add(self=x, other=x), rt.add(input=x, other=n), rt.relu(x=x), rt.add(x, x, alpha=n, out=None)),
    )  # fmt: skip


@ROWS.agrees((M,))
def questions_about_tensors(x):
    return (
        (x.size(), x.size(0), x.size(-1), x.size(dim=1), x.shape, x.numel(), x.nelement()),
        (x.dim(), x.ndimension(), x.__len__(), len(x), x.sum().item(), list(x.shape), x.size()[1:]),
    )  # fmt: skip


@ROWS.agrees((M,))
def ops_of_any_number_of_tensors(x):
    a, b = rt.broadcast_tensors(x, x[0])
    image = x[None, None]
    return (
        a,
        b,
        rt.block_diag(x, x),
        rt.cartesian_prod(x[0], x[1]),
        rt.block_diag(x),
        F.interpolate(image, scale_factor=2.0),
    )


@ROWS.agrees((M, rt.float64, rt.device("cpu")))
def dtypes_and_devices(x, dtype: rt.dtype, device: rt.device):
    return (
        x.to(dtype),
        rt.zeros(2, dtype=dtype, device=device),
        rt.zeros(1, device=rt.device("cpu")),
        x.to("cpu"),
        dtype,
    )


@ROWS.refused("device() of what is not known while compiling")
def device_of_a_text(s: str):
    return rt.zeros(1, device=rt.device(s))  # <-


@ROWS.refused("nowhere")
def device_that_is_not_there(x):
    return x.to(rt.device("nowhere"))  # <-


@ROWS.agrees((M, None, None, 2), (M, rt.ones(2), 0.5, None))
def optional_arguments(x, b: Optional[Tensor], s: Optional[float], n: Optional[int] = None):
    y = F.linear(x, rt.ones(2, 3), b)
    return y, x.clamp(min=s, max=4), x.sum() if n is None else x.sum(1)[: n - 1]


@ROWS.agrees((X.clone(),))
def writes_in_place(x):
    y = x.clone()
    z = y.mul_(2)
    y.add_(1, alpha=2).clamp_(max=3)
    rt.relu_(y)
    return y, z


@ROWS.refused("zeros() does not take these arguments")
def op_with_requires_grad():
    return rt.zeros(2, requires_grad=True)  # <-


@ROWS.refused("got multiple values for argument 'other'")
def op_with_an_argument_twice(x):
    return rt.add(x, x, other=x)  # <-


@ROWS.refused("takes 1 positional arguments but 3 were given")
def op_with_too_many_arguments(x):
    return rt.relu(x, x, x)  # <-


@ROWS.refused("missing argument 'other'")
def op_without_an_argument(x):
    return rt.add(x)  # <-


@ROWS.refused("argument 'input' must be Tensor, not str")
def op_of_text(x, s: str):
    return rt.relu(s)  # <-


@ROWS.refused("argument 'dim' must be int, not <op relu of rustorch>")
def op_with_a_function(x):
    return rt.unsqueeze(x, rt.relu)  # <-


@ROWS.refused("size(): got an unexpected keyword argument 'axis'")
def size_with_another_name(x):
    return x.size(axis=1)  # <-


@ROWS.refused("the method 'dim' of tensors")
def dim_with_an_argument(x):
    return x.dim(of=1)  # <-


@ROWS.refused("size() of the dim float")
def size_of_a_float(x, s: float):
    return x.size(s)  # <-


@ROWS.raises("", M, 7)
def size_of_a_dim_that_is_not_there(x, n: int):
    return x.size(n)


@ROWS.refused("the attribute 'data' of tensors")
def data_of_a_tensor(x):
    return x.data  # <-


@ROWS.refused("the attribute 'real' of int")
def attribute_of_a_number(n: int):
    return n.real  # <-


@ROWS.refused("the attribute 'ndim' of Optional[Tensor]; at")
def attribute_of_an_optional(x, y: Optional[Tensor]):
    return y.ndim  # <-


@ROWS.refused("device.type of a tensor")
def type_of_a_device(x):
    return x.device.type  # <-


@ROWS.refused("has no attribute 'nothing'")
def function_that_is_not_there(x):
    return rt.nothing(x)  # <-


@ROWS.refused("rustorch.float32 has no attribute 'nothing'")
def attribute_of_a_dtype():
    return rt.float32.nothing  # <-


# ---- Arguments of a script ----


@ROWS.agrees((X, 2, (1, 2)), (X, 2.5, (3, 4)))
def argument_types(x, n: int | float, xs: Sequence[int]):
    return x * n, xs[0] + len(xs)


@ROWS.agrees((X,), (X, -X, True, 3, 2.5, "b", rt.float64, rt.device("cpu")))
def types_of_defaults(x, y=None, b=False, n=2, s=0.5, mode="a", dtype=rt.float32, device=rt.device("cpu")):  # noqa: B008
    z = x.to(dtype).to(device) * n * s
    if y is not None:
        z = z + y
    return z if b and mode == "b" else -z


@ROWS.agrees((X,), (X, [7]))
def a_default_list(x, xs: List[int] = [1, 2]):  # noqa: B006
    return xs, x * len(xs)


@ROWS.refused("the argument 'xs' has a default and no type")
def default_without_a_type(x, xs=(1, 2)):  # <-
    return x


@ROWS.agrees((X, X), (X, None))
def argument_of_a_class_of_tensors(x: Special, y: Optional[Tensor] = None, z: None = None):
    return x + 1 if y is None else x * y, z is None


@ROWS.refused("the only union is Optional, not ")
def argument_of_two_types(x, n: int | str):  # <-
    return x


@ROWS.refused("the types of all its items are needed, not typing.Tuple")
def tuple_without_types(x, t: Tuple):  # <-
    return x


@ROWS.refused("the types of all its items are needed, not typing.Tuple[int, ...]")
def tuple_of_any_length(x, t: Tuple[int, ...]):  # <-
    return x


@ROWS.refused("<class 'set'> is no type that scripts know")
def argument_of_another_class(x, t: set):  # <-
    return x


@ROWS.refused("the argument *more")
def named_arguments_of_any_number(x, **more):  # <-
    return x


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((X, 2, (1, X)), {"flag": 1}, "argument 'flag' must be bool; got int"),
        ((X, 2.5, (1, X)), {}, "argument 'n' must be int; got float"),
        ((X, 2**63, (1, X)), {}, "argument 'n' must be int; got int"),
        ((X, True, (1, X)), {}, "argument 'n' must be int; got bool"),
        ((X, 2, (1, 2)), {}, "argument 't' must be Tensor; got int"),
        ((X, 2, (1,)), {}, "argument 't' must be Tuple[int, Tensor]; got tuple"),
        ((X, 2, [1, X]), {}, "argument 't' must be Tuple[int, Tensor]; got list"),
        ((X, 2, (1, X), 3), {}, "argument 'xs' must be List[float]; got int"),
        ((X, 2, (1, X), ["a"]), {}, "argument 'xs' must be List[float]; got list"),
        ((X, 2, (1, X)), {"dtype": "float32"}, "argument 'dtype' must be dtype; got str"),
        ((None, 2, (1, X)), {}, "argument 'x' must be Tensor; got NoneType"),
        ((X, 2, (1, X)), {"x": X}, "unexpected keyword argument 'x'"),
        ((X, 2), {}, "missing argument 't'"),
    ],
)
def test_arguments_are_checked_when_it_is_called(args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        rt.jit.script(checked)(*args, **kwargs)
    assert message in str(caught.value)


def checked(
    x: Tensor,
    n: int,
    t: Tuple[int, Tensor],
    xs: List[float] = [0.5],  # noqa: B006
    flag: bool = False,
    dtype: rt.dtype = rt.float32,
):
    return x * n + t[1], t[0], xs, flag, x.to(dtype)


def test_ints_are_given_for_floats() -> None:
    found = rt.jit.script(checked)(X, 2, (1, X), (1, 2.5))
    assert found[2] == [1.0, 2.5] and found[1] == 1 and found[3] is False


# ---- Recorded functions ----

TWO = rt.jit.trace(lambda x, y: {"a": x + y, "b": [x, (y, x)]}, (X, X))
NAMED = rt.jit.trace(lambda x: Point(x, x * 2), (X,))
CONSTANT = rt.ones(3) * 2
TIMES = rt.jit.trace(lambda x: (x * CONSTANT, 3), (X,))
JOINED = rt.jit.trace(lambda x, y: rt.cat([x, y])[:, [0, 1]], (M, M))
WRITTEN = rt.jit.trace(written, (M,))
WRITES = rt.jit.trace(nn.BatchNorm1d(3), (M,))
LAYER = nn.Linear(3, 3)
RECORDED = rt.jit.trace(LAYER, (M,))


@ROWS.agrees((X, 2), (X, 0))
def recorded_functions(x, n: int):
    d = TWO(x, x * 2)
    for _ in range(n):
        x = TIMES(x)[0]
    return d["a"], d["b"][1][0], d, NAMED(x), NAMED(x).y, TIMES(x)[1], x


@ROWS.agrees((M,), (-M,))
def recorded_functions_with_writes_and_lists(x):
    return WRITTEN(x), JOINED(x, x)


def test_recorded_layers_train_in_scripts() -> None:
    def twice(x):
        return RECORDED(RECORDED(x))

    rt.jit.script(twice)(M).sum().backward()
    found = LAYER.weight.grad.clone()
    LAYER.zero_grad()
    twice(M).sum().backward()
    assert rt.allclose(found, LAYER.weight.grad)


@ROWS.refused("the recorded function takes 2 tensors")
def recorded_function_of_too_few(x):
    return TWO(x)  # <-


@ROWS.refused("the recorded function takes 2 tensors")
def recorded_function_of_a_number(x):
    return TWO(x, 3)  # <-


@ROWS.refused("a call of a recorded function with keyword arguments")
def recorded_function_by_name(x):
    return TWO(x, y=x)  # <-


@ROWS.refused("or one that writes state")
def recorded_function_that_writes(x):
    return WRITES(x)  # <-


# ---- Modules ----


class Child(nn.Module):
    def __init__(self, k: int = 2) -> None:
        super().__init__()
        self.w = nn.Parameter(rt.ones(3) * k)
        self.register_buffer("count", rt.zeros(1))
        self.register_buffer("none", None)
        self.register_parameter("nothing", None)
        self.add_module("gone", None)
        self.k, self.act, self.items, self.conf, self.absent = k, F.relu, [1, 2], {"a": k}, None
        object.__setattr__(self, "hidden", nn.Linear(3, 3))

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        self.count += 1
        return self.act(x * self.w * scale) + self.k

    def twice(self, x: Tensor) -> Tensor:
        return self.forward(x) * 2

    @staticmethod
    def plus(x: Tensor) -> Tensor:
        return x + 1

    @property
    def more(self) -> int:
        return self.k + 1


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = Child(), Child(3)
        self.list = nn.ModuleList([Child(1), Child(2)])
        self.seq = nn.Sequential(Child(1), nn.ReLU())
        self.dict = nn.ModuleDict({"x": Child(5), "y": nn.Tanh()})
        self.tensors = nn.ParameterList([rt.ones(3), rt.ones(3) * 2])
        self.named = nn.ParameterDict({"p": rt.ones(3) * 3})
        self.scripted = rt.jit.script(nn.ReLU())
        self.recorded = rt.jit.trace(nn.Linear(3, 3), (X,))


class Everything(Parts):
    def forward(self, x: Tensor, n: int = 2) -> Any:
        y = self.a(x) + self.b.twice(x) + self.a.plus(x) + self.a.more
        y = y + self.list[0](x, 2.0) + self.list[-1](x, scale=0.5) + self.seq(x) + self.dict["x"](x)
        for m in self.list:
            y = m(y)
        for i, m in enumerate(self.seq):
            y = m(y) + i
        for m in reversed(self.list):
            y = m(y)
        for key in self.dict:
            y = self.dict[key](y)
        for _, m in self.dict.items():
            y = m(y)
        for p in self.tensors:
            y = y * p
        for key in self.named:
            y = y + self.named[key]
        for _, m in self.a._modules.items():
            y = y if m is None else m(y)
        if self.a.none is None and self.a.nothing is None and self.a.gone is None and self.a.absent is None:
            y = y * self.tensors[1]
        if isinstance(self.seq[1], nn.ReLU) and type(self.seq[1]) is nn.ReLU and self.a is not self.b:
            y = y * 3
        if hasattr(self, "a") and not hasattr(self, "zz") and getattr(self, "zz", None) is None and self.a:
            y = y + 1
        if self.training and self.a is self.a:
            y = y - 1
        y = self.recorded(y)
        if n > 2:
            self.b.count = self.b.count + n
        for i in range(n):
            self.a.count = self.a.count + i
        self.a.count[0] *= 2
        return (
            y * len(self.list) * self.a.items[1] * self.a.conf["a"],
            self.a.count,
            len(self.seq),
            len(self.dict),
        )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("n", [0, 2, 3])
def test_modules_compute_and_keep_what_they_do_in_python(training: bool, n: int) -> None:
    module = Everything().train(training)
    scripted = rt.jit.script(copy.deepcopy(module))
    for _ in range(2):
        assert same(module(X, n), scripted(X, n))
    for (name, a), b in zip(module.state_dict().items(), scripted.state_dict().values()):
        assert rt.equal(a, b), name


def attempt(expression: str, statement: str = "") -> Any:
    """A module like the one above whose forward has this in it."""
    source = f"def forward(self, x, n: int = 1):\n    {statement or 'pass'}\n    return {expression}\n"
    return type("Attempt", (Parts,), {"forward": function_of(source)})


def function_of(source: str) -> Any:
    import linecache

    name = f"<module {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    scope: dict[str, Any] = {}
    exec(compile(source, name, "exec"), {"rt": rt}, scope)
    return scope["forward"]


REFUSED_IN_MODULES = [
    ("self.zz", "", "Attempt has no attribute 'zz'"),
    ("self.list[7](x)", "", "there are 2 submodules; at"),
    ("self.tensors[2]", "", "there are 2 parameters; at"),
    ("self.dict['q'](x)", "", "there is no submodule 'q'"),
    ("self.named['q']", "", "there is no parameter 'q'"),
    ("self.list[n](x)", "", "a submodule by an index that is not known while compiling"),
    ("self.a.hidden(x)", "", "'hidden' is a module that is not registered"),
    ("self.a", "", "a function cannot return ModuleVal"),
    ("self.forward(x)", "", "calls itself"),
    ("self.scripted(x)", "", "a call of a scripted module"),
    ("x", "self.a.w = x", "an assignment to self.w"),
    ("x", "self.a.count = None", "an assignment to self.count"),
    ("x", "self.a.k = 3", "only buffers are state"),
    ("x", "x = [m(x) for m in self.a][0]", "a loop over ModuleVal"),
    (
        "x",
        "x = (self.a if n > 0 else self.b)(x)",
        "the value is ModuleVal in one branch and ModuleVal",
    ),
    ("x", "self.a._modules['z'] = self.b", "this dict cannot be changed: they are a module's"),
    ("x", "x = self.a.conf['zz']", "the dict has no key 'zz'"),
    ("len(self.a)", "", "len() of ModuleVal"),
    ("super().forward(x)", "", "a call of 'super'"),
]


@pytest.mark.parametrize(("expression", "statement", "message"), REFUSED_IN_MODULES)
def test_modules_are_refused_with_the_line(expression: str, statement: str, message: str) -> None:
    module = attempt(expression, statement)()
    with pytest.raises(rt.jit.ScriptError) as caught:
        rt.jit.script(module)
    assert message in str(caught.value)
    file = type(module).forward.__code__.co_filename
    assert f"{file}:{2 if statement else 3}" in str(caught.value)


def test_what_no_def_made_is_refused() -> None:
    with pytest.raises(rt.jit.ScriptError, match="is not made by def"):
        rt.jit.script(lambda x: x + 1)


def test_a_forward_of_the_instance_is_refused() -> None:
    module, outer = nn.ReLU(), nn.Sequential(nn.Tanh())
    module.forward = outer[0].forward = lambda x: x * 3  # type: ignore[method-assign,assignment]
    for wrong in (module, outer):
        with pytest.raises(rt.jit.ScriptError, match="has a forward of its own"):
            rt.jit.script(wrong)


def test_a_script_is_a_script_already() -> None:
    scripted = rt.jit.script(Child())
    assert rt.jit.script(scripted) is scripted
    function = rt.jit.script(checked)
    assert rt.jit.script(function) is function
