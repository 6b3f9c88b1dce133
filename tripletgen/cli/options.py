"""Option types that several commands share."""

from typing import Annotated

import typer

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE...]",
        help="Caption files (.txt .jsonl .csv .tsv .parquet, COCO .json, each also .gz/.zst), folders, globs, - for "
        "standard input, s3://BUCKET/... or hf://datasets/ORG/NAME[@SPLIT][#COLUMN]; PATH#COLUMN names a column. Without any: "
        "the embedded captions.",
        show_default=False,
    ),
]
EditTypes = Annotated[
    str | None, typer.Option("--edit-types", metavar="A,B", help="Only these edit types (see `tripletgen rules`).", show_default=False)
]
Seed = Annotated[int | None, typer.Option(help="Seed of every random choice.  [default: 0]", show_default=False)]
MaxPerCaption = Annotated[
    int | None, typer.Option("--max-per-caption", help="At most so many triplets a caption.  [default: 8]", show_default=False)
]
Dataset = Annotated[str, typer.Argument(metavar="DIR", help="A data set that `tripletgen build` wrote.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Model = Annotated[
    str | None, typer.Option(metavar="NAME", help="Language model: a folder, ORG/NAME, or the server's name for it.", show_default=False)
]
Endpoint = Annotated[
    str | None, typer.Option(metavar="URL", help="OpenAI-compatible server, such as http://localhost:8000/v1.", show_default=False)
]
Prompts = Annotated[str | None, typer.Option(metavar="DIR", help="Your own prompts (see `tripletgen prompts`).", show_default=False)]
Share = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TASK[:EDIT_TYPE]=SHARE",
        help="Share of rows to rewrite; repeatable.  [default: paraphrase=0.5, edit=0, describe=1]",
        show_default=False,
    ),
]
MaxRequests = Annotated[int | None, typer.Option("--max-requests", help="Ask the model at most so many times.", show_default=False)]
MaxTokensTotal = Annotated[
    int | None, typer.Option("--max-tokens-total", help="Take at most about so many tokens, in and out.", show_default=False)
]
AnswerCache = Annotated[
    str | None, typer.Option(metavar="DIR", help="Keep the model's answers there.  [default: OUT.answers]", show_default=False)
]


def split_names(value: str | None) -> tuple[str, ...] | None:
    """Return the comma-separated names of an option, None where it was not given."""
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())
