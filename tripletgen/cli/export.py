"""`tripletgen export`."""

from typing import Annotated

import typer

from tripletgen.cli.options import Dataset, Json
from tripletgen.cli.output import print_json, print_lines


def command(
    folder: Dataset,
    *,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="rtd-json, jsonl, sentence-transformers or webdataset.")],
    out: Annotated[str, typer.Option(metavar="PATH", help="File to write; a folder of tar files for webdataset.")],
    split: Annotated[str, typer.Option(help="Split to write.")] = "train",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what stands at PATH.")] = False,
    json: Json = False,
) -> None:
    """Write a split in a format that other programs read."""
    from tripletgen.export import export_dataset

    done = export_dataset(folder, form, out, split=split, overwrite=overwrite)
    if json:
        print_json(done._asdict())
    else:
        print_lines([f"{done.rows:,} triplets of {done.split} in {done.path} ({done.format})"])
