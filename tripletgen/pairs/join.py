"""Join masks out of core: the only door to DuckDB.

Its tables spill to disk, so memory does not grow with the corpus, and every choice is ordered, so the same masks give the same pairs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MEMORY = "1GB"
PER_KEY = 64
"""Of a frame that more captions share ("a man in _") only the first so many are paired."""

NEIGHBOURS = 4
"""Captions of one frame stand in the order of their hashes, and each is paired with so many on either side: no frame and no target
floods the set."""

PER_CAPTION = 8
"""Candidates that a caption is given; many of them have no good words."""

_FIRST = """
SELECT * FROM {masks} QUALIFY row_number() OVER (PARTITION BY key ORDER BY group_id, first) <= {per_key}
"""
_CANDIDATES = """
WITH shared AS (SELECT key FROM {masks} GROUP BY key HAVING count(*) > 1),
     kept AS (
         SELECT *, row_number() OVER (PARTITION BY key ORDER BY group_id, first) AS rank FROM {masks} SEMI JOIN shared USING (key)
         QUALIFY rank <= {per_key}
     )
SELECT a.unit, a.row, a.kind, a.first, a.last, b.filler, b.text, b.first AS place, a.group_id, b.group_id AS other,
       abs(a.rank - b.rank) AS distance
FROM kept a JOIN kept b
ON a.key = b.key AND a.filler <> b.filler AND a.group_id <> b.group_id AND (a.kind, b.kind) <> ('more', 'more')
   AND abs(a.rank - b.rank) <= {neighbours}
"""
# Captions that differ in a noun differ in the phrase around it too: the smallest place says it best.
_SMALLEST = """
SELECT * FROM ({candidates})
QUALIFY row_number() OVER (PARTITION BY unit, row, other ORDER BY last - first, first, kind, distance, place) = 1
"""
_ORDER = "last - first, distance, other"
_CHOSEN = f"""
SELECT * EXCLUDE (distance) FROM ({_SMALLEST})
QUALIFY row_number() OVER (PARTITION BY unit, row ORDER BY {_ORDER}) <= {{per_caption}}
ORDER BY unit, row, {_ORDER}
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
        candidates = _CANDIDATES.format(masks="masks", per_key=PER_KEY, neighbours=NEIGHBOURS)
        chosen = _CHOSEN.format(candidates=candidates, per_caption=PER_CAPTION)
        target = str(temporary).replace("'", "''")
        query = f"WITH masks AS (SELECT * FROM read_parquet(?)) {chosen}"
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE 20480)", [[str(path) for path in masks]])
    temporary.replace(out)


def first_of_keys(masks: pa.Table) -> pa.Table:
    """Return, of a part of all masks, those that can be among the first of their key: no pair is lost without the others."""
    return _asked(_FIRST.format(masks="part", per_key=PER_KEY), masks)


def candidates_of(masks: pa.Table) -> pa.Table:
    """Return the pairs of whole keys: a part of what `join_masks` joins, before each caption's choice."""
    return _asked(_CANDIDATES.format(masks="part", per_key=PER_KEY, neighbours=NEIGHBOURS), masks)


def choose_pairs(candidates: pa.Table) -> pa.Table:
    """Return what each caption is given of the candidates of whole units, in order: a part of what `join_masks` writes."""
    return _asked(_CHOSEN.format(candidates="SELECT * FROM part", per_caption=PER_CAPTION), candidates)


def _asked(query: str, part: pa.Table) -> pa.Table:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("part", part)
        return connection.sql(query).to_arrow_table()


def split_pairs(pairs: Path, width: int, path_of: Callable[[int], Path]) -> None:
    """Divide a file of pairs into one for every `width` units that have any; `path_of` names the file of a unit."""
    with pq.ParquetFile(pairs) as file:
        for unit in range(0, file.metadata.num_rows and _last_unit(file) + 1, width):
            table = pq.read_table(pairs, filters=[("unit", ">=", unit), ("unit", "<", unit + width)])
            if table.num_rows:
                write_pairs(path_of(unit), table)


def write_pairs(path: Path, pairs: pa.Table) -> None:
    """Write the pairs of a few units."""
    temporary = path.with_suffix(".tmp")
    pq.write_table(pairs, temporary)
    temporary.replace(path)


def _last_unit(file: pq.ParquetFile) -> int:
    """Return the unit of the last pair: they are in order."""
    last = file.read_row_group(file.num_row_groups - 1, columns=["unit"])
    return int(last.column(0)[-1].as_py())
