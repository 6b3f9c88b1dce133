"""The folder that a build writes, as the process that leads the build sees it.

A local `--out` is that folder itself. Of a remote one this process keeps a mirror of the small files that it reads and writes; the large
ones go between the store and the workers.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tripletgen.errors import OutputError, SourceError
from tripletgen.options import BuildOptions
from tripletgen.shards.manifest import MANIFEST, Manifest, is_of_tripletgen, read_manifest, write_text
from tripletgen.staging import WORK, RemotePlace, open_remote
from tripletgen.storage import DISK_FULL, is_remote

FOLDERS = ("partition", "parsed", "stats", "rows", "rejects", "read", "masks", "pairs")
_OURS = (MANIFEST, "README.md", "recipe.yaml", "data", "rejects", "figures", WORK)
_FINGERPRINT = f"{WORK}/fingerprint"
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.EROFS, errno.ENAMETOOLONG, errno.EINVAL)


class Work(NamedTuple):
    """Where a build goes on: `out` as it was named, `folder` on this machine, and the remote place that it mirrors, if any."""

    out: str
    folder: Path
    place: RemotePlace | None

    @property
    def unfinished(self) -> Path:
        """Return the folder of what is not finished."""
        return self.folder / WORK

    @property
    def root(self) -> str:
        """Return what a worker opens."""
        return self.out if self.place is not None else str(self.folder.resolve())

    def fetch(self, *names: str) -> None:
        """Have files here that a worker may have written."""
        if self.place is not None:
            for name in names:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                self.place.get(name, self.folder / name)

    def send(self, *names: str) -> None:
        """Let workers and users have files that were written here."""
        if self.place is not None:
            for name in names:
                self.place.put(self.folder / name, name)

    def forget(self, *names: str) -> None:
        """Keep no copy here of files that were fetched."""
        if self.place is not None:
            for name in names:
                (self.folder / name).unlink(missing_ok=True)

    def hand_over(self, *names: str) -> None:
        """Send files of which no copy is kept here."""
        for name in names:
            self.send(name)
            self.forget(name)

    @contextmanager
    def lend(self, name: str) -> Iterator[Path]:
        """Provide a large file for as long as it is read."""
        self.fetch(name)
        try:
            yield self.folder / name
        finally:
            self.forget(name)

    def names(self) -> list[str]:
        """Return the names of what lies there."""
        if self.place is not None:
            return self.place.names()
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def found_mark(self) -> str | None:
        """Return the fingerprint of what is not finished there, None where nothing is."""
        self.fetch(_FINGERPRINT)
        marker = self.folder / _FINGERPRINT
        return marker.read_text(encoding="utf-8") if marker.is_file() else None

    def mark(self, fingerprint: str) -> None:
        """Note what is being made there."""
        self.unfinished.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / _FINGERPRINT, fingerprint)
        self.send(_FINGERPRINT)

    def remove(self, *names: str) -> None:
        """Remove files and folders, here and there."""
        for name in names:
            path = self.folder / name
            path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
            if self.place is not None:
                self.place.remove(name)


@contextmanager
def open_work(out: str) -> Iterator[Work]:
    """Provide the folder of a build.

    Raises:
        OutputError: it cannot be written, or the disk is full.
    """
    if is_remote(out):
        with tempfile.TemporaryDirectory(prefix="tripletgen-") as folder:
            yield Work(out.rstrip("/"), Path(folder), open_remote(out))
    else:
        with _disk_errors(Path(out)), _no_leavings(Path(out)):
            yield Work(out, Path(out), None)


def claim(work: Work, options: BuildOptions, fingerprint: str) -> Manifest | None:
    """Make the folder this build's, or return the manifest if this very build is finished there.

    Raises:
        OutputError: the folder is a file, is not writable, or holds another build or something else.
    """
    out = work.folder
    if out.exists() and not out.is_dir():
        raise OutputError(f"{work.out}: is a file", "give --out a folder")
    work.fetch(MANIFEST)
    finished = read_manifest(out) if (out / MANIFEST).exists() and not options.overwrite else None
    if finished is not None and finished["fingerprint"] == fingerprint:
        if any(spec.path == "-" for spec in options.sources):
            # What comes through a pipe may be something else than last time: to say that it is done would lose it silently.
            raise OutputError(f"{work.out}: holds a finished build of standard input", "--overwrite starts afresh, or give another --out")
        work.remove(WORK)  # a kill after the manifest left it
        return finished
    unfinished = work.found_mark()
    if options.overwrite:
        clear(work)
    elif finished is not None or (unfinished not in (None, fingerprint) and not options.resume):
        state = "a finished" if finished is not None else "an unfinished"
        raise OutputError(
            f"{work.out}: holds {state} build of another recipe, source or version",
            "--overwrite starts afresh" + ("" if finished else ", --resume keeps what still fits") + ", or give another --out",
        )
    elif unfinished is None:
        check_empty(work)
    for name in FOLDERS:
        (work.unfinished / name).mkdir(parents=True, exist_ok=True)
    work.mark(fingerprint)
    return None


def check_empty(work: Work) -> None:
    """Refuse a folder that holds anything but what a kill at the very beginning leaves.

    Raises:
        OutputError: it does.
    """
    if work.names() not in ([], [WORK]):
        raise OutputError(f"{work.out}: is not empty and not a data set of tripletgen", "give --out a new folder")


def clear(work: Work) -> None:
    """Remove a data set, finished or not. Names alone prove nothing: many a project has a `README.md` and a `data` folder.

    Raises:
        OutputError: nothing shows that it is one, or something else lies there; nothing is removed then.
    """
    names = work.names()
    if any(name not in _OURS for name in names):
        raise OutputError(f"{work.out}: holds files that tripletgen did not write", "give --out a new folder")
    work.fetch(MANIFEST)
    if work.found_mark() is None:
        if not is_of_tripletgen(work.folder):
            check_empty(work)
            return
        work.mark("removed")  # a kill in between must leave what is known as ours
    work.remove(*(name for name in _OURS if name in [*names, WORK]))


def below_work(names: Iterable[str]) -> list[str]:
    """Return names of unfinished files as they are seen from the folder of the build."""
    return [f"{WORK}/{name}" for name in names]


@contextmanager
def _no_leavings(out: Path) -> Iterator[None]:
    """Leave no trace of a build whose source cannot be read: the mended command must not meet an unfinished build of another recipe.

    Where units are parsed already, they stay.
    """
    made = not out.exists()
    try:
        yield
    except SourceError:
        if not any((out / WORK / "parsed").glob("*.json")):
            shutil.rmtree(out if made else out / WORK, ignore_errors=True)
        raise


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    """Translate what the disk says into what the user can do."""
    try:
        yield
    except PermissionError as error:
        raise OutputError(f"{error.filename or out}: not writable", "give --out a folder that you may write to") from error
    except OSError as error:
        if error.errno in _NO_FOLDER and not os.path.isdir(out):  # Path.is_dir raises where a name is too long
            raise OutputError(f"{out}: no folder can be made there ({error.strerror})", "give --out another folder") from error
        if error.errno in DISK_FULL:
            raise OutputError(f"{out}: the disk is full", "what is finished is kept: make room and run the same command again") from error
        raise
