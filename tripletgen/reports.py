"""What is noted of a finished task: a small JSON file, written after the files that it speaks of."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tripletgen.shards.manifest import write_text

Report = dict[str, Any]


def hash_of(*parts: object) -> str:
    """Return a hash of what something is made from: equal where all parts are."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def read_report(path: Path, key: str) -> Report | None:
    """Return a task's report if it was written from the same input, with or without the captions that end a worker."""
    try:
        report: Report = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return report if report.get("asked") == key else None


def write_report(path: Path, key: str, skip: Sequence[int], report: Report) -> Report:
    """Write a task's report: `key` says what its files were made from, `asked` the same without the captions skipped."""
    whole = {"key": f"{key}:{','.join(map(str, skip))}" if skip else key, "asked": key, "skip": list(skip), **report}
    write_text(path, json.dumps(whole))
    return whole


def sum_counts(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sums of counts by name, sorted."""
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items()))
