"""Join masks out of core: the only door to DuckDB.

Its tables spill to disk, so memory does not grow with the corpus, and every choice is ordered, so the same masks give the same pairs.
"""

from collections.abc import Sequence
from pathlib import Path

MEMORY = "1GB"
PER_KEY = 64
"""Of a frame that more captions share ("a man in _") only the first so many are paired."""

NEIGHBOURS = 4
"""Captions of one frame stand in the order of their hashes, and each is paired with so many on either side: no frame and no target
floods the set."""

PER_CAPTION = 8
"""Candidates that a caption is given; many of them have no good words."""

_PAIRS = """
COPY (
    WITH masks AS (SELECT * FROM read_parquet($masks)),
         shared AS (SELECT key FROM masks GROUP BY key HAVING count(*) > 1),
         kept AS (
             SELECT *, row_number() OVER (PARTITION BY key ORDER BY group_id, first) AS rank FROM masks SEMI JOIN shared USING (key)
             QUALIFY rank <= $per_key
         ),
         pairs AS (
             SELECT a.unit, a.row, a.kind, a.first, a.last, b.filler, b.text, b.first AS place, a.group_id, b.group_id AS other,
                    a.last - a.first AS length, abs(a.rank - b.rank) AS distance
             FROM kept a JOIN kept b
             ON a.key = b.key AND a.filler <> b.filler AND a.group_id <> b.group_id AND (a.kind, b.kind) <> ('more', 'more')
                AND abs(a.rank - b.rank) <= $neighbours
             -- Captions that differ in a noun differ in the phrase around it too: the smallest place says it best.
             QUALIFY row_number() OVER (PARTITION BY a.unit, a.row, b.group_id ORDER BY length, a.first, a.kind) = 1
         )
    SELECT * EXCLUDE (length, distance) FROM pairs
    QUALIFY row_number() OVER (PARTITION BY unit, row ORDER BY length, distance, other) <= $per_caption
    ORDER BY unit, row, length, distance, other
) TO '{out}' (FORMAT parquet, ROW_GROUP_SIZE 20480)
"""


def join_masks(masks: Sequence[Path], out: Path, threads: int) -> None:
    """Write every ordered pair of captions with a mask in common to `out`, in the order of the first one's unit and row."""
    import duckdb

    temporary = out.with_suffix(".tmp")
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "threads": threads,
        "temp_directory": str(out.with_suffix(".spill")),
    }
    with duckdb.connect(config=config) as connection:
        text = _PAIRS.format(out=str(temporary).replace("'", "''"))
        limits = {"per_key": PER_KEY, "neighbours": NEIGHBOURS, "per_caption": PER_CAPTION}
        connection.execute(text, {"masks": [str(path) for path in masks], **limits})
    temporary.replace(out)
