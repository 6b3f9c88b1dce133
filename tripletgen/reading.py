"""What a worker does with a piece of a source: read it, clean it, and keep the captions for the division into units."""

from collections import Counter
from pathlib import Path

from tripletgen.captions.partition import Dropped, clean_rows, write_spill
from tripletgen.captions.readers import Row
from tripletgen.captions.sources import read_piece, read_source
from tripletgen.crossing import MAX_KEPT_DROPS, drop_row
from tripletgen.reports import Report, read_report, write_report
from tripletgen.schema import REJECT_SCHEMA
from tripletgen.shards.writer import write_rows
from tripletgen.tasks import ReadTask


def read_captions(task: ReadTask) -> Report:
    """Read and clean a piece; return `{unit, rows, broken, captions, dropped, last}`.

    `last` is the last number of a piece that is numbered by itself, else 0.
    """
    base = Path(task.work) / "read" / f"{task.number:05d}"
    key = f"{task.code}:{task.source}:{task.piece}"
    done = read_report(base.with_suffix(".json"), key)
    if done is not None:
        return done
    drops: list[Dropped] = []
    dropped: Counter[str] = Counter()
    read: Counter[tuple[str, str]] = Counter()
    seen = {"broken": 0, "last": 0}

    def note(drop: Dropped) -> None:
        dropped[drop.reason] += 1
        if task.keep_rejects and len(drops) < MAX_KEPT_DROPS:
            drops.append(drop)

    def watched(row: Row) -> Row:
        seen["broken"] += row[1] is None
        return row

    def on_end(number: int) -> None:
        seen["last"] = number

    rows = read_source(task.source) if task.piece is None else read_piece(task.source, task.piece, on_end)
    total = write_spill(base.with_suffix(".arrow"), clean_rows(task.source, map(watched, rows), note, read))
    write_rows(base.with_suffix(".rejects"), [drop_row(drop) for drop in drops], REJECT_SCHEMA)
    report = {"unit": task.number, "rows": read.total(), "captions": total, "dropped": dict(sorted(dropped.items())), **seen}
    return write_report(base.with_suffix(".json"), key, (), report)
