"""Places that are no local folder, such as `s3://bucket/prefix`: the only door to fsspec.

Credentials come from the environment alone. No message of a store's client is shown, for it could hold a key.
"""

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from tripletgen.errors import MissingExtraError, OutputError, TripletgenError

SCHEMES = ("s3://",)
"""What captions are read from and data sets are built to, beside local paths."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "InvalidAccessKeyId", "SignatureDoesNotMatch")
_UNREACHABLE = ("EndpointConnectionError", "ConnectTimeoutError", "ClientError")
_BLOCK = 8 << 20
_AGAIN = "run the same command again: what is finished is kept"


def is_remote(path: str) -> bool:
    """Tell whether a path names object storage."""
    return path.startswith(SCHEMES)


def open_storage(target: str, error: type[TripletgenError], choices: str) -> tuple[Any, str]:
    """Return the file system of an address and the path there, if its bucket is there.

    Raises:
        MissingExtraError: the library for this kind of place is not installed.
        TripletgenError: there is no such kind of place, no bucket is named, or it is not there; of the class `error`.
    """
    system, root = locate(target, error, choices)
    bucket = root.partition("/")[0]
    if not is_local(system):
        system.invalidate_cache()
        try:
            system.info(bucket)  # `exists` would take missing credentials for a missing bucket
        except FileNotFoundError as cause:
            raise error(f"{target}: there is no bucket {bucket!r}", "make it first, or check its name and its region") from cause
    return system, root


def check_address(target: str, error: type[TripletgenError], choices: str) -> Path | None:
    """Return the local path that an address means, None for one elsewhere; nothing is connected to.

    Raises:
        MissingExtraError: the library for this kind of place is not installed.
        TripletgenError: there is no such kind of place, or a bucket is not named; of the class `error`.
    """
    try:
        import fsspec
    except ModuleNotFoundError as cause:
        raise MissingExtraError(f"{target}: needs the fsspec library", "pip install 'tripletgen[hub]'") from cause
    try:
        kind = fsspec.get_filesystem_class(fsspec.core.split_protocol(target)[0] or "file")
    except ImportError as cause:
        hint = "pip install 'tripletgen[hub]'" if is_remote(target) else "install the library that it names"
        raise MissingExtraError(f"{target}: {cause}", hint) from cause
    except ValueError as cause:
        raise error(f"{target}: {cause}", choices) from cause
    root = str(kind._strip_protocol(target))
    if is_remote(target) and not root.partition("/")[0]:
        raise error(f"{target}: names no bucket", choices)
    return Path(root) if is_local(kind) else None


def locate(target: str, error: type[TripletgenError], choices: str = "s3://BUCKET/KEY") -> tuple[Any, str]:
    """Return the file system of an address, without a listing that could be stale, and the path there; nothing is asked of it.

    Raises:
        MissingExtraError: the library for this kind of place is not installed.
        TripletgenError: there is no such kind of place, or a bucket is not named; of the class `error`.
    """
    check_address(target, error, choices)
    from fsspec.core import url_to_fs

    try:
        system, root = url_to_fs(target, **({"use_listings_cache": False} if is_remote(target) else {}))
    except ValueError as cause:
        raise error(f"{target}: {cause}", choices) from cause
    return system, root.rstrip("/")


def open_file(address: str, error: type[TripletgenError]) -> BinaryIO:
    """Return a stream of a file in object storage, read ahead in large blocks."""
    system, root = locate(address, error)
    return cast(BinaryIO, io.BufferedReader(system.open(root, "rb", block_size=_BLOCK, cache_type="readahead"), 1 << 20))


def is_local(system: Any) -> bool:
    """Tell whether a file system is this machine's."""
    return "local" in ((system.protocol,) if isinstance(system.protocol, str) else system.protocol)


def put_file(system: Any, source: Path, target: str) -> None:
    """Send a file; where a half-written one could be seen under its name, it is moved there when it is whole."""
    if not is_local(system):
        system.put_file(str(source), target)
        return
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    system.put_file(str(source), target + ".tmp")
    Path(target + ".tmp").replace(target)


@contextmanager
def storage_errors(target: str, error: type[TripletgenError] = OutputError, again: str = _AGAIN) -> Iterator[None]:
    """Translate what a disk, botocore and s3fs say."""
    try:
        yield
    except TripletgenError:
        raise
    except Exception as cause:
        kinds = {type(one).__name__ for one in _chain(cause)} | {_code(one) for one in _chain(cause)}
        if kinds.intersection(_CREDENTIALS):
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            raise error(f"{target}: no credentials, or not valid ones", hint) from None
        if isinstance(cause, PermissionError):
            raise error(f"{target}: you may not read or write there", "ask for permission, or name another place") from None
        if isinstance(cause, FileNotFoundError):
            raise error(f"{target}: the place is not there", "make the bucket or folder first, or check its name") from None
        if isinstance(cause, OSError) and cause.errno in DISK_FULL:
            raise error(f"{target}: the disk is full", f"make room and {again}") from None
        if isinstance(cause, OSError) or kinds.intersection(_UNREACHABLE):
            raise error(f"{target}: the connection failed ({type(cause).__name__})", again) from None
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
