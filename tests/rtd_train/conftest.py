"""A tiny encoder with a small tokenizer, its phi, and a few triplets; nothing is downloaded."""

from pathlib import Path

import pytest
import torch

import tripletgen
from rtd_train.config import FitConfig
from rtd_train.models.clip import TextBackbone, load_backbone
from rtd_train.models.phi import MLP, save_phi
from tests.helpers import embedded_captions, write_lines
from tripletgen.captions.sources import SourceSpec

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def triplets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set of a few hundred triplets; tests must not change it."""
    folder = tmp_path_factory.mktemp("triplets")
    source = write_lines(folder / "captions.txt", embedded_captions(12))
    tripletgen.build(tripletgen.BuildOptions(out=str(folder / "out"), sources=(SourceSpec(str(source), "CC0-1.0"),)))
    return folder / "out"


@pytest.fixture
def backbone() -> TextBackbone:
    """Return a tiny text encoder with random weights, the same each time."""
    return load_backbone("random:tiny")


@pytest.fixture(scope="session")
def phi_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small untrained phi that fits the tiny encoder."""
    path = tmp_path_factory.mktemp("phi") / "phi.safetensors"
    torch.manual_seed(7)
    save_phi(MLP(64, 64), path, {})
    return path


@pytest.fixture
def config(triplets: Path, phi_file: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> FitConfig:
    """Return the options of a short run."""
    cache = tmp_path_factory.getbasetemp() / "rtd_cache"
    return FitConfig(
        str(triplets),
        "random:tiny",
        str(phi_file),
        str(tmp_path / "run"),
        steps=20,
        batch_size=16,
        lr=1e-3,
        device="cpu",
        log_every=1,
        cache=str(cache),
    )
