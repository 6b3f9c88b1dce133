"""Count what the texts of a data set are like, shard by shard and in memory that does not grow with them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from tripletgen.schema import normalise
from tripletgen.shards.reader import iter_batches

TEXTS = ("reference_caption", "modification_text", "target_caption")
QUALITY_ROWS = 10_000

_OF_AN_IMAGE = re.compile(r"\b(?:image|photo|picture)s?\b")


class Quality(NamedTuple):
    """Faults of modification texts that are known from published sets, as shares of the first rows (their order is random)."""

    rows: int
    duplicate: float
    speaks_of_image: float
    begins_with_change: float


class Figures(NamedTuple):
    """What is counted in some shards; `bytes` is their size when they are not compressed."""

    rows: int
    bytes: int
    words: dict[str, Counter[int]]
    first_words: Counter[str]


def measure(path: Path) -> Figures:
    """Return the counts of a shard.

    Raises:
        DataError: it is missing or damaged.
    """
    words: dict[str, Counter[int]] = {column: Counter() for column in TEXTS}
    first: Counter[str] = Counter()
    rows = 0
    for batch in iter_batches([path], TEXTS):
        rows += batch.num_rows
        for column, counts in words.items():
            counts.update(_count(pc.add(pc.count_substring(batch.column(column), " "), 1)))
        first.update(text.partition(" ")[0] for text in _modifications(batch))
    return Figures(rows, _decoded_size(path), words, first)


def add_up(parts: Iterable[Figures]) -> Figures:
    """Return the counts of several shards together."""
    rows = size = 0
    words: dict[str, Counter[int]] = {column: Counter() for column in TEXTS}
    first: Counter[str] = Counter()
    for part in parts:
        rows, size = rows + part.rows, size + part.bytes
        first.update(part.first_words)
        for column, counts in part.words.items():
            words[column].update(counts)
    return Figures(rows, size, words, first)


def measure_quality(paths: Iterable[Path]) -> Quality:
    """Return the shares of faults among the first rows of shards; no shard is read that is not needed.

    Raises:
        DataError: a shard is missing or damaged.
    """
    texts: list[str] = []
    for batch in iter_batches(paths, ["modification_text"]):
        texts += _modifications(batch)[: QUALITY_ROWS - len(texts)]
        if len(texts) == QUALITY_ROWS:
            break
    return _quality(texts)


def _modifications(batch: pa.RecordBatch) -> list[str]:
    return [normalise(text) for text in batch.column("modification_text").to_pylist()]


def _decoded_size(path: Path) -> int:
    footer = pq.read_metadata(path)
    return sum(footer.row_group(index).total_byte_size for index in range(footer.num_row_groups))


def _count(values: pa.Array) -> dict[Any, int]:
    return {item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()}


def _quality(texts: list[str]) -> Quality:
    total = max(len(texts), 1)
    return Quality(
        len(texts),
        round((len(texts) - len(set(texts))) / total, 4),
        round(sum(bool(_OF_AN_IMAGE.search(text)) for text in texts) / total, 4),
        round(sum(text.startswith("change") for text in texts) / total, 4),
    )


def count_distinct_texts(paths: Iterable[Path]) -> int:
    """Return how many different modification texts there are; memory grows by eight bytes a row."""
    hashes = [np.fromiter(_text_hashes(batch), np.uint64, batch.num_rows) for batch in iter_batches(paths, ["modification_text"])]
    return len(np.unique(np.concatenate(hashes))) if hashes else 0


def _text_hashes(batch: pa.RecordBatch) -> Iterator[int]:
    return (xxhash.xxh3_64_intdigest(normalise(text).encode()) for text in batch.column(0).to_pylist())


def count_sources(paths: Iterable[Path]) -> Counter[str]:
    """Return how many rows of some files name each source.

    Raises:
        DataError: a file is missing or damaged.
    """
    counts: Counter[str] = Counter()
    for batch in iter_batches(paths, ["source"]):
        counts.update(_count(batch.column(0)))
    return counts


def describe_lengths(counts: Counter[int]) -> dict[str, float]:
    """Return the mean, the median and the 95th percentile of counted lengths."""
    return {
        "mean": round(sum(length * count for length, count in counts.items()) / max(counts.total(), 1), 2),
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


def most_common(counts: Counter[str], number: int) -> dict[str, int]:
    """Return the highest counts; words counted alike stand in alphabetical order, so that equal data give equal lists."""
    return dict(islice(sorted(counts.items(), key=lambda item: (-item[1], item[0])), number))
