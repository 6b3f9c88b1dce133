"""What a worker does with a unit: parse and mask its captions, make and filter its triplets, write them to shards.

A unit's result depends on nothing but its captions, the recipe and the corpus statistics. Each function first looks whether
its result lies there already, made from the same input: so a rerun skips what is done.
"""

import heapq
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from tripletgen.captions.partition import Dropped, digest, read_unit
from tripletgen.decontaminate import BenchmarkIndex
from tripletgen.depiction import depicts
from tripletgen.edits import Candidate, propose
from tripletgen.edits.base import frame_of
from tripletgen.edits.wording import word_edit
from tripletgen.figures import measure
from tripletgen.filters import reject
from tripletgen.lexicon import load_lexicon
from tripletgen.pairs.explain import explain
from tripletgen.pairs.likeness import Found
from tripletgen.pairs.masks import MASK_SCHEMA, iter_masks
from tripletgen.parsing import ParsedCaption, parse, read_parsed, write_parsed
from tripletgen.reports import Report, read_report, write_report
from tripletgen.retag import mend_parse
from tripletgen.schema import COUNTED, REJECT_SCHEMA, Caption, Reject, Triplet, normalise, triplet_id_of, validation_start
from tripletgen.shards.manifest import write_text
from tripletgen.shards.writer import write_rows, write_shard
from tripletgen.stats import CorpusStats, read_stats
from tripletgen.tasks import CRASHED, CountTask, EditTask, MaskTask, ParseTask, Part, ShardTask, pairs_name

Row = TypeVar("Row")

MAX_KEPT_DUPLICATES = 10_000
"""Duplicates of a unit that are kept as rejects: a caption may stand in a corpus a million times."""

MAX_PAIRS = 2
"""Mined pairs a caption; they count among its triplets and come first, for their targets are real."""


def warm_up() -> None:
    """Load what every unit needs, and what is only made when it is needed first."""
    (parsed,) = parse([Caption("a dog", "", "", "", 0)])
    mend_parse(parsed, load_lexicon())


def parse_unit(task: ParseTask) -> Report:
    """Drop duplicates, parse, count; return `{key, unit, captions, dropped}`."""
    work = Path(task.work)
    report_path = work / "parsed" / f"{task.unit:05d}.json"
    drops: list[Dropped] = []
    dropped: Counter[str] = Counter()

    def note(drop: Dropped) -> None:
        dropped[drop.reason] += 1
        if task.keep_rejects:
            drops.append(drop)
            if len(drops) == 2 * MAX_KEPT_DUPLICATES:  # the smallest, so that no order of reading changes a byte
                drops[:] = heapq.nsmallest(MAX_KEPT_DUPLICATES, drops)

    captions = read_unit(work / "partition", task.unit, note)
    key = f"{task.code}:{digest(captions)}:{dropped.total()}:{task.keep_rejects}"
    done = read_report(report_path, key)
    if done is not None:
        return done
    for _, crashed in _chosen(captions, task.skip):
        note(Dropped(CRASHED, crashed.text, crashed.source, crashed.source_id))
    captions = [caption for _, caption in _wanted(captions, task.skip, task.part)]
    lexicon, stats = load_lexicon(), CorpusStats()

    def counted() -> Iterator[ParsedCaption]:
        for raw in parse(captions):
            parsed = mend_parse(raw, lexicon)
            stats.add(parsed, lexicon)
            yield parsed

    write_parsed(report_path.with_suffix(".arrow"), counted())
    write_text(report_path.with_suffix(".stats"), stats.to_json())
    if task.keep_rejects:
        rows: list[Reject] = sorted(
            ("unit", d.reason, d.text, None, None, d.source, d.source_id) for d in heapq.nsmallest(MAX_KEPT_DUPLICATES, drops)
        )
        write_rows(work / "rejects" / f"parse-{task.unit:05d}.arrow", rows, REJECT_SCHEMA)
    report = {"unit": task.unit, "captions": len(captions), "dropped": dict(sorted(dropped.items()))}
    return write_report(report_path, key, task.skip, report)


def count_units(task: CountTask) -> Report:
    """Merge the statistics of some units, or of some that were merged, into one file."""
    work, merged = Path(task.work), CorpusStats()
    for part in task.parts:
        merged.merge(read_stats(work / part))
    write_text(work / task.out, merged.to_json())
    return {"captions": merged.num_captions}


def mask_unit(task: MaskTask) -> Report:
    """Mask the captions of a parsed unit that describe a picture; return `{key, unit, captions}`."""
    work = Path(task.work)
    path = work / "masks" / f"{task.unit:05d}.parquet"
    parse_report = json.loads((work / "parsed" / f"{task.unit:05d}.json").read_text(encoding="utf-8"))
    done = read_report(path.with_suffix(".json"), parse_report["key"])
    if done is not None:
        return done
    lexicon, rows = load_lexicon(), []
    for row, parsed in _wanted(read_parsed(work / "parsed" / f"{task.unit:05d}.arrow"), task.skip, task.part):
        if depicts(parsed):
            rows += [(m.key, task.unit, row, *m[1:], parsed.text, parsed.caption.group_id) for m in iter_masks(parsed, lexicon)]
    columns = zip(*rows, strict=True) if rows else ([] for _ in MASK_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, MASK_SCHEMA, strict=True)]
    temporary = path.with_suffix(".tmp")
    pq.write_table(pa.Table.from_arrays(arrays, schema=MASK_SCHEMA), temporary)
    temporary.replace(path)
    report = {"unit": task.unit, "captions": parse_report["captions"]}
    return write_report(path.with_suffix(".json"), parse_report["key"], task.skip, report)


def edit_unit(task: EditTask) -> Report:
    """Propose, filter, write; return counts: rows by split, captions dropped and candidates rejected by reason, rows by column."""
    work = Path(task.work)
    report_path = work / "rows" / f"{task.unit:05d}.json"
    parse_report = json.loads((work / "parsed" / f"{task.unit:05d}.json").read_text(encoding="utf-8"))
    key = f"{task.fingerprint}:{parse_report['key']}"
    done = read_report(report_path, key)
    if done is not None:
        return done
    stats = _stats(str(work / "stats.json"), task.fingerprint)
    index = _index(str(work / "benchmarks.npz"), task.fingerprint) if task.decontaminate else None
    rows: list[Triplet] = []
    rejects: list[Reject] = []
    rejected: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    pairs = _read_pairs(task)
    for number, parsed in _wanted(read_parsed(work / "parsed" / f"{task.unit:05d}.arrow"), (), task.part):
        caption, before = parsed.caption, rejected.total()
        reason = CRASHED if number in task.skip else _unfit(parsed, index)
        triplets = [] if reason else triplets_of(parsed, stats, task, index, rejected, rejects, pairs.get(number, ()))
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
        "unit": task.unit,
        "train": len(train),
        "validation": len(validation),
        "rejects": len(rejects),
        "dropped": dict(sorted(dropped.items())),
        "rejected": dict(sorted(rejected.items())),
        **{name: dict(sorted(Counter(getattr(row, name) for row in rows).items())) for name in COUNTED},
    }
    return write_report(report_path, key, task.skip, report)


def shard_unit(task: ShardTask) -> Report:
    """Write a shard; return its entry for the manifest, and what is counted in it if its rows are triplets."""
    work = Path(task.work)
    path = work.parent / task.name
    written = write_shard(path, [work / name for name in task.parts])
    return {"unit": task.unit, **written._replace(path=task.name)._asdict(), "figures": measure(path) if task.split else None}


def _unfit(parsed: ParsedCaption, index: BenchmarkIndex | None) -> str | None:
    """Return why no triplet should be made of a caption, or None."""
    if not depicts(parsed):
        return "not_a_description"
    return "benchmark_text" if index is not None and index.leaks(parsed.text) else None


def triplets_of(
    parsed: ParsedCaption,
    stats: CorpusStats,
    task: EditTask,
    index: BenchmarkIndex | None,
    rejected: Counter[str],
    rejects: list[Reject],
    found: Sequence[Found] = (),
) -> list[Triplet]:
    """Return the accepted triplets of one caption; `rejected` and `rejects` receive the others with their reasons.

    `found` are other captions of the corpus that differ from this one in one place.
    """
    caption = parsed.caption
    accepted: list[Triplet] = []
    seen: set[str] = set()
    rng = random.Random(_seed_of(task.seed, caption.group_id))
    mined = _pair_candidates(parsed, stats, task, found, rejected, rejects) if found else iter(())
    ruled = propose(parsed, load_lexicon(), stats, frozenset(task.edit_types), rng)
    for origin, candidate in chain((("pair", one) for one in mined), (("rule", one) for one in ruled)):
        if origin == "pair" and len(accepted) == MAX_PAIRS:
            continue
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
                origin,
                candidate.edit.edit_type,
                candidate.phrasing,
                candidate.edit.source_phrase,
                candidate.edit.target_phrase,
                candidate.edit.rule if origin == "rule" else f"pair:{candidate.edit.rule}",
                caption.source,
                caption.source_id,
                caption.licence,
                caption.group_id,
            )
        )
        if len(accepted) == task.max_per_caption:
            break
    return accepted


def _pair_candidates(
    parsed: ParsedCaption,
    stats: CorpusStats,
    task: EditTask,
    found: Sequence[Found],
    rejected: Counter[str],
    rejects: list[Reject],
) -> Iterator[Candidate]:
    """Yield a worded edit for each other caption that an edit leads to exactly."""
    frame = frame_of(parsed, load_lexicon(), stats)
    # Of its own, so that the rules propose the same with and without pairs.
    rng = random.Random(_seed_of(task.seed + 1, parsed.caption.group_id))
    for one in found:
        edit = explain(frame, one)
        if isinstance(edit, str):
            rejected[edit] += 1
            rejects.append(("pair", edit, parsed.text, None, one.text, parsed.caption.source, parsed.caption.source_id))
        elif edit.edit_type in task.edit_types:
            yield Candidate(edit, *word_edit(edit, rng), one.text)


def _read_pairs(task: EditTask) -> dict[int, list[Found]]:
    """Return by row what the captions of a unit differ from, the two of a pair being of one split."""
    if task.pairs is None:
        return {}
    start = validation_start(task.validation_fraction)
    columns = ["row", *Found._fields, "group_id", "other"]
    path = Path(task.work) / pairs_name(task.unit)
    if not path.is_file():
        return {}
    rows = pq.read_table(path, columns=columns, filters=[("unit", "=", task.unit)])
    found: dict[int, list[Found]] = {}
    for row, *values, group_id, other in zip(*(rows.column(name).to_pylist() for name in columns), strict=True):
        if (group_id < start) == (other < start):
            found.setdefault(row, []).append(Found(*values))
    return found


def _seed_of(seed: int, group_id: int) -> int:
    return xxhash.xxh3_64_intdigest(group_id.to_bytes(8, "little"), seed=seed % 2**64)


def _wanted(rows: Iterable[Row], skip: Sequence[int], part: Part | None) -> Iterator[tuple[int, Row]]:
    """Yield the numbered rows that are to be worked on."""
    first, last = part or (0, None)
    return ((number, row) for number, row in islice(enumerate(rows), first, last) if number not in skip)


def _chosen(rows: Sequence[Row], numbers: Iterable[int]) -> list[tuple[int, Row]]:
    return [(number, rows[number]) for number in numbers if number < len(rows)]


@lru_cache(maxsize=1)
def _stats(path: str, _fingerprint: str) -> CorpusStats:
    return read_stats(Path(path))


@lru_cache(maxsize=1)
def _index(path: str, _fingerprint: str) -> BenchmarkIndex:
    return BenchmarkIndex.load(Path(path))
