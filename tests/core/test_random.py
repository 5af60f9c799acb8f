"""Random streams: seeds, states, independence of threads and layout, and the distributions themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import rustorch as rt

N = 50_000
# Each test fails by chance once in a million seeds; the seed is fixed besides.
LEVEL = 1e-6


def draw(f: Callable[[Any], Any], seed: int = 1234) -> np.ndarray:
    return np.array(f(rt.Generator().manual_seed(seed)).to(rt.float64).numpy()).reshape(-1)


# ---- Philox: the bits of the paper ----


def philox(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, ...]:
    """Philox4x32-10, written from Salmon et al., 2011."""
    x, y, z, w = counter
    low, high = key
    for _ in range(10):
        a, b = 0xD2511F53 * x, 0xCD9E8D57 * z
        x, y, z, w = (b >> 32) ^ y ^ low, b & 0xFFFFFFFF, (a >> 32) ^ w ^ high, a & 0xFFFFFFFF
        low, high = (low + 0x9E3779B9) & 0xFFFFFFFF, (high + 0xBB67AE85) & 0xFFFFFFFF
    return x, y, z, w


def test_philox_known_answer() -> None:
    assert philox((0, 0), (0, 0, 0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)


@pytest.mark.parametrize("seed", [0, 5, 2**40 + 7])
def test_uniform_floats_are_the_words_in_order(seed: int) -> None:
    words = [w for b in range(5) for w in philox((seed & 0xFFFFFFFF, seed >> 32), (b, 0, 0, 0))]
    x = rt.rand(18, generator=rt.Generator().manual_seed(seed)).tolist()
    assert x == [(w >> 8) * 2.0**-24 for w in words[:18]]


def test_uniform_doubles_take_two_words() -> None:
    w = philox((3, 0), (0, 0, 0, 0))
    x = rt.rand(2, dtype=rt.float64, generator=rt.Generator().manual_seed(3)).tolist()
    assert x == [((w[i] >> 5) * 2**26 + (w[i + 1] >> 6)) * 2.0**-53 for i in (0, 2)]


def test_integers_take_the_high_half_of_a_product() -> None:
    w = philox((3, 0), (0, 0, 0, 0))
    x = rt.randint(-5, 1000, (2,), generator=rt.Generator().manual_seed(3)).tolist()
    assert x == [-5 + (((w[i] << 32 | w[i + 1]) * 1005) >> 64) for i in (0, 2)]


def test_offset_counts_blocks() -> None:
    g = rt.Generator().manual_seed(9)
    rt.rand(5, generator=g)
    second = rt.rand(4, generator=g).tolist()
    words = philox((9, 0), (2, 0, 0, 0))
    assert second == [(w >> 8) * 2.0**-24 for w in words]


# ---- The same numbers however they are computed ----

DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda g: rt.rand(N + 3, generator=g),
    "rand64": lambda g: rt.rand(N + 3, dtype=rt.float64, generator=g),
    "rand16": lambda g: rt.rand(N + 3, dtype=rt.float16, generator=g),
    "randn": lambda g: rt.randn(N + 3, generator=g),
    "randn64": lambda g: rt.randn(N + 3, dtype=rt.float64, generator=g),
    "randint": lambda g: rt.randint(0, 1000, (N + 3,), generator=g),
    "exponential": lambda g: rt.zeros(N + 3).exponential_(generator=g),
    "geometric": lambda g: rt.zeros(N + 3).geometric_(0.3, generator=g),
    "cauchy": lambda g: rt.zeros(N + 3).cauchy_(generator=g),
    "log_normal": lambda g: rt.zeros(N + 3).log_normal_(generator=g),
    "bernoulli": lambda g: rt.zeros(N + 3).bernoulli_(0.3, generator=g),
    "poisson": lambda g: rt.poisson(rt.full((N + 3,), 12.5), g),
    "randperm": lambda g: rt.randperm(N + 3, generator=g),
    "multinomial": lambda g: rt.multinomial(rt.ones(8, 5), 3, generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_seed_repeats_and_states_differ(name: str) -> None:
    f = DRAWS[name]
    first = draw(f)
    assert np.array_equal(first, draw(f))
    assert not np.array_equal(first, draw(f, seed=4321))
    g = rt.Generator().manual_seed(1234)
    f(g)
    assert not np.array_equal(first, np.array(f(g).to(rt.float64).numpy()).reshape(-1))


@pytest.mark.parametrize("name", DRAWS)
def test_thread_count_does_not_matter(name: str) -> None:
    before = rt.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            rt.set_num_threads(threads)
            results.append(draw(DRAWS[name]))
    finally:
        rt.set_num_threads(before)
    assert all(np.array_equal(results[0], r) for r in results[1:])


@pytest.mark.parametrize("dtype", [rt.float32, rt.float64, rt.float16])
@pytest.mark.parametrize("method", ["uniform_", "normal_", "exponential_"])
def test_layout_does_not_matter(dtype: Any, method: str) -> None:
    dense = getattr(rt.zeros(37, 41, dtype=dtype), method)(generator=rt.Generator().manual_seed(1))
    strided = getattr(rt.zeros(41, 37, dtype=dtype).t(), method)(generator=rt.Generator().manual_seed(1))
    assert dense.tolist() == strided.tolist()


def test_a_longer_tensor_starts_with_the_shorter() -> None:
    a = rt.rand(1001, generator=rt.Generator().manual_seed(1)).tolist()
    b = rt.rand(5000, generator=rt.Generator().manual_seed(1)).tolist()
    assert b[:1001] == a


# ---- Distributions ----

CONTINUOUS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "rand": (DRAWS["rand"], stats.uniform()),
    "rand64": (DRAWS["rand64"], stats.uniform()),
    "uniform_": (lambda g: rt.zeros(N).uniform_(-2, 5, generator=g), stats.uniform(-2, 7)),
    "randn": (DRAWS["randn"], stats.norm()),
    "randn64": (DRAWS["randn64"], stats.norm()),
    "normal_": (lambda g: rt.zeros(N).normal_(3, 2, generator=g), stats.norm(3, 2)),
    "exponential_": (lambda g: rt.zeros(N).exponential_(2.5, generator=g), stats.expon(scale=1 / 2.5)),
    "exponential_64": (
        lambda g: rt.zeros(N, dtype=rt.float64).exponential_(0.1, generator=g),
        stats.expon(scale=10),
    ),
    "cauchy_": (lambda g: rt.zeros(N).cauchy_(1, 3, generator=g), stats.cauchy(1, 3)),
    "log_normal_": (
        lambda g: rt.zeros(N).log_normal_(0.5, 0.7, generator=g),
        stats.lognorm(0.7, scale=math.exp(0.5)),
    ),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name: str) -> None:
    f, law = CONTINUOUS[name]
    assert stats.kstest(draw(f), law.cdf).pvalue > LEVEL


def assert_frequencies(x: np.ndarray, law: Any, low: int, high: int) -> None:
    """Chi-squared over low..high-1, with what is outside as one more class."""
    classes = np.arange(low, high)
    seen = np.array([(x == c).sum() for c in classes] + [((x < low) | (x >= high)).sum()])
    p = law.pmf(classes)
    expected = np.append(p, max(1 - p.sum(), 0)) * x.size
    keep = expected > 5
    seen = np.append(seen[keep], seen[~keep].sum())
    expected = np.append(expected[keep], expected[~keep].sum())
    if expected[-1] < 5:
        seen, expected = np.append(seen[:-2], seen[-2:].sum()), np.append(expected[:-2], expected[-2:].sum())
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > LEVEL


DISCRETE: dict[str, tuple[Callable[[Any], Any], Any, int, int]] = {
    "randint": (lambda g: rt.randint(-3, 9, (N,), generator=g), stats.randint(-3, 9), -3, 9),
    "random_": (lambda g: rt.zeros(N).random_(7, generator=g), stats.randint(0, 7), 0, 7),
    "bernoulli_": (lambda g: rt.zeros(N).bernoulli_(0.2, generator=g), stats.bernoulli(0.2), 0, 2),
    "bernoulli": (lambda g: rt.bernoulli(rt.full((N,), 0.7), generator=g), stats.bernoulli(0.7), 0, 2),
    "geometric_": (lambda g: rt.zeros(N).geometric_(0.3, generator=g), stats.geom(0.3), 1, 40),
    "poisson small": (lambda g: rt.poisson(rt.full((N,), 2.5), g), stats.poisson(2.5), 0, 20),
    "poisson large": (lambda g: rt.poisson(rt.full((N,), 55.0), g), stats.poisson(55), 20, 110),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name: str) -> None:
    f, law, low, high = DISCRETE[name]
    assert_frequencies(draw(f), law, low, high)


def test_multinomial_with_replacement() -> None:
    p = np.array([0.1, 0.0, 0.4, 0.5])
    x = draw(lambda g: rt.multinomial(rt.tensor(p * 7), N, replacement=True, generator=g)).astype(int)
    seen = np.bincount(x, minlength=4)
    assert seen[1] == 0
    assert stats.chisquare(seen[p > 0], p[p > 0] * N).pvalue > LEVEL


def test_multinomial_without_replacement_draws_in_order_of_weight() -> None:
    p = np.array([0.2, 0.3, 0.5])
    x = draw(lambda g: rt.multinomial(rt.tensor(p).expand(N, 3), 3, generator=g)).reshape(N, 3).astype(int)
    assert np.array_equal(np.sort(x, axis=1), np.tile([0, 1, 2], (N, 1)))
    assert stats.chisquare(np.bincount(x[:, 0], minlength=3), p * N).pvalue > LEVEL
    # The second draw, given that the first was 2: 0.2 to 0.3.
    second = x[x[:, 0] == 2, 1]
    assert stats.binomtest(int((second == 0).sum()), second.size, 0.4).pvalue > LEVEL


def test_randperm_is_uniform_over_permutations() -> None:
    g = rt.Generator().manual_seed(1)
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(6000):
        p = tuple(rt.randperm(3, generator=g).tolist())
        seen[p] = seen.get(p, 0) + 1
    assert len(seen) == 6
    assert stats.chisquare(list(seen.values())).pvalue > LEVEL


@pytest.mark.parametrize("name", ["rand", "randn", "rand64", "randn64"])
def test_neighbours_are_independent(name: str) -> None:
    x = draw(DRAWS[name])
    for lag in (1, 2, 3, 4, 8):
        assert abs(np.corrcoef(x[:-lag], x[lag:])[0, 1]) < 5 / math.sqrt(x.size)


@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16, rt.float32, rt.float64])
def test_uniform_never_reaches_its_upper_end(dtype: Any) -> None:
    x = draw(lambda g: rt.rand(200_000, dtype=dtype, generator=g))
    assert x.min() >= 0 and x.max() < 1


def test_exponential_is_positive() -> None:
    assert draw(lambda g: rt.zeros(1_000_000).exponential_(generator=g)).min() > 0


def test_complex_normal_has_unit_variance() -> None:
    z = rt.view_as_real(rt.randn(N, dtype=rt.complex64, generator=rt.Generator().manual_seed(1))).numpy()
    assert stats.kstest(z.reshape(-1), stats.norm(0, math.sqrt(0.5)).cdf).pvalue > LEVEL


# ---- Dropout ----


def test_dropout_keeps_the_share_and_the_mean() -> None:
    rt.manual_seed(1)
    y = rt.nn.functional.dropout(rt.ones(N), 0.3).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert stats.binomtest(int((y == 0).sum()), N, 0.3).pvalue > LEVEL


def test_dropout_gradient_is_its_mask() -> None:
    x = rt.ones(1000, requires_grad=True)
    y = rt.nn.functional.dropout(x, 0.4)
    y.sum().backward()
    assert x.grad.tolist() == y.detach().tolist()


# ---- States ----


def test_manual_seed_returns_the_default_generator() -> None:
    assert rt.manual_seed(17).initial_seed() == 17
    assert rt.initial_seed() == 17
    rt.manual_seed(-1)
    assert rt.initial_seed() == 2**64 - 1


def test_rng_state_goes_back() -> None:
    state = rt.get_rng_state()
    assert state.dtype == rt.uint8
    a = rt.randn(100).tolist()
    rt.set_rng_state(state)
    assert rt.randn(100).tolist() == a


def test_rng_state_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError):
        rt.set_rng_state(rt.zeros(16))
    with pytest.raises(RuntimeError):
        rt.set_rng_state(rt.zeros(3, dtype=rt.uint8))


def test_fork_rng_leaves_no_trace() -> None:
    rt.manual_seed(3)
    expected = rt.rand(4).tolist()
    rt.manual_seed(3)
    with rt.random.fork_rng():
        rt.manual_seed(99)
        rt.rand(1000)
    assert rt.rand(4).tolist() == expected


def test_seed_differs_each_time() -> None:
    with rt.random.fork_rng():
        assert rt.seed() != rt.seed()


def test_generators_are_independent() -> None:
    g = rt.Generator().manual_seed(1)
    rt.manual_seed(1)
    a = rt.rand(3).tolist()
    rt.rand(100)
    assert rt.rand(3, generator=g).tolist() == a


def test_generator_state() -> None:
    g = rt.Generator().manual_seed(1)
    rt.rand(7, generator=g)
    h = rt.Generator()
    h.set_state(g.get_state())
    assert rt.rand(5, generator=g).tolist() == rt.rand(5, generator=h).tolist()


def test_fork_rng_leaves_the_stream_as_it_was() -> None:
    rt.manual_seed(3)
    expected = rt.rand(4).tolist()
    rt.manual_seed(3)
    with rt.random.fork_rng(devices=["cpu"]):
        rt.manual_seed(9)
        rt.rand(7)
    assert rt.rand(4).tolist() == expected
    rt.manual_seed(3)
    with rt.random.fork_rng(enabled=False):
        rt.rand(4)
    assert rt.rand(4).tolist() != expected
