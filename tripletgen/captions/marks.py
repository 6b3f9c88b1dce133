"""What a source was when a build began: without it, a source that was mended since would be taken for what it was."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import xxhash

from tripletgen.captions.sources import ASKED_AT_A_TIME, HUB_PREFIX, source_errors
from tripletgen.errors import SourceError
from tripletgen.storage import is_remote, locate

_BLOCK = 1 << 20


class Mark(NamedTuple):
    """What tells one content from another: its hash, or a store's tag; None where nobody knows, as of standard input and the Hub."""

    size: int | None
    content: str | None


def marks_of(paths: Iterable[str]) -> list[Mark]:
    """Return the marks of files; many are asked for at a time, for a store takes its time over each.

    Raises:
        SourceError: a file cannot be read, or a store does not answer.
    """
    with ThreadPoolExecutor(ASKED_AT_A_TIME) as pool:
        return list(pool.map(_mark_of, paths))


def _mark_of(path: str) -> Mark:
    if path == "-" or path.startswith(HUB_PREFIX):
        return Mark(None, None)
    with source_errors(path):
        if not is_remote(path):
            return _hashed(path)
        system, root = locate(path, SourceError)
        info = system.info(root)
        return Mark(int(info["size"]), str(info.get("ETag") or info.get("mtime")))


def _hashed(path: str) -> Mark:
    """Hash a file; its time would not do: a copy has another one, and a mended typo leaves the size as it was."""
    state, size = xxhash.xxh3_128(), 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            state.update(block)
            size += len(block)
    return Mark(size, state.hexdigest())
