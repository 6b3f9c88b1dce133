"""Everything that is printed: results to standard output, progress and errors to standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from rtd_train.errors import TrainError


def print_error(error: TrainError) -> None:
    """Print what is wrong and what to do, a line each."""
    typer.echo(f"error: {' '.join(error.message.split())}", err=True)
    typer.echo(f"hint: {' '.join(error.hint.split())}", err=True)


def print_facts(facts: dict[str, str]) -> None:
    """Print facts, one a line."""
    width = max(map(len, facts), default=0)
    for name, fact in facts.items():
        typer.echo(f"{name:<{width}}  {fact}")


class Shown:
    """Progress as a bar a phase, with loss and rate."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def phase(self, name: str, total: int) -> None:
        """Begin a bar."""
        self._task = self._bars.add_task(name, total=total or None, figures="")

    def advance(self, done: int, **figures: float) -> None:
        """Show how far the phase is."""
        shown = "  ".join(f"{name} {value:,.4g}" if name == "loss" else f"{value:,.0f}/s" for name, value in figures.items())
        self._bars.update(self._task, completed=done, figures=shown)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Shown | None]:
    """Provide progress on standard error; None if quiet or not on a terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"))
    with Bars(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bars:
        yield Shown(bars)
