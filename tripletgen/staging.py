"""Give a unit function the files of its task in a folder of its own, and take what it wrote to where the data set is built.

So a worker needs no shared disk, and a file that it began and did not finish is seen by nobody: with the report sent last, a unit is
done or not, however its worker ended.
"""

import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from tripletgen.errors import OutputError
from tripletgen.storage import is_remote, open_storage, storage_errors

WORK = ".work"
_WORKER = "tripletgen-worker-"
PLACES = "a local folder, or s3://BUCKET/PREFIX"


class Files(NamedTuple):
    """The files of a task by their names below `.work`; what it reads may be absent, what it writes is sent in this order.

    `shared` files are read by many tasks: a worker fetches them once for each `version`.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    version: str = ""


class StagedTask(Protocol):
    """A named tuple that says which files it needs; its field `work` is the folder that it finds them in."""

    def files(self) -> Files:
        """Return the files of the task."""


class Place(Protocol):
    """Where a data set is built, the unfinished files below `.work` included."""

    def get(self, name: str, path: Path) -> bool:
        """Fetch a file to a path, or answer that it is not there."""

    def put(self, path: Path, name: str) -> None:
        """Send a file; others see all of it or nothing."""


class LocalPlace(NamedTuple):
    """A folder that every worker sees under the same path."""

    folder: Path

    def get(self, name: str, path: Path) -> bool:
        """Copy a file, or answer that it is not there."""
        try:
            shutil.copyfile(self.folder / name, path)
        except FileNotFoundError:
            return False
        return True

    def put(self, path: Path, name: str) -> None:
        """Copy a file to a name of its own, then rename it: a worker that was given up may still be writing the same one."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}.tmp")
        shutil.copyfile(path, temporary)
        temporary.replace(target)


class RemotePlace(NamedTuple):
    """A prefix of an object store; there a file is whole or absent."""

    url: str
    system: Any
    root: str

    def get(self, name: str, path: Path) -> bool:
        """Fetch a file, or answer that it is not there."""
        with storage_errors(self.url):
            try:
                self.system.get_file(f"{self.root}/{name}", str(path))
            except FileNotFoundError:
                path.unlink(missing_ok=True)
                return False
        return True

    def put(self, path: Path, name: str) -> None:
        """Send a file."""
        with storage_errors(self.url):
            self.system.put_file(str(path), f"{self.root}/{name}")

    def names(self, folder: str = "") -> list[str]:
        """Return the names of what lies in a folder."""
        with storage_errors(self.url):
            path = f"{self.root}/{folder}".rstrip("/")
            found = self.system.ls(path, detail=False) if self.system.exists(path) else []
            return sorted(entry.rpartition("/")[2] for entry in found if entry.rstrip("/") != path)

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all that it holds, if it is there."""
        with storage_errors(self.url):
            if self.system.exists(f"{self.root}/{name}"):
                self.system.rm(f"{self.root}/{name}", recursive=True)


@cache
def open_place(root: str) -> Place:
    """Return the place of a path or an address.

    Raises:
        OutputError: there is no such bucket, or it cannot be reached; or the folder is not there on this node.
        MissingExtraError: the library for this kind of place is not installed.
    """
    if is_remote(root):
        return open_remote(root)
    if not (Path(root) / WORK).is_dir():
        hint = "give --out s3://BUCKET/PREFIX, or a folder on a disk that all nodes share"
        raise OutputError(f"{root}: a worker does not see this folder", hint)
    return LocalPlace(Path(root))


def open_remote(url: str) -> RemotePlace:
    """Return the place of an address."""
    with storage_errors(url):
        return RemotePlace(url, *open_storage(url, OutputError, PLACES))


Task = TypeVar("Task", bound=StagedTask)
Result = TypeVar("Result")


def changed(task: Task, **fields: Any) -> Task:
    """Return a task with other values of some fields."""
    return cast(Task, cast(Any, task)._replace(**fields))


def run_staged(function: Callable[[Task], Result], task: Task, root: str, *, keep: bool = True) -> Result:
    """Run a unit function on copies of its files and send what it wrote, unless it is a trial that is not to be kept."""
    place, bench, files = open_place(root), bench_of(root), task.files()
    with_files = [*files.reads, *files.writes]
    try:
        for name in with_files:
            (bench / name).parent.mkdir(parents=True, exist_ok=True)
        for name in files.reads:
            place.get(f"{WORK}/{name}", bench / name)
        _fetch_shared(place, bench, files)
        result = function(changed(task, work=str(bench)))
        if keep:
            _send(place, bench, files.writes)
        return result
    finally:
        for name in with_files:
            (bench / name).unlink(missing_ok=True)


def _send(place: Place, bench: Path, names: Iterable[str]) -> None:
    for name in names:
        if (bench / name).is_file():  # a unit that was done already wrote nothing
            place.put(bench / name, f"{WORK}/{name}" if not name.startswith("../") else name.removeprefix("../"))


@cache
def bench_of(root: str) -> Path:  # noqa: ARG001
    """Return this process's folder for a data set: shared files, and what is read from them, stay from task to task."""
    sweep()
    new = Path(tempfile.mkdtemp(prefix="tripletgen-"))
    _lock(new / "owner")
    folder = new.rename(new.with_name(new.name.replace("tripletgen-", _WORKER)))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / WORK).mkdir()
    return folder / WORK


def sweep() -> None:
    """Remove the folders of processes that ended without doing so: the one that owns a folder holds a lock in it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_WORKER}*"):
        try:
            os.close(_lock(folder / "owner"))
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _lock(path: Path) -> int:
    """Lock a file for as long as this process lives; another holder, or another user, is an OSError."""
    import fcntl  # not on Windows, where Ray and remote places are not tried

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _fetch_shared(place: Place, bench: Path, files: Files) -> None:
    for name in files.shared:
        mark = bench / f"{name}.version"
        if not (mark.is_file() and mark.read_text() == files.version):
            place.get(f"{WORK}/{name}", bench / name)
            mark.write_text(files.version)
