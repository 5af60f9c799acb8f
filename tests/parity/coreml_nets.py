"""PyTorch networks that go through coremltools into our interpreter: small in width, whole in their parts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(-1)
        )

    def forward(self, x):
        return self.layers(x)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)
        )

    def forward(self, x):
        return self.head(torch.flatten(self.features(x), 1))


def convolved(i, o, kernel, stride=1, groups=1, activation=None):
    layers = [nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([] if activation is None else [activation]))


class Bottleneck(nn.Module):
    def __init__(self, i, width, stride):
        super().__init__()
        o = 4 * width
        self.body = nn.Sequential(
            convolved(i, width, 1, activation=nn.ReLU()),
            convolved(width, width, 3, stride, activation=nn.ReLU()),
            convolved(width, o, 1),
        )
        self.shortcut = nn.Identity() if i == o and stride == 1 else convolved(i, o, 1, stride)

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


class ResNet50(nn.Module):
    """ResNet-50 of an eighth of its width; with other counts of blocks a shorter one."""

    def __init__(self, width=8, counts=(3, 4, 6, 3)):
        super().__init__()
        layers = [convolved(3, width, 7, 2, activation=nn.ReLU()), nn.MaxPool2d(3, 2, 1)]
        i = width
        for stage, (count, stride) in enumerate(zip(counts, (1, 2, 2, 2))):
            for k in range(count):
                layers.append(Bottleneck(i, width << stage, stride if k == 0 else 1))
                i = 4 * (width << stage)
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(i, 20)

    def forward(self, x):
        return self.head(torch.flatten(F.adaptive_avg_pool2d(self.layers(x), 1), 1))


class InvertedResidual(nn.Module):
    def __init__(self, i, o, stride, expand):
        super().__init__()
        h = i * expand
        self.body = nn.Sequential(
            convolved(i, h, 1, activation=nn.ReLU6()),
            convolved(h, h, 3, stride, groups=h, activation=nn.ReLU6()),
            convolved(h, o, 1),
        )
        self.skips = stride == 1 and i == o

    def forward(self, x):
        return x + self.body(x) if self.skips else self.body(x)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        layers, i = [convolved(3, 8, 3, 2, activation=nn.ReLU6())], 8
        for expand, o, count, stride in [(1, 8, 1, 1), (6, 12, 2, 2), (6, 16, 1, 2)]:
            for k in range(count):
                layers.append(InvertedResidual(i, o, stride if k == 0 else 1, expand))
                i = o
        self.layers = nn.Sequential(*layers, convolved(i, 64, 1, activation=nn.ReLU6()))
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.layers(x).mean((2, 3)))


class VGG16(nn.Module):
    """VGG-16 of a sixteenth of its width."""

    def __init__(self):
        super().__init__()
        layers, i = [], 3
        for width, count in [(4, 2), (8, 2), (16, 3), (32, 3), (32, 3)]:
            for _ in range(count):
                layers += [nn.Conv2d(i, width, 3, padding=1), nn.ReLU()]
                i = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 10))

    def forward(self, x):
        return self.head(torch.flatten(self.features(x), 1))


class UNet(nn.Module):
    """Two levels, with every kind of way up and of normalisation."""

    def __init__(self):
        super().__init__()
        self.first, self.down = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, 2, 1)
        self.prelu, self.group = nn.PReLU(8), nn.GroupNorm(4, 16)
        self.instance = nn.InstanceNorm2d(16, affine=True)
        self.up, self.odd_up = (
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
            nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1),
        )
        self.last = nn.Conv2d(24, 2, 1)

    def forward(self, x):
        top = self.prelu(self.first(x))
        low = F.silu(self.group(self.down(top)))
        low = self.instance(low) + F.leaky_relu(low, 0.1)
        joined = torch.cat([top, self.up(low), self.odd_up(low)], 1)
        smooth = F.interpolate(low[:, :2], scale_factor=2, mode="bilinear", align_corners=False)
        return (
            torch.sigmoid(self.last(joined))
            + smooth
            + F.interpolate(low[:, :2], scale_factor=2, mode="nearest")
        )


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def split(self, x):
        parts = self.qkv(x).chunk(3, -1)
        b, t, c = parts[0].shape
        return [part.reshape(b, t, self.heads, c // self.heads).transpose(1, 2) for part in parts]

    def forward(self, x, mask=None):
        q, k, v = self.split(x)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(y.transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.attention, self.norm, self.norm2 = Attention(dim, heads), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.feed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm(x), mask)
        return x + self.feed(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.patches = nn.Conv2d(3, dim, 8, 8)
        self.token = nn.Parameter(0.1 * torch.randn(1, 1, dim))
        self.places = nn.Parameter(0.1 * torch.randn(1, 17, dim))
        self.blocks = nn.ModuleList([Block(dim, 4) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class Encoder(nn.Module):
    """A 4-layer Transformer encoder over tokens; causal with a mask."""

    def __init__(self, dim=32, length=12, causal=False, layers=4):
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, dim), nn.Parameter(0.1 * torch.randn(1, length, dim))
        self.blocks = nn.ModuleList([Block(dim, 4) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 50)
        self.register_buffer("mask", torch.ones(length, length).tril().bool() if causal else None)

    def forward(self, x):
        x = self.tokens(x) + self.places
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x))


class CachedGPT(nn.Module):
    """A causal GPT, one token a call, with the keys and values of earlier tokens in buffers."""

    def __init__(self, full: Encoder, length=12):
        super().__init__()
        self.full = full
        layers, heads, dim = len(full.blocks), full.blocks[0].attention.heads, full.tokens.embedding_dim
        self.register_buffer("keys", torch.zeros(layers, heads, length, dim // heads))
        self.register_buffer("values", torch.zeros(layers, heads, length, dim // heads))
        self.register_buffer("steps", torch.arange(length, dtype=torch.int32))

    def forward(self, token, place):
        full = self.full
        x = full.tokens(token) + torch.index_select(full.places, 1, place)
        seen = (self.steps <= place).reshape(1, -1)
        for i, block in enumerate(full.blocks):
            q, k, v = block.attention.split(block.norm(x))
            here = (self.steps == place).to(x.dtype).reshape(1, -1, 1)
            self.keys[i] = self.keys[i] * (1 - here) + k[0] * here
            self.values[i] = self.values[i] * (1 - here) + v[0] * here
            k, v = self.keys[i : i + 1], self.values[i : i + 1]
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
            x = x + block.attention.out(y.transpose(1, 2).reshape(x.shape))
            x = x + block.feed(block.norm2(x))
        return full.head(full.norm(x))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layer = kind(12, 16, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        y, state = self.layer(x)
        return (self.head(y), *(state if isinstance(state, tuple) else (state,)))


def prepared(net: nn.Module) -> nn.Module:
    """In evaluation mode, with running statistics as after some training."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return net.eval().requires_grad_(False)


# Name: the network and an example of its input.
NETS = {
    "mlp": (MLP, lambda: torch.randn(2, 32)),
    "lenet": (LeNet, lambda: torch.randn(1, 1, 28, 28)),
    "resnet50": (ResNet50, lambda: torch.randn(1, 3, 64, 64)),
    "resnet14": (lambda: ResNet50(counts=(1, 1, 1, 1)), lambda: torch.randn(1, 3, 64, 64)),
    "mobilenet_v2": (MobileNetV2, lambda: torch.randn(1, 3, 32, 32)),
    "vgg16": (VGG16, lambda: torch.randn(1, 3, 32, 32)),
    "unet": (UNet, lambda: torch.randn(1, 3, 16, 16)),
    "vit": (ViT, lambda: torch.randn(1, 3, 32, 32)),
    "encoder": (Encoder, lambda: torch.randint(0, 50, (1, 12))),
    "encoder_layer": (lambda: Encoder(layers=1), lambda: torch.randint(0, 50, (1, 12))),
    "gpt": (lambda: Encoder(causal=True, layers=2), lambda: torch.randint(0, 50, (1, 12))),
    "bilstm": (lambda: Recurrent(nn.LSTM), lambda: torch.randn(2, 6, 12)),
    "bigru": (lambda: Recurrent(nn.GRU), lambda: torch.randn(2, 6, 12)),
}
