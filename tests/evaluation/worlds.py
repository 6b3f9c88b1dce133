"""Tiny benchmarks in the official layouts, written into a folder, and features for their images."""

import json
from pathlib import Path

import torch

CIRR_NAMES = [f"dev-{number}-img0" for number in range(60)]
CIRCO_IDS = list(range(100, 160))
ASINS = [f"B{number:03d}" for number in range(55)]


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def cirr_queries() -> list[dict]:
    return [
        {
            "pairid": 7 + start,
            "reference": CIRR_NAMES[start],
            "target_hard": CIRR_NAMES[start + 2],
            "caption": f"show {start} dogs",
            "img_set": {"id": start, "members": CIRR_NAMES[start : start + 6]},
        }
        for start in range(0, 12, 3)
    ]


def write_cirr(root: Path, queries: list[dict] | None = None, split: str = "val") -> Path:
    write_json(root / f"captions/cap.rc2.{split}.json", cirr_queries() if queries is None else queries)
    write_json(root / f"image_splits/split.rc2.{split}.json", {name: f"./dev/{name}.png" for name in CIRR_NAMES})
    return root


def circo_queries() -> list[dict]:
    return [
        {
            "id": number,
            "reference_img_id": CIRCO_IDS[number],
            "target_img_id": CIRCO_IDS[number + 1],
            "gt_img_ids": CIRCO_IDS[number + 1 : number + 2 + number],
            "relative_caption": "is on a beach",
            "shared_concept": "a dog",
            "semantic_aspects": ["addition", "negation"][: number % 2 + 1],
        }
        for number in range(4)
    ]


def write_circo(root: Path, queries: list[dict] | None = None, split: str = "val") -> Path:
    write_json(root / f"annotations/{split}.json", circo_queries() if queries is None else queries)
    info = {"images": [{"id": number, "file_name": f"{number:012d}.jpg"} for number in CIRCO_IDS]}
    write_json(root / "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json", info)
    return root


def write_fashioniq(root: Path, types: tuple[str, ...] = ("dress", "shirt", "toptee")) -> Path:
    for name in types:
        queries = [{"candidate": "B000", "target": "B001", "captions": ["is red.", " has sleeves?"]}]
        write_json(root / f"captions/cap.{name}.val.json", queries)
        write_json(root / f"image_splits/split.{name}.val.json", ASINS)
    return root


def write_genecis(root: Path) -> Path:
    objects = [{"val_image_id": number} for number in range(16)]
    boxes = [{"image_id": number, "instance_bbox": [10, 20, 30, 40]} for number in range(11)]
    for name, images in (("change_object", objects), ("focus_object", objects), ("change_attribute", boxes), ("focus_attribute", boxes)):
        query = {"condition": "wall", "reference": images[0], "target": images[1], "gallery": images[2:]}
        write_json(root / f"genecis/{name}.json", [query])
    return root


def random_features(names: tuple[str, ...], width: int = 8, seed: int = 0) -> torch.Tensor:
    return torch.randn(len(names), width, generator=torch.Generator().manual_seed(seed))


def whole_features(names: tuple[str, ...], seed: int = 0) -> torch.Tensor:
    """Features whose cosines tie often and exactly: four ones and four zeros have the length two, so nothing is rounded."""
    order = torch.rand(len(names), 8, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)
    return (order < 4).float()
