"""`rtd_train fit-phi`: train the projection module from captions."""

from typing import Annotated

import typer

from rtd_train.cli.output import is_main, print_facts, progress
from rtd_train.config import FitPhiConfig

Option = typer.Option


def command(
    captions: Annotated[
        list[str], typer.Argument(metavar="CAPTIONS...", help="Caption files as `tripletgen build` takes them, or its data sets.")
    ],
    backbone: Annotated[str, Option(metavar="NAME|DIR", help="CLIP model: openai/clip-vit-large-patch14, a folder, or random:tiny.")],
    out: Annotated[str, Option(metavar="FILE", help="File to write phi to, such as phi.safetensors.")],
    steps: Annotated[int, Option(help="Optimiser steps.")] = 20_000,
    batch_size: Annotated[int, Option(help="Captions a process and step.")] = 512,
    lr: Annotated[float, Option(help="Learning rate.")] = 1e-4,
    weight_decay: Annotated[float, Option(help="Weight decay.")] = 0.01,
    noise_scale: Annotated[float, Option(help="Noise on what phi gets, for the gap between texts and images.")] = 1.0,
    dropout: Annotated[float, Option(help="Dropout inside phi.")] = 0.5,
    limit: Annotated[int | None, Option(help="Read at most so many captions.")] = None,
    precision: Annotated[str, Option(metavar="fp32|bf16|fp16", help="Precision of forward passes.")] = "fp32",
    device: Annotated[str, Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    seed: Annotated[int, Option(help="Seed of weights, order and noise.")] = 0,
    log_every: Annotated[int, Option(help="Steps between checks of the loss.")] = 10,
    checkpoint_every: Annotated[int, Option(help="Steps between checkpoints, from which the same command goes on.")] = 1000,
    cache: Annotated[str | None, Option(metavar="DIR", help="Folder of frozen features and tokens.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Start afresh, and write over what lies at --out.")] = False,
    quiet: Annotated[bool, Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Train phi by LinCIR's self-masking projection; the defaults are the published setting.

    The same command goes on where it was interrupted, and does nothing where it was finished.
    """
    given = {name: value for name, value in locals().items() if name not in ("quiet", "captions")}
    config = FitPhiConfig(captions=tuple(captions), **given)
    from rtd_train.phi_trainer import fit_phi

    with progress(quiet=quiet) as shown:
        result = fit_phi(config, progress=shown)
    if is_main() and not quiet:
        rate = result.captions_per_second
        print_facts(
            {
                "phi": str(result.out),
                "captions": f"{result.captions:,}",
                "loss": f"{result.first_loss:.4f} -> {result.loss:.4f}",
                **({"speed": f"{rate:,.0f} captions/s"} if rate is not None else {"finished": "before; --overwrite trains it again"}),
            }
        )
