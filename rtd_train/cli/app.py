"""Wire the commands together; show errors once, here."""

import sys

import typer

from rtd_train import __version__
from rtd_train.cli import evaluate, fit, fit_phi, scenes, submit
from rtd_train.cli.output import print_error
from rtd_train.errors import PeerError, TrainError

app = typer.Typer(
    name="rtd_train",
    help="Train the CLIP text encoder of composed image retrieval on text triplets.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"rtd_train {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


app.command("fit")(fit.command)
app.command("fit-phi")(fit_phi.command)
app.command("eval")(evaluate.command)
app.command("submit")(submit.command)
app.command("scenes")(scenes.command)


def main() -> None:
    """Run the command line: an error of the user's is two lines and its exit code, a bug keeps its traceback."""
    try:
        app()
    except PeerError as error:
        sys.exit(error.exit_code)
    except TrainError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "transformers", "accelerate", "safetensors", "peft", "matplotlib", "tensorboard", "PIL"):
            raise
        print_error(TrainError(f"{error.name} is not installed", "pip install 'tripletgen[train]'"))
        sys.exit(1)
    except KeyboardInterrupt:
        print_error(TrainError("interrupted", "checkpoints are kept: run the same command again to go on"))
        sys.exit(130)
    except OSError as error:
        # A file or a disk that refuses is the user's to mend, wherever it happens.
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print_error(TrainError(what, "check the path, its permissions and the space that is left"))
        sys.exit(1)


if __name__ == "__main__":
    main()
