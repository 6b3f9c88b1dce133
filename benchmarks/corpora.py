"""The real texts that the benchmarks read: captions to build from, and modification texts that people wrote."""

import json
import sys
from pathlib import Path

CC3M = "captions/cc3m_val.tsv"
MULTI30K = tuple(f"captions/multi30k.train.{number}.en.gz" for number in (1, 2, 3))
# Benchmark -> its file and the key of the modification text.
HUMAN = {
    "CIRR-val": ("cirr/captions/cap.rc2.val.json", "caption"),
    "CIRCO-val": ("circo/val.json", "relative_caption"),
}


def data_file(data: Path, name: str) -> Path:
    """Return the path of a data file, or end the program with one line that names it."""
    path = data / name
    if not path.is_file():
        sys.exit(f"error: {path}: no such file; give --data the folder that holds {name}")
    return path


def human_texts(data: Path) -> dict[str, list[str]]:
    """Return the modification texts of each human benchmark."""
    return {name: [entry[key] for entry in json.loads(data_file(data, file).read_text())] for name, (file, key) in HUMAN.items()}
