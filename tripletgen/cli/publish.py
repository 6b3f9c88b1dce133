"""`tripletgen publish`."""

from typing import Annotated

import typer

from tripletgen.cli.options import Dataset, Json
from tripletgen.cli.output import print_json, print_lines, print_plan, step_printer


def command(
    folder: Dataset,
    target: Annotated[
        str, typer.Argument(metavar="REPO_ID|URL|FOLDER", help="ORG/NAME of the Hugging Face Hub, s3://BUCKET/PATH, or ./FOLDER.")
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List files, sizes, target and licence; send nothing.")] = False,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository of the Hub private.")] = False,
    tag: Annotated[str | None, typer.Option(help="Name of the version.  [default: made from the bytes]", show_default=False)] = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Check a data set and publish it with its card; the same command goes on where it was interrupted.

    Tokens come from HF_TOKEN or `hf auth login`, and from the usual places of AWS; none is an option, so none ends up in a shell's history.
    """
    from tripletgen.publish import plan_publication, publish

    plan = plan_publication(folder, target, tag)
    if dry_run:
        print_json(plan.as_json()) if json else print_plan(plan)
        return
    done = publish(plan, private=private, progress=step_printer(quiet=quiet or json))
    if json:
        print_json(done._asdict())
    elif not quiet:
        print_lines([f"{done.url} {done.version}: {done.sent} files sent, {done.kept} were there, {done.removed} removed"])
