"""Encoders, phi and composed queries agree with transformers and with the files that others released."""

import pytest
import torch
from safetensors.torch import save_file

from rtd_train.errors import ModelError
from rtd_train.models.clip import RANDOM_SIZES, TextBackbone, load_backbone, tokenize, weights_hash
from rtd_train.models.compose import encode_composed_and_photo, encode_tokens
from rtd_train.models.phi import MLP, Pic2Word, check_sizes, load_phi, save_phi
from tests.rtd_train.plain import encode


def padded(backbone, texts):
    ids = tokenize(backbone, texts)
    longest = max(map(len, ids))
    return torch.tensor([row + [backbone.eot_id] * (longest - len(row)) for row in ids])


TEXTS = ["a dog", "a photo of $ that has a cat instead of a dog", "a very small brown dog on a sofa near a window in a house"]


def test_padding_to_the_longest_row_is_padding_to_77(backbone):
    with torch.no_grad():
        trimmed = encode_tokens(backbone.model, padded(backbone, TEXTS), backbone.eot_id)
        torch.testing.assert_close(trimmed, encode(backbone, backbone.model, TEXTS), atol=1e-5, rtol=1e-5)


def test_one_pass_gives_both_prompts(backbone):
    modifications = ["is red", "has a cat instead of a dog and shows the sofa at night"]
    prompts = [f"a photo of $ that {text}" for text in modifications]
    pseudo = torch.randn(2, 64)
    prefix = len(tokenize(backbone, ["a photo of $"])[0]) - 1
    with torch.no_grad():
        both = encode_composed_and_photo(
            backbone.model, padded(backbone, prompts), backbone.eot_id, pseudo, backbone.placeholder_id, prefix
        )
        composed = encode(backbone, backbone.model, prompts, pseudo)
        photo = encode(backbone, backbone.model, ["a photo of $"] * 2, pseudo)
    torch.testing.assert_close(both, torch.stack([composed, photo], dim=1), atol=1e-5, rtol=1e-5)


def test_long_texts_keep_their_first_75_tokens(backbone):
    (ids,) = tokenize(backbone, ["dog " * 100])
    assert len(ids) == 77
    assert (ids[0], ids[-1]) == (backbone.tokenizer.bos_token_id, backbone.eot_id)


def test_a_placeholder_is_found_by_name(backbone):
    assert backbone.tokenizer.convert_ids_to_tokens(backbone.placeholder_id) == "$</w>"


def test_a_saved_backbone_is_loaded_from_its_folder(backbone, tmp_path):
    backbone.model.save_pretrained(tmp_path)
    backbone.tokenizer.save_pretrained(tmp_path)
    again = load_backbone(str(tmp_path))
    assert weights_hash(again.model) == weights_hash(backbone.model)
    assert (again.hidden_size, again.projection_dim) == (64, 64)


def test_an_unknown_backbone_says_what_to_give(tmp_path):
    with pytest.raises(ModelError, match="no CLIP text encoder can be loaded") as caught:
        load_backbone(str(tmp_path))
    assert "Hub name" in caught.value.hint
    with pytest.raises(ModelError, match="no random backbone 'huge'"):
        load_backbone("random:huge")
    assert set(RANDOM_SIZES) == {"tiny", "vit-b-32", "vit-l-14"}


@pytest.mark.parametrize("phi", [MLP(6, 4), MLP(6, 4, hidden_dim=5), Pic2Word(6, 4, 8, 3)], ids=["mlp", "narrow mlp", "pic2word"])
def test_phi_survives_our_format_and_theirs(phi, tmp_path):
    save_phi(phi, tmp_path / "phi.safetensors", {"steps": 3})
    released = {"epoch": 1, "Phi": phi.state_dict()}
    if isinstance(phi, Pic2Word):
        released = {"state_dict_img2text": {f"module.{name}": tensor for name, tensor in phi.state_dict().items()}}
    torch.save(released, tmp_path / "phi.pt")
    inputs = torch.randn(3, 6)
    expected = phi.eval()(inputs)
    assert torch.equal(load_phi(tmp_path / "phi.safetensors")(inputs), expected)
    assert torch.equal(load_phi(tmp_path / "phi.pt")(inputs), expected)


def test_phi_of_searle_has_its_key_names_and_widths():
    shapes = {name: tuple(tensor.shape) for name, tensor in MLP(768, 768).state_dict().items() if name.endswith("weight")}
    assert shapes == {"layers.0.weight": (3072, 768), "layers.3.weight": (3072, 3072), "layers.6.weight": (768, 3072)}


class Trap:
    """What a stranger may put into a pickle."""

    def __reduce__(self):
        return print, ("code of a stranger",)


def test_a_pickle_that_is_not_plain_weights_is_not_opened(tmp_path, capsys):
    torch.save({"Phi": Trap()}, tmp_path / "phi.pt")
    with pytest.raises(ModelError, match="not a file of plain weights"):
        load_phi(tmp_path / "phi.pt")
    assert capsys.readouterr().out == ""


def test_files_that_hold_no_phi_are_refused(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "x.safetensors")
    torch.save({"epoch": 3}, tmp_path / "x.pt")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "x.safetensors").read_bytes()[:20])
    for name, message in (
        ("x.safetensors", "no phi that is known"),
        ("x.pt", "holds no phi"),
        ("cut.safetensors", "not a safetensors file"),
    ):
        with pytest.raises(ModelError, match=message):
            load_phi(tmp_path / name)
    with pytest.raises(ModelError, match="no such file"):
        load_phi(tmp_path / "none.safetensors")


def test_sizes_that_do_not_fit_are_both_named(backbone: TextBackbone):
    with pytest.raises(ModelError, match="phi maps 6 to 4, x needs 64 to 64"):
        check_sizes(MLP(6, 4), backbone.projection_dim, backbone.hidden_size, "x")
