"""Windows and transforms of signals, histograms, and nonzero of a known size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.signal import windows

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import EVERY, FLOATS
from ..samples import Rng, rand

HALVES = {"float16": (2e-3, 2e-3), "bfloat16": (1.6e-2, 1.6e-2), "float32": (1e-5, 1e-6)}
SPECTRAL = {"float32": (1e-4, 1e-4), "complex64": (1e-4, 1e-4)}


# ---- Windows ----


def lengths(dtype: str, rng: Rng) -> Iterator[Sample]:
    for n in (0, 1, 2, 7, 16):
        yield S(n, dtype=D(dtype))
        yield S(n, False, dtype=D(dtype))


def shaped(*shape: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield from lengths(dtype, rng)
        yield S(9, True, *shape, dtype=D(dtype))

    return samples


def window(name: str, ref: Any, samples: Any = lengths) -> OpCase:
    return OpCase(
        name=f"{name}_window",
        samples=samples,
        ref=lambda n, periodic=True, *shape, dtype=None: ref(n, *shape, sym=not periodic),
        dtypes=FLOATS,
        result="default",
        tol=HALVES,
        errors=(
            Error(S(-1), "RuntimeError", "non-negative"),
            Error(S(3, dtype=D("int64")), "RuntimeError", "floating"),
        ),
    )


def hamming(n: int, alpha: float = 0.54, beta: float = 0.46, sym: bool = True) -> np.ndarray:
    if n < 2:
        return np.ones(n)
    return alpha - beta * np.cos(2 * np.pi * np.arange(n) / (n - sym))


def kaiser(n: int, beta: float = 12.0, sym: bool = True) -> np.ndarray:
    return windows.kaiser(n, beta, sym=sym)


# ---- Transforms ----


def frames_of(x: np.ndarray, n: int, hop: int, w: np.ndarray) -> np.ndarray:
    count = 1 + (x.shape[-1] - n) // hop
    return np.stack([x[..., i * hop : i * hop + n] * w for i in range(count)], -2)


def middle(window: Any, win: int, n: int) -> np.ndarray:
    left = (n - win) // 2
    return np.pad(np.ones(win) if window is None else window, (left, n - win - left))


def stft(
    x: np.ndarray,
    n: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool = True,
    align_to_window: bool | None = None,
) -> np.ndarray:
    hop, win = hop_length or n // 4, win_length or n
    sides = [(0, 0)] * (x.ndim - 1)
    if center:
        x = np.pad(x, [*sides, (n // 2, n // 2)], mode=pad_mode)
    elif align_to_window:
        left = (n - win) // 2
        x = np.pad(x, [*sides, (left, n - win - left)])
    one = x.dtype.kind != "c" if onesided is None else onesided
    spectra = np.fft.fft(frames_of(x, n, hop, middle(window, win, n)))
    spectra = spectra[..., : n // 2 + 1] if one else spectra
    spectra = np.swapaxes(spectra, -1, -2) / (np.sqrt(n) if normalized else 1)
    return spectra if return_complex else np.stack([spectra.real, spectra.imag], -1)


def signals(dtype: str, rng: Rng) -> Iterator[Sample]:
    real = "float64" if dtype in ("float64", "complex128") else "float32"
    w = rand(rng, (6,), real, 0.5, 1.5)
    yield S(rand(rng, (12,), dtype), 4, return_complex=True)
    yield S(rand(rng, (2, 14), dtype), 6, 3, window=w, return_complex=True)
    yield S(rand(rng, (2, 20), dtype), 8, 2, 6, w, False, return_complex=True).once()
    yield S(rand(rng, (20,), dtype), 8, 2, 6, w, False, return_complex=True, align_to_window=True).nograd()
    yield S(rand(rng, (15,), dtype), 5, 2, normalized=True, onesided=False, return_complex=True).once()
    yield S(rand(rng, (9,), dtype), 4, 1, pad_mode="constant", return_complex=False).once()


def istft(
    x: np.ndarray,
    n: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> np.ndarray:
    hop, win = hop_length or n // 4, win_length or n
    w = middle(window, win, n)
    spectra = np.swapaxes(x, -1, -2) * (np.sqrt(n) if normalized else 1)
    frames = np.fft.ifft(spectra) if return_complex else np.fft.irfft(spectra[..., : n // 2 + 1], n)
    count = frames.shape[-2]
    out = np.zeros((*frames.shape[:-2], n + hop * (count - 1)), frames.dtype)
    weight = np.zeros(out.shape[-1])
    for i in range(count):
        out[..., i * hop : i * hop + n] += frames[..., i, :] * w
        weight[i * hop : i * hop + n] += w * w
    first = n // 2 if center else 0
    last = first + length if length is not None else out.shape[-1] - first
    kept = out[..., first:last] / weight[first:last]
    missing = last - out.shape[-1]
    return np.pad(kept, [(0, 0)] * (x.ndim - 2) + [(0, max(missing, 0))])


def spectra(dtype: str, rng: Rng) -> Iterator[Sample]:
    real = "float64" if dtype == "complex128" else "float32"
    w = rand(rng, (6,), real, 0.5, 1.5)
    yield S(rand(rng, (3, 5), dtype), 4)
    yield S(rand(rng, (2, 4, 5), dtype), 6, 2, window=w)
    yield S(rand(rng, (4, 4), dtype), 6, 3, window=w, center=False, normalized=True, length=13).once()
    yield S(rand(rng, (5, 4), dtype), 5, 2, onesided=False).once()
    yield S(rand(rng, (5, 4), dtype), 5, 2, onesided=False, return_complex=True).once()


# ---- Histograms ----


def histograms(dtype: str, rng: Rng) -> Iterator[Sample]:
    x = tensor(rng.uniform(-2.9, 2.9, (2, 6)), dtype, rigid=True)
    edges = tensor([-2.0, -0.5, 0.0, 2.5], dtype, rigid=True)
    weight = tensor(rng.uniform(0.5, 2, (2, 6)), dtype, rigid=True)
    yield S(x, 4)
    yield S(x, bins=3, range=(-2.0, 2.0))
    yield S(x, 3, range=(-2.0, 2.0), weight=weight, density=True)
    yield S(x, edges)
    yield S(x, edges, weight=weight, density=True)
    yield S(tensor([1.0, 1.0, 1.0], dtype, rigid=True), 3)  # one value: half a unit to either side
    yield S(tensor([0.0, 1.0, 2.0, 3.0], dtype, rigid=True), 3)  # the last edge belongs to the last bin
    yield S(tensor(np.zeros(0), dtype, rigid=True), 2)
    yield S(tensor(0.25, dtype, rigid=True), 2, range=(0.0, 1.0))
    yield S(tensor([np.nan, 0.1, np.inf, -np.inf], dtype, rigid=True), 2, range=(0.0, 1.0))


def histogram(
    x: np.ndarray, bins: Any = 100, range: Any = None, weight: Any = None, density: bool = False
) -> Any:
    inside = np.isfinite(x)
    return np.histogram(x[inside], bins, range, density, None if weight is None else weight[inside])


def sizes(dtype: str, rng: Rng) -> Iterator[Sample]:
    x = tensor([[0, 1, 0], [1, 0, 1]], dtype, rigid=True)
    for size in (0, 2, 3, 5):
        yield S(x, size=size)
    yield S(x, size=4, fill_value=7)
    yield S(tensor(np.zeros((0, 2)), dtype, rigid=True), size=2)


def nonzero_static(x: np.ndarray, size: int, fill_value: int = -1) -> np.ndarray:
    found = np.argwhere(x)[:size]
    return np.concatenate([found, np.full((size - len(found), x.ndim), fill_value)])


def spectral_dtype(s: Sample) -> str:
    double = s.args[0].dtype in ("float64", "complex128")
    if s.kwargs["return_complex"]:
        return "complex128" if double else "complex64"
    return "float64" if double else "float32"


X = tensor(np.arange(8.0))

CASES = [
    window("bartlett", windows.bartlett),
    window("blackman", windows.blackman),
    window("hamming", hamming, shaped(0.6, 0.3)),
    window("hann", windows.hann),
    window("kaiser", kaiser, shaped(5.0)),
    OpCase(
        name="stft",
        samples=signals,
        ref=stft,
        dtypes=("float32", "float64", "complex64", "complex128"),
        result=spectral_dtype,
        grad=("float64", "complex128"),
        variants=("Tensor.stft",),
        tol=SPECTRAL,
        strides=False,
        errors=(
            Error(S(X, 4), "RuntimeError", "return_complex"),
            Error(S(X, 4, 0, return_complex=True), "RuntimeError", "hop_length"),
            Error(S(X, 4, win_length=5, return_complex=True), "RuntimeError", "win_length"),
            Error(S(X, 4, window=tensor([1.0, 1.0]), return_complex=True), "RuntimeError", "window"),
            Error(S(X, 10, center=False, return_complex=True), "RuntimeError", "n_fft"),
            Error(S(tensor([1, 2, 3]), 2, return_complex=True), "RuntimeError", "floating"),
            Error(S(X, 4, return_complex=True, align_to_window=True), "RuntimeError", "center"),
        ),
    ),
    OpCase(
        name="istft",
        samples=spectra,
        ref=istft,
        dtypes=("complex64", "complex128"),
        result=lambda s: (
            s.args[0].dtype
            if s.kwargs.get("return_complex")
            else {"complex64": "float32", "complex128": "float64"}[s.args[0].dtype]
        ),
        grad=("complex128",),
        variants=("Tensor.istft",),
        tol=SPECTRAL,
        strides=False,
        errors=(
            Error(S(X, 4), "RuntimeError", "complex"),
            Error(S(tensor(np.ones((3, 3)) + 0j), 8), "RuntimeError", "frequency"),
            Error(S(tensor(np.ones((3, 3)) + 0j), 4, 5), "RuntimeError", "hop_length"),
            Error(
                S(tensor(np.ones((3, 3)) + 0j), 4, window=tensor([0.0, 1.0, 1.0, 0.0]), center=False),
                "RuntimeError",
                "window overlap add",
            ),
        ),
    ),
    OpCase(
        name="histogram",
        samples=histograms,
        ref=histogram,
        dtypes=("float32", "float64"),
        result="first",
        variants=("Tensor.histogram",),
        out=True,
        errors=(
            Error(S(X, 0), "RuntimeError", "bins must be > 0"),
            Error(S(X, 2, range=(3.0, 1.0)), "RuntimeError", "min should not exceed max"),
            Error(S(tensor([1.0, np.nan]), 2), "RuntimeError", "not finite"),
            Error(S(tensor([1, 2]), 2), "NotImplementedError", "Long"),
            Error(S(X, 2, weight=tensor([1.0])), "RuntimeError", "same shape"),
            Error(S(X, tensor([1, 2])), "RuntimeError", "same dtype"),
        ),
    ),
    OpCase(
        name="nonzero_static",
        samples=sizes,
        ref=nonzero_static,
        dtypes=EVERY,
        result="int64",
        variants=("Tensor.nonzero_static",),
        out=True,
        errors=(Error(S(X, size=-1), "RuntimeError", "non-negative"),),
    ),
]
