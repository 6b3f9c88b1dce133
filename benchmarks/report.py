"""Show the figures of a benchmark: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table whose first column is text and whose others are figures."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=index == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console()
    # Not on a terminal, as in a log, rich would take 80 columns.
    console = console if console.is_terminal else Console(width=140)
    console.print(table)
    console.print()


def percent(count: float, total: float) -> str:
    """Return a share as people read it."""
    return f"{100 * count / max(total, 1):.2f} %"


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Write all figures to a file, if one is wanted."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
