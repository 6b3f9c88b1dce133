"""What a worker does with a piece of a source: read it, clean it, and keep the captions for the division into units."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tripletgen.captions.clean import MAX_CHARACTERS
from tripletgen.captions.partition import Dropped, clean_rows, write_spill
from tripletgen.captions.readers import Row
from tripletgen.captions.sources import read_piece, read_source
from tripletgen.crossing import MAX_KEPT_DROPS, drop_row
from tripletgen.reports import Report, read_report, write_report
from tripletgen.schema import REJECT_SCHEMA
from tripletgen.shards.writer import write_rows
from tripletgen.tasks import CRASHED, ReadTask


def read_captions(task: ReadTask) -> Report:
    """Read and clean a piece, or only the rows `part` of it; return `{unit, rows, broken, captions, dropped, last}`.

    `rows` are those of the whole piece, and `last` is the last number of a piece that is numbered by itself, else 0.
    """
    base = Path(task.work) / "read" / f"{task.number:05d}"
    key = f"{task.code}:{task.source}:{task.piece}"
    done = read_report(base.with_suffix(".json"), key)
    if done is not None:
        return done
    drops: list[Dropped] = []
    dropped: Counter[str] = Counter()
    seen = {"rows": 0, "broken": 0, "last": 0}

    def note(drop: Dropped) -> None:
        dropped[drop.reason] += 1
        if task.keep_rejects and len(drops) < MAX_KEPT_DROPS:
            drops.append(drop)

    def wanted(rows: Iterable[Row]) -> Iterator[Row]:
        first, last = task.part or (0, math.inf)
        for place, (source_id, text) in enumerate(rows):
            seen["rows"] += 1
            seen["broken"] += text is None
            if place in task.skip:
                note(Dropped(CRASHED, (text or "")[:MAX_CHARACTERS], task.source.name, source_id))
            elif first <= place < last:
                yield source_id, text

    def on_end(number: int) -> None:
        seen["last"] = number

    rows = read_source(task.source) if task.piece is None else read_piece(task.source, task.piece, on_end)
    total = write_spill(base.with_suffix(".arrow"), clean_rows(task.source, wanted(rows), note, Counter()))
    write_rows(base.with_suffix(".rejects"), [drop_row(drop) for drop in drops], REJECT_SCHEMA)
    report = {"unit": task.number, "captions": total, "dropped": dict(sorted(dropped.items())), **seen}
    return write_report(base.with_suffix(".json"), key, task.skip, report)
