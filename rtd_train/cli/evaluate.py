"""`rtd_train eval`: evaluate on a benchmark, or probe with text triplets."""

from typing import Annotated

import typer

from rtd_train.cli.output import print_json, print_result

Option = typer.Option


def command(
    benchmark: Annotated[
        str, typer.Argument(metavar="BENCHMARK", help="fashioniq[:dress,shirt,toptee], cirr, circo, genecis[:TASK,...], scenes, triplets.")
    ],
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="With triplets: a folder that `tripletgen build` wrote.", show_default=False)
    ] = None,
    *,
    backbone: Annotated[str, Option(metavar="NAME|DIR", help="CLIP model: openai/clip-vit-large-patch14, a folder, or scenes.")],
    phi: Annotated[str, Option(metavar="FILE", help="Projection module: ours, or a released file of SEARLE, LinCIR or Pic2Word.")],
    text_encoder: Annotated[
        str | None,
        Option(
            metavar="DIR|FILE",
            help="Trained text encoder: a run, a folder, or RTD's .pt.  [default: the backbone's own]",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[bool, Option("--baseline", help="Evaluate the untouched text encoder too, and show the difference.")] = False,
    root: Annotated[str | None, Option(metavar="DIR", help="Folder of the benchmark in its official layout.", show_default=False)] = None,
    split: Annotated[str | None, Option(help="Split.  [default: val, or validation of triplets]", show_default=False)] = None,
    features: Annotated[str | None, Option(metavar="FILE", help="Image features to use instead of images.", show_default=False)] = None,
    cache: Annotated[
        str | None,
        Option(metavar="DIR", help="Where extracted features are kept.  [default: .rtd_features in the root]", show_default=False),
    ] = None,
    sheet: Annotated[str | None, Option(metavar="FILE", help="Write example retrievals as an HTML page.", show_default=False)] = None,
    out: Annotated[str | None, Option(metavar="FILE", help="Write the result as JSON.", show_default=False)] = None,
    prompt: Annotated[str, Option(help="Query prompt; $ is the image, {text} the relative caption.")] = "a photo of $ that {text}",
    device: Annotated[str, Option(metavar="auto|cpu|cuda", help="Where to run.")] = "auto",
    precision: Annotated[str, Option(metavar="fp32|bf16|fp16", help="Precision of the encoders.")] = "fp32",
    skip_broken: Annotated[bool, Option("--skip-broken", help="Count unreadable images instead of stopping; their score is 0.")] = False,
    json: Annotated[bool, Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Evaluate composed image retrieval; the result names backbone, weights, prompt, precision and protocol."""
    given = {name: value for name, value in locals().items() if name not in ("out", "json")}
    from rtd_train.evaluation.runner import EvalConfig, evaluate, write_result

    result = evaluate(EvalConfig(**given))
    if out is not None:
        write_result(out, result)
    if json:
        print_json(result)
    else:
        print_result(result)
