"""Frozen text features: what the frozen encoder says of every caption, computed once and kept on disk.

The targets of RTD never change, so no step needs the frozen encoder. Features are keyed by weights, tokenizer and captions: the next run
with the same ones only opens the file. Every process encodes its part of the captions.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import xxhash

from rtd_train.data import Ragged
from rtd_train.device import World
from rtd_train.models.clip import TextBackbone, tokenize, tokenizer_hash, weights_hash
from rtd_train.models.compose import encode_tokens
from rtd_train.sharing import iter_texts, load_array, shared_array
from rtd_train.templates import clean_text

# Tokens that are encoded together: a CPU wants what fits its cache, a GPU wants much.
_TOKENS = {"cpu": 1024, "cuda": 8192}
# Captions that are sorted by length, and written, together.
_BLOCK = 16_384

Features = npt.NDArray[np.float32]


def cache_folder(given: str | None) -> Path:
    """Return the folder of features and tokens: the given one, or `rtd_train` in the user's cache."""
    if given is not None:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rtd_train"


def caption_features(
    backbone: TextBackbone,
    captions: Ragged,
    folder: Path,
    world: World,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Features:
    """Return the frozen, projected, un-normalised features of captions, memory-mapped. Shape: (captions, D).

    `on_progress` is told of this process's part.
    """
    path = world.tell(lambda: folder / f"features-{_key(backbone, captions)}.npy")
    if not world.tell(path.is_file):
        own = world.share(len(captions))
        total = own.stop - own.start
        done = 0

        def on_encoded(more: int) -> None:
            on_progress(done + more, total)

        with shared_array(world, path, np.float32, (len(captions), backbone.projection_dim)) as write:
            while done < total:
                block = slice(own.start + done, own.start + min(done + _BLOCK, total))
                texts = [clean_text(text) for text in iter_texts(captions, block)]
                write(block.start, _encode(backbone, texts, world.device, on_encoded))
                done += len(texts)
    return load_array(path)  # type: ignore[no-any-return]


def _key(backbone: TextBackbone, captions: Ragged) -> str:
    digest = xxhash.xxh3_128(f"{weights_hash(backbone.model)} {tokenizer_hash(backbone.tokenizer)}".encode())
    digest.update(captions.offsets.data)
    digest.update(captions.flat.data)
    return digest.hexdigest()


def _encode(backbone: TextBackbone, texts: list[str], device: torch.device, on_done: Callable[[int], None]) -> Features:
    """Encode texts of like length together, as many at a time as make about so many tokens as suit the device."""
    model = backbone.model.to(device).eval()
    features = np.empty((len(texts), backbone.projection_dim), np.float32)
    ids = tokenize(backbone, texts)
    lengths = np.fromiter(map(len, ids), np.int64)
    order = np.argsort(-lengths, kind="stable")
    start, most = 0, _TOKENS[device.type]
    while start < len(order):
        longest = int(lengths[order[start]])
        rows = order[start : start + max(1, most // longest)]
        padded = np.full((len(rows), longest), backbone.eot_id, np.int64)
        for k, row in enumerate(rows):
            padded[k, : lengths[row]] = ids[row]
        with torch.inference_mode():
            found = encode_tokens(model, torch.from_numpy(padded).to(device), backbone.eot_id)
        features[rows] = found.float().cpu().numpy()
        start += len(rows)
        on_done(start)
    return features
