"""Measure a training step, its memory and the loader against RTD as it is usually written, in one run.

    python benchmarks/fit_step.py [--backbone random:vit-b-32] [--batch 32] [--steps 6] [--data DIR] [--json FILE]
    python benchmarks/fit_step.py --gpu          # ViT-L/14, 2,000 steps of 512 triplets in bf16, one GPU

The usual way pads every text to 77 tokens, encodes targets and references with the frozen encoder in every step, and the two prompts
apart. Both sides train the same weights on the same triplets, in processes of their own, in turns; ratios are of medians.
"""

import argparse
import copy
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from report import print_table, write_json

import tripletgen
from rtd_train.config import FitConfig
from rtd_train.corpus import share_triplets
from rtd_train.data import draw, read_triplets
from rtd_train.device import World
from rtd_train.inputs import prepare
from rtd_train.losses import frozen_target_loss
from rtd_train.models.clip import TextBackbone, load_backbone
from rtd_train.models.phi import MLP, save_phi
from rtd_train.progress import Silent
from rtd_train.templates import clean_text
from rtd_train.trainer import Run
from tripletgen.captions.sources import SourceSpec

CPU = World(torch.device("cpu"))
RUN_STEPS, RUN_TRIPLETS = 2000, 50_000


def plain_step(
    backbone: TextBackbone, model: Any, phi: Any, optimizer: Any, texts: list[tuple[str, str, str]], noise: torch.Tensor
) -> None:
    """Take a step of RTD as it is usually written."""
    references, modifications, targets = ([clean_text(text) for text in column] for column in zip(*texts, strict=True))

    def encode(encoder: Any, prompts: list[str], pseudo: torch.Tensor | None = None) -> torch.Tensor:
        ids = backbone.tokenizer(prompts, padding="max_length", truncation=True, max_length=77, return_tensors="pt")["input_ids"]

        def replace(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
            return output if pseudo is None else torch.where((ids == backbone.placeholder_id)[..., None], pseudo[:, None], output)

        hook = encoder.text_model.embeddings.token_embedding.register_forward_hook(replace)
        found = encoder(input_ids=ids).text_embeds
        hook.remove()
        return found

    with torch.no_grad():
        t, r = encode(backbone.model, targets), encode(backbone.model, references)
        pseudo = phi(r + noise)
    q = encode(model, [f"a photo of $ that {text}" for text in modifications], pseudo)
    p = encode(model, ["a photo of $"] * len(references), pseudo)
    loss = frozen_target_loss(torch.cat([t, r]), torch.cat([q, p]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def measure(side: str, config: FitConfig, steps: int) -> dict[str, Any]:
    """Return the seconds of single steps of one side, and the peak memory of this process."""
    torch.set_num_threads(2)
    backbone, texts = load_backbone(config.backbone), read_triplets(config.data)
    phi = MLP(backbone.projection_dim, backbone.hidden_size).eval()
    seconds = []
    found: dict[str, Any] = {}
    if side == "plain":
        modifications = [str(text) for text in texts.modifications]
        model = copy.deepcopy(backbone.model).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        for step in range(steps):
            rows = draw(len(texts), config.batch_size, step, config.seed)
            batch = [(texts.captions[texts.reference[k]], modifications[k], texts.captions[texts.target[k]]) for k in rows]
            start = time.perf_counter()
            plain_step(backbone, model, phi, optimizer, batch, torch.zeros(len(rows), backbone.projection_dim))
            seconds.append(time.perf_counter() - start)
    else:
        start = time.perf_counter()
        corpus = share_triplets(CPU, texts, Path(str(config.cache)))
        inputs = prepare(backbone, texts, corpus, config, CPU, Silent())
        found["features_s_per_caption"] = (time.perf_counter() - start) / len(texts.captions)
        run = Run(backbone, phi, inputs, config, CPU, Path(config.out))
        run.model.train()
        for _ in range(2 * steps):
            start = time.perf_counter()
            run.take_step()
            seconds.append(time.perf_counter() - start)
        found["loader_rows_per_s"] = measure_loader(run, 512)
    return {
        **found,
        "seconds": seconds[1:],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "captions": len(texts.captions),
        "rows": len(texts),
    }


def measure_loader(run: Run, batch: int) -> float:
    """Return how many triplets a second the loader alone delivers: rows, tokens, frozen features and noise."""
    batch = min(batch, len(run.inputs))
    start, number = time.perf_counter(), 0
    while time.perf_counter() - start < 2:
        rows = draw(len(run.inputs), batch, number, 0)
        run.noise(number, batch)
        run.prompts(rows)
        run.frozen(run.inputs.reference[rows])
        run.frozen(run.inputs.target[rows])
        number += 1
    return number * batch / (time.perf_counter() - start)


def in_own_process(side: str, config: FitConfig, steps: int) -> dict[str, Any]:
    """Return what `measure` finds in a new interpreter."""
    command = [sys.executable, __file__, "--side", side, "--config", json.dumps(config.__dict__), "--steps", str(steps)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])  # type: ignore[no-any-return]


def compare(config: FitConfig, steps: int, repeats: int) -> dict[str, Any]:
    """Measure both sides in turns and return ratios."""
    plain, ours = [], []
    for turn in range(repeats):
        plain.append(in_own_process("plain", config, steps))
        # Each turn computes the frozen features anew.
        ours.append(in_own_process("ours", FitConfig(**{**config.__dict__, "cache": f"{config.cache}/{turn}"}), steps))
    slow = statistics.median(statistics.median(one["seconds"]) for one in plain)
    fast = statistics.median(statistics.median(one["seconds"]) for one in ours)
    per_caption = statistics.median(one["features_s_per_caption"] for one in ours)
    captions = RUN_TRIPLETS * ours[0]["captions"] / ours[0]["rows"]
    whole = RUN_STEPS * slow / (RUN_STEPS * fast + per_caption * captions)
    memory = statistics.median(one["peak"] for one in ours) / statistics.median(one["peak"] for one in plain)
    loader = statistics.median(one["loader_rows_per_s"] for one in ours)
    rows = [
        ("step, plain / ours", f"{slow / fast:.2f} x", ">= 8 (aim 10)", f"{slow:.2f} s / {fast:.3f} s"),
        (
            f"run of {RUN_STEPS:,} steps, features included",
            f"{whole:.2f} x",
            ">= 6",
            f"{1000 * per_caption:.2f} ms a caption, {captions:,.0f} captions",
        ),
        ("peak memory, ours / plain", f"{memory:.2f} x", "<= 0.6", f"{ours[0]['peak'] / 1e9:.2f} GB / {plain[0]['peak'] / 1e9:.2f} GB"),
        ("loader alone, batches of 512", f"{loader:,.0f} triplets/s", ">= 34,000", "twice the rate of 1.02 M triplets in 60 s"),
    ]
    title = f"{config.backbone}, batch {config.batch_size}, two threads"
    print_table(title, ("", "measured", "bar", "of"), rows)
    return {"plain": plain, "ours": ours}


def measure_gpu(data: str, folder: str) -> None:
    """Run the published size on one GPU and print seconds, memory and rate."""
    from rtd_train.trainer import fit

    backbone = load_backbone("random:vit-l-14")
    save_phi(MLP(backbone.projection_dim, backbone.hidden_size), f"{folder}/phi.safetensors", {})
    shared = {
        "data": data,
        "backbone": "random:vit-l-14",
        "phi": f"{folder}/phi.safetensors",
        "cache": f"{folder}/cache",
        "device": "cuda",
        "precision": "bf16",
    }
    fit(FitConfig(**shared, out=f"{folder}/warm", steps=20))
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    result = fit(FitConfig(**shared, out=f"{folder}/run", steps=2000, checkpoint_every=2000))
    seconds = time.perf_counter() - start
    rows = [("seconds of 2,000 steps of 512", f"{seconds:.1f}"), ("triplets/s", f"{result.triplets_per_second:,.0f}")]
    rows.append(("peak memory", f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB"))
    print_table(torch.cuda.get_device_name(), ("", "measured"), rows)


def build_triplets(data: Path | None, folder: str, captions: int = 4000) -> str:
    """Return a folder of triplets: of CC3M validation where it is, else of the embedded captions."""
    source = (data or Path("-")) / "captions" / "cc3m_val.tsv"
    specs = (SourceSpec(str(source)),) if source.is_file() else tripletgen.BuildOptions("-").sources
    tripletgen.build(tripletgen.BuildOptions(f"{folder}/triplets", sources=specs, limit=captions, workers=2))
    return f"{folder}/triplets"


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backbone", default="random:vit-b-32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=6, help="steps of the plain side a turn; ours takes twice as many")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--gpu", action="store_true", help="the published size on one GPU instead")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--config", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(measure(args.side, FitConfig(**json.loads(args.config)), args.steps)))
        return
    with tempfile.TemporaryDirectory() as folder:
        triplets = build_triplets(args.data, folder)
        if args.gpu:
            measure_gpu(triplets, folder)
            return
        config = FitConfig(triplets, args.backbone, "-", f"{folder}/run", batch_size=args.batch, device="cpu", cache=f"{folder}/cache")
        write_json(args.json, compare(config, args.steps, args.repeats))


if __name__ == "__main__":
    main()
