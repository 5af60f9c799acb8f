"""What the benchmark prints: machine, limits, and a row an op."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rustorch.bench.cases import Case
from rustorch.bench.limits import Limits, format_bytes
from rustorch.bench.terminal import Console
from rustorch.bench.timing import Timing

BAR_WIDTH = 8


@dataclass(frozen=True)
class Row:
    """One op on one engine, beside the other libraries."""

    case: Case
    engine: str
    timing: Timing
    others: dict[str, Timing]  # by the library's name
    least_seconds: float  # by the measured limits; 0 where the op is not rated

    @property
    def of_limit(self) -> float | None:
        """The share of the machine's limit that was reached; None where no limit is known."""
        return self.least_seconds / self.timing.median if self.least_seconds else None

    def ratio(self, library: str) -> float | None:
        """The other's time over ours: above 1, this package is the faster one."""
        other = self.others.get(library)
        return other.median / self.timing.median if other else None

    def as_json(self) -> dict[str, object]:
        """The figures, ready for JSON."""
        return {
            "group": self.case.group,
            "name": self.case.name,
            "size": self.case.size,
            "engine": self.engine,
            "run": self.case.run,
            "seconds": self.timing.median,
            "spread": self.timing.spread,
            "bytes": self.case.nbytes,
            "flops": self.case.flops,
            "of_limit": self.of_limit,
            "others": {
                name: {"seconds": other.median, "spread": other.spread, "ratio": self.ratio(name)}
                for name, other in self.others.items()
            },
        }


def format_seconds(seconds: float) -> str:
    """Three figures and a unit: '0.071 µs', '12.3 ms'."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms"), (1.0, "s")):
        value = seconds * factor
        if value < 999.5 or unit == "s":
            break
    digits = 3 if value < 0.9995 else 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def format_rate(case: Case, seconds: float) -> str:
    """Operations or bytes a second: '12.3 GFLOP/s'."""
    if case.flops:
        return f"{case.flops / seconds / 1e9:.1f} GFLOP/s"
    if case.nbytes:
        return f"{case.nbytes / seconds / 1e9:.1f} GB/s"
    return "-"


def format_ratio(ratio: float | None) -> str:
    """A speed relative to another library's: '1.25×'."""
    if ratio is None:
        return "-"
    return f"{ratio:.2f}×" if ratio < 9.995 else f"{ratio:.1f}×" if ratio < 99.95 else f"{ratio:.0f}×"


def ratio_style(ratio: float | None) -> tuple[str, ...]:
    """The style that tells faster from slower."""
    if ratio is None:
        return ("dim",)
    return ("green",) if ratio >= 1.05 else ("red",) if ratio < 0.9 else ()


def print_machine(console: Console, machine: dict[str, object], threads: int, engines: Sequence[str]) -> None:
    """Prints what is timed, and on what."""
    libraries = machine["libraries"]
    memory = machine["memory_bytes"]
    assert isinstance(libraries, dict)
    assert isinstance(memory, int)
    cores = f"{machine['cores']} core{'s' if machine['cores'] != 1 else ''}"
    console.heading("Machine", str(machine["date"]).replace("T", " ").replace("+00:00", " UTC"))
    facts = {
        "CPU": f"{machine['cpu']}, {cores}, {threads} thread{'s' if threads != 1 else ''} used",
        "Memory": format_bytes(memory),
        "System": machine["os"],
        "Python": machine["python"],
        "Libraries": " · ".join(f"{name} {version}" for name, version in libraries.items()),
        "Engines": " · ".join(engines),
    }
    for name, fact in facts.items():
        console.line(f"  {console.style(f'{name:<11}', 'dim')}{fact}")


def print_limits(console: Console, limits: Limits) -> None:
    """Prints what the machine can do at most."""
    threads = f"{limits.threads} thread{'s' if limits.threads != 1 else ''}"
    console.heading("Limits", f"measured here with {threads} and {limits.instruction_set} vectors")
    sizes = "".join(f"{format_bytes(b.nbytes):>11}" for b in limits.bandwidths)
    console.line(console.style(f"  {'memory, GB/s':<15}{sizes}   in use by the loop", "dim"))
    for label, field in (("read", "read"), ("copy", "copy"), ("a = b + s·c", "triad")):
        values = "".join(f"{getattr(b, field) / 1e9:>11.1f}" for b in limits.bandwidths)
        console.line(f"  {label:<15}{values}")
    console.line(console.style(f"  {'arithmetic':<15}{'float32':>11}{'float64':>11}", "dim"))
    rows = [("1 thread", limits.peak_flops_one_thread)]
    if limits.threads > 1:
        rows.append((threads, limits.peak_flops))
    for label, peak in rows:
        values = "".join(f"{peak[dtype] / 1e9:>11.1f}" for dtype in ("float32", "float64"))
        console.line(f"  {label:<15}{values}   GFLOP/s")


def print_ops_header(console: Console, engine: str, labels: Sequence[str]) -> None:
    """Prints the heads of the columns of an engine's table."""
    versus = " and ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))
    console.heading(f"Ops on {engine}", f"beside {versus}: 2.00× takes half of its time, 0.50× twice")
    columns = "".join(f"{label:>8}" for label in labels)
    console.line(
        console.style(
            f"  {'op':<20}{'size':<14}{'time':>9}{'rate':>15}  {'of limit':<{BAR_WIDTH + 5}}{columns}",
            "dim",
        )
    )


def print_group(console: Console, title: str) -> None:
    """Prints the title of a group of cases."""
    console.line("  " + console.style(title, "bold"))


def print_row(console: Console, row: Row, others: Sequence[str]) -> None:
    """Prints one case: time, rate, share of the limit, and the ratios."""
    case, seconds = row.case, row.timing.median
    if row.of_limit is None:
        limit = console.style(f"{'-':<{BAR_WIDTH + 5}}", "dim")
    else:
        limit = console.style(console.bar(row.of_limit, BAR_WIDTH), "cyan") + f"{row.of_limit:>4.0%} "
    ratios = "".join(
        console.style(f"{format_ratio(row.ratio(name)):>8}", *ratio_style(row.ratio(name))) for name in others
    )
    console.line(
        f"  {case.name:<20}{case.size:<14}{format_seconds(seconds):>9}"
        f"{format_rate(case, seconds):>15}  {limit}{ratios}"
    )
