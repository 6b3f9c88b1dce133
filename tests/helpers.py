"""Plain functions that several tests share: run the command line, write inputs, compare data sets."""

import ctypes
import hashlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import tripletgen.captions.partition
from tripletgen.assets import asset

ROOT = Path(__file__).resolve().parents[1]
APP = [sys.executable, "-m", "tripletgen.cli.app"]
# The same command with units so small that a few hundred captions make several.
SMALL_UNITS = [
    sys.executable,
    "-c",
    "import tripletgen.captions.partition as p; p.UNIT_CAPTIONS = 64; from tripletgen.cli.app import main; main()",
]

CAPTIONS = [
    "A brown dog runs across the green grass.",
    "Two red cars are parked in front of a white house.",
    "A woman in a blue dress holds a black umbrella.",
    "A small boat lies on the shore of a calm lake.",
    "A black cat sleeps on a grey sofa.",
    "Three children play with a yellow ball on the beach.",
    "A wooden table with a white cup and a green plate.",
    "A man rides a white horse through a forest.",
]


def environment(**more: str) -> dict[str, str]:
    """Return the environment in which a subprocess imports this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120", **more}


def run_cli(*arguments: object, cwd: Path, app: Sequence[str] = APP, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [*app, *map(str, arguments)]
    more.setdefault("env", environment())
    more.setdefault("timeout", 120)
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **more)


def obey_permissions() -> None:
    """Give up root's right to read and write anywhere, for `preexec_fn`: so tests of permissions say something to root too."""
    if os.geteuid() == 0:
        drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2  # <sys/prctl.h>, <linux/capability.h>
        for capability in (dac_override, dac_read_search):
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def full_disk(limit: int) -> Callable[[], None]:
    """Return a `preexec_fn` after which no file can grow over `limit` bytes, as if the disk were full."""

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return no_room


def embedded_captions(step: int) -> list[str]:
    """Return every so-many-th of the captions that ship inside the package."""
    lines = [line for path in sorted(asset("captions/embedded").glob("*.txt")) for line in path.read_text(encoding="utf-8").splitlines()]
    return lines[::step]


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    """Write a text file, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows_of(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    """Return the rows of a split as any Parquet reader sees them."""
    return [row for path in sorted((folder / "data").glob(f"{split}-*.parquet")) for row in pq.read_table(path).to_pylist()]


def shrink_units(size: int) -> int:
    """Set how many captions a unit holds in this process and return what it was."""
    before = tripletgen.captions.partition.UNIT_CAPTIONS
    tripletgen.captions.partition.UNIT_CAPTIONS = size
    return before
