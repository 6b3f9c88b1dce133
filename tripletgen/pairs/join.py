"""Join masks out of core: the only door to DuckDB.

Its tables spill to disk, so memory does not grow with the corpus, and every choice is ordered, so the same masks give the same pairs.
"""

from collections.abc import Sequence
from pathlib import Path

MEMORY = "1GB"
PER_KEY = 16
"""A frame that more captions share ("a man in _") gives pairs of the first so many of them only."""

PER_CAPTION = 8
"""Candidates that a caption is given; most of them have no good words."""

_PAIRS = """
COPY (
    WITH masks AS (SELECT * FROM read_parquet(?)),
         shared AS (SELECT key FROM masks GROUP BY key HAVING count(*) > 1),
         kept AS (
             SELECT * FROM masks SEMI JOIN shared USING (key)
             QUALIFY row_number() OVER (PARTITION BY key ORDER BY group_id, first) <= ?
         )
    SELECT a.unit, a.row, a.kind, a.first, a.last, b.filler, b.text, b.first AS place, a.group_id, b.group_id AS other
    FROM kept a JOIN kept b ON a.key = b.key AND a.filler <> b.filler AND a.group_id <> b.group_id AND (a.kind, b.kind) <> ('more', 'more')
    QUALIFY row_number() OVER (PARTITION BY a.unit, a.row ORDER BY b.group_id, a.first, b.text) <= ?
    ORDER BY a.unit, a.row, other, a.first, b.text
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
        connection.execute(text, [[str(path) for path in masks], PER_KEY, PER_CAPTION])
    temporary.replace(out)
