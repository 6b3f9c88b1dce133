"""Text triplets as a trainer needs them: read once, tokenised once, drawn in a seeded order.

Texts are read from a folder of shards, from a Hub data set or from RTD's JSON. Captions are kept once each; modification texts are
tokenised in batches by the fast tokenizer and lie on disk as one flat array, memory-mapped, so a batch is a gather.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from rtd_train.errors import DataError
from tripletgen.schema import SCHEMA_VERSION

COLUMNS = ("reference_caption", "modification_text", "target_caption")
# Other names of the modification text in other people's files.
SYNONYMS = {"conditioning_caption": "modification_text", "relative_caption": "modification_text", "edit": "modification_text"}
_TOKENIZE_ROWS = 10_000

Ints = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
"""Numbers of triplets or captions."""


class Texts(NamedTuple):
    """The three texts of each triplet: modification texts, and captions by number. `fingerprint` is of them all."""

    captions: list[str]
    reference: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    modifications: pa.ChunkedArray
    fingerprint: str

    def __len__(self) -> int:
        """Return the number of triplets."""
        return len(self.reference)


class Ragged(NamedTuple):
    """Rows of different lengths in one flat array; row k is `flat[offsets[k]:offsets[k + 1]]`."""

    flat: Ints
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets) - 1

    def lengths(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the lengths of some rows."""
        return np.asarray(self.offsets[rows + 1] - self.offsets[rows])

    def gather(self, rows: npt.NDArray[np.int64]) -> tuple[Ints, npt.NDArray[np.int64]]:
        """Return rows one behind the other, and their lengths."""
        lengths = self.lengths(rows)
        starts = np.repeat(self.offsets[rows] - (np.cumsum(lengths) - lengths), lengths)
        return self.flat[starts + np.arange(len(starts))], lengths

    def take(self, rows: npt.NDArray[np.int64], padding: int) -> Ints:
        """Return rows side by side, padded to the longest of them. Shape: (rows, longest)."""
        lengths = self.lengths(rows)
        places = np.arange(int(lengths.max(initial=0)))
        inside = places < lengths[:, None]
        found = self.flat[np.where(inside, self.offsets[rows][:, None] + places, 0)] if len(self.flat) else np.zeros(inside.shape, np.int32)
        return np.where(inside, found, padding).astype(np.int32)


def read_triplets(data: str, split: str = "train") -> Texts:
    """Read triplets from a folder of shards, RTD's JSON, or a Hub data set, a batch at a time.

    In memory are the distinct captions, and the modification texts in Arrow's compact form.

    Raises:
        DataError: there is no such data, it has no such split, another schema version, or lacks a column; or it is empty.
    """
    path = Path(data)
    if path.is_dir():
        batches = _read_shards(path, split)
    elif path.is_file():
        batches = _read_json(path)
    else:
        batches = _read_hub(data, split)
    texts = _number(batches)
    if not len(texts):
        raise DataError(f"{data}: no triplet in it", "build one with `tripletgen build`")
    return texts


def _read_shards(folder: Path, split: str) -> Iterator[pa.RecordBatch]:
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
        for shard in shards:
            file = pq.ParquetFile(shard)
            wanted = _name_columns(str(shard), file.schema_arrow.names)
            for batch in file.iter_batches(columns=list(wanted)):
                yield batch.rename_columns([wanted[name] for name in batch.schema.names])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{folder}: a shard cannot be read ({str(error).splitlines()[0]})", "run `tripletgen check` on it") from error


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


def _read_hub(name: str, split: str) -> Iterator[pa.RecordBatch]:
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise DataError(f"{name}: no such folder or file", "to read from the Hub: pip install 'tripletgen[hub]'") from error
    try:
        loaded: Any = datasets.load_dataset(name, split=split)
    except Exception as error:
        raise DataError(
            f"{name}: no such folder, file or Hub data set ({str(error).splitlines()[0]})", "check the name and the split"
        ) from error
    wanted = _name_columns(name, loaded.column_names)
    for table in loaded.select_columns(list(wanted)).with_format("arrow").iter(_TOKENIZE_ROWS):
        yield from table.rename_columns([wanted[column] for column in table.column_names]).to_batches()


def _number(batches: Iterator[pa.RecordBatch]) -> Texts:
    """Give every distinct caption a number."""
    numbers: dict[str, int] = {}
    sides: dict[str, list[npt.NDArray[np.int64]]] = {"reference_caption": [], "target_caption": []}
    modifications: list[pa.Array] = []
    digest = xxhash.xxh3_128()
    for batch in batches:
        empty = next((name for name in COLUMNS if batch.column(name).null_count), None)
        if empty is not None:
            raise DataError(f"a row has no {empty}", "each triplet needs three texts; run `tripletgen check` on the data")
        for name, side in sides.items():
            captions = batch.column(name).cast(pa.string()).to_pylist()
            side.append(np.fromiter((numbers.setdefault(caption, len(numbers)) for caption in captions), np.int64, len(captions)))
        modifications.append(batch.column("modification_text").cast(pa.string()))
    captions = list(numbers)
    found = pa.chunked_array(modifications, pa.string())
    reference, target = (np.concatenate([np.zeros(0, np.int64), *side]) for side in sides.values())
    for text in (*captions, *(str(text) for text in found)):
        digest.update(text.encode() + b"\0")
    digest.update(reference.tobytes() + target.tobytes())
    return Texts(captions, reference, target, found, digest.hexdigest())


def tokenize_rows(texts: Iterator[str], tokenize: Any, path: Path) -> Ragged:
    """Tokenise texts in batches into two arrays on disk, `path.flat.npy` and `path.offsets.npy`, and return them memory-mapped."""
    flat_path, offsets_path = path.with_suffix(".flat.npy"), path.with_suffix(".offsets.npy")
    if not (flat_path.is_file() and offsets_path.is_file()):
        path.parent.mkdir(parents=True, exist_ok=True)
        parts, lengths = [], [np.zeros(1, np.int64)]
        for batch in _batches(texts):
            ids = tokenize(batch)
            parts.append(np.fromiter((token for row in ids for token in row), np.int32))
            lengths.append(np.fromiter(map(len, ids), np.int64))
        _save(flat_path, np.concatenate(parts))
        _save(offsets_path, np.cumsum(np.concatenate(lengths)))
    return Ragged(np.load(flat_path, mmap_mode="r"), np.load(offsets_path, mmap_mode="r"))


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _TOKENIZE_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    temporary = path.with_suffix(".tmp.npy")
    np.save(temporary, array)
    temporary.replace(path)


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
