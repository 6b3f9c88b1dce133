"""The same edit work as users of other frameworks would write it: `python benchmarks/peer_tasks.py NAME IN.jsonl OUT_FOLDER`.

Each function reads captions, one JSON object a line, gives batches of them to `tripletgen.propose`, and writes the rows in its framework's
own way, with two worker processes. Frameworks that hand over batches are given the batch size that `datasets` has by default.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import tripletgen

WORKERS, BATCH = 2, 1000


def propose_rows(captions: list[str]) -> list[dict[str, Any]]:
    """Return the triplets of captions as dictionaries."""
    return [row._asdict() for row in tripletgen.propose(captions)]


def run_datasets(source: Path, out: Path, batch: int = BATCH) -> None:
    """Map over a data set: a batch of captions becomes a batch of triplets of another length."""
    import datasets

    def edit(rows: dict[str, list[str]]) -> dict[str, list[Any]]:
        found = propose_rows(rows["caption"])
        return {name: [row[name] for row in found] for name in tripletgen.Triplet._fields}

    captions = datasets.load_dataset("json", data_files=str(source), split="train", cache_dir=str(out / "cache"))
    mapped = captions.map(edit, batched=True, batch_size=batch, num_proc=WORKERS, remove_columns=captions.column_names)
    mapped.to_parquet(str(out / "rows.parquet"))


def run_datasets_rows(source: Path, out: Path) -> None:
    """Map over a data set a caption at a time, as `map` calls a function unless it is told otherwise."""
    run_datasets(source, out, batch=1)


def run_datatrove(source: Path, out: Path) -> None:
    """Run reader, edit step and writer in the local executor: a file of captions is a task."""
    from datatrove.data import Document
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.base import PipelineStep
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.batching import batched

    class Edit(PipelineStep):
        """Make documents of triplets out of documents of captions."""

        name = "edit"

        def run(self, data: Iterable[Any], rank: int = 0, world_size: int = 1) -> Iterator[Any]:  # noqa: ARG002
            """Yield the triplets of a batch after the other."""
            for documents in batched(data, BATCH):
                for row in propose_rows([document.text for document in documents]):
                    yield Document(text=row["modification_text"], id=row["triplet_id"], metadata=row)

    for task, lines in enumerate(split_lines(source, WORKERS)):
        (out / "in").mkdir(exist_ok=True)
        (out / "in" / f"{task}.jsonl").write_text("".join(lines), encoding="utf-8")
    steps = [JsonlReader(str(out / "in"), text_key="caption"), Edit(), JsonlWriter(str(out / "rows"), compression=None)]
    LocalPipelineExecutor(pipeline=steps, tasks=WORKERS, workers=WORKERS, logging_dir=str(out / "logs")).run()


def run_distilabel(source: Path, out: Path) -> None:
    """Run a step with two replicas: a caption keeps its row, its triplets are a list in it."""
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromFileSystem, StepInput, StepResources, step

    @step(inputs=["caption"], outputs=["triplets"])
    def edit(inputs: StepInput) -> Any:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in propose_rows([entry["caption"] for entry in inputs]):
            found.setdefault(row["source_id"], []).append(row)
        for number, entry in enumerate(inputs):
            entry["triplets"] = found.get(str(number), [])
        yield inputs

    with Pipeline("peers", cache_dir=str(out / "cache")) as pipeline:
        load = LoadDataFromFileSystem(data_files=str(source), filetype="json", split="train", batch_size=BATCH)
        load >> edit(input_batch_size=BATCH, resources=StepResources(replicas=WORKERS))
    made = pipeline.run(use_cache=False)
    made["default"]["train"].to_parquet(str(out / "rows.parquet"))


def split_lines(source: Path, parts: int) -> list[list[str]]:
    """Return the lines of a file in equal parts."""
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    return [lines[k * len(lines) // parts : (k + 1) * len(lines) // parts] for k in range(parts)]


TASKS: dict[str, Callable[[Path, Path], None]] = {
    "datasets": run_datasets,
    "datasets, row by row": run_datasets_rows,
    "datatrove": run_datatrove,
    "distilabel": run_distilabel,
}

if __name__ == "__main__":
    TASKS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
