"""What a run leaves on disk: checkpoints to go on from, and the finished text encoder.

```
OUT/run.json                       what determines the weights; another run is refused here
    metrics.jsonl                  a line every so many steps
    diverged.json                  the rows of the step whose loss was no number, if there was one
    checkpoints/step-00000500/     model.safetensors (trained weights), optimizer.pt, state.json; the last few
    checkpoints/best/              the weights that validated best
    text_encoder/  phi.safetensors  config.json  README.md  loss.png     the result; config.json comes last
```
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file

from rtd_train.errors import OutputError
from rtd_train.models.clip import RELEASED_KEY

RUN, METRICS, CONFIG, DIVERGED = "run.json", "metrics.jsonl", "config.json", "diverged.json"
_CHECKPOINTS, _BEST = "checkpoints", "best"


class Checkpoint(NamedTuple):
    """Everything that a step depends on besides data and options."""

    step: int
    weights: dict[str, torch.Tensor]
    averaged: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    state: dict[str, Any]


def open_run(out: Path, values: dict[str, Any], *, overwrite: bool) -> None:
    """Make a folder ready for a run, new or begun before.

    Raises:
        OutputError: the folder cannot be written, holds something else, or a run of other options.
    """
    try:
        if overwrite and (out / RUN).is_file():
            shutil.rmtree(out)
        if out.is_dir() and any(out.iterdir()) and not (out / RUN).is_file():
            raise OutputError(f"{out}: holds something that is no run", "give another --out")
        out.mkdir(parents=True, exist_ok=True)
        run = out / RUN
        if not run.is_file():
            write_json(run, values)
            return
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise OutputError(f"{out}: no folder that can be written ({error.strerror})", "give another --out") from error
    check_same_run(out, json.loads(run.read_text(encoding="utf-8")), values)


def check_same_run(out: Path, before: dict[str, Any], values: dict[str, Any]) -> None:
    """Check that what lies at `out` is of the run that is asked for.

    Raises:
        OutputError: it is of a run of other options, which are named.
    """
    differing = [key for key in sorted({*before, *values}) if before.get(key) != values.get(key)]
    if differing:
        shown = "; ".join(f"{key}: {before.get(key)!r} there, {values.get(key)!r} here" for key in differing)
        raise OutputError(f"{out}: holds a run of other options ({shown})", "--overwrite starts afresh, or give another --out")


def is_finished(out: Path) -> bool:
    """Tell whether a run has written its result."""
    return (out / CONFIG).is_file()


def write_json(path: Path, value: Any) -> None:
    """Write JSON; the file is complete or absent."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)


def save_checkpoint(out: Path, checkpoint: Checkpoint, keep: int) -> None:
    """Write a checkpoint, complete or absent, and remove all but the last `keep`."""
    folder = out / _CHECKPOINTS / f"step-{checkpoint.step:08d}"
    temporary = folder.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in checkpoint.weights.items()}, temporary / "model.safetensors")
    if checkpoint.averaged:
        save_file(checkpoint.averaged, temporary / "averaged.safetensors")
    torch.save(checkpoint.optimizer, temporary / "optimizer.pt")
    write_json(temporary / "state.json", checkpoint.state)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(temporary, folder)
    for old in _checkpoints(out)[:-keep]:
        shutil.rmtree(old)


def last_step(out: Path) -> int | None:
    """Return the step of the last checkpoint of a run, None where it has none yet."""
    folders = _checkpoints(out)
    return int(folders[-1].name.removeprefix("step-")) if folders else None


def load_checkpoint(out: Path) -> Checkpoint | None:
    """Return the last checkpoint of a run, None where it has none yet."""
    folders = _checkpoints(out)
    if not folders:
        return None
    folder = folders[-1]
    averaged = folder / "averaged.safetensors"
    return Checkpoint(
        int(folder.name.removeprefix("step-")),
        load_file(folder / "model.safetensors"),
        load_file(averaged) if averaged.is_file() else {},
        torch.load(folder / "optimizer.pt", map_location="cpu", weights_only=True),
        json.loads((folder / "state.json").read_text(encoding="utf-8")),
    )


def _checkpoints(out: Path) -> list[Path]:
    return sorted(path for path in (out / _CHECKPOINTS).glob("step-*") if path.suffix != ".tmp")


def save_best(out: Path, weights: dict[str, torch.Tensor]) -> None:
    """Write the weights that validated best so far."""
    path = out / _CHECKPOINTS / _BEST / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, temporary)
    temporary.replace(path)


def load_best(out: Path) -> dict[str, torch.Tensor] | None:
    """Return the weights that validated best, None where nothing was validated."""
    path = out / _CHECKPOINTS / _BEST / "model.safetensors"
    return load_file(path) if path.is_file() else None


def keep_metrics(out: Path, last_step: int) -> None:
    """Remove the metrics of steps after the one that a run goes on from, and a line that a kill cut short."""
    path = out / METRICS
    if path.is_file():
        whole = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
        kept = [line for line in whole if json.loads(line)["step"] <= last_step]
        path.write_text("".join(kept), encoding="utf-8")


def read_metrics(out: Path) -> list[dict[str, Any]]:
    """Return the logged metrics in the order of their steps."""
    path = out / METRICS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def export_pt(model: torch.nn.Module, path: Path) -> None:
    """Write weights in the layout of the RTD authors' files, which their evaluation script loads."""
    temporary = path.with_suffix(".tmp")
    torch.save({"epoch": 0, RELEASED_KEY: model.state_dict()}, temporary)
    temporary.replace(path)
