"""Measure speed and memory of `tripletgen build` against yardsticks taken in the same run.

    python benchmarks/build.py [--data DIR] [--captions N] [--json FILE]

Absolute speeds depend on the machine and on what else it does; the ratios hardly do, because the two sides of each are
measured one after the other. Every measurement has a process of its own, so that none finds the caches of another warm.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from corpora import CC3M, MULTI30K, data_file
from report import print_table, write_json

import tripletgen
from tripletgen.captions.sources import SourceSpec, expand_sources, read_source
from tripletgen.options import BuildOptions
from tripletgen.parsing import UNUSED_PIPES, load_model, model_version

_SAMPLE_SECONDS = 0.1
_GB = 1e9
MODEL_NAME = model_version().partition("==")[0]


class Figure(NamedTuple):
    """One measured figure with its bar, the least or the most it may be; `evidence` says what was divided by what."""

    name: str
    value: float
    unit: str
    evidence: str
    least: float | None = None
    most: float | None = None

    @property
    def bar(self) -> str:
        """Return the bar in words."""
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"

    @property
    def is_met(self) -> bool:
        """Tell whether the figure reaches its bar."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)


def in_own_process(function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns in a new interpreter."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def raw_captions(source: Path, limit: int) -> list[str]:
    """Return the captions that a build reads: the first `limit` rows as they stand in the file."""
    (found,) = expand_sources([SourceSpec(str(source))])
    return [text for _, text in islice(read_source(found), limit) if text is not None]


def time_build(source: Path, limit: int) -> float:
    """Return the seconds of a whole build with one worker, from raw captions to the manifest, after the model is loaded."""
    load_model()
    with tempfile.TemporaryDirectory() as folder:
        options = BuildOptions(f"{folder}/out", sources=(SourceSpec(str(source)),), limit=limit, workers=1)
        start = time.perf_counter()
        tripletgen.build(options)
        return time.perf_counter() - start


def time_bare_parse(texts: list[str]) -> float:
    """Return the seconds that spaCy alone needs, untouched, with the pipes of a build."""
    import spacy

    model = spacy.load(MODEL_NAME, exclude=list(UNUSED_PIPES))
    start = time.perf_counter()
    for _ in model.pipe(texts):
        pass
    return time.perf_counter() - start


def time_usual_loop(texts: list[str]) -> float:
    """Return the seconds of the loop that scripts usually have: one caption a call, all pipes of the model."""
    import spacy

    model = spacy.load(MODEL_NAME)
    start = time.perf_counter()
    for text in texts:
        model(text)
    return time.perf_counter() - start


def run_command(sources: list[Path], workers: int, watch: Callable[[psutil.Popen], int] | None = None) -> tuple[float, int]:
    """Return seconds, from start to exit, of the command line tool, and what `watch` saw of its process meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tripletgen.cli.app", "build", *map(str, sources), "--out", f"{folder}/out"]
        start = time.perf_counter()
        process = psutil.Popen([*command, "--workers", str(workers), "--quiet"])
        seen = watch(process) if watch else 0
        status = process.wait()
        seconds = time.perf_counter() - start
    if status != 0:
        raise subprocess.CalledProcessError(status, command)
    return seconds, seen


def peak_memory(process: psutil.Popen) -> int:
    """Return the most bytes that a process and its children held at one time, sampled until it ends."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_memory(process))
        time.sleep(_SAMPLE_SECONDS)
    return peak


def tree_memory(process: psutil.Popen) -> int:
    """Return the bytes of a process tree; pages that processes share count once (PSS) where the system tells."""
    total = 0
    with suppress(psutil.Error):
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                memory = member.memory_full_info()
                total += getattr(memory, "pss", memory.uss)
    return total


def measure_one_worker(source: Path, limit: int, repeats: int) -> tuple[list[Figure], dict[str, Any]]:
    """Compare a build with one worker to the bare parse and to the usual loop, in turns."""
    texts = raw_captions(source, limit)
    builds, parses, loops = [], [], []
    for _ in range(repeats):
        builds.append(in_own_process(time_build, source, limit))
        parses.append(in_own_process(time_bare_parse, texts))
        loops.append(in_own_process(time_usual_loop, texts))
    build, parse, loop = (len(texts) / statistics.median(seconds) for seconds in (builds, parses, loops))
    to_parse, to_loop = median_ratio(parses, builds), median_ratio(loops, builds)
    figures = [
        Figure("build / bare nlp.pipe (aim 0.85)", to_parse, "x", f"{build:,.0f} / {parse:,.0f} captions/s", least=0.7),
        Figure("build / nlp(caption), all pipes", to_loop, "x", f"{build:,.0f} / {loop:,.0f} captions/s", least=3),
    ]
    return figures, {"captions": len(texts), "build_s": builds, "bare_parse_s": parses, "usual_loop_s": loops}


def measure_two_workers(source: Path, repeats: int) -> tuple[list[Figure], dict[str, Any]]:
    """Compare two workers to one on a whole file: start, imports and the serial phases included."""
    one, two = [], []
    for _ in range(repeats):
        one.append(run_command([source], 1)[0])
        two.append(run_command([source], 2)[0])
    evidence = f"{statistics.median(one):.1f} s / {statistics.median(two):.1f} s"
    figures = [Figure("1 worker / 2 workers, seconds of the command", median_ratio(one, two), "x", evidence, least=1.7)]
    return figures, {"one_s": one, "two_s": two}


def measure_memory(small: list[Path], large: list[Path]) -> tuple[list[Figure], dict[str, Any]]:
    """Compare the peak memory of a large corpus to that of a small one, both with two workers."""
    _, low = run_command(small, 2, peak_memory)
    seconds, high = run_command(large, 2, peak_memory)
    rows = count_rows(large)
    evidence = f"{high / _GB:.2f} GB of {rows:,} captions / {low / _GB:.2f} GB of {count_rows(small):,}"
    figures = [
        Figure("peak memory, large / small corpus", high / low, "x", evidence, most=1.2),
        Figure("peak memory, large corpus", high / _GB, "GB", f"2 workers, {rows:,} captions, {seconds:.0f} s", most=1.5),
    ]
    return figures, {"small_bytes": low, "large_bytes": high, "large_s": seconds}


def count_rows(paths: list[Path]) -> int:
    """Return the number of raw captions of files."""
    return sum(1 for source in expand_sources(SourceSpec(str(path)) for path in paths) for _ in read_source(source))


def median_ratio(numerators: list[float], denominators: list[float]) -> float:
    """Return the median of the ratios of measurements taken in the same turn."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def print_figures(figures: list[Figure]) -> None:
    """Print the figures with their bars."""
    rows = [(f.name, f"{f.value:.2f} {f.unit}", f.bar, "met" if f.is_met else "MISSED", f.evidence) for f in figures]
    print_table(f"tripletgen build on {os.cpu_count()} cores, {model_version()}", ("", "measured", "bar", "", "of"), rows)


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the caption files")
    parser.add_argument("--captions", type=int, default=6000, help="rows of CC3M validation to compare speeds on")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each comparison of speeds; the median ratio counts")
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    args = parser.parse_args()
    small = data_file(args.data, CC3M)
    large = [data_file(args.data, name) for name in MULTI30K]
    parts = {
        "one_worker": measure_one_worker(small, args.captions, args.repeats),
        "two_workers": measure_two_workers(small, args.repeats),
        "memory": measure_memory([small], large),
    }
    figures = [figure for found, _ in parts.values() for figure in found]
    print_figures(figures)
    measured = {name: measurements for name, (_, measurements) in parts.items()}
    write_json(args.json, {"figures": [f._asdict() | {"met": f.is_met} for f in figures], "measurements": measured})


if __name__ == "__main__":
    main()
