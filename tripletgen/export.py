"""Write a data set in the formats that other programs read: one row in memory at a time, the output complete or absent."""

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tripletgen.errors import OutputError, UsageError
from tripletgen.schema import Triplet
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.reader import iter_triplets, shard_paths

# RTD's plain-text query: what a text encoder can be trained on without a projection module.
ANCHOR = "a photo of {reference_caption} that {modification_text}"
TAR_ROWS = 10_000


class Export(NamedTuple):
    """What an export wrote."""

    path: str
    format: str
    split: str
    rows: int
    files: int


def export_dataset(folder: str | Path, kind: str, out: str | Path, *, split: str = "train", overwrite: bool = False) -> Export:
    """Write one split of a finished data set to `out`: a file, or a folder of tar files for `webdataset`.

    The output appears under its name only when it is whole, so that an interrupted export leaves nothing that looks like one.

    Raises:
        UsageError: there is no such format.
        DataError: there is no such data set or split, or a shard cannot be read.
        OutputError: something stands at `out` already, or it cannot be written.
    """
    if kind not in FORMATS:
        raise UsageError(f"no format {kind!r}", f"formats: {', '.join(FORMATS)}")
    source, target = Path(folder), Path(out)
    splits = read_manifest(source)["splits"]
    if not shard_paths(source, split):
        raise UsageError(f"{folder}: has no split {split!r}", f"splits of this data set: {', '.join(splits)}")
    _refuse(source, target, overwrite=overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In a new folder beside it: no name that somebody else gave a file is taken.
        with tempfile.TemporaryDirectory(prefix="tripletgen-export-", dir=target.parent) as beside:
            temporary = Path(beside) / target.name
            files = FORMATS[kind](iter_triplets(source, split), temporary, split)
            _remove(target)
            temporary.rename(target)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{target}: cannot be written ({reason})", "check the path, its permissions and the disk") from error
    return Export(str(out), kind, split, splits[split]["rows"], files)


def _refuse(source: Path, target: Path, *, overwrite: bool) -> None:
    """Refuse an output that would harm what is there: the data set and its files, or a file that nobody said may go."""
    place, root = target.resolve(), source.resolve()
    if root.is_relative_to(place):
        raise OutputError(f"{target}: is the data set itself, or holds it", "give --out another path")
    if place.is_relative_to(root):
        raise OutputError(f"{target}: lies in the data set itself", "give --out a path outside of it")
    if target.exists() and not overwrite:
        raise OutputError(f"{target}: exists", "give another --out, or --overwrite to replace it")
    if target.is_dir() and any(path.suffix != ".tar" for path in target.iterdir()):
        raise OutputError(f"{target}: is a folder that an export did not write", "give another --out")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _write_rtd_json(rows: Iterable[Triplet], path: Path, _split: str) -> int:
    """Write one JSON list, an object a line, with the three keys that the authors' loader asks for."""
    with path.open("wb") as file:
        for number, row in enumerate(rows):
            record = {
                "reference_caption": row.reference_caption,
                "conditioning_caption": row.modification_text,
                "target_caption": row.target_caption,
            }
            file.write((b",\n" if number else b"[\n") + _dumps(record))
        file.write(b"\n]\n")
    return 1


def _write_jsonl(rows: Iterable[Triplet], path: Path, _split: str) -> int:
    """Write every column, a row a line."""
    return _write_lines((row._asdict() for row in rows), path)


def _write_sentence_transformers(rows: Iterable[Triplet], path: Path, _split: str) -> int:
    """Write anchor, positive and negative: the reference is the hard negative, since a query that ignores its text finds it."""
    records = (
        {
            "anchor": ANCHOR.format(reference_caption=row.reference_caption.rstrip(" ."), modification_text=row.modification_text),
            "positive": row.target_caption,
            "negative": row.reference_caption,
        }
        for row in rows
    )
    return _write_lines(records, path)


def _write_lines(records: Iterable[dict[str, Any]], path: Path) -> int:
    with path.open("wb") as file:
        file.writelines(_dumps(record) + b"\n" for record in records)
    return 1


def _write_webdataset(rows: Iterator[Triplet], path: Path, split: str) -> int:
    """Write tar files of `TAR_ROWS` samples; the key is the triplet id and the one member is JSON with every column."""
    path.mkdir()
    number = -1
    for number, numbered in groupby(enumerate(rows), lambda pair: pair[0] // TAR_ROWS):
        with (path / f"{split}-{number:06d}.tar").open("wb") as file:
            _write_tar((row for _, row in numbered), file)
    return number + 1


def _write_tar(rows: Iterable[Triplet], file: BinaryIO) -> None:
    # No times and no owner: equal data sets give equal bytes.
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for row in rows:
            content = _dumps(row._asdict())
            member = tarfile.TarInfo(f"{row.triplet_id}.json")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep every header until the end


FORMATS: dict[str, Callable[[Iterator[Triplet], Path, str], int]] = {
    "rtd-json": _write_rtd_json,
    "jsonl": _write_jsonl,
    "sentence-transformers": _write_sentence_transformers,
    "webdataset": _write_webdataset,
}
"""Every format with its writer, which returns how many files it wrote."""
