"""Image features on disk: one safetensors file with the ids of its rows and the backbone and preprocessing that made them.

Extraction is the expensive part of an evaluation and depends on nothing but the pixels, the backbone's weights, its precision and
the preprocessing. A file is keyed by the last three and by the images' ids, which stand for the pixels: images that change under their
old ids need another cache. A file made elsewhere can be given instead of images.
"""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from rtd_train.errors import DataError

if TYPE_CHECKING:
    import torch

FORMAT = "rtd_train image features 1"
_MADE_BY = "write one with rtd_train.evaluation.store.write_features, or give --root with the images"


@dataclass(frozen=True)
class ImageFeatures:
    """Projected, un-normalised image embeddings with the ids of their rows. Shape: features (names, D)."""

    names: tuple[str, ...]
    features: "torch.Tensor"
    backbone: str
    key: str = ""


def write_features(path: Path, stored: ImageFeatures) -> None:
    """Write features so that an interrupted run leaves no half file.

    Raises:
        DataError: an id stands twice, or there is not one row an id.
    """
    from safetensors.torch import save_file

    _check(stored, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"format": FORMAT, "backbone": stored.backbone, "key": stored.key, "names": json.dumps(stored.names)}
    # Processes that extract the same features at a time must not write one file.
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}.tmp")
    save_file({"features": stored.features.contiguous()}, unfinished, metadata=metadata)
    os.replace(unfinished, path)


def read_features(path: Path) -> ImageFeatures:
    """Read features and check them.

    Raises:
        DataError: the file is missing or of another format, an id stands twice, or a value is not a number.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise DataError(f"{path}: no such file", _MADE_BY)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise DataError(f"{path}: has the format {metadata.get('format')!r}, not {FORMAT!r}", _MADE_BY)
            features = file.get_tensor("features")
        stored = ImageFeatures(tuple(json.loads(metadata["names"])), features, metadata["backbone"], metadata.get("key", ""))
    except SafetensorError as error:
        raise DataError(f"{path}: is no safetensors file: {error}", _MADE_BY) from error
    except (KeyError, ValueError) as error:
        raise DataError(f"{path}: names or backbone are missing or damaged: {error}", _MADE_BY) from error
    _check(stored, str(path))
    return stored


def _check(stored: ImageFeatures, where: str) -> None:
    import torch

    if stored.features.ndim != 2 or len(stored.names) != stored.features.shape[0]:
        raise DataError(f"{where}: has {len(stored.names)} ids and features of shape {tuple(stored.features.shape)}", "give one row an id")
    if len(set(stored.names)) != len(stored.names):
        twice = next(name for name, count in Counter(stored.names).items() if count > 1)
        raise DataError(f"{where}: the id {twice!r} stands twice", "give each image once")
    finite = torch.isfinite(stored.features).all(dim=1)
    if not finite.all():
        name = stored.names[int((~finite).nonzero()[0])]
        raise DataError(f"{where}: the feature of {name!r} holds a value that is not a finite number", "extract the features again")


def check_backbone(stored: ImageFeatures, backbone: str, width: int, where: str, key: str = "") -> None:
    """Raise a DataError unless the features are of a backbone; where both have a key, of all that the key stands for too."""
    if stored.backbone != backbone or stored.features.shape[1] != width:
        made = f"{stored.backbone} ({stored.features.shape[1]} wide)"
        raise DataError(
            f"{where}: the features are of {made}, not of {backbone} ({width} wide)", "give features of the backbone that is evaluated"
        )
    if key and stored.key and stored.key != key:
        raise DataError(
            f"{where}: the features are of {backbone} with other weights, precision or preprocessing (key {stored.key}, not {key})",
            "extract the features again with the backbone and --precision that are evaluated",
        )


def rows_of(stored: ImageFeatures, names: Sequence[str], where: str) -> "torch.Tensor":
    """Return the features of images in the order of their ids. Shape: -> (names, D).

    Raises:
        DataError: an image has no feature.
    """
    import torch

    index = {name: row for row, name in enumerate(stored.names)}
    missing = [name for name in names if name not in index]
    if missing:
        raise DataError(
            f"{where}: {len(missing)} images have no feature, the first is {missing[0]!r}", "extract the features of every image"
        )
    return stored.features[torch.tensor([index[name] for name in names])]
