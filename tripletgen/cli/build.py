"""`tripletgen build`."""

from typing import Annotated

import typer

from tripletgen.cli.bar import progress_bar
from tripletgen.cli.options import (
    AnswerCache,
    EditTypes,
    Endpoint,
    Json,
    MaxPerCaption,
    MaxRequests,
    MaxTokensTotal,
    Model,
    Prompts,
    Seed,
    Share,
    Sources,
    split_names,
)
from tripletgen.cli.output import print_json, print_manifest


def command(
    sources: Sources = None,
    *,
    out: Annotated[str, typer.Option(help="Folder to write the data set to, or s3://BUCKET/PREFIX.")],
    recipe: Annotated[str | None, typer.Option(metavar="FILE", help="YAML file with the same names as these options.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the sources, such as CC-BY-4.0.  [default: unknown]")] = None,
    limit: Annotated[int | None, typer.Option(help="Read at most so many captions.", show_default=False)] = None,
    seed: Seed = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.  [default: 1]", show_default=False)] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="local|ray", help="Run on this machine, or on Ray.  [default: local]", show_default=False)
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option("--ray-address", metavar="HOST:PORT", help="A running Ray cluster; without, one is started here.", show_default=False),
    ] = None,
    shard_rows: Annotated[
        int | None, typer.Option("--shard-rows", help="Rows a Parquet file, about.  [default: 50000]", show_default=False)
    ] = None,
    max_per_caption: MaxPerCaption = None,
    edit_types: EditTypes = None,
    decontaminate: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Benchmark annotations to keep out; repeatable.", show_default=False)
    ] = None,
    validation_fraction: Annotated[
        float | None, typer.Option("--validation-fraction", help="Share of captions for validation.  [default: 0.01]", show_default=False)
    ] = None,
    pairs: Annotated[
        bool | None, typer.Option("--pairs/--no-pairs", help="Mine pairs of captions too that differ in one place.", show_default=False)
    ] = None,
    rewriter: Annotated[
        str | None, typer.Option(metavar="none|vllm|endpoint", help="Rewrite with a language model.  [default: none]", show_default=False)
    ] = None,
    model: Model = None,
    endpoint: Endpoint = None,
    prompts: Prompts = None,
    share: Share = None,
    max_requests: MaxRequests = None,
    max_tokens_total: MaxTokensTotal = None,
    cache: AnswerCache = None,
    keep_rejects: Annotated[
        bool | None,
        typer.Option(
            "--keep-rejects",
            help="Write what was rejected too: of what cleaning drops 100,000 rows at most, of duplicates 10,000 a unit.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in a folder that another recipe began; keep what fits.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the data set in the folder first.")] = False,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Build a data set of text triplets from captions.

    The same command goes on where it was interrupted, and does nothing where the data set is finished.
    """
    import tripletgen
    from tripletgen.options import merge_options, source_specs
    from tripletgen.rewrite_options import parse_shares

    given = {
        "sources": source_specs(sources),
        "limit": limit,
        "seed": seed,
        "workers": workers,
        "engine": engine,
        "ray_address": ray_address,
        "shard_rows": shard_rows,
        "max_per_caption": max_per_caption,
        "edit_types": split_names(edit_types),
        "decontaminate": tuple(decontaminate) if decontaminate else None,
        "validation_fraction": validation_fraction,
        "pairs": pairs,
        "keep_rejects": keep_rejects,
        "rewrite": {
            "rewriter": rewriter,
            "model": model,
            "endpoint": endpoint,
            "prompts": prompts,
            "share": parse_shares(share),
            "max_requests": max_requests,
            "max_tokens_total": max_tokens_total,
            "cache": cache,
        },
        "resume": resume or None,
        "overwrite": overwrite or None,
    }
    options = merge_options(out, recipe, given, licence)
    with progress_bar(quiet=quiet or json) as bar:
        manifest = tripletgen.build(options, bar)
    if json:
        print_json(manifest)
    elif not quiet:
        print_manifest(manifest, out, tripletgen.sample_triplets(out, 6))
