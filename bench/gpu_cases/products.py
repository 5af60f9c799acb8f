"""Work whose limit is the arithmetic: matrix products, attention, and a language model's step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import rustorch as rt
from gpu_cases.case import FLOATS, Case, Sizes, later, pair


def matrices(sizes: Sizes) -> Iterator[Case]:
    n = sizes.matrix
    for dtype in FLOATS:
        a, b = pair((n, n), dtype)
        yield Case(f"matmul/{n}/{dtype}", lambda a=a: a @ a, lambda b=b: b @ b, flops=2.0 * n**3, target=1)


def attention(sizes: Sizes) -> Iterator[Case]:
    """Beside torch's own choice, which is cuDNN's kernel on newer GPUs, and beside its flash kernel."""
    heads, length = 16, sizes.sequence
    ours, torchs = (lib.nn.functional.scaled_dot_product_attention for lib in (rt, torch))

    def flash(p: torch.Tensor) -> torch.Tensor:
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            return torchs(p, p, p, is_causal=True)

    for dtype in ("float32", "bfloat16"):
        for width in (64, 128):
            q, p = pair((1, heads, length, width), dtype)
            beside: dict[str, tuple[Callable[[], Any], float]] = {
                "causal": (partial(torchs, p, p, p, is_causal=True), 0)
            }
            if dtype == "bfloat16":
                beside["causal, flash"] = (partial(flash, p), 0.7)
            for name, (theirs, target) in beside.items():
                yield Case(
                    f"attention/{length}x{width}, {name}/{dtype}",
                    partial(ours, q, q, q, is_causal=True),
                    theirs,
                    flops=2 * 2.0 * heads * length * length * width / 2,
                    target=target,
                )


@dataclass(frozen=True)
class Model:
    """GPT-2, small (Radford et al., 2019), without dropout."""

    layers: int = 12
    width: int = 768
    heads: int = 12
    vocabulary: int = 50257
    length: int = 1024

    def parameters(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(0)
        w = self.width

        def normal(*shape: int) -> np.ndarray:
            return rng.normal(0, 0.02, shape).astype(np.float32)

        p = {"token": normal(self.vocabulary, w), "position": normal(self.length, w)}
        layers = {"qkv": (w, 3 * w), "out": (w, w), "up": (w, 4 * w), "down": (4 * w, w)}
        for i in range(self.layers):
            for name, (inner, outer) in layers.items():
                p[f"{i}.{name}.weight"], p[f"{i}.{name}.bias"] = normal(outer, inner), np.zeros(outer, "f")
        for name in [f"{i}.norm_{k}" for i in range(self.layers) for k in (1, 2)] + ["norm"]:
            p[f"{name}.weight"], p[f"{name}.bias"] = np.ones(w, "f"), np.zeros(w, "f")
        return p

    def loss(self, lib: Any, p: dict[str, Any], tokens: Any, targets: Any) -> Any:
        """Products and attention in bfloat16, all else in float32; parameters are float32."""
        f, (batch, length) = lib.nn.functional, tokens.shape

        def norm(x: Any, name: str) -> Any:
            return f.layer_norm(x, (self.width,), p[f"{name}.weight"], p[f"{name}.bias"])

        def linear(x: Any, name: str) -> Any:
            weight, bias = p[f"{name}.weight"], p[f"{name}.bias"]
            return f.linear(x.to(lib.bfloat16), weight.to(lib.bfloat16), bias.to(lib.bfloat16))

        x = f.embedding(tokens, p["token"]) + p["position"][:length]
        for i in range(self.layers):
            heads = linear(norm(x, f"{i}.norm_1"), f"{i}.qkv").reshape(batch, length, 3, self.heads, -1)
            q, k, v = (heads[:, :, j].transpose(1, 2) for j in range(3))
            mixed = f.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + linear(mixed.transpose(1, 2).reshape(batch, length, self.width), f"{i}.out")
            up = linear(norm(x, f"{i}.norm_2"), f"{i}.up")
            x = x + linear(f.gelu(up, approximate="tanh"), f"{i}.down")
        x = norm(x, "norm").to(lib.bfloat16)
        logits = f.linear(x, p["token"].to(lib.bfloat16)).float()
        return f.cross_entropy(logits.reshape(-1, self.vocabulary), targets.reshape(-1))

    def step(self, lib: Any, batch: int, device: str = "cuda") -> Callable[[], Any]:
        """A training step; its loss."""
        p = {name: lib.tensor(value).to(device).requires_grad_() for name, value in self.parameters().items()}
        tokens = np.random.default_rng(1).integers(0, self.vocabulary, (batch, self.length + 1))
        before, after = lib.tensor(tokens[:, :-1]).to(device), lib.tensor(tokens[:, 1:]).to(device)
        optimizer = lib.optim.AdamW(list(p.values()), lr=1e-4, fused=True)

        def step() -> Any:
            optimizer.zero_grad(set_to_none=True)
            loss = self.loss(lib, p, before, after)
            loss.backward()
            optimizer.step()
            return loss

        return step

    def flops(self, batch: int) -> float:
        """Of the matrix products of a step: six for each weight and token, and attention's."""
        w, tokens = self.width, batch * self.length
        weights = self.layers * 12 * w * w + self.vocabulary * w
        return 6.0 * weights * tokens + 6.0 * self.layers * tokens * self.length * w


def training(sizes: Sizes) -> Iterator[Case]:
    model = Model(layers=sizes.layers)
    yield Case(
        f"training/GPT-2, {sizes.layers} layers, batch {sizes.batch}/bfloat16",
        later(partial(model.step, rt, sizes.batch)),
        later(partial(model.step, torch, sizes.batch)),
        flops=model.flops(sizes.batch),
        target=1,
    )
