"""Check a finished data set: every file's checksum, its schema, its counts, and the rules that hold for every row."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tripletgen.schema import (
    ARROW_SCHEMA,
    COUNTED,
    EDIT_TYPES,
    ORIGINS,
    PHRASINGS,
    Triplet,
    group_id_of,
    is_validation,
    normalise,
    triplet_id_of,
)
from tripletgen.shards.manifest import Manifest, read_manifest
from tripletgen.shards.writer import describe

MAX_FAULTS = 20


@dataclass
class _Group:
    """The rows of the reference caption that is being read: equal triplets have equal references, so no others need be remembered."""

    group_id: int = -1
    seen: set[str] = field(default_factory=set)

    def faults(self, row: Triplet) -> Iterator[str]:
        """Tell of a row that stands twice, and of one that is out of order: of it nobody could tell whether it stands twice."""
        if row.group_id < self.group_id:
            yield "group_id is less than that of the row before"
        if row.group_id != self.group_id:
            self.group_id = row.group_id
            self.seen.clear()
        if row.triplet_id in self.seen:
            yield f"triplet {row.triplet_id} stands twice"
        self.seen.add(row.triplet_id)


def check_dataset(folder: str | Path) -> list[str]:
    """Return the faults of a data set, a line each, at most `MAX_FAULTS`; an empty list means it is sound.

    Raises:
        DataError: the folder is not a finished data set.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    faults = list(islice(_faults(root, manifest), MAX_FAULTS + 1))
    if len(faults) > MAX_FAULTS:
        faults[MAX_FAULTS - 1 :] = [f"... and more: stopped after {MAX_FAULTS - 1}"]
    return faults


def _faults(root: Path, manifest: Manifest) -> Iterator[str]:
    sound = []
    entries = [*manifest["files"], *(file for split in manifest["splits"].values() for file in split["files"])]
    for path in sorted({f"data/{path.name}" for path in (root / "data").glob("*.parquet")} - {entry["path"] for entry in entries}):
        yield f"{path}: is not in the manifest, and readers would take it for a part of the data set"
    for entry in entries:
        fault = _file_fault(root, entry)
        if fault:
            yield fault
        else:
            sound.append(entry["path"])
    counts: dict[str, Counter[str]] = {column: Counter() for column in COUNTED}
    for split, listed in manifest["splits"].items():
        group = _Group()
        for entry in listed["files"]:
            if entry["path"] in sound:
                yield from _shard_faults(root / entry["path"], entry, split, manifest, counts, group)
    if len(sound) == len(entries):
        yield from _count_faults(manifest, counts)


def _count_faults(manifest: Manifest, counts: dict[str, Counter[str]]) -> Iterator[str]:
    """Compare the manifest's numbers with the rows and with each other."""
    triplets, captions = manifest["triplets"], manifest["captions"]
    for column, found in counts.items():
        if found != Counter(triplets[column]):
            yield f"manifest.json: the counts by {column} are not those of the rows"
    for split, entry in manifest["splits"].items():
        rows = sum(file["rows"] for file in entry["files"])
        if rows != entry["rows"]:
            yield f"manifest.json: {split} has {rows} rows, not {entry['rows']}"
    total = counts["edit_type"].total()
    if total != triplets["total"]:
        yield f"manifest.json: {total} triplets, not {triplets['total']}"
    if captions["read"] != captions["used"] + sum(captions["dropped"].values()):
        yield f"manifest.json: {captions['read']} captions read are not those used and dropped"


def _file_fault(root: Path, entry: dict[str, Any]) -> str | None:
    path = root / entry["path"]
    if not path.is_file():
        return f"{entry['path']}: missing"
    try:
        found = describe(path, entry["path"])
    except OSError as error:
        return f"{entry['path']}: cannot be read ({error.strerror})"
    if found.bytes != entry["bytes"]:
        return f"{entry['path']}: {found.bytes} bytes, the manifest says {entry['bytes']}"
    if found.sha256 != entry["sha256"]:
        return f"{entry['path']}: sha256 {found.sha256[:12]}..., the manifest says {entry['sha256'][:12]}..."
    return None


def _shard_faults(
    path: Path, entry: dict[str, Any], split: str, manifest: Manifest, counts: dict[str, Counter[str]], group: _Group
) -> Iterator[str]:
    name, row_number = entry["path"], 0
    with pq.ParquetFile(path) as file:
        fault = _schema_fault(file.schema_arrow)
        if fault:
            yield f"{name}: {fault}"
            return
        for batch in file.iter_batches(batch_size=4096):
            for row in map(Triplet._make, zip(*(column.to_pylist() for column in batch.columns), strict=True)):
                row_number += 1
                for column, found in counts.items():
                    found[getattr(row, column)] += 1
                for fault in _row_faults(row, split, manifest["recipe"]["validation_fraction"]):
                    yield f"{name}: row {row_number}: {fault}"
                for fault in group.faults(row):
                    yield f"{name}: row {row_number}: {fault}"
    if row_number != entry["rows"]:
        yield f"{name}: {row_number} rows, the manifest says {entry['rows']}"


def _schema_fault(schema: pa.Schema) -> str | None:
    """Compare columns and their types with those of a build; its dictionaries are plain strings in a file."""
    if schema.names != ARROW_SCHEMA.names:
        return f"columns {schema.names}, not {ARROW_SCHEMA.names}"
    for found, wanted in zip(schema, ARROW_SCHEMA, strict=True):
        kind = wanted.type.value_type if pa.types.is_dictionary(wanted.type) else wanted.type
        if (found.type, found.nullable) != (kind, wanted.nullable):
            return f"column {found.name} is {_typed(found.type, found.nullable)}, not {_typed(kind, wanted.nullable)}"
    return None


def _typed(kind: pa.DataType, nullable: bool) -> str:  # noqa: FBT001
    return f"{kind}, or null" if nullable else str(kind)


def _row_faults(row: Triplet, split: str, validation_fraction: float) -> Iterator[str]:
    for column in ("reference_caption", "modification_text", "target_caption", "generator", "source", "source_id", "licence"):
        if not getattr(row, column):
            yield f"{column} is empty"
    for column, allowed in (("edit_type", EDIT_TYPES), ("phrasing", PHRASINGS), ("origin", ORIGINS)):
        if getattr(row, column) not in allowed:
            yield f"{column} is {getattr(row, column)!r}"
    if row.triplet_id != triplet_id_of(row.reference_caption, row.modification_text, row.target_caption):
        yield "triplet_id is not the hash of the texts"
    if row.group_id != group_id_of(row.reference_caption):
        yield "group_id is not the hash of the reference caption"
    if is_validation(row.group_id, validation_fraction) != (split == "validation"):
        yield f"belongs to the other split than {split}"
    if normalise(row.reference_caption) == normalise(row.target_caption):
        yield "the target is the reference"
