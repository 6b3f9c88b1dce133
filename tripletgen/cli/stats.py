"""`tripletgen stats`."""

from tripletgen.cli.options import Dataset, Json
from tripletgen.cli.output import print_json, print_summary


def command(folder: Dataset, json: Json = False) -> None:
    """Show the numbers of a data set: edit types, phrasings, lengths, first words, duplicates."""
    from tripletgen.summary import summarise

    summary = summarise(folder)
    (print_json if json else print_summary)(summary)
