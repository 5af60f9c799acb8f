"""Output with and without colours, a cursor and Unicode."""

from __future__ import annotations

import io

import pytest

from rustorch.bench import tables
from rustorch.bench.cases import CASES, Case
from rustorch.bench.limits import Bandwidth, Limits
from rustorch.bench.tables import Row, format_ratio, format_seconds
from rustorch.bench.terminal import Console
from rustorch.bench.timing import Timing


class Stream(io.StringIO):
    def __init__(self, tty: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self.tty = tty
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self.tty


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_a_file_gets_plain_text() -> None:
    console = Console(Stream())
    console.transient("gone")
    console.line(console.style("text", "bold", "green"))
    assert console.stream.getvalue() == "text\n"


def test_a_terminal_gets_colours_and_a_line_that_goes() -> None:
    console = Console(Stream(tty=True))
    console.transient("gone")
    console.line(console.style("text", "bold", "green"))
    assert console.stream.getvalue() == "\r\x1b[2Kgone\r\x1b[2K\x1b[1;32mtext\x1b[0m\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_off(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert Console(Stream(tty=True)).style("text", "red") == "text"


def test_colours_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert Console(Stream()).style("text", "red") == "\x1b[31mtext\x1b[0m"


def test_ascii_only() -> None:
    console = Console(Stream(encoding="ascii"))
    console.line("12 µs · 2.00× " + console.bar(0.5, 4))
    assert console.stream.getvalue() == "12 us | 2.00x ##..\n"


def test_long_transient_is_cut_to_the_line() -> None:
    console = Console(Stream(tty=True))
    console.transient("x" * 500)
    assert console.stream.getvalue().count("x") < 100


@pytest.mark.parametrize(
    ("fraction", "bar"),
    [(0.0, "    "), (0.5, "██  "), (0.53125, "██▏ "), (1.0, "████"), (7.0, "████"), (-1, "    ")],
)
def test_bar(fraction: float, bar: str) -> None:
    assert Console(Stream()).bar(fraction, 4) == bar


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (7.14e-8, "0.071 µs"),
        (9.994e-6, "9.99 µs"),
        (1.23e-5, "12.3 µs"),
        (9.996e-4, "1.00 ms"),
        (0.1234, "123 ms"),
        (12.34, "12.3 s"),
        (1234.0, "1234 s"),
    ],
)
def test_seconds_have_three_figures(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(None, "-"), (0.123, "0.12×"), (9.99, "9.99×"), (12.34, "12.3×"), (250.0, "250×")]
)
def test_ratio(ratio: float | None, text: str) -> None:
    assert format_ratio(ratio) == text


def make_row(case: Case, seconds: float, least: float) -> Row:
    others = {"numpy": Timing(1, [seconds * 2]), "torch": Timing(1, [seconds / 2])}
    return Row(case, "cpu", Timing(1, [seconds]), others, least)


def test_row_compares_and_rates() -> None:
    row = make_row(CASES[0], 2e-6, 1e-6)
    assert row.of_limit == 0.5
    assert row.ratio("numpy") == 2.0
    assert row.ratio("torch") == 0.5
    assert row.ratio("mlx") is None
    assert make_row(CASES[0], 1.0, 0.0).of_limit is None
    document = row.as_json()
    assert document["seconds"] == 2e-6
    assert document["others"]["numpy"]["ratio"] == 2.0


@pytest.mark.parametrize("tty", [False, True])
def test_tables_fit_a_hundred_columns(tty: bool) -> None:
    limits = Limits(
        2,
        "AVX-512",
        tuple(Bandwidth(n, 1e12, 1e12, 1e12) for n in (1 << 14, 1 << 18, 1 << 21, 1 << 24, 1 << 27)),
        {"float32": 1e13, "float64": 1e13},
        {"float32": 1e13, "float64": 1e13},
    )
    console = Console(Stream(tty=tty))
    console.colors = False
    tables.print_limits(console, limits)
    tables.print_ops_header(console, "cpu", ["NumPy", "torch", "MLX"])
    tables.print_ops_header(console, "cpu", ["NumPy"])
    for case in CASES:
        tables.print_row(console, make_row(case, 0.123456, 0.12), ["numpy", "torch", "mlx"])
    lines = console.stream.getvalue().splitlines()
    assert len(lines) > len(CASES)
    assert max(map(len, lines)) <= 100
