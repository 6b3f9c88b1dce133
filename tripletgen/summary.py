"""Describe the texts of a data set in numbers."""

from collections import Counter
from pathlib import Path
from typing import Any

from tripletgen.schema import normalise
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.reader import iter_triplets

_TOP = 12


def summarise(folder: str | Path) -> dict[str, Any]:
    """Return counts, lengths in words, first words and duplicates of a data set, as JSON takes them.

    Raises:
        DataError: the folder is not a finished data set.
    """
    manifest = read_manifest(Path(folder))
    lengths: dict[str, Counter[int]] = {"reference_caption": Counter(), "modification_text": Counter(), "target_caption": Counter()}
    first: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    for split in manifest["splits"]:
        for row in iter_triplets(folder, split):
            for column, counts in lengths.items():
                counts[getattr(row, column).count(" ") + 1] += 1
            words = normalise(row.modification_text)
            first[words.partition(" ")[0]] += 1
            texts[words] += 1
    total = manifest["triplets"]["total"]
    return {
        "triplets": total,
        "splits": {name: entry["rows"] for name, entry in manifest["splits"].items()},
        "captions": manifest["captions"],
        "candidates_rejected": manifest["candidates"]["rejected"],
        "edit_types": manifest["triplets"]["edit_type"],
        "phrasings": manifest["triplets"]["phrasing"],
        "origins": manifest["triplets"]["origin"],
        "licences": manifest["triplets"]["licence"],
        "words": {column: _describe(counts) for column, counts in lengths.items()},
        "first_words": dict(first.most_common(_TOP)),
        "distinct_modification_texts": len(texts),
        "triplets_per_used_caption": round(total / max(manifest["captions"]["used"], 1), 3),
    }


def _describe(counts: Counter[int]) -> dict[str, float]:
    total = counts.total()
    return {
        "mean": round(sum(length * count for length, count in counts.items()) / max(total, 1), 2),
        "median": _percentile(counts, 0.5),
        "p95": _percentile(counts, 0.95),
    }


def _percentile(counts: Counter[int], share: float) -> int:
    left = share * counts.total()
    for length in sorted(counts):
        left -= counts[length]
        if left <= 0:
            return length
    return 0
