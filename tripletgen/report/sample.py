"""Draw the rows that a report shows: those with the smallest seeded hashes, and some of every kind however rare."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from tripletgen.shards.manifest import read_manifest, reject_files
from tripletgen.shards.reader import all_shards, iter_batches

OF_EACH_KIND = 60
TRIPLET_COLUMNS = (
    "reference_caption",
    "modification_text",
    "target_caption",
    "edit_type",
    "phrasing",
    "origin",
    "generator",
    "source",
    "licence",
    "triplet_id",
)
REJECT_COLUMNS = ("text", "modification_text", "target_caption", "stage", "reason", "source")


def draw_triplets(folder: Path, number: int, seed: int) -> dict[str, Any]:
    """Return a sample of a data set's triplets as columns and rows."""
    rows = _draw(iter_batches(all_shards(folder), TRIPLET_COLUMNS), "triplet_id", "edit_type", number, seed)
    return {"columns": TRIPLET_COLUMNS[:-1], "rows": [row[:-1] for row in rows]}


def draw_rejects(folder: Path, number: int, seed: int) -> dict[str, Any]:
    """Return a sample of what a build with `--keep-rejects` rejected; no rows where nothing was kept."""
    paths = [folder / name for name in reject_files(read_manifest(folder))]
    rows = _draw(iter_batches(paths, REJECT_COLUMNS), "text", "reason", number, seed)
    return {"columns": REJECT_COLUMNS, "rows": rows}


def _draw(batches: Iterable[pa.RecordBatch], key: str, kind: str, number: int, seed: int) -> list[list[Any]]:
    """Return the `number` rows with the smallest hashes and the `OF_EACH_KIND` smallest of each kind, in the order of the hashes.

    Memory holds the rows that are the smallest so far; which they are does not depend on how the rows lie in files.
    """
    whole: list[tuple[int, int]] = []
    kinds: dict[str, list[tuple[int, int]]] = {}
    kept: dict[int, list[Any]] = {}
    serial = 0
    for batch in batches:
        for index, (value, name) in enumerate(zip(batch.column(key).to_pylist(), batch.column(kind).to_pylist(), strict=True)):
            digest = xxhash.xxh3_64_intdigest(value.encode(), seed)
            serial += 1
            heaps = ((whole, number), (kinds.setdefault(name, []), min(OF_EACH_KIND, number)))
            if any(_enters(heap, limit, digest) for heap, limit in heaps):
                kept[serial] = _row(batch, index)
                for heap, limit in heaps:
                    _push(heap, limit, (-digest, serial))
        if len(kept) > 4 * number:
            _forget(kept, whole, *kinds.values())
    chosen = {serial: -negative for heap in (whole, *kinds.values()) for negative, serial in heap}
    return [kept[serial] for serial in sorted(chosen, key=lambda serial: (chosen[serial], serial))]


def _enters(heap: Sequence[tuple[int, int]], limit: int, digest: int) -> bool:
    return len(heap) < limit or digest < -heap[0][0]


def _push(heap: list[tuple[int, int]], limit: int, item: tuple[int, int]) -> None:
    (heapq.heappush if len(heap) < limit else heapq.heappushpop)(heap, item)


def _forget(kept: dict[int, list[Any]], *heaps: Sequence[tuple[int, int]]) -> None:
    wanted = {serial for heap in heaps for _, serial in heap}
    for serial in list(kept):
        if serial not in wanted:
            del kept[serial]


def _row(batch: pa.RecordBatch, index: int) -> list[Any]:
    return list(_cells(batch, index))


def _cells(batch: pa.RecordBatch, index: int) -> Iterator[Any]:
    return (column[index].as_py() for column in batch.columns)
