"""Measure how training grows with processes: features, loader and steps, at one global batch.

    python benchmarks/fit_scaling.py [--processes 1 2] [--batch 32] [--backbone random:vit-b-32] [--data DIR] [--json FILE]
    python benchmarks/fit_scaling.py --device cuda --processes 1 2 4 8 --batch 512 --backbone random:vit-l-14 --precision bf16 --steps 50

The processes are started by torchrun, in turns; on CPUs they divide the cores. Twice the processes at the same global batch should take
half of the time a step (strong scaling); what is missing are the gradients that are added up.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from fit_step import build_triplets, measure_loader
from report import print_table, write_json

from rtd_train.config import FitConfig
from rtd_train.corpus import share_triplets
from rtd_train.data import read_triplets
from rtd_train.device import join_world
from rtd_train.inputs import prepare
from rtd_train.models.clip import load_backbone
from rtd_train.models.phi import MLP
from rtd_train.progress import Silent
from rtd_train.trainer import Run


def measure(config: FitConfig, steps: int) -> dict[str, Any]:
    """Return what this process and its peers take: seconds of features and of steps, and the triplets a second of their loaders."""
    world = join_world(config.device)
    if world.device.type == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // world.size))
    backbone = load_backbone(config.backbone)
    texts = read_triplets(config.data, "train", world.rank, world.size)
    corpus = share_triplets(world, texts, Path(str(config.cache)))
    world.wait()
    start = time.perf_counter()
    inputs = prepare(backbone, texts, corpus, config, world, Silent())
    features = time.perf_counter() - start
    run = Run(backbone, MLP(backbone.projection_dim, backbone.hidden_size).eval(), inputs, config, world, Path(config.out))
    run.model.train()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        run.take_step().item()
        seconds.append(time.perf_counter() - start)
    world.wait()
    loader = sum(world.gather_values(measure_loader(run, 512)))
    return {
        "is_main": world.is_main,
        "captions_s": len(corpus.captions) / features,
        "step_s": statistics.median(seconds[2:]),
        "loader_rows_s": loader,
        "device": torch.cuda.get_device_name() if world.device.type == "cuda" else f"{os.cpu_count()} cores",
    }


def launch(processes: int, config: FitConfig, steps: int) -> dict[str, Any]:
    """Return what so many processes measure together."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), __file__]
    done = subprocess.run(
        [*command, "--worker", json.dumps(config.__dict__), "--steps", str(steps)], stdout=subprocess.PIPE, text=True, check=True
    )
    return next(found for found in map(json.loads, done.stdout.splitlines()) if found["is_main"])  # type: ignore[no-any-return]


def compare(args: argparse.Namespace, folder: str) -> dict[str, Any]:
    """Measure every number of processes in turns, and print what they gain over the first."""
    data = build_triplets(args.data, folder, args.captions)
    found: dict[int, list[dict[str, Any]]] = {processes: [] for processes in args.processes}
    for turn in range(args.repeats):
        for processes, results in found.items():
            config = FitConfig(
                data,
                args.backbone,
                "-",
                f"{folder}/run",
                batch_size=args.batch // processes,
                cache=f"{folder}/cache-{turn}-{processes}",
                device=args.device,
                precision=args.precision,
            )
            results.append(launch(processes, config, args.steps))
    columns, rows = ("captions_s", "step_s", "loader_rows_s"), []
    first = found[args.processes[0]]
    for processes, results in found.items():
        features, step, loader = (statistics.median(one[name] for one in results) for name in columns)
        gain = statistics.median(one["step_s"] / other["step_s"] for one, other in zip(first, results, strict=True))
        encoded = statistics.median(other["captions_s"] / one["captions_s"] for one, other in zip(first, results, strict=True))
        rows.append((str(processes), f"{features:,.0f}/s", f"{encoded:.2f} x", f"{step:.3f} s", f"{gain:.2f} x", f"{loader:,.0f}/s"))
    title = f"{args.backbone}, global batch {args.batch}, {first[0]['device']}, {args.precision}"
    print_table(title, ("processes", "features", "gain", "step", "gain", "loaders together"), rows)
    return {str(processes): results for processes, results in found.items()}


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, default=32, help="triplets of all processes together")
    parser.add_argument("--backbone", default="random:vit-b-32")
    parser.add_argument("--captions", type=int, default=1000, help="rows of CC3M validation that the triplets are made of")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the caption files")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        # One write: lines of two processes must not run into each other.
        sys.stdout.write(json.dumps(measure(FitConfig(**json.loads(args.worker)), args.steps)) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        write_json(args.json, compare(args, folder))


if __name__ == "__main__":
    main()
