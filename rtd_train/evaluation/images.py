"""Extract image features once: find the files, read them, encode them in batches, keep them beside the benchmark."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtd_train.errors import DataError
from rtd_train.evaluation.benchmarks.task import Box
from rtd_train.evaluation.store import ImageFeatures, read_features, write_features
from rtd_train.evaluation.system import System, in_batches

if TYPE_CHECKING:
    from PIL.Image import Image

_BATCH = 64


@dataclass
class Broken:
    """Count the images that could not be read; without `skip` the first one is an error."""

    skip: bool = False
    names: list[str] = field(default_factory=list)


def read_image(path: Path, crop_of: "Callable[[int, int], Box | None]") -> "Image":
    """Return an image in RGB; a box that `crop_of` tells for its width and height is cut out, and padded to a square with black."""
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        image: Image.Image = ImageOps.exif_transpose(opened).convert("RGB")
    box = crop_of(*image.size)
    if box is None:
        return image
    part = image.crop(box)
    side = max(part.size)
    square = Image.new("RGB", (side, side))
    square.paste(part, ((side - part.width) // 2, (side - part.height) // 2))
    return square


def find_image(paths: Sequence[Path], where: str) -> Path:
    """Return the first of some paths that is there.

    Raises:
        DataError: none is; the hint says where to get the images.
    """
    for path in paths:
        if path.is_file():
            return path
    raise DataError(f"{paths[0]}: no such image", where)


def _iter_images(names: Sequence[str], open_image: "Callable[[str], Image]", broken: Broken) -> "Iterator[tuple[str, Image | None]]":
    for name in names:
        try:
            yield name, open_image(name)
        # Pillow raises OSError, ValueError, SyntaxError and errors of its own for damaged files.
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            if not broken.skip:
                raise DataError(f"image {name!r} cannot be read: {error}", "get the image again, or give --skip-broken") from error
            broken.names.append(name)
            yield name, None


def extract(names: Sequence[str], open_image: "Callable[[str], Image]", system: System, broken: Broken) -> ImageFeatures:
    """Return the features of images; a broken one that is skipped has a feature of zeros, which nothing retrieves.

    Raises:
        DataError: an image cannot be read, and is not to be skipped.
    """
    import torch

    parts: list[torch.Tensor] = []
    batch: list[Any] = []
    gaps: list[int] = []
    for row, (_, image) in enumerate(_iter_images(names, open_image, broken)):
        if image is None:
            gaps.append(row)
        else:
            batch.append(image)
        if len(batch) == _BATCH:
            parts.append(in_batches(system.encode_images, batch))
            batch = []
    if batch:
        parts.append(in_batches(system.encode_images, batch))
    features = torch.zeros(len(names), system.width)
    filled = torch.ones(len(names), dtype=torch.bool)
    filled[gaps] = False
    if parts:
        features[filled] = torch.cat(parts)
    return ImageFeatures(tuple(names), features, system.backbone, feature_key(system))


def feature_key(system: System) -> str:
    """Return what features depend on beside the pixels: the image encoder's weights, its precision and the preprocessing."""
    made_by = f"{system.described['image_weights']} {system.described['precision']} {system.preprocessing}"
    return hashlib.sha256(made_by.encode()).hexdigest()[:16]


def stored_features(
    cache: Path, names: Sequence[str], open_image: "Callable[[str], Image]", system: System, broken: Broken
) -> ImageFeatures:
    """Return the features of images out of the cache, or extract and store them; features with gaps are not stored."""
    names_key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
    path = cache / f"features-{feature_key(system)}-{names_key}.safetensors"
    if path.is_file():
        return read_features(path)
    before = len(broken.names)
    stored = extract(names, open_image, system, broken)
    if len(broken.names) == before:
        write_features(path, stored)
    return stored
