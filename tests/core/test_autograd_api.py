"""What rt.autograd has in Python: switches, custom functions, hooks, products with Jacobians, gradcheck."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import rustorch as rt
from rustorch.autograd import Function, functional, gradcheck, gradgradcheck
from rustorch.autograd.function import once_differentiable


def leaf(*values: float) -> rt.Tensor:
    return rt.tensor(values, dtype=rt.float64, requires_grad=True)


# ---- Switches ----


@pytest.mark.parametrize(
    ("switch", "recorded"),
    [
        (rt.no_grad, False),
        (rt.no_grad(), False),
        (rt.inference_mode, False),
        (rt.inference_mode(), False),
        (rt.inference_mode(False), True),
        (rt.enable_grad(), True),
        (rt.set_grad_enabled(True), True),
    ],
)
def test_switches_decorate_functions(switch: Any, recorded: bool) -> None:
    @switch
    def double(x: rt.Tensor) -> rt.Tensor:
        """Twice."""
        return x * 2

    assert double.__doc__ == "Twice." and double(leaf(1)).requires_grad is recorded
    assert rt.is_grad_enabled() and not rt.is_inference_mode_enabled()


def test_a_decorated_generator_switches_only_while_it_runs() -> None:
    @rt.no_grad()
    def values(x: rt.Tensor) -> Iterator[rt.Tensor]:
        sent = yield x * 2
        yield x * sent
        return "end"

    x = leaf(1)
    generator = values(x)
    assert not next(generator).requires_grad and rt.is_grad_enabled()
    assert (x * 2).requires_grad
    assert generator.send(3).item() == 3
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "end"


def test_set_grad_enabled_as_a_function() -> None:
    rt.set_grad_enabled(False)
    try:
        assert not (leaf(1) * 2).requires_grad
    finally:
        rt.set_grad_enabled(True)


# ---- Custom functions ----


class Scale(Function):
    """x -> factor x, with setup_context and an argument that is no tensor."""

    @staticmethod
    def forward(x: rt.Tensor, factor: float) -> rt.Tensor:
        return x * factor

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.factor = inputs[1]
        ctx.save_for_backward(output)
        assert ctx.saved_tensors[0] is output

    @staticmethod
    def backward(ctx: Any, grad: rt.Tensor) -> tuple[Any, ...]:
        assert ctx.needs_input_grad == (True, False)
        return grad * ctx.factor, None, None  # one None too many is let pass


def test_setup_context() -> None:
    x = leaf(1, 2)
    Scale.apply(x, 3.0).sum().backward()
    assert x.grad.tolist() == [3, 3]
    assert not Scale.apply(x.detach(), 3.0).requires_grad


def test_missing_parts_are_errors() -> None:
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(leaf(1))
    with pytest.raises(NotImplementedError, match="setup_context"):
        Function.setup_context(None, (), None)

    class NoBackward(Function):
        @staticmethod
        def forward(ctx: Any, x: rt.Tensor) -> rt.Tensor:
            return x.clone()

    with pytest.raises(NotImplementedError, match="backward"):
        NoBackward.apply(leaf(1)).sum().backward()


@pytest.mark.parametrize(
    ("gradients", "message"),
    [((1, 1, 1), "incorrect number of gradients"), ((1, 1), "different from None at position 2")],
)
def test_wrong_gradients_are_errors(gradients: tuple[int, ...], message: str) -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: rt.Tensor, factor: float) -> rt.Tensor:
            return x * factor

        @staticmethod
        def backward(ctx: Any, grad: rt.Tensor) -> tuple[Any, ...]:
            return tuple(grad * g for g in gradients)

    with pytest.raises(RuntimeError, match=message):
        Wrong.apply(leaf(1), 2.0).sum().backward()


def test_saving_takes_tensors_only() -> None:
    class Saves(Function):
        @staticmethod
        def forward(ctx: Any, x: rt.Tensor) -> rt.Tensor:
            ctx.save_for_backward(1)
            return x.clone()

    with pytest.raises(TypeError, match="can only save variables"):
        Saves.apply(leaf(1))


def test_several_results_and_those_without_gradient() -> None:
    class Parts(Function):
        @staticmethod
        def forward(ctx: Any, x: rt.Tensor) -> tuple[rt.Tensor, rt.Tensor, str]:
            index = x.argmax()
            ctx.mark_non_differentiable(index)
            ctx.set_materialize_grads(False)
            return x * 2, index, "label"

        @staticmethod
        def backward(ctx: Any, grad: Any, index_grad: Any, *rest: Any) -> rt.Tensor:
            assert index_grad is None
            return grad * 2

    x = leaf(1, 5)
    doubled, index, label = Parts.apply(x)
    assert label == "label" and not index.requires_grad
    doubled.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_functions_are_not_made_but_applied() -> None:
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        instance = Scale()
    with pytest.raises(RuntimeError, match="Legacy autograd function"):
        instance(leaf(1))


def test_the_older_name_of_saved_tensors() -> None:
    y = Scale.apply(leaf(2), 3.0)
    with pytest.warns(DeprecationWarning, match="use 'saved_tensors'"):
        assert y.grad_fn.saved_variables[0].tolist() == [6]


def test_a_decorated_class_warns() -> None:
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):

        @rt.no_grad()
        class Made:
            def __init__(self) -> None:
                self.recorded = rt.is_grad_enabled()

    assert not Made().recorded


def test_once_differentiable() -> None:
    class Cube(Function):
        @staticmethod
        def forward(ctx: Any, x: rt.Tensor) -> rt.Tensor:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, grad: rt.Tensor) -> rt.Tensor:
            return 3 * ctx.saved_tensors[0] ** 2 * grad

    x = leaf(2)
    Cube.apply(x).sum().backward()
    assert x.grad.tolist() == [12]
    weight = leaf(1)
    (first,) = rt.autograd.grad(Cube.apply(x), x, weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


# ---- Hooks ----


def test_a_handle_ends_with_its_block_and_node_hooks_change_gradients() -> None:
    x = leaf(1)
    seen = []
    with x.register_hook(lambda g: seen.append(g.item())):
        (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert seen == [2]
    x.grad = None
    y = x * 2
    before = y.grad_fn.register_prehook(lambda grads: tuple(g * 10 for g in grads))
    after = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + 1, *inputs[1:]))
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [21]
    before.remove()
    before.remove()
    after.remove()
    y.sum().backward()
    assert x.grad.tolist() == [23]


# ---- backward and grad ----


def test_backward_into_chosen_tensors() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * w
    rt.autograd.backward((y * y).sum(), inputs=[x, y])
    assert w.grad is None and x.grad.tolist() == [18, 64] and y.grad.tolist() == [6, 16]
    rt.autograd.backward((y * 1).sum(), inputs=y)
    assert y.grad.tolist() == [7, 17]
    with pytest.raises(RuntimeError, match="cannot be empty"):
        rt.autograd.backward(y.sum(), inputs=[])


def test_grad_in_batches_and_with_zeros() -> None:
    x, unused = leaf(1, 2), leaf(5)
    jacobian, nothing = rt.autograd.grad(
        x * x, (x, unused), rt.eye(2, dtype=rt.float64), is_grads_batched=True, allow_unused=True
    )
    assert jacobian.tolist() == [[2, 0], [0, 4]] and nothing is None
    found = rt.autograd.grad((x * x).sum(), (x, unused), materialize_grads=True)
    assert [f.tolist() for f in found] == [[2, 4], [0]]
    with pytest.raises(ValueError, match="materialize_grads"):
        rt.autograd.grad((x * x).sum(), x, materialize_grads=True, allow_unused=False)


@pytest.mark.parametrize(("grads", "error"), [((None, None), RuntimeError), (("text",), TypeError)])
def test_gradients_that_do_not_fit_the_outputs(grads: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        rt.autograd.backward(leaf(1).sum(), grads)


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        rt.autograd.nothing


# ---- Products with Jacobians ----


def test_products_with_jacobians() -> None:
    x, v = leaf(1, 2), rt.tensor([1.0, 10.0], dtype=rt.float64)
    assert functional.vjp(lambda x: (x * x).sum(), x)[1].tolist() == [2, 4]
    assert functional.jvp(lambda x: x * x, x, v)[1].tolist() == [2, 40]
    assert functional.jvp(lambda x: x * x, leaf(3))[1].tolist() == [6]
    assert functional.jacobian(lambda x: x * x, x).tolist() == [[2, 0], [0, 4]]
    assert functional.hessian(lambda x: (x**3).sum(), x).tolist() == [[6, 0], [0, 12]]
    _, product = functional.vjp(lambda x: x * x, x, v, create_graph=True)
    assert product.requires_grad
    constant = functional.vjp(lambda x: rt.ones(1, dtype=rt.float64), x)[1]
    assert constant.tolist() == [0, 0]


def test_products_with_jacobians_refuse() -> None:
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="single element"):
        functional.vjp(lambda x: x * x, x)
    with pytest.raises(RuntimeError, match="single element"):
        functional.jvp(lambda x: x * x, x)
    with pytest.raises(RuntimeError, match="independent"):
        functional.vjp(lambda x: rt.ones(1), x, strict=True)
    with pytest.raises(RuntimeError, match="independent"):
        functional.vjp(lambda x, y: x.sum(), (x, leaf(1)), strict=True)


# ---- gradcheck ----


class Wrong(Function):
    """The identity with a wrong gradient."""

    @staticmethod
    def forward(ctx: Any, x: rt.Tensor) -> rt.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: rt.Tensor) -> rt.Tensor:
        return grad * 2


def test_gradcheck_finds_wrong_gradients() -> None:
    with pytest.raises(rt.autograd.GradcheckError, match="Jacobian mismatch"):
        gradcheck(Wrong.apply, (leaf(1, 2),))
    assert not gradcheck(Wrong.apply, (leaf(1),), raise_exception=False)

    calls = iter(range(1000))

    class Fickle(Wrong):
        @staticmethod
        def backward(ctx: Any, grad: rt.Tensor) -> rt.Tensor:
            return grad * (1 + next(calls) % 2)

    with pytest.raises(rt.autograd.GradcheckError, match="not reentrant"):
        gradcheck(Fickle.apply, (leaf(1),))


def test_gradcheck_of_constants() -> None:
    assert gradcheck(lambda x: rt.ones(2, dtype=rt.float64), (leaf(1),))
    with pytest.raises(rt.autograd.GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, (leaf(1),))


def test_gradcheck_of_dtypes() -> None:
    assert gradcheck(lambda x: x * x, (leaf(1, 2),), check_grad_dtypes=True)


def test_gradgradcheck_with_given_and_with_permuted_gradients() -> None:
    x = leaf(0.5, -1)
    assert gradgradcheck(lambda x: x**3, x, rt.ones(2, dtype=rt.float64))
    assert gradgradcheck(lambda x: x**3, x, gen_non_contig_grad_outputs=True)
    # Of single precision, but not varied.
    assert gradgradcheck(lambda x: x**3, x, rt.randn(2))
    assert not gradgradcheck(lambda x: Wrong.apply(x) * x, x, raise_exception=False)


def test_gradcheck_is_a_module_and_its_function() -> None:
    from rustorch.autograd.gradcheck import GradcheckError

    assert rt.autograd.GradcheckError is GradcheckError
    assert rt.autograd.gradcheck is gradcheck and callable(gradcheck)


@pytest.mark.parametrize("zeros", [[], [0], [0, 3], [1, 2]])
def test_second_derivatives_of_scattered_products(zeros: list[int]) -> None:
    """One zero at a place has others' derivatives of it; the second derivative at two is refused."""
    source = rt.tensor([1.0, 2, 3, 4, 5], dtype=rt.float64)
    source[zeros] = 0
    inputs = (leaf(2, 3), source.requires_grad_())
    index = rt.tensor([0, 0, 1, 1, 1])

    def product(x: Any, y: Any) -> Any:
        return x.scatter_reduce(0, index, y, "prod")

    assert gradcheck(product, inputs)
    assert gradgradcheck(product, inputs)


def test_second_derivatives_of_products_with_several_zeros_are_refused() -> None:
    x, source = leaf(2), leaf(0, 0, 3)
    y = x.scatter_reduce(0, rt.tensor([0, 0, 0]), source, "prod").sum()
    grads = rt.autograd.grad(y, (x, source), create_graph=True)
    assert [g.tolist() for g in grads] == [[0], [0, 0, 0]]
    with pytest.raises(RuntimeError, match="Double backward is unsupported for src when >1 zeros"):
        grads[1].sum().backward()


def complex_leaf(*values: complex) -> rt.Tensor:
    return rt.tensor(values, dtype=rt.complex128, requires_grad=True)


@pytest.mark.parametrize(
    "function",
    [lambda z: z * z, lambda z: z * z.conj(), lambda z: z.abs(), lambda z: (z.real * z.imag).sum()],
    ids=["holomorphic", "of a pair", "to real numbers", "of parts"],
)
def test_gradcheck_of_complex_numbers(function: Any) -> None:
    assert gradcheck(function, (complex_leaf(1 + 2j, -0.5 + 0.25j),))


class Conjugates(Function):
    """The square, with a gradient that is right for real numbers only."""

    @staticmethod
    def forward(ctx: Any, z: rt.Tensor) -> rt.Tensor:
        ctx.save_for_backward(z)
        return z * z

    @staticmethod
    def backward(ctx: Any, g: rt.Tensor) -> rt.Tensor:
        (z,) = ctx.saved_tensors
        return 2 * z * g


def test_gradcheck_knows_conjugates() -> None:
    assert gradcheck(Conjugates.apply, (leaf(1, 2),))
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(Conjugates.apply, (complex_leaf(1 + 2j),))


class Adds(Function):
    """A gradient that is not linear: it is there without any of the output."""

    @staticmethod
    def forward(ctx: Any, x: rt.Tensor) -> rt.Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: Any, g: rt.Tensor) -> rt.Tensor:
        return rt.where(g == 0, rt.ones_like(g), g)


def test_what_gradcheck_refuses() -> None:
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x * 2, (rt.ones(2, dtype=rt.float64),))
    with pytest.warns(UserWarning, match="not double precision"):
        gradcheck(lambda x: x * 2, (rt.ones(2, requires_grad=True),), raise_exception=False)
    with pytest.raises(RuntimeError, match="a zero gradient of the output gave a non-zero gradient"):
        gradcheck(Adds.apply, (leaf(1),))


def test_functions_of_single_elements() -> None:
    x = rt.ones(2)
    for product in (functional.hessian, functional.vhp, functional.hvp):
        with pytest.raises(RuntimeError, match="must return a Tensor with a single element"):
            product(lambda x: x * 2, x)


def test_older_forms() -> None:
    assert rt.autograd.Variable().numel() == 0
    y = leaf(1, 2) * 3
    assert y.detach_() is y and y.grad_fn is None and y.is_leaf and not y.requires_grad


def test_gradcheck_moves_the_input_itself() -> None:
    layer = rt.nn.Linear(2, 2).double()
    x = rt.ones(3, 2, dtype=rt.float64)
    before = layer.weight.tolist()
    assert rt.autograd.gradcheck(lambda _: layer(x), (layer.weight,))
    assert layer.weight.tolist() == before
    overlapping = rt.ones(1, dtype=rt.float64).expand(3).requires_grad_()
    with pytest.raises(RuntimeError, match="dimension with stride 0"):
        rt.autograd.gradcheck(rt.sin, (overlapping,))
