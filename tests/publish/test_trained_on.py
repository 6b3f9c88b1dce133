"""What was built, carded and published is what a stranger trains on, from the Hub by its name or from a copy of S3."""

import shutil
import sys

import pytest
import s3fs

from rtd_train.models.phi import MLP, save_phi
from tests.helpers import environment, run_cli
from tests.publish.test_hub import NAME, hub_environment, send

RTD = [sys.executable, "-m", "rtd_train.cli.app"]
SHORT = ("--backbone", "random:tiny", "--device", "cpu", "--phi", "phi.safetensors", "--steps", 3, "--batch-size", 16, "--out", "run")


@pytest.fixture
def reported(built, tmp_path):
    """Return a copy of the data set whose card has its plots, beside a small phi."""
    folder = tmp_path / "dataset"
    shutil.copytree(built, folder)
    assert run_cli("report", folder, "--card", cwd=tmp_path).returncode == 0
    assert "figures/" in (folder / "README.md").read_text(encoding="utf-8")
    save_phi(MLP(64, 64), tmp_path / "phi.safetensors", {})
    return folder


def trained(data, tmp_path, env):
    done = run_cli("fit", data, *SHORT, "--cache", "cache", cwd=tmp_path, app=RTD, env=env)
    assert done.returncode == 0, done.stderr
    return (tmp_path / "run/text_encoder/model.safetensors").is_file()


def test_from_the_hub_by_its_name(hub, reported, tmp_path):
    send(hub, reported)
    assert trained(NAME, tmp_path, hub_environment(hub, HF_HOME=str(tmp_path / "hf"), HF_HUB_DISABLE_XET="1"))


def test_from_a_copy_of_s3(bucket, reported, tmp_path):
    assert run_cli("publish", reported, f"{bucket}/triplets", cwd=tmp_path).returncode == 0
    s3fs.S3FileSystem(skip_instance_cache=True).get("data/triplets/", str(tmp_path / "copy/"), recursive=True)
    assert run_cli("check", "copy", cwd=tmp_path).returncode == 0
    assert trained("copy", tmp_path, environment())
