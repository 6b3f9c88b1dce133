"""The two steps that cross units, as shuffles of Ray Data: dividing the captions into units, joining their masks.

Both sort by range with the bounds given: group ids and keys are hashes, so equal ranges are equal parts, and a block is what one worker
holds. The rows are those of the steps on one machine.
"""

import logging
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tripletgen.assets import code_digest
from tripletgen.captions.marks import Mark
from tripletgen.captions.partition import Dropped, Partition, append_by_unit, first_group_of, units_for, write_partition
from tripletgen.captions.sources import HUB_PREFIX, Source, check_counts, count_pieces
from tripletgen.crossing import MAX_KEPT_DROPS, partition_here, write_drops
from tripletgen.engine.base import Engine
from tripletgen.errors import TripletgenError
from tripletgen.options import BuildOptions
from tripletgen.pairs.join import candidates_of, choose_pairs, first_of_keys, write_pairs
from tripletgen.progress import Progress
from tripletgen.reading import read_captions
from tripletgen.reports import Report, sum_counts
from tripletgen.staging import WORK, bench_of, open_place
from tripletgen.tasks import UNITS_A_CHUNK, ReadTask, pairs_name
from tripletgen.work import Work

MOST_BLOCKS = 1024
"""Parts of a shuffle at most: every task that reads hands something to each of them."""

UNITS_ALONE = 2 * UNITS_A_CHUNK
"""Units whose captions one worker divides sooner than Ray Data has started."""

UNIT_BYTES = 2 << 20
"""More than the captions, or the masks, of a unit take in memory."""

Step = tuple[str, list[int], Callable[[pa.Table], pa.Table]]


def partition_on_ray(
    engine: Engine, sources: list[tuple[Source, Mark]], work: Work, options: BuildOptions, progress: Progress
) -> Partition:
    """Let the workers read and clean the sources, a piece each, and divide the captions into the files of their units.

    A limit counts rows in order, and standard input is here: both are read here.
    """
    if options.limit is not None or any(source.path == "-" for source, _ in sources):
        return partition_here(sources, work, options, progress)
    tasks = list(_read_tasks(sources, work, keep_rejects=options.keep_rejects))
    # It takes a second or two, in which this process would only wait for its workers.
    threading.Thread(target=import_module, args=("ray.data",), daemon=True).start()
    reports: dict[int, Report] = {}
    for report in engine.map(read_captions, tasks):
        progress.advance(report["captions"])
        reports[report["unit"]] = report
    rows: Counter[Source] = Counter()
    broken: Counter[Source] = Counter()
    for task in tasks:
        rows[task.source] += reports[task.number]["rows"]
        broken[task.source] += reports[task.number]["broken"]
    for source, _ in sources:
        check_counts(source, rows[source], broken[source])
    before = _numbers_before(tasks, reports)
    if options.keep_rejects:
        write_drops(work, list(islice(_dropped(tasks, before, work), MAX_KEPT_DROPS)))
    total = sum(report["captions"] for report in reports.values())
    _divide([(task.number, before[task.number]) for task in tasks if reports[task.number]["captions"]], units_for(total), total, work)
    read = Counter({(s.name, s.licence): 0 for s, _ in sources})
    for source, number in rows.items():
        read[source.name, source.licence] += number
    return write_partition(work.unfinished / "partition", total, read, Counter(sum_counts(r["dropped"] for r in reports.values())))


def _read_tasks(sources: list[tuple[Source, Mark]], work: Work, *, keep_rejects: bool) -> Iterator[ReadTask]:
    number = 0
    for (source, mark), pieces in zip(sources, count_pieces(source for source, _ in sources), strict=True):
        state = f"{code_digest()} {mark.size} {mark.content} {keep_rejects}"
        for piece in range(pieces):
            yield ReadTask(str(work.unfinished), number, source, state, keep_rejects, piece if pieces > 1 else None)
            number += 1


def _numbers_before(tasks: list[ReadTask], reports: dict[int, Report]) -> dict[int, int]:
    """Return what is to be added to the numbers of each task's rows: pieces of the Hub's are numbered from 1."""
    before, last = {}, Counter[Source]()
    for task in tasks:
        before[task.number] = last[task.source]
        last[task.source] += reports[task.number]["last"] if task.source.path.startswith(HUB_PREFIX) else 0
    return before


def _shifted(source_id: str, before: int) -> str:
    number, dot, rest = source_id.partition(".")
    return f"{int(number) + before}{dot}{rest}" if before else source_id


def _dropped(tasks: list[ReadTask], before: dict[int, int], work: Work) -> Iterator[Dropped]:
    """Yield what cleaning dropped, in the order of the sources."""
    for task in tasks:
        with work.lend(f"{WORK}/read/{task.number:05d}.rejects") as path, pa.memory_map(str(path)) as file:
            for row in pa.ipc.open_file(file).read_all().to_pylist():
                yield Dropped(row["reason"], row["text"], row["source"], _shifted(row["source_id"], before[task.number]))


def _divide(files: list[tuple[int, int]], num_units: int, total: int, work: Work) -> None:
    """Shuffle what was read into the files of the units."""
    width = max(UNITS_A_CHUNK, -(-num_units // MOST_BLOCKS))
    bounds = [first_group_of(unit, num_units) for unit in range(width, num_units, width)] if num_units > UNITS_ALONE else []
    work.remove(f"{WORK}/partition")
    (work.unfinished / "partition").mkdir()
    items = [{"number": number, "before": before} for number, before in files]
    write = partial(_write_units, num_units=num_units, root=work.root)
    written = _shuffled(items, partial(_captions_of, root=work.root), [("group_id", bounds, write)], width) if items else 0
    if written != total:
        raise TripletgenError(f"{written} of {total} captions were divided", "a worker may have been lost: run the same command again")


def _captions_of(item: dict[str, Any], root: str) -> Iterator[pa.Table]:
    """Yield the captions that a task read."""
    number, before = int(item["number"][0]), int(item["before"][0])
    with _borrowed(root, f"{WORK}/read/{number:05d}.arrow") as path, pa.OSFile(str(path), "rb") as file:
        for batch in pa.ipc.open_stream(file):
            table = pa.Table.from_batches([batch])
            if before:
                ids = [_shifted(source_id, before) for source_id in table.column("source_id").to_pylist()]
                table = table.set_column(table.schema.get_field_index("source_id"), "source_id", pa.array(ids))
            yield table


def _write_units(table: pa.Table, num_units: int, root: str) -> pa.Table:
    """Write the captions of some whole units, a file each."""
    with tempfile.TemporaryDirectory(dir=bench_of(root)) as folder:
        for batch in table.to_batches():
            append_by_unit(batch, num_units, Path(folder))
        names = sorted(path.name for path in Path(folder).iterdir())
        for name in names:
            open_place(root).put(Path(folder) / name, f"{WORK}/partition/{name}")
    return pa.table({"names": pa.array([names], pa.list_(pa.string())), "rows": pa.array([table.num_rows], pa.int64())})


def join_on_ray(units: list[int], work: Work, options: BuildOptions) -> None:  # noqa: ARG001
    """Write the pairs of captions that have a mask in common, a file for each chunk of units."""
    chunks = [units[start : start + UNITS_A_CHUNK] for start in range(0, len(units), UNITS_A_CHUNK)]
    width = -(-len(chunks) // MOST_BLOCKS)
    starts = [chunk[0] for chunk in chunks[width::width]]
    keys = [first_group_of(block, len(starts) + 1) for block in range(1, len(starts) + 1)]
    write = partial(_write_pairs, root=work.root)
    steps: list[Step] = [("key", keys, candidates_of), ("unit", starts, write)]
    _shuffled([{"units": chunk} for chunk in chunks], partial(_masks_of, root=work.root), steps, width * UNITS_A_CHUNK)


def _masks_of(item: dict[str, Any], root: str) -> Iterator[pa.Table]:
    """Yield the masks of a chunk of units; of a frame that many share, no more than can count."""
    tables = []
    for unit in item["units"][0]:
        with _borrowed(root, f"{WORK}/masks/{int(unit):05d}.parquet") as path:
            tables.append(pq.read_table(path))
    yield first_of_keys(pa.concat_tables(tables))


def _write_pairs(candidates: pa.Table, root: str) -> pa.Table:
    """Write the pairs of some whole chunks of units, a file each."""
    pairs = choose_pairs(candidates)
    units = pairs.column("unit").to_numpy()
    names = [pairs_name(chunk * UNITS_A_CHUNK) for chunk in sorted({int(unit) // UNITS_A_CHUNK for unit in units})]
    with tempfile.TemporaryDirectory(dir=bench_of(root)) as folder:
        for name in names:
            write_pairs(Path(folder) / "pairs", pairs.filter(pa.array([pairs_name(int(unit)) == name for unit in units])))
            open_place(root).put(Path(folder) / "pairs", f"{WORK}/{name}")
    return pa.table({"names": pa.array([names], pa.list_(pa.string())), "rows": pa.array([pairs.num_rows], pa.int64())})


def _shuffled(items: list[dict[str, Any]], load: Callable[..., Iterator[pa.Table]], steps: list[Step], width: int) -> int:
    """Load the items, a task each, sort by each step's bounds and give its function every block; return the rows that the last one wrote.

    Raises:
        TripletgenError: a worker raised it, or a block came in two: the second would take the place of the first.
    """
    from ray.exceptions import RayError

    try:
        written = _sorted_blocks(items, load, steps, width) if any(bounds for _, bounds, _ in steps) else _one_block(items, load, steps)
    except RayError as error:
        raise _ours(error) from error
    names = [name for entry in written for name in entry["names"]]
    if len(set(names)) < len(names):
        raise TripletgenError(
            "a block of the shuffle was divided", "a caption that stands there millions of times does that: remove copies first"
        )
    return sum(int(entry["rows"]) for entry in written)


def _sorted_blocks(items: list[dict[str, Any]], load: Callable[..., Iterator[pa.Table]], steps: list[Step], width: int) -> list[Any]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = max(context.target_max_block_size or 0, 4 * width * UNIT_BYTES)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(load, batch_size=1)
    for column, bounds, function in steps:
        rows = rows.sort(column, boundaries=[*bounds]).map_batches(function, batch_size=None, batch_format="pyarrow")
    return list(rows.take_all())


def _one_block(items: list[dict[str, Any]], load: Callable[..., Iterator[pa.Table]], steps: list[Step]) -> list[Any]:
    """Take the steps in one task: what is one part is not sorted, and the start of Ray Data would take longer than it does."""
    import ray

    def take() -> list[Any]:
        table = pa.concat_tables(part for item in items for part in load({name: [value] for name, value in item.items()}))
        for *_, function in steps:
            table = function(table)
        written: list[Any] = table.to_pylist()
        return written

    result: Any = ray.remote(max_retries=3, num_cpus=1)(take).remote()
    return list(ray.get(result))


def _ours(error: BaseException) -> TripletgenError:
    """Return our own error that lies below one of Ray's."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, TripletgenError):
            return TripletgenError(found.message, found.hint)
        found = getattr(found, "cause", None) or found.__cause__
    return TripletgenError(f"a shuffle failed ({type(error).__name__})", "what is finished is kept: run the same command again")


@contextmanager
def _borrowed(root: str, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=bench_of(root)) as folder:
        path = Path(folder) / "file"
        open_place(root).get(name, path)
        yield path
