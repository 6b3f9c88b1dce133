"""Publish a finished data set: check it, derive its licence, and send what the target lacks.

`plan_publication` reads the folder alone and sends nothing; `publish` carries the plan out through one of `TARGETS`.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tripletgen.check import check_dataset
from tripletgen.errors import DataError, UsageError
from tripletgen.figures import count_sources
from tripletgen.licences import check_publishable, licences_of_rejects
from tripletgen.shards.manifest import MANIFEST, read_manifest, reject_files
from tripletgen.shards.writer import ShardFile, describe

PLACES = "name ORG/NAME of the Hub, s3://BUCKET/PATH or ./FOLDER"
# What `git check-ref-format` refuses of refs/tags/NAME, and `git tag` itself: a first hyphen, and HEAD.
_NO_TAG = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(^|/)\.|\.lock(/|$)|^[-/]|[./]$|^(HEAD)?$")


class Plan(NamedTuple):
    """What would be published: the files with sizes and checksums, to where, as what version, under which licence."""

    folder: str
    target: str
    kind: str
    version: str
    is_named: bool
    licence: str
    files: tuple[ShardFile, ...]

    @property
    def bytes(self) -> int:
        """Return the size of all files together."""
        return sum(file.bytes for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON takes it."""
        return {**self._asdict(), "files": [file._asdict() for file in self.files], "bytes": self.bytes}


class Outcome(NamedTuple):
    """What a publication did: where the data set is, and how many files were sent, were there already, and were removed."""

    url: str
    version: str
    sent: int
    kept: int
    removed: int


Progress = Callable[[str], None]
"""What is told of every step, such as a file, when it begins."""


def silence(_step: str) -> None:
    """Show no progress."""


def target_kind(target: str) -> str:
    """Return which member of `TARGETS` takes a target.

    A local folder begins with `/`, `./`, `../` or `~`, or is a `file://` URL, since `NAME/NAME` is a repository of the Hub.

    Raises:
        UsageError: the target is none of them.
    """
    if "://" in target or target.startswith(("/", "./", "../", "~")) or target in (".", ".."):
        return "hub" if target.startswith("hf://") else "folder"
    if "\\" in target or target.count("/") > 1 or not target:
        raise UsageError(f"{target!r}: neither a repository nor a folder nor a URL", PLACES)
    return "hub"


def plan_publication(folder: str | Path, target: str, version: str | None = None) -> Plan:
    """Return what publishing this folder would send; nothing is sent, and no network is asked.

    Raises:
        UsageError: the target or the version cannot be meant.
        PublishError: the target is no name of the Hub, no known kind of place, or the data set itself.
        MissingExtraError: the library for this kind of place is not installed.
        DataError: the folder is no finished data set, is not sound, or holds texts whose licence does not allow it.
    """
    root, kind = Path(folder), target_kind(target)
    if version is not None and _NO_TAG.search(version):
        raise UsageError(f"--tag {version!r}: git takes no such name", "letters, digits, - _ . as in v1.0")
    CHECKS[kind](root, target)
    manifest = read_manifest(root)
    faults = check_dataset(root)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise DataError(f"{folder}: is not sound: {faults[0]}{more}", "see `tripletgen check`, and build again")
    rejects = licences_of_rejects(count_sources(root / name for name in reject_files(manifest)), manifest["sources"])
    licence = check_publishable(manifest["triplets"]["licence"], manifest["sources"], rejects)
    listed = [file for split in manifest["splits"].values() for file in split["files"]] + manifest["files"]
    marker = describe(root / MANIFEST, MANIFEST)
    # The marker of a finished data set comes last, wherever files are sent one after the other.
    files = (*(ShardFile(**entry) for entry in sorted(listed, key=lambda entry: str(entry["path"]))), marker)
    name = version or _version(manifest["generator"], marker.sha256)
    return Plan(str(folder), target, kind, name, version is not None, licence.name, files)


def _version(generator: str, digest: str) -> str:
    """Name a version after the program and the very bytes: the same data set is always the same version."""
    return f"v{generator.rpartition(' ')[2]}-{digest[:8]}"


def publish(plan: Plan, *, private: bool = False, progress: Progress = silence) -> Outcome:
    """Carry out a plan; when it was done before, find that out and send nothing.

    Raises:
        PublishError: the target refuses, holds something else, or cannot be reached.
    """
    return TARGETS[plan.kind](plan, private, progress)


def _check_hub(_folder: Path, target: str) -> None:
    from tripletgen.publish.hub import check_name

    check_name(target)


def _check_folder(folder: Path, target: str) -> None:
    from tripletgen.publish.folder import check_place

    check_place(folder, target)


def _to_hub(plan: Plan, private: bool, progress: Progress) -> Outcome:  # noqa: FBT001
    from tripletgen.publish.hub import publish_to_hub

    return publish_to_hub(plan, private=private, progress=progress)


def _to_folder(plan: Plan, private: bool, progress: Progress) -> Outcome:  # noqa: FBT001
    from tripletgen.publish.folder import publish_to_folder

    return publish_to_folder(plan, private=private, progress=progress)


CHECKS: dict[str, Callable[[Path, str], None]] = {"hub": _check_hub, "folder": _check_folder}
"""Every kind of target with what refuses one that can be seen to be wrong before anybody is asked."""

TARGETS: dict[str, Callable[[Plan, bool, Progress], Outcome]] = {"hub": _to_hub, "folder": _to_folder}
"""Every kind of target with what publishes to it."""
