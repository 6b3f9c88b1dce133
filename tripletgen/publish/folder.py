"""Publish to a folder or to object storage (`s3://` and whatever else fsspec knows).

There is no commit here, so the manifest is it: it goes away before the first byte changes and comes back last. A reader that
asks for it sees a whole version or none. What was sent is noted in a journal, so that an interrupted publication goes on.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from tripletgen.errors import PublishError
from tripletgen.publish import PLACES, Outcome, Plan, Progress, silence
from tripletgen.publish.manifest import published_files
from tripletgen.shards.manifest import MANIFEST
from tripletgen.shards.writer import ShardFile
from tripletgen.storage import check_address, open_storage, put_file, storage_errors

JOURNAL = ".publishing.json"
_AGAIN = "run the same command again: what was sent is not sent twice"


def check_place(folder: Path, target: str) -> None:
    """Find out without a connection whether a data set could be published to a place.

    Raises:
        PublishError: there is no such kind of place, it names no bucket, or it is the data set or lies in it.
        MissingExtraError: the library for this kind of place is not installed.
    """
    path = check_address(target, PublishError, PLACES)
    if path is not None and path.resolve().is_relative_to(folder.resolve()):
        raise PublishError(f"{target}: is the data set itself, or lies in it", "name a place outside of it")


def publish_to_folder(plan: Plan, *, private: bool = False, progress: Progress = silence) -> Outcome:
    """Bring a folder to the state of the plan, the manifest last.

    Raises:
        PublishError: the place is not there, is not writable, or holds something else.
        MissingExtraError: the library for this kind of place is not installed.
    """
    if private:
        raise PublishError("--private means a repository of the Hub", "leave it out: who may read a folder is set where it lies")
    with storage_errors(plan.target, PublishError, _AGAIN):
        system, root = open_storage(plan.target, PublishError, PLACES)
        there = _read_state(system, root, plan.target)
        changed = [file for file in plan.files if not _is_there(system, root, file, there)]
        stale = sorted(path for path in there if path not in {file.path for file in plan.files} and system.exists(f"{root}/{path}"))
        if changed or stale:
            _send(system, root, plan, there, changed, stale, progress)
    return Outcome(system.unstrip_protocol(root), plan.version, len(changed), len(plan.files) - len(changed), len(stale))


def _read_state(system: Any, root: str, target: str) -> dict[str, str]:
    """Return the checksums of what an earlier publication put there, by path.

    Raises:
        PublishError: the place holds files and neither a manifest nor a journal of ours.
    """
    for name in (JOURNAL, MANIFEST):
        if system.exists(f"{root}/{name}"):
            content = system.cat_file(f"{root}/{name}")
            found = published_files(content.decode("utf-8"), target)
            return found | ({MANIFEST: hashlib.sha256(content).hexdigest()} if name == MANIFEST else {})
    if system.exists(root) and system.ls(root, detail=False):
        raise PublishError(f"{target}: holds files that tripletgen did not publish", "name an empty place")
    return {}


def _is_there(system: Any, root: str, file: ShardFile, there: dict[str, str]) -> bool:
    path = f"{root}/{file.path}"
    return there.get(file.path) == file.sha256 and bool(system.exists(path)) and system.size(path) == file.bytes


def _send(
    system: Any, root: str, plan: Plan, there: dict[str, str], changed: list[ShardFile], stale: list[str], progress: Progress
) -> None:
    state = {path: digest for path, digest in there.items() if path != MANIFEST}
    system.makedirs(root, exist_ok=True)
    _note(system, root, state)
    if system.exists(f"{root}/{MANIFEST}"):
        system.rm_file(f"{root}/{MANIFEST}")
    for file in changed:
        if file.path != MANIFEST:
            progress(f"sending {file.path} ({file.bytes:,} bytes)")
            state.pop(file.path, None)
            put_file(system, Path(plan.folder) / file.path, f"{root}/{file.path}")
            state[file.path] = file.sha256
            _note(system, root, state)
    for path in stale:
        progress(f"removing {path}")
        system.rm_file(f"{root}/{path}")
    progress("finishing")
    put_file(system, Path(plan.folder) / MANIFEST, f"{root}/{MANIFEST}")
    system.rm_file(f"{root}/{JOURNAL}")


def _note(system: Any, root: str, state: dict[str, str]) -> None:
    """Write the journal in the shape of a manifest, so that one reader serves both."""
    files = [{"path": path, "sha256": digest} for path, digest in sorted(state.items())]
    content = json.dumps({"generator": "tripletgen publish", "splits": {}, "files": files}).encode()
    system.pipe_file(f"{root}/{JOURNAL}", content)
