"""The two functions that a worker runs on a unit: parse its captions; make, filter and write its triplets.

A unit's result depends on nothing but its captions, the recipe and the corpus statistics. Each function first looks whether
its result lies there already, made from the same input: so a rerun skips what is done.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from tripletgen.captions.partition import Dropped, digest, read_unit
from tripletgen.decontaminate import BenchmarkIndex
from tripletgen.depiction import depicts
from tripletgen.edits import propose
from tripletgen.filters import reject
from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import ParsedCaption, load_model, parse, read_parsed, write_parsed
from tripletgen.retag import mend_parse
from tripletgen.schema import REJECT_SCHEMA, Triplet, normalise, triplet_id_of, validation_start
from tripletgen.shards.manifest import write_text
from tripletgen.shards.writer import write_rows
from tripletgen.stats import CorpusStats, read_stats

Reject = tuple[str, str, str, str | None, str | None, str, str]
Report = dict[str, Any]


class ParseTask(NamedTuple):
    """Parse unit `unit` of the partition in `work`."""

    work: str
    unit: int
    code: str
    keep_rejects: bool


class EditTask(NamedTuple):
    """Make the triplets of unit `unit`; `fingerprint` covers recipe, code and corpus statistics."""

    work: str
    unit: int
    fingerprint: str
    seed: int
    max_per_caption: int
    edit_types: tuple[str, ...]
    validation_fraction: float
    decontaminate: bool
    keep_rejects: bool


def warm_up() -> None:
    """Load what every unit needs."""
    load_lexicon()
    load_model()


def parse_unit(task: ParseTask) -> Report:
    """Drop duplicates, parse, count; return `{unit, input, captions, dropped}`."""
    work = Path(task.work)
    report_path = work / "parsed" / f"{task.unit:05d}.json"
    drops: list[Dropped] = []
    dropped: Counter[str] = Counter()

    def note(drop: Dropped) -> None:
        dropped[drop.reason] += 1
        if task.keep_rejects:
            drops.append(drop)

    captions = read_unit(work / "partition", task.unit, note)
    key = f"{task.code}:{digest(captions)}:{dropped.total()}:{task.keep_rejects}"
    done = _read_report(report_path, key)
    if done is not None:
        return done
    lexicon, stats = load_lexicon(), CorpusStats()

    def counted() -> Iterator[ParsedCaption]:
        for raw in parse(captions):
            parsed = mend_parse(raw, lexicon)
            stats.add(parsed, lexicon)
            yield parsed

    write_parsed(report_path.with_suffix(".arrow"), counted())
    write_text(report_path.with_suffix(".stats"), stats.to_json())
    if task.keep_rejects:
        rows: list[Reject] = sorted(("unit", d.reason, d.text, None, None, d.source, d.source_id) for d in drops)
        write_rows(work / "rejects" / f"parse-{task.unit:05d}.arrow", rows, REJECT_SCHEMA)
    report = {"key": key, "unit": task.unit, "captions": len(captions), "dropped": dict(sorted(dropped.items()))}
    write_text(report_path, json.dumps(report))
    return report


def edit_unit(task: EditTask) -> Report:
    """Propose, filter, write; return counts: rows by split, captions dropped and candidates rejected by reason, rows by column."""
    work = Path(task.work)
    report_path = work / "rows" / f"{task.unit:05d}.json"
    parse_report = json.loads((work / "parsed" / f"{task.unit:05d}.json").read_text(encoding="utf-8"))
    key = f"{task.fingerprint}:{parse_report['key']}"
    done = _read_report(report_path, key)
    if done is not None:
        return done
    stats = _stats(str(work / "stats.json"), task.fingerprint)
    index = _index(str(work / "benchmarks.npz"), task.fingerprint) if task.decontaminate else None
    rows: list[Triplet] = []
    rejects: list[Reject] = []
    rejected: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for parsed in read_parsed(work / "parsed" / f"{task.unit:05d}.arrow"):
        caption, before = parsed.caption, rejected.total()
        reason = _unfit(parsed, index)
        triplets = [] if reason else triplets_of(parsed, stats, task, index, rejected, rejects)
        rows += triplets
        if not triplets:
            reason = reason or ("no_editable_phrase" if rejected.total() == before else "all_edits_rejected")
            dropped[reason] += 1
            rejects.append(("edit", reason, caption.text, None, None, caption.source, caption.source_id))
        if not task.keep_rejects:
            rejects.clear()
    start = validation_start(task.validation_fraction)
    train = [row for row in rows if row.group_id < start]
    validation = rows[len(train) :]
    write_rows(work / "rows" / f"train-{task.unit:05d}.arrow", train)
    write_rows(work / "rows" / f"validation-{task.unit:05d}.arrow", validation)
    if task.keep_rejects:
        write_rows(work / "rejects" / f"edit-{task.unit:05d}.arrow", rejects, REJECT_SCHEMA)
    report = {
        "key": key,
        "unit": task.unit,
        "train": len(train),
        "validation": len(validation),
        "rejects": len(rejects),
        "dropped": dict(sorted(dropped.items())),
        "rejected": dict(sorted(rejected.items())),
        **{name: dict(sorted(Counter(getattr(row, name) for row in rows).items())) for name in COUNTED},
    }
    write_text(report_path, json.dumps(report))
    return report


def _unfit(parsed: ParsedCaption, index: BenchmarkIndex | None) -> str | None:
    """Return why no triplet should be made of a caption, or None."""
    if not depicts(parsed):
        return "not_a_description"
    return "benchmark_text" if index is not None and index.leaks(parsed.text) else None


COUNTED = ("edit_type", "phrasing", "origin", "licence", "source")


def triplets_of(
    parsed: ParsedCaption,
    stats: CorpusStats,
    task: EditTask,
    index: BenchmarkIndex | None,
    rejected: Counter[str],
    rejects: list[Reject],
) -> list[Triplet]:
    """Return the accepted triplets of one caption; `rejected` and `rejects` receive the others with their reasons."""
    caption = parsed.caption
    accepted: list[Triplet] = []
    seen: set[str] = set()
    rng = random.Random(_seed_of(task.seed, caption.group_id))
    for candidate in propose(parsed, load_lexicon(), stats, frozenset(task.edit_types), rng):
        text, target = candidate.modification_text, candidate.target_caption
        reason = reject(caption.text, text, target, candidate.edit.edit_type)
        words = normalise(target)
        if reason is None and words in seen:
            reason = "same_target"
        if reason is None and index is not None and (index.leaks(text) or index.leaks(target)):
            reason = "benchmark_text"
        if reason is not None:
            rejected[reason] += 1
            rejects.append(("filter", reason, caption.text, text, target, caption.source, caption.source_id))
            continue
        seen.add(words)
        accepted.append(
            Triplet(
                triplet_id_of(caption.text, text, target),
                caption.text,
                text,
                target,
                "rule",
                candidate.edit.edit_type,
                candidate.phrasing,
                candidate.edit.source_phrase,
                candidate.edit.target_phrase,
                candidate.edit.rule,
                caption.source,
                caption.source_id,
                caption.licence,
                caption.group_id,
            )
        )
        if len(accepted) == task.max_per_caption:
            break
    return accepted


def _seed_of(seed: int, group_id: int) -> int:
    return xxhash.xxh3_64_intdigest(group_id.to_bytes(8, "little"), seed=seed % 2**64)


def _read_report(path: Path, key: str) -> Report | None:
    """Return a unit's report if it was written from the same input."""
    try:
        report: Report = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return report if report.get("key") == key else None


@lru_cache(maxsize=1)
def _stats(path: str, _fingerprint: str) -> CorpusStats:
    return read_stats(Path(path))


@lru_cache(maxsize=1)
def _index(path: str, _fingerprint: str) -> BenchmarkIndex:
    return BenchmarkIndex.load(Path(path))
