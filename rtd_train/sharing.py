"""Arrays on disk that all processes of a run fill and then share.

Each process writes the rows that it made, behind those of the lower ranks. Then all of them map the whole file into memory, where it
stands once for all processes of a machine. Rows are written, not mapped: two machines that wrote into one mapped page of a network
file system would overwrite each other.
"""

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from rtd_train.data import Ragged
from rtd_train.device import World
from rtd_train.errors import OutputError

_BATCH = 10_000

Array = npt.NDArray[Any]
Write = Callable[[int, Array], None]


def share_rows(world: World, path: Path, own: Array) -> Array:
    """Write this process's rows of an array and return the rows of all, memory-mapped.

    Shape: (own rows, ...) -> (rows, ...).
    """
    counts = world.gather_values(len(own))
    with shared_array(world, path, own.dtype, (sum(counts), *own.shape[1:])) as write:
        write(sum(counts[: world.rank]), own)
    return load_array(path)  # type: ignore[no-any-return]


@contextlib.contextmanager
def shared_array(world: World, path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Iterator[Write]:
    """Make the file of an array; each process fills its rows with `write(first row, rows)`. It has its name when all have done so.

    Raises:
        OutputError: this process does not see the file that the main process made.
    """

    def begin() -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two runs that start together must not write one file; on two machines they may have the same process ids.
        begun = path.with_name(f"{path.name}.{uuid4().hex}.tmp")
        np.lib.format.open_memmap(begun, "w+", dtype, shape)
        return begun

    temporary = world.tell(begin)
    if not temporary.is_file():
        raise OutputError(
            f"{temporary}: made by the first process, not there for process {world.rank} on {socket.gethostname()}",
            "give --cache and --out folders that all machines share",
        )
    start = load_array(temporary).offset
    size = int(np.dtype(dtype).itemsize * np.prod(shape[1:], dtype=np.int64))
    with temporary.open("r+b") as file:

        def write(row: int, rows: Array) -> None:
            file.seek(start + row * size)
            np.ascontiguousarray(rows, dtype).tofile(file)

        yield write
    world.wait()
    if world.is_main:
        temporary.replace(path)
    world.wait()


def load_array(path: Path) -> Any:
    """Return an array on disk, memory-mapped."""
    return np.load(path, mmap_mode="r")


def share_ragged(world: World, path: Path, own: Ragged) -> Ragged:
    """Write this process's rows of different lengths, and return those of all: `path.flat.npy` and `path.offsets.npy`."""
    ends = np.cumsum(world.gather_values(len(own.flat)))
    share_rows(world, _part(path, "flat"), own.flat)
    # A row ends where it ends in its process, behind all tokens of the lower ranks.
    before = int(ends[world.rank]) - len(own.flat)
    offsets = own.offsets[1:] + before
    share_rows(world, _part(path, "offsets"), offsets if world.rank else np.concatenate([[0], offsets]))
    return load_ragged(path)


def load_ragged(path: Path) -> Ragged:
    """Return the rows that `share_ragged` wrote."""
    return Ragged(load_array(_part(path, "flat")), load_array(_part(path, "offsets")))


def share_tokens(world: World, path: Path, texts: Iterable[str], tokenize: Callable[[list[str]], list[list[int]]]) -> Ragged:
    """Tokenise this process's texts in batches and return the token ids of all; nothing is done where they lie there already."""
    if not world.tell(lambda: _part(path, "offsets").is_file()):
        batches = (tokenize(batch) for batch in _batches(texts))
        share_ragged(world, path, _ragged((np.fromiter(ids, np.int32, len(ids)) for batch in batches for ids in batch), np.int32))
    return load_ragged(path)


def _part(path: Path, name: str) -> Path:
    # Not `with_suffix`: a name may hold the version of a parser, and what stands behind its last dot tells names apart too.
    return path.with_name(f"{path.name}.{name}.npy")


def encode_texts(texts: Iterable[str]) -> Ragged:
    """Return texts as rows of bytes."""
    return _ragged((np.frombuffer(text.encode(), np.uint8) for text in texts), np.uint8)


def iter_texts(rows: Ragged, part: slice) -> Iterator[str]:
    """Yield some of the texts that `encode_texts` made rows of."""
    offsets = rows.offsets[part.start : part.stop + 1].tolist()
    for start, stop in pairwise(offsets):
        yield rows.flat[start:stop].tobytes().decode()


def _ragged(rows: Iterable[Array], dtype: npt.DTypeLike) -> Ragged:
    lengths = [0]
    flat = bytearray()
    for row in rows:
        lengths.append(len(row))
        flat += row.tobytes()
    return Ragged(np.frombuffer(flat, dtype), np.cumsum(np.array(lengths, np.int64)))


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(texts)
    while batch := list(islice(rest, _BATCH)):
        yield batch
