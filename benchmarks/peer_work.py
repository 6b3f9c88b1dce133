"""The edit work that every framework is given: a batch of captions in, the rows of their triplets out."""

from typing import Any

import tripletgen

WORKERS, BATCH = 2, 1000
"""Worker processes, and captions that a framework hands over at a time: the batch size that `datasets` has by default."""


def propose_rows(captions: list[str]) -> list[dict[str, Any]]:
    """Return the triplets of captions as dictionaries.

    The 64-bit hash is text in them: frameworks that guess types take it for a signed number, and fail.
    """
    return [{**row._asdict(), "group_id": str(row.group_id)} for row in tripletgen.propose(captions)]
