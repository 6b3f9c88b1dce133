"""Wire the commands together; show errors once, here."""

import signal
import sys
from types import FrameType

import typer

import tripletgen
from tripletgen.cli import build, check, diff, export, preview, prompts, publish, report, rewrite, rules, stats
from tripletgen.cli.output import print_error
from tripletgen.errors import Interrupted, TripletgenError

app = typer.Typer(
    name="tripletgen",
    help="Make text triplets for composed image retrieval out of captions.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"tripletgen {tripletgen.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


app.command("build")(build.command)
app.command("preview")(preview.command)
app.command("rewrite")(rewrite.command)
app.command("check")(check.command)
app.command("stats")(stats.command)
app.command("diff")(diff.command)
app.command("report")(report.command)
app.command("export")(export.command)
app.command("publish")(publish.command)
app.command("rules")(rules.command)
app.command("prompts")(prompts.command)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted


def main() -> None:
    """Run the command line: an error of the user's is two lines and its exit code, a bug keeps its traceback."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except (TripletgenError, Interrupted) as error:
        print_error(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
