"""Finish a data set: shards, rejects, recipe and card; the manifest last."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from tripletgen.captions.partition import Partition
from tripletgen.card import CARD, write_card
from tripletgen.crossing import CLEANED, MAX_KEPT_DROPS
from tripletgen.engine.base import Engine
from tripletgen.errors import TripletgenError
from tripletgen.figures import Figures, add_up
from tripletgen.options import BuildOptions
from tripletgen.parsing import model_version
from tripletgen.reports import Report, sum_counts
from tripletgen.rewrite.units import REWRITTEN, ROWS
from tripletgen.schema import COUNTED, SCHEMA_VERSION, SPLITS
from tripletgen.shards.manifest import MANIFEST, Manifest, write_manifest, write_text
from tripletgen.shards.writer import describe, plan_shards, shard_name
from tripletgen.staging import WORK
from tripletgen.tasks import ShardTask
from tripletgen.units import MAX_KEPT_DUPLICATES, shard_unit
from tripletgen.work import Work

RECIPE = "recipe.yaml"


class Built(NamedTuple):
    """What the steps of a build report, and the name and version of the program that took them."""

    generator: str
    divided: Partition
    parsed: list[Report]
    edited: list[Report]
    benchmarks: dict[str, Any] | None
    rewriting: dict[str, Any] | None


def finish(options: BuildOptions, built: Built, fingerprint: str, work: Work, writer: Engine) -> Manifest:
    """Write everything that stays and remove what was unfinished; return the manifest.

    Raises:
        TripletgenError: there is not one triplet.
    """
    work.remove("data", "rejects")
    planned = [task for split in SPLITS for task in _plan_split(split, built, options.shard_rows, work)]
    if not planned:
        raise TripletgenError("no triplet came of these captions", "look at --keep-rejects, or allow more --edit-types")
    rejects = _plan_rejects(built, work, keep=options.keep_rejects)
    tasks = [task._replace(unit=number) for number, task in enumerate([*planned, *rejects])]
    files, counted = _write(tasks, writer)
    manifest = _describe(options, built, fingerprint, files[: len(planned)])
    write_text(work.folder / RECIPE, yaml.safe_dump(options.recipe(), sort_keys=False, allow_unicode=True))
    if options.keep_rejects:
        manifest["rejects"] = {"kept": sum(file["rows"] for file in files[len(planned) :]), "not_kept": _num_not_kept(built)}
    manifest["files"] = files[len(planned) :]  # the card's licence is that of the rejects too
    write_card(work.folder, manifest, counted, work.lend)
    manifest["files"] += [describe(work.folder / name, name)._asdict() for name in (CARD, RECIPE)]
    write_manifest(work.folder, manifest)
    work.send(CARD, RECIPE, MANIFEST)
    work.remove(WORK)
    return manifest


def _write(tasks: list[ShardTask], writer: Engine) -> tuple[list[dict[str, Any]], dict[str, Figures]]:
    """Write the shards; return their entries for the manifest in the order of the tasks, and the counts of each split."""
    entries: dict[int, dict[str, Any]] = {}
    counted: dict[str, Figures] = {}
    for report in writer.map(shard_unit, tasks):
        entries[report["unit"]] = {name: report[name] for name in ("path", "rows", "bytes", "sha256")}
        split, figures = tasks[report["unit"]].split, report["figures"]
        if split:
            counted[split] = add_up([counted[split], figures]) if split in counted else figures
    return [entries[task.unit] for task in tasks], counted


def _describe(options: BuildOptions, built: Built, fingerprint: str, files: list[dict[str, Any]]) -> Manifest:
    edited, rewriting = built.edited, built.rewriting
    splits = {split: [file for file in files if file["path"].startswith(f"data/{split}-")] for split in SPLITS}
    rows = {split: sum(report[split] for report in edited) for split in SPLITS}
    manifest: Manifest = {
        "schema_version": SCHEMA_VERSION,
        "generator": built.generator,
        "model": model_version(),
        "fingerprint": fingerprint,
        "recipe": options.recipe(),
        "sources": built.divided.sources,
        "captions": _caption_counts(built),
        "candidates": {"rejected": sum_counts(report["rejected"] for report in edited)},
        "triplets": {"total": sum(rows.values()), **{c: sum_counts(r[c] for r in edited) for c in COUNTED}},
        "decontamination": built.benchmarks,
        "splits": {split: {"rows": rows[split], "files": found} for split, found in splits.items() if found},
    }
    if rewriting is not None:
        manifest |= {"rewriting": rewriting, "prompts": [f"{name} with {rewriting['model']}" for name in rewriting["prompts"]]}
    return manifest


def _caption_counts(built: Built) -> dict[str, Any]:
    """Return how many captions were read, dropped by reason, and used; the numbers add up."""
    dropped = Counter(built.divided.dropped)
    dropped.update(sum_counts(report["dropped"] for report in [*built.parsed, *built.edited]))
    read = sum(int(source["rows"]) for source in built.divided.sources)
    return {"read": read, "used": read - dropped.total(), "dropped": {k: v for k, v in sorted(dropped.items()) if v}}


def _num_not_kept(built: Built) -> int:
    """Return how many rejects were counted and not kept: of what cleaning dropped, and of a unit's duplicates, there may be millions."""
    cleaned = sum(built.divided.dropped.values()) - MAX_KEPT_DROPS
    repeated = (sum(report["dropped"].values()) - MAX_KEPT_DUPLICATES for report in built.parsed)
    return sum(max(0, number) for number in (cleaned, *repeated))


def _plan_split(split: str, built: Built, shard_rows: int, work: Work) -> Iterable[ShardTask]:
    folder = ROWS if built.rewriting is None else REWRITTEN
    shards = plan_shards([report[split] for report in built.edited], shard_rows)
    for index, units in enumerate(shards):
        parts = tuple(f"{folder}/{split}-{unit:05d}.arrow" for unit in units)
        yield ShardTask(str(work.unfinished), 0, f"data/{shard_name(split, index, len(shards))}", parts, split)


def _plan_rejects(built: Built, work: Work, *, keep: bool) -> Iterable[ShardTask]:
    # By name: a build that was resumed with fewer captions has files of more units lying there.
    units = range(built.divided.num_units)
    parts = [CLEANED, *(f"rejects/{stage}-{unit:05d}.arrow" for stage in ("edit", "parse") for unit in units)] if keep else []
    parts += [f"rejects/rewrite-{report['unit']:05d}.arrow" for report in built.edited if built.rewriting is not None]
    if parts:
        yield ShardTask(str(work.unfinished), 0, f"rejects/{shard_name('rejects', 0, 1)}", tuple(parts))
