"""The metrics of composed image retrieval, as free functions on ranked integer ids.

A ranking is an array of ids a query, best first, each id once; `retrieval.py` makes it, and breaks ties by the lower gallery
index, so that equal scores give equal figures everywhere. Only the first k ids are ever needed, so a ranking may be cut at the
largest k. Ids are compared as integers; names come back only where people read them.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]

NO_ID = -1
"""Fills the rows of ground truths that have fewer than the longest."""


def recall_at_k(ranked: IntArray, targets: IntArray, k: int) -> float:
    """Return the share of queries whose target is among the first k.

    Shape: ranked (queries, at least k), targets (queries).

    Raises:
        ValueError: the ranking is shorter than k, or ranks an id twice.
    """
    return float((_first(ranked, k) == targets[:, None]).any(axis=1).mean())


def recall_subset_at_k(ranked: IntArray, members: IntArray, targets: IntArray, k: int) -> float:
    """Return the share of queries whose target is among the first k of the ranking restricted to the query's members (CIRR).

    What the members leave out, such as the reference, counts for nothing. The ranking must hold every member.

    Shape: ranked (queries, any), members (queries, members; `NO_ID` fills), targets (queries).

    Raises:
        ValueError: a member is not in the ranking.
    """
    is_member = hits(ranked, members)
    if (is_member.sum(axis=1) != (members != NO_ID).sum(axis=1)).any():
        raise ValueError("a ranking does not hold every member of its subset once")
    place = np.cumsum(is_member, axis=1)
    return float(((ranked == targets[:, None]) & is_member & (place <= k)).any(axis=1).mean())


def average_precision_at_k(ranked: IntArray, truths: IntArray, k: int) -> FloatArray:
    """Return the average precision of each query over all its ground truths, divided by min(k, number of ground truths) (CIRCO).

    Shape: ranked (queries, at least k), truths (queries, most ground truths; `NO_ID` fills) -> (queries).

    Raises:
        ValueError: the ranking is shorter than k or ranks an id twice, or a query has no ground truth.
    """
    num_truths = (truths != NO_ID).sum(axis=1)
    if (num_truths == 0).any():
        raise ValueError("a query has no ground truth")
    relevant = hits(_first(ranked, k), truths)
    precision = np.cumsum(relevant, axis=1) / np.arange(1, k + 1)
    found: FloatArray = (precision * relevant).sum(axis=1) / np.minimum(num_truths, k)
    return found


def map_at_k(ranked: IntArray, truths: IntArray, k: int) -> float:
    """Return the mean over queries of `average_precision_at_k`."""
    return float(average_precision_at_k(ranked, truths, k).mean())


def semantic_map_at_k(ranked: IntArray, truths: IntArray, aspects: Sequence[Sequence[str]], k: int = 10) -> dict[str, float]:
    """Return mAP@k of the queries of each semantic aspect; a query counts for each aspect it has (CIRCO: k = 10).

    Shape: aspects (queries, any).
    """
    precision = average_precision_at_k(ranked, truths, k)
    rows: dict[str, list[int]] = {}
    for row, names in enumerate(aspects):
        for name in names:
            rows.setdefault(name, []).append(row)
    return {name: float(precision[rows[name]].mean()) for name in sorted(rows)}


def hits(ranked: IntArray, truths: IntArray) -> BoolArray:
    """Tell which ranked ids are among the query's ground truths; `NO_ID` never is.

    One column of truths at a time, so that memory stays that of the ranking however many ground truths a query has.
    """
    found = np.zeros(ranked.shape, dtype=np.bool_)
    for column in range(truths.shape[1]):
        truth = truths[:, column, None]
        found |= (ranked == truth) & (truth != NO_ID)
    return found


def _first(ranked: IntArray, k: int) -> IntArray:
    if not 0 < k <= ranked.shape[1]:
        raise ValueError(f"k is {k}, and {ranked.shape[1]} ids are ranked")
    first = ranked[:, :k]
    in_order = np.sort(first, axis=1)
    if (in_order[:, 1:] == in_order[:, :-1]).any():
        raise ValueError("a ranking holds an id twice")
    return first
