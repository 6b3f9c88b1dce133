"""`tripletgen check`."""

import typer

from tripletgen.cli.options import Dataset
from tripletgen.cli.output import print_lines


def command(folder: Dataset) -> None:
    """Check a data set: checksums, schema, counts, row rules. Exit code 1 and a line a fault if it is not sound."""
    from tripletgen.check import check_dataset

    faults = check_dataset(folder)
    print_lines(faults or [f"{folder}: sound"])
    raise typer.Exit(code=1 if faults else 0)
