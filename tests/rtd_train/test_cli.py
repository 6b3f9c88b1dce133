"""The command line of the trainer, from captions to a trained encoder."""

import json
import subprocess
import sys

import pytest
from transformers import CLIPTextModelWithProjection

from tests.helpers import ROOT, environment, run_cli

CC3M = ROOT.parent / "shared/data/captions/cc3m_val.tsv"
RTD = [sys.executable, "-m", "rtd_train.cli.app"]


def run(*arguments, cwd):
    return run_cli(*arguments, cwd=cwd, app=RTD, env=environment(OMP_NUM_THREADS="1"))


def test_a_data_set_becomes_a_phi_and_an_encoder(triplets, tmp_path):
    shared = ("--backbone", "random:tiny", "--device", "cpu", "--batch-size", 32, "--cache", "cache")
    done = run("fit-phi", triplets, *shared, "--steps", 30, "--lr", 1e-3, "--out", "phi.safetensors", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["phi", "phi.safetensors"]
    again = run("fit-phi", triplets, *shared, "--steps", 30, "--lr", 1e-3, "--out", "phi.safetensors", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == [*done.stdout.splitlines()[:3], "finished  before; --overwrite trains it again"]
    (tmp_path / "mine.py").write_text("def score(backbone, step):\n    return 0.5 if step == 20 else 0.25\n")
    hook = ("--validate", "mine:score", "--validate-every", 10)
    done = run("fit", triplets, *shared, *hook, "--phi", "phi.safetensors", "--steps", 30, "--lr", 1e-3, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "best score    0.5000" in done.stdout
    assert json.loads((tmp_path / "run/config.json").read_text())["validate"] == "mine:score"
    losses = [row["loss"] for row in map(json.loads, (tmp_path / "run/metrics.jsonl").read_text().splitlines()) if "loss" in row]
    assert losses[-1] < 0.8 * losses[0]
    assert "text encoder  run/text_encoder" in done.stdout
    assert CLIPTextModelWithProjection.from_pretrained(tmp_path / "run/text_encoder").config.hidden_size == 64


@pytest.mark.skipif(not CC3M.is_file(), reason=f"needs the captions of Conceptual Captions: {CC3M}")
def test_captions_of_the_web_become_an_encoder(tmp_path):
    done = run_cli("build", CC3M, "--limit", 1500, "--licence", "LicenseRef-CC3M", "--out", "triplets", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shared = ("--backbone", "random:tiny", "--device", "cpu", "--batch-size", 64, "--lr", 1e-3, "--cache", "cache")
    done = run("fit-phi", "triplets", *shared, "--steps", 40, "--out", "phi.safetensors", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run("fit", "triplets", *shared, "--steps", 40, "--phi", "phi.safetensors", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    losses = [row["loss"] for row in map(json.loads, (tmp_path / "run/metrics.jsonl").read_text().splitlines()) if "loss" in row]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("fit", "none", "--backbone", "random:tiny", "--phi", "no.pt", "--out", "run"), 1, "error: no.pt: no such file"),
        (("fit", "none", "--backbone", "random:tiny", "--phi", "no.pt", "--out", "run", "--steps", "0"), 2, "error: steps: 0 is not"),
        (("eval", "scenes", "--backbone", "scenes", "--phi", "x", "--root", "."), 2, "error: scenes makes no use of root '.'"),
        (("fit-phi", "none.txt", "--backbone", "random:tiny", "--out", "phi"), 1, "error: none.txt: no such file"),
        (("fit", "none", "--backbone", "random:tiny", "--phi", "x", "--out", "run", "--precision", "int4"), 2, "error: precision: 'int4'"),
        (("fit", "none", "--backbone", "random:tiny", "--phi", "x", "--out", "run", "--validate", "no:f"), 2, "error: validate: 'no:f'"),
    ],
)
def test_what_is_wrong_is_two_lines(arguments, status, message, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == status
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(message)
    assert lines[1].startswith("hint: ")


def test_a_file_where_a_folder_should_be_is_two_lines(triplets, phi_file, tmp_path):
    (tmp_path / "file").touch()
    shared = ("--backbone", "random:tiny", "--device", "cpu", "--phi", phi_file, "--batch-size", 8, "--out", "run")
    done = run("fit", triplets, *shared, "--cache", "file", cwd=tmp_path)
    assert done.returncode == 1
    message, hint = done.stderr.splitlines()
    assert message.startswith("error: file")
    assert hint == "hint: check the path, its permissions and the space that is left"


def test_help_loads_nothing_heavy():
    code = "import sys, rtd_train, rtd_train.cli.app; print([m for m in ('torch', 'transformers', 'spacy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
