"""Training is exact to the method, whatever is cached, cut in pieces, spread over processes or interrupted."""

import copy
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rtd_train.checkpoint import open_run, save_best
from rtd_train.config import run_values
from rtd_train.corpus import share_triplets
from rtd_train.data import draw, read_triplets
from rtd_train.device import World
from rtd_train.errors import DataError, DivergenceError, ModelError, OutputError, UsageError
from rtd_train.inputs import prepare
from rtd_train.models.phi import load_phi
from rtd_train.progress import Silent
from rtd_train.trainer import Run, fit
from tests.helpers import environment
from tests.rtd_train.plain import step_loss

WORLD = World(torch.device("cpu"))
VARIANTS = {
    "full": {},
    "no anchor": {"anchor": False},
    "no refined batch": {"refined_batch": False},
    "no refined concatenation": {"refined_concat": False},
    "neither refinement": {"refined_batch": False, "refined_concat": False},
    "naive tuning": {"anchor": False, "refined_batch": False, "refined_concat": False},
    "no noise": {"noise_scale": 0.0},
    "pieces of five": {"chunk_size": 5},
    "cached gradients": {"chunk_size": 5, "cache_gradients": True},
    "accumulated": {"accumulate": 2},
}


def new_run(backbone, config):
    texts = read_triplets(config.data)
    open_run(Path(config.out), run_values(config), overwrite=True)
    inputs = prepare(backbone, texts, share_triplets(WORLD, texts, Path(config.cache)), config, WORLD, Silent())
    return Run(backbone, load_phi(config.phi), inputs, config, WORLD, Path(config.out)), texts


def plain_steps(backbone, config, texts, steps):
    """Return the losses of some plain steps, and the gradients of the first by name."""
    frozen, model = backbone.model, copy.deepcopy(backbone.model)
    phi = load_phi(config.phi)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    modifications = [str(text) for text in texts.modifications]
    losses, gradients = [], {}
    for step in range(steps):
        optimizer.zero_grad()
        total = 0.0
        for number in range(step * config.accumulate, (step + 1) * config.accumulate):
            rows = draw(len(texts), config.batch_size, number, config.seed)
            triplets = [(texts.captions[texts.reference[k]], modifications[k], texts.captions[texts.target[k]]) for k in rows]
            generator = torch.Generator().manual_seed(config.seed * 2**32 + number)
            scale = torch.rand(len(rows), 1, generator=generator)
            noise = config.noise_scale * scale * torch.randn(len(rows), 64, generator=generator)
            loss = step_loss(backbone, model, frozen, phi, triplets, noise, config) / config.accumulate
            loss.backward()
            total += loss.item()
        if not gradients:
            gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
        optimizer.step()
        losses.append(total)
    return losses, gradients


@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS)
def test_the_first_step_is_that_of_a_plain_implementation(change, backbone, config):
    config = dataclasses.replace(config, **change)
    plain = copy.deepcopy(backbone.model)
    run, texts = new_run(backbone, config)
    expected, gradients = plain_steps(backbone._replace(model=plain), config, texts, 1)
    assert run.take_step().item() == pytest.approx(expected[0], abs=1e-5)
    for name, parameter in run.trained.items():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-5, rtol=1e-4, msg=name)


def test_twenty_steps_have_the_losses_of_a_plain_implementation(backbone, config):
    # The published rate: at a large one Adam's first steps, which are all of one size, turn rounding into other weights.
    config = dataclasses.replace(config, lr=1e-5, batch_size=8)
    plain = copy.deepcopy(backbone.model)
    run, texts = new_run(backbone, config)
    expected, _ = plain_steps(backbone._replace(model=plain), config, texts, 20)
    assert [run.take_step().item() for _ in range(20)] == pytest.approx(expected, abs=1e-5)


def launch(config, *arguments, wait=True):
    given = ["fit", config.data, "--backbone", config.backbone, "--phi", config.phi, "--lr", config.lr, "--device", "cpu", "--log-every", 1]
    command = [sys.executable, "-m", "rtd_train.cli.app", *given, "--cache", config.cache, *arguments]
    process = subprocess.Popen(
        list(map(str, command)), env=environment(OMP_NUM_THREADS="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if wait:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    return process


def weights(out):
    return load_file(Path(out) / "text_encoder" / "model.safetensors")


def losses(out):
    return [row["loss"] for row in map(json.loads, (Path(out) / "metrics.jsonl").read_text().splitlines())]


def test_a_run_that_was_killed_goes_on_to_the_same_bits(config, tmp_path):
    arguments = ("--steps", 120, "--batch-size", 16, "--checkpoint-every", 10, "--out")
    process = launch(config, *arguments, tmp_path / "killed", wait=False)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("checkpoints/step-*0")):
        assert time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed/config.json").exists()
    launch(config, *arguments, tmp_path / "killed")
    launch(config, *arguments, tmp_path / "whole")
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(weights(tmp_path / "killed")[name], tensor), name


def test_the_result_is_loaded_by_transformers_and_by_the_authors_script(config):
    from transformers import CLIPTextModelWithProjection

    result = fit(dataclasses.replace(config, export_pt=True, tensorboard=True))
    model = CLIPTextModelWithProjection.from_pretrained(result.out / "text_encoder")
    exported = torch.load(result.out / "text_encoder.pt", weights_only=True)
    assert list(exported) == ["epoch", "CLIPTextModelWithProjection"]
    for name, tensor in model.state_dict().items():
        assert torch.equal(exported["CLIPTextModelWithProjection"][name], tensor)
    assert load_phi(result.out / "phi.safetensors").input_dim == 64
    assert (result.out / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert list((result.out / "tensorboard").iterdir())
    facts = json.loads((result.out / "config.json").read_text())
    assert (facts["steps"], facts["batch_size"], facts["processes"], facts["anchor"]) == (20, 16, 1, True)
    assert fit(config).loss == result.loss


def test_the_weights_that_validate_best_are_kept(config):
    scores = {5: 0.1, 10: 0.4, 15: 0.2, 20: 0.3}
    seen = {}

    def validate(backbone, step):
        seen[step] = backbone.model.text_projection.weight.detach().clone()
        return scores[step]

    result = fit(dataclasses.replace(config, validate_every=5), validate)
    assert result.best == 0.4
    assert torch.equal(weights(config.out)["text_projection.weight"], seen[10])


def test_weights_that_an_earlier_run_found_best_do_not_end_one_that_validates_nothing(backbone, config):
    run, _ = new_run(backbone, dataclasses.replace(config, steps=2))
    save_best(run.out, {name: torch.zeros_like(tensor) for name, tensor in run.trained.items()})
    run.train(None, Silent())
    assert all(parameter.any() for name, parameter in run.trained.items() if name.endswith("proj.weight"))


def test_low_rank_adapters_are_merged_and_lower_layers_stay(backbone, config, tmp_path):
    before = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    fit(dataclasses.replace(config, lora_rank=4))
    after = weights(config.out)
    changed = {name for name, tensor in before.items() if not torch.equal(after[name], tensor)}
    assert after.keys() == before.keys()
    assert changed == {name for name in before if name.endswith(("proj.weight", "fc1.weight", "fc2.weight")) and ".layers." in name}
    frozen = dataclasses.replace(config, freeze_layers=1, out=str(tmp_path / "frozen"))
    fit(frozen)
    after = weights(frozen.out)
    assert {name for name, tensor in before.items() if torch.equal(after[name], tensor)} == {
        name for name in before if ".layers.0." in name or ".embeddings." in name
    }


def test_more_frozen_layers_than_there_are_and_adapters_beside_them_are_refused(config):
    with pytest.raises(UsageError, match="freeze_layers: 3 of an encoder of 2 layers"):
        fit(dataclasses.replace(config, freeze_layers=3))
    with pytest.raises(UsageError, match="lora_rank and freeze_layers exclude one another"):
        dataclasses.replace(config, lora_rank=2, freeze_layers=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_decay": -0.1}, "weight_decay: -0.1 is no number of at least 0"),
        ({"noise_scale": float("nan")}, "noise_scale: nan is no number of at least 0"),
        ({"clip_norm": 0.0}, "clip_norm: 0.0 is not a positive number"),
        ({"seed": 2**31}, "seed: 2147483648 is too large"),
    ],
)
def test_options_out_of_range_are_refused(options, message, config):
    with pytest.raises(UsageError, match=message):
        dataclasses.replace(config, **options)


def test_old_checkpoints_are_removed(config):
    fit(dataclasses.replace(config, checkpoint_every=3, keep_checkpoints=2))
    assert sorted(path.name for path in Path(config.out, "checkpoints").iterdir()) == ["step-00000015", "step-00000018"]


def test_a_loss_that_is_no_number_stops_and_names_step_and_rows(config):
    config = dataclasses.replace(config, lr=1e18, checkpoint_every=1, accumulate=2)
    with pytest.raises(DivergenceError, match=r"the loss is nan at step 2 \(rows \d+, .*, all 32 in .*diverged\.json") as caught:
        fit(config)
    assert caught.value.hint.startswith("the checkpoint of step 1 is kept; ")
    diverged = json.loads(Path(config.out, "diverged.json").read_text())
    rows = len(read_triplets(config.data))
    assert diverged == {"step": 2, "rows": [row for number in (2, 3) for row in draw(rows, 16, number, 0).tolist()]}
    (kept,) = Path(config.out, "checkpoints").glob("step-*")
    assert all(torch.isfinite(tensor).all() for tensor in load_file(kept / "model.safetensors").values())


def test_a_loss_that_is_no_number_before_any_checkpoint_says_so(config):
    with pytest.raises(DivergenceError) as caught:
        fit(dataclasses.replace(config, lr=1e18))
    assert caught.value.hint.startswith("there is no checkpoint before it; ")


def test_other_options_in_the_same_folder_are_refused_by_name(config):
    fit(config)
    with pytest.raises(OutputError, match=r"lr: 0.001 there, 0.002 here\)"):
        fit(dataclasses.replace(config, lr=0.002))
    assert fit(dataclasses.replace(config, lr=0.002, overwrite=True)).steps == 20


def test_a_folder_with_something_else_is_left_alone(config):
    Path(config.out).mkdir()
    Path(config.out, "thesis.tex").touch()
    with pytest.raises(OutputError, match="holds something that is no run"):
        fit(dataclasses.replace(config, overwrite=True))
    assert Path(config.out, "thesis.tex").exists()


def test_fewer_rows_than_a_batch_are_refused(config):
    with pytest.raises(DataError, match=r"\d+ triplets are fewer than a batch of 4096"):
        fit(dataclasses.replace(config, batch_size=4096))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_there_is_missed(config):
    with pytest.raises(UsageError, match="no GPU is here"):
        fit(dataclasses.replace(config, device="cuda"))


def test_a_phi_of_other_sizes_names_both(config, tmp_path):
    from rtd_train.models.phi import MLP, save_phi

    save_phi(MLP(32, 48), tmp_path / "other.safetensors", {})
    with pytest.raises(ModelError, match="phi maps 32 to 48, random:tiny needs 64 to 64"):
        fit(dataclasses.replace(config, phi=str(tmp_path / "other.safetensors")))
