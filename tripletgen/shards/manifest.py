"""The manifest of a data set: what it was made from, what came of it, and the checksum of every file. Written last."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tripletgen.errors import DataError
from tripletgen.schema import SCHEMA_VERSION

MANIFEST = "manifest.json"

Manifest = dict[str, Any]

_DAMAGED = "copy the data set again from where it is whole, or build it again with --overwrite"


def write_text(path: Path, text: str) -> None:
    """Write a text file that is complete or absent."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest: from now on the data set is finished."""
    write_text(folder / MANIFEST, _seal(manifest))


def _seal(manifest: Manifest) -> str:
    """Return the manifest's text, which ends with a checksum of all before it: whoever reads it relies on every key."""
    digest = hashlib.sha256(json.dumps(manifest, ensure_ascii=False).encode()).hexdigest()
    return json.dumps({**manifest, "checksum": digest}, indent=2, ensure_ascii=False) + "\n"


def reject_files(manifest: Manifest) -> list[str]:
    """Return the paths of the files with what was rejected; none where nothing of it was kept."""
    return [file["path"] for file in manifest["files"] if file["path"].startswith("rejects/")]


def is_of_tripletgen(folder: Path) -> bool:
    """Tell whether a folder has a manifest that this program wrote, of whatever version, changed by hand or not."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and str(manifest.get("generator")).startswith("tripletgen ") and "fingerprint" in manifest


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a finished data set, without its checksum.

    Raises:
        DataError: the folder is none, is unfinished, was written with another schema version, or its manifest is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        if (folder / ".work").is_dir():
            raise DataError(f"{folder}: the build is not finished", "run the same `tripletgen build` again to finish it")
        if folder.parts[:1] == ("s3:",):  # a path has one slash where the address has two
            address = "s3://" + "/".join(folder.parts[1:])
            raise DataError(f"{address}: is no folder here", f"copy it first, `aws s3 sync {address} {folder.name}`, and name the copy")
        raise DataError(f"{folder}: no {MANIFEST}, so not a data set of tripletgen", "name the folder given to --out")
    try:
        text = path.read_text(encoding="utf-8")
        manifest = json.loads(text)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", "check its permissions") from error
    except ValueError as error:
        raise DataError(
            f"{path}: not valid JSON ({error})", "copy the data set again from where it is whole, or remove the folder and build it anew"
        ) from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        raise DataError(f"{path}: schema version {version}, this is {SCHEMA_VERSION}", "use the tripletgen that wrote it, or build again")
    manifest.pop("checksum", None)
    if text != _seal(manifest):
        raise DataError(f"{path}: was changed after it was written", _DAMAGED)
    return dict(manifest)
