"""Everything that is printed: tables and triplets to standard output, steps and errors to standard error."""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tripletgen.errors import Interrupted, TripletgenError
from tripletgen.schema import EDIT_TYPES, Triplet

if TYPE_CHECKING:
    from tripletgen.publish import Plan

_ADDED = "bold green"
_REMOVED = "bold red"


def print_error(error: TripletgenError | Interrupted) -> None:
    """Print what is wrong and what to do, a line each."""
    typer.echo(f"error: {_one_line(error.message)}", err=True)
    typer.echo(f"hint: {_one_line(error.hint)}", err=True)


def _one_line(text: str) -> str:
    """Escape what would break the line or command the terminal: names of columns come out of strangers' files."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines as they are."""
    for line in lines:
        typer.echo(line)


def _console() -> Console:
    # No markup: names of folders, licences and words may hold brackets.
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=120)


def print_counts(title: str, counts: Mapping[str, int], total: int | None = None) -> None:
    """Print counts with their shares; nothing where there are none."""
    if not counts:
        return
    whole = total if total is not None else sum(counts.values())
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(title, no_wrap=True)
    table.add_column("rows", justify="right")
    table.add_column("share", justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}", f"{100 * count / max(whole, 1):.1f} %")
    _console().print(table)


def print_manifest(manifest: Mapping[str, Any], folder: str, examples: Sequence[Triplet]) -> None:
    """Print the final screen of a build."""
    captions, triplets = manifest["captions"], manifest["triplets"]
    print_counts("edit types", {name: triplets["edit_type"].get(name, 0) for name in EDIT_TYPES if name in triplets["edit_type"]})
    print_counts("captions not used, by reason", captions["dropped"], captions["read"])
    print_counts("candidates rejected, by reason", manifest["candidates"]["rejected"])
    if "rewriting" in manifest:
        print_rewriting(manifest["rewriting"])
    print_triplets(examples)
    splits = ", ".join(f"{name} {entry['rows']:,}" for name, entry in manifest["splits"].items())
    _console().print(f"{triplets['total']:,} triplets from {captions['used']:,} of {captions['read']:,} captions ({splits}) in {folder}")


def print_rewriting(rewriting: Mapping[str, Any]) -> None:
    """Print what a language model was asked for and what came of it."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("rewritten with " + rewriting["model"], no_wrap=True)
    for column in ("asked", "accepted", "yield", "not asked"):
        table.add_column(column, justify="right")
    for task, row in rewriting["tasks"].items():
        share = f"{100 * row['accepted'] / max(row['asked'], 1):.1f} %"
        table.add_row(task, f"{row['asked']:,}", f"{row['accepted']:,}", share, f"{row['not_asked']:,}")
    _console().print(table)
    print_counts("replies refused, by reason", rewriting["refused"])
    print_lines([f"{rewriting['requests']:,} requests, {rewriting['tokens_in']:,} tokens in, {rewriting['tokens_out']:,} tokens out"])


def print_estimate(estimate: Mapping[str, Any]) -> None:
    """Print what a rewrite would take."""
    rate, at_most = estimate["tokens_a_second"], estimate["at_most"]
    _console().print(
        f"{estimate['requests']:,} requests, about {estimate['tokens_in']:,} tokens in ({estimate['tokens_in_after_shared_prefix']:,} "
        f"of them not shared by all), about {estimate['tokens_out']:,} tokens out"
    )
    if at_most != {name: estimate[name] for name in at_most}:
        _console().print(
            f"with every later attempt too: {at_most['requests']:,} requests, about {at_most['tokens_in']:,} tokens in, "
            f"about {at_most['tokens_out']:,} tokens out"
        )
    told = "no time: give --rate, as measured by a small run"
    if rate:
        told = f"at {rate:,.0f} output tokens/s: {estimate['hours']:,} hours, with every later attempt {at_most['hours']:,}"
    _console().print(told)
    _console().print("nothing was sent")


def print_triplets(triplets: Iterable[Triplet]) -> None:
    """Print triplets: the reference with what goes in red, the modification text, the target with what comes in green."""
    console = _console()
    for row in triplets:
        before, after = _differences(row.reference_caption, row.target_caption)
        console.print(Text.assemble((f"{row.edit_type}/{row.phrasing}", "dim")))
        console.print(Text("  reference     ").append(before))
        console.print(Text.assemble("  modification  ", (row.modification_text, "bold cyan")))
        console.print(Text("  target        ").append(after))


def _differences(reference: str, target: str) -> tuple[Text, Text]:
    old, new = reference.split(), target.split()
    before, after = Text(), Text()
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        before.append(" ".join(old[a:b]), _REMOVED if tag != "equal" else "").append(" " if b > a else "")
        after.append(" ".join(new[c:d]), _ADDED if tag != "equal" else "").append(" " if d > c else "")
    return before, after


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print the numbers of a data set."""
    for title, key in (("edit types", "edit_types"), ("phrasings", "phrasings"), ("origins", "origins"), ("licences", "licences")):
        print_counts(title, summary[key])
    print_counts("first words", summary["first_words"], summary["triplets"])
    table = Table("words a text", box=None, pad_edge=False, header_style="dim")
    for column in ("mean", "median", "p95"):
        table.add_column(column, justify="right")
    for name, described in summary["words"].items():
        table.add_row(name, *(f"{described[column]:g}" for column in ("mean", "median", "p95")))
    _console().print(table)
    _console().print(
        f"{summary['triplets']:,} triplets, {summary['triplets_per_used_caption']} a used caption, "
        f"{summary['distinct_modification_texts']:,} distinct modification texts"
    )


def print_diff(changes: Mapping[str, Any]) -> None:
    """Print what changed, a table a subject; a subject without a change is left out."""
    subjects = {
        "versions": changes["versions"],
        "recipe": changes["recipe"],
        "sources: licence, rows": changes["inputs"],
        "numbers": changes["numbers"],
        "captions": changes["captions"],
        **{name.replace("_", " "): counts for name, counts in changes["counts"].items()},
        **{f"words of {column}": described for column, described in changes["words"].items()},
        "quality": changes["quality"],
    }
    for title, pairs in subjects.items():
        if pairs:
            _console().print(_change_table(title, pairs))
    rows = changes["triplets"]
    same = ", the same rows in all" if changes["same_rows"] else ""
    _console().print(f"{rows['kept']:,} triplets in both, {rows['removed']:,} only before, {rows['added']:,} only after{same}")


def _change_table(title: str, pairs: Mapping[str, Sequence[Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("", "before", "after", "change"):
        table.add_column(column, justify="right" if column else "left")
    for name, (before, after) in pairs.items():
        counted = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, after))
        table.add_row(name, _shown(before), _shown(after), f"{round(after - before, 3):+,}" if counted else "")
    return table


def _shown(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def print_plan(plan: "Plan") -> None:
    """Print what would be published."""
    table = Table(box=None, pad_edge=False)
    table.add_column("file")
    table.add_column("bytes", justify="right")
    for file in plan.files:
        table.add_row(file.path, f"{file.bytes:,}")
    _console().print(table)
    _console().print(f"{len(plan.files)} files, {plan.bytes:,} bytes, version {plan.version}, licence {plan.licence}, to {plan.target}")
    _console().print("nothing was sent")


def step_printer(*, quiet: bool) -> Callable[[str], None]:
    """Return a function that prints steps on standard error."""

    def show(step: str) -> None:
        if not quiet:
            typer.echo(_one_line(step), err=True)

    return show
