"""The command `python -m rustorch.bench`."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from rustorch.bench import libraries, limits, machine, tables, training
from rustorch.bench.cases import CASES, Case
from rustorch.bench.runner import time_cases
from rustorch.bench.terminal import Console
from rustorch.bench.timing import DEFAULT, QUICK

TRAINING_KEY = "training/digits"

DESCRIPTION = """\
Measures this machine and rustorch on it: memory bandwidth and peak arithmetic, then ops by size with their
time, rate, share of the machine's limit and speed beside NumPy, then the training of a small convolutional
network on real handwritten digits to 98 % test accuracy.
"""

EPILOG = """\
examples:
  python -m rustorch.bench                       everything, about three minutes
  python -m rustorch.bench --quick               the short version, under a minute
  python -m rustorch.bench --compare             beside PyTorch and MLX too, where they are installed
  python -m rustorch.bench --only matmul         one group; see --list for the names
  python -m rustorch.bench --json result.json --plot result.png

how it is timed: every statement is warmed up, then repeated in blocks that are long enough for the clock;
the libraries take turns block by block, and the median block counts. Results are the libraries' own, new
arrays included, as a user gets them. "of limit" is the least time that the bytes and flops of the op need at
the bandwidth and peak measured in the same run, over the time it took.

NO_COLOR=1 turns colours off, FORCE_COLOR=1 on. The exit status is 1 if the network misses 98 %, else 0.
"""


def make_parser() -> argparse.ArgumentParser:
    """The options of ``python -m rustorch.bench``."""
    parser = argparse.ArgumentParser(
        prog="python -m rustorch.bench",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer ops and shorter timings: under 60 s on 2 cores"
    )
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        action="append",
        help="only what matches this regular expression in 'group/name/size' (repeat for more);"
        f" the network is '{TRAINING_KEY}'",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="threads for every library (default: the cores this process may use)",
    )
    parser.add_argument(
        "--compare",
        nargs="?",
        const="torch,mlx",
        default="",
        metavar="LIBRARIES",
        help="time other libraries too: torch, mlx or both (the default) separated by a comma",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the results as JSON; without FILE to standard output, and the tables to standard error",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the op table (needs matplotlib)")
    parser.add_argument("--list", action="store_true", help="list what can be timed, and stop")
    return parser


def positive(text: str) -> int:
    """An argument that must be an integer above zero."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"needs 1 or more, got {text}")
    return value


def choose(quick: bool, patterns: Sequence[str] | None) -> tuple[list[Case], bool]:
    """The cases to time, and whether to train. A pattern chooses from all cases, --quick or not."""
    if patterns is None:
        return [case for case in CASES if case.quick or not quick], True
    tests = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]

    def matches(key: str) -> bool:
        return any(test.search(key) for test in tests)

    return [case for case in CASES if matches(case.key)], matches(TRAINING_KEY)


def list_cases(console: Console) -> None:
    """Prints the keys of all cases."""
    for case in CASES:
        console.line(f"{case.key:<45}{'quick  ' if case.quick else '       '}{case.run}")
    console.line(f"{TRAINING_KEY:<45}{'quick'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark with these arguments (None: the command line's) and returns the exit status."""
    parser = make_parser()
    options = parser.parse_args(argv)

    def refuse(message: str) -> NoReturn:
        parser.error(message)

    if options.list:
        list_cases(Console())
        return 0
    try:
        cases, training_too = choose(options.quick, options.only)
    except re.error as error:
        refuse(f"--only: not a regular expression: {error}")
    if not cases and not training_too:
        refuse(f"--only: nothing matches {' or '.join(options.only)}; try --list")
    compared = [name for name in options.compare.split(",") if name]
    if unknown := set(compared) - set(libraries.COMPARED):
        refuse(f"--compare: unknown library; got {', '.join(sorted(unknown))}; try torch or mlx")
    if options.plot and not find_spec("matplotlib"):
        refuse("--plot needs matplotlib, which is not installed; try pip install matplotlib")
    # Found out before minutes of work.
    for option, path in (("--json", options.json), ("--plot", options.plot)):
        if path and path != "-" and not Path(path).absolute().parent.is_dir():
            refuse(f"{option}: there is no folder {Path(path).parent}")

    import rustorch as rt

    start = time.perf_counter()
    console = Console(sys.stderr if options.json == "-" else sys.stdout)
    threads = options.threads or rt.get_num_threads()
    note = libraries.limit_threads(threads)
    facts = machine.describe()
    console.line(console.style(f"rustorch {rt.__version__}", "bold") + "  benchmark")
    tables.print_machine(console, facts, threads, libraries.engines())

    if note:
        console.line(console.style(f"  {note}", "yellow"))
    document: dict[str, object] = {"machine": facts, "threads": threads, "quick": options.quick}
    rows: list[tables.Row] = []
    if cases:
        limit = limits.measure(threads, lambda what: console.transient(f"  {what}"))
        tables.print_limits(console, limit)
        found, missing = libraries.find_libraries(threads, compared)
        for line in missing:
            console.line(console.style(f"  {line}", "yellow"))
        rows = time_cases(console, cases, found, QUICK if options.quick else DEFAULT, limit)
        document["limits"] = limit.as_json()
        document["ops"] = [row.as_json() for row in rows]
    result = training.train(console) if training_too else None
    if result:
        document["training"] = result.as_json()
    document["seconds"] = time.perf_counter() - start
    console.line()
    console.line(console.style(f"  Done in {document['seconds']:.0f} s.", "dim"))

    if options.plot:
        from rustorch.bench.plot import save_plot

        title = f"rustorch {rt.__version__} on {facts['cpu']}, {threads} threads, {facts['date']}"
        save_plot(rows, options.plot, title)
        console.line(f"  Plot written to {options.plot}")
    if options.json == "-":
        print(json.dumps(document, indent=1))
    elif options.json:
        Path(options.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        console.line(f"  JSON written to {options.json}")
    return 0 if result is None or result.reached else 1
