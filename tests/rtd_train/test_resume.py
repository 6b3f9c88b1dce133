"""A training that is stopped, wherever it is, goes on to the same bits."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rtd_train.errors import OutputError
from rtd_train.trainer import fit


class StopsAt:
    """Stop a run after so many steps, before it can write what it would write then."""

    def __init__(self, step):
        self.step = step

    def phase(self, name, total):
        self.name = name

    def advance(self, done, **figures):
        if self.name == "training" and done == self.step:
            raise KeyboardInterrupt


OPTIONS = {
    "averaged weights": ({"ema": 0.9}, range(1, 8)),
    "adapters": ({"lora_rank": 4}, (2, 3, 7)),
    "half precision and clipping": ({"precision": "fp16", "clip_norm": 1.0}, (2, 3, 7)),
    "schedule": ({"schedule": "cosine", "warmup": 4}, (2, 3, 7)),
    "two micro-steps in two passes": ({"accumulate": 2, "chunk_size": 3, "cache_gradients": True}, (3, 7)),
}


def weights(out):
    return load_file(Path(out) / "text_encoder" / "model.safetensors")


def losses(out):
    return [row["loss"] for row in map(json.loads, (Path(out) / "metrics.jsonl").read_text().splitlines()) if "loss" in row]


@pytest.mark.parametrize(("options", "stops"), OPTIONS.values(), ids=OPTIONS)
def test_a_run_that_stops_after_any_step_goes_on_to_the_same_bits(options, stops, config, tmp_path):
    config = dataclasses.replace(config, steps=8, batch_size=8, checkpoint_every=3, **options)
    whole = fit(config)
    expected = weights(whole.out)
    for stop in stops:
        again = dataclasses.replace(config, out=str(tmp_path / f"stopped-{stop}"))
        with pytest.raises(KeyboardInterrupt):
            fit(again, progress=StopsAt(stop))
        assert not (Path(again.out) / "config.json").exists()
        fit(again)
        assert losses(again.out) == losses(whole.out)
        assert all(torch.equal(weights(again.out)[name], tensor) for name, tensor in expected.items()), stop


@pytest.mark.parametrize("stop", [3, 5, 6])
def test_the_best_weights_are_the_same_after_a_stop(stop, config, tmp_path):
    scores = {2: 0.3, 4: 0.5, 6: 0.4, 8: 0.1}
    config = dataclasses.replace(config, steps=8, batch_size=8, checkpoint_every=3, validate_every=2)
    whole = fit(config, lambda _, step: scores[step])
    again = dataclasses.replace(config, out=str(tmp_path / "stopped"))
    with pytest.raises(KeyboardInterrupt):
        fit(again, lambda _, step: scores[step], progress=StopsAt(stop))
    assert fit(again, lambda _, step: scores[step]).best == whole.best == 0.5
    assert all(torch.equal(weights(again.out)[name], tensor) for name, tensor in weights(whole.out).items())


def test_a_run_does_not_go_on_with_another_validation_or_none(config):
    def score(_, step):
        return -step

    def other(_, step):
        return step

    config = dataclasses.replace(config, steps=8, batch_size=8, checkpoint_every=4, validate_every=2)
    with pytest.raises(KeyboardInterrupt):
        fit(config, score, progress=StopsAt(5))
    there = "validate: 'tests.rtd_train.test_resume:.*score' there"
    with pytest.raises(OutputError, match=f"holds a run of other options \\({there}, None here\\)"):
        fit(config)
    with pytest.raises(OutputError, match=f"{there}, 'tests.rtd_train.test_resume:.*other' here"):
        fit(config, other)
    with pytest.raises(OutputError, match=f"{there}, 'mine:cirr' here"):
        fit(config, score, validate_name="mine:cirr")
    result = fit(config, score)
    assert result.best == -2
    assert json.loads((result.out / "config.json").read_text())["validate"].endswith("score")


def test_a_line_of_metrics_that_was_cut_short_is_dropped(config, tmp_path):
    config = dataclasses.replace(config, steps=8, batch_size=8, checkpoint_every=3)
    whole = fit(config)
    again = dataclasses.replace(config, out=str(tmp_path / "stopped"))
    with pytest.raises(KeyboardInterrupt):
        fit(again, progress=StopsAt(5))
    with (Path(again.out) / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')
    fit(again)
    assert losses(again.out) == losses(whole.out)
