"""Frozen text features: what the frozen encoder says of every caption, computed once and kept on disk.

The targets of RTD never change, so no step needs the frozen encoder. Features are keyed by weights, tokenizer and captions: the next run
with the same ones only opens the file.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import xxhash

from rtd_train.models.clip import TextBackbone, tokenize, tokenizer_hash, weights_hash
from rtd_train.models.compose import encode_tokens
from rtd_train.templates import clean_text

# Tokens that are encoded together: a CPU wants what fits its cache, a GPU wants much.
_TOKENS = {"cpu": 1024, "cuda": 8192}


def cache_folder(given: str | None) -> Path:
    """Return the folder of features and tokens: the given one, or `rtd_train` in the user's cache."""
    if given is not None:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rtd_train"


def caption_features(
    backbone: TextBackbone,
    captions: Sequence[str],
    folder: Path,
    device: torch.device,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> npt.NDArray[np.float32]:
    """Return the frozen, projected, un-normalised features of captions, memory-mapped. Shape: (captions, D)."""
    digest = xxhash.xxh3_128(f"{weights_hash(backbone.model)} {tokenizer_hash(backbone.tokenizer)}".encode())
    for caption in captions:
        digest.update(caption.encode() + b"\0")
    path = folder / f"features-{digest.hexdigest()}.npy"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        # The process is part of the name: two runs that start together must not write one file.
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        features = np.lib.format.open_memmap(temporary, "w+", np.float32, (len(captions), backbone.projection_dim))
        _encode_all(backbone, captions, features, device, on_progress)
        features.flush()
        del features
        temporary.replace(path)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def _encode_all(
    backbone: TextBackbone,
    captions: Sequence[str],
    features: npt.NDArray[np.float32],
    device: torch.device,
    on_progress: Callable[[int, int], None],
) -> None:
    """Encode captions of like length together, as many at a time as make about so many tokens as suit the device."""
    model = backbone.model.to(device).eval()
    ids = tokenize(backbone, [clean_text(caption) for caption in captions])
    lengths = np.fromiter(map(len, ids), np.int64)
    order = np.argsort(-lengths, kind="stable")
    start, most = 0, _TOKENS[device.type]
    with torch.inference_mode():
        while start < len(order):
            longest = int(lengths[order[start]])
            rows = order[start : start + max(1, most // longest)]
            padded = np.full((len(rows), longest), backbone.eot_id, np.int64)
            for k, row in enumerate(rows):
                padded[k, : lengths[row]] = ids[row]
            found = encode_tokens(model, torch.from_numpy(padded).to(device), backbone.eot_id)
            features[rows] = found.float().cpu().numpy()
            start += len(rows)
            on_progress(start, len(order))
