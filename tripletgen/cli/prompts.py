"""`tripletgen prompts`."""

from typing import Annotated

import typer

from tripletgen.cli.options import Prompts
from tripletgen.cli.output import print_lines


def command(
    name: Annotated[str | None, typer.Argument(metavar="[TASK]", help="Show this prompt's whole chat.", show_default=False)] = None,
    *,
    prompts: Prompts = None,
) -> None:
    """List the prompts of the language model stage, or show one as the model sees it, up to the data."""
    from tripletgen.rewrite.prompt import describe_prompts, load_prompts, show_prompt

    loaded = load_prompts(prompts)
    print_lines(describe_prompts(loaded.values()) if name is None else show_prompt(loaded, name))
