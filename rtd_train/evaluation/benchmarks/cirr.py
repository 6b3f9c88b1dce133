"""CIRR: 21,552 natural images, sets of six alike; the reference is left out of its own ranking.

Layout, as its authors release it (version rc2):
    captions/cap.rc2.{split}.json   image_splits/split.rc2.{split}.json   img_raw/dev/*.png, img_raw/test1/*.png
Protocol: R@1, 5, 10, 50 over the images of the split; subset R@1, 2, 3 over the query's set of six without the reference; the
mean of R@5 and subset R@1.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rtd_train.evaluation.benchmarks.annotations import (
    Images,
    are_ids,
    check_galleries,
    distinct_ids,
    find_file,
    is_id,
    is_text,
    read_json,
    read_queries,
)
from rtd_train.evaluation.benchmarks.task import Ranking, Task, Truth
from rtd_train.evaluation.metrics import recall_at_k

WHERE = "get captions and image_splits (rc2) from github.com/Cuberick-Orion/CIRR, and the images by the form named there"
SPLITS = ("val", "test1")
TOP = 50
KS, SUBSET_KS = (1, 5, 10, 50), (1, 2, 3)


def load(root: Path, split: str, _parts: Sequence[str], _known: Sequence[str]) -> list[Task]:
    """Read the annotations of a split; those of test1 have no targets.

    Raises:
        DataError: a file is missing or of another version, or names an image that the split does not have.
    """
    path = find_file(root, [f"captions/cap.rc2.{split}.json"], WHERE)
    gallery = find_file(root, [f"image_splits/split.rc2.{split}.json"], WHERE)
    has_targets = split != "test1"
    shapes = {"pairid": is_id, "reference": is_text, "caption": is_text, "img_set": _has_members}
    queries = read_queries(path, shapes | ({"target_hard": is_text} if has_targets else {}), WHERE)
    images = Images(read_json(gallery, dict, WHERE))
    references = [query["reference"] for query in queries]
    members = [[name for name in query["img_set"]["members"] if name != query["reference"]] for query in queries]
    check_galleries(members, max(SUBSET_KS), path, WHERE)
    targets = [query["target_hard"] for query in queries] if has_targets else []
    images.check((name for names in (references, targets, *members) for name in names), path, WHERE)
    task = Task(
        name=f"cirr {split}",
        images=tuple(images.names),
        gallery_size=images.gallery_size,
        query_ids=distinct_ids(queries, "pairid", path, WHERE),
        references=images.index(references),
        texts=tuple((query["caption"],) for query in queries),
        truth=Truth(targets=images.index(targets) if has_targets else None, members=images.rows(members)),
        leaves_reference_out=True,
    )
    return [task]


def _has_members(value: Any) -> bool:
    return isinstance(value, dict) and are_ids(value.get("members"))


def score(task: Task, ranking: Ranking) -> dict[str, float]:
    """Return the metrics of the protocol."""
    assert ranking.top is not None
    assert ranking.members is not None
    assert task.truth.targets is not None
    scores = {f"R@{k}": recall_at_k(ranking.top, task.truth.targets, k) for k in KS}
    scores |= {f"subset R@{k}": recall_at_k(ranking.members, task.truth.targets, k) for k in SUBSET_KS}
    return scores | {"mean of R@5 and subset R@1": (scores["R@5"] + scores["subset R@1"]) / 2}


def image_paths(root: Path, split: str) -> Callable[[str], Sequence[Path]]:
    """Return what tells where an image may lie; the file of the split, which says so, is read once for all images."""
    listed = read_json(root / f"image_splits/split.rc2.{split}.json", dict, WHERE)
    return lambda name: [root / folder / listed[name] for folder in ("img_raw", ".")]
