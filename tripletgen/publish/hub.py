"""Publish to the Hugging Face Hub: files first, then one commit that shows them all, then the tag.

This is the only door to `huggingface_hub`. Every step looks at what is there before it acts, so the whole can be repeated:
after a lost connection, a kill or a refused commit the same call goes on, and what was uploaded is not sent again.
"""

import hashlib
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tripletgen.errors import MissingExtraError, PublishError, TripletgenError
from tripletgen.publish import Outcome, Plan, Progress, silence
from tripletgen.publish.manifest import published_files
from tripletgen.shards.manifest import MANIFEST
from tripletgen.shards.writer import ShardFile

TRIES = 4
_TRANSIENT = (408, 412, 429, 500, 502, 503, 504)
_MAX_WAIT = 120.0
_OWN = (".gitattributes",)
_AGAIN = "run the same command again: what was sent is not sent twice, and nothing is visible before the commit"
_Result = TypeVar("_Result")
_QUERY = re.compile(r"\?[^\s'\"]+")


class _Repository(NamedTuple):
    """A data set repository and the client that speaks to it."""

    api: Any
    name: str


def publish_to_hub(
    plan: Plan,
    *,
    private: bool = False,
    progress: Progress = silence,
    endpoint: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Make the repository if need be, bring it to the state of the plan by one commit, and tag that.

    Raises:
        PublishError: the name is none, there is no token, the Hub refuses it, or the repository holds something else.
        MissingExtraError: `huggingface_hub` is not installed.
    """
    repository, token = _connect(plan.target, endpoint)
    with _hub_errors(repository.name, token):
        _patiently(lambda: _claim(repository, private=private, progress=progress), sleep)
        tried: list[tuple[int, int]] = []
        commit = _patiently(lambda: _synchronise(repository, plan, progress, tried), sleep)
    with _hub_errors(repository.name, token, f"run the same command again to set the tag {plan.version}: all files are there, and visible"):
        progress(f"tagging {plan.version}")
        _patiently(lambda: _tag(repository, plan, commit), sleep)
    # Not the last one: after a commit whose answer was lost there is nothing left to do.
    sent, removed = max(tried)
    url = f"{repository.api.endpoint}/datasets/{repository.name}"
    return Outcome(url, plan.version, sent, len(plan.files) - sent, removed)


def check_name(target: str) -> str:
    """Return the name of the repository that a target means; nobody is asked whether it is there.

    Raises:
        PublishError: it is no name of the Hub, or does not say whose repository it is.
        MissingExtraError: `huggingface_hub` is not installed.
    """
    try:
        from huggingface_hub.utils import HFValidationError, validate_repo_id
    except ModuleNotFoundError as error:
        raise MissingExtraError("publishing to the Hub needs the huggingface_hub library", "pip install 'tripletgen[hub]'") from error
    name = target.removeprefix("hf://").removeprefix("datasets/")
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        reason = str(error).splitlines()[0]
        raise PublishError(f"{name!r} is not a name of the Hub: {reason}", "letters, digits, - _ . as in ORG/NAME") from error
    if "/" not in name:
        raise PublishError(f"{name!r} does not say whose repository it is", f"name it ORG/{name} or USER/{name}")
    return name


def _connect(target: str, endpoint: str | None) -> tuple[_Repository, str]:
    name = check_name(target)
    import huggingface_hub
    from huggingface_hub.utils import disable_progress_bars, logging

    token = huggingface_hub.get_token()
    if token is None:
        raise PublishError("no token of the Hugging Face Hub was found", "run `hf auth login`, or set HF_TOKEN to a token that may write")
    # Its warnings hold signed upload addresses, and its bars would mix with ours.
    logging.set_verbosity(logging.ERROR)
    disable_progress_bars()
    return _Repository(huggingface_hub.HfApi(endpoint=endpoint, token=token), name), token


def _claim(repository: _Repository, *, private: bool, progress: Progress) -> None:
    """Make the repository unless it is there; a public one does not become private by `--private`, so that is refused."""
    from huggingface_hub.errors import RepositoryNotFoundError

    api, name = repository
    try:
        info = api.dataset_info(name)
    except RepositoryNotFoundError as error:
        if _status(error) == 401:
            raise
        progress(f"creating {name}")
        api.create_repo(name, repo_type="dataset", private=private, exist_ok=True)
        return
    if private and not info.private:
        raise PublishError(f"{name}: exists and is public, so --private would not hold", "make it private on the Hub, or name another")


def _synchronise(repository: _Repository, plan: Plan, progress: Progress, tried: list[tuple[int, int]]) -> str:
    """Commit what the repository lacks and remove what an earlier version had; return the commit that holds the plan.

    `tried` is told how many files there were to send and to remove.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    from huggingface_hub.hf_api import RepoFile

    api, name = repository
    head = api.dataset_info(name).sha
    entries = api.list_repo_tree(name, recursive=True, revision=head, repo_type="dataset")
    remote = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
    stale = _stale(repository, remote, plan, head)
    changed = [file for file in plan.files if not _is_there(Path(plan.folder), file, remote.get(file.path))]
    tried.append((len(changed), len(stale)))
    if not changed and not stale:
        return str(head)
    _refuse_taken_tag(repository, plan)
    additions = [CommitOperationAdd(file.path, str(Path(plan.folder) / file.path)) for file in changed]
    for file, addition in zip(changed, additions, strict=True):
        progress(f"sending {file.path} ({file.bytes:,} bytes)")
        api.preupload_lfs_files(name, [addition], repo_type="dataset", free_memory=False)
    progress("committing")
    deletions = [CommitOperationDelete(path) for path in stale]
    message = f"tripletgen {plan.version}"
    done = api.create_commit(name, [*additions, *deletions], commit_message=message, repo_type="dataset", parent_commit=head)
    return str(done.oid)


def _stale(repository: _Repository, remote: Mapping[str, Any], plan: Plan, head: str) -> list[str]:
    """Return the files of the published version that the new one does not have; what others added stays.

    Raises:
        PublishError: the repository holds files and no manifest of ours.
    """
    if MANIFEST not in remote:
        foreign = sorted(path for path in remote if path not in _OWN)
        if foreign:
            raise PublishError(
                f"{repository.name}: holds {', '.join(foreign[:3])}{' ...' if len(foreign) > 3 else ''}, which tripletgen did not publish",
                "name another repository, or empty that one",
            )
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = repository.api.hf_hub_download(repository.name, MANIFEST, repo_type="dataset", revision=head, local_dir=folder)
        listed = published_files(Path(path).read_text(encoding="utf-8"), repository.name)
    return sorted(path for path in listed if path in remote and path not in {file.path for file in plan.files})


def _is_there(folder: Path, file: ShardFile, entry: Any) -> bool:
    """Tell whether the repository holds these bytes: by SHA-256 for large files, by git's hash for small ones."""
    if entry is None or entry.size != file.bytes:
        return False
    if entry.lfs is not None:
        return bool(entry.lfs.sha256 == file.sha256)
    content = (folder / file.path).read_bytes()
    return bool(entry.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest())


def _tags(repository: _Repository) -> dict[str, str]:
    refs = repository.api.list_repo_refs(repository.name, repo_type="dataset")
    return {tag.name: tag.target_commit for tag in refs.tags}


def _refuse_taken_tag(repository: _Repository, plan: Plan) -> None:
    if plan.is_named and plan.version in _tags(repository):
        raise PublishError(f"{repository.name}: the tag {plan.version} stands on another version", "give another --tag, or leave it out")


def _tag(repository: _Repository, plan: Plan, commit: str) -> None:
    """Tag the very commit that holds the plan: another one may have come after it."""
    api, name = repository
    found = _tags(repository).get(plan.version)
    # A tag that was made out of the bytes may stand on an earlier commit with the same bytes.
    if found is None:
        api.create_tag(name, tag=plan.version, revision=commit, repo_type="dataset", exist_ok=True)
    elif plan.is_named and found != commit:
        raise PublishError(f"{name}: the tag {plan.version} stands on another version", "give another --tag, or leave it out")


def _patiently(call: Callable[[], _Result], sleep: Callable[[float], None]) -> _Result:
    """Return what a call returns, tried again after a lost connection, 429 or 5xx, and after somebody else's commit (412)."""
    for attempt in range(TRIES - 1):
        try:
            return call()
        except Exception as error:
            if isinstance(error, TripletgenError) or not _is_transient(error):
                raise
            sleep(_wait(error, attempt))
    return call()


def _cause(error: BaseException) -> BaseException:
    """Return the answer of the server or the network's failure that an error was made from."""
    found: BaseException | None = error
    while found is not None:
        if _status(found) is not None or _is_network(found):
            return found
        found = found.__cause__
    return error


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _is_network(error: BaseException) -> bool:
    from huggingface_hub import errors

    return isinstance(error, errors.HTTPError | ConnectionError | TimeoutError) and _status(error) is None


def _is_transient(error: BaseException) -> bool:
    cause = _cause(error)
    return _is_network(cause) or _status(cause) in _TRANSIENT


def _wait(error: BaseException, attempt: int) -> float:
    """Return how many seconds to wait: what the server asks for, else 1, 2, 4 ..."""
    asked = getattr(getattr(_cause(error), "response", None), "headers", {}).get("retry-after", "")
    return min(float(asked), _MAX_WAIT) if asked.isdigit() else float(2**attempt)


@contextmanager
def _hub_errors(name: str, token: str, again: str = _AGAIN) -> Iterator[None]:
    """Translate what the Hub and the network say; addresses lose their query, for signatures stand there."""
    try:
        yield
    except TripletgenError:
        raise
    except Exception as error:
        cause = _cause(error)
        if not isinstance(error, OSError | RuntimeError | ValueError) and not _is_network(cause):
            raise
        message, hint = _explain(cause, name, again)
        # From None: the chain holds addresses with signatures, and headers.
        raise PublishError(_QUERY.sub("", message).replace(token, "***"), hint) from None


def _explain(error: BaseException, name: str, again: str) -> tuple[str, str]:
    status = _status(error)
    if status == 401:
        return f"{name}: the Hub does not accept the token", "make a new token with write permission, then `hf auth login` or HF_TOKEN"
    if status == 403:
        return f"{name}: the token may not write there", f"use a token with write permission for {name.partition('/')[0]}, or another name"
    if status is not None:
        said = getattr(error, "server_message", None) or f"HTTP {status}"
        return f"{name}: the Hub refuses ({status}: {str(said).splitlines()[0]})", again
    if _is_network(error):
        return f"{name}: the connection was lost ({(str(error).splitlines() or [type(error).__name__])[0]})", again
    return f"{name}: {(str(error).splitlines() or [type(error).__name__])[0]}", again
