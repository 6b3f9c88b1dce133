"""Read one kind of file each, always as a stream: text, tables, JSON, Parquet, COCO; here or in object storage, packed or not.

A reader is a function from an opened place to `(source id, text)`; a text of None marks a row that cannot be read (broken JSON, bytes that
are not UTF-8). Adding a kind of file means one reader and one line in `READERS`.
"""

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from tripletgen.errors import SourceError
from tripletgen.storage import is_remote, open_file

Row = tuple[str, str | None]
Reader = Callable[[str, str | None], Iterator[Row]]

CAPTION_COLUMNS = ("caption", "captions", "text", "sentence", "sentences", "reference_caption", "alt_text", "title", "raw")
MAX_LINE = 1 << 24


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def kind_of(path: str) -> str:
    """Return the kind of a file by its name, packing aside: `.jsonl`."""
    name = path.lower().removesuffix(".gz").removesuffix(".zst")
    return "." + name.rpartition(".")[2] if "." in Path(name).name else ".txt"


def _open(path: str) -> BinaryIO:
    raw = _open_raw(path)
    if path.lower().endswith(".gz"):
        return without_mark(gzip.open(raw, "rb"))
    if path.lower().endswith(".zst"):
        return without_mark(io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")))
    return without_mark(raw)


def _open_raw(path: str) -> BinaryIO:
    return open_file(path, SourceError) if is_remote(path) else Path(path).open("rb")


def without_mark(stream: Any) -> BinaryIO:
    """Skip the byte order mark that some programs write before UTF-8 text."""
    if stream.peek(3).startswith(codecs.BOM_UTF8):
        stream.read(3)
    return cast(BinaryIO, stream)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines, none longer than `MAX_LINE`: what is over that is read and thrown away, so memory stays bounded."""
    while line := stream.readline(MAX_LINE):
        whole = line
        while len(line) == MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)
        yield whole.rstrip(b"\r\n")


def _decode(line: bytes) -> str | None:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        # A line cut at MAX_LINE may end inside a character; it is far too long anyway.
        return line.decode("utf-8", "ignore") if len(line) >= MAX_LINE else None
    return None if "\x00" in text else text


def numbered_lines(stream: BinaryIO) -> Iterator[Row]:
    """Yield the lines of a stream with their numbers."""
    for number, line in enumerate(_lines(stream), 1):
        yield str(number), _decode(line)


def _read_text(path: str, column: str | None) -> Iterator[Row]:
    if column is not None:
        raise SourceError(f"{path}: a text file has no column {column!r}", "leave the column out")
    with _open(path) as stream:
        yield from numbered_lines(stream)


def _read_table(path: str, rows: Iterator[list[str]], column: str | None) -> Iterator[Row]:
    first = next(rows, None)
    if first is None:
        return
    header = [cell.strip().lower() for cell in first]
    if column is not None and column.isdecimal() and int(column) < len(first):
        index, has_header = int(column), False
    elif column is not None:
        index, has_header = pick_column(path, first, column), True
    else:
        named = [header.index(name) for name in CAPTION_COLUMNS if name in header]
        index, has_header = (named[0], True) if named else (0, False)
    number = 0
    for number, cells in enumerate(rows if has_header else _chain(first, rows), 1):
        text = cells[index] if index < len(cells) else None
        # Undecodable bytes were read as lone surrogates.
        yield str(number), None if text is None or any("\udc80" <= c <= "\udcff" for c in text) else text


def _chain(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rows


def _read_csv(path: str, column: str | None) -> Iterator[Row]:
    csv.field_size_limit(MAX_LINE)
    with _open(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
        reader = csv.reader(text)
        try:
            yield from _read_table(path, reader, column)
        except csv.Error as error:
            raise SourceError(f"{path}: line {reader.line_num} is not CSV ({error})", "check its quotes") from error


def _read_tsv(path: str, column: str | None) -> Iterator[Row]:
    with _open(path) as stream:
        rows = (line.decode("utf-8", "surrogateescape").split("\t") for line in _lines(stream))
        yield from _read_table(path, rows, column)


def pick_column(path: str, columns: Iterable[str], column: str | None) -> int:
    """Return the place of the column that is named, else of the first that holds captions by its name, else of the only one.

    Raises:
        SourceError: there is none.
    """
    names = list(columns)
    for wanted in (column,) if column is not None else CAPTION_COLUMNS:
        if wanted in names:
            return names.index(wanted)
    if column is None and len(names) == 1:
        return 0
    missing = f"no column {column!r}" if column is not None else "no caption column"
    raise SourceError(f"{path}: {missing}; it has {', '.join(names)}", "name one of these: PATH#COLUMN")


def texts_of(row_id: str, value: Any) -> Iterator[Row]:
    """Yield the texts of one cell: a string, or a list of strings (several captions of one image)."""
    if isinstance(value, list):
        for k, item in enumerate(value):
            yield f"{row_id}.{k}", item if isinstance(item, str) else None
    else:
        yield row_id, value if isinstance(value, str) else None


def _read_jsonl(path: str, column: str | None) -> Iterator[Row]:
    name = None
    with _open(path) as stream:
        for row_id, line in numbered_lines(stream):
            try:
                record = json.loads(line) if line is not None else None
            except ValueError:
                record = None
            if isinstance(record, dict):
                if name is None:
                    names = list(record)
                    name = names[pick_column(path, names, column)]
                yield from texts_of(row_id, record.get(name))
            else:
                yield row_id, record if isinstance(record, str) else None


def _read_parquet(path: str, column: str | None) -> Iterator[Row]:
    return read_row_groups(path, column)


def read_row_groups(path: str, column: str | None, group: int | None = None) -> Iterator[Row]:
    """Yield the rows of a Parquet file, or of one of its row groups; they are numbered within the file."""
    import pyarrow.parquet as pq

    with _open_raw(path) as raw, pq.ParquetFile(raw) as file:
        names = file.schema_arrow.names
        name = names[pick_column(path, names, column)]
        number = sum(file.metadata.row_group(before).num_rows for before in range(group or 0))
        for batch in file.iter_batches(batch_size=4096, columns=[name], row_groups=None if group is None else [group]):
            for value in _values(batch.column(0)):
                number += 1
                yield from texts_of(str(number), value)


def _values(column: pa.Array) -> Iterator[Any]:
    """Yield the cells; one whose bytes are not UTF-8, as after a flipped bit, is None and does not take the others with it."""
    try:
        yield from column.to_pylist()
    except UnicodeDecodeError:
        yield from map(_value, column)


def _value(cell: pa.Scalar) -> Any:
    try:
        return cell.as_py()
    except UnicodeDecodeError:
        return None


def count_row_groups(path: str) -> int:
    """Return how many row groups a Parquet file has."""
    import pyarrow.parquet as pq

    with _open_raw(path) as raw, pq.ParquetFile(raw) as file:
        return int(file.num_row_groups)


def _read_coco(path: str, column: str | None) -> Iterator[Row]:
    import ijson

    k = -1
    with _open(path) as stream:
        try:
            for k, item in enumerate(ijson.items(stream, "annotations.item")):
                text = item.get(column or "caption") if isinstance(item, dict) else None
                yield str(item.get("id", k) if isinstance(item, dict) else k), text if isinstance(text, str) else None
        except ijson.JSONError as error:
            raise SourceError(f"{path}: not valid JSON ({first_line(error)})", "the file may be cut short; get it again") from error
    if k < 0:
        raise SourceError(f"{path}: no annotations, so not a COCO captions file", "a list of captions is read from .txt or .jsonl")


READERS: dict[str, Reader] = {
    ".txt": _read_text,
    ".en": _read_text,
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".parquet": _read_parquet,
    ".json": _read_coco,
}


def files_below(folder: str) -> list[str]:
    """Return the files of a folder, at any depth, whose ending names a kind that is read; hidden ones and a bare LICENSE are none."""
    found = sorted(path for path in Path(folder).rglob("*") if "." in path.name and kind_of(path.name) in READERS and path.is_file())
    return [str(path) for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
