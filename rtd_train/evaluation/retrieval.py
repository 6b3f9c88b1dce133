"""Search a gallery: exact top-k by cosine similarity, in bounded memory, on CPU or GPU.

Scores are made block by block and only the best k of each query are kept. A score and its gallery index are packed into one
integer, so that the order is total: equal scores go by the lower gallery index, on every device and with every block size.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtd_train.evaluation.metrics import NO_ID, IntArray

if TYPE_CHECKING:
    import torch

# Scores of one block: 4 MB of scores and 8 MB of keys.
BLOCK_SCORES = 1 << 20
# A block never has fewer queries than this, however large the gallery: thin matrix products are slow.
_QUERIES = 256
_INDEX_BITS = 32
# Groups of columns, for each score that is kept, that a block is divided into to find what the kept ones must reach.
_GROUPS_A_KEPT = 5


def normalise(features: "torch.Tensor") -> "torch.Tensor":
    """Return features of unit length in single precision. Shape: (rows, D) -> (rows, D)."""
    import torch

    return torch.nn.functional.normalize(features.float(), dim=-1)


def top_k(
    queries: "torch.Tensor", gallery: "torch.Tensor", k: int, *, without: IntArray | None = None, block_scores: int = BLOCK_SCORES
) -> IntArray:
    """Return the gallery indices of the k best images of each query, best first.

    Both sides are normalised by the caller. `without` names one gallery index a query that is left out of its ranking
    (CIRR's reference), `NO_ID` for none.

    Shape: queries (queries, D), gallery (images, D), without (queries) -> (queries, k).

    Raises:
        ValueError: the gallery, less what is left out, is smaller than k.
    """
    import torch

    room = gallery.shape[0] - (without is not None and bool((without != NO_ID).any()))
    if not 0 < k <= room:
        raise ValueError(f"k is {k}, and a query has {room} images to rank")
    left_out = None if without is None else torch.from_numpy(without).to(queries.device)
    found = np.empty((queries.shape[0], k), dtype=np.int64)
    for start in range(0, queries.shape[0], _QUERIES):
        rows = slice(start, start + _QUERIES)
        block = max(1, block_scores // queries[rows].shape[0])
        keys = _best_keys(queries[rows], gallery, k, None if left_out is None else left_out[rows], block)
        found[rows] = _index_of(keys).cpu().numpy()
    return found


def _best_keys(queries: "torch.Tensor", gallery: "torch.Tensor", k: int, left_out: "torch.Tensor | None", block: int) -> "torch.Tensor":
    import torch

    best = torch.empty((queries.shape[0], 0), dtype=torch.int64, device=queries.device)
    for first in range(0, gallery.shape[0], block):
        part = gallery[first : first + block].to(queries.device)
        scores = similarities(queries, part)
        if left_out is not None:
            column = left_out - first
            row = torch.nonzero((column >= 0) & (column < part.shape[0])).squeeze(1)
            scores[row, column[row]] = -torch.inf
        keep = _keep_best_numpy if scores.device.type == "cpu" else _keep_best_torch
        best = torch.cat([best, keep(scores, first, min(k, part.shape[0]))], dim=1)
        if best.shape[1] > k:
            best = best.topk(k, sorted=False).values
    return best.sort(dim=1, descending=True).values


def similarities(queries: "torch.Tensor", part: "torch.Tensor") -> "torch.Tensor":
    """Return the dot products of each query with each image, on the queries' device. Shape: (queries, D), (images, D) -> (queries, images).

    On a CPU they come from oneDNN: it is twice as fast as the BLAS that PyTorch multiplies with on AMD processors, and equal images
    get equal scores in it whatever the size of the block, which that BLAS does not keep for a handful of queries.
    """
    import torch

    if queries.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return queries @ part.T
    product = torch.nn.functional.linear(queries.to_mkldnn(), part.to_mkldnn())
    return product.to_dense()


def _keep_best_torch(scores: "torch.Tensor", first: int, k: int) -> "torch.Tensor":
    """Return the k largest keys of each row of a block whose first column is gallery index `first`."""
    return _keys(scores, first).topk(k, sorted=False).values


def _keep_best_numpy(scores: "torch.Tensor", first: int, k: int) -> "torch.Tensor":
    """Return what `_keep_best_torch` does, ten times as fast on a CPU: only the few scores that may be of the best are packed into keys."""
    import torch

    block = scores.numpy()
    rows, width = block.shape
    flat = np.flatnonzero(block >= _reached_by_k(block, k))
    row, column = np.divmod(flat, width)
    num_kept = np.bincount(row, minlength=rows)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(num_kept) - num_kept, num_kept)
    keys = np.full((rows, num_kept.max()), np.iinfo(np.int64).min)
    bits = (block.reshape(-1)[flat] + np.float32(0.0)).view(np.int32)
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)
    keys[row, place] = (ordered << _INDEX_BITS) + ((1 << _INDEX_BITS) - 1 - first - column)
    if keys.shape[1] > k:
        keys = np.partition(keys, keys.shape[1] - k, axis=1)[:, -k:]
    return torch.from_numpy(keys)


def _reached_by_k(block: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.float32]:
    """Return a score that at least k scores of each row reach, and few more. Shape: (rows, width) -> (rows, 1).

    The k-th largest of the largest scores of groups of columns is such a score, and groups are far fewer than scores; with five times
    as many groups as k, most of the best stand alone in theirs.
    """
    num_groups = min(_GROUPS_A_KEPT * k, block.shape[1])
    whole = block.shape[1] // num_groups * num_groups
    largest = block[:, :whole].reshape(block.shape[0], -1, num_groups).max(axis=1)
    rest = block.shape[1] - whole
    np.maximum(largest[:, :rest], block[:, whole:], out=largest[:, :rest])
    kth: npt.NDArray[np.float32] = np.partition(largest, num_groups - k, axis=1)[:, num_groups - k, None]
    return kth


def _keys(scores: "torch.Tensor", first: int) -> "torch.Tensor":
    """Pack scores with their indices so that a larger key is a better rank.

    The bits of a float order as an integer once those of negative numbers are flipped; adding zero makes -0.0 equal 0.0.
    """
    import torch

    bits = (scores + 0.0).view(torch.int32)
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(torch.int64)
    index = torch.arange(first, first + scores.shape[1], device=scores.device)
    return ordered.bitwise_left_shift_(_INDEX_BITS).add_((1 << _INDEX_BITS) - 1 - index)


def _index_of(keys: "torch.Tensor") -> "torch.Tensor":
    return (1 << _INDEX_BITS) - 1 - (keys & ((1 << _INDEX_BITS) - 1))


def rank_members(queries: "torch.Tensor", images: "torch.Tensor", members: IntArray) -> IntArray:
    """Return each query's members ranked, best first, equal scores by the lower index; `NO_ID` comes last.

    For small galleries of a query's own: CIRR's subsets without the reference, GeneCIS's galleries.

    Shape: queries (queries, D), images (images, D), members (queries, most members; `NO_ID` fills) -> as members.
    """
    import torch

    found = np.full(members.shape, NO_ID, dtype=np.int64)
    for start in range(0, queries.shape[0], _QUERIES):
        ids = np.sort(members[start : start + _QUERIES], axis=1)
        index = torch.from_numpy(ids).to(images.device)
        candidates = images[index.clamp(min=0)].to(queries.device)
        scores = torch.linalg.vecdot(candidates, queries[start : start + _QUERIES, None])
        # Members are in ascending order, and a stable sort keeps that among equals.
        order = scores.masked_fill(index.to(queries.device) == NO_ID, -torch.inf).argsort(dim=1, descending=True, stable=True)
        found[start : start + _QUERIES] = np.take_along_axis(ids, order.cpu().numpy(), axis=1)
    return found
