"""Several processes read and encode each its part, and train what one would; a run of theirs ends and goes on as one of one does."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from rtd_train.corpus import number, share_captions, share_triplets
from rtd_train.data import divide_row_groups, read_triplets
from rtd_train.device import World
from rtd_train.errors import OutputError
from rtd_train.inputs import prepare
from rtd_train.progress import Silent
from rtd_train.sharing import encode_texts, iter_texts, share_ragged, shared_array
from tests.helpers import environment
from tests.rtd_train.together import BATCH, FEW, MANY, train

ENVIRONMENT = environment(OMP_NUM_THREADS="1")
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


def test_what_processes_share_is_mapped_and_not_copied(backbone, config):
    texts = read_triplets(config.data)
    world = World(torch.device("cpu"))
    inputs = prepare(backbone, texts, share_triplets(world, texts, Path(config.cache)), config, world, Silent())
    assert all(isinstance(array, np.memmap) for array in (inputs.reference, inputs.target, inputs.features, *inputs.composed))


class Elsewhere(NamedTuple):
    """A process of another machine, which does not see the disk of the first."""

    rank: int = 1

    def tell(self, make):
        return Path("/not/shared/features.npy.1.tmp")


def test_a_disk_that_the_machines_do_not_share_is_told(tmp_path):
    with (
        pytest.raises(OutputError, match=r"features.npy.1.tmp: made by the first process, not there for process 1 on ") as caught,
        shared_array(Elsewhere(), tmp_path / "features.npy", np.float32, (2, 3)),
    ):
        pass
    assert caught.value.hint == "give --cache and --out folders that all machines share"


def test_rows_of_different_lengths_come_back_as_they_were(tmp_path):
    rows = share_ragged(World(torch.device("cpu")), tmp_path / "texts", encode_texts(["a dog", "", "été"]))
    assert list(iter_texts(rows, slice(0, 3))) == ["a dog", "", "été"]
    assert list(iter_texts(rows, slice(1, 2))) == [""]


def test_two_that_fill_one_array_at_a_time_do_not_meet(tmp_path):
    world, path = World(torch.device("cpu")), tmp_path / "ids.npy"
    with shared_array(world, path, np.int64, (2,)) as write:
        with shared_array(world, path, np.int64, (2,)) as write_too:
            write(0, np.array([1, 1]))
            write_too(0, np.array([2, 2]))
        assert np.load(path).tolist() == [2, 2]
    assert np.load(path).tolist() == [1, 1]


def test_runs_with_the_same_process_id_do_not_share_a_draft(tmp_path):
    others = [["a cat", "a bird"]]

    class Beside(World):
        """A run that has another beside it, of a machine that counts its processes alike."""

        def wait(self):
            if others:
                share_captions(World(torch.device("cpu")), encode_texts(others.pop()), tmp_path)

    captions, _ = share_captions(Beside(torch.device("cpu")), encode_texts(["a dog"]), tmp_path)
    assert list(iter_texts(captions, slice(0, 1))) == ["a dog"]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.fixture(scope="module")
def row_groups(tmp_path_factory, triplets):
    """Return the triplets in three uneven row groups of two shards: four processes cannot all have one."""
    folder = tmp_path_factory.mktemp("row_groups")
    table = pa.concat_tables(pq.read_table(path) for path in sorted((triplets / "data").glob("train-*.parquet")))
    (folder / "data").mkdir()
    shutil.copy(triplets / "manifest.json", folder)
    pq.write_table(table[:250], folder / "data/train-00000-of-00002.parquet", row_group_size=150)
    pq.write_table(table[250:], folder / "data/train-00001-of-00002.parquet")
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory, row_groups, phi_file):
    """Return the folder of what one process trains."""
    folder = tmp_path_factory.mktemp("alone")
    train(str(row_groups), str(phi_file), folder, FEW, BATCH)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory, row_groups, phi_file):
    """Return the folder of what two processes train together."""
    folder = tmp_path_factory.mktemp("two")
    broken = shutil.copytree(row_groups, folder / "broken")
    shard = broken / "data/train-00001-of-00002.parquet"  # the second process's
    content = shard.read_bytes()
    footer = len(content) - int.from_bytes(content[-8:-4], "little") - 8
    shard.write_bytes(bytes(footer) + content[footer:])
    return together(2, row_groups, phi_file, folder, MANY, broken)


@pytest.fixture(scope="module")
def four(tmp_path_factory, row_groups, phi_file):
    """Return the folder of what four processes train together."""
    return together(4, row_groups, phi_file, tmp_path_factory.mktemp("four"))


def together(processes, data, phi, folder, *more):
    command = [*TORCHRUN, processes, "-m", "tests.rtd_train.together", data, phi, folder, BATCH // processes, *more]
    done = subprocess.run([*map(str, command)], env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "stderr").write_text(done.stderr)
    return folder


@pytest.mark.parametrize("many", ["two", "four"])
def test_processes_together_read_what_one_reads(many, alone, request):
    folder = request.getfixturevalue(many)
    files, others = ({path.name: path for path in (root / "cache").rglob("*.npy")} for root in (alone, folder))
    assert others.keys() == files.keys()
    features = {name for name in files if name.startswith("features-")}
    assert len(features) == 2
    for name, path in files.items():
        if name in features:  # what is encoded beside what differs, and with it the rounding
            np.testing.assert_allclose(np.load(others[name]), np.load(path), atol=1e-5)
        else:
            assert others[name].read_bytes() == path.read_bytes(), name


@pytest.mark.parametrize("many", ["two", "four"])
def test_processes_together_train_what_one_trains(many, alone, request):
    folder = request.getfixturevalue(many)
    assert losses(folder) == pytest.approx(losses(alone), abs=1e-5)
    assert len(losses(alone)) == FEW
    assert json.loads((folder / "phi.json").read_text()) == pytest.approx(json.loads((alone / "phi.json").read_text()), abs=1e-5)
    for name, tensor in load_file(alone / "run/text_encoder/model.safetensors").items():
        # A key's bias moves all scores of a query alike, so its gradient is rounding, and Adam steps by the sign of that.
        if not name.endswith("k_proj.bias"):
            other = load_file(folder / "run/text_encoder/model.safetensors")[name]
            torch.testing.assert_close(other, tensor, atol=2e-6, rtol=1e-3, msg=name)


def losses(folder):
    return [row["loss"] for row in map(json.loads, (folder / "run/metrics.jsonl").read_text().splitlines())]


def command(launcher, name, data, folder, *more):
    """Return the command line that trains as `together` does, many steps."""
    shared = ["--backbone", "random:tiny", "--steps", MANY, "--batch-size", BATCH // 2, "--device", "cpu", "--cache", folder / "cache"]
    given = [*launcher, 2, "-m", "rtd_train.cli.app", name, data, *shared, "--log-every", 1, "--checkpoint-every", 10, *more]
    return list(map(str, given))


def begin(arguments, checkpoints):
    """Start processes, wait for their first checkpoint, and return launcher and processes."""
    launcher = psutil.Popen(arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while not list(checkpoints.glob("step-*0")):
        assert launcher.poll() is None, launcher.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = {child.environ().get("RANK"): child for child in launcher.children(recursive=True)}
    return launcher, [workers["0"], workers["1"]]


def finish(arguments):
    done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_process_that_dies_ends_the_run_which_goes_on_to_the_same_bits(two, row_groups, phi_file, tmp_path):
    out = tmp_path / "run"
    arguments = command(TORCHRUN, "fit", row_groups, tmp_path, "--phi", phi_file, "--out", out)
    launcher, workers = begin(arguments, out / "checkpoints")
    workers[1].send_signal(signal.SIGKILL)
    _, errors = launcher.communicate(timeout=30)
    assert launcher.returncode != 0
    assert "Signal 9 (SIGKILL)" in errors
    assert not any(worker.is_running() for worker in workers)
    assert not (out / "config.json").exists()
    said = finish(command(ACCELERATE, "fit", row_groups, tmp_path, "--phi", phi_file, "--out", out))
    assert said.count("text encoder  ") == 1
    for name, tensor in load_file(two / "many/run/text_encoder/model.safetensors").items():
        assert torch.equal(load_file(out / "text_encoder/model.safetensors")[name], tensor), name
    assert losses(tmp_path) == losses(two / "many")


def test_processes_that_are_killed_go_on_with_phi_to_the_same_bytes(two, row_groups, tmp_path):
    out = tmp_path / "phi.safetensors"
    launcher, workers = begin(
        command(ACCELERATE, "fit-phi", row_groups, tmp_path, "--out", out), tmp_path / "phi.safetensors.run/checkpoints"
    )
    for process in (launcher, *workers):
        process.kill()
    launcher.communicate()
    assert not out.exists()
    finish(command(TORCHRUN, "fit-phi", row_groups, tmp_path, "--out", out))
    assert out.read_bytes() == (two / "many/phi.safetensors").read_bytes()


def test_what_one_process_finds_wrong_is_told_once_and_ends_all(two):
    told = [line for line in (two / "stderr").read_text().splitlines() if line.startswith(("error:", "hint:"))]
    assert [line.partition(" (")[0] for line in told] == [
        f"error: {two / 'broken'}: a shard cannot be read",
        "hint: run `tripletgen check` on it",
    ]
    assert [(two / f"status-{rank}").read_text() for rank in range(2)] == ["1", "1"]
