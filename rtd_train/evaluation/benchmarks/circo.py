"""CIRCO: COCO's 123,403 unlabelled images as gallery, several ground truths a query.

Layout, as its authors release it:
    annotations/{val,test}.json   COCO2017_unlabeled/annotations/image_info_unlabeled2017.json
    COCO2017_unlabeled/unlabeled2017/{id:012d}.jpg
Protocol: mAP@5, 10, 25, 50 over all ground truths; R@5, 10, 25, 50 of the target image; mAP@10 of each semantic aspect. The reference
stays in the ranking.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rtd_train.errors import DataError
from rtd_train.evaluation.benchmarks.annotations import Images, are_ids, distinct_ids, find_file, is_id, is_text, read_json, read_queries
from rtd_train.evaluation.benchmarks.task import Ranking, Task, Truth
from rtd_train.evaluation.metrics import map_at_k, recall_at_k, semantic_map_at_k

WHERE = "get the annotations from github.com/miccunifi/CIRCO, and unlabeled2017 with its image_info from cocodataset.org"
SPLITS = ("val", "test")
TOP = 50
KS = (5, 10, 25, 50)
_IMAGE_INFO = "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json"


def _are_aspects(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


_TRUTHS = {"target_img_id": is_id, "gt_img_ids": are_ids, "semantic_aspects": _are_aspects}


def load(root: Path, split: str, _parts: Sequence[str], known: Sequence[str]) -> list[Task]:
    """Read the annotations of a split; those of test have no ground truths.

    Without COCO's list of images the gallery is the images whose features are given.

    Raises:
        DataError: a file is missing or of another version, or names an image that the gallery does not have.
    """
    path = find_file(root, [f"annotations/{split}.json", f"{split}.json"], WHERE)
    has_truths = split != "test"
    shapes = {"id": is_id, "reference_img_id": is_id, "relative_caption": is_text}
    queries = read_queries(path, shapes | (_TRUTHS if has_truths else {}), WHERE)
    images = Images(_gallery(root, known))
    references = [str(query["reference_img_id"]) for query in queries]
    targets = [str(query["target_img_id"]) for query in queries] if has_truths else []
    truths = [[str(image) for image in query["gt_img_ids"]] for query in queries] if has_truths else []
    images.check((name for names in (references, targets, *truths) for name in names), path, WHERE)
    aspects = tuple(tuple(query["semantic_aspects"]) for query in queries) if has_truths else ()
    truth = Truth(images.index(targets), images.rows(truths), aspects=aspects) if has_truths else Truth()
    task = Task(
        name=f"circo {split}",
        images=tuple(images.names),
        gallery_size=images.gallery_size,
        query_ids=distinct_ids(queries, "id", path, WHERE),
        references=images.index(references),
        texts=tuple((query["relative_caption"],) for query in queries),
        truth=truth,
    )
    return [task]


def _gallery(root: Path, known: Sequence[str]) -> Sequence[str]:
    path = root / _IMAGE_INFO
    if not path.is_file() and known:
        return known
    info = read_json(find_file(root, [_IMAGE_INFO], f"{WHERE}; or give --features of the whole gallery"), dict, WHERE)
    if "images" not in info:
        raise DataError(f"{path}: has no list of images", WHERE)
    return [str(image["id"]) for image in info["images"]]


def score(task: Task, ranking: Ranking) -> dict[str, float]:
    """Return the metrics of the protocol."""
    truth, top = task.truth, ranking.top
    assert top is not None
    assert truth.truths is not None
    assert truth.targets is not None
    assert truth.aspects is not None
    scores = {f"mAP@{k}": map_at_k(top, truth.truths, k) for k in KS}
    scores |= {f"R@{k}": recall_at_k(top, truth.targets, k) for k in KS}
    return scores | {f"mAP@10 {name}": value for name, value in semantic_map_at_k(top, truth.truths, truth.aspects, 10).items()}


def image_paths(root: Path, _split: str) -> Callable[[str], Sequence[Path]]:
    """Return what tells where an image may lie."""
    return lambda name: [root / "COCO2017_unlabeled" / "unlabeled2017" / f"{int(name):012d}.jpg"]
