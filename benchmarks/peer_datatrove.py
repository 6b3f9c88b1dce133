"""Triplets by datatrove: a reader, a step of ours and a writer in the local executor, where a file of captions is a task.

    python benchmarks/peer_datatrove.py IN.jsonl OUT_FOLDER

As a user of the framework would write it, with two worker processes; `benchmarks/peers.py` measures it.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.batching import batched
from peer_work import BATCH, WORKERS, propose_rows


class Edit(PipelineStep):  # type: ignore[misc]
    """Make documents of triplets out of documents of captions."""

    name = "edit"

    def run(self, data: Iterable[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:  # noqa: ARG002
        """Yield the triplets of one batch after the other."""
        for documents in batched(data, BATCH):
            for row in propose_rows([document.text for document in documents]):
                yield Document(text=row["modification_text"], id=row["triplet_id"], metadata=row)


def main(source: Path, out: Path) -> None:
    """Lay the captions into a file a task, and run the tasks."""
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    (out / "in").mkdir()
    for task in range(WORKERS):
        part = lines[task * len(lines) // WORKERS : (task + 1) * len(lines) // WORKERS]
        (out / "in" / f"{task}.jsonl").write_text("".join(part), encoding="utf-8")
    steps = [JsonlReader(str(out / "in"), text_key="caption"), Edit(), JsonlWriter(str(out / "rows"), compression=None)]
    LocalPipelineExecutor(pipeline=steps, tasks=WORKERS, workers=WORKERS, logging_dir=str(out / "logs")).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
