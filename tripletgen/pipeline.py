"""The spine: sources -> clean -> partition -> parse units -> corpus statistics -> edit units -> shards -> manifest.

Everything unfinished lies in `OUT/.work`; the manifest is written last, and then `.work` goes.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tripletgen
from tripletgen.assets import code_digest
from tripletgen.captions.marks import Mark, marks_of
from tripletgen.captions.partition import Partition, read_partition
from tripletgen.captions.sources import Source, expand_sources
from tripletgen.dataset import Built, finish
from tripletgen.decontaminate import BenchmarkIndex, benchmark_files
from tripletgen.engine import Starter, open_means
from tripletgen.engine.base import Engine, Means
from tripletgen.errors import SourceError, TripletgenError
from tripletgen.options import BuildOptions
from tripletgen.parsing import model_version
from tripletgen.progress import Progress, Silence
from tripletgen.reports import Report, hash_of
from tripletgen.rewrite.engines import Opener, open_rewriter
from tripletgen.rewrite.units import cache_path, prompt_ids, rewrite_units
from tripletgen.schema import SPLITS
from tripletgen.shards.manifest import Manifest, write_text
from tripletgen.staging import WORK
from tripletgen.stats import CorpusStats, embedded_stats, read_stats
from tripletgen.tasks import UNITS_A_CHUNK, CountTask, EditTask, MaskTask, ParseTask
from tripletgen.units import count_units, edit_unit, mask_unit, parse_unit, warm_up
from tripletgen.work import Work, below_work, claim, open_work


def build(options: BuildOptions, progress: Progress | None = None, opener: Opener = open_rewriter, start: Starter = open_means) -> Manifest:
    """Build a data set, or finish an unfinished one, or find it finished; return its manifest.

    Raises:
        SourceError: a source cannot be read, or no caption is left.
        OutputError: the folder cannot be written, or holds something else.
        TripletgenError: a worker process died, or the cluster does not answer.
    """
    progress = progress or Silence()
    sources = expand_sources(options.sources, options.out)
    marks = marks_of(source.path for source in sources)
    fingerprint = _fingerprint(options, sources, marks)
    with open_work(options.out) as work:
        finished = claim(work, options, fingerprint)
        if finished is not None:
            return finished
        benchmarks = _index_benchmarks(options, work)  # first, for a file of them that cannot be read is told before hours of parsing
        with start(options, work.root, warm_up, opener) as means:
            with means.workers() as engine:
                divided = _partition(options, sources, marks, work, means, progress)
                parsed = _parse(options, divided, work, engine, progress)
                masked = _mask(options, parsed, work, engine, progress)
                pairs = _join(options, masked, work, means)
                statistics = _count(parsed, work, engine)
                edit_fingerprint = hash_of(_fingerprint(options, [], []), statistics, model_version(), benchmarks, pairs)
                edited = _edit(options, parsed, masked, pairs, edit_fingerprint, work, engine, progress)
            edited, rewriting = _rewrite(options, edited, work, progress, means.opener)
            built = Built(f"tripletgen {tripletgen.__version__}", divided, parsed, edited, benchmarks, rewriting)
            return finish(options, built, fingerprint, work, means.writer)


def _fingerprint(options: BuildOptions, sources: list[Source], marks: list[Mark]) -> str:
    """Return the hash of everything that determines the data set: recipe, code, model, and the content of each file that is read."""
    named = [(s.name, s.licence, s.column, mark) for s, mark in zip(sources, marks, strict=True)]
    benchmarks = [mark for path in options.decontaminate for mark in marks_of(benchmark_files(path))]
    return hash_of(options.recipe(), named, benchmarks, code_digest(), model_version(), prompt_ids(options.rewrite))


def _partition(options: BuildOptions, sources: list[Source], marks: list[Mark], work: Work, means: Means, progress: Progress) -> Partition:
    folder = work.unfinished / "partition"
    state = hash_of(sources, marks, options.limit, options.keep_rejects, code_digest())
    marker, done = f"{WORK}/partition/sources", f"{WORK}/partition/partition.json"
    work.fetch(marker, done)
    if (work.folder / marker).is_file() and (work.folder / marker).read_text() == state and (work.folder / done).is_file():
        return read_partition(folder)
    progress.start("reading captions", None)
    work.remove(marker)
    divided = means.partition(list(zip(sources, marks, strict=True)), work, options, progress)
    if divided.num_captions == 0:
        reasons = ", ".join(f"{reason} {count}" for reason, count in divided.dropped.items())
        raise SourceError(
            f"no caption is left of {sum(int(s['rows']) for s in divided.sources)} rows ({reasons})", "check the sources and their columns"
        )
    work.send(done)
    if all(mark.size is not None for mark in marks):
        write_text(work.folder / marker, state)
        work.send(marker)
    return divided


def _parse(options: BuildOptions, divided: Partition, work: Work, engine: Engine, progress: Progress) -> list[Report]:
    progress.start("parsing", divided.num_captions)
    code = hash_of(code_digest(), model_version())
    tasks = [ParseTask(str(work.unfinished), unit, code, options.keep_rejects) for unit in range(divided.num_units)]
    parsed = _collect(engine.map(parse_unit, tasks), lambda r: progress.advance(r["captions"] + r["dropped"].get("duplicate", 0)))
    seen = sum(report["captions"] + sum(report["dropped"].values()) for report in parsed)
    if seen != divided.num_captions:  # a unit without a file is one without captions, so a lost file would pass for that
        raise TripletgenError(
            f"{divided.num_captions} captions were divided and {seen} found again", "files of the build were lost: build with --overwrite"
        )
    return parsed


def _mask(options: BuildOptions, parsed: list[Report], work: Work, engine: Engine, progress: Progress) -> list[Report]:
    """Mask every caption in the places where others may differ from it, if pairs are wanted."""
    if not options.pairs:
        return []
    progress.start("mining pairs", sum(report["captions"] for report in parsed))
    tasks = [MaskTask(str(work.unfinished), report["unit"]) for report in parsed]
    return _collect(engine.map(mask_unit, tasks), lambda r: progress.advance(r["captions"]))


def _join(options: BuildOptions, masked: list[Report], work: Work, means: Means) -> str | None:
    """Find the pairs of captions that differ in one place and return what they were made from."""
    if not options.pairs:
        return None
    made_from, marker = hash_of([report["key"] for report in masked]), f"{WORK}/pairs.key"
    work.fetch(marker)
    if not ((work.folder / marker).is_file() and (work.folder / marker).read_text() == made_from):
        work.remove(marker, f"{WORK}/pairs")
        (work.unfinished / "pairs").mkdir()
        means.join([report["unit"] for report in masked], work, options)
        write_text(work.folder / marker, made_from)
        work.send(marker)
    return made_from


def _edit(  # noqa: PLR0913, PLR0917
    options: BuildOptions,
    parsed: list[Report],
    masked: list[Report],
    pairs: str | None,
    fingerprint: str,
    work: Work,
    engine: Engine,
    progress: Progress,
) -> list[Report]:
    progress.start("making triplets", sum(report["captions"] for report in parsed))
    captions = {report["unit"]: report["captions"] for report in parsed}
    skipped = {report["unit"]: tuple(report["skip"]) for report in masked}
    tasks = [
        EditTask(
            str(work.unfinished),
            report["unit"],
            fingerprint,
            options.seed,
            options.max_per_caption,
            options.edit_types,
            options.validation_fraction,
            bool(options.decontaminate),
            options.keep_rejects,
            pairs,
            skipped.get(report["unit"], ()),
        )
        for report in parsed
    ]
    return _collect(engine.map(edit_unit, tasks), lambda r: progress.advance(captions[r["unit"]]))


def _rewrite(
    options: BuildOptions, edited: list[Report], work: Work, progress: Progress, opener: Opener
) -> tuple[list[Report], dict[str, Any] | None]:
    """Pass the units' rows through a language model, where one is named."""
    if options.rewrite is None:
        return edited, None
    progress.start("rewriting", sum(report[split] for report in edited for split in SPLITS))
    cache = cache_path(options.rewrite, Path(work.out.rpartition("/")[2]) if work.place is not None else work.folder)
    return rewrite_units(
        edited, options.rewrite, options.seed, options.validation_fraction, work, cache=cache, opener=opener, progress=progress
    )


def _collect(results: Iterable[Report], on_done: Callable[[Report], None]) -> list[Report]:
    reports = []
    for report in results:
        on_done(report)
        reports.append(report)
    return sorted(reports, key=lambda report: report["unit"])


def _count(parsed: list[Report], work: Work, engine: Engine) -> str:
    """Merge the units' statistics into one file and return its hash; workers merge a few at a time until a few are left."""
    parts, level, merged = [f"parsed/{report['unit']:05d}.stats" for report in parsed], 0, CorpusStats()
    while level == 0 or len(parts) > UNITS_A_CHUNK:
        chunks = [tuple(parts[start : start + UNITS_A_CHUNK]) for start in range(0, len(parts), UNITS_A_CHUNK)]
        tasks = [CountTask(str(work.unfinished), f"stats/{level}-{number:05d}.json", chunk) for number, chunk in enumerate(chunks)]
        list(engine.map(count_units, tasks))
        parts, level = [task.out for task in tasks], level + 1
    for name in below_work(parts):
        with work.lend(name) as path:
            merged.merge(read_stats(path))
    merged = merged.pruned(minimum=2 if merged.num_captions > 1000 else 1)
    merged.merge(embedded_stats())
    text = merged.to_json()
    write_text(work.unfinished / "stats.json", text)
    work.send(*below_work(["stats.json"]))
    return hashlib.sha256(text.encode()).hexdigest()


def _index_benchmarks(options: BuildOptions, work: Work) -> dict[str, Any] | None:
    """Write the index of the benchmark texts; return how many there are, and their hash."""
    if not options.decontaminate:
        return None
    index = BenchmarkIndex.from_paths(options.decontaminate)
    index.save(work.unfinished / "benchmarks.npz")
    work.send(*below_work(["benchmarks.npz"]))
    return index.describe()
