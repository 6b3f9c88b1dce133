"""Measure time, memory and file size of `tripletgen report` and `export` on a data set of half a million rows.

    python benchmarks/report_size.py [--rows N] [--json FILE]

The rows are those of a build of the embedded captions, numbered so that all differ. Each command has a process of its own,
whose peak memory the kernel counts (Linux only: elsewhere a process inherits the peak of the one that started it).
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from report import print_table, write_json

import tripletgen
from tripletgen.schema import Triplet, group_id_of, triplet_id_of
from tripletgen.shards.manifest import Manifest, read_manifest, write_manifest
from tripletgen.shards.writer import shard_name, write_rows, write_shard

SHARD_ROWS = 50_000
SECONDS, MEGABYTES, FILE_MEGABYTES = 60, 1000, 10


class Run(NamedTuple):
    """What one command took."""

    name: str
    seconds: float
    peak_megabytes: float
    file_megabytes: float


def numbered(rows: list[Triplet]) -> Iterator[Triplet]:
    """Yield the rows over and over, each time with another number in its texts."""
    for turn in count():
        for row in rows:
            texts = (f"{row.reference_caption} {turn}", f"{row.modification_text} {turn}", f"{row.target_caption} {turn}")
            yield row._replace(
                triplet_id=triplet_id_of(*texts),
                reference_caption=texts[0],
                modification_text=texts[1],
                target_caption=texts[2],
                group_id=group_id_of(texts[0]),
            )


def enlarge(small: Path, folder: Path, number: int) -> None:
    """Write a data set of `number` rows with a manifest that counts them."""
    manifest: Manifest = read_manifest(small)
    rows = numbered(list(tripletgen.read_triplets(small)))
    counted: dict[str, Counter[str]] = {column: Counter() for column in ("edit_type", "phrasing", "origin", "licence", "source")}
    files = []
    for shard in range(-(-number // SHARD_ROWS)):
        batch = list(islice(rows, min(SHARD_ROWS, number - shard * SHARD_ROWS)))
        for column, counts in counted.items():
            counts.update(getattr(row, column) for row in batch)
        path = folder / "data" / shard_name("train", shard, -(-number // SHARD_ROWS))
        write_rows(folder.with_suffix(".arrow"), batch)
        files.append(write_shard(path, [folder.with_suffix(".arrow")])._replace(path=f"data/{path.name}")._asdict())
    manifest |= {"triplets": {"total": number, **counted}, "splits": {"train": {"rows": number, "files": files}}, "files": []}
    write_manifest(folder, manifest)


def run(name: str, output: Path, *arguments: str) -> Run:
    """Run a command and return what it took."""
    code = (
        "import sys; from tripletgen.cli.app import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    peak = int(done.stderr.split()[-1]) * 1024 / 1e6
    files = [output] if output.is_file() else list(output.rglob("*.tar"))
    return Run(name, time.perf_counter() - start, peak, sum(path.stat().st_size for path in files) / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tripletgen.build(tripletgen.BuildOptions(out=str(work / "small"), limit=5000))
        enlarge(work / "small", work / "large", arguments.rows)
        large = str(work / "large")
        runs = [run("report", work / "report.html", "report", large, "--out", str(work / "report.html"))]
        for kind in ("rtd-json", "jsonl", "sentence-transformers", "webdataset"):
            runs.append(run(f"export {kind}", work / kind, "export", large, "--format", kind, "--out", str(work / kind)))
        runs.append(run("stats", work / "none", "stats", large))
    rows = [(r.name, f"{r.seconds:.1f}", f"{r.peak_megabytes:.0f}", f"{r.file_megabytes:.1f}") for r in runs]
    print_table(f"{arguments.rows:,} rows", ("command", "seconds", "peak MB", "file MB"), rows)
    report = runs[0]
    print(f"bars of the report: {SECONDS} s, {MEGABYTES} MB of memory, {FILE_MEGABYTES} MB of file")
    write_json(arguments.json, {"rows": arguments.rows, "runs": [r._asdict() for r in runs]})
    met = report.seconds < SECONDS and report.peak_megabytes < MEGABYTES and report.file_megabytes < FILE_MEGABYTES
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
