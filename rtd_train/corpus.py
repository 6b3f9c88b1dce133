"""The triplets of all processes as one: captions numbered over all of them, in arrays that they share.

Two processes may have read the same caption, so captions are known by their 128-bit hashes until each has one number. Numbers follow the
order of first appearance, so they do not depend on how many processes have read.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import xxhash

from rtd_train.data import Ragged, Rows, Texts
from rtd_train.device import World
from rtd_train.sharing import encode_texts, load_array, load_ragged, share_ragged, share_rows

_CAPTIONS, _REFERENCE, _TARGET = "captions", "reference.npy", "target.npy"


class Corpus(NamedTuple):
    """Distinct captions as rows of bytes, and the numbers of each triplet's two; memory-mapped. `fingerprint` is of all texts."""

    captions: Ragged
    reference: Rows
    target: Rows
    fingerprint: str

    def __len__(self) -> int:
        """Return the number of triplets."""
        return len(self.reference)


def share_triplets(world: World, texts: Texts, folder: Path) -> Corpus:
    """Join the parts of all processes in `folder/triplets-FINGERPRINT`."""
    draft = _draft(world, folder)
    hashes = share_rows(world, draft / "hashes.npy", _hashes(texts.captions))
    numbers = share_rows(world, draft / "numbers.npy", number(hashes) if world.is_main else np.zeros(0, np.int64))
    begin = sum(world.gather_values(len(texts.captions))[: world.rank])
    own = np.asarray(numbers[begin : begin + len(texts.captions)])
    # A number beyond all before it is of a caption that appears for the first time: it is this process's to write.
    before = int(numbers[:begin].max(initial=-1))
    new = own > np.maximum.accumulate(np.concatenate([[before], own]))[:-1]
    captions = share_ragged(
        world, draft / _CAPTIONS, encode_texts(text for text, is_new in zip(texts.captions, new, strict=True) if is_new)
    )
    reference = share_rows(world, draft / _REFERENCE, own[texts.reference])
    target = share_rows(world, draft / _TARGET, own[texts.target])
    modifications = share_rows(world, draft / "modifications.npy", _hashes(map(str, texts.modifications)))
    fingerprint = world.tell(lambda: _digest(*captions, reference, target, modifications))
    kept = _keep(world, draft, folder / f"triplets-{fingerprint}")
    return Corpus(load_ragged(kept / _CAPTIONS), load_array(kept / _REFERENCE), load_array(kept / _TARGET), fingerprint)


def share_captions(world: World, captions: Ragged, folder: Path) -> tuple[Ragged, str]:
    """Join the captions of all processes in `folder/captions-FINGERPRINT`; return them and their fingerprint."""
    draft = _draft(world, folder)
    shared = share_ragged(world, draft / _CAPTIONS, captions)
    fingerprint = world.tell(lambda: _digest(*shared))
    return load_ragged(_keep(world, draft, folder / f"captions-{fingerprint}") / _CAPTIONS), fingerprint


def number(hashes: npt.NDArray[np.uint64]) -> Rows:
    """Return the number of each text, the same for equal ones, in the order of their first appearance. Shape: (texts, 2) -> (texts,)."""
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))  # stable: equal texts stay in their order
    is_first = np.concatenate([[True], (hashes[order[1:]] != hashes[order[:-1]]).any(axis=1)])
    by_appearance = np.empty(int(is_first.sum()), np.int64)
    by_appearance[np.argsort(order[is_first])] = np.arange(len(by_appearance))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = by_appearance[np.cumsum(is_first) - 1]
    return numbers


def _hashes(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    digests = b"".join(xxhash.xxh3_128_digest(text.encode()) for text in texts)
    return np.frombuffer(digests, np.uint64).reshape(-1, 2)


def _digest(*arrays: Any) -> str:
    state = xxhash.xxh3_128()
    for array in arrays:
        state.update(f"{array.dtype}{array.shape}".encode())
        state.update(array.data)
    return state.hexdigest()


def _draft(world: World, folder: Path) -> Path:
    return world.tell(lambda: folder / f"reading-{uuid4().hex}")


def _keep(world: World, draft: Path, final: Path) -> Path:
    """Give a finished folder its name, or remove it where the same was made before."""
    if world.is_main:
        for name in ("hashes.npy", "numbers.npy", "modifications.npy"):
            (draft / name).unlink(missing_ok=True)
        if final.is_dir():
            shutil.rmtree(draft)
        else:
            draft.rename(final)
    world.wait()
    return final
