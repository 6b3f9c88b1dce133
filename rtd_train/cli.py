"""The command line of the trainer. `fit`, `fit-phi` and `eval` are not there yet (see CHANGELOG.md)."""

import typer

from rtd_train import __version__

app = typer.Typer(name="rtd_train", add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _options(ctx: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """Train the CLIP text encoder on text triplets with RTD. No command is there yet: they come with the next release."""
    typer.echo(f"rtd_train {__version__}" if version else ctx.get_help())


def main() -> None:
    """Run the command line."""
    app()
