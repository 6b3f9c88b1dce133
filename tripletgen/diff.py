"""Tell what changed between two builds: recipe, counts, distributions, and how many triplets stand in both.

Every key stands in docs/stats.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.reader import all_shards, iter_batches
from tripletgen.summary import summarise

_COUNTS = ("splits", "bytes", "edit_types", "phrasings", "origins", "licences", "sources", "candidates_rejected", "first_words")
_NUMBERS = ("triplets", "distinct_modification_texts", "triplets_per_used_caption")


def compare(before: str | Path, after: str | Path) -> dict[str, Any]:
    """Return what differs, as JSON takes it: `[before, after]` wherever a value changed, nothing where it did not.

    A triplet is the same if its id is, so rows count as kept wherever they moved to; memory grows by eight bytes a row.

    Raises:
        DataError: one of the folders is not a finished data set, or a shard is missing or damaged.
    """
    old, new = summarise(before), summarise(after)
    mine, theirs = read_manifest(Path(before)), read_manifest(Path(after))
    first, second = (_ids(all_shards(Path(folder))) for folder in (before, after))
    kept = len(np.intersect1d(first, second, assume_unique=True))
    return {
        "same_build": mine["fingerprint"] == theirs["fingerprint"],
        "same_rows": kept == len(first) == len(second),
        "triplets": {"kept": kept, "removed": len(first) - kept, "added": len(second) - kept},
        "versions": _changed({k: mine[k] for k in ("generator", "model")}, {k: theirs[k] for k in ("generator", "model")}),
        "recipe": _changed(mine["recipe"], theirs["recipe"]),
        "inputs": _changed(_sources(mine), _sources(theirs)),
        "numbers": _changed({k: old[k] for k in _NUMBERS}, {k: new[k] for k in _NUMBERS}),
        "captions": _changed(_captions(old), _captions(new), 0),
        "counts": {key: change for key in _COUNTS if (change := _changed(old[key], new[key], 0))},
        "words": {column: change for column in old["words"] if (change := _changed(old["words"][column], new["words"][column]))},
        "quality": _changed(old["quality"], new["quality"]),
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], missing: Any = None) -> dict[str, list[Any]]:
    names = [*before, *(name for name in after if name not in before)]
    pairs = {name: [before.get(name, missing), after.get(name, missing)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _captions(summary: Mapping[str, Any]) -> dict[str, int]:
    captions = summary["captions"]
    return {"read": captions["read"], "used": captions["used"], **{f"dropped: {k}": v for k, v in captions["dropped"].items()}}


def _sources(manifest: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {source["name"]: [source["licence"], source["rows"]] for source in manifest["sources"]}


def _ids(paths: Iterable[Path]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return the sorted first halves of the triplet ids; two of 10 million rows share one by chance once in 370,000 data sets."""
    parts = [np.fromiter(_first_halves(batch), np.uint64, batch.num_rows) for batch in iter_batches(paths, ["triplet_id"])]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)


def _first_halves(batch: pa.RecordBatch) -> Iterator[int]:
    return (int(value[:16], 16) for value in batch.column(0).to_pylist())
