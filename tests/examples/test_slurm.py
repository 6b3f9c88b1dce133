"""The Slurm script is run with commands that note how they were called."""

import os
import subprocess
import sys

import pytest

from tests.helpers import ROOT, environment

SCRIPT = ROOT / "examples/slurm.sh"
STUBS = {
    "scontrol": 'printf "node-1\\nnode-2\\n"',
    # What srun starts on the first machine.
    "srun": 'echo "srun $1" >> "$CALLS"; shift; SLURM_PROCID=0 exec "$@"',
    **{name: f'echo "{name} $*" >> "$CALLS"' for name in ("ray", "tripletgen", "torchrun")},
}


@pytest.fixture
def job(tmp_path):
    """Return a function that runs the script as a job of two machines with four GPUs each, and returns the calls."""
    for name, body in STUBS.items():
        stub = tmp_path / "bin" / name
        stub.parent.mkdir(exist_ok=True)
        # Written by another process: one that a thread of this one starts meanwhile would keep the file open, and it could not be run.
        subprocess.run(["bash", "-c", 'cat > "$0" && chmod 755 "$0"', stub], input=f"#!/bin/bash\n{body}\n", text=True, check=True)
    calls = tmp_path / "calls"
    calls.touch()
    slurm = {"SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_ON_NODE": "4", "SLURM_JOB_NODELIST": "node-[1-2]", "SLURM_JOB_ID": "77"}
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"

    def run(**given):
        more = {"CALLS": str(calls), "PATH": path, **slurm, **given}
        done = subprocess.run([SCRIPT], env=environment(**more), capture_output=True, text=True, timeout=60, check=False)
        return done, calls.read_text().splitlines()

    return run


def test_it_builds_on_ray_and_trains_with_a_process_a_gpu(job, tmp_path):
    done, calls = job(SOURCES="a.tsv b.tsv", WORK=str(tmp_path))
    assert done.returncode == 0, done.stderr
    meet = "--nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-id 77 --rdzv-endpoint node-1:29500 -m rtd_train.cli.app"
    shared = f"--backbone openai/clip-vit-large-patch14 --cache {tmp_path}/cache --batch-size 64 --precision bf16"
    assert calls == [
        "srun --kill-on-bad-exit=1",
        "ray start --head --port=6379",
        f"tripletgen build a.tsv b.tsv --out {tmp_path}/triplets --engine ray --ray-address node-1:6379",
        "ray stop",
        "srun --kill-on-bad-exit=1",
        f"torchrun {meet} fit-phi {tmp_path}/triplets --out {tmp_path}/phi.safetensors {shared}",
        "srun --kill-on-bad-exit=1",
        f"torchrun {meet} fit {tmp_path}/triplets --phi {tmp_path}/phi.safetensors --out {tmp_path}/run {shared}",
    ]


def test_the_commands_that_it_calls_know_its_options(job, tmp_path):
    done, calls = job(SOURCES="a.tsv", WORK=str(tmp_path))
    assert done.returncode == 0, done.stderr
    modules = {"tripletgen": "tripletgen.cli.app", "torchrun": "rtd_train.cli.app"}
    asked = 0
    for name, *arguments in map(str.split, calls):
        if name in modules:
            own = arguments[arguments.index("rtd_train.cli.app") + 1 :] if name == "torchrun" else arguments
            # Unknown options are refused before the help is shown.
            done = subprocess.run(
                [sys.executable, "-m", modules[name], *own, "--help"], env=environment(), capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            asked += 1
    assert asked == 3


def test_a_phi_that_is_there_is_not_trained_again(job, tmp_path):
    (tmp_path / "phi.safetensors").touch()
    _, calls = job(SOURCES="a.tsv", WORK=str(tmp_path))
    assert not [call for call in calls if "fit-phi" in call]


def test_a_build_that_fails_ends_the_job(job, tmp_path):
    (tmp_path / "bin/tripletgen").write_text("#!/bin/bash\nexit 3\n")
    done, calls = job(SOURCES="a.tsv", WORK=str(tmp_path))
    assert done.returncode == 3
    assert calls[-1] == "ray stop"


def test_it_says_what_it_must_be_given(job, tmp_path):
    done, calls = job(WORK=str(tmp_path))
    assert done.returncode != 0
    assert "SOURCES: give the caption files" in done.stderr
    assert calls == []
