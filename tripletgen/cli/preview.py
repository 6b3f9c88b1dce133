"""`tripletgen preview`."""

from typing import Annotated

import typer

from tripletgen.cli.options import EditTypes, MaxPerCaption, Seed, Sources, split_names
from tripletgen.cli.output import print_triplets


def command(
    sources: Sources = None,
    *,
    number: Annotated[int, typer.Option("-n", help="Captions to show.")] = 20,
    seed: Seed = None,
    max_per_caption: MaxPerCaption = None,
    edit_types: EditTypes = None,
) -> None:
    """Show the first captions with the triplets proposed for them, changed words highlighted; nothing is written."""
    import tripletgen
    from tripletgen.options import merge_options, source_specs

    given = {
        "sources": source_specs(sources),
        "limit": number,
        "seed": seed,
        "max_per_caption": max_per_caption,
        "edit_types": split_names(edit_types),
    }
    print_triplets(tripletgen.preview(merge_options("-", None, given)))
