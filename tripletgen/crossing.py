"""The two steps that cross units, on one machine and in bounded memory: dividing the captions, joining their masks."""

from tripletgen.captions.marks import Mark
from tripletgen.captions.partition import Dropped, Partition, partition, unit_name
from tripletgen.captions.sources import Source
from tripletgen.options import BuildOptions
from tripletgen.pairs.join import join_masks, split_pairs
from tripletgen.progress import Progress
from tripletgen.schema import REJECT_SCHEMA
from tripletgen.shards.writer import write_rows
from tripletgen.tasks import UNITS_A_CHUNK, pairs_name
from tripletgen.work import Work, below_work

MAX_KEPT_DROPS = 100_000
CLEANED = "rejects/clean-00000.arrow"


def partition_here(sources: list[tuple[Source, Mark]], work: Work, options: BuildOptions, progress: Progress) -> Partition:
    """Divide the captions of the sources into the files of their units; write what was dropped, if it is kept."""
    drops: list[Dropped] = []
    done = 0

    def on_progress(total: int) -> None:
        nonlocal done
        progress.advance(total - done)
        done = total

    def on_drop(drop: Dropped) -> None:
        if options.keep_rejects and len(drops) < MAX_KEPT_DROPS:
            drops.append(drop)

    divided = partition([source for source, _ in sources], work.unfinished / "partition", options.limit, on_drop, on_progress)
    if options.keep_rejects:
        write_drops(work, drops)
    names = below_work(f"partition/{unit_name(unit)}" for unit in range(divided.num_units))
    names = [name for name in names if (work.folder / name).is_file()]  # a unit without captions has no file
    work.hand_over(*names)
    return divided


def write_drops(work: Work, drops: list[Dropped]) -> None:
    """Write the captions that cleaning dropped."""
    write_rows(work.unfinished / CLEANED, [drop_row(drop) for drop in drops], REJECT_SCHEMA)
    work.hand_over(*below_work([CLEANED]))


def drop_row(drop: Dropped) -> tuple[str, str, str, None, None, str, str]:
    """Return a dropped caption as a row of the rejects."""
    return "clean", drop.reason, drop.text, None, None, drop.source, drop.source_id


def join_here(units: list[int], work: Work, options: BuildOptions) -> None:
    """Write the pairs of captions that have a mask in common, a file for each chunk of units."""
    names = below_work(f"masks/{unit:05d}.parquet" for unit in units)
    work.fetch(*names)
    joined = work.unfinished / "pairs.parquet"
    join_masks([work.folder / name for name in names], joined, options.workers)
    split_pairs(joined, UNITS_A_CHUNK, lambda unit: work.unfinished / pairs_name(unit))
    work.forget(*names)
    work.hand_over(*below_work(f"pairs/{path.name}" for path in sorted((work.unfinished / "pairs").glob("*.parquet"))))
