"""Probe a text encoder without images: does it find the target caption, does it read the modification, is its alignment kept?

The composed query of a triplet (reference caption, modification text) is searched among all captions of a held-out split as the
untouched encoder embeds them. Shuffled and removed modification texts tell what of the figure is due to reading them.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rtd_train.errors import DataError
from rtd_train.evaluation.benchmarks.annotations import Images
from rtd_train.evaluation.benchmarks.task import Task, Truth
from rtd_train.evaluation.metrics import recall_at_k
from rtd_train.evaluation.ranking import embed_queries, rank
from rtd_train.evaluation.retrieval import normalise, top_k
from rtd_train.evaluation.system import System, compose_in_batches, in_batches

if TYPE_CHECKING:
    import torch

KS = (1, 5, 10)
MODIFICATIONS = ("given", "shuffled", "removed")
PROTOCOL = "composed query among all captions of the split, embedded by the untouched encoder; the reference caption left out"


class TextTriplet(NamedTuple):
    """What a probe needs of a triplet."""

    reference: str
    modification: str
    target: str


def read_split(folder: Path, split: str = "validation", limit: int | None = None) -> list[TextTriplet]:
    """Return the triplets of a split of a data set that `tripletgen build` wrote.

    Raises:
        DataError: the folder has no such split, or its files lack a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = sorted((folder / "data").glob(f"{split}-*.parquet"))
    if not paths:
        raise DataError(
            f"{folder}: has no split {split!r}", "give a folder that `tripletgen build` wrote, with --validation-fraction above 0"
        )
    columns = ["reference_caption", "modification_text", "target_caption"]
    try:
        tables = [pq.read_table(path, columns=columns) for path in paths]
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{folder}: cannot be read: {error}", "check it with `tripletgen check`") from error
    rows = [TextTriplet(*row) for table in tables for row in zip(*(table[name].to_pylist() for name in columns), strict=True)]
    return rows[:limit]


def triplets_task(triplets: Sequence[TextTriplet], modifications: str = "given", seed: int = 0) -> Task:
    """Return the task of finding target captions, with the modification texts as given, of other triplets, or empty.

    Raises:
        DataError: there are too few triplets to shuffle or to rank.
    """
    if len(triplets) < 2:
        raise DataError(f"{len(triplets)} triplets are too few to probe with", "build with a larger --validation-fraction")
    texts = [triplet.modification for triplet in triplets]
    if modifications == "shuffled":
        # A rotation of a random order gives nobody their own.
        order = list(range(len(texts)))
        random.Random(seed).shuffle(order)
        given = dict(zip(order, (*order[1:], order[0]), strict=True))
        texts = [texts[given[row]] for row in range(len(texts))]
    elif modifications == "removed":
        texts = [""] * len(texts)
    captions = Images([*(triplet.target for triplet in triplets), *(triplet.reference for triplet in triplets)])
    return Task(
        name=modifications,
        images=tuple(captions.names),
        gallery_size=captions.gallery_size,
        query_ids=tuple(str(row) for row in range(len(triplets))),
        references=captions.index([triplet.reference for triplet in triplets]),
        texts=tuple((text,) for text in texts),
        truth=Truth(targets=captions.index([triplet.target for triplet in triplets])),
        leaves_reference_out=True,
    )


def probe(
    triplets: Sequence[TextTriplet], untouched: System, systems: Mapping[str, System], seed: int = 0
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of each system: recall of the target caption a kind of modification, and its alignment.

    Raises:
        DataError: the split is too small to rank ten captions.
    """
    tasks = [triplets_task(triplets, modifications, seed) for modifications in MODIFICATIONS]
    captions = in_batches(untouched.encode_texts, tasks[0].images)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, system in systems.items():
        compose = compose_in_batches(system.compose)
        found[name] = {task.name: _recall(task, captions, embed_queries(task, captions, compose)) for task in tasks}
        found[name]["alignment"] = alignment(captions, in_batches(system.encode_texts, tasks[0].images))
    return found


def _recall(task: Task, captions: "torch.Tensor", queries: "torch.Tensor") -> dict[str, float]:
    assert task.truth.targets is not None
    ranking = rank(task, captions, queries, max(KS))
    assert ranking.top is not None
    return {f"R@{k}": recall_at_k(ranking.top, task.truth.targets, k) for k in KS}


def alignment(before: "torch.Tensor", after: "torch.Tensor") -> dict[str, float]:
    """Return how well plain captions, embedded by a trained encoder, still find themselves among those of the untouched one.

    Shape: before, after (captions, D).
    """
    old, new = normalise(before), normalise(after)
    first = top_k(new, old, 1)
    return {"R@1": recall_at_k(first, np.arange(len(old)), 1), "cosine": float((old * new).sum(dim=1).mean())}


def caption_to_image(texts: "torch.Tensor", images: "torch.Tensor") -> dict[str, float]:
    """Return recall of each caption's own image among all images: plain retrieval, which training should not spoil.

    Shape: texts, images (pairs, D).
    """
    ranked = top_k(normalise(texts), normalise(images), max(KS))
    return {f"R@{k}": recall_at_k(ranked, np.arange(len(images)), k) for k in KS}
