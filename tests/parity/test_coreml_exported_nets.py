"""Networks from rustorch through our export: coremltools reads them, our runner agrees with eager mode, and
eager mode with PyTorch.

The networks are those of `coreml_nets`, with PyTorch's numbers in them: rustorch's API is PyTorch's, so one
source makes them of either library.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml import export

logging.getLogger("coremltools").setLevel(logging.CRITICAL)
torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ct = pytest.importorskip("coremltools")
    import coremltools.optimize.coreml as compression

from . import coreml_nets as theirs  # noqa: E402
from .test_coreml_export import check  # noqa: E402
from .test_coreml_nets import difference, linear_int8, palette4  # noqa: E402


def of_rustorch() -> ModuleType:
    """`coreml_nets`, made of rustorch's modules."""
    text = Path(theirs.__file__).read_text(encoding="utf-8")
    for name in ("import torch\n", "import torch.", "from torch "):
        assert name in text
    text = text.replace("import torch\n", "import rustorch as torch\n")
    text = text.replace("import torch.", "import rustorch.").replace("from torch ", "from rustorch ")
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("of_rustorch", None))
    exec(compile(text, theirs.__file__, "exec"), module.__dict__)
    return module


OURS = of_rustorch()
LIMITS = {"float32": 1e-5, "float16": 2e-3}
FORMS = {"int8": linear_int8, "palette4": palette4}


def pair(make: str) -> tuple[Any, Any, Any]:
    """A network of both libraries with the same numbers, and an input."""
    torch.manual_seed(1)
    net, x = theirs.prepared(theirs.NETS[make][0]()), theirs.NETS[make][1]()
    ours = OURS.NETS[make][0]().eval()
    ours.load_state_dict({name: rt.tensor(t.numpy()) for name, t in net.state_dict().items()})
    return net, ours, x


def outputs(result: Any) -> list[Any]:
    return [t.detach().numpy() for t in (result if isinstance(result, tuple) else (result,))]


# What 8 bits, and 16 values, leave of a network: that all bits are decoded is for test_coreml_nets.
DEPARTURES = {"int8": 2e-2, "palette4": 0.3}


@pytest.mark.parametrize("precision", LIMITS)
@pytest.mark.parametrize("name", [n for n in theirs.NETS if n not in ("encoder_layer", "resnet14")])
def test_networks(name: str, precision: Any, tmp_path: Path) -> None:
    net, ours, x = pair(name)
    path, given = tmp_path / "net.mlpackage", rt.tensor(x.numpy())
    export(ours, given, path, precision=precision, target="macOS15")
    got = list(rt.load_model(path).predict(given).values())
    with rt.no_grad(), torch.no_grad():
        eager, wanted = outputs(ours(given)), outputs(net(x))
    for found, e, w in zip(got, eager, wanted, strict=True):
        assert difference(e, w) < LIMITS["float32"]
        assert difference(found.numpy(), e) < LIMITS[precision]
    if precision == "float32":
        return
    check(path)
    package = ct.models.MLModel(str(path), skip_model_load=True)
    for form, made in FORMS.items():
        compress, config = made()
        small = compress(package, compression.OptimizationConfig(config))
        small.save(str(tmp_path / f"{form}.mlpackage"))
        model = rt.load_model(tmp_path / f"{form}.mlpackage")
        assert model.metadata.quantization
        found = next(iter(model.predict(x.numpy()).values()))
        assert difference(found, eager[0]) < DEPARTURES[form]


@pytest.mark.parametrize("precision", LIMITS)
def test_a_gpt_with_a_cache(precision: Any, tmp_path: Path) -> None:
    torch.manual_seed(3)
    full = theirs.prepared(theirs.Encoder(causal=True, layers=2))
    ours = OURS.Encoder(causal=True, layers=2).eval()
    ours.load_state_dict({name: rt.tensor(t.numpy()) for name, t in full.state_dict().items()})
    net = OURS.CachedGPT(ours).eval()
    path, inputs = tmp_path / "gpt.mlpackage", (rt.tensor([[1]]), rt.tensor([0]))
    export(net, inputs, path, states=True, target="macOS15", precision=precision)
    tokens = torch.randint(0, 50, (1, 12))
    with torch.no_grad():
        wanted = full(tokens)[0].numpy()
    packages = [path]
    package = ct.models.MLModel(str(path), skip_model_load=True)
    for form, made in FORMS.items() if precision == "float16" else ():
        compress, config = made()
        packages.append(tmp_path / f"{form}.mlpackage")
        compress(package, compression.OptimizationConfig(config)).save(str(packages[-1]))
    for package_path, limit in zip(packages, (3e-3, 5e-2, 0.3)):
        model = rt.load_model(package_path).stateful()
        for place in range(12):
            token = {"token": tokens[:, place : place + 1].numpy(), "place": np.array([place])}
            (got,) = model.predict(token).values()
            assert difference(got[0, 0], wanted[place]) < limit
