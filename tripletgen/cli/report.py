"""`tripletgen report`."""

from typing import Annotated

import typer

from tripletgen.cli.options import Dataset, Json
from tripletgen.cli.output import print_json, print_lines


def command(
    folder: Dataset,
    *,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="File to write.  [default: DIR.report.html]", show_default=False)] = None,
    sample: Annotated[int, typer.Option(min=1, max=20_000, help="Rows that can be browsed; totals are exact.")] = 4000,
    seed: Annotated[int, typer.Option(min=0, help="Which rows can be browsed.")] = 0,
    card: Annotated[bool, typer.Option("--card", help="Put the plots into the data card too, as PNG files in DIR/figures.")] = False,
    json: Json = False,
) -> None:
    """Write one HTML file with the numbers, plots and a sample of a data set; it opens without a network."""
    from tripletgen.report import check_target, illustrate_card, write_report

    check_target(folder, out)  # before the card is changed
    if card:
        illustrate_card(folder)
    done = write_report(folder, out, sample=sample, seed=seed)
    if json:
        print_json(done._asdict())
    else:
        print_lines([f"{done.path}: {done.bytes:,} bytes, {done.sampled:,} of {done.triplets:,} triplets to browse"])
