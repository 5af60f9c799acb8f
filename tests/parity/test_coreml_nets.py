"""Networks from PyTorch through coremltools into packages, which our reader and interpreter run."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest

logging.getLogger("coremltools").setLevel(logging.CRITICAL)
torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ct = pytest.importorskip("coremltools")
    import coremltools.optimize.coreml as compression

import rustorch as rt  # noqa: E402
from rustorch.coreml.interpreter import Runner  # noqa: E402

from . import coreml_nets as nets  # noqa: E402

PRECISIONS = {"float32": (ct.precision.FLOAT32, 1e-5), "float16": (ct.precision.FLOAT16, 2e-3)}


def converted(net, inputs, precision="float32", target=ct.target.iOS18, states=None):
    """The network as coremltools' model; `inputs` are examples by name."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(net, tuple(inputs.values()), check_trace=False)
        types = [
            ct.TensorType(
                name=name, shape=value.shape, dtype=np.float32 if value.is_floating_point() else np.int32
            )
            for name, value in inputs.items()
        ]
        return ct.convert(
            traced,
            inputs=types,
            states=states,
            convert_to="mlprogram",
            compute_precision=PRECISIONS[precision][0],
            minimum_deployment_target=target,
            skip_model_load=True,
        )


def loaded(model, folder, **options):
    path = folder / "model.mlpackage"
    model.save(str(path))
    return rt.load_model(path, **options)


def difference(got, want):
    """The greatest difference, relative to the greatest value."""
    want = np.asarray(want, np.float64)
    assert got.shape == want.shape
    return np.abs(got - want).max() / np.abs(want).max()


# Conversion is what takes time here: what is long is converted once.
ONCE = {"resnet50": "float32", "resnet14": "float16", "vgg16": "float32", "encoder_layer": "float16"}


@pytest.mark.parametrize(
    ("name", "precision"),
    [(name, p) for name in nets.NETS for p in PRECISIONS if ONCE.get(name, p) == p],
)
def test_networks_agree_with_torch(name, precision, tmp_path):
    make, example = nets.NETS[name]
    torch.manual_seed(1)
    net, x = nets.prepared(make()), example()
    with torch.no_grad():
        want = net(x)
    want = want if isinstance(want, tuple) else (want,)
    got = loaded(converted(net, {"x": x}, precision), tmp_path).predict(x.numpy())
    assert len(got) == len(want)
    for value, tensor in zip(got.values(), want):
        assert difference(value, tensor) < PRECISIONS[precision][1]


def linear_int8():
    return compression.linear_quantize_weights, compression.OpLinearQuantizerConfig(
        mode="linear_symmetric", weight_threshold=64
    )


def blockwise_int4():
    return compression.linear_quantize_weights, compression.OpLinearQuantizerConfig(
        mode="linear", dtype="int4", granularity="per_block", block_size=8, weight_threshold=64
    )


def palette4():
    return compression.palettize_weights, compression.OpPalettizerConfig(
        mode="uniform", nbits=4, weight_threshold=64
    )


def sparse():
    return compression.prune_weights, compression.OpMagnitudePrunerConfig(
        target_sparsity=0.5, weight_threshold=64
    )


FORMS = {
    ("mlp", ct.target.iOS16): (linear_int8, palette4, sparse),
    ("mlp", ct.target.iOS18): (linear_int8, blockwise_int4, palette4, sparse),
    ("lenet", ct.target.iOS16): (linear_int8, palette4),
    ("encoder_layer", ct.target.iOS18): (linear_int8, palette4),
    ("bilstm", ct.target.iOS18): (palette4,),
}


@pytest.mark.parametrize(("name", "target"), FORMS, ids=lambda value: getattr(value, "name", value))
def test_compressed_weights_are_those_that_coremltools_decodes(name, target, tmp_path):
    """Bit by bit: the same program with coremltools' own dense weights gives the same."""
    make, example = nets.NETS[name]
    torch.manual_seed(2)
    net, x = nets.prepared(make()), example()
    model = converted(net, {"x": x}, "float16", target)
    for form in FORMS[name, target]:
        compress, config = form()
        small = compress(model, compression.OptimizationConfig(config))
        dense = compression.decompress_weights(small)
        got = loaded(small, tmp_path).predict(x.numpy())
        want = loaded(dense, tmp_path).predict(x.numpy())
        for a, b in zip(got.values(), want.values(), strict=True):
            assert np.array_equal(a, b), form.__name__


def test_a_gpt_with_a_cache_agrees_with_the_whole_sequence(tmp_path):
    torch.manual_seed(3)
    full = nets.prepared(nets.Encoder(causal=True, layers=2))
    net = nets.CachedGPT(full).eval().requires_grad_(False)
    inputs = {"token": torch.zeros(1, 1, dtype=torch.int32), "place": torch.zeros(1, dtype=torch.int32)}
    states = [
        ct.StateType(ct.TensorType(shape=net.keys.shape, dtype=np.float16), name=name)
        for name in ("keys", "values")
    ]
    model = loaded(converted(net, inputs, "float16", states=states), tmp_path)
    tokens = torch.randint(0, 50, (1, 12))
    with torch.no_grad():
        want = full(tokens)[0]
    for precision in PRECISIONS:
        runner = Runner(model.model, precision=precision)
        state = runner.make_state()
        assert set(state) == {"keys", "values"}
        for place in range(12):
            step = {"token": tokens[:, place : place + 1].numpy(), "place": np.array([place])}
            (got,) = runner.predict(step, state=state).values()
            assert difference(got[0, 0], want[place]) < 3e-3
    stateful = model.stateful()
    first = {"token": tokens[:, :1].numpy(), "place": np.array([0])}
    (got,) = stateful.predict(first).values()
    assert difference(got[0, 0], want[0]) < 3e-3


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(4, 3)

    def forward(self, x):
        return torch.softmax(self.linear(torch.relu(self.conv(x)).mean((2, 3))), -1)


def small(inputs=None, target=ct.target.iOS17, **options):
    """The network, and coremltools' model of it."""
    net = nets.prepared(Small())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(net, torch.randn(1, 3, 8, 8), check_trace=False)
        return net, ct.convert(
            traced,
            inputs=inputs or [ct.TensorType("x", (1, 3, 8, 8))],
            compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=target,
            skip_model_load=True,
            **options,
        )


@pytest.mark.parametrize("target", [ct.target.iOS15, ct.target.iOS16, ct.target.iOS17, ct.target.iOS18])
def test_every_opset(target, tmp_path):
    net, model = small(target=target)
    x = torch.randn(1, 3, 8, 8)
    (got,) = loaded(model, tmp_path).predict(x.numpy()).values()
    assert difference(got, net(x)) < 1e-5


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ((1, 3, ct.RangeDim(4, 16, default=8), ct.RangeDim(4, 16, default=8)), (5, 11), (3, 8)),
        (ct.EnumeratedShapes([(1, 3, 8, 8), (1, 3, 6, 4)]), (6, 4), (6, 8)),
    ],
    ids=["ranged", "enumerated"],
)
def test_flexible_shapes(shape, good, bad, tmp_path):
    net, model = small([ct.TensorType("x", shape)])
    model = loaded(model, tmp_path)
    for size in (good, (8, 8)):
        x = torch.randn(1, 3, *size)
        (got,) = model.predict(x.numpy()).values()
        assert difference(got, net(x)) < 1e-5
    with pytest.raises(ValueError, match="input 'x' takes"):
        model.predict(np.zeros((1, 3, *bad), np.float32))


def test_a_classifier_of_images(tmp_path):
    image = ct.ImageType(
        "x", (1, 3, 8, 8), scale=1 / 127.5, bias=[-1, -1, -1], color_layout=ct.colorlayout.BGR
    )
    net, model = small([image], classifier_config=ct.ClassifierConfig(["cat", "dog", "owl"]))
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    planes = torch.tensor(pixels[..., ::-1].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    want = net(planes)[0].tolist()
    label, odds = loaded(model, tmp_path).predict({"x": pixels}).values()
    assert label == ["cat", "dog", "owl"][int(np.argmax(want))]
    assert list(odds) == ["cat", "dog", "owl"]
    np.testing.assert_allclose(list(odds.values()), want, rtol=1e-5)


def test_several_functions_share_a_package(tmp_path):
    described = ct.utils.MultiFunctionDescriptor()
    networks = {}
    for name in ("first", "second"):
        networks[name], model = small(target=ct.target.iOS18)
        model.save(str(tmp_path / f"{name}.mlpackage"))
        described.add_function(str(tmp_path / f"{name}.mlpackage"), "main", name)
    described.default_function_name = "second"
    path = tmp_path / "both.mlpackage"
    ct.utils.save_multifunction(described, str(path))
    x = torch.randn(1, 3, 8, 8)
    for name, net in ((None, networks["second"]), *networks.items()):
        (got,) = rt.load_model(path, function=name).predict(x.numpy()).values()
        assert difference(got, net(x)) < 1e-5


def test_pytorch_s_own_encoder_by_torch_export(tmp_path):
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    net = nets.prepared(torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    x = torch.randn(1, 6, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(net, (x,)).run_decompositions({})
        model = ct.convert(
            program,
            compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS17,
            skip_model_load=True,
        )
    (got,) = loaded(model, tmp_path).predict(x.numpy()).values()
    assert difference(got, net(x)) < 1e-5
