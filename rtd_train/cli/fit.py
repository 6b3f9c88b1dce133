"""`rtd_train fit`: train the text encoder."""

from typing import Annotated

import typer

from rtd_train.cli.hook import find_function
from rtd_train.cli.output import is_main, print_facts, progress
from rtd_train.config import FitConfig

Option = typer.Option


def command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Folder of shards, RTD's JSON, or the name of a Hub data set.")],
    backbone: Annotated[str, Option(metavar="NAME|DIR", help="CLIP model: openai/clip-vit-large-patch14, a folder, or random:tiny.")],
    phi: Annotated[str, Option(metavar="FILE", help="Projection module: ours, or a released file of SEARLE, LinCIR or Pic2Word.")],
    out: Annotated[str, Option(metavar="DIR", help="Folder of the run; the same command goes on where it was interrupted.")],
    split: Annotated[str, Option(help="Split to train on.")] = "train",
    steps: Annotated[int, Option(help="Optimiser steps.")] = 2000,
    batch_size: Annotated[int, Option(help="Triplets a process and micro-step.")] = 512,
    accumulate: Annotated[int, Option(help="Micro-steps a step; each has negatives of its own.")] = 1,
    chunk_size: Annotated[int | None, Option(help="Rows that are encoded at a time.")] = None,
    cache_gradients: Annotated[bool, Option("--cache-gradients", help="Two passes: exact large batches on small memory.")] = False,
    lr: Annotated[float, Option(help="Learning rate.")] = 1e-5,
    weight_decay: Annotated[float, Option(help="Weight decay.")] = 0.01,
    schedule: Annotated[str, Option(metavar="constant|linear|cosine", help="Learning rate over the steps.")] = "constant",
    warmup: Annotated[int, Option(help="Steps of rising learning rate.")] = 0,
    clip_norm: Annotated[float | None, Option(help="Largest norm of the gradient.")] = None,
    temperature: Annotated[float, Option(help="Loss temperature.")] = 0.07,
    noise_scale: Annotated[float, Option(help="Noise on what phi gets, for the gap between texts and images.")] = 0.5,
    anchor: Annotated[bool, Option("--anchor/--no-anchor", help="Frozen targets; without: naive tuning of both sides.")] = True,
    refined_batch: Annotated[
        bool, Option("--refined-batch/--no-refined-batch", help="Queries without modification as hard negatives.")
    ] = True,
    refined_concat: Annotated[
        bool, Option("--refined-concat/--no-refined-concat", help="Pseudo-token for the reference; without: its text.")
    ] = True,
    gather_negatives: Annotated[
        bool, Option("--gather-negatives/--local-negatives", help="Negatives of all processes, or of its own.")
    ] = True,
    lora_rank: Annotated[int | None, Option(help="Train low-rank adapters of this rank instead of all weights.")] = None,
    freeze_layers: Annotated[int, Option(help="Keep embeddings and so many lower layers as they are.")] = 0,
    ema: Annotated[float | None, Option(help="Average the weights with this decay, such as 0.999.")] = None,
    precision: Annotated[str, Option(metavar="fp32|bf16|fp16", help="Precision of forward passes.")] = "fp32",
    device: Annotated[str, Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    seed: Annotated[int, Option(help="Seed of order and noise.")] = 0,
    validate: Annotated[
        str | None,
        Option(metavar="MODULE:FUNCTION", help="Tells how good the encoder is; the best weights are kept."),
    ] = None,
    validate_every: Annotated[int, Option(help="Steps between validations.")] = 100,
    checkpoint_every: Annotated[int, Option(help="Steps between checkpoints.")] = 500,
    keep_checkpoints: Annotated[int, Option(help="Checkpoints that are kept.")] = 2,
    log_every: Annotated[int, Option(help="Steps between lines of metrics.")] = 10,
    tensorboard: Annotated[bool, Option("--tensorboard", help="Write the metrics for TensorBoard too.")] = False,
    cache: Annotated[str | None, Option(metavar="DIR", help="Folder of frozen features and tokens.")] = None,
    export_pt: Annotated[bool, Option("--export-pt", help="Write text_encoder.pt in the layout of the RTD authors too.")] = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Start afresh.")] = False,
    quiet: Annotated[bool, Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Train the text encoder with RTD; the defaults are the published setting."""
    given = {name: value for name, value in locals().items() if name not in ("quiet", "validate")}
    config = FitConfig(**given)
    hook = None if validate is None else find_function(validate)
    from rtd_train.trainer import fit

    with progress(quiet=quiet) as shown:
        result = fit(config, hook, progress=shown, validate_name=validate)
    if is_main() and not quiet:
        print_facts(
            {
                "text encoder": f"{result.out}/text_encoder",
                "steps": f"{result.steps:,} of {batch_size * accumulate:,} triplets a process",
                "loss": f"{result.loss:.4f}",
                "speed": f"{result.triplets_per_second:,.0f} triplets/s",
                **({} if result.best is None else {"best score": f"{result.best:.4f}"}),
            }
        )
