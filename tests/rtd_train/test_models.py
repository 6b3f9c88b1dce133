"""Encoders, phi and composed queries agree with transformers and with the files that others released."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPVisionModelWithProjection, SiglipConfig

from rtd_train.checkpoint import export_pt
from rtd_train.errors import ModelError
from rtd_train.models.clip import (
    RANDOM_SIZES,
    TextBackbone,
    load_backbone,
    load_encoder,
    tokenize,
    tokenizer_hash,
    weights_hash,
)
from rtd_train.models.compose import encode_tokens
from rtd_train.models.packing import SEQUENCE, encode_packed, pack
from rtd_train.models.phi import MLP, Pic2Word, check_sizes, load_phi, save_phi
from tests.rtd_train.plain import encode


def padded(backbone, texts):
    ids = tokenize(backbone, texts)
    longest = max(map(len, ids))
    return torch.tensor([row + [backbone.eot_id] * (longest - len(row)) for row in ids])


TEXTS = ["a dog", "a photo of $ that has a cat instead of a dog", "a very small brown dog on a sofa near a window in a house"]


def test_a_text_ends_at_its_first_end_of_text_token_packed_or_not(backbone):
    texts = ["a dog <|endoftext|> on a sofa", "a cat"]
    ids = tokenize(backbone, texts)
    assert ids[0] == tokenize(backbone, ["a dog"])[0]
    packed = pack(np.concatenate(ids), np.array([len(row) for row in ids]), backbone.eot_id, 1)
    with torch.no_grad():
        torch.testing.assert_close(
            encode_packed(backbone.model, packed)[:, 0], encode(backbone, backbone.model, texts), atol=1e-5, rtol=1e-5
        )


def test_padding_to_the_longest_row_is_padding_to_77(backbone):
    with torch.no_grad():
        trimmed = encode_tokens(backbone.model, padded(backbone, TEXTS), backbone.eot_id)
        torch.testing.assert_close(trimmed, encode(backbone, backbone.model, TEXTS), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("copies", [1, 30], ids=["one sequence", "several sequences"])
def test_one_pass_gives_both_prompts(backbone, copies):
    modifications = ["is red", "has a cat instead of a dog and shows the sofa at night"] * copies
    prompts = [f"a photo of $ that {text}" for text in modifications]
    pseudo = torch.randn(len(prompts), 64)
    prefix = len(tokenize(backbone, ["a photo of $"])[0]) - 1
    ids = tokenize(backbone, prompts)
    packed = pack(np.concatenate(ids), np.array([len(row) for row in ids]), backbone.eot_id, prefix - 1, prefix)
    with torch.no_grad():
        both = encode_packed(backbone.model, packed, pseudo, backbone.placeholder_id)
        composed = encode(backbone, backbone.model, prompts, pseudo)
        photo = encode(backbone, backbone.model, ["a photo of $"] * len(prompts), pseudo)
    torch.testing.assert_close(both, torch.stack([composed, photo], dim=1), atol=1e-5, rtol=1e-5)


def test_packed_prompts_stand_side_by_side_behind_what_they_share():
    # Two prompts 1 2 3 $ 5 .. 9: the end is 9, the placeholder 4, the early end comes behind it.
    packed = pack(np.array([1, 2, 3, 4, 5, 9, 1, 2, 3, 4, 6, 7, 9]), np.array([6, 7]), 9, shared=3, photo_at=4)
    assert packed.ids.tolist() == [[1, 2, 3, 4, 9, 5, 9, 4, 9, 6, 7, 9]]
    assert packed.positions.tolist() == [[0, 1, 2, 3, 4, 4, 5, 3, 4, 4, 5, 6]]
    assert packed.texts.tolist() == [[-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 1]]
    assert (packed.ends.tolist(), packed.photos.tolist()) == ([6, 11], [4, 8])


@given(st.lists(st.integers(2, 77), min_size=1, max_size=60), st.booleans())
def test_packing_keeps_every_token_once(lengths, with_photos):
    texts = [[0, *range(100 * k + 1, 100 * k + length - 1), 9] for k, length in enumerate(lengths)]
    packed = pack(np.concatenate(texts), np.array(lengths), 9, shared=1, photo_at=1 if with_photos else None)
    assert packed.ids.shape[1] <= SEQUENCE
    for k, text in enumerate(texts):
        here = packed.texts == k
        found = dict(zip(packed.positions[here].tolist(), packed.ids[here].tolist(), strict=not with_photos))
        assert [0, *(found[place] for place in range(1, len(text)))] == text
        assert packed.positions.ravel()[packed.ends[k]] == len(text) - 1
        assert here.sum() == len(text) - 1 + with_photos


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
    with pytest.raises(ModelError, match="no CLIP can be loaded") as caught:
        load_backbone(str(tmp_path))
    assert "Hub name" in caught.value.hint
    with pytest.raises(ModelError, match="no random backbone 'huge'"):
        load_backbone("random:huge")
    assert set(RANDOM_SIZES) == {"tiny", "vit-b-32", "vit-l-14"}


def write_clip(folder, tokenizer, *, half=False, **text):
    """Write a whole CLIP of projection width 48 as strangers do, and return it; `text` is said of its text encoder."""
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "vocab_size": len(tokenizer)}
    config = CLIPConfig(
        text_config={**sizes, **ids, **text}, vision_config={**sizes, "image_size": 32, "patch_size": 16}, projection_dim=48
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = CLIPModel(config).eval()
    (model.half() if half else model).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


@pytest.mark.parametrize(
    "text",
    [{}, {"hidden_act": "gelu"}, {"projection_dim": 32}, {"eos_token_id": 2, "pad_token_id": 1}],
    ids=["openai", "gelu of laion", "width said otherwise in the halves", "end of text of old configurations"],
)
def test_the_clips_of_others_are_loaded_and_encode_as_transformers_does(text, backbone, tmp_path):
    model = write_clip(tmp_path, backbone.tokenizer, **text)
    loaded = load_backbone(str(tmp_path))
    assert loaded.projection_dim == 48
    assert load_encoder(CLIPVisionModelWithProjection, str(tmp_path)).visual_projection.weight.shape == (48, 64)
    inputs = backbone.tokenizer(TEXTS, padding="max_length", max_length=77, return_tensors="pt")
    ids = tokenize(loaded, TEXTS)
    packed = pack(np.concatenate(ids), np.array([len(row) for row in ids]), loaded.eot_id, 1)
    with torch.no_grad():
        expected = model.text_projection(model.text_model(**inputs).pooler_output)
        torch.testing.assert_close(encode_tokens(loaded.model, padded(loaded, TEXTS), loaded.eot_id), expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(encode_packed(loaded.model, packed)[:, 0], expected, atol=1e-5, rtol=1e-5)


def test_weights_stored_in_half_precision_are_trained_in_single(backbone, tmp_path):
    write_clip(tmp_path, backbone.tokenizer, half=True)
    assert load_backbone(str(tmp_path)).model.dtype == torch.float32


def test_a_model_that_is_no_clip_is_named_by_its_kind(backbone, tmp_path):
    SiglipConfig().save_pretrained(tmp_path)
    backbone.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="is no CLIP but 'siglip'"):
        load_backbone(str(tmp_path))


def test_a_text_encoder_in_the_layout_of_rtds_authors_is_loaded(backbone, tmp_path):
    model = load_backbone("random:tiny", seed=1).model
    export_pt(model, tmp_path / "encoder.pt")
    assert weights_hash(load_backbone("random:tiny", text_encoder=str(tmp_path / "encoder.pt")).model) == weights_hash(model)
    # As an older transformers wrote it.
    released = torch.load(tmp_path / "encoder.pt")
    released["CLIPTextModelWithProjection"]["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    torch.save(released, tmp_path / "older.pt")
    assert weights_hash(load_backbone("random:tiny", text_encoder=str(tmp_path / "older.pt")).model) == weights_hash(model)
    assert weights_hash(backbone.model) != weights_hash(model)


def test_files_that_hold_no_text_encoder_are_refused(backbone, tmp_path):
    torch.save({"epoch": 1, "Phi": {"layers.0.weight": torch.zeros(2)}}, tmp_path / "phi.pt")
    torch.save({"CLIPTextModelWithProjection": {"text_projection.weight": torch.zeros(2, 2)}}, tmp_path / "other.pt")
    torch.save({"CLIPTextModelWithProjection": Trap()}, tmp_path / "trap.pt")
    for name, message in (
        ("phi.pt", "holds no text encoder"),
        ("other.pt", r"does not fit the backbone \(size mismatch for text_projection.weight"),
        ("trap.pt", "not a file of plain weights"),
        ("none.pt", "no such file"),
    ):
        with pytest.raises(ModelError, match=message):
            load_backbone("random:tiny", text_encoder=str(tmp_path / name))


def test_tokenizers_are_told_apart_and_not_by_how_they_were_called(backbone):
    before = tokenizer_hash(backbone.tokenizer)
    backbone.tokenizer(["a dog"], truncation=True, max_length=5, padding="max_length")
    assert tokenizer_hash(backbone.tokenizer) == before
    backbone.tokenizer.add_tokens(["wug"])
    assert tokenizer_hash(backbone.tokenizer) != before


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
