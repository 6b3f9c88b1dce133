"""Train on Scenes with some options and measure along the way, on validation queries: what settings are chosen by.

    python benchmarks/curve.py --work DIR [--steps 100] [--every 50] [--clip FOLDER] [--phi FILE] [--options '{"lora_rank": 8, "lr": 3e-4}']

The queries are of another seed than those of the benchmark. Composed queries and plain captions of their targets are searched.
"""

import argparse
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from claims import BATCH, RATE, make_world
from report import print_table

import rtd_train
from rtd_train.evaluation.benchmarks import scenes
from rtd_train.evaluation.images import Broken, extract
from rtd_train.evaluation.loading import build_system, load_vision
from rtd_train.evaluation.ranking import embed_queries, rank
from rtd_train.evaluation.retrieval import normalise
from rtd_train.evaluation.system import compose_in_batches, in_batches
from rtd_train.models.clip import TextBackbone, load_backbone
from rtd_train.models.phi import load_phi
from rtd_train.scenes.captions import full_caption

NUM_QUERIES, SEED = 600, 2
METRICS = ("R@1", "R@5", "R@10")


def measurer(clip: str, phi: str) -> Callable[[TextBackbone], list[str]]:
    """Return what measures a text encoder: recalls of composed queries, then of plain captions, in percent."""
    task, open_image, queries = scenes.load(NUM_QUERIES, SEED)
    vision, processor = load_vision(clip)
    captions = [full_caption(query.target) for query in queries]
    features = extract(
        task.images, open_image, build_system(clip, load_backbone(clip), vision, processor, load_phi(phi)), Broken()
    ).features

    def measure(text: TextBackbone) -> list[str]:
        own = text._replace(model=copy.deepcopy(text.model))
        system = build_system(clip, own, vision, processor, load_phi(phi))
        composed = embed_queries(task, features, compose_in_batches(system.compose))
        plain = normalise(in_batches(system.encode_texts, captions))
        found = (scenes.score(task, rank(task, features, embedded, scenes.TOP)) for embedded in (composed, plain))
        return [" / ".join(f"{100 * scores[metric]:.1f}" for metric in METRICS) for scores in found]

    return measure


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--clip", help="another small CLIP than the one that ships")
    parser.add_argument("--phi", help="another phi than that of the claims")
    parser.add_argument("--options", type=json.loads, default={}, help="options of the trainer as JSON")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    make_world(options.work)
    clip, phi = options.clip or str(options.work / "clip"), options.phi or str(options.work / "phi.safetensors")
    measure = measurer(clip, phi)
    rows = [["0", *measure(load_backbone(clip))]]

    def validate(text: TextBackbone, step: int) -> float:
        rows.append([str(step), *measure(text)])
        return float(step)  # the last weights are as good as any: nothing is chosen here

    settings: dict[str, Any] = {"batch_size": BATCH, "lr": RATE, "device": "cpu", "cache": str(options.work / "cache")}
    settings |= {"steps": options.steps, "validate_every": options.every, "overwrite": True, **options.options}
    rtd_train.fit(rtd_train.FitConfig(str(options.work / "triplets"), clip, phi, str(options.work / "curve"), **settings), validate)
    print_table(
        f"Scenes, validation queries; {json.dumps(options.options)}",
        ("step", *(f"{kind} R@1 / 5 / 10" for kind in ("composed", "plain"))),
        rows,
    )


if __name__ == "__main__":
    main()
