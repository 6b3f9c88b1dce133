"""The stage: which rows are asked for, in which batches, and what becomes of the answers.

Batches hold requests of many units, and the next batch is ready before the one that runs has ended, so the engine never waits for the
checks. Answers are judged as they come, in the order of asking. What a batch holds depends on the rows and on the answers before it
alone, never on time or on the cache: equal answers give equal rows.
"""

import random
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import xxhash

from tripletgen.decontaminate import BenchmarkIndex
from tripletgen.progress import Progress
from tripletgen.rewrite.base import Answer, Message, Reply, Request, make_request, sampling_of
from tripletgen.rewrite.budget import Budget
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.counts import Counts
from tripletgen.rewrite.engines import Opener, open_rewriter
from tripletgen.rewrite.fetch import Coming, Fetcher
from tripletgen.rewrite.prompt import Prompt, messages_of, second_attempt
from tripletgen.rewrite.reply import judge, told
from tripletgen.rewrite_options import TASKS, RewriteOptions, model_name
from tripletgen.schema import Reject, Triplet

_KEPT_TEXT = 2_000
_AHEAD = 2
_UNITS_A_BATCH = 32
"""Units that a batch reads at most: where few of their rows are asked for, a full batch would hold the data set in memory."""


class UnitRows(NamedTuple):
    """The rows of a unit, before or after the stage; a group lies in one unit, side by side."""

    unit: int
    rows: list[Triplet]
    rejects: list[Reject]


@dataclass
class _Unit:
    """A unit under way."""

    number: int
    rows: list[Triplet]
    seen: set[str]
    asked: int = 0
    pending: int = 0
    made: dict[int, Triplet | None] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def settled(self) -> int:
        """Return how many rows count as done: those that are not asked for are spread over those that are."""
        return len(self.rows) * (self.asked - self.pending) // self.asked if self.asked else len(self.rows)


class _Job(NamedTuple):
    """A row that is asked for, at its first or a later attempt."""

    unit: _Unit
    position: int
    prompt: Prompt
    attempt: int
    request: Request


def choose_tasks(rows: Iterable[Triplet], options: RewriteOptions, seed: int) -> Iterator[str | None]:
    """Yield the task of each row, or None; drawn from the seed and the row's group alone."""
    group, rng = None, random.Random()
    for row in rows:
        if row.group_id != group:
            group = row.group_id
            rng = random.Random(xxhash.xxh3_64_intdigest(b"rewrite" + group.to_bytes(8, "little"), seed=seed % 2**64))
        drawn = rng.random()
        chosen = None
        for task, origin in TASKS.items():
            if origin == row.origin and chosen is None:
                share = options.share_of(task, row.edit_type)
                chosen = task if drawn < share else None
                drawn -= share
        yield chosen


class Stage:
    """Ask for rows and judge the answers; `counts` says what came of it."""

    def __init__(
        self,
        options: RewriteOptions,
        seed: int,
        prompts: Mapping[str, Prompt],
        cache: Cache,
        *,
        index: BenchmarkIndex | None = None,
        progress: Progress | None = None,
        opener: Opener = open_rewriter,
    ) -> None:
        self.counts = Counts()
        self._options, self._seed, self._prompts = options, seed, prompts
        self._sampling = sampling_of(options, seed)
        self._index, self._progress = index, progress
        self._fetcher, self._budget = Fetcher(options, self._sampling, cache, opener), Budget(options)
        self._waiting: deque[_Job] = deque()
        self._finished: deque[UnitRows] = deque()

    def run(self, units: Iterable[UnitRows]) -> Iterator[UnitRows]:
        """Yield every unit as it is finished, in any order.

        Raises:
            RewriterError: the engine cannot be started or is gone; answers so far are in the cache.
        """
        fresh = self._jobs(units)
        flying: deque[tuple[list[_Job], Coming]] = deque()
        with self._fetcher:
            while True:
                while len(flying) < _AHEAD and (jobs := self._take(fresh)):
                    flying.append((jobs, self._fetcher.send([job.request for job in jobs])))
                drained = yield from self._drain()
                if flying:
                    self._receive(*flying.popleft())
                elif not drained:
                    return

    def _receive(self, jobs: list[_Job], coming: Coming) -> None:
        """Judge the answers of a batch as they come."""
        for job in jobs:
            self._settle(job, coming.answers[job.request.key].result())
        coming.call.result()
        self._note()

    def requests(self, units: Iterable[UnitRows]) -> Iterator[Request]:
        """Yield the first requests that a run would make; nothing is sent."""
        for job in self._jobs(units):
            self._finished.clear()
            if isinstance(job, _Job):
                yield job.request

    def _jobs(self, units: Iterable[UnitRows]) -> Iterator[_Job | _Unit]:
        """Yield the first attempts, and behind those of a unit the unit."""
        model = self._options.model
        for number, rows, rejects in units:
            unit = _Unit(number, rows, {row.triplet_id for row in rows}, rejects=rejects)
            tasks = list(choose_tasks(rows, self._options, self._seed))
            unit.asked = unit.pending = sum(task is not None for task in tasks)
            if not unit.pending:
                self._advance(unit.settled)
                self._finish(unit)
            for position, task in enumerate(tasks):
                if task is not None:
                    prompt = self._prompts[task]
                    messages = messages_of(prompt, rows[position])
                    yield _Job(unit, position, prompt, 1, make_request(model, self._sampling, messages, prompt.schema))
            yield unit

    def _take(self, fresh: Iterator[_Job | _Unit]) -> list[_Job]:
        """Return the next batch: second attempts first, then rows that were not asked for yet, as far as the limits allow."""
        batch: list[_Job] = []
        units = 0
        while len(batch) < self._options.batch_requests and units < _UNITS_A_BATCH:
            job = self._waiting.popleft() if self._waiting else next(fresh, None)
            if job is None:
                break
            if isinstance(job, _Unit):
                units += 1
                continue
            if self._budget.must_wait(job.request):
                self._waiting.appendleft(job)
                break
            if self._budget.is_spent(job.request):
                self._leave(job)
                continue
            self._budget.reserve(job.request)
            self.counts.requests += 1
            if job.attempt == 1:
                self.counts.asked[job.prompt.task] += 1
            batch.append(job)
        return batch

    def _settle(self, job: _Job, answer: Answer) -> None:
        """Take the first good reply; else ask again, or give the row up."""
        self._budget.settle(job.request, answer.tokens_in + answer.tokens_out)
        self.counts.tokens_in += answer.tokens_in
        self.counts.tokens_out += answer.tokens_out
        row, generator = job.unit.rows[job.position], f"{job.prompt.prompt_id} {model_name(self._options.model)}"
        if answer.failure is not None:
            self._refuse(job, answer.failure, answer.detail)
            self._end(job, None)
            return
        reason, text = "empty_reply", ""
        for reply in answer.replies or (Reply("", truncated=False),):
            made, found = judge(job.prompt, row, reply, generator)
            found = found or (self._clash(job.unit, made) if made else None)
            if found is None and made is not None:
                self._end(job, made)
                return
            reason, text = found or reason, reply.text
            self._refuse(job, reason, text)
        if job.attempt < self._options.attempts:
            messages: tuple[Message, ...] = second_attempt(job.request.messages, text, told(reason))
            request = make_request(self._options.model, self._sampling, messages, job.prompt.schema)
            self._waiting.append(job._replace(attempt=job.attempt + 1, request=request))
        else:
            self._end(job, None)

    def _clash(self, unit: _Unit, made: Triplet) -> str | None:
        if made.triplet_id in unit.seen:
            return "duplicate_triplet"
        leaks = self._index is not None and (self._index.leaks(made.modification_text) or self._index.leaks(made.target_caption))
        return "benchmark_text" if leaks else None

    def _refuse(self, job: _Job, reason: str, text: str) -> None:
        """Count a reply that is not taken and keep what it said."""
        row = job.unit.rows[job.position]
        self.counts.refused[reason] += 1
        said = text[:_KEPT_TEXT].encode("utf-8", "replace").decode()
        job.unit.rejects.append(("rewrite", reason, row.reference_caption, said, row.target_caption, row.source, row.source_id))

    def _end(self, job: _Job, made: Triplet | None) -> None:
        task = job.prompt.task
        if made is None:
            self.counts.failed[task] += 1
        else:
            self.counts.accepted[task] += 1
            self.counts.accepted_later[task] += job.attempt > 1
            job.unit.seen.add(made.triplet_id)
        job.unit.made[job.position] = made
        self._done(job)

    def _leave(self, job: _Job) -> None:
        """Leave a row as it is, for a limit is reached; after a first attempt it has failed."""
        if job.attempt > 1:
            self._end(job, None)
            return
        self.counts.not_asked[job.prompt.task] += 1
        self._done(job)

    def _done(self, job: _Job) -> None:
        before = job.unit.settled
        job.unit.pending -= 1
        self._advance(job.unit.settled - before)
        if job.unit.pending == 0:
            self._finish(job.unit)

    def _finish(self, unit: _Unit) -> None:
        """Put a unit's rows together: what was made, and what the options keep of what was there."""
        rows: list[Triplet] = []
        for position, row in enumerate(unit.rows):
            made = unit.made.get(position)
            asked = position in unit.made
            if not asked or self._options.keep == "always" or (made is None and self._options.keep == "failed"):
                rows.append(row)
            if made is not None:
                rows.append(made)
        self._finished.append(UnitRows(unit.number, rows, sorted(unit.rejects, key=str)))

    def _drain(self) -> Generator[UnitRows, None, int]:
        """Yield what is finished, and return how much it was."""
        drained = len(self._finished)
        while self._finished:
            yield self._finished.popleft()
        return drained

    def _advance(self, rows: int) -> None:
        if self._progress is not None:
            self._progress.advance(rows)

    def _note(self) -> None:
        if self._progress is not None:
            ended = self.counts.accepted.total() + self.counts.failed.total()
            share = 100 * self.counts.accepted.total() / max(ended, 1)
            self._progress.note(f"rewriting, {self._fetcher.rate:,.0f} tokens/s, {share:.0f} % accepted")
