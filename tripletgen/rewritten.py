"""Rewrite a finished data set into another folder: the language model stage alone."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from tripletgen.assets import code_digest
from tripletgen.card import write_card
from tripletgen.decontaminate import BenchmarkIndex, iter_benchmark_texts
from tripletgen.errors import OutputError, UsageError
from tripletgen.options import read_recipe
from tripletgen.progress import Progress, Silence
from tripletgen.reports import sum_counts
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.engines import Opener, open_rewriter
from tripletgen.rewrite.prompt import load_prompts
from tripletgen.rewrite.stage import Stage, UnitRows
from tripletgen.rewrite.units import COUNTED, REWRITTEN, Report, cache_path, describe_stage, estimate, prompt_ids, write_unit
from tripletgen.rewrite_options import RewriteOptions, merge_rewrite
from tripletgen.schema import SPLITS
from tripletgen.shards.manifest import MANIFEST, Manifest, read_manifest, write_manifest, write_text
from tripletgen.shards.reader import iter_triplets
from tripletgen.shards.writer import describe, plan_shards, shard_name, write_shard
from tripletgen.staging import WORK
from tripletgen.work import Work, check_empty, clear

UNIT_ROWS = 4_096


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
    return estimate(_iter_units(Path(folder), {}), options, seed, rate)


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
        UsageError: the data set was decontaminated and the benchmarks are not given again.
        RewriterError: the engine cannot be started or is gone; answers so far are kept.
    """
    source, target, progress = Path(folder), Path(out), progress or Silence()
    before = read_manifest(source)
    if before.get("decontamination") and not decontaminate:
        raise UsageError(f"{folder}: was decontaminated", "give the same --decontaminate, so that no new row leaks a benchmark's text")
    fingerprint = _hash(
        before["fingerprint"], before["splits"], options.recipe(), prompt_ids(options), seed, sorted(decontaminate), code_digest()
    )
    finished = _claim(source, target, fingerprint, overwrite=overwrite)
    if finished is not None:
        return finished
    prompts = load_prompts(options.prompts)
    work = target / WORK
    groups: dict[int, int] = {}
    index = BenchmarkIndex.from_texts(text for path in decontaminate for text in iter_benchmark_texts(path)) if decontaminate else None
    progress.start("rewriting", before["triplets"]["total"])
    answers = Cache(cache_path(options, target))
    stage = Stage(options, seed, prompts, answers, index=index, progress=progress, opener=opener)
    fraction = before["recipe"]["validation_fraction"]
    try:
        done = {unit.unit: write_unit(unit, work, fraction) for unit in stage.run(_iter_units(source, groups))}
    finally:
        answers.close()
    reports = [done[number] for number in sorted(done)]
    lost = sum(groups.values()) - sum(report["_groups"] for report in reports)
    described = describe_stage(stage, options, prompts, answers)
    manifest = _finish(before, described, reports, lost, target) | {"fingerprint": fingerprint}
    manifest["recipe"] = {**before["recipe"], "rewrite": options.recipe() | {"seed": seed}}
    return _seal(manifest, target, sorted(done))


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


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


def _iter_units(source: Path, groups: dict[int, int]) -> Iterator[UnitRows]:
    """Yield the rows in runs of whole groups, about `UNIT_ROWS` each; `groups` receives how many groups a run has."""
    rows = (row for split in read_manifest(source)["splits"] for row in iter_triplets(source, split))
    unit, kept = 0, []
    for _, group in groupby(rows, lambda row: row.group_id):
        kept += list(group)
        groups[unit] = groups.get(unit, 0) + 1
        if len(kept) >= UNIT_ROWS:
            yield UnitRows(unit, kept, [])
            unit, kept = unit + 1, []
    if kept:
        yield UnitRows(unit, kept, [])


def _finish(before: Manifest, described: dict[str, Any], reports: list[Report], lost: int, target: Path) -> Manifest:
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
    captions = dict(before["captions"])
    if lost:
        captions["dropped"] = dict(sorted({**captions["dropped"], "all_rewrites_refused": lost}.items()))
        captions["used"] -= lost
    counts = {name: sum_counts(report[name] for report in reports) for name in COUNTED}
    triplets = {"total": sum(entry["rows"] for entry in splits.values()), **counts}
    named = [f"{name} with {described['model']}" for name in described["prompts"]]
    return {**before, "captions": captions, "triplets": triplets, "splits": splits, "rewriting": described, "prompts": named}


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
