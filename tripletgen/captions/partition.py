"""Divide cleaned captions into units by the hash of their text, on disk, in bounded memory.

Two passes: the first cleans the stream into one spill file and counts; the second, knowing the number of units, appends
each batch's rows to the files of their units. A file is a run of Arrow streams, so no file stays open.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from tripletgen.captions.clean import clean_caption
from tripletgen.captions.readers import Row
from tripletgen.captions.sources import Source, read_source
from tripletgen.schema import Caption, group_id_of
from tripletgen.shards.manifest import write_text

UNIT_CAPTIONS = 1024
_BATCH = 8192
SPILL_SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("source", pa.string()),
        ("source_id", pa.string()),
        ("licence", pa.string()),
        ("group_id", pa.uint64()),
    ]
)


class Dropped(NamedTuple):
    """A raw caption that was not taken, and why."""

    reason: str
    text: str
    source: str
    source_id: str


class Partition(NamedTuple):
    """What came of reading the sources: the number of units, rows read by source and licence, drops by reason."""

    num_units: int
    num_captions: int
    sources: list[dict[str, str | int]]
    dropped: dict[str, int]


def iter_clean(
    sources: Iterable[Source], limit: int | None, on_drop: Callable[[Dropped], None], counts: Counter[tuple[str, str]]
) -> Iterator[Caption]:
    """Yield cleaned captions of every source, at most `limit` raw rows in all; tell `on_drop` of the others.

    `counts` receives the rows read, by (source, licence).
    """
    for source in sources:
        left = None if limit is None else limit - counts.total()
        if left == 0:
            return
        yield from clean_rows(source, islice(read_source(source), left), on_drop, counts)


def clean_rows(
    source: Source, rows: Iterable[Row], on_drop: Callable[[Dropped], None], counts: Counter[tuple[str, str]]
) -> Iterator[Caption]:
    """Yield the cleaned captions among rows of a source; tell `on_drop` of the others; count all."""
    for source_id, raw in rows:
        counts[source.name, source.licence] += 1
        text, reason = ("", "broken_row") if raw is None else clean_caption(raw)
        if reason is None:
            yield Caption(text, source.name, source_id, source.licence, group_id_of(text))
        else:
            on_drop(Dropped(reason, text, source.name, source_id))


def partition(
    sources: list[Source],
    folder: Path,
    limit: int | None = None,
    on_drop: Callable[[Dropped], None] = lambda _: None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Partition:
    """Clean the sources and write `folder/unit-NNNNN.arrow`; a finished partition has a `partition.json`.

    Raises:
        SourceError: a source cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("unit-*.arrow"):
        stale.unlink()
    dropped: Counter[str] = Counter()
    read: Counter[tuple[str, str]] = Counter()

    def note(drop: Dropped) -> None:
        dropped[drop.reason] += 1
        on_drop(drop)

    spill = folder / "spill.arrow"
    total = write_spill(spill, iter_clean(sources, limit, note, read), on_progress)
    num_units = units_for(total)
    with pa.OSFile(str(spill), "rb") as file:
        for batch in pa.ipc.open_stream(file):
            append_by_unit(batch, num_units, folder)
    spill.unlink()
    return write_partition(folder, total, read, dropped)


def write_partition(folder: Path, total: int, read: Counter[tuple[str, str]], dropped: Counter[str]) -> Partition:
    """Note what came of reading: now the partition is finished."""
    sizes: list[dict[str, str | int]] = [{"name": name, "licence": licence, "rows": rows} for (name, licence), rows in sorted(read.items())]
    result = Partition(units_for(total), total, sizes, dict(sorted(dropped.items())))
    write_text(folder / "partition.json", json.dumps(result._asdict()))
    return result


def units_for(captions: int) -> int:
    """Return how many units so many captions make."""
    return max(1, -(-captions // UNIT_CAPTIONS))


def write_spill(path: Path, captions: Iterator[Caption], on_progress: Callable[[int], None] = lambda _: None) -> int:
    """Write captions to an Arrow stream, a few thousand in memory at a time, and return their number."""
    total = 0
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, SPILL_SCHEMA) as writer:
        for batch in _batches(captions):
            writer.write_batch(batch)
            total += batch.num_rows
            on_progress(total)
    return total


def read_partition(folder: Path) -> Partition:
    """Return what a finished `partition` wrote."""
    return Partition(**json.loads((folder / "partition.json").read_text()))


def _batches(captions: Iterator[Caption]) -> Iterator[pa.RecordBatch]:
    rows: list[Caption] = []
    for caption in captions:
        rows.append(caption)
        if len(rows) == _BATCH:
            yield pa.record_batch(list(zip(*rows, strict=True)), schema=SPILL_SCHEMA)
            rows = []
    if rows:
        yield pa.record_batch(list(zip(*rows, strict=True)), schema=SPILL_SCHEMA)


def unit_of(group_ids: np.ndarray, num_units: int) -> np.ndarray:
    """Return floor(group_id * num_units / 2**64) for each id, exactly, in 64-bit arithmetic (num_units < 2**32)."""
    n, low32 = np.uint64(num_units), np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    return ((group_ids >> shift) * n + (((group_ids & low32) * n) >> shift)) >> shift


def first_group_of(unit: int, num_units: int) -> int:
    """Return the least group id that belongs to a unit: the inverse of `unit_of`."""
    return -(-unit * 2**64 // num_units)


def unit_path(folder: Path, unit: int) -> Path:
    """Return where the captions of a unit lie; an empty unit has no file."""
    return folder / unit_name(unit)


def unit_name(unit: int) -> str:
    """Return the name of the file with the captions of a unit."""
    return f"unit-{unit:05d}.arrow"


def append_by_unit(batch: pa.RecordBatch, num_units: int, folder: Path) -> None:
    """Append the captions of a batch to the files of their units."""
    units = unit_of(batch.column("group_id").to_numpy(), num_units)
    order = np.argsort(units, kind="stable")
    units, batch = units[order], batch.take(pa.array(order))
    starts = np.flatnonzero(np.diff(units, prepend=units[0] + np.uint64(1)))
    for start, stop in zip(starts, [*starts[1:], len(units)], strict=True):
        path = unit_path(folder, int(units[start]))
        with path.open("ab") as file, pa.ipc.new_stream(file, SPILL_SCHEMA) as writer:
            writer.write_batch(batch.slice(int(start), int(stop - start)))


def read_unit(folder: Path, unit: int, on_drop: Callable[[Dropped], None] = lambda _: None) -> list[Caption]:
    """Return the distinct captions of a unit in the order of (group_id, text): the same whatever the order of reading.

    Of captions with equal normalised texts the one with the smallest (source, source id) stays; the others are dropped as
    duplicates. The file is read batch by batch, so a million copies of one caption take the memory of one.
    """
    kept: dict[int, Caption] = {}
    path = unit_path(folder, unit)
    if not path.exists():
        return []
    size = path.stat().st_size
    with pa.OSFile(str(path), "rb") as file:
        while file.tell() < size:
            for batch in pa.ipc.open_stream(file):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    caption = Caption(*row)
                    other = kept.get(caption.group_id)
                    if other is not None:
                        caption, worse = sorted((caption, other), key=lambda c: (c.source, c.source_id, c.text))
                        on_drop(Dropped("duplicate", worse.text, worse.source, worse.source_id))
                    kept[caption.group_id] = caption
    return [kept[group] for group in sorted(kept)]


def digest(captions: Iterable[Caption]) -> str:
    """Return a hash of captions and their provenance: the input part of a unit's fingerprint."""
    state = xxhash.xxh3_128()
    for caption in captions:
        state.update("\x1f".join(map(str, caption)).encode())
        state.update(b"\x1e")
    return state.hexdigest()
