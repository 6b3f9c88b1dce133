"""Measure what a caption costs one core, phase by phase: `python benchmarks/rates.py [--data DIR]` writes benchmarks/rates.json.

CPU seconds of a whole build in this process, which other work on the machine changes much less than it does the time.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from corpora import CC3M, data_file
from scaling import RATES, Rates

import tripletgen
from tripletgen.captions.sources import SourceSpec
from tripletgen.engine.ray import RayEngine, ray_session
from tripletgen.staging import WORK, Files
from tripletgen.units import warm_up

TASKS = 3000


class NoTask(NamedTuple):
    """A task without files."""

    work: str

    def files(self) -> Files:
        """Return none."""
        return Files()


def nothing(*_: object) -> dict[str, int]:
    """Do nothing, and report as much as a unit does."""
    return dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 0)


def measure_task() -> float:
    """Return the CPU seconds that the first process takes for a task, of which a cluster of this machine does nothing."""
    with tempfile.TemporaryDirectory() as folder, ray_session(None, 2):
        (Path(folder) / WORK).mkdir()
        engine, tasks = RayEngine(folder, nothing), [NoTask(folder)] * TASKS
        list(engine.map(nothing, tasks[:100]))
        begin = time.process_time()
        list(engine.map(nothing, tasks))
        return (time.process_time() - begin) / TASKS


class Phases:
    """Note the CPU seconds at which each phase of a build begins and its last caption is done, and the bytes that lie there then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun: dict[str, float] = {}
        self.done: dict[str, float] = {}
        self.bytes = 0

    def start(self, phase: str, total: int | None) -> None:
        """Note the beginning of a phase."""
        self.phase, self.left = phase, total or 0
        self.begun[phase] = time.process_time()

    def advance(self, captions: int) -> None:
        """Note that captions are done."""
        self.done[self.phase] = time.process_time()
        self.left -= captions
        if self.left <= 0:
            self.bytes = size_of(self.folder)

    def note(self, text: str) -> None:
        """Show nothing."""


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(source: Path) -> Rates:
    """Return the rates of a whole build."""
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        phases = Phases(Path(folder))
        begin = time.process_time()
        manifest = tripletgen.build(tripletgen.BuildOptions(f"{folder}/out", sources=(SourceSpec(str(source)),), workers=1), phases)
        end = time.process_time()
        rows = sum(int(entry["rows"]) for entry in manifest["sources"])
        parsing, editing = "parsing", "making triplets"
        seconds = {
            "read": phases.begun[parsing] - begin,
            "parse": phases.done[parsing] - phases.begun[parsing],
            "count": phases.begun[editing] - phases.done[parsing],
            "edit": phases.done[editing] - phases.begun[editing],
            "write": end - phases.done[editing],
        }
        amounts = {"triplets": manifest["triplets"]["total"], "output_bytes": size_of(Path(folder)), "work_bytes": phases.bytes}
    return Rates(task=measure_task(), **{name: amount / rows for name, amount in (seconds | amounts).items()})


def main() -> None:
    """Measure and write the rates."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the caption files")
    rates = measure(data_file(parser.parse_args().data, CC3M))
    RATES.write_text(json.dumps(rates._asdict(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
