"""Rewrite a finished data set into another folder: the language model stage alone."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from tripletgen.assets import code_digest
from tripletgen.card import write_card
from tripletgen.decontaminate import BenchmarkIndex
from tripletgen.errors import OutputError, TripletgenError, UsageError
from tripletgen.options import portable, read_recipe
from tripletgen.progress import Progress, Silence
from tripletgen.reports import Report, hash_of, sum_counts
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.engines import Opener, open_rewriter
from tripletgen.rewrite.prompt import load_prompts
from tripletgen.rewrite.stage import Stage, UnitRows
from tripletgen.rewrite.units import REWRITTEN, cache_path, describe_stage, estimate, prompt_ids, write_unit
from tripletgen.rewrite_options import RewriteOptions, merge_rewrite
from tripletgen.schema import COUNTED, SPLITS, Triplet
from tripletgen.shards.manifest import MANIFEST, Manifest, read_manifest, write_manifest, write_text
from tripletgen.shards.reader import iter_triplets
from tripletgen.shards.writer import describe, plan_shards, shard_name, write_shard
from tripletgen.staging import WORK
from tripletgen.work import Work, check_empty, clear

UNIT_ROWS = 4_096


@dataclass
class _Tally:
    """How many captions are rewritten, and what leaks a benchmark's text: captions by reason, and rows of the others."""

    captions: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    rejected: int = 0


def merge_recipe(recipe: str | None, given: dict[str, Any]) -> RewriteOptions:
    """Return the options of the stage: defaults, recipe, command line.

    Raises:
        UsageError: no rewriter is named, or a value cannot be meant.
    """
    options = merge_rewrite(read_recipe(recipe).get("rewrite", {}) if recipe else {}, given)
    if options is None:
        raise UsageError("no rewriter is named", "give --rewriter vllm or --rewriter endpoint")
    return options


def estimate_rewrite(folder: str, options: RewriteOptions, seed: int, rate: float | None) -> dict[str, Any]:
    """Return the requests and tokens that a rewrite would take; nothing is sent or written."""
    return estimate(_iter_units(_iter_groups(Path(folder)), _Tally()), options, seed, rate)


def rewrite_dataset(  # noqa: PLR0913
    folder: str | Path,
    out: str | Path,
    options: RewriteOptions,
    seed: int = 0,
    decontaminate: tuple[str, ...] = (),
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    opener: Opener = open_rewriter,
) -> Manifest:
    """Write a data set whose rows a language model reworded or made; return its manifest.

    Raises:
        DataError: `folder` is no finished data set.
        OutputError: `out` holds something else.
        UsageError: the data set was decontaminated and the same benchmarks are not given again.
        RewriterError: the engine cannot be started or is gone; answers so far are kept.
    """
    source, target, progress = Path(folder), Path(out), progress or Silence()
    before = read_manifest(source)
    index = BenchmarkIndex.from_paths(decontaminate) if decontaminate else None
    benchmarks = index.describe() if index is not None else None
    if before["decontamination"] not in (None, benchmarks):
        against = " against other texts" if decontaminate else ""
        raise UsageError(
            f"{folder}: was decontaminated{against}", "give the same --decontaminate, so that no new row leaks a benchmark's text"
        )
    fingerprint = hash_of(before["fingerprint"], before["splits"], options.recipe(), prompt_ids(options), seed, benchmarks, code_digest())
    finished = _claim(source, target, fingerprint, overwrite=overwrite)
    if finished is not None:
        return finished
    prompts = load_prompts(options.prompts)
    work = target / WORK
    tally = _Tally()
    progress.start("rewriting", before["triplets"]["total"])
    answers = Cache(cache_path(options, target))
    stage = Stage(options, seed, prompts, answers, index=index, progress=progress, opener=opener)
    fraction = before["recipe"]["validation_fraction"]
    try:
        rows = _iter_units(_without_leaks(_iter_groups(source), index, tally), tally)
        done = {unit.unit: write_unit(unit, work, fraction) for unit in stage.run(rows)}
    finally:
        answers.close()
    reports = [done[number] for number in sorted(done)]
    tally.dropped["all_rewrites_refused"] = tally.captions - sum(report["_groups"] for report in reports)
    described = describe_stage(stage, options, prompts, answers) | {"seed": seed}  # in the recipe it is that of the build
    manifest = _finish(_less(before, tally), described, reports, target) | {"fingerprint": fingerprint, "decontamination": benchmarks}
    manifest["recipe"] = {
        **before["recipe"],
        "decontaminate": sorted(map(portable, decontaminate)),
        "rewrite": options.recipe(),
    }
    return _seal(manifest, target, sorted(done))


def _claim(source: Path, target: Path, fingerprint: str, *, overwrite: bool) -> Manifest | None:
    """Make the folder this run's, or return the manifest if this very run is finished there."""
    if target.resolve() == source.resolve():
        raise OutputError(f"{target}: is the data set itself", "give --out another folder")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: is a file", "give --out a folder")
    if (target / MANIFEST).is_file() and not overwrite:
        finished = read_manifest(target)
        if finished["fingerprint"] == fingerprint:
            return finished
        raise OutputError(f"{target}: holds another data set", "--overwrite replaces it, or give another --out")
    place = Work(str(target), target, None)
    mark = place.found_mark()
    if overwrite or mark == fingerprint:
        clear(place)  # answers lie elsewhere
    elif mark is not None:
        raise OutputError(
            f"{target}: holds an unfinished data set of another recipe, source or version", "--overwrite replaces it, or give another --out"
        )
    else:
        check_empty(place)
    place.mark(fingerprint)
    (target / WORK / REWRITTEN).mkdir(exist_ok=True)
    return None


def _iter_groups(source: Path) -> Iterator[list[Triplet]]:
    """Yield the rows of each reference caption."""
    rows = (row for split in read_manifest(source)["splits"] for row in iter_triplets(source, split))
    return (list(group) for _, group in groupby(rows, lambda row: row.group_id))


def _without_leaks(groups: Iterable[list[Triplet]], index: BenchmarkIndex | None, tally: _Tally) -> Iterator[list[Triplet]]:
    """Yield the rows that leak no benchmark's text; the others are counted as a build counts them."""
    for group in groups:
        if index is None:
            yield group
        elif index.leaks(group[0].reference_caption):
            tally.dropped["benchmark_text"] += 1
        else:
            kept = [row for row in group if not (index.leaks(row.modification_text) or index.leaks(row.target_caption))]
            tally.rejected += len(group) - len(kept)
            tally.dropped["all_edits_rejected"] += not kept
            if kept:
                yield kept


def _iter_units(groups: Iterable[list[Triplet]], tally: _Tally) -> Iterator[UnitRows]:
    """Yield the rows in runs of whole groups, about `UNIT_ROWS` each."""
    unit, kept = 0, list[Triplet]()
    for group in groups:
        kept += group
        tally.captions += 1
        if len(kept) >= UNIT_ROWS:
            yield UnitRows(unit, kept, [])
            unit, kept = unit + 1, []
    if kept:
        yield UnitRows(unit, kept, [])


def _less(before: Manifest, tally: _Tally) -> Manifest:
    """Return a manifest whose counts know of what was dropped since."""
    captions = before["captions"]
    dropped = sum_counts([captions["dropped"], +tally.dropped])
    rejected = sum_counts([before["candidates"]["rejected"], +Counter(benchmark_text=tally.rejected)])
    captions = {**captions, "used": captions["used"] - tally.dropped.total(), "dropped": dropped}
    kept = {name: value for name, value in before.items() if name != "rejects"}  # those of the build stay where they are
    return kept | {"captions": captions, "candidates": {"rejected": rejected}}


def _finish(before: Manifest, described: dict[str, Any], reports: list[Report], target: Path) -> Manifest:
    """Write the shards and return the manifest's new numbers."""
    shard_rows, splits = before["recipe"]["shard_rows"], {}
    for split in SPLITS:
        shards = plan_shards([report[split] for report in reports], shard_rows)
        files = []
        for number, units in enumerate(shards):
            path = target / "data" / shard_name(split, number, len(shards))
            parts = [target / WORK / REWRITTEN / f"{split}-{unit:05d}.arrow" for unit in units]
            files.append(write_shard(path, parts)._replace(path=f"data/{path.name}")._asdict())
        if files:
            splits[split] = {"rows": sum(report[split] for report in reports), "files": files}
    if not splits:
        raise TripletgenError(
            "no triplet is left of the data set", "see --keep: where every reply is refused, never keeps none; or look at --decontaminate"
        )
    counts = {name: sum_counts(report[name] for report in reports) for name in COUNTED}
    triplets = {"total": sum(entry["rows"] for entry in splits.values()), **counts}
    named = [f"{name} with {described['model']}" for name in described["prompts"]]
    return {**before, "triplets": triplets, "splits": splits, "rewriting": described, "prompts": named}


def _seal(manifest: Manifest, target: Path, units: list[int]) -> Manifest:
    """Write rejects, recipe and card, and the manifest last."""
    path = target / "rejects" / shard_name("rejects", 0, 1)
    rejects = write_shard(path, [target / WORK / "rejects" / f"rewrite-{unit:05d}.arrow" for unit in units])
    manifest["files"] = [rejects._replace(path=f"rejects/{path.name}")._asdict()]  # the card's licence is that of the rejects too
    write_text(target / "recipe.yaml", yaml.safe_dump(manifest["recipe"], sort_keys=False, allow_unicode=True))
    write_card(target, manifest)
    manifest["files"] += [describe(target / name, name)._asdict() for name in ("README.md", "recipe.yaml")]
    write_manifest(target, manifest)
    shutil.rmtree(target / WORK)
    return manifest
