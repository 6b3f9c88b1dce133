"""Publish to a folder or to object storage (`s3://` and whatever else fsspec knows).

There is no commit here, so the manifest is it: it goes away before the first byte changes and comes back last. A reader that
asks for it sees a whole version or none. What was sent is noted in a journal, so that an interrupted publication goes on.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tripletgen.errors import MissingExtraError, PublishError, TripletgenError
from tripletgen.publish import PLACES, Outcome, Plan, Progress, silence
from tripletgen.publish.manifest import published_files
from tripletgen.shards.manifest import MANIFEST
from tripletgen.shards.writer import ShardFile

JOURNAL = ".publishing.json"
_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "InvalidAccessKeyId", "SignatureDoesNotMatch")


def publish_to_folder(plan: Plan, *, private: bool = False, progress: Progress = silence) -> Outcome:
    """Bring a folder to the state of the plan, the manifest last.

    Raises:
        PublishError: the place is not there, is not writable, or holds something else.
        MissingExtraError: the library for this kind of place is not installed.
    """
    if private:
        raise PublishError("--private means a repository of the Hub", "leave it out: who may read a folder is set where it lies")
    with _storage_errors(plan.target):
        system, root = _open(plan.target)
        there = _read_state(system, root, plan.target)
        changed = [file for file in plan.files if not _is_there(system, root, file, there)]
        stale = sorted(path for path in there if path not in {file.path for file in plan.files} and system.exists(f"{root}/{path}"))
        if changed or stale:
            _send(system, root, plan, there, changed, stale, progress)
    return Outcome(system.unstrip_protocol(root), plan.version, len(changed), len(plan.files) - len(changed), len(stale))


def _open(target: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise MissingExtraError("publishing to a folder or to S3 needs the fsspec library", "pip install 'tripletgen[hub]'") from error
    try:
        system, root = fsspec.core.url_to_fs(target)
    except ImportError as error:
        raise MissingExtraError(f"{target}: {error}", "pip install 'tripletgen[hub]'") from error
    except ValueError as error:
        raise PublishError(f"{target}: {error}", PLACES) from error
    system.invalidate_cache()
    root = root.rstrip("/")
    bucket = root.partition("/")[0]
    if "local" not in _names(system):
        try:
            system.info(bucket)  # `exists` would take missing credentials for a missing bucket
        except FileNotFoundError as error:
            raise PublishError(f"{target}: there is no bucket {bucket!r}", "make it first, or check its name and its region") from error
    return system, root


def _names(system: Any) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)


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
            _put(system, Path(plan.folder) / file.path, f"{root}/{file.path}")
            state[file.path] = file.sha256
            _note(system, root, state)
    for path in stale:
        progress(f"removing {path}")
        system.rm_file(f"{root}/{path}")
    progress("finishing")
    _put(system, Path(plan.folder) / MANIFEST, f"{root}/{MANIFEST}")
    system.rm_file(f"{root}/{JOURNAL}")


def _note(system: Any, root: str, state: dict[str, str]) -> None:
    """Write the journal in the shape of a manifest, so that one reader serves both."""
    files = [{"path": path, "sha256": digest} for path, digest in sorted(state.items())]
    content = json.dumps({"generator": "tripletgen publish", "splits": {}, "files": files}).encode()
    system.pipe_file(f"{root}/{JOURNAL}", content)


def _put(system: Any, source: Path, target: str) -> None:
    """Send a file; where a half-written one could be seen under its name, it is moved there when it is whole."""
    if "local" not in _names(system):
        system.put_file(str(source), target)
        return
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    system.put_file(str(source), target + ".tmp")
    Path(target + ".tmp").replace(target)


@contextmanager
def _storage_errors(target: str) -> Iterator[None]:
    """Translate what a disk, botocore and s3fs say; none of their messages is shown where it could hold a key."""
    again = "run the same command again: what was sent is not sent twice"
    try:
        yield
    except TripletgenError:
        raise
    except Exception as error:
        kinds = {type(cause).__name__ for cause in _chain(error)} | {_code(cause) for cause in _chain(error)}
        if kinds.intersection(_CREDENTIALS):
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            raise PublishError(f"{target}: no credentials, or not valid ones", hint) from None
        if isinstance(error, PermissionError):
            raise PublishError(f"{target}: not writable with these credentials", "ask for permission, or name another place") from None
        if isinstance(error, FileNotFoundError):
            raise PublishError(f"{target}: the place is not there", "make the bucket or folder first, or check its name") from None
        if isinstance(error, OSError) or kinds & {"EndpointConnectionError", "ConnectTimeoutError", "ClientError"}:
            raise PublishError(f"{target}: sending failed ({type(error).__name__})", again) from None
        raise


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _code(error: BaseException) -> str:
    """Return the code that S3 gives its refusal, as botocore keeps it."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code")) if isinstance(response, dict) else ""
