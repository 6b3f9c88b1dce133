"""phi is trained from captions whose noun phrases are masked, as LinCIR says."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from rtd_train.captions import iter_captions, mask, mask_captions
from rtd_train.config import FitPhiConfig
from rtd_train.device import World
from rtd_train.errors import DataError, DivergenceError, OutputError, UsageError
from rtd_train.features import caption_features
from rtd_train.models.phi import MLP, load_phi
from rtd_train.phi_trainer import fit_phi
from rtd_train.sharing import encode_texts
from tests.helpers import embedded_captions, write_lines
from tests.rtd_train.plain import encode
from tests.rtd_train.test_resume import StopsAt

ALONE = World(torch.device("cpu"))


@pytest.fixture
def options(tmp_path, tmp_path_factory):
    source = write_lines(tmp_path / "captions.txt", embedded_captions(12))
    cache = tmp_path_factory.getbasetemp() / "rtd_cache"
    return FitPhiConfig(
        (str(source),), "random:tiny", str(tmp_path / "phi.safetensors"), steps=40, batch_size=32, lr=1e-3, device="cpu", cache=str(cache)
    )


def test_every_run_of_nouns_adjectives_and_determiners_is_masked(tmp_path):
    source = write_lines(tmp_path / "captions.txt", ["A brown dog runs across the wet grass.", "Two cats sleep under an old wooden table"])
    assert [caption.masked for caption in mask_captions(iter_captions([str(source)]))] == ["$ runs across $ .", "Two $ sleep under $"]


def test_a_text_without_nouns_is_the_plain_prompt():
    assert mask("running and jumping", []) == "a photo of $"


def test_captions_come_from_data_sets_too_each_once(triplets):
    captions = list(iter_captions([str(triplets), str(triplets.parent / "captions.txt")]))
    assert len(captions) == len(set(captions)) == len(embedded_captions(12))


def test_the_loss_falls_and_the_file_loads(options):
    result = fit_phi(options)
    assert result.loss < 0.8 * result.first_loss
    phi = load_phi(options.out)
    assert (phi.input_dim, phi.output_dim, phi.hidden_dim) == (64, 64, 256)


def test_the_same_seed_gives_the_same_phi(options, tmp_path):
    fit_phi(options)
    again = dataclasses.replace(options, out=str(tmp_path / "again.safetensors"))
    fit_phi(again)
    inputs = torch.randn(2, 64)
    assert torch.equal(load_phi(options.out)(inputs), load_phi(again.out)(inputs))


@pytest.mark.parametrize("stop", [10, 20, 30])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(options, tmp_path, stop):
    options = dataclasses.replace(options, checkpoint_every=10)
    whole = fit_phi(dataclasses.replace(options, out=str(tmp_path / "whole.safetensors")))
    with pytest.raises(KeyboardInterrupt):
        fit_phi(options, StopsAt(stop))
    assert (tmp_path / "phi.safetensors.run").is_dir()
    assert not (tmp_path / "phi.safetensors").exists()
    result = fit_phi(options)
    assert (result.first_loss, result.loss) == (whole.first_loss, whole.loss)
    assert (tmp_path / "phi.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert not (tmp_path / "phi.safetensors.run").exists()


def test_a_run_of_other_options_is_not_gone_on_with(options):
    with pytest.raises(KeyboardInterrupt):
        fit_phi(options, StopsAt(10))
    with pytest.raises(OutputError, match=r"lr: 0\.001 there, 0\.01 here"):
        fit_phi(dataclasses.replace(options, lr=0.01))
    fit_phi(dataclasses.replace(options, lr=0.01, overwrite=True))


def test_a_finished_phi_is_not_trained_again(options):
    first = fit_phi(options)
    written = Path(options.out).stat().st_mtime_ns
    again = fit_phi(options)
    assert again == first._replace(captions_per_second=None)
    assert first.captions_per_second is not None
    assert Path(options.out).stat().st_mtime_ns == written


@pytest.mark.parametrize("change", ["option", "captions"])
def test_a_phi_of_another_run_is_overwritten_only_when_asked(change, options):
    fit_phi(options)
    before = Path(options.out).read_bytes()
    if change == "option":
        other, message = dataclasses.replace(options, lr=0.01), r"holds a run of other options \(lr: 0\.001 there, 0\.01 here\)"
    else:
        write_lines(Path(options.captions[0]), embedded_captions(13))
        other, message = options, r"holds a run of other options \(captions: '\w+' there, '\w+' here\)"
    with pytest.raises(OutputError, match=message) as caught:
        fit_phi(other)
    assert caught.value.hint == "--overwrite starts afresh, or give another --out"
    assert Path(options.out).read_bytes() == before
    fit_phi(dataclasses.replace(other, overwrite=True))
    assert Path(options.out).read_bytes() != before
    assert fit_phi(other).captions_per_second is None


@pytest.mark.parametrize("content", ["captions", "phi of others"])
def test_a_file_that_is_no_phi_of_ours_is_overwritten_only_when_asked(content, options):
    out = Path(options.out)
    if content == "captions":
        out.write_text("a dog\n")
    else:
        torch.save({"epoch": 0, "Phi": MLP(64, 64).state_dict()}, out)
    before = out.read_bytes()
    with pytest.raises(OutputError, match=r"phi\.safetensors: is there, and was not written by fit-phi") as caught:
        fit_phi(dataclasses.replace(options, captions=("none.txt",)))
    assert caught.value.hint == "give another --out, or --overwrite to lose it"
    assert out.read_bytes() == before
    fit_phi(dataclasses.replace(options, overwrite=True))
    assert load_phi(out).input_dim == 64


def test_frozen_features_are_those_of_the_encoder_and_are_computed_once(backbone, tmp_path):
    captions = ["A dog on a sofa", "a $5 <PERSON> statue", "dog " * 90]
    texts = ["a dog on a sofa", "a 5 person statue", "dog " * 90]
    told = []
    for _ in range(2):
        features = caption_features(backbone, encode_texts(captions), tmp_path, ALONE, lambda done, total: told.append((done, total)))
        with torch.no_grad():
            np.testing.assert_allclose(features, encode(backbone, backbone.model, texts).numpy(), atol=1e-5)
    assert told[-1] == (3, 3)
    assert len(told) == len(set(told))


def test_bad_input_is_told(options, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        fit_phi(dataclasses.replace(options, captions=(str(tmp_path / "none.txt"),)))
    with pytest.raises(DataError, match="are fewer than a batch of 4096"):
        fit_phi(dataclasses.replace(options, batch_size=4096))
    with pytest.raises(DivergenceError, match="the loss is nan at step"):
        fit_phi(dataclasses.replace(options, lr=1e20))
    with pytest.raises(OutputError, match="is a folder"):
        fit_phi(dataclasses.replace(options, out=str(tmp_path)))
    with pytest.raises(UsageError, match="limit: 0 is not a whole number of at least 1"):
        dataclasses.replace(options, limit=0)
    with pytest.raises(UsageError, match="steps: 0 is not a whole number of at least 1"):
        dataclasses.replace(options, steps=0)
