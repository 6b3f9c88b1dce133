"""The stage within a build: from the units' files of rows to new ones beside them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from tripletgen.decontaminate import BenchmarkIndex
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.engines import Opener
from tripletgen.rewrite.prompt import Prompt, load_prompts
from tripletgen.rewrite.stage import Progress, Stage, UnitRows
from tripletgen.rewrite_options import RewriteOptions, model_name
from tripletgen.schema import REJECT_SCHEMA, SPLITS, Triplet, validation_start
from tripletgen.shards.writer import write_rows
from tripletgen.staging import WORK

COUNTED = ("edit_type", "phrasing", "origin", "licence", "source")
ROWS, REWRITTEN = "rows", "rewritten"

Report = dict[str, Any]


class Workplace(Protocol):
    """Where the units' files lie; one far away lends a file for as long as it is read, and is handed over what is written."""

    @property
    def unfinished(self) -> Path:
        """Return the folder here."""

    def lend(self, name: str) -> AbstractContextManager[Path]:
        """Provide a file."""

    def hand_over(self, *names: str) -> None:
        """Take files."""


def prompt_ids(options: RewriteOptions | None) -> dict[str, str] | None:
    """Return the prompts of a run by task: they determine its rows as much as the recipe does."""
    if options is None:
        return None
    return {task: prompt.prompt_id for task, prompt in load_prompts(options.prompts).items() if _is_used(options, task)}


def _is_used(options: RewriteOptions, task: str) -> bool:
    return any(share > 0 for name, share in options.share.items() if name.partition(":")[0] == task)


def cache_path(options: RewriteOptions, out: Path) -> Path:
    """Return where answers are kept: beside the data set, so that they outlive a build that starts afresh."""
    folder = Path(options.cache) if options.cache else out.resolve().with_name(out.resolve().name + ".answers")
    return folder / "answers.sqlite"


def rewrite_units(  # noqa: PLR0913
    reports: list[Report],
    options: RewriteOptions,
    seed: int,
    fraction: float,
    work: Workplace,
    *,
    cache: Path,
    opener: Opener,
    progress: Progress | None,
) -> tuple[list[Report], dict[str, Any]]:
    """Rewrite the rows of edited units; return their reports with the new numbers, and what the manifest says of the stage.

    Raises:
        RewriterError: the engine cannot be started or is gone; answers so far are kept.
    """
    prompts = load_prompts(options.prompts)
    benchmarks = work.unfinished / "benchmarks.npz"
    index = BenchmarkIndex.load(benchmarks) if benchmarks.is_file() else None
    answers = Cache(cache)
    stage = Stage(options, seed, prompts, answers, index=index, progress=progress, opener=opener)
    by_unit = {report["unit"]: report for report in reports}
    done: dict[int, Report] = {}
    (work.unfinished / REWRITTEN).mkdir(exist_ok=True)
    try:
        for unit in stage.run(read_units(work, by_unit)):
            done[unit.unit] = by_unit[unit.unit] | write_unit(unit, work.unfinished, fraction)
            rows = (f"{REWRITTEN}/{split}-{unit.unit:05d}.arrow" for split in SPLITS)
            work.hand_over(*(f"{WORK}/{name}" for name in (*rows, f"rejects/rewrite-{unit.unit:05d}.arrow")))
    finally:
        answers.close()
    for number, report in done.items():
        lost = by_unit[number]["_groups"] - report["_groups"]
        if lost:
            report["dropped"] = dict(sorted((Counter(report["dropped"]) + Counter({"all_rewrites_refused": lost})).items()))
    return [_plain(done[number]) for number in sorted(done)], describe_stage(stage, options, prompts, answers)


def read_units(work: Workplace, reports: Mapping[int, Report]) -> Iterator[UnitRows]:
    """Yield the rows of every unit, both splits, in order of the units; the number of groups is noted in the report."""
    for number in sorted(reports):
        rows: list[Triplet] = []
        for split in SPLITS:
            with work.lend(f"{WORK}/{ROWS}/{split}-{number:05d}.arrow") as path:
                rows += _read_rows(path)
        reports[number]["_groups"] = len({row.group_id for row in rows})
        yield UnitRows(number, rows, [])


def _read_rows(path: Path) -> Iterator[Triplet]:
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    yield from map(Triplet._make, zip(*(column.to_pylist() for column in table.columns), strict=True))


def write_unit(unit: UnitRows, work: Path, fraction: float) -> Report:
    """Write a unit's rows by split and its refused replies; return its new numbers."""
    start = validation_start(fraction)
    parts = {"train": [r for r in unit.rows if r.group_id < start], "validation": [r for r in unit.rows if r.group_id >= start]}
    for split, rows in parts.items():
        write_rows(work / REWRITTEN / f"{split}-{unit.unit:05d}.arrow", rows)
    (work / "rejects").mkdir(exist_ok=True)
    write_rows(work / "rejects" / f"rewrite-{unit.unit:05d}.arrow", unit.rejects, REJECT_SCHEMA)
    counts = {name: dict(sorted(Counter(getattr(row, name) for row in unit.rows).items())) for name in COUNTED}
    groups = len({row.group_id for row in unit.rows})
    return {**{split: len(rows) for split, rows in parts.items()}, **counts, "_groups": groups}


def _plain(report: Report) -> Report:
    return {name: value for name, value in report.items() if name != "_groups"}


def describe_stage(stage: Stage, options: RewriteOptions, prompts: Mapping[str, Prompt], answers: Cache) -> dict[str, Any]:
    """Return what the manifest says of the stage."""
    used = [prompts[task].prompt_id for task in stage.counts.as_json()["tasks"]]
    entry = {"rewriter": options.rewriter, "model": model_name(options.model), "prompts": used, **stage.counts.as_json()}
    return entry | ({"damaged_answers": answers.damaged} if answers.damaged else {})


def estimate(units: Iterable[UnitRows], options: RewriteOptions, seed: int, rate: float | None) -> dict[str, Any]:
    """Return what a run would ask for, with nothing sent: first attempts only, a token taken as four characters.

    The examples' replies tell how long an answer is. `rate` is output tokens a second as measured before; without one no time is given.
    """
    prompts = load_prompts(options.prompts)
    # A chat begins with its prompt's instructions, which tell the tasks apart; two of them have equal schemas.
    length = {p.system: sum(len(json.dumps(e.reply)) for e in p.examples) / max(len(p.examples), 1) / 4 for p in prompts.values()}
    stage = Stage(options, seed, prompts, Cache(Path(":memory:")))
    requests, tokens_in, tokens_new, tokens_out = 0, 0.0, 0.0, 0.0
    for request in stage.requests(units):
        if options.max_requests is not None and requests >= options.max_requests:
            break
        requests += 1
        tokens_in += sum(len(message.content) for message in request.messages) / 4
        tokens_new += len(request.messages[-1].content) / 4
        tokens_out += length[request.messages[0].content] * options.num_replies
    return {
        "requests": requests,
        "tokens_in": round(tokens_in),
        "tokens_in_after_shared_prefix": round(tokens_new),
        "tokens_out": round(tokens_out),
        "tokens_a_second": rate,
        "hours": None if not rate else round(tokens_out / rate / 3600, 3),
    }
