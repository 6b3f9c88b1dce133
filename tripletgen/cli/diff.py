"""`tripletgen diff`."""

from typing import Annotated

import typer

from tripletgen.cli.options import Dataset, Json
from tripletgen.cli.output import print_diff, print_json


def command(
    before: Dataset,
    after: Annotated[str, typer.Argument(metavar="DIR2", help="The data set to compare it with.")],
    json: Json = False,
) -> None:
    """Show what changed between two data sets: recipe, counts, distributions, and how many triplets stand in both."""
    from tripletgen.diff import compare

    changes = compare(before, after)
    (print_json if json else print_diff)(changes)
