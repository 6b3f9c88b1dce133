"""The stage within a build: from the units' files of rows to new ones beside them."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from tripletgen.decontaminate import BenchmarkIndex
from tripletgen.errors import UsageError
from tripletgen.progress import Progress
from tripletgen.reports import Report
from tripletgen.rewrite.base import Message
from tripletgen.rewrite.budget import chat_tokens, likely_reply, reply_tokens
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.engines import Opener
from tripletgen.rewrite.prompt import Prompt, load_prompts, messages_of, second_attempt
from tripletgen.rewrite.reply import told
from tripletgen.rewrite.stage import Stage, UnitRows, choose_tasks
from tripletgen.rewrite_options import RewriteOptions, model_name
from tripletgen.schema import COUNTED, REJECT_SCHEMA, SPLITS, Triplet, validation_start
from tripletgen.shards.writer import write_rows
from tripletgen.staging import WORK

ROWS, REWRITTEN = "rows", "rewritten"


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
    """Return what a run would ask for, with nothing sent: first attempts, and under `at_most` what it is if no reply is ever taken.

    `rate` is output tokens a second as measured before; without one no time is given.

    Raises:
        UsageError: the rate is no speed.
    """
    if rate is not None and not 0 < rate < math.inf:
        raise UsageError(f"rate: {rate!r} is no number of tokens a second", "give --rate what a small run showed, such as 8000")
    first, at_most = _Taken(options), _Taken(options)
    for task, row, messages in _first_chats(units, options, seed):
        reply = likely_reply(task, row)
        first.add(messages, reply)
        chat = messages
        for _ in range(options.attempts):
            at_most.add(chat, reply)
            chat = second_attempt(chat, reply, told("change_not_mentioned"))
    return first.as_json(rate) | {"tokens_a_second": rate, "at_most": at_most.as_json(rate)}


def _first_chats(units: Iterable[UnitRows], options: RewriteOptions, seed: int) -> Iterator[tuple[str, Triplet, tuple[Message, ...]]]:
    prompts = load_prompts(options.prompts)
    for unit in units:
        for row, task in zip(unit.rows, choose_tasks(unit.rows, options, seed), strict=True):
            if task is not None:
                yield task, row, messages_of(prompts[task], row)


@dataclass
class _Taken:
    """Requests and tokens, as far as the limits allow."""

    options: RewriteOptions
    requests: int = 0
    tokens_in: int = 0
    tokens_new: int = 0
    tokens_out: int = 0
    spent: bool = False

    def add(self, messages: Sequence[Message], reply: str) -> None:
        """Count a request, unless a limit is reached."""
        tokens_in, tokens_out = chat_tokens(messages), reply_tokens(reply) * self.options.num_replies
        most, most_tokens = self.options.max_requests, self.options.max_tokens_total
        total = self.tokens_in + self.tokens_out + tokens_in + tokens_out
        self.spent = self.spent or self.requests == most or (most_tokens is not None and total > most_tokens)
        if not self.spent:
            self.requests += 1
            self.tokens_in += tokens_in
            self.tokens_new += chat_tokens(messages[-1:])
            self.tokens_out += tokens_out

    def as_json(self, rate: float | None) -> dict[str, Any]:
        """Return the numbers, and the hours at a rate of output tokens a second."""
        return {
            "requests": self.requests,
            "tokens_in": self.tokens_in,
            "tokens_in_after_shared_prefix": self.tokens_new,
            "tokens_out": self.tokens_out,
            "hours": None if rate is None else round(self.tokens_out / rate / 3600, 3),
        }
