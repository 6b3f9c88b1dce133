"""Several processes read and encode each its part, and train what one would; a run of theirs ends and goes on as one of one does."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from rtd_train.config import FitPhiConfig
from rtd_train.corpus import number
from rtd_train.data import divide_row_groups, read_triplets
from rtd_train.device import World
from rtd_train.errors import PeerError
from rtd_train.phi_trainer import fit_phi
from rtd_train.trainer import fit
from tests.helpers import environment
from tests.rtd_train.together import BATCH

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
ACCELERATE = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--main_process_port", "0", "--num_machines", "1"]
ACCELERATE += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_processes"]


@given(st.lists(st.lists(st.integers(0, 5), max_size=4), min_size=1, max_size=4), st.integers(1, 6))
def test_each_row_group_is_read_by_one_process_and_in_order(rows, size):
    owned = [divide_row_groups(rows, rank, size) for rank in range(size)]
    read = [(file, group) for part in owned for file, groups in enumerate(part) for group in groups]
    assert sorted(read) == [(file, group) for file, groups in enumerate(rows) for group in range(len(groups))]
    with_rows = [(file, group) for file, group in read if rows[file][group]]
    assert with_rows == sorted(with_rows)


def test_parts_are_even_but_for_a_row_group():
    assert [divide_row_groups([[4, 4, 4], [4, 4, 4, 1]], rank, 4) for rank in range(4)] == [
        [[0, 1], []],
        [[2], [0]],
        [[], [1]],
        [[], [2, 3]],
    ]
    assert [divide_row_groups([[7]], rank, 3) for rank in range(3)] == [[[0]], [[]], [[]]]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_parts_of_all_processes_are_the_whole(size, row_groups):
    whole = read_triplets(str(row_groups))
    parts = [read_triplets(str(row_groups), "train", rank, size) for rank in range(size)]
    assert sum(map(len, parts)) == len(whole)
    assert [str(text) for part in parts for text in part.modifications] == [str(text) for text in whole.modifications]
    assert [part.captions[k] for part in parts for k in part.target] == [whole.captions[k] for k in whole.target]


def test_captions_are_numbered_as_they_first_appear():
    hashes = np.array([[9, 1], [3, 1], [9, 1], [9, 2], [3, 1], [1, 1]], np.uint64)
    assert number(hashes).tolist() == [0, 1, 0, 2, 1, 3]


@pytest.mark.parametrize(("total", "parts"), [(7, [(0, 2), (2, 4), (4, 7)]), (2, [(0, 0), (0, 1), (1, 2)])])
def test_shares_lie_side_by_side(total, parts):
    shares = [World(torch.device("cpu"), rank, 3).share(total) for rank in range(3)]
    assert [(share.start, share.stop) for share in shares] == parts


@pytest.fixture(scope="module")
def alone(tmp_path_factory, row_groups, phi_file):
    """Return the folder of what one process makes of the same rows."""
    from tests.rtd_train.together import train

    folder = tmp_path_factory.mktemp("alone")
    train(str(row_groups), str(phi_file), folder, BATCH)
    return folder


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_together_train_what_one_trains(processes, alone, row_groups, phi_file, tmp_path):
    start(TORCHRUN, processes, "tests.rtd_train.together", row_groups, phi_file, tmp_path, BATCH // processes)
    (one,), (many,) = (list(folder.glob("cache/triplets-*")) for folder in (alone, tmp_path))
    assert one.name == many.name
    for name in ("captions.flat.npy", "captions.offsets.npy", "reference.npy", "target.npy"):
        assert (one / name).read_bytes() == (many / name).read_bytes(), name
    for kind in ("composed", "masked"):
        (tokens,), (others,) = (list(folder.glob(f"cache/{kind}-*.flat.npy")) for folder in (alone, tmp_path))
        assert tokens.read_bytes() == others.read_bytes()
    features, others = (sorted(folder.glob("cache/features-*")) for folder in (alone, tmp_path))
    assert [path.name for path in features] == [path.name for path in others]
    for path, other in zip(features, others, strict=True):
        np.testing.assert_allclose(np.load(other), np.load(path), atol=1e-5)
    assert losses(tmp_path / "run") == pytest.approx(losses(alone / "run"), abs=1e-5)
    assert facts(tmp_path)["losses"] == pytest.approx(facts(alone)["losses"], abs=1e-5)
    weights, expected = (load_file(folder / "phi.safetensors") for folder in (tmp_path, alone))
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-4, rtol=1e-3, msg=name)
