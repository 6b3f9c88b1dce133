"""Option types that several commands share."""

from typing import Annotated

import typer

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE...]",
        help="Caption files (.txt .jsonl .csv .tsv .parquet, COCO .json, each also .gz/.zst), folders, globs, - for standard "
        "input, or hf://datasets/ORG/NAME[@SPLIT][#COLUMN]; PATH#COLUMN names a column. Without any: the embedded captions.",
        show_default=False,
    ),
]
EditTypes = Annotated[
    str | None, typer.Option("--edit-types", metavar="A,B", help="Only these edit types (see `tripletgen rules`).", show_default=False)
]
Seed = Annotated[int | None, typer.Option(help="Seed of every random choice.  [default: 0]", show_default=False)]
MaxPerCaption = Annotated[
    int | None, typer.Option("--max-per-caption", help="At most so many triplets a caption.  [default: 4]", show_default=False)
]
Dataset = Annotated[str, typer.Argument(metavar="DIR", help="A data set that `tripletgen build` wrote.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def split_names(value: str | None) -> tuple[str, ...] | None:
    """Return the comma-separated names of an option, None where it was not given."""
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())
