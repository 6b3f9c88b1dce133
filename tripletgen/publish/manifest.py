"""Read what an earlier publication left at a target."""

import json

from tripletgen.errors import PublishError
from tripletgen.shards.manifest import MANIFEST


def published_files(content: str, place: str) -> dict[str, str]:
    """Return the SHA-256 of every file that a published manifest lists, by path.

    Raises:
        PublishError: it is no manifest of ours.
    """
    try:
        found = json.loads(content)
        if not found["generator"].startswith("tripletgen "):
            raise ValueError(found["generator"])
        listed = [file for split in found["splits"].values() for file in split["files"]] + found["files"]
        return {str(file["path"]): str(file["sha256"]) for file in listed}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PublishError(f"{place}: holds a {MANIFEST} that tripletgen did not write", "name another place") from error
