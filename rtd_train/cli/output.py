"""Everything that is printed: results to standard output, progress and errors to standard error."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from rtd_train.errors import TrainError


def print_error(error: TrainError) -> None:
    """Print what is wrong and what to do, a line each."""
    typer.echo(f"error: {' '.join(error.message.split())}", err=True)
    typer.echo(f"hint: {' '.join(error.hint.split())}", err=True)


def is_main() -> bool:
    """Tell whether this is the first of the processes that a launcher started, or alone: only that one prints results."""
    return os.environ.get("RANK", "0") == "0"


def print_facts(facts: Mapping[str, str]) -> None:
    """Print facts, one a line."""
    _print_pairs(list(facts.items()))


def _print_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in pairs), default=0)
    for name, fact in pairs:
        typer.echo(f"{name:<{width}}  {fact}")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_result(result: Mapping[str, Any]) -> None:
    """Print the figures of an evaluation in percent, a system a column, and what they depend on."""
    console = Console(highlight=False, markup=False)
    console = console if console.is_terminal else Console(highlight=False, markup=False, width=120)
    systems: Mapping[str, Any] = result["systems"]
    difference = result.get("difference")
    for task in next(iter(systems.values()))["scores"]:
        title = (
            result["benchmark"]
            if task in (result["benchmark"], f"{result['benchmark']} {result['split']}")
            else f"{result['benchmark']} {task}"
        )
        table = Table(box=None, pad_edge=False)
        table.add_column(title, no_wrap=True)
        for name in (*systems, *(["difference"] if difference else [])):
            table.add_column(name, justify="right")
        for metric in next(iter(systems.values()))["scores"][task]:
            row = [f"{100 * system['scores'][task][metric]:.2f}" for system in systems.values()]
            table.add_row(metric, *row, *([f"{100 * difference[task][metric]:+.2f}"] if difference else []))
        console.print(table)
    facts = [("split", result["split"]), ("protocol", result["protocol"])]
    for name, system in systems.items():
        facts += [(name, ""), *((f"  {key}", value) for key, value in system.items() if key != "scores")]
    if result["broken_images"]:
        facts.append(("broken images", str(result["broken_images"])))
    _print_pairs(facts)


class Shown:
    """Progress as a bar a phase, with loss and rate."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def phase(self, name: str, total: int) -> None:
        """Begin a bar."""
        self._task = self._bars.add_task(name, total=total or None, figures="")

    def advance(self, done: int, **figures: float) -> None:
        """Show how far the phase is."""
        shown = "  ".join(f"{value:,.0f}/s" if name == "rate" else f"{name} {value:.3g}" for name, value in figures.items())
        self._bars.update(self._task, completed=done, figures=shown)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Shown | None]:
    """Provide progress on standard error; None if quiet, not on a terminal, or not in the main process."""
    console = Console(stderr=True)
    if quiet or not is_main() or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"))
    with Bars(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bars:
        yield Shown(bars)
