"""Features are stored whole with the names of their rows and what made them, and nothing else is taken for them."""

import json

import pytest
import torch
from safetensors.torch import save_file

from rtd_train.errors import DataError
from rtd_train.evaluation.store import FORMAT, ImageFeatures, check_backbone, read_features, rows_of, write_features

STORED = ImageFeatures(("a", "b", "ß/c"), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), "openai/clip-vit-base-patch32", "k1")


def test_features_are_read_back_as_they_were_written(tmp_path):
    write_features(tmp_path / "deep" / "f.safetensors", STORED)
    back = read_features(tmp_path / "deep" / "f.safetensors")
    assert (back.names, back.backbone, back.key) == (STORED.names, STORED.backbone, STORED.key)
    assert torch.equal(back.features, STORED.features)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["f.safetensors"]


def test_what_another_process_is_writing_is_left_to_it(tmp_path):
    (tmp_path / "f.safetensors.tmp").write_bytes(b"half")
    write_features(tmp_path / "f.safetensors", STORED)
    assert (tmp_path / "f.safetensors.tmp").read_bytes() == b"half"
    assert read_features(tmp_path / "f.safetensors").names == STORED.names


def test_rows_come_in_the_order_of_their_names():
    assert rows_of(STORED, ["ß/c", "a"], "f").tolist() == [[5.0, 6.0], [1.0, 2.0]]


def test_an_image_without_a_feature_is_named():
    with pytest.raises(DataError, match="2 images have no feature, the first is 'x'"):
        rows_of(STORED, ["a", "x", "y"], "f")


def test_features_of_another_backbone_are_refused_and_it_is_named():
    check_backbone(STORED, "openai/clip-vit-base-patch32", 2, "f")
    with pytest.raises(DataError, match=r"of openai/clip-vit-base-patch32 \(2 wide\), not of openai/clip-vit-large-patch14 \(768 wide\)"):
        check_backbone(STORED, "openai/clip-vit-large-patch14", 768, "f")


def test_features_of_other_weights_are_refused_where_both_say_whose_they_are():
    check_backbone(STORED, "openai/clip-vit-base-patch32", 2, "f", "k1")
    check_backbone(ImageFeatures(STORED.names, STORED.features, STORED.backbone), STORED.backbone, 2, "f", "k2")
    with pytest.raises(DataError, match=r"with other weights, precision or preprocessing \(key k1, not k2\)"):
        check_backbone(STORED, "openai/clip-vit-base-patch32", 2, "f", "k2")


@pytest.mark.parametrize(
    ("names", "rows", "fault"),
    [
        (("a", "a"), [[1.0], [2.0]], "the id 'a' stands twice"),
        (("a",), [[1.0], [2.0]], "has 1 ids and features of shape"),
        (("a", "b"), [[1.0], [float("nan")]], "the feature of 'b' holds a value that is not a finite number"),
        (("a", "b"), [[float("inf")], [1.0]], "the feature of 'a' holds a value that is not a finite number"),
    ],
)
def test_faulty_features_are_refused_when_written_and_when_read(names, rows, fault, tmp_path):
    with pytest.raises(DataError, match=fault):
        write_features(tmp_path / "f.safetensors", ImageFeatures(names, torch.tensor(rows), "b"))
    metadata = {"format": FORMAT, "backbone": "b", "key": "", "names": json.dumps(names)}
    save_file({"features": torch.tensor(rows)}, tmp_path / "g.safetensors", metadata=metadata)
    with pytest.raises(DataError, match=fault):
        read_features(tmp_path / "g.safetensors")


def test_files_that_are_no_features_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_features(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not safetensors", encoding="utf-8")
    with pytest.raises(DataError, match="is no safetensors file"):
        read_features(tmp_path / "text.safetensors")
    save_file({"features": torch.ones(1, 1)}, tmp_path / "other.safetensors")
    with pytest.raises(DataError, match="has the format None"):
        read_features(tmp_path / "other.safetensors")
    save_file({"features": torch.ones(1, 1)}, tmp_path / "nameless.safetensors", metadata={"format": FORMAT, "backbone": "b"})
    with pytest.raises(DataError, match="names or backbone are missing"):
        read_features(tmp_path / "nameless.safetensors")
