"""Read the triplets of a finished data set as a stream."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tripletgen.errors import DataError
from tripletgen.schema import ARROW_SCHEMA, SPLITS, Triplet
from tripletgen.shards.manifest import MANIFEST, read_manifest
from tripletgen.staging import open_remote
from tripletgen.storage import is_remote

_SHORT = 80


def shard_paths(folder: Path, split: str) -> list[Path]:
    """Return the files of a split, in order.

    Raises:
        DataError: there is no such split, or no such data set.
    """
    if split not in SPLITS:
        raise DataError(f"no split {split!r}", f"splits: {', '.join(SPLITS)}")
    return [folder / entry["path"] for entry in read_manifest(folder)["splits"].get(split, {}).get("files", [])]


def all_shards(folder: Path) -> list[Path]:
    """Return the files of every split, in order."""
    return [path for split in read_manifest(folder)["splits"] for path in shard_paths(folder, split)]


def iter_batches(paths: Iterable[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield some columns of shards, a few thousand rows at a time.

    Raises:
        DataError: a file is missing or damaged.
    """
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=4096, columns=list(columns))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read ({error})", "run `tripletgen check` and build again") from error


def iter_triplets(folder: str | Path, split: str = "train") -> Iterator[Triplet]:
    """Yield the triplets of a split in the order of the files; memory holds one batch.

    Raises:
        DataError: the folder is not a finished data set, or a file is missing or damaged.
    """
    for batch in iter_batches(shard_paths(Path(folder), split), ARROW_SCHEMA.names):
        columns = [column.to_pylist() for column in batch.columns]
        yield from map(Triplet._make, zip(*columns, strict=True))


def sample_triplets(folder: str | Path, number: int) -> list[Triplet]:
    """Return a few triplets of different edit types from the beginning of the first split; always the same ones.

    Of a data set in object storage, one shard is fetched.
    """
    if is_remote(str(folder)):
        with tempfile.TemporaryDirectory(prefix="tripletgen-") as mirror:
            _fetch_first_shard(str(folder), Path(mirror))
            return sample_triplets(mirror, number)
    split = next(iter(read_manifest(Path(folder))["splits"]))
    by_type: dict[str, Triplet] = {}
    for row in islice(iter_triplets(folder, split), 2000):
        if len(row.reference_caption) < _SHORT:
            by_type.setdefault(row.edit_type, row)
    return list(by_type.values())[:number]


def _fetch_first_shard(address: str, mirror: Path) -> None:
    place = open_remote(address)
    place.get(MANIFEST, mirror / MANIFEST)
    first = next(iter(read_manifest(mirror)["splits"].values()))["files"][0]["path"]
    (mirror / first).parent.mkdir()
    place.get(first, mirror / first)
