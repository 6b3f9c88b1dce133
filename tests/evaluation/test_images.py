"""Images are found, read, cropped and encoded once; a broken one is named or counted."""

import dataclasses
from functools import partial

import pytest
import torch
from PIL import Image

from rtd_train.errors import DataError
from rtd_train.evaluation.benchmarks import BENCHMARKS
from rtd_train.evaluation.images import Broken, extract, find_image, read_image, stored_features
from rtd_train.evaluation.store import read_features
from tests.evaluation.fakes import fake_system

COLOURS = {"a": (250, 0, 0), "b": (0, 250, 0), "c": (0, 0, 250)}


@pytest.fixture
def folder(tmp_path):
    for name, colour in COLOURS.items():
        Image.new("RGB", (8, 6), colour).save(tmp_path / f"{name}.png")
    return tmp_path


def opener(folder):
    return lambda name: read_image(folder / f"{name}.png", lambda _width, _height: None)


def test_features_follow_the_order_of_the_names(folder):
    stored = extract(["c", "a", "b"], opener(folder), fake_system("wxyz", reads=True), Broken())
    assert stored.names == ("c", "a", "b")
    assert stored.features[:, :3].argmax(dim=1).tolist() == [2, 0, 1]


def test_features_are_extracted_once(folder, tmp_path):
    system, cache = fake_system("wxyz", reads=True), tmp_path / "cache"
    first = stored_features(cache, ["a", "b"], opener(folder), system, Broken())

    def no_image(name):
        raise AssertionError(f"{name} was opened again")

    again = stored_features(cache, ["a", "b"], no_image, system, Broken())
    assert torch.equal(first.features, again.features)
    assert len(list(cache.iterdir())) == 1


def test_features_of_one_precision_are_not_taken_for_those_of_another(folder, tmp_path):
    for precision in ("float32", "bfloat16", "float32"):
        system = fake_system("wxyz", reads=True)
        described = {**system.described, "precision": precision}
        stored_features(tmp_path / "cache", ["a", "b"], opener(folder), dataclasses.replace(system, described=described), Broken())
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_an_unreadable_image_is_named(content, folder):
    (folder / "b.png").write_bytes(content)
    with pytest.raises(DataError, match="image 'b' cannot be read") as caught:
        extract(["a", "b"], opener(folder), fake_system("wxyz", reads=True), Broken())
    assert "--skip-broken" in caught.value.hint


def test_broken_images_are_counted_where_they_are_skipped_and_their_features_not_kept(folder, tmp_path):
    (folder / "b.png").write_bytes(b"not an image")
    broken = Broken(skip=True)
    stored = stored_features(tmp_path / "cache", ["a", "b", "c"], opener(folder), fake_system("wxyz", reads=True), broken)
    assert broken.names == ["b"]
    assert stored.features.any(dim=1).tolist() == [True, False, True]
    assert not (tmp_path / "cache").exists()


def test_a_broken_image_of_one_task_does_not_keep_the_features_of_the_next_from_the_cache(folder, tmp_path):
    (folder / "b.png").write_bytes(b"not an image")
    broken = Broken(skip=True)
    for names in (["a", "b"], ["a", "c"]):
        stored_features(tmp_path / "cache", names, opener(folder), fake_system("wxyz", reads=True), broken)
    (kept,) = (tmp_path / "cache").iterdir()
    assert read_features(kept).names == ("a", "c")


def test_a_missing_image_is_named_with_where_to_get_it(tmp_path):
    benchmark = BENCHMARKS["circo"]
    with pytest.raises(DataError, match=r"unlabeled2017/000000000042\.jpg: no such image") as caught:
        find_image(benchmark.image_paths(tmp_path, "val")("42"), benchmark.where)
    assert "cocodataset.org" in caught.value.hint


def test_an_image_of_an_attribute_task_is_cut_as_its_authors_do_and_padded_to_a_square(tmp_path):
    image = Image.new("RGB", (20, 10), (9, 9, 9))
    for point, colour in (((3, 2), (255, 0, 0)), ((12, 7), (0, 255, 0)), ((13, 7), (0, 0, 255))):
        image.putpixel(point, colour)
    image.save(tmp_path / "x.png")
    # The box (10, 5, 3, 3) is dilated to (7.9, 2.9, 13, 8), and (7, 4, 6, 4) to (2.8, 1.2, 13, 8): the last column is 12, the last row 7.
    small = read_image(tmp_path / "x.png", partial(BENCHMARKS["genecis"].crop_of, "1_10_5_3_3"))
    assert (small.size, small.getpixel((4, 4))) == ((5, 5), (0, 255, 0))
    wide = read_image(tmp_path / "x.png", partial(BENCHMARKS["genecis"].crop_of, "1_7_4_6_4"))
    assert wide.size == (10, 10)
    assert [wide.getpixel((0, row)) for row in (0, 1, 2, 7, 8, 9)] == [(0, 0, 0), (9, 9, 9), (255, 0, 0), (9, 9, 9), (0, 0, 0), (0, 0, 0)]
    assert wide.getpixel((9, 7)) == (0, 255, 0)
