"""Train phi from captions alone, by LinCIR's self-masking projection.

A caption with a pseudo-token of itself in the place of its noun phrases must be encoded as the caption: so phi learns to say in one
token what the nouns said, without a picture (LinCIR, arXiv 2312.01998).
"""

import json
import math
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from rtd_train.captions import iter_captions, mask_captions, parser_version
from rtd_train.checkpoint import Checkpoint, check_same_run, load_checkpoint, open_run, save_checkpoint
from rtd_train.config import FitPhiConfig, run_values
from rtd_train.corpus import share_captions
from rtd_train.data import Ragged, Rows, draw
from rtd_train.device import World, autocast, join_world
from rtd_train.errors import DataError, DivergenceError, OutputError
from rtd_train.features import cache_folder, caption_features
from rtd_train.models.clip import TextBackbone, load_backbone, tokenize, tokenizer_hash, weights_hash
from rtd_train.models.compose import encode_tokens
from rtd_train.models.phi import MLP, read_about, save_phi
from rtd_train.progress import Progress, Silent
from rtd_train.sharing import encode_texts, iter_texts, share_tokens


class PhiResult(NamedTuple):
    """What training phi came to; losses are mean squared errors. There is no rate where the run was finished before."""

    out: Path
    captions: int
    first_loss: float
    loss: float
    captions_per_second: float | None


def fit_phi(config: FitPhiConfig, progress: Progress | None = None) -> PhiResult:
    """Train phi as `config` says and write it to `config.out`, or go on with a run that was interrupted; a finished one is not run again.

    Until the file is written, checkpoints lie beside it in `config.out.run`.

    Raises:
        TrainError: backbone or captions cannot be used, the loss is no number, or something else or a run of other options is there.
    """
    out, run = Path(config.out), Path(f"{config.out}.run")
    _check_out(out, overwrite=config.overwrite)
    folder = cache_folder(config.cache)
    world = join_world(config.device)
    progress = progress if progress is not None and world.is_main else Silent()
    with world.agree():
        backbone = load_backbone(config.backbone)
        progress.phase("captions", 0)
        own = encode_texts(iter_captions(config.captions, config.limit) if world.is_main else ())
        if world.is_main and not len(own):
            raise DataError(f"{', '.join(config.captions)}: no caption in it", "give caption files or a data set of tripletgen")
    captions, fingerprint = share_captions(world, own, folder)
    values = {**run_values(config), "processes": world.size, "captions": fingerprint, "weights": weights_hash(backbone.model)}
    values = json.loads(json.dumps(values))
    with world.agree():
        draw(len(captions), config.batch_size * world.size, 0, config.seed)
        before = _begin(out, run, values, overwrite=config.overwrite) if world.is_main else None
    finished = world.tell(lambda: before)
    if finished is not None:
        return PhiResult(out, len(captions), finished["first_loss"], finished["loss"], None)
    part = world.share(len(captions))
    progress.phase("frozen features", part.stop - part.start)
    features = caption_features(backbone, captions, folder, world, lambda done, _: progress.advance(done))
    masked = share_tokens(
        world,
        folder / f"masked-{fingerprint[:16]}-{parser_version()}-{tokenizer_hash(backbone.tokenizer)[:16]}",
        (caption.masked.lower() for caption in mask_captions(iter_texts(captions, part))),
        lambda batch: tokenize(backbone, batch),
    )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        phi = MLP(backbone.projection_dim, backbone.hidden_size, dropout=config.dropout)
        losses, rate = train_phi(backbone, phi, masked, features, config, world, progress, run)
    if world.is_main:
        about = {
            "backbone": backbone.name,
            "weights": weights_hash(backbone.model),
            "captions": len(captions),
            "steps": config.steps,
            "first_loss": losses[0],
            "loss": losses[-1],
            "run": values,
        }
        save_phi(phi, out, about)
        shutil.rmtree(run)
    world.wait()
    return PhiResult(out, len(captions), losses[0], losses[-1], rate)


def _check_out(out: Path, *, overwrite: bool) -> None:
    """Check, before anything is read, that nothing else than a phi of this command lies where it is to be written.

    Raises:
        OutputError: a folder does; or a file, which is not to be overwritten.
    """
    if out.is_dir():
        raise OutputError(f"{out}: is a folder", "give --out a file, such as phi.safetensors")
    if out.exists() and not overwrite and "run" not in (read_about(out) or {}):
        raise OutputError(f"{out}: is there, and was not written by fit-phi", "give another --out, or --overwrite to lose it")


def _begin(out: Path, run: Path, values: dict[str, Any], *, overwrite: bool) -> dict[str, Any] | None:
    """Make a run ready, new or begun before; return what the header of phi says where it is finished.

    Raises:
        OutputError: another run lies there, begun or finished.
    """
    about = None if overwrite or not out.exists() else read_about(out)
    if about is not None:
        check_same_run(out, about["run"], values)
        return about
    open_run(run, values, overwrite=overwrite)
    out.unlink(missing_ok=True)
    return None


def train_phi(  # noqa: PLR0913, PLR0917
    backbone: TextBackbone,
    phi: MLP,
    masked: Ragged,
    features: Any,
    config: FitPhiConfig,
    world: World,
    progress: Progress,
    run: Path,
) -> tuple[list[float], float]:
    """Train phi in place; return the mean losses of each `log_every` steps, and captions a second.

    Every step seeds its own noise and dropout, so it is a function of its number, and a run that was killed goes on bit by bit.
    Every process passes the rows of all through phi, which costs a hundredth of the encoder, so that all see the dropout that one alone
    would see; through the encoder it passes its own.

    Raises:
        DivergenceError: the loss is no number.
    """
    device = world.device
    batch = config.batch_size * world.size
    backbone.model.to(device).eval().requires_grad_(requires_grad=False)
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
        loss = _loss(backbone, phi, masked, features, draw(len(masked), batch, step, config.seed), config, world)
        optimizer.zero_grad(set_to_none=True)
        scaled: Any = scaler.scale(loss)
        scaled.backward()
        world.add(parameter.grad for parameter in phi.parameters() if parameter.grad is not None)
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.detach())
        if len(losses) == config.log_every or step == config.steps - 1:
            mean = torch.stack(losses).mean()
            world.add([mean])
            means.append(float(mean))
            losses.clear()
            with world.agree():
                if not math.isfinite(means[-1]):
                    raise DivergenceError(
                        f"the loss is {means[-1]} at step {step + 1}", "nothing is written; try a smaller --lr or another --precision"
                    )
            rate = (step + 1 - first) * batch / (time.monotonic() - begin)
            progress.advance(step + 1, loss=means[-1], rate=rate)
            if step + 1 - saved >= config.checkpoint_every and step + 1 < config.steps:
                saved = step + 1
                state = {"means": means, "scaler": scaler.state_dict()}
                weights = {name: tensor.detach().cpu() for name, tensor in phi.state_dict().items()}
                if world.is_main:
                    save_checkpoint(run, Checkpoint(saved, weights, {}, optimizer.state_dict(), state), keep=1)
    phi.eval()
    return means, (config.steps - first) * batch / max(time.monotonic() - begin, 1e-9)


def _loss(backbone: TextBackbone, phi: MLP, masked: Ragged, features: Any, rows: Rows, config: FitPhiConfig, world: World) -> torch.Tensor:
    """Return this process's share of the loss of the rows of all processes: summed over them, it is that of one process."""
    mine = world.share(len(rows))
    targets = torch.from_numpy(features[rows]).to(world.device)
    noise = config.noise_scale * torch.rand(len(rows), 1, device=world.device) * torch.randn_like(targets)
    ids = torch.from_numpy(masked.take(rows[mine], backbone.eot_id)).to(world.device)
    with autocast(world.device, config.precision):
        pseudo = phi(targets + noise)[mine]
        found = encode_tokens(backbone.model, ids, backbone.eot_id, pseudo, backbone.placeholder_id)
    return F.mse_loss(found.float(), targets[mine]) / world.size
