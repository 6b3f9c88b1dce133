"""Triplets by distilabel: a step with two replicas, where a caption keeps its row and its triplets are a list in it.

    python benchmarks/peer_distilabel.py IN.jsonl OUT_FOLDER

As a user of the framework would write it, with two worker processes; `benchmarks/peers.py` measures it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromFileSystem, Step, StepInput, StepResources
from peer_work import BATCH, WORKERS, propose_rows


class Edit(Step):  # type: ignore[misc]
    """Add to each caption its triplets."""

    @property
    def inputs(self) -> list[str]:
        """Return the columns that are read."""
        return ["caption"]

    @property
    def outputs(self) -> list[str]:
        """Return the columns that are added."""
        return ["triplets"]

    def process(self, inputs: StepInput) -> Iterator[list[dict[str, Any]]]:
        """Yield the batch with its triplets."""
        found: dict[int, list[dict[str, Any]]] = {}
        for row in propose_rows([entry["caption"] for entry in inputs]):
            found.setdefault(int(row["source_id"]), []).append(row)  # the place of the caption in the batch
        yield [{**entry, "triplets": found.get(number, [])} for number, entry in enumerate(inputs)]


def main(source: Path, out: Path) -> None:
    """Run a pipeline of two steps and write what comes out."""
    with Pipeline("peers", cache_dir=str(out / "cache")) as pipeline:
        load = LoadDataFromFileSystem(data_files=str(source), filetype="json", split="train", batch_size=BATCH)
        load >> Edit(input_batch_size=BATCH, resources=StepResources(replicas=WORKERS))
    made = pipeline.run(use_cache=False)
    made["default"]["train"].to_parquet(str(out / "rows.parquet"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
