"""Read raw captions from files, object storage, standard input and the Hugging Face Hub, always as a stream."""

import glob
import logging
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tripletgen.assets import asset
from tripletgen.captions.readers import (
    READERS,
    Row,
    count_row_groups,
    files_below,
    first_line,
    kind_of,
    numbered_lines,
    pick_column,
    read_row_groups,
    texts_of,
    without_mark,
)
from tripletgen.errors import SourceError, UsageError
from tripletgen.storage import is_remote, locate, open_storage, storage_errors

EMBEDDED = "embedded"
EMBEDDED_LICENCE = "CC0-1.0"
UNKNOWN_LICENCE = "unknown"
HUB_PREFIX = "hf://datasets/"
MAX_BROKEN_SHARE = 0.01
_ADDRESS = "s3://BUCKET/KEY"
ASKED_AT_A_TIME = 32


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
        for path, column in _expand_remote(spec.path, out) if is_remote(spec.path) else _expand_local(spec, out):
            entry = spec._replace(path=path, column=spec.column or column)
            if found.setdefault(path, entry) != entry:
                raise UsageError(f"{path} is named twice, with different columns, licences or names", "name each file once")
    names = _shortest_names([path for path, spec in found.items() if spec.name is None])
    sources = [Source(s.name or names[path], path, s.licence, s.column) for path, s in found.items()]
    return sorted(sources)


def _expand_local(spec: SourceSpec, out: str | None) -> list[tuple[str, str | None]]:
    try:
        return list(_expand(spec, out))
    except OSError as error:
        raise SourceError(f"{spec.path}: may not be looked at ({error.strerror})", "check the path and its permissions") from error


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
        files = [file for file in files_below(path) if not _below(Path(file), out)]
        if not files:
            raise SourceError(f"{path}: the folder holds no caption file", f"kinds read: {' '.join(READERS)}, also .gz/.zst")
    elif Path(path).is_file():
        files = [path]
    else:
        files = [p for p in sorted(glob.glob(path, recursive=True)) if Path(p).is_file() and not _below(Path(p), out)]
        if not files:
            raise SourceError(f"{spec.path}: no such file", "check the path; globs must match at least one file")
    for file in files:
        if kind_of(file) not in READERS:
            raise SourceError(f"{file}: not a kind of file that is read", f"kinds: {' '.join(READERS)}, also .gz/.zst")
        yield file, column


def _expand_remote(address: str, out: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield the files of an address of object storage: a file, a folder, or a glob; `#COLUMN` names a column."""
    with storage_errors(address, SourceError):
        path, column = address, None
        system, root = open_storage(path, SourceError, _ADDRESS)
        if not system.exists(root) and "#" in path:
            path, _, column = path.rpartition("#")
            system, root = locate(path, SourceError)
        found = [root] if system.isfile(root) else system.find(root) if system.isdir(root) else system.glob(root)
        # `glob` and `find` name folders' placeholders too, which end in a slash.
        files = [system.unstrip_protocol(name) for name in sorted(found) if not name.endswith("/")]
        files = [name for name in files if out is None or not name.startswith(out.rstrip("/") + "/")]
        if len(files) > 1 or not system.isfile(root):
            files = [name for name in files if kind_of(name) in READERS]
    if not files:
        raise SourceError(f"{path}: no such file", f"check the address; kinds read: {' '.join(READERS)}, also .gz/.zst")
    for name in files:
        if kind_of(name) not in READERS:
            raise SourceError(f"{name}: not a kind of file that is read", f"kinds: {' '.join(READERS)}, also .gz/.zst")
        yield name, column


def _below(path: Path, folder: str | None) -> bool:
    return folder is not None and path.resolve().is_relative_to(Path(folder).resolve())


def _shortest_names(paths: list[str]) -> dict[str, str]:
    """Name each path by its fewest last parts that tell it from the others: no home folder ends up in a data set."""
    names = {path: "stdin" if path == "-" else path for path in paths if path == "-" or path.startswith(HUB_PREFIX)}
    left = {path: Path(path).parts for path in paths if path not in names}
    length = 1
    while left:
        tails = Counter(parts[-length:] for parts in left.values())
        named = {path: tail for path, parts in left.items() if tails[tail := parts[-length:]] == 1 or length >= len(parts)}
        names |= {path: "/".join(tail).lstrip("/") for path, tail in named.items()}
        left = {path: parts for path, parts in left.items() if path not in named}
        length += 1
    embedded = str(asset("captions/embedded"))
    return {p: f"{EMBEDDED}/{Path(p).stem}" if str(Path(p).parent) == embedded else n for p, n in names.items()}


def read_source(source: Source) -> Iterator[Row]:
    """Yield `(source id, text)` of every row; a row that cannot be read has the text None.

    Raises:
        SourceError: the place cannot be opened, lacks the column, is empty, or more than 1 % of its rows are broken.
    """
    total = broken = 0
    first = ""
    for row in read_piece(source):
        total += 1
        if row[1] is None:
            first, broken = first or row[0], broken + 1
        if broken > 100 and broken > MAX_BROKEN_SHARE * total:
            break
        yield row
    check_counts(source, total, broken, first)


def check_counts(source: Source, total: int, broken: int, first: str = "") -> None:
    """Raise if a source has no rows, or too many that cannot be read.

    Raises:
        SourceError: it is so.
    """
    if total == 0:
        raise SourceError(f"{_place(source.path)}: is empty", "leave it out, or check how it was written")
    if broken > MAX_BROKEN_SHARE * total:
        raise SourceError(
            f"{_place(source.path)}: {broken} of {total} rows are broken (not UTF-8 text, or not valid JSON)"
            + (f", the first is row {first}" if first else ""),
            "convert the file to UTF-8 (iconv -t UTF-8) or mend its rows; up to 1 % are tolerated and counted",
        )


def _place(path: str) -> str:
    return "standard input" if path == "-" else path


def count_pieces(sources: Iterable[Source]) -> list[int]:
    """Return into how many pieces each source can be read by workers that know nothing of each other: row groups, or the Hub's files."""
    with ThreadPoolExecutor(ASKED_AT_A_TIME) as pool:
        return list(pool.map(_pieces_of, sources))


def _pieces_of(source: Source) -> int:
    if source.path == "-":
        return 1
    with source_errors(source.path):
        if source.path.startswith(HUB_PREFIX):
            return int(_load_hub(source.path, source.column)[0].num_shards)
        return count_row_groups(source.path) if kind_of(source.path) == ".parquet" and "." in source.path else 1


def read_piece(source: Source, piece: int | None = None, on_end: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
    """Yield the rows of a source, or of one of its pieces.

    A piece of the Hub's is numbered from 1, for nobody knows what is before it; `on_end` is told its last number. Others are numbered
    within the source.

    Raises:
        SourceError: the place cannot be opened or read, or lacks the column.
    """
    with source_errors(source.path):
        if source.path == "-":
            yield from numbered_lines(without_mark(sys.stdin.buffer))
        elif source.path.startswith(HUB_PREFIX):
            yield from _read_hub(source.path, source.column, piece, on_end)
        elif piece is not None and kind_of(source.path) == ".parquet":
            yield from read_row_groups(source.path, source.column, piece)
        else:
            yield from READERS[kind_of(source.path)](source.path, source.column)


@contextmanager
def source_errors(path: str) -> Iterator[None]:
    """Translate what goes wrong with a file or a store."""
    try:
        with storage_errors(path, SourceError) if is_remote(path) else nullcontext():
            yield
    except PermissionError as error:
        raise SourceError(f"{_place(path)}: may not be read", "check its permissions") from error
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise SourceError(f"{_place(path)}: cannot be read ({first_line(error)})", "the file may be cut short; get it again") from error


def _read_hub(path: str, column: str | None, piece: int | None, on_end: Callable[[int], None]) -> Iterator[Row]:
    rows, name = _load_hub(path, column)
    rows = rows if piece is None else rows.shard(num_shards=rows.num_shards, index=piece)
    number = 0
    for number, record in enumerate(rows, 1):
        yield from texts_of(str(number), record[name])
    on_end(number)


def _load_hub(path: str, column: str | None) -> tuple[Any, str]:
    """Open `hf://datasets/ORG/NAME[@SPLIT][#COLUMN]` through the datasets library, as a stream; return it and its column."""
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise SourceError(f"{path}: reading from the Hub needs the datasets library", "pip install 'tripletgen[hub]'") from error
    # Its client tells of every retry; the last failure is told here.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    rest, _, named = path.removeprefix(HUB_PREFIX).partition("#")
    name, _, split = rest.partition("@")
    if not name:
        raise SourceError(f"{path}: names no data set", "write hf://datasets/ORG/NAME")
    try:
        splits = datasets.load_dataset(name, streaming=True)
    except Exception as error:
        raise SourceError(f"{path}: cannot be loaded ({first_line(error)})", "check the name, the network and HF_TOKEN") from error
    split = split or ("train" if "train" in splits else next(iter(splits)))
    if split not in splits:
        raise SourceError(f"{path}: no split {split!r}; it has {', '.join(splits)}", "name one of these: hf://datasets/ORG/NAME@SPLIT")
    names = splits[split].column_names or list(next(iter(splits[split]), {}))
    picked = names[pick_column(path, names, column or named or None)]
    return splits[split].select_columns([picked]), picked
