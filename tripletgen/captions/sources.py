"""Read raw captions from files, standard input and the Hugging Face Hub, always as a stream.

A reader is a function from an opened place to `(source id, text)`; a text of None marks a row that cannot be read
(broken JSON, bytes that are not UTF-8). Adding a kind of file means one reader and one line in `READERS`.
"""

import codecs
import csv
import glob
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import pyarrow as pa

from tripletgen.assets import asset
from tripletgen.errors import SourceError, UsageError

Row = tuple[str, str | None]
Reader = Callable[[str, str | None], Iterator[Row]]

EMBEDDED = "embedded"
EMBEDDED_LICENCE = "CC0-1.0"
UNKNOWN_LICENCE = "unknown"
HUB_PREFIX = "hf://datasets/"
CAPTION_COLUMNS = ("caption", "captions", "text", "sentence", "sentences", "reference_caption", "alt_text", "title", "raw")
MAX_LINE = 1 << 20
MAX_BROKEN_SHARE = 0.01


class SourceSpec(NamedTuple):
    """One place to read captions from, as the user named it."""

    path: str
    licence: str = UNKNOWN_LICENCE
    column: str | None = None
    name: str | None = None


class Source(NamedTuple):
    """One readable file or stream: `name` goes into the rows, `path` is opened."""

    name: str
    path: str
    licence: str
    column: str | None


def expand_sources(specs: Iterable[SourceSpec], out: str | None = None) -> list[Source]:
    """Return every file that the specs name, sorted by name, so that their order on the command line does not matter.

    A folder or glob leaves out what lies below `out`: a build must not read its own files when it is run again.

    Raises:
        SourceError: a path names nothing, or a folder or glob holds no caption file.
        UsageError: standard input is named beside itself, or one file is named twice with different columns or licences.
    """
    found: dict[str, SourceSpec] = {}
    for spec in specs:
        for path, column in _expand(spec, out):
            entry = spec._replace(path=path, column=spec.column or column)
            if found.setdefault(path, entry) != entry:
                raise UsageError(f"{path} is named twice, with different columns, licences or names", "name each file once")
    names = _shortest_names([path for path, spec in found.items() if spec.name is None])
    sources = [Source(s.name or names[path], path, s.licence, s.column) for path, s in found.items()]
    return sorted(sources)


def _expand(spec: SourceSpec, out: str | None) -> Iterator[tuple[str, str | None]]:
    if spec.path == EMBEDDED:
        yield from ((str(path), None) for path in sorted(asset("captions/embedded").glob("*.txt")))
        return
    if spec.path == "-" or spec.path.startswith(HUB_PREFIX):
        yield spec.path, None
        return
    path, column = spec.path, None
    if not Path(path).exists() and "#" in path:
        path, _, column = path.rpartition("#")
    if Path(path).is_dir():
        files = [str(p) for p in sorted(Path(path).rglob("*")) if p.is_file() and _kind(p.name) in READERS and not _below(p, out)]
        if not files:
            raise SourceError(f"{path}: the folder holds no caption file", f"kinds read: {' '.join(READERS)}, also .gz/.zst")
    elif Path(path).is_file():
        files = [path]
    else:
        files = [p for p in sorted(glob.glob(path, recursive=True)) if Path(p).is_file() and not _below(Path(p), out)]
        if not files:
            raise SourceError(f"{spec.path}: no such file", "check the path; globs must match at least one file")
    for file in files:
        if _kind(file) not in READERS:
            raise SourceError(f"{file}: not a kind of file that is read", f"kinds: {' '.join(READERS)}, also .gz/.zst")
        yield file, column


def size_of(path: str) -> int | None:
    """Return the bytes of a file, None of what has no size: standard input, a data set of the Hub."""
    return None if path == "-" or path.startswith(HUB_PREFIX) else Path(path).stat().st_size


def modified_of(path: str) -> int | None:
    """Return a mark that changes when a file does, None where `size_of` is."""
    return None if size_of(path) is None else Path(path).stat().st_mtime_ns


def _below(path: Path, folder: str | None) -> bool:
    return folder is not None and path.resolve().is_relative_to(Path(folder).resolve())


def _shortest_names(paths: list[str]) -> dict[str, str]:
    """Name each path by its fewest last parts that tell it from the others: no home folder ends up in a data set."""
    names = {}
    for path in paths:
        if path == "-" or path.startswith(HUB_PREFIX):
            names[path] = "stdin" if path == "-" else path
            continue
        parts = Path(path).parts
        others = [Path(other).parts for other in paths if other != path]
        length = 1
        while length < len(parts) and any(other[-length:] == parts[-length:] for other in others):
            length += 1
        names[path] = "/".join(parts[-length:]).lstrip("/")
    embedded = str(asset("captions/embedded"))
    return {p: f"{EMBEDDED}/{Path(p).stem}" if str(Path(p).parent) == embedded else n for p, n in names.items()}


def read_source(source: Source) -> Iterator[Row]:
    """Yield `(source id, text)` of every row; a row that cannot be read has the text None.

    Raises:
        SourceError: the place cannot be opened, lacks the column, is empty, or more than 1 % of its rows are broken.
    """
    if source.path == "-":
        rows = _numbered_lines(_without_mark(sys.stdin.buffer))
    elif source.path.startswith(HUB_PREFIX):
        rows = _read_hub(source.path, source.column)
    else:
        rows = READERS[_kind(source.path)](source.path, source.column)
    total = broken = 0
    try:
        for row in rows:
            total += 1
            broken += row[1] is None
            if broken > 100 and broken > MAX_BROKEN_SHARE * total:
                break
            yield row
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise SourceError(f"{source.path}: cannot be read ({_first_line(error)})", "the file may be cut short; get it again") from error
    if total == 0:
        raise SourceError(f"{source.path}: the file is empty", "leave it out, or check how it was written")
    if broken > MAX_BROKEN_SHARE * total:
        raise SourceError(
            f"{source.path}: {broken} of {total} rows are broken (not UTF-8 text, or not valid JSON)",
            "convert the file to UTF-8 (iconv -t UTF-8) or mend its rows; up to 1 % are tolerated and counted",
        )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _kind(path: str) -> str:
    name = path.lower().removesuffix(".gz").removesuffix(".zst")
    return "." + name.rpartition(".")[2] if "." in Path(name).name else ".txt"


def _open(path: str) -> BinaryIO:
    if path.lower().endswith(".gz"):
        return _without_mark(gzip.open(path, "rb"))
    if path.lower().endswith(".zst"):
        return _without_mark(io.BufferedReader(pa.input_stream(path, compression="zstd")))
    return _without_mark(Path(path).open("rb"))


def _without_mark(stream: Any) -> BinaryIO:
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


def _numbered_lines(stream: BinaryIO) -> Iterator[Row]:
    for number, line in enumerate(_lines(stream), 1):
        yield str(number), _decode(line)


def _read_text(path: str, column: str | None) -> Iterator[Row]:
    if column is not None:
        raise SourceError(f"{path}: a text file has no column {column!r}", "leave the column out")
    with _open(path) as stream:
        yield from _numbered_lines(stream)


def _read_table(path: str, rows: Iterator[list[str]], column: str | None) -> Iterator[Row]:
    first = next(rows, None)
    if first is None:
        return
    header = [cell.strip().lower() for cell in first]
    if column is not None and column.isdecimal() and int(column) < len(first):
        index, has_header = int(column), False
    elif column is not None:
        index, has_header = _pick_column(path, first, column), True
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


def _pick_column(path: str, columns: Iterable[str], column: str | None) -> int:
    names = list(columns)
    for wanted in (column,) if column is not None else CAPTION_COLUMNS:
        if wanted in names:
            return names.index(wanted)
    missing = f"no column {column!r}" if column is not None else "no caption column"
    raise SourceError(f"{path}: {missing}; it has {', '.join(names)}", "name one of these: PATH#COLUMN")


def _texts(row_id: str, value: Any) -> Iterator[Row]:
    """Yield the texts of one cell: a string, or a list of strings (several captions of one image)."""
    if isinstance(value, list):
        for k, item in enumerate(value):
            yield f"{row_id}.{k}", item if isinstance(item, str) else None
    else:
        yield row_id, value if isinstance(value, str) else None


def _read_jsonl(path: str, column: str | None) -> Iterator[Row]:
    name = None
    with _open(path) as stream:
        for row_id, line in _numbered_lines(stream):
            try:
                record = json.loads(line) if line is not None else None
            except ValueError:
                record = None
            if isinstance(record, dict):
                if name is None:
                    names = list(record)
                    name = names[_pick_column(path, names, column)]
                yield from _texts(row_id, record.get(name))
            else:
                yield row_id, record if isinstance(record, str) else None


def _read_parquet(path: str, column: str | None) -> Iterator[Row]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        name = names[_pick_column(path, names, column)]
        number = 0
        for batch in file.iter_batches(batch_size=4096, columns=[name]):
            for value in batch.column(0).to_pylist():
                number += 1
                yield from _texts(str(number), value)


def _read_coco(path: str, column: str | None) -> Iterator[Row]:
    import ijson

    k = -1
    with _open(path) as stream:
        try:
            for k, item in enumerate(ijson.items(stream, "annotations.item")):
                text = item.get(column or "caption") if isinstance(item, dict) else None
                yield str(item.get("id", k) if isinstance(item, dict) else k), text if isinstance(text, str) else None
        except ijson.JSONError as error:
            raise SourceError(f"{path}: not valid JSON ({_first_line(error)})", "the file may be cut short; get it again") from error
    if k < 0:
        raise SourceError(f"{path}: no annotations, so not a COCO captions file", "a list of captions is read from .txt or .jsonl")


def _read_hub(path: str, column: str | None) -> Iterator[Row]:
    """Stream `hf://datasets/ORG/NAME[@SPLIT][#COLUMN]` through the datasets library."""
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise SourceError(f"{path}: reading from the Hub needs the datasets library", "pip install 'tripletgen[hub]'") from error
    rest, _, named = path.removeprefix(HUB_PREFIX).partition("#")
    name, _, split = rest.partition("@")
    try:
        splits = datasets.load_dataset(name, streaming=True)
    except Exception as error:
        raise SourceError(f"{path}: cannot be loaded ({_first_line(error)})", "check the name, the network and HF_TOKEN") from error
    split = split or ("train" if "train" in splits else next(iter(splits)))
    if split not in splits:
        raise SourceError(f"{path}: no split {split!r}; it has {', '.join(splits)}", "name one of these: hf://datasets/ORG/NAME@SPLIT")
    names = splits[split].column_names or list(next(iter(splits[split]), {}))
    picked = names[_pick_column(path, names, column or named or None)]
    for number, record in enumerate(splits[split].select_columns([picked]), 1):
        yield from _texts(str(number), record[picked])


READERS: dict[str, Reader] = {
    ".txt": _read_text,
    ".en": _read_text,
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".parquet": _read_parquet,
    ".json": _read_coco,
}
