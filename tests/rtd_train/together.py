"""What several processes do together in the tests: `fit` and `fit_phi`, started once for both."""

import json
import sys
from pathlib import Path

import torch

from rtd_train.config import FitConfig, FitPhiConfig
from rtd_train.phi_trainer import fit_phi
from rtd_train.trainer import fit

BATCH = 16


def train(data, phi, folder, batch):
    """Train a text encoder and a phi for a few steps, with this process's part of a batch."""
    torch.set_num_threads(1)
    shared = {"backbone": "random:tiny", "batch_size": batch, "device": "cpu", "cache": str(folder / "cache"), "log_every": 1, "lr": 1e-4}
    fit(FitConfig(data, phi=phi, out=str(folder / "run"), steps=4, **shared))
    result = fit_phi(FitPhiConfig((data,), out=str(folder / "phi.safetensors"), steps=4, **shared))
    (folder / "phi.json").write_text(json.dumps({"captions": result.captions, "losses": [result.first_loss, result.loss]}))


if __name__ == "__main__":
    train(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
