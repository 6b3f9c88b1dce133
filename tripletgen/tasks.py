"""What a worker is told to do, and which files of the work folder each task reads and writes.

`part` and `skip` are for captions that end the process that works on them: a trial runs on rows `part` of a unit alone, and `skip` are the
rows that were found so. Rows are counted from 0: in what is read, among a unit's distinct captions where they are parsed, and among its
parses later.
"""

from typing import NamedTuple

from tripletgen.captions.partition import unit_name
from tripletgen.captions.sources import Source
from tripletgen.schema import SPLITS
from tripletgen.staging import Files

Part = tuple[int, int]

CRASHED = "crashed_worker"
"""Why a caption is dropped that ended the process which worked on it."""

UNITS_A_CHUNK = 64
"""Units, or merged ones, whose statistics a worker merges at a time; and units whose pairs lie in one file."""


class ReadTask(NamedTuple):
    """Read and clean a source, or one of its pieces; `code` covers what the source was when the build began."""

    work: str
    number: int
    source: Source
    code: str
    keep_rejects: bool
    piece: int | None = None
    skip: tuple[int, ...] = ()
    part: Part | None = None

    def files(self) -> Files:
        """Return the files of the task."""
        report = f"read/{self.number:05d}.json"
        return Files((report,), (f"read/{self.number:05d}.arrow", f"read/{self.number:05d}.rejects", report))


class ParseTask(NamedTuple):
    """Parse unit `unit` of the partition in `work`."""

    work: str
    unit: int
    code: str
    keep_rejects: bool
    skip: tuple[int, ...] = ()
    part: Part | None = None

    def files(self) -> Files:
        """Return the files of the task."""
        name, report = f"parsed/{self.unit:05d}", f"parsed/{self.unit:05d}.json"
        rejects = (f"rejects/parse-{self.unit:05d}.arrow",) if self.keep_rejects else ()
        return Files((f"partition/{unit_name(self.unit)}", report), (f"{name}.arrow", f"{name}.stats", *rejects, report))


class CountTask(NamedTuple):
    """Merge files of statistics, those of units or of merged ones, into the file `out`."""

    work: str
    out: str
    parts: tuple[str, ...]

    def files(self) -> Files:
        """Return the files of the task."""
        return Files(self.parts, (self.out,))


class MaskTask(NamedTuple):
    """Mask the captions of a parsed unit."""

    work: str
    unit: int
    skip: tuple[int, ...] = ()
    part: Part | None = None

    def files(self) -> Files:
        """Return the files of the task."""
        parsed, masks = f"parsed/{self.unit:05d}", f"masks/{self.unit:05d}"
        return Files((f"{parsed}.arrow", f"{parsed}.json", f"{masks}.json"), (f"{masks}.parquet", f"{masks}.json"))


class EditTask(NamedTuple):
    """Make the triplets of unit `unit`; `fingerprint` covers recipe, code and corpus statistics, `pairs` the mined pairs."""

    work: str
    unit: int
    fingerprint: str
    seed: int
    max_per_caption: int
    edit_types: tuple[str, ...]
    validation_fraction: float
    decontaminate: bool
    keep_rejects: bool
    pairs: str | None = None
    skip: tuple[int, ...] = ()
    part: Part | None = None

    def files(self) -> Files:
        """Return the files of the task."""
        parsed, report = f"parsed/{self.unit:05d}", f"rows/{self.unit:05d}.json"
        pairs = (pairs_name(self.unit),) if self.pairs is not None else ()
        rejects = (f"rejects/edit-{self.unit:05d}.arrow",) if self.keep_rejects else ()
        rows = tuple(f"rows/{split}-{self.unit:05d}.arrow" for split in SPLITS)
        return Files(
            (f"{parsed}.arrow", f"{parsed}.json", report, *pairs),
            (*rows, *rejects, report),
            ("stats.json", "benchmarks.npz") if self.decontaminate else ("stats.json",),
            self.fingerprint,
        )


def pairs_name(unit: int) -> str:
    """Return the name of the file with the pairs of a unit and of those beside it; a chunk without pairs has none."""
    return f"pairs/{unit // UNITS_A_CHUNK:05d}.parquet"


class ShardTask(NamedTuple):
    """Write the Parquet file `name`, relative to the data set, from files of rows in the work folder: triplets of a split, or rejects."""

    work: str
    unit: int
    name: str
    parts: tuple[str, ...]
    split: str | None = None

    def files(self) -> Files:
        """Return the files of the task; the shard goes straight to its place in the data set."""
        return Files(self.parts, (f"../{self.name}",))
