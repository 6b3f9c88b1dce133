"""The manifest of a data set: what it was made from, what came of it, and the checksum of every file. Written last."""

import json
from pathlib import Path
from typing import Any

from tripletgen.errors import DataError
from tripletgen.schema import SCHEMA_VERSION

MANIFEST = "manifest.json"

Manifest = dict[str, Any]


def write_text(path: Path, text: str) -> None:
    """Write a text file that is complete or absent."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest: from now on the data set is finished."""
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a finished data set.

    Raises:
        DataError: the folder is none, is unfinished, or was written with another schema version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        if (folder / ".work").is_dir():
            raise DataError(f"{folder}: the build is not finished", "run the same `tripletgen build` again to finish it")
        raise DataError(f"{folder}: no {MANIFEST}, so not a data set of tripletgen", "name the folder given to --out")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error})", "build the data set again") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        raise DataError(f"{path}: schema version {version}, this is {SCHEMA_VERSION}", "use the tripletgen that wrote it, or build again")
    return dict(manifest)
