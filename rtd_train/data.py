"""Text triplets as a trainer needs them: read once, each process its part, and drawn in a seeded order.

Texts are read from a folder of shards, from a Hub data set or from RTD's JSON. Captions are kept once each.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rtd_train.errors import DataError
from tripletgen.schema import SCHEMA_VERSION

COLUMNS = ("reference_caption", "modification_text", "target_caption")
# Other names of the modification text in other people's files.
SYNONYMS = {"conditioning_caption": "modification_text", "relative_caption": "modification_text", "edit": "modification_text"}
_READ_ROWS = 10_000

Rows = npt.NDArray[np.int64]
"""Numbers of triplets or captions."""


class Texts(NamedTuple):
    """The three texts of each triplet: modification texts, and captions by number."""

    captions: list[str]
    reference: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    modifications: pa.ChunkedArray

    def __len__(self) -> int:
        """Return the number of triplets."""
        return len(self.reference)


class Ragged(NamedTuple):
    """Rows of different lengths in one flat array; row k is `flat[offsets[k]:offsets[k + 1]]`."""

    flat: npt.NDArray[Any]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets) - 1

    def lengths(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the lengths of some rows."""
        return np.asarray(self.offsets[rows + 1] - self.offsets[rows])

    def gather(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Return rows one behind the other, and their lengths."""
        lengths = self.lengths(rows)
        starts = np.repeat(self.offsets[rows] - (np.cumsum(lengths) - lengths), lengths)
        return self.flat[starts + np.arange(len(starts))], lengths

    def take(self, rows: npt.NDArray[np.int64], padding: int) -> npt.NDArray[np.int32]:
        """Return rows side by side, padded to the longest of them. Shape: (rows, longest)."""
        lengths = self.lengths(rows)
        places = np.arange(int(lengths.max(initial=0)))
        inside = places < lengths[:, None]
        found = self.flat[np.where(inside, self.offsets[rows][:, None] + places, 0)] if len(self.flat) else np.zeros(inside.shape, np.int32)
        return np.where(inside, found, padding).astype(np.int32)


def read_triplets(data: str, split: str = "train", rank: int = 0, size: int = 1) -> Texts:
    """Read process `rank`'s part of triplets from a folder of shards, RTD's JSON, or a Hub data set, a batch at a time.

    The parts of all `size` processes, one behind the other, are the triplets in their order: of shards each process reads
    whole row groups of its own, of a Hub data set its rows, and JSON is read by the first alone. In memory are the distinct captions
    of the part, and its modification texts in Arrow's compact form.

    Raises:
        DataError: there is no such data, it has no such split, another schema version, or lacks a column; or it is empty.
    """
    path = Path(data)
    if path.is_dir():
        batches = _read_shards(path, split, rank, size)
    elif path.is_file():
        batches = _read_json(path) if rank == 0 else iter(())
    else:
        batches = _read_hub(data, split, rank, size)
    texts = _number(batches)
    if rank == 0 and not len(texts):  # the first process has rows if there are any
        raise DataError(f"{data}: no triplet in it", "build one with `tripletgen build`")
    return texts


def _read_shards(folder: Path, split: str, rank: int, size: int) -> Iterator[pa.RecordBatch]:
    shards = sorted((folder / "data").glob(f"{split}-*.parquet")) or sorted(folder.glob(f"{split}-*.parquet"))
    if not shards:
        others = sorted({path.name.partition("-")[0] for path in folder.glob("**/*-*-of-*.parquet")} - {"rejects"})
        hint = f"it has the splits {', '.join(others)}" if others else "build one with `tripletgen build --out DIR`"
        raise DataError(f"{folder}: no shards of split {split!r} in it", hint)
    manifest = folder / "manifest.json"
    if manifest.is_file():
        try:
            version = json.loads(manifest.read_text(encoding="utf-8"))["schema_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{manifest}: cannot be read ({error})", "run `tripletgen check` on the data") from error
        if version != SCHEMA_VERSION:
            hint = "install the tripletgen that wrote it"
            raise DataError(f"{folder}: schema version {version}, this trainer reads {SCHEMA_VERSION}", hint)
    try:
        groups = [pq.read_metadata(shard) for shard in shards]
        owned = divide_row_groups([[file.row_group(k).num_rows for k in range(file.num_row_groups)] for file in groups], rank, size)
        for shard, own in zip(shards, owned, strict=True):
            with pq.ParquetFile(shard) as file:
                wanted = _name_columns(str(shard), file.schema_arrow.names)
                for batch in file.iter_batches(row_groups=own, columns=list(wanted)) if own else ():
                    yield batch.rename_columns([wanted[name] for name in batch.schema.names])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{folder}: a shard cannot be read ({str(error).splitlines()[0]})", "run `tripletgen check` on it") from error


def divide_row_groups(rows: list[list[int]], rank: int, size: int) -> list[list[int]]:
    """Return the numbers of the row groups of each file that process `rank` of `size` reads, given the rows of each.

    A row group goes to the process into whose part of all rows its first row falls: so each is read by one process, the parts are in
    order, and one differs from another by a row group at most.
    """
    total = max(1, sum(map(sum, rows)))
    begin = 0
    owned: list[list[int]] = []
    for file in rows:
        owned.append([])
        for number, count in enumerate(file):
            if min(begin * size // total, size - 1) == rank:
                owned[-1].append(number)
            begin += count
    return owned


def _name_columns(name: str, present: list[str]) -> dict[str, str]:
    """Return our name of each column that is needed, by its name in a file."""
    wanted = {column: SYNONYMS.get(column, column) for column in present if SYNONYMS.get(column, column) in COLUMNS}
    missing = set(COLUMNS) - set(wanted.values())
    if missing:
        raise DataError(
            f"{name}: no column {', '.join(sorted(missing))}; it has {', '.join(present)}", f"a triplet has {', '.join(COLUMNS)}"
        )
    return wanted


def _read_json(path: Path) -> Iterator[pa.RecordBatch]:
    """Read RTD's JSON, a list of objects, or the same a line each."""
    try:
        text = path.read_text(encoding="utf-8")
        records = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: not JSON ({error})", "RTD's file is a list of objects with three texts each") from error
    if not all(isinstance(record, dict) for record in records):
        raise DataError(f"{path}: not a list of objects", "RTD's file is a list of objects with three texts each")
    wanted = _name_columns(str(path), sorted({key for record in records for key in record}))
    bad = next((k for k, record in enumerate(records) if not all(isinstance(record.get(key), str) for key in wanted)), None)
    if bad is not None:
        raise DataError(f"{path}: object {bad} lacks a text", f"each needs {', '.join(wanted)}")
    yield pa.RecordBatch.from_pydict({ours: [record[theirs] for record in records] for theirs, ours in wanted.items()})


def _read_hub(name: str, split: str, rank: int, size: int) -> Iterator[pa.RecordBatch]:
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise DataError(f"{name}: no such folder or file", "to read from the Hub: pip install 'tripletgen[hub]'") from error
    try:
        loaded: Any = datasets.load_dataset(name, split=split)
    except Exception as error:
        raise DataError(
            f"{name}: no such folder, file or Hub data set ({str(error).splitlines()[0]})",
            "check the name and the split; what lies in object storage is copied first",
        ) from error
    wanted = _name_columns(name, loaded.column_names)
    own = loaded.select_columns(list(wanted)).shard(size, rank, contiguous=True)
    for table in own.with_format("arrow").iter(_READ_ROWS):
        yield from table.rename_columns([wanted[column] for column in table.column_names]).to_batches()


def _number(batches: Iterator[pa.RecordBatch]) -> Texts:
    """Give every distinct caption a number."""
    numbers: dict[str, int] = {}
    sides: list[npt.NDArray[np.int64]] = []
    modifications: list[pa.Array] = []
    for batch in batches:
        empty = next((name for name in COLUMNS if batch.column(name).null_count), None)
        if empty is not None:
            raise DataError(f"a row has no {empty}", "each triplet needs three texts; run `tripletgen check` on the data")
        columns = (batch.column(name).cast(pa.string()).to_pylist() for name in ("reference_caption", "target_caption"))
        # Row by row: the order of appearance must not depend on where a batch ends.
        found = (numbers.setdefault(caption, len(numbers)) for row in zip(*columns, strict=True) for caption in row)
        sides.append(np.fromiter(found, np.int64, 2 * batch.num_rows))
        modifications.append(batch.column("modification_text").cast(pa.string()))
    both = np.concatenate([np.zeros(0, np.int64), *sides]).reshape(-1, 2)
    return Texts(list(numbers), both[:, 0], both[:, 1], pa.chunked_array(modifications, pa.string()))


def draw(num_rows: int, batch: int, number: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the rows of batch `number` of an endless stream of epochs, each a seeded shuffle of all rows.

    A function of its arguments alone: a run that goes on needs to know nothing but its step. The rows of an epoch that do not
    fill a batch are left out of that epoch.

    Raises:
        DataError: there are fewer rows than a batch holds.
    """
    if num_rows < batch:
        raise DataError(f"{num_rows} triplets are fewer than a batch of {batch}", f"try --batch-size {num_rows}, or build more")
    epoch, place = divmod(number, num_rows // batch)
    return _order(num_rows, seed, epoch)[place * batch : (place + 1) * batch]


_ORDERS: dict[tuple[int, int, int], npt.NDArray[np.int64]] = {}


def _order(num_rows: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    key = (num_rows, seed, epoch)
    if key not in _ORDERS:
        _ORDERS.clear()
        _ORDERS[key] = np.random.default_rng([seed, epoch]).permutation(num_rows)
    return _ORDERS[key]
