"""What processes do together in the tests, in one start: train a few steps; then, if asked to, train many, and meet with broken data.

Arguments: DATA PHI FOLDER BATCH [STEPS BROKEN].
"""

import json
import os
import sys
from pathlib import Path

import torch

from rtd_train.cli.app import main
from rtd_train.config import FitConfig, FitPhiConfig
from rtd_train.phi_trainer import fit_phi
from rtd_train.trainer import fit

FEW, MANY, BATCH = 4, 60, 16


def train(data, phi, folder, steps, batch):
    """Train a text encoder and a phi, with this process's part of a batch."""
    torch.set_num_threads(1)
    shared = {
        "backbone": "random:tiny",
        "steps": steps,
        "batch_size": batch,
        "device": "cpu",
        "cache": str(folder / "cache"),
        "log_every": 1,
    }
    fit(FitConfig(data, phi=phi, out=str(folder / "run"), **shared))
    result = fit_phi(FitPhiConfig((data,), out=str(folder / "phi.safetensors"), **shared))
    (folder / "phi.json").write_text(json.dumps([result.captions, result.first_loss, result.loss]))


def meet(broken, phi, folder):
    """Run the command line on data that cannot be read, and note its exit status."""
    given = ["fit", broken, "--phi", phi, "--backbone", "random:tiny", "--device", "cpu", "--out", str(folder / "broken-run")]
    sys.argv = ["rtd_train", *given]
    try:
        main()
    except SystemExit as stop:
        (folder / f"status-{os.environ['RANK']}").write_text(str(stop.code))


if __name__ == "__main__":
    data, phi, folder, batch, *more = sys.argv[1:]
    train(data, phi, Path(folder), FEW, int(batch))
    if more:
        train(data, phi, Path(folder, "many"), int(more[0]), int(batch))
        meet(more[1], phi, Path(folder))
