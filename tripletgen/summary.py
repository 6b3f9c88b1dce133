"""Describe the texts of a data set in numbers. Every key stands in docs/stats.md."""

from pathlib import Path
from typing import Any

from tripletgen.figures import add_up, count_distinct_texts, describe_lengths, measure, measure_quality, most_common
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.reader import all_shards

STATS_VERSION = 1
_TOP = 12


def summarise(folder: str | Path) -> dict[str, Any]:
    """Return counts, lengths in words, first words and duplicates of a data set, as JSON takes them.

    Raises:
        DataError: the folder is not a finished data set, or a shard is missing or damaged.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    paths = all_shards(root)
    figures = add_up(map(measure, paths))
    total = manifest["triplets"]["total"]
    return {
        "stats_version": STATS_VERSION,
        "generator": manifest["generator"],
        "fingerprint": manifest["fingerprint"],
        "triplets": total,
        "splits": {name: entry["rows"] for name, entry in manifest["splits"].items()},
        "bytes": {name: sum(file["bytes"] for file in entry["files"]) for name, entry in manifest["splits"].items()},
        "captions": manifest["captions"],
        "candidates_rejected": manifest["candidates"]["rejected"],
        "edit_types": manifest["triplets"]["edit_type"],
        "phrasings": manifest["triplets"]["phrasing"],
        "origins": manifest["triplets"]["origin"],
        "licences": manifest["triplets"]["licence"],
        "sources": manifest["triplets"]["source"],
        "words": {column: describe_lengths(counts) for column, counts in figures.words.items()},
        "first_words": most_common(figures.first_words, _TOP),
        "distinct_modification_texts": count_distinct_texts(paths),
        "quality": measure_quality(paths)._asdict(),
        "triplets_per_used_caption": round(total / max(manifest["captions"]["used"], 1), 3),
    }
