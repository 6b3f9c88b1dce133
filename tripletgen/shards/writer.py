"""Write triplets: first one Arrow file a unit, then Parquet shards, each a run of whole units."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tripletgen.schema import ARROW_SCHEMA

ROW_GROUP = 10_000


class ShardFile(NamedTuple):
    """A written file, as the manifest lists it."""

    path: str
    rows: int
    bytes: int
    sha256: str


def write_rows(path: Path, rows: Sequence[Iterable[object]], schema: pa.Schema = ARROW_SCHEMA) -> None:
    """Write records to an Arrow file that is complete or absent."""
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    temporary = path.with_suffix(".tmp")
    with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    temporary.replace(path)


def plan_shards(rows_by_unit: Sequence[int], shard_rows: int) -> list[list[int]]:
    """Divide units, in order, into the fewest shards of about `shard_rows` rows; units without rows are left out."""
    total = sum(rows_by_unit)
    num_shards = max(1, -(-total // shard_rows))
    shards: list[list[int]] = [[] for _ in range(num_shards)]
    before = 0
    for unit, rows in enumerate(rows_by_unit):
        if rows:
            # A unit goes to the shard that its middle row falls into.
            shards[min(num_shards - 1, (2 * before + rows) * num_shards // (2 * total))].append(unit)
        before += rows
    return [shard for shard in shards if shard]


def write_shard(path: Path, sources: Sequence[Path]) -> ShardFile:
    """Write one Parquet file from the Arrow files of its units, one unit in memory at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    rows = 0
    with pa.OSFile(str(sources[0]), "rb") as file:
        schema = pa.ipc.open_file(file).schema
    # Without Arrow's own schema in the footer every reader sees plain strings, which are dictionary-encoded on disk:
    # `datasets` cannot read Arrow's dictionary type.
    with pq.ParquetWriter(temporary, schema, compression="zstd", store_schema=False, write_page_index=True) as writer:
        for source in sources:
            with pa.memory_map(str(source)) as file:
                table = pa.ipc.open_file(file).read_all()
                writer.write_table(table, row_group_size=ROW_GROUP)
                rows += table.num_rows
    temporary.replace(path)
    return describe(path, path.name, rows)


def describe(path: Path, name: str, rows: int = 0) -> ShardFile:
    """Return a file's entry for the manifest."""
    with path.open("rb") as file:
        return ShardFile(name, rows, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def shard_name(split: str, index: int, total: int) -> str:
    """Return the name that `datasets` expects: `train-00000-of-00008.parquet`."""
    return f"{split}-{index:05d}-of-{total:05d}.parquet"
