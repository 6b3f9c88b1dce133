"""GeneCIS: four tasks; each query has a small gallery of its own, and its `condition` is a word or two.

Layout: {change,focus}_{object,attribute}.json (also in genecis/), the images of the object tasks in val2017/ (COCO), those of the
attribute tasks in VG_100K/ or VG_100K_2/ (Visual Genome). An image of an attribute task is a crop: the box is dilated by 0.7 of its
size and what is cut out is padded to a square. As its authors cut it (their `datasets/vaw_dataset.py`), a box grows to the left and the
top, and to the right and the bottom only by what the edges of the image refuse there.
Protocol: R@1, 2, 3 within the query's gallery of the target and its distractors; the reference is not in it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rtd_train.evaluation.benchmarks.annotations import Images, check_galleries, find_file, is_id, is_text, read_queries
from rtd_train.evaluation.benchmarks.task import Box, Ranking, Task, Truth
from rtd_train.evaluation.metrics import recall_at_k

WHERE = "get the annotations from github.com/facebookresearch/genecis, val2017 from cocodataset.org, VG_100K from Visual Genome"
SPLITS = ("val",)
PARTS = ("focus_attribute", "change_attribute", "focus_object", "change_object")
TOP = 0
KS = (1, 2, 3)
DILATION = 0.7


def load(root: Path, _split: str, parts: Sequence[str], _known: Sequence[str]) -> list[Task]:
    """Read the annotations of the tasks.

    Raises:
        DataError: a file is missing or of another version.
    """
    return [_load_task(root, part) for part in parts]


def _load_task(root: Path, part: str) -> Task:
    path = find_file(root, [f"{part}.json", f"genecis/{part}.json"], WHERE)
    queries = read_queries(path, {"condition": is_text, "gallery": _are_images, "reference": _is_image, "target": _is_image}, WHERE)
    targets = [_image_id(query["target"]) for query in queries]
    # One distractor of the released files is the target itself: a ranking holds an image once.
    galleries = [
        list(dict.fromkeys([target, *(_image_id(image) for image in query["gallery"])]))
        for target, query in zip(targets, queries, strict=True)
    ]
    check_galleries(galleries, max(KS), path, WHERE)
    images = Images(name for gallery in galleries for name in gallery)
    references = images.add([_image_id(query["reference"]) for query in queries])
    return Task(
        name=part,
        images=tuple(images.names),
        gallery_size=images.gallery_size,
        query_ids=tuple(str(number) for number in range(len(queries))),
        references=references,
        texts=tuple((query["condition"],) for query in queries),
        truth=Truth(targets=images.index(targets), members=images.rows(galleries)),
    )


def _is_image(value: Any) -> bool:
    """Tell whether a value names an image of COCO, or a box of one of Visual Genome."""
    if not isinstance(value, Mapping):
        return False
    box = value.get("instance_bbox")
    is_box = isinstance(box, list) and len(box) == 4 and all(isinstance(side, int | float) for side in box)
    return is_id(value.get("val_image_id")) or (is_id(value.get("image_id")) and is_box)


def _are_images(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_image, value))


def _image_id(image: Mapping[str, Any]) -> str:
    """Return one name for an image: COCO's id, or Visual Genome's id with the box that is cut out."""
    if "val_image_id" in image:
        return str(image["val_image_id"])
    return "_".join([str(image["image_id"]), *(f"{side:g}" for side in image["instance_bbox"])])


def crop_of(name: str, width: int, height: int) -> Box | None:
    """Return the dilated box that an image id cuts out of an image of some width and height; None for a whole image."""
    _, *box = name.split("_")
    if not box:
        return None
    x, y, box_width, box_height = map(float, box)
    left, top = max(0.0, x - DILATION * box_width), max(0.0, y - DILATION * box_height)
    return left, top, min(width, left + (1 + DILATION) * box_width), min(height, top + (1 + DILATION) * box_height)


def score(task: Task, ranking: Ranking) -> dict[str, float]:
    """Return the metrics of one task."""
    assert ranking.members is not None
    assert task.truth.targets is not None
    return {f"R@{k}": recall_at_k(ranking.members, task.truth.targets, k) for k in KS}


def image_paths(root: Path, _split: str) -> Callable[[str], Sequence[Path]]:
    """Return what tells where an image may lie."""

    def paths_of(name: str) -> Sequence[Path]:
        number, *box = name.split("_")
        if box:
            return [root / folder / f"{number}.jpg" for folder in ("VG_100K", "VG_100K_2")]
        return [root / "val2017" / f"{int(number):012d}.jpg"]

    return paths_of
