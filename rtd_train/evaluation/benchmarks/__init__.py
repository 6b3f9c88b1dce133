"""The benchmarks by name, each read into the same record; a new one is a new file and a line here."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rtd_train.errors import UsageError
from rtd_train.evaluation.benchmarks import circo, cirr, fashioniq, genecis
from rtd_train.evaluation.benchmarks.task import Box, Ranking, Task


class Benchmark(NamedTuple):
    """How a benchmark is read and scored, and where its images lie.

    `crop_of` tells what is cut out of an image of some width and height; `top` is how many of the gallery are ranked, 0 for members only.
    """

    load: Callable[[Path, str, Sequence[str], Sequence[str]], list[Task]]
    score: Callable[[Task, Ranking], dict[str, float]]
    image_paths: Callable[[Path, str], Callable[[str], Sequence[Path]]]
    crop_of: Callable[[str, int, int], Box | None]
    splits: tuple[str, ...]
    parts: tuple[str, ...]
    top: int
    where: str
    protocol: str


def _whole(_name: str, _width: int, _height: int) -> Box | None:
    return None


BENCHMARKS: dict[str, Benchmark] = {
    "fashioniq": Benchmark(
        fashioniq.load,
        fashioniq.score,
        fashioniq.image_paths,
        _whole,
        fashioniq.SPLITS,
        fashioniq.PARTS,
        fashioniq.TOP,
        fashioniq.WHERE,
        "gallery: images of the split file a type; two captions joined in both orders, embeddings averaged; reference kept",
    ),
    "cirr": Benchmark(
        cirr.load,
        cirr.score,
        cirr.image_paths,
        _whole,
        cirr.SPLITS,
        (),
        cirr.TOP,
        cirr.WHERE,
        "rc2; gallery: images of the split; reference left out; subset: the set of six without the reference",
    ),
    "circo": Benchmark(
        circo.load,
        circo.score,
        circo.image_paths,
        _whole,
        circo.SPLITS,
        (),
        circo.TOP,
        circo.WHERE,
        "gallery: COCO unlabeled2017; reference kept; AP@k over min(k, ground truths)",
    ),
    "genecis": Benchmark(
        genecis.load,
        genecis.score,
        genecis.image_paths,
        genecis.crop_of,
        genecis.SPLITS,
        genecis.PARTS,
        genecis.TOP,
        genecis.WHERE,
        "gallery: target and distractors of the query; attribute tasks on crops as its authors cut them, box dilated by 0.7",
    ),
}


def find_benchmark(name: str) -> tuple[str, Benchmark, tuple[str, ...]]:
    """Return the name, the benchmark and its wanted parts: `fashioniq`, or `fashioniq:dress,shirt`.

    Raises:
        UsageError: there is no such benchmark or part; the hint lists those there are.
    """
    base, _, wanted = name.partition(":")
    if base not in BENCHMARKS:
        raise UsageError(f"no benchmark is called {base!r}", f"choose one of {', '.join(BENCHMARKS)}, scenes or triplets")
    benchmark = BENCHMARKS[base]
    parts = tuple(part.strip() for part in wanted.split(",")) if wanted else benchmark.parts
    for part in parts:
        if part not in benchmark.parts:
            choices = f"its parts are {', '.join(benchmark.parts)}" if benchmark.parts else "it has no parts"
            raise UsageError(f"{base} has no part {part!r}", choices)
    return base, benchmark, parts


def load_benchmark(name: str, root: Path, split: str | None = None, known: Sequence[str] = ()) -> list[Task]:
    """Read the tasks of a benchmark.

    `known` are the ids of given features: the gallery where the list of its images is not there (CIRCO).

    Raises:
        UsageError: there is no such benchmark, part or split.
        DataError: an annotation file is missing or of another version.
    """
    base, benchmark, parts = find_benchmark(name)
    split = check_split(base, benchmark, split)
    return benchmark.load(root, split, parts, known)


def check_split(base: str, benchmark: Benchmark, split: str | None) -> str:
    """Return the split that is meant, the first where none is named."""
    if split is not None and split not in benchmark.splits:
        raise UsageError(f"{base} has no split {split!r}", f"choose one of {', '.join(benchmark.splits)}")
    return split or benchmark.splits[0]
