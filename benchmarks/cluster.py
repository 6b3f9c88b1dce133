"""Measure `tripletgen build --engine ray` beside `--engine local` on one machine: its overhead, its growth, the memory of a worker.

    python benchmarks/cluster.py [--data DIR] [--captions N] [--small N] [--json FILE]

The corpus is Multi30k with a number appended to each caption, so that nothing deduplicates however often it is repeated. Both engines run
the same command with two workers, one after the other, start and imports included. The growth is that from `--small` to `--captions`.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from build import Figure, raw_captions
from corpora import MULTI30K, data_file
from report import print_table, write_json

from tripletgen.shards.manifest import read_manifest

_SAMPLE_SECONDS = 0.5
_MB = 1e6


class Run(NamedTuple):
    """The seconds of a build, those of all its processes on a core, and the most memory that one worker had for itself."""

    seconds: float
    core_seconds: float
    worker_bytes: int


@dataclass
class Seen:
    """What is seen of a build while it runs."""

    core_seconds: dict[int, float] = field(default_factory=dict)
    worker_bytes: int = 0


def numbered(texts: list[str], number: int) -> list[str]:
    """Return so many captions, each with its number at the end; of five digits in a row cleaning would say that they mask something."""
    return [f"{text.rstrip(' .')} number {place // 1000} {place % 1000:03d}." for place, text in enumerate(islice(cycle(texts), number))]


def run_build(source: Path, engine: str, workers: int) -> Run:
    """Build with the command line tool and watch its workers."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "tripletgen.cli.app",
            "build",
            str(source),
            "--out",
            f"{folder}/out",
            "--engine",
            engine,
            "--quiet",
        ]
        start = time.perf_counter()
        process = psutil.Popen([*command, "--workers", str(workers)])
        watcher = threading.Thread(target=_watch, args=(process, seen), daemon=True)
        watcher.start()
        status = process.wait()
        seconds = time.perf_counter() - start
        if status != 0:
            raise subprocess.CalledProcessError(status, command)
        captions = read_manifest(Path(folder) / "out")["captions"]
    if captions["dropped"].get("duplicate", 0) or captions["used"] < 0.8 * captions["read"]:
        sys.exit(f"error: the corpus is not what it should be: {captions}")
    watcher.join()
    return Run(seconds, sum(seen.core_seconds.values()), seen.worker_bytes)


def _watch(process: psutil.Popen, seen: Seen) -> None:
    """Note what every process of the build has used when it is last seen, and the most that one worker alone holds."""
    with suppress(psutil.Error):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            for member in (process, *process.children(recursive=True)):
                with suppress(psutil.Error, IndexError):
                    times = member.cpu_times()
                    seen.core_seconds[member.pid] = times.user + times.system
                    if member.cmdline()[0].startswith("ray::") or "multiprocessing.spawn" in " ".join(member.cmdline()):
                        seen.worker_bytes = max(seen.worker_bytes, member.memory_full_info().uss)
            time.sleep(_SAMPLE_SECONDS)


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the caption files")
    parser.add_argument("--captions", type=int, default=87_000, help="captions of the large corpus")
    parser.add_argument("--small", type=int, default=8_700, help="captions of the small corpus")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    args = parser.parse_args()
    texts = [text for name in MULTI30K for text in raw_captions(data_file(args.data, name), 10**6)]
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in (args.small, args.captions):
            source = Path(folder) / f"{number}.txt"
            source.write_text("\n".join(numbered(texts, number)) + "\n", encoding="utf-8")
            for engine in ("local", "ray"):
                runs[f"{engine} {number}"] = run_build(source, engine, args.workers)
    figures = figures_of(runs, args.small, args.captions)
    rows = [(f.name, f"{f.value:.2f} {f.unit}", f.bar, "met" if f.is_met else "MISSED", f.evidence) for f in figures]
    print_table(f"build --engine ray, {args.workers} workers on one machine", ("", "measured", "bar", "", "of"), rows)
    measured: dict[str, Any] = {name: run._asdict() for name, run in runs.items()}
    write_json(args.json, {"figures": [f._asdict() | {"met": f.is_met} for f in figures], "measurements": measured})


def figures_of(runs: dict[str, Run], small: int, large: int) -> list[Figure]:
    """Return the figures with their bars."""
    local, ray, little = runs[f"local {large}"], runs[f"ray {large}"], runs[f"ray {small}"]
    before = runs[f"local {small}"]
    per = large / small
    rows = (
        ("Ray / local, seconds", ray.seconds, local.seconds, "s", 1.25),
        ("Ray / local, seconds of a core", ray.core_seconds, local.core_seconds, "s", 1.25),
        (f"{per:g}x captions, Ray, seconds", ray.seconds, little.seconds, "s", 1.05 * per),
        (f"{per:g}x captions, Ray, seconds of a core", ray.core_seconds, little.core_seconds, "s", 1.05 * per),
        (f"{per:g}x captions, local, seconds of a core", local.core_seconds, before.core_seconds, "s", 1.05 * per),
        (f"{per:g}x captions, memory of a Ray worker", ray.worker_bytes / _MB, little.worker_bytes / _MB, "MB", 1.2),
    )
    return [Figure(name, a / b, "x", f"{a:.0f} {unit} / {b:.0f} {unit}", most=most) for name, a, b, unit, most in rows]


if __name__ == "__main__":
    main()
