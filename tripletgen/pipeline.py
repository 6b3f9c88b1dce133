"""The spine: sources -> clean -> partition -> parse units -> corpus statistics -> edit units -> shards -> manifest.

Everything unfinished lies in `OUT/.work`; the manifest is written last, and then `.work` goes.
"""

import errno
import functools
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import yaml

import tripletgen
from tripletgen.captions.partition import Dropped, Partition, partition, read_partition
from tripletgen.captions.sources import HUB_PREFIX, Source, expand_sources
from tripletgen.card import write_card
from tripletgen.decontaminate import BenchmarkIndex, benchmark_files, iter_benchmark_texts
from tripletgen.engine.local import Engine, local_engine
from tripletgen.errors import OutputError, SourceError, TripletgenError
from tripletgen.options import BuildOptions
from tripletgen.pairs.join import join_masks
from tripletgen.parsing import model_version
from tripletgen.rewrite.engines import Opener, open_rewriter
from tripletgen.rewrite.units import REWRITTEN, ROWS, cache_path, prompt_ids, rewrite_units
from tripletgen.schema import REJECT_SCHEMA, SCHEMA_VERSION, SPLITS
from tripletgen.shards.manifest import MANIFEST, Manifest, read_manifest, write_manifest, write_text
from tripletgen.shards.writer import ShardFile, describe, plan_shards, shard_name, write_rows, write_shard
from tripletgen.stats import CorpusStats, embedded_stats, read_stats
from tripletgen.units import COUNTED, EditTask, ParseTask, Report, edit_unit, mask_unit, parse_unit, warm_up

WORK = ".work"
_MAX_KEPT_DROPS = 100_000
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.EROFS, errno.ENAMETOOLONG, errno.EINVAL)


class Progress(Protocol):
    """Receive how far a build is."""

    def start(self, phase: str, total: int | None) -> None:
        """Begin a phase of so many captions, None where the number is not known."""

    def advance(self, captions: int) -> None:
        """Count captions as done in this phase."""

    def note(self, text: str) -> None:
        """Show how the phase goes."""


class Silence:
    """Show no progress."""

    def start(self, phase: str, total: int | None) -> None:
        """Show nothing."""

    def advance(self, captions: int) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""


@functools.cache
def code_digest() -> str:
    """Return a hash of this package's code and data, part of every fingerprint: other code may make other triplets."""
    root = Path(__file__).parent
    state = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".py", ".yaml", ".json", ".txt")):
        state.update(path.relative_to(root).as_posix().encode())
        state.update(path.read_bytes())
    return state.hexdigest()[:16]


def build(options: BuildOptions, progress: Progress | None = None, opener: Opener = open_rewriter) -> Manifest:
    """Build a data set, or finish an unfinished one, or find it finished; return its manifest.

    Raises:
        SourceError: a source cannot be read, or no caption is left.
        OutputError: the folder cannot be written, or holds something else.
        TripletgenError: a worker process died.
    """
    progress = progress or Silence()
    sources = expand_sources(options.sources, options.out)
    out = Path(options.out)
    with _disk_errors(out):
        fingerprint = _fingerprint(options, sources)
        finished = _claim(out, options, fingerprint)
        if finished is not None:
            return finished
        work = out / WORK
        with local_engine(options.workers, warm_up) as engine:
            divided = _partition(options, sources, work, progress)
            parsed = _parse(options, divided, work, engine, progress)
            pairs = _mine(options, parsed, work, engine, progress)
            statistics = _count(parsed, work)
            has_benchmarks = _index_benchmarks(options, work)
            edit_fingerprint = _hash(_fingerprint(options, []), statistics, model_version(), has_benchmarks, pairs)
            edited = _edit(options, parsed, pairs, edit_fingerprint, work, engine, progress)
        edited, rewriting = _rewrite(options, edited, work, progress, opener)
        manifest = _finish(options, divided, parsed, edited, fingerprint, out, has_benchmarks, rewriting)
        shutil.rmtree(work)
    return manifest


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _fingerprint(options: BuildOptions, sources: Iterable[Source]) -> str:
    """Return the hash of everything that determines the data set: recipe, code, model, and the size of each file that is read."""
    sizes = [(s.name, s.licence, s.column, _size(s.path)) for s in sources]
    benchmarks = [_size(file) for path in options.decontaminate for file in benchmark_files(path)]
    return _hash(options.recipe(), sizes, benchmarks, code_digest(), model_version(), prompt_ids(options.rewrite))


def _size(path: str) -> int | None:
    return None if path == "-" or path.startswith(HUB_PREFIX) else Path(path).stat().st_size


def _claim(out: Path, options: BuildOptions, fingerprint: str) -> Manifest | None:
    """Make `out` this build's folder, or return the manifest if this very build is finished there.

    Raises:
        OutputError: the folder is a file, is not writable, or holds another build or something else.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file", "give --out a folder")
    work = out / WORK
    marker = work / "fingerprint"
    finished = read_manifest(out) if (out / MANIFEST).exists() and not options.overwrite else None
    if finished is not None and finished["fingerprint"] == fingerprint:
        shutil.rmtree(work, ignore_errors=True)  # a kill after the manifest left it
        return finished
    unfinished = marker.read_text(encoding="utf-8") if marker.is_file() else None
    if options.overwrite:
        _clear(out)
    elif finished is not None or (unfinished not in (None, fingerprint) and not options.resume):
        state = "a finished" if finished is not None else "an unfinished"
        raise OutputError(
            f"{out}: holds {state} build of another recipe, source or version",
            "--overwrite starts afresh" + ("" if finished else ", --resume keeps what still fits") + ", or give another --out",
        )
    elif unfinished is None and out.is_dir() and any(path != work for path in out.iterdir()):
        raise OutputError(f"{out}: is not empty and not a data set of tripletgen", "give --out a new folder")
    for name in ("partition", "parsed", "rows", "rejects"):
        (work / name).mkdir(parents=True, exist_ok=True)
    write_text(marker, fingerprint)
    return None


def _clear(out: Path) -> None:
    """Remove what a build writes, and nothing else."""
    for name in (MANIFEST, "README.md", "recipe.yaml"):
        (out / name).unlink(missing_ok=True)
    for name in ("data", "rejects", "figures", WORK):
        shutil.rmtree(out / name, ignore_errors=True)
    if out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out}: holds files that tripletgen did not write", "give --out a new folder")


def _partition(options: BuildOptions, sources: list[Source], work: Path, progress: Progress) -> Partition:
    folder = work / "partition"
    state = _hash([(*s, _size(s.path), _modified(s.path)) for s in sources], options.limit, options.keep_rejects, code_digest())
    marker = folder / "sources"
    if marker.is_file() and marker.read_text() == state and (folder / "partition.json").is_file():
        return read_partition(folder)
    progress.start("reading captions", None)
    drops: list[Dropped] = []
    done = 0

    def on_progress(total: int) -> None:
        nonlocal done
        progress.advance(total - done)
        done = total

    def on_drop(drop: Dropped) -> None:
        if options.keep_rejects and len(drops) < _MAX_KEPT_DROPS:
            drops.append(drop)

    marker.unlink(missing_ok=True)
    divided = partition(sources, folder, options.limit, on_drop, on_progress)
    if divided.num_captions == 0:
        reasons = ", ".join(f"{reason} {count}" for reason, count in divided.dropped.items())
        raise SourceError(
            f"no caption is left of {sum(int(s['rows']) for s in divided.sources)} rows ({reasons})", "check the sources and their columns"
        )
    if options.keep_rejects:
        rows = [("clean", d.reason, d.text, None, None, d.source, d.source_id) for d in drops]
        write_rows(work / "rejects" / "clean-00000.arrow", rows, REJECT_SCHEMA)
    if not any(source.path == "-" or source.path.startswith(HUB_PREFIX) for source in sources):
        write_text(marker, state)
    return divided


def _modified(path: str) -> int | None:
    return None if _size(path) is None else Path(path).stat().st_mtime_ns


def _parse(options: BuildOptions, divided: Partition, work: Path, engine: Engine, progress: Progress) -> list[Report]:
    progress.start("parsing", divided.num_captions)
    tasks = [ParseTask(str(work), unit, _hash(code_digest(), model_version()), options.keep_rejects) for unit in range(divided.num_units)]
    return _collect(engine.map(parse_unit, tasks), lambda r: progress.advance(r["captions"] + r["dropped"].get("duplicate", 0)))


def _mine(options: BuildOptions, parsed: list[Report], work: Path, engine: Engine, progress: Progress) -> str | None:
    """Find the pairs of captions that differ in one place, write them to one file and return what it was made from."""
    if not options.pairs:
        return None
    progress.start("mining pairs", sum(report["captions"] for report in parsed))
    (work / "masks").mkdir(exist_ok=True)
    tasks = [ParseTask(str(work), report["unit"], "", keep_rejects=False) for report in parsed]
    masked = _collect(engine.map(mask_unit, tasks), lambda r: progress.advance(r["captions"]))
    made_from, out, marker = _hash([report["key"] for report in masked]), work / "pairs.parquet", work / "pairs.key"
    if not (out.is_file() and marker.is_file() and marker.read_text() == made_from):
        marker.unlink(missing_ok=True)
        join_masks([work / "masks" / f"{report['unit']:05d}.parquet" for report in masked], out, options.workers)
        write_text(marker, made_from)
    return made_from


def _edit(
    options: BuildOptions, parsed: list[Report], pairs: str | None, fingerprint: str, work: Path, engine: Engine, progress: Progress
) -> list[Report]:
    progress.start("making triplets", sum(report["captions"] for report in parsed))
    captions = {report["unit"]: report["captions"] for report in parsed}
    tasks = [
        EditTask(
            str(work),
            report["unit"],
            fingerprint,
            options.seed,
            options.max_per_caption,
            options.edit_types,
            options.validation_fraction,
            bool(options.decontaminate),
            options.keep_rejects,
            pairs,
        )
        for report in parsed
    ]
    return _collect(engine.map(edit_unit, tasks), lambda r: progress.advance(captions[r["unit"]]))


def _rewrite(
    options: BuildOptions, edited: list[Report], work: Path, progress: Progress, opener: Opener
) -> tuple[list[Report], dict[str, Any] | None]:
    """Pass the units' rows through a language model, where one is named."""
    if options.rewrite is None:
        return edited, None
    progress.start("rewriting", sum(report[split] for report in edited for split in SPLITS))
    cache = cache_path(options.rewrite, work.parent)
    return rewrite_units(
        edited, options.rewrite, options.seed, options.validation_fraction, work, cache=cache, opener=opener, progress=progress
    )


def _collect(results: Iterable[Report], on_done: Callable[[Report], None]) -> list[Report]:
    reports = []
    for report in results:
        on_done(report)
        reports.append(report)
    return sorted(reports, key=lambda report: report["unit"])


def _count(parsed: list[Report], work: Path) -> str:
    """Merge the units' statistics into one file and return its hash."""
    merged = CorpusStats()
    for report in parsed:
        merged.merge(read_stats(work / "parsed" / f"{report['unit']:05d}.stats"))
    merged = merged.pruned(minimum=2 if merged.num_captions > 1000 else 1)
    merged.merge(embedded_stats())
    text = merged.to_json()
    write_text(work / "stats.json", text)
    return hashlib.sha256(text.encode()).hexdigest()


def _index_benchmarks(options: BuildOptions, work: Path) -> dict[str, Any] | None:
    """Write the index of the benchmark texts; return how many there are, and their hash."""
    if not options.decontaminate:
        return None
    index = BenchmarkIndex.from_texts(text for path in options.decontaminate for text in iter_benchmark_texts(path))
    path = work / "benchmarks.npz"
    index.save(path)
    return {"texts": len(index), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _finish(  # noqa: PLR0913, PLR0917
    options: BuildOptions,
    divided: Partition,
    parsed: list[Report],
    edited: list[Report],
    fingerprint: str,
    out: Path,
    benchmarks: dict[str, Any] | None,
    rewriting: dict[str, Any] | None,
) -> Manifest:
    work = out / WORK
    rows = work / (ROWS if rewriting is None else REWRITTEN)
    shutil.rmtree(out / "data", ignore_errors=True)
    shutil.rmtree(out / "rejects", ignore_errors=True)
    splits = {split: _write_split(split, [r[split] for r in edited], options.shard_rows, rows, out) for split in SPLITS}
    splits = {split: entry for split, entry in splits.items() if entry["rows"]}
    if not splits:
        raise TripletgenError("no triplet came of these captions", "look at --keep-rejects, or allow more --edit-types")
    manifest: Manifest = {
        "schema_version": SCHEMA_VERSION,
        "generator": f"tripletgen {tripletgen.__version__}",
        "model": model_version(),
        "fingerprint": fingerprint,
        "recipe": options.recipe(),
        "sources": divided.sources,
        "captions": _caption_counts(divided, parsed, edited),
        "candidates": {"rejected": _sum(report["rejected"] for report in edited)},
        "triplets": {"total": sum(s["rows"] for s in splits.values()), **{c: _sum(r[c] for r in edited) for c in COUNTED}},
        "decontamination": benchmarks,
        "splits": splits,
    }
    if rewriting is not None:
        manifest |= {"rewriting": rewriting, "prompts": [f"{name} with {rewriting['model']}" for name in rewriting["prompts"]]}
    others: list[ShardFile] = []
    if options.keep_rejects or rewriting is not None:
        others.append(
            _write_rejects(
                work, out, [r["unit"] for r in edited if rewriting is not None], divided.num_units if options.keep_rejects else 0
            )
        )
    write_text(out / "recipe.yaml", yaml.safe_dump(options.recipe(), sort_keys=False, allow_unicode=True))
    write_card(out, manifest)
    others += [describe(out / name, name) for name in ("README.md", "recipe.yaml")]
    manifest["files"] = [file._asdict() for file in others]
    write_manifest(out, manifest)
    return manifest


def _caption_counts(divided: Partition, parsed: list[Report], edited: list[Report]) -> dict[str, Any]:
    """Return how many captions were read, dropped by reason, and used; the numbers add up."""
    dropped = Counter(divided.dropped)
    dropped.update(_sum(report["dropped"] for report in [*parsed, *edited]))
    read = sum(int(source["rows"]) for source in divided.sources)
    return {"read": read, "used": read - dropped.total(), "dropped": {k: v for k, v in sorted(dropped.items()) if v}}


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))


def _write_split(split: str, rows: list[int], shard_rows: int, folder: Path, out: Path) -> dict[str, Any]:
    shards = plan_shards(rows, shard_rows)
    files = []
    for index, units in enumerate(shards):
        path = out / "data" / shard_name(split, index, len(shards))
        sources = [folder / f"{split}-{unit:05d}.arrow" for unit in units]
        files.append(write_shard(path, sources)._replace(path=f"data/{path.name}")._asdict())
    return {"rows": sum(rows), "files": files}


def _write_rejects(work: Path, out: Path, rewritten: list[int], num_units: int) -> ShardFile:
    # By name: a build that was resumed with fewer captions has files of more units lying there.
    names = ["clean-00000", *(f"{stage}-{unit:05d}" for stage in ("edit", "parse") for unit in range(num_units))] if num_units else []
    names += [f"rewrite-{unit:05d}" for unit in rewritten]
    path = out / "rejects" / shard_name("rejects", 0, 1)
    return write_shard(path, [work / "rejects" / f"{name}.arrow" for name in names])._replace(path=f"rejects/{path.name}")


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    """Translate what the disk says into what the user can do."""
    try:
        yield
    except PermissionError as error:
        raise OutputError(f"{error.filename or out}: not writable", "give --out a folder that you may write to") from error
    except OSError as error:
        if error.errno in _NO_FOLDER and not os.path.isdir(out):  # Path.is_dir raises where a name is too long
            raise OutputError(f"{out}: no folder can be made there ({error.strerror})", "give --out another folder") from error
        if error.errno in _FULL:
            raise OutputError(f"{out}: the disk is full", "what is finished is kept: make room and run the same command again") from error
        raise
