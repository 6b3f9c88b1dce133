"""Scenes as a benchmark: its pictures, and its queries as the task that every benchmark is read into.

The gallery is the references, targets and near misses of all queries; as in CIRR, the reference is left out of its own ranking, and
the subset of a query is its target and near misses.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from rtd_train.evaluation.benchmarks.task import Ranking, Task, Truth
from rtd_train.evaluation.metrics import recall_at_k
from rtd_train.scenes.queries import Query, make_queries
from rtd_train.scenes.render import render
from rtd_train.scenes.world import Scene

if TYPE_CHECKING:
    from PIL.Image import Image

NUM_QUERIES, SEED, TOP = 600, 1, 10
KS, SUBSET_KS = (1, 5, 10), (1,)
PROTOCOL = "gallery: references, targets and near misses of all queries; reference left out; subset: the target and its near misses"


def load(num_queries: int = NUM_QUERIES, seed: int = SEED) -> tuple[Task, "Callable[[str], Image]", list[Query]]:
    """Return the task, what opens its pictures by their ids, and the queries as they were made."""
    queries = make_queries(num_queries, seed)
    scenes: dict[str, Scene] = {}
    for number, query in enumerate(queries):
        for letter, scene in zip("rtabcdefgh", (query.reference, query.target, *query.misses), strict=False):
            scenes[f"{number:04d}-{letter}"] = scene
    a_query = len(scenes) // num_queries
    first = np.arange(0, len(scenes), a_query, dtype=np.int64)
    task = Task(
        name="scenes",
        images=tuple(scenes),
        gallery_size=len(scenes),
        query_ids=tuple(str(number) for number in range(num_queries)),
        references=first,
        texts=tuple((query.text,) for query in queries),
        truth=Truth(
            targets=first + 1,
            members=first[:, None] + np.arange(1, a_query, dtype=np.int64),
            aspects=tuple(query.properties for query in queries),
        ),
        leaves_reference_out=True,
    )

    def open_image(name: str) -> "Image":
        return render(scenes[name], random.Random(f"{seed} {name}"))

    return task, open_image, queries


def score(task: Task, ranking: Ranking) -> dict[str, float]:
    """Return recall over the gallery, recall over the query's own near misses, and R@1 of the queries that change each property."""
    assert ranking.top is not None
    assert ranking.members is not None
    assert task.truth.targets is not None
    assert task.truth.aspects is not None
    targets = task.truth.targets
    scores = {f"R@{k}": recall_at_k(ranking.top, targets, k) for k in KS}
    scores |= {f"subset R@{k}": recall_at_k(ranking.members, targets, k) for k in SUBSET_KS}
    for prop in sorted({name for names in task.truth.aspects for name in names}):
        rows = np.array([row for row, names in enumerate(task.truth.aspects) if prop in names])
        scores[f"R@1 {prop}"] = recall_at_k(ranking.top[rows], targets[rows], 1)
    return scores
