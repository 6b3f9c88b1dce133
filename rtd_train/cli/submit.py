"""`rtd_train submit`: the files that test servers take."""

from typing import Annotated

import typer

from rtd_train.cli.output import print_facts

Option = typer.Option


def command(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", help="cirr or circo.")],
    *,
    backbone: Annotated[str, Option(metavar="NAME|DIR", help="CLIP model: openai/clip-vit-large-patch14, or a folder.")],
    phi: Annotated[str, Option(metavar="FILE", help="Projection module: ours, or a released file of SEARLE, LinCIR or Pic2Word.")],
    root: Annotated[str, Option(metavar="DIR", help="Folder of the benchmark in its official layout.")],
    out: Annotated[str, Option(metavar="DIR", help="Folder to write the files to.")],
    text_encoder: Annotated[
        str | None,
        Option(
            metavar="DIR|FILE",
            help="Trained text encoder: a run, a folder, or RTD's .pt.  [default: the backbone's own]",
            show_default=False,
        ),
    ] = None,
    split: Annotated[str | None, Option(help="Split.  [default: test1 of CIRR, test of CIRCO]", show_default=False)] = None,
    features: Annotated[str | None, Option(metavar="FILE", help="Image features to use instead of images.", show_default=False)] = None,
    cache: Annotated[
        str | None,
        Option(metavar="DIR", help="Where extracted features are kept.  [default: .rtd_features in the root]", show_default=False),
    ] = None,
    prompt: Annotated[str, Option(help="Query prompt; $ is the image, {text} the relative caption.")] = "a photo of $ that {text}",
    device: Annotated[str, Option(metavar="auto|cpu|cuda", help="Where to run.")] = "auto",
    precision: Annotated[str, Option(metavar="fp32|bf16|fp16", help="Precision of the encoders.")] = "fp32",
    skip_broken: Annotated[bool, Option("--skip-broken", help="Count unreadable images instead of stopping; their score is 0.")] = False,
) -> None:
    """Write the files of the CIRR or CIRCO test server, checked as the server would check them."""
    given = {name: value for name, value in locals().items() if name != "out"}
    from rtd_train.evaluation.runner import EvalConfig, submit

    paths = submit(EvalConfig(**given), out)
    print_facts({path.name: str(path) for path in paths})
