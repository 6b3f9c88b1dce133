"""Triplets by `datasets`: map over a data set, where a batch of captions becomes a longer batch of triplets.

    python benchmarks/peer_datasets.py IN.jsonl OUT_FOLDER

As a user of the framework would write it, with two worker processes; `benchmarks/peers.py` measures it.
"""

import sys
from pathlib import Path
from typing import Any

import datasets
from peer_work import BATCH, WORKERS, propose_rows

import tripletgen


def edit(rows: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Return a batch of triplets, a list a column."""
    found = propose_rows(rows["caption"])
    return {name: [row[name] for row in found] for name in tripletgen.Triplet._fields}


def main(source: Path, out: Path) -> None:
    """Read captions, map them in batches and write the triplets."""
    captions = datasets.load_dataset("json", data_files=str(source), split="train", cache_dir=str(out / "cache"))
    mapped = captions.map(edit, batched=True, batch_size=BATCH, num_proc=WORKERS, remove_columns=captions.column_names)
    mapped.to_parquet(str(out / "rows.parquet"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
