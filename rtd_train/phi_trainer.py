"""Train phi from captions alone, by LinCIR's self-masking projection.

A caption with a pseudo-token of itself in the place of its noun phrases must be encoded as the caption: so phi learns to say in one
token what the nouns said, without a picture (LinCIR, arXiv 2312.01998).
"""

import json
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import xxhash

from rtd_train.captions import iter_masked
from rtd_train.checkpoint import Checkpoint, load_checkpoint, open_run, save_checkpoint
from rtd_train.config import FitPhiConfig, run_values
from rtd_train.data import Ragged, draw, tokenize_rows
from rtd_train.device import autocast, join_world
from rtd_train.errors import DataError, DivergenceError
from rtd_train.features import cache_folder, caption_features
from rtd_train.models.clip import TextBackbone, load_backbone, tokenize, tokenizer_hash, weights_hash
from rtd_train.models.compose import encode_tokens
from rtd_train.models.phi import MLP, save_phi
from rtd_train.progress import Progress, Silent


class PhiResult(NamedTuple):
    """What training phi came to; losses are mean squared errors."""

    out: Path
    captions: int
    first_loss: float
    loss: float
    captions_per_second: float


def fit_phi(config: FitPhiConfig, progress: Progress | None = None) -> PhiResult:
    """Train phi as `config` says and write it to `config.out`, or go on with a run that was interrupted.

    Until the file is written, checkpoints lie beside it in `config.out.run`.

    Raises:
        TrainError: backbone or captions cannot be used, the loss is no number, or a run of other options was begun there.
    """
    progress = progress or Silent()
    with join_world(config.device) as world:
        backbone = load_backbone(config.backbone)
        progress.phase("captions", 0)
        captions = list(iter_masked(config.captions, config.limit))
        if not captions:
            raise DataError(f"{', '.join(config.captions)}: no caption in it", "give caption files or a data set of tripletgen")
        draw(len(captions), config.batch_size, 0, config.seed)
        folder = cache_folder(config.cache)
        progress.phase("frozen features", len(captions))
        texts = [caption.text for caption in captions]
        features = caption_features(backbone, texts, folder, world.device, lambda done, _: progress.advance(done))
        digest = xxhash.xxh3_128_hexdigest("\0".join(caption.masked for caption in captions).encode())
        masked = tokenize_rows(
            (caption.masked.lower() for caption in captions),
            lambda batch: tokenize(backbone, batch),
            folder / f"masked-{digest[:16]}-{tokenizer_hash(backbone.tokenizer)[:16]}",
        )
        run = Path(f"{config.out}.run")
        values = {**run_values(config), "captions": digest, "weights": weights_hash(backbone.model)}
        open_run(run, json.loads(json.dumps(values)), overwrite=config.overwrite)
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            phi = MLP(backbone.projection_dim, backbone.hidden_size, dropout=config.dropout)
            losses, rate = train_phi(backbone, phi, masked, features, config, world.device, progress, run)
    about = {
        "backbone": backbone.name,
        "weights": weights_hash(backbone.model),
        "captions": len(captions),
        "steps": config.steps,
        "loss": losses[-1],
    }
    save_phi(phi, config.out, about)
    shutil.rmtree(run)
    return PhiResult(Path(config.out), len(captions), losses[0], losses[-1], rate)


def train_phi(  # noqa: PLR0913, PLR0917
    backbone: TextBackbone,
    phi: MLP,
    masked: Ragged,
    features: Any,
    config: FitPhiConfig,
    device: torch.device,
    progress: Progress,
    run: Path,
) -> tuple[list[float], float]:
    """Train phi in place; return the mean losses of each `log_every` steps, and captions a second.

    Every step seeds its own noise and dropout, so it is a function of its number, and a run that was killed goes on bit by bit.

    Raises:
        DivergenceError: the loss is no number.
    """
    model = backbone.model.to(device).eval().requires_grad_(requires_grad=False)
    phi.to(device).train()
    optimizer = torch.optim.AdamW(phi.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
    scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "fp16")
    progress.phase("training", config.steps)
    means: list[float] = []
    losses: list[torch.Tensor] = []
    checkpoint = load_checkpoint(run)
    if checkpoint is not None:
        phi.load_state_dict(checkpoint.weights)
        optimizer.load_state_dict(checkpoint.optimizer)
        scaler.load_state_dict(checkpoint.state["scaler"])
        means = checkpoint.state["means"]
    begin, first = time.monotonic(), checkpoint.step if checkpoint is not None else 0
    saved = first
    for step in range(first, config.steps):
        torch.manual_seed(config.seed * 2**32 + step)
        rows = draw(len(masked), config.batch_size, step, config.seed)
        targets = torch.from_numpy(features[rows]).to(device)
        noise = config.noise_scale * torch.rand(len(rows), 1, device=device) * torch.randn_like(targets)
        ids = torch.from_numpy(masked.take(rows, backbone.eot_id)).to(device)
        with autocast(device, config.precision):
            found = encode_tokens(model, ids, backbone.eot_id, phi(targets + noise), backbone.placeholder_id)
        loss = F.mse_loss(found.float(), targets)
        optimizer.zero_grad(set_to_none=True)
        scaled: Any = scaler.scale(loss)
        scaled.backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.detach())
        if len(losses) == config.log_every or step == config.steps - 1:
            means.append(float(torch.stack(losses).mean()))
            losses.clear()
            if not np.isfinite(means[-1]):
                raise DivergenceError(
                    f"the loss is {means[-1]} at step {step + 1}", "nothing is written; try a smaller --lr or another --precision"
                )
            rate = (step + 1 - first) * config.batch_size / (time.monotonic() - begin)
            progress.advance(step + 1, loss=means[-1], rate=rate)
            if step + 1 - saved >= config.checkpoint_every and step + 1 < config.steps:
                saved = step + 1
                state = {"means": means, "scaler": scaler.state_dict()}
                weights = {name: tensor.detach().cpu() for name, tensor in phi.state_dict().items()}
                save_checkpoint(run, Checkpoint(saved, weights, {}, optimizer.state_dict(), state), keep=1)
    phi.eval()
    return means, (config.steps - first) * config.batch_size / max(time.monotonic() - begin, 1e-9)
