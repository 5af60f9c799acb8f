"""Times cases on every engine, beside the other libraries, and prints each row as it is ready."""

from __future__ import annotations

from collections.abc import Sequence

from rustorch.bench import tables
from rustorch.bench.cases import GROUPS, Case
from rustorch.bench.libraries import Library, Rustorch
from rustorch.bench.limits import Limits
from rustorch.bench.terminal import Console
from rustorch.bench.timing import Effort, time_together


def time_case(
    case: Case, engine: Rustorch, others: Sequence[Library], effort: Effort, limit: Limits
) -> tables.Row:
    """One op on one engine, in turns with the libraries that have it."""
    arrays = case.make_inputs()
    timers = {
        library.name: timer
        for library in (engine, *others)
        if (timer := library.timer(case, arrays)) is not None
    }
    timings = time_together(timers, effort)
    own = timings.pop(engine.name)
    least = limit.least_seconds(case.nbytes, case.flops, case.writes) if case.nbytes else 0.0
    return tables.Row(case, engine.label, own, timings, least)


def time_cases(
    console: Console, cases: Sequence[Case], libraries: Sequence[Library], effort: Effort, limit: Limits
) -> list[tables.Row]:
    """Times the cases on every engine and prints a row each, beside the other libraries."""
    engines = [library for library in libraries if isinstance(library, Rustorch)]
    others = [library for library in libraries if not isinstance(library, Rustorch)]
    rows = []
    for engine in engines:
        tables.print_ops_header(console, engine.label, [library.label for library in others])
        group = ""
        for done, case in enumerate(cases, 1):
            if case.group != group:
                group = case.group
                tables.print_group(console, GROUPS[group])
            console.transient(f"  {done}/{len(cases)}  {case.name} {case.size}")
            row = time_case(case, engine, others, effort, limit)
            tables.print_row(console, row, [library.name for library in others])
            rows.append(row)
    return rows
