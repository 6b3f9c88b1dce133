"""`rtd_train scenes`: what the chain on the embedded benchmark starts from."""

from typing import Annotated

import typer

from rtd_train.cli.output import print_facts


def command(
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder for captions.txt and clip/.")],
    captions: Annotated[int, typer.Option(help="Captions to write.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Seed of the captions.")] = 0,
) -> None:
    """Write captions of the Scenes world and its small CLIP, to build, train and evaluate on without any download."""
    from pathlib import Path

    from rtd_train.scenes.export import write_scenes

    write_scenes(Path(out), captions, seed)
    print_facts({"captions": f"{out}/captions.txt", "backbone": f"{out}/clip"})
