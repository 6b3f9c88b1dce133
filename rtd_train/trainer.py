"""RTD: update the text encoder with text triplets, while phi and the targets stay as they are.

`fit` loads by name; a `Run` knows objects only. A step is a function of its number, so a run
that was killed goes on with the same weights, bit by bit on a CPU in full precision.
"""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch

from rtd_train import result
from rtd_train.checkpoint import (
    DIVERGED,
    Checkpoint,
    is_finished,
    keep_metrics,
    last_step,
    load_best,
    load_checkpoint,
    open_run,
    read_metrics,
    save_best,
    save_checkpoint,
    write_json,
)
from rtd_train.config import FitConfig, run_values
from rtd_train.corpus import share_triplets
from rtd_train.data import Ragged, Rows, draw, read_triplets
from rtd_train.device import World, autocast, join_world
from rtd_train.errors import DivergenceError, UsageError
from rtd_train.features import cache_folder
from rtd_train.inputs import Inputs, prepare
from rtd_train.losses import frozen_target_loss
from rtd_train.models.clip import TextBackbone, load_backbone, tokenize, weights_hash
from rtd_train.models.packing import Packed, encode_packed, pack
from rtd_train.models.phi import Phi, check_sizes, load_phi
from rtd_train.progress import Progress, Silent
from rtd_train.templates import PHOTO

Validate = Callable[[TextBackbone, int], float]
"""Tells how good an encoder is at a step; higher is better."""


class Result(NamedTuple):
    """What a run came to."""

    out: Path
    steps: int
    loss: float
    triplets_per_second: float
    best: float | None


def fit(config: FitConfig, validate: Validate | None = None, progress: Progress | None = None, validate_name: str | None = None) -> Result:
    """Train a text encoder as `config` says, or go on with a run that was interrupted; a finished one is not run again.

    What validates decides which weights are kept, so its name belongs to the run: `validate_name`, or else what Python calls it.

    Raises:
        TrainError: backbone, phi, data or output folder cannot be used, or the loss is no number.
    """
    world = join_world(config.device)
    progress = progress if progress is not None and world.is_main else Silent()
    out = Path(config.out)
    with world.agree():
        backbone = load_backbone(config.backbone)
        phi = load_phi(config.phi)
        check_sizes(phi, backbone.projection_dim, backbone.hidden_size, config.backbone)
        texts = read_triplets(config.data, config.split, world.rank, world.size)
    corpus = share_triplets(world, texts, cache_folder(config.cache))
    values = {**run_values(config), "processes": world.size, "weights": weights_hash(backbone.model), "triplets": corpus.fingerprint}
    values["phi"] = weights_hash(phi)
    values["validate"] = validate_name or (None if validate is None else _name_of(validate))
    del values["data"]
    with world.agree():
        draw(len(corpus), config.batch_size * world.size, 0, config.seed)
        if world.is_main:
            open_run(out, values, overwrite=config.overwrite)
    if not is_finished(out):
        inputs = prepare(backbone, texts, corpus, config, world, progress)
        del texts
        run = Run(backbone, phi, inputs, config, world, out)
        run.resume()
        run.train(validate, progress)
        if world.is_main:
            result.write(out, backbone, phi, config, values)
        world.wait()
    return summarise(out)


def _name_of(validate: Validate) -> str:
    named = validate if hasattr(validate, "__qualname__") else type(validate)
    return f"{named.__module__}:{named.__qualname__}"


def summarise(out: Path) -> Result:
    """Return what a finished run came to."""
    metrics = read_metrics(out)
    scores = [row["score"] for row in metrics if "score" in row]
    rates = [row["triplets_per_second"] for row in metrics if "triplets_per_second" in row]
    losses = [row for row in metrics if "loss" in row]
    return Result(out, losses[-1]["step"], losses[-1]["loss"], float(np.median(rates)), max(scores, default=None))


class Run:
    """The state of a training run: encoder, optimiser, averages, and the step it is at."""

    def __init__(self, backbone: TextBackbone, phi: Phi, inputs: Inputs, config: FitConfig, world: World, out: Path) -> None:
        self.backbone, self.inputs, self.config, self.world, self.out = backbone, inputs, config, world, out
        self.model = backbone.model.to(world.device)
        self.phi = phi.to(world.device).eval().requires_grad_(requires_grad=False)
        self.adapter = _choose_trained(self.model, config)
        self.trained = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(self.trained.values(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=config.precision == "fp16")
        self.averaged = {name: p.detach().clone() for name, p in self.trained.items()} if config.ema else {}
        self.step = 0
        self.best: float | None = None
        self.unchecked: list[tuple[int, torch.Tensor]] = []
        self.events = _open_events(out) if config.tensorboard and world.is_main else None
        self.prefix = len(tokenize(backbone, [PHOTO])[0]) - 1

    # --- the steps -------------------------------------------------------------------------------------------------------

    def train(self, validate: Validate | None, progress: Progress) -> None:
        """Take the steps that are left."""
        config = self.config
        self.model.train()
        progress.phase("training", config.steps)
        begin, begun = time.monotonic(), self.step
        while self.step < config.steps:
            loss = self.take_step()
            self.unchecked.append((self.step, loss.detach()))
            if self.step % config.log_every == 0 or self.step == config.steps:
                seconds = time.monotonic() - begin
                rate = (self.step - begun) * config.batch_size * config.accumulate * self.world.size / max(seconds, 1e-9)
                self.log({"loss": self.check_losses(), "lr": self.lr(self.step - 1), "triplets_per_second": rate})
                progress.advance(self.step, loss=float(loss), lr=self.lr(self.step - 1), rate=rate)
                begin, begun = time.monotonic(), self.step
            if validate is not None and (self.step % config.validate_every == 0 or self.step == config.steps):
                self.validate(validate)
            if self.step % config.checkpoint_every == 0 and self.step < config.steps:
                self.save()
        self.finish()

    def take_step(self) -> torch.Tensor:
        """Take one optimiser step and return its loss: the mean over its micro-steps."""
        config, losses = self.config, []
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        for micro in range(config.accumulate):
            number = self.step * config.accumulate + micro
            losses.append(self.accumulate_gradients(number) / config.accumulate)
        self.world.add(parameter.grad for parameter in self.trained.values() if parameter.grad is not None)
        if config.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.trained.values(), config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        if config.ema:
            for name, parameter in self.trained.items():
                self.averaged[name].lerp_(parameter.detach(), 1 - config.ema)
        return torch.stack(losses).sum()

    def accumulate_gradients(self, number: int) -> torch.Tensor:
        """Add the gradients of micro-step `number` to the parameters and return its loss.

        The loss is differentiated by the embeddings first, the embeddings by the weights after. So a batch may be encoded in
        pieces (in two passes, of which the first keeps no graph), and other processes' rows are constants of this one's loss:
        summed over processes, the gradients are those of one loss over all rows.
        """
        config, world = self.config, self.world
        rows = draw(len(self.inputs), config.batch_size * world.size, number, config.seed)
        mine = slice(world.rank * config.batch_size, (world.rank + 1) * config.batch_size)
        noise = self.noise(number, len(rows))[mine]
        rows = rows[mine]
        pieces = self.pieces(rows)
        keep = contextlib.nullcontext() if not config.cache_gradients else torch.no_grad()
        with keep:
            encoded = [self.embed(rows[piece], noise[piece]) for piece in pieces]
        leaf = torch.cat([part.detach() for part in encoded]).float().requires_grad_()
        loss = self.loss(leaf, rows)
        share = 1.0 if config.gather_negatives else 1.0 / world.size
        (gradient,) = torch.autograd.grad(self.scaler.scale(loss * share / config.accumulate), leaf)
        for k, piece in enumerate(pieces):
            again: Any = self.embed(rows[piece], noise[piece]) if config.cache_gradients else encoded[k]
            again.backward(gradient[piece].to(again.dtype))
        return loss.detach()

    def pieces(self, rows: Rows) -> list[slice]:
        """Return the parts of a batch that are encoded one after the other."""
        size = self.config.chunk_size or len(rows)
        return [slice(start, start + size) for start in range(0, len(rows), size)]

    def noise(self, number: int, rows: int) -> torch.Tensor:
        """Return the noise of every row of all processes, a function of seed and micro-step. Shape: (rows, D)."""
        generator = torch.Generator().manual_seed(self.config.seed * 2**32 + number)
        scale = torch.rand(rows, 1, generator=generator)
        return self.config.noise_scale * scale * torch.randn(rows, self.phi.input_dim, generator=generator)

    # --- embeddings and loss ---------------------------------------------------------------------------------------------

    def embed(self, rows: Rows, noise: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of rows that are trained: composed, then photo, target and reference where they are.

        Shape: (rows, 1 to 4, D).
        """
        with autocast(self.world.device, self.config.precision):
            parts = [self.queries(rows, noise)]
            if self.inputs.captions is not None:
                numbers = [self.inputs.target[rows]] + ([self.inputs.reference[rows]] if self.config.refined_batch else [])
                parts += [self.encode(self.inputs.captions, caption) for caption in numbers]
            return torch.cat(parts, dim=1)

    def queries(self, rows: Rows, noise: torch.Tensor) -> torch.Tensor:
        """Return the composed queries and, with refined batch sampling, the queries without a modification. Shape: (rows, 1 or 2, D)."""
        if not self.config.refined_concat:
            parts = [self.encode(self.inputs.composed, rows)]
            if self.inputs.photos is not None:
                parts.append(self.encode(self.inputs.photos, self.inputs.reference[rows]))
            return torch.cat(parts, dim=1)
        with torch.no_grad():
            pseudo = self.phi(self.frozen(self.inputs.reference[rows]) + noise.to(self.world.device))
        return encode_packed(self.model, self.prompts(rows), pseudo, self.backbone.placeholder_id)

    def prompts(self, rows: Rows) -> Packed:
        """Return the composed prompts of rows, with the end of "a photo of $" in each if there are queries without a modification."""
        # All before the placeholder is the same in every prompt.
        photo_at = self.prefix if self.config.refined_batch else None
        return pack(*self.inputs.composed.gather(rows), self.backbone.eot_id, self.prefix - 1, photo_at)

    def encode(self, texts: Ragged, rows: Rows) -> torch.Tensor:
        """Return the trained encoder's embeddings of texts, which have the start token in common. Shape: (rows, 1, D)."""
        return encode_packed(self.model, pack(*texts.gather(rows), self.backbone.eot_id, 1))

    def frozen(self, captions: Rows) -> torch.Tensor:
        """Return the frozen features of captions. Shape: (captions, D)."""
        return torch.from_numpy(self.inputs.features[captions]).to(self.world.device, non_blocking=True)

    def loss(self, embeddings: torch.Tensor, rows: Rows) -> torch.Tensor:
        """Return the loss of the embeddings that `embed` gives, with those of the other processes as further rows."""
        config = self.config
        if config.anchor:
            frozen = [self.frozen(self.inputs.target[rows])] + ([self.frozen(self.inputs.reference[rows])] if config.refined_batch else [])
            embeddings = torch.cat([embeddings, torch.stack(frozen, dim=1)], dim=1)
        if config.gather_negatives:
            embeddings = self.world.gather(embeddings)
        half = embeddings.shape[1] // 2
        queries, values = (part.transpose(0, 1).flatten(0, 1) for part in (embeddings[:, :half], embeddings[:, half:]))
        return frozen_target_loss(values, queries, config.temperature)

    # --- around the steps ------------------------------------------------------------------------------------------------

    def lr(self, step: int) -> float:
        """Return the learning rate of a step."""
        config = self.config
        if step < config.warmup:
            return config.lr * (step + 1) / config.warmup
        done = (step - config.warmup) / max(1, config.steps - config.warmup)
        factors = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}
        return config.lr * factors[config.schedule]

    def check_losses(self) -> float:
        """Return the mean loss since the last check, over all processes.

        Raises:
            DivergenceError: one of them is no number.
        """
        losses = torch.stack([loss for _, loss in self.unchecked]) / self.world.size
        self.world.add([losses])
        values = losses.tolist()
        with self.world.agree():
            for (step, _), value in zip(self.unchecked, values, strict=True):
                if not math.isfinite(value):
                    self.report_divergence(step, value)
        self.unchecked.clear()
        return float(np.mean(values))

    def report_divergence(self, step: int, loss: float) -> NoReturn:
        """Raise `DivergenceError` for the loss of a step; all of its rows are written to `diverged.json`."""
        config, size = self.config, self.config.batch_size * self.world.size
        numbers = range((step - 1) * config.accumulate, step * config.accumulate)
        rows = [row for number in numbers for row in draw(len(self.inputs), size, number, config.seed).tolist()]
        if self.world.is_main:
            write_json(self.out / DIVERGED, {"step": step, "rows": rows})
        last = last_step(self.out)
        kept = f"the checkpoint of step {last} is kept" if last else "there is no checkpoint before it"
        raise DivergenceError(
            f"the loss is {loss} at step {step} (rows {', '.join(map(str, rows[:8]))} ..., all {len(rows)} in {self.out / DIVERGED})",
            f"{kept}; try a smaller --lr, --clip-norm 1 or another --precision",
        )

    def log(self, figures: dict[str, float]) -> None:
        """Append a line of metrics."""
        if self.world.is_main:
            with (self.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": self.step, **figures}) + "\n")
            if self.events is not None:
                for name, value in figures.items():
                    self.events.add_scalar(name, value, self.step)

    def validate(self, validate: Validate) -> None:
        """Ask how good the encoder is, and keep its weights if it was never better."""
        if self.world.is_main:
            self.model.eval()
            with self.averaged_weights(), torch.no_grad():
                score = validate(self.backbone, self.step)
                if self.best is None or score > self.best:
                    self.best = score
                    save_best(self.out, self.trained)
            self.model.train()
            self.log({"score": score})
        self.world.wait()

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Put the averaged weights, where there are any, into the encoder for a while."""
        own = {name: self.trained[name].detach().clone() for name in self.averaged}
        self.put(self.averaged)
        try:
            yield
        finally:
            self.put(own)

    def put(self, weights: dict[str, torch.Tensor]) -> None:
        """Copy weights into the encoder."""
        with torch.no_grad():
            for name, tensor in weights.items():
                self.trained[name].copy_(tensor)

    def save(self) -> None:
        """Write a checkpoint of weights that are known to be good."""
        if self.unchecked:
            self.check_losses()
        if self.world.is_main:
            weights = {name: parameter.detach().cpu() for name, parameter in self.trained.items()}
            averaged = {name: tensor.cpu().contiguous() for name, tensor in self.averaged.items()}
            state = {"step": self.step, "best": self.best, "scaler": self.scaler.state_dict()}
            save_checkpoint(
                self.out, Checkpoint(self.step, weights, averaged, self.optimizer.state_dict(), state), self.config.keep_checkpoints
            )
        self.world.wait()

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        checkpoint = load_checkpoint(self.out)
        if self.world.is_main:
            keep_metrics(self.out, checkpoint.step if checkpoint else 0)
        if checkpoint is None:
            return
        self.put(checkpoint.weights)
        for name, tensor in checkpoint.averaged.items():
            self.averaged[name].copy_(tensor)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.step, self.best = checkpoint.step, checkpoint.state["best"]
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(checkpoint.state["scaler"])

    def finish(self) -> None:
        """Leave the best weights in the encoder, or the averaged, or the last, with adapters merged."""
        # Without a best score of this run, the file would be of one that was begun there before.
        best = load_best(self.out) if self.best is not None else None
        self.put(best if best is not None else self.averaged)
        if self.adapter is not None:
            self.adapter.merge_and_unload()
        self.model.eval()
        if self.events is not None:
            self.events.close()


def _open_events(out: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(out / "tensorboard"))


def _choose_trained(model: Any, config: FitConfig) -> Any:
    """Set which parameters are trained: all, all above some frozen layers, or low-rank adapters, which are returned."""
    if config.lora_rank is not None:
        from peft import LoraConfig, get_peft_model

        targets = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            return get_peft_model(model, LoraConfig(r=config.lora_rank, lora_alpha=2 * config.lora_rank, target_modules=targets))
    model.requires_grad_(requires_grad=True)
    if config.freeze_layers > len(model.text_model.encoder.layers):
        layers = len(model.text_model.encoder.layers)
        raise UsageError(f"freeze_layers: {config.freeze_layers} of an encoder of {layers} layers", f"try --freeze-layers {layers // 2}")
    if config.freeze_layers:
        model.text_model.embeddings.requires_grad_(requires_grad=False)
        for layer in model.text_model.encoder.layers[: config.freeze_layers]:
            layer.requires_grad_(requires_grad=False)
    return None
