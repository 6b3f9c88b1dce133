"""What a corpus costs on how many nodes: hours, bytes and money from measured rates.

    python benchmarks/scaling.py [--core-hour DOLLARS] [--gpu-hour DOLLARS] [--write docs/scaling.md]

The model is plain: a phase that is divided takes its seconds a caption over all cores, a phase of the first process takes them alone. With
Ray what is alone is to hand out tasks, and the rounds in which statistics are merged. Rates of one core come from `benchmarks/rates.py`.
Rates of GPUs are quoted, and marked as estimates.
"""

import argparse
import json
import math
import re
from pathlib import Path
from typing import NamedTuple

from report import print_table

from tripletgen.captions.partition import UNIT_CAPTIONS
from tripletgen.tasks import UNITS_A_CHUNK

RATES = Path(__file__).with_name("rates.json")
CORPORA = {"15 k": 15_000, "1.5 M": 1_500_000, "150 M": 150_000_000, "1.5 B": 1_500_000_000}
NODES = (1, 8, 64)
# What the first process does alone with `--engine local`, which one node runs.
ALONE = ("read", "count", "write")
PHASES = ("read", "parse", "count", "edit", "write")
# Tasks of a unit that the first process hands out to a cluster: reading, parsing, editing, and a share of a shard.
TASKS_A_UNIT = 3.1


class Rates(NamedTuple):
    """CPU seconds and bytes a raw caption, of one core; `task` are those of the first process for each task that it hands to a cluster."""

    read: float
    parse: float
    count: float
    edit: float
    write: float
    task: float
    triplets: float
    output_bytes: float
    work_bytes: float


class Node(NamedTuple):
    """A machine and its price in dollars."""

    cores: int = 64
    core_hour: float = 0.05
    gpus: int = 8
    gpu_hour: float = 3.0
    gigabyte_month: float = 0.023


class Gpu(NamedTuple):
    """Rates of one GPU that nobody of this project has measured: estimates from published figures.

    `draws` is RTD's 2,000 steps of 512 triplets in 23 minutes on four A100, `tokens` the output of vLLM with Llama 3.1 8B on one H100.
    With fewer than `least_rows` triplets a step it has too little to do.
    """

    draws: float = 2000 * 512 / (23 * 60 * 4)
    tokens: float = 12_500.0
    tokens_a_row: float = 40.0
    least_rows: int = 64


class Cost(NamedTuple):
    """What a build comes to, and the part of it that no further node shortens."""

    hours: float
    serial_hours: float
    output_bytes: float
    work_bytes: float
    money: float


def build_cost(captions: float, nodes: int, rates: Rates, node: Node) -> Cost:
    """Return what the build of a corpus takes and costs: nodes wait, and are paid, while the first process works alone."""
    units = math.ceil(captions / UNIT_CAPTIONS)
    alone, together = (captions * seconds for seconds in split_phases(rates))
    if nodes > 1:
        alone, together = alone_on_ray(units, rates), alone + together
    hours = (alone + together / min(node.cores * nodes, units)) / 3600
    money = hours * nodes * node.cores * node.core_hour
    return Cost(hours, alone / 3600, captions * rates.output_bytes, captions * rates.work_bytes, money)


def split_phases(rates: Rates) -> tuple[float, float]:
    """Return the seconds a caption that the first process of one machine takes alone, and those that all cores divide."""
    seconds = {name: getattr(rates, name) for name in PHASES}
    alone = sum(seconds[name] for name in ALONE)
    return alone, sum(seconds.values()) - alone


def alone_on_ray(units: int, rates: Rates) -> float:
    """Return the seconds in which a cluster waits for one process: to be given tasks, and to merge a chunk of statistics in each round."""
    rounds = max(1, math.ceil(math.log(max(units, 2), UNITS_A_CHUNK)))
    return units * TASKS_A_UNIT * rates.task + rounds * min(units, UNITS_A_CHUNK) * UNIT_CAPTIONS * rates.count


def enough_cores(rates: Rates) -> float:
    """Return the cores at which one machine's first process takes as long alone as all do together; beyond it, more gain little."""
    alone, together = split_phases(rates)
    return together / alone


def training_cost(draws: float, nodes: int, node: Node, gpu: Gpu, batch: int = 512) -> tuple[float, float]:
    """Return hours and dollars of training on so many draws of triplets, were no time lost between processes."""
    gpus = min(node.gpus * nodes, max(1, batch // gpu.least_rows))
    hours = draws / (gpu.draws * gpus) / 3600
    return hours, hours * gpus * node.gpu_hour


def rewriting_cost(rows: float, nodes: int, node: Node, gpu: Gpu) -> tuple[float, float]:
    """Return hours and dollars of one reply of a language model to each row."""
    hours = rows * gpu.tokens_a_row / (gpu.tokens * node.gpus * nodes) / 3600
    return hours, hours * nodes * node.gpus * node.gpu_hour


def feature_bytes(captions: float, rates: Rates, width: int = 768) -> float:
    """Return the bytes of the frozen features of a data set: of each caption and of its targets, all distinct."""
    return captions * (1 + rates.triplets) * width * 4


def spell(number: float) -> str:
    """Return a number with two or three significant digits, as people write it."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2g}"


def spell_bytes(number: float) -> str:
    """Return a size in the unit that suits it."""
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if number >= size:
            return f"{spell(number / size)} {unit}"
    return f"{spell(number / 1e6)} MB"


def spell_hours(hours: float) -> str:
    """Return a time in the unit that suits it."""
    if hours >= 48:
        return f"{spell(hours / 24)} d"
    if hours >= 1:
        return f"{spell(hours)} h"
    return f"{spell(hours * 60)} min" if hours >= 1 / 60 else f"{spell(hours * 3600)} s"


def build_table(rates: Rates, node: Node, gpu: Gpu) -> list[tuple[str, ...]]:
    """Return a row for each corpus and number of nodes."""
    rows = []
    for name, captions in CORPORA.items():
        for nodes in NODES:
            cost = build_cost(captions, nodes, rates, node)
            triplets = captions * rates.triplets
            rewrite_hours, rewrite_money = rewriting_cost(triplets, nodes, node, gpu)
            rows.append(
                (
                    name,
                    str(nodes),
                    spell_hours(cost.hours),
                    spell_hours(cost.serial_hours),
                    f"${spell(cost.money)}",
                    spell_bytes(cost.output_bytes),
                    spell_bytes(cost.work_bytes),
                    spell_hours(rewrite_hours),
                    f"${spell(rewrite_money)}",
                )
            )
    return rows


def training_table(rates: Rates, node: Node, gpu: Gpu) -> list[tuple[str, ...]]:
    """Return a row for each corpus: one pass over its triplets, and the frozen features that this takes."""
    rows = [("published setting: 1.02 M draws", *_training(2000 * 512, node, gpu), "at most 6.3 GB")]
    for name, captions in CORPORA.items():
        features = spell_bytes(feature_bytes(captions, rates))
        rows.append((f"all triplets of {name} captions, once", *_training(captions * rates.triplets, node, gpu), features))
    return rows


def _training(draws: float, node: Node, gpu: Gpu) -> list[str]:
    costs = [training_cost(draws, nodes, node, gpu) for nodes in NODES]
    return [*(spell_hours(hours) for hours, _ in costs), f"${spell(costs[0][1])}"]


COLUMNS = ("captions", "nodes", "build", "of it alone", "price", "data set", "work", "rewriting (est.)", "price (est.)")
TRAINING = ("training (est.)", *(f"{nodes} node{'s' * (nodes > 1)}" for nodes in NODES), "price", "frozen features")


def markdown(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ("---:",) * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_between(text: str, name: str, content: str) -> str:
    """Return a document with the part between two comments replaced."""
    return re.sub(rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda found: f"{found[1]}{content}{found[2]}", text)


def main() -> None:
    """Print what follows from the rates, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--core-hour", type=float, default=Node().core_hour, help="dollars")
    parser.add_argument("--gpu-hour", type=float, default=Node().gpu_hour, help="dollars")
    parser.add_argument("--write", type=Path, metavar="FILE", help="Markdown to write the table into")
    args = parser.parse_args()
    rates, node = Rates(**json.loads(RATES.read_text(encoding="utf-8"))), Node(core_hour=args.core_hour, gpu_hour=args.gpu_hour)
    print_table("CPU milliseconds a caption, one core", Rates._fields[:5], [tuple(f"{1000 * value:.3f}" for value in rates[:5])])
    print(f"{1000 * rates.task:.2f} ms of the first process for each task that it hands to a cluster")
    tables = {"build": (COLUMNS, build_table(rates, node, Gpu())), "training": (TRAINING, training_table(rates, node, Gpu()))}
    for columns, rows in tables.values():
        print_table(f"nodes of {node.cores} cores and {node.gpus} GPUs", columns, rows)
    print(f"--engine local: at {spell(enough_cores(rates))} cores the first process takes as long alone as all do together")
    if args.write:
        text = args.write.read_text(encoding="utf-8")
        for name, (columns, rows) in tables.items():
            text = write_between(text, name, markdown(columns, rows))
        args.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
