"""FashionIQ: dresses, shirts and tops, each a gallery of its own; two relative captions a query.

Layout, as its authors release it:
    captions/cap.{type}.val.json   image_splits/split.{type}.val.json   images/{asin}.png (or .jpg)
Protocol: the gallery is the images of the split file. Each caption is stripped of `.?, `; the two are joined with "and" in both
orders, and the two query embeddings are normalised and averaged. R@10 and R@50 a type, and their means over the types. The
reference stays in the ranking.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rtd_train.evaluation.benchmarks.annotations import Images, find_file, is_text, read_json, read_queries
from rtd_train.evaluation.benchmarks.task import Ranking, Task, Truth
from rtd_train.evaluation.metrics import recall_at_k

WHERE = "get captions and image_splits from github.com/XiaoxiaoGuo/fashion-iq, and the images by the links there"
SPLITS = ("val",)
PARTS = ("dress", "shirt", "toptee")
TOP = 50
KS = (10, 50)
_STRIPPED = ".?, "


def load(root: Path, split: str, parts: Sequence[str], _known: Sequence[str]) -> list[Task]:
    """Read the annotations of the types.

    Raises:
        DataError: a file is missing or of another version, or names an image that the type does not have.
    """
    return [_load_type(root, split, part) for part in parts]


def _load_type(root: Path, split: str, part: str) -> Task:
    path = find_file(root, [f"captions/cap.{part}.{split}.json"], WHERE)
    gallery = find_file(root, [f"image_splits/split.{part}.{split}.json"], WHERE)
    queries = read_queries(path, {"candidate": is_text, "target": is_text, "captions": _are_two_texts}, WHERE)
    images = Images(read_json(gallery, list, WHERE))
    references, targets = ([query[key] for query in queries] for key in ("candidate", "target"))
    images.check((*references, *targets), path, WHERE)
    return Task(
        name=part,
        images=tuple(images.names),
        gallery_size=images.gallery_size,
        query_ids=tuple(str(number) for number in range(len(queries))),
        references=images.index(references),
        texts=tuple(joined(query["captions"]) for query in queries),
        truth=Truth(targets=images.index(targets)),
    )


def _are_two_texts(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_text, value))


def joined(captions: Sequence[str]) -> tuple[str, ...]:
    """Return the two captions joined in both orders."""
    first, second = (caption.strip(_STRIPPED) for caption in captions)
    return f"{first} and {second}", f"{second} and {first}"


def score(task: Task, ranking: Ranking) -> dict[str, float]:
    """Return the metrics of one type."""
    assert ranking.top is not None
    assert task.truth.targets is not None
    return {f"R@{k}": recall_at_k(ranking.top, task.truth.targets, k) for k in KS}


def image_paths(root: Path, _split: str) -> Callable[[str], Sequence[Path]]:
    """Return what tells where an image may lie."""
    return lambda name: [root / "images" / f"{name}.{ending}" for ending in ("png", "jpg")]
