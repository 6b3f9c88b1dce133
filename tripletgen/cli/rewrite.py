"""`tripletgen rewrite`."""

from typing import Annotated

import typer

from tripletgen.cli.bar import progress_bar
from tripletgen.cli.options import AnswerCache, Dataset, Endpoint, Json, MaxRequests, MaxTokensTotal, Model, Prompts, Seed, Share
from tripletgen.cli.output import print_estimate, print_json, print_manifest
from tripletgen.errors import UsageError


def command(
    folder: Dataset,
    *,
    out: Annotated[str, typer.Option(help="Folder to write the new data set to.")],
    rewriter: Annotated[
        str | None, typer.Option(metavar="vllm|endpoint", help="Engine in this process, or a server.", show_default=False)
    ] = None,
    model: Model = None,
    endpoint: Endpoint = None,
    recipe: Annotated[
        str | None, typer.Option(metavar="FILE", help="YAML file with the same names under `rewrite`.", show_default=False)
    ] = None,
    prompts: Prompts = None,
    share: Share = None,
    keep: Annotated[
        str | None,
        typer.Option(metavar="failed|always|never", help="When the row that is rewritten stays.  [default: failed]", show_default=False),
    ] = None,
    attempts: Annotated[int | None, typer.Option(help="Ask so many times for a row.  [default: 2]", show_default=False)] = None,
    temperature: Annotated[float | None, typer.Option(help="Sampling temperature.  [default: 0.7]", show_default=False)] = None,
    max_model_len: Annotated[int | None, typer.Option("--max-model-len", help="Context of the vLLM engine.", show_default=False)] = None,
    tensor_parallel_size: Annotated[
        int | None, typer.Option("--tensor-parallel-size", help="GPUs that share the model (vLLM).", show_default=False)
    ] = None,
    data_parallel_size: Annotated[
        int | None, typer.Option("--data-parallel-size", help="Copies of the model (vLLM).", show_default=False)
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Requests under way at a server.  [default: 64]", show_default=False)] = None,
    max_requests: MaxRequests = None,
    max_tokens_total: MaxTokensTotal = None,
    decontaminate: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Benchmark annotations to keep out; repeatable.", show_default=False)
    ] = None,
    cache: AnswerCache = None,
    seed: Seed = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Count requests and tokens; send and write nothing.")] = False,
    rate: Annotated[
        float | None, typer.Option(metavar="TOKENS/S", help="Measured output tokens a second, for --estimate.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the data set in --out first.")] = False,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Rewrite a finished data set with a language model, into another folder.

    Answers are kept as they come: the same command after a kill asks for nothing that was answered.
    """
    given = locals()
    from dataclasses import fields

    import tripletgen
    from tripletgen.rewrite_options import RewriteOptions, parse_shares
    from tripletgen.rewritten import estimate_rewrite, merge_recipe, rewrite_dataset

    names = [entry.name for entry in fields(RewriteOptions) if entry.name in given and entry.name != "share"]
    options = merge_recipe(recipe, {name: given[name] for name in names} | {"share": parse_shares(share)})
    if rate is not None and not estimate:
        raise UsageError("--rate is for --estimate alone", "add --estimate, or leave --rate out")
    if estimate:
        (print_json if json else print_estimate)(estimate_rewrite(folder, options, seed or 0, rate))
        return
    with progress_bar(quiet=quiet or json) as bar:
        manifest = rewrite_dataset(folder, out, options, seed or 0, tuple(decontaminate or ()), overwrite=overwrite, progress=bar)
    if json:
        print_json(manifest)
    elif not quiet:
        print_manifest(manifest, out, tripletgen.sample_triplets(out, 6))
