"""Compare `tripletgen build` with the same edit function in other frameworks, side by side in one run.

    python benchmarks/peers.py [--data DIR] [--captions N] [--repeats N] [--work DIR] [--json FILE]

Each framework has an environment of its own under `--work`, two worker processes and the same captions; `benchmarks/peer_*.py` hold what a
user would write. Seconds are those of the whole command, from its start to its exit. A peer that cannot be installed, fails or does not
end is named with the last line that it printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import psutil
import pyarrow.parquet as pq
from build import peak_memory, raw_captions
from corpora import CC3M, data_file
from peer_work import WORKERS
from report import percent, print_table, write_json

import tripletgen

ROOT = Path(__file__).resolve().parents[1]
OURS = "tripletgen build"
# A peer: its package and its script.
PEERS: dict[str, tuple[str, str]] = {
    "datasets.map, num_proc=2": ("datasets", "peer_datasets.py"),
    "datatrove, local executor": ("datatrove", "peer_datatrove.py"),
    "distilabel, two replicas": ("distilabel", "peer_distilabel.py"),
}
# What a package needs for these scripts, and does not bring.
NEEDS = {"datatrove": ("orjson",)}
_PATIENCE = 900


class Measured(NamedTuple):
    """What a run of one side took, and the ids of the triplets that it made."""

    seconds: float
    peak: int
    ids: frozenset[str]


class RunError(Exception):
    """Tell the last line of a command that failed."""


def install(package: str, work: Path) -> Path:
    """Return the Python of an environment with this project and a package, made where it is not there yet.

    Raises:
        RunError: it cannot be installed.
    """
    python = work / package / "bin" / "python"
    if not (work / package / "installed").is_file():
        run([sys.executable, "-m", "venv", work / package])
        run([python, "-m", "pip", "install", "--quiet", "-e", ROOT, package, *NEEDS.get(package, ())])
        (work / package / "installed").touch()
    return python


def run(command: Iterable[object]) -> None:
    """Run a command to its end.

    Raises:
        RunError: it failed.
    """
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RunError(last_line(done.stdout))


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it printed nothing")


def measure(command: list[object], folder: Path) -> Measured:
    """Return seconds and peak memory of a command that writes into a folder, and the ids that it wrote.

    Raises:
        RunError: it failed.
    """
    with (folder / "log").open("w+", encoding="utf-8") as log:
        start = time.perf_counter()
        process = psutil.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        watch = Timer(_PATIENCE, end_tree, [process])
        watch.start()
        peak = peak_memory(process)
        watch.cancel()
        seconds = time.perf_counter() - start
        if process.wait() != 0:
            log.seek(0)
            raise RunError(last_line(log.read()))
    return Measured(seconds, peak, frozenset(read_ids(folder)))


def end_tree(process: psutil.Process) -> None:
    """End a process that does not come to its end, and all that it started."""
    for member in [*process.children(recursive=True), process]:
        member.kill()


def read_ids(folder: Path) -> list[str]:
    """Return the ids of the triplets that lie in a folder, in whichever way its framework writes them."""
    if (folder / "rows").is_dir():
        return [json.loads(line)["id"] for path in (folder / "rows").glob("*.jsonl") for line in path.read_text().splitlines()]
    if (folder / "rows.parquet").is_file():
        table = pq.read_table(folder / "rows.parquet")
        if "triplet_id" in table.column_names:
            return list(table["triplet_id"].to_pylist())
        return [row["triplet_id"] for rows in table["triplets"].to_pylist() for row in rows]
    return [row.triplet_id for row in tripletgen.read_triplets(folder / "data-set")]


def measure_sides(captions: list[str], work: Path, repeats: int) -> tuple[dict[str, list[Measured]], dict[str, str]]:
    """Run every side in turns; return what was measured, and why others were not."""
    found: dict[str, list[Measured]] = {}
    failed: dict[str, str] = {}
    for turn in range(repeats):
        for name in (OURS, *PEERS):
            if name in failed:
                continue
            with tempfile.TemporaryDirectory(dir=work) as temporary:
                folder, source = Path(temporary), Path(temporary, "captions.jsonl")
                source.write_text("".join(json.dumps({"caption": text}) + "\n" for text in captions), encoding="utf-8")
                try:
                    if name == OURS:
                        command = [sys.executable, "-m", "tripletgen.cli.app", "build", source, "--out", folder / "data-set", "--quiet"]
                        command += ["--workers", WORKERS]
                    else:
                        package, script = PEERS[name]
                        command = [install(package, work), ROOT / "benchmarks" / script, source, folder]
                    found.setdefault(name, []).append(measure(command, folder))
                except RunError as error:
                    failed[name] = str(error)
        print(f"turn {turn + 1} of {repeats} done", file=sys.stderr)
    return found, failed


def show(captions: list[str], found: dict[str, list[Measured]], failed: dict[str, str]) -> dict[str, Any]:
    """Print speed, memory and agreement of all sides; return them."""
    expected = frozenset(row.triplet_id for row in tripletgen.propose(captions))
    ours = found[OURS]
    figures, rows = {}, []
    for name in (OURS, *PEERS):
        if name in failed:
            rows.append((name, "failed", failed[name], "", "", ""))
            figures[name] = {"failed": failed[name]}
            continue
        turns = found[name]
        seconds = statistics.median(turn.seconds for turn in turns)
        ratio = statistics.median(turn.seconds / own.seconds for turn, own in zip(turns, ours, strict=True))
        peak = max(turn.peak for turn in turns)
        same = len(turns[0].ids & expected) / len(expected)
        rows.append(
            (
                name,
                f"{len(captions) / seconds:,.0f}",
                f"{len(turns[0].ids) / seconds:,.0f}",
                f"{ratio:.2f} x",
                f"{peak / 1e9:.2f} GB",
                f"{len(turns[0].ids):,}, {percent(same, 1)} of them",
            )
        )
        figures[name] = {
            "seconds": [turn.seconds for turn in turns],
            "peak_bytes": peak,
            "triplets": len(turns[0].ids),
            "as_propose": same,
            "time_of_ours": ratio,
        }
    title = f"{len(captions):,} captions of CC3M validation, {WORKERS} workers, medians of {len(ours)} turns"
    columns = ("", "captions/s", "triplets/s", "time, to ours", "peak", f"distinct triplets, share of propose's {len(expected):,}")
    print_table(title, columns, rows)
    return {"captions": len(captions), "propose": len(expected), "sides": figures}


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the caption files")
    parser.add_argument("--captions", type=int, default=15_000, help="rows of CC3M validation")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("out/peers"), help="folder of the environments")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    work = args.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    captions = raw_captions(data_file(args.data, CC3M), args.captions)
    write_json(args.json, show(captions, *measure_sides(captions, work, args.repeats)))


if __name__ == "__main__":
    main()
