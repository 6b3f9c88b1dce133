"""The probes tell a model that reads the modification from one that does not."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from rtd_train.errors import DataError
from rtd_train.evaluation.probes import TextTriplet, alignment, caption_to_image, probe, read_split, triplets_task
from tests.evaluation.fakes import fake_system

WORDS = [f"word{number}" for number in range(12)]
TRIPLETS = [TextTriplet(f"a {word}", f"make it {other}", f"a {other}") for word, other in zip(WORDS, [*WORDS[3:], *WORDS[:3]], strict=True)]


def test_a_model_that_reads_finds_every_target_and_none_with_other_texts():
    system = fake_system(WORDS, reads=True)
    found = probe(TRIPLETS, system, {"reads": system})["reads"]
    assert found["given"] == {"R@1": 1.0, "R@5": 1.0, "R@10": 1.0}
    assert found["shuffled"]["R@1"] == 0.0
    assert found["removed"]["R@1"] < 0.5
    assert found["alignment"]["R@1"] == 1.0
    assert found["alignment"]["cosine"] == pytest.approx(1.0)


def test_a_model_that_does_not_read_is_the_same_with_and_without_modifications():
    system = fake_system(WORDS, reads=False)
    found = probe(TRIPLETS, system, {"deaf": system})["deaf"]
    assert found["given"] == found["shuffled"] == found["removed"]


def test_shuffling_gives_no_triplet_its_own_text():
    texts = triplets_task(TRIPLETS, "shuffled").texts
    assert sorted(texts) == sorted((triplet.modification,) for triplet in TRIPLETS)
    assert all(text != (triplet.modification,) for text, triplet in zip(texts, TRIPLETS, strict=True))


def test_an_alignment_that_is_lost_shows():
    before = torch.eye(4)
    assert alignment(before, before.roll(1, dims=0)) == {"R@1": 0.0, "cosine": 0.0}


def test_each_caption_looks_for_its_own_image():
    images = torch.eye(12)
    assert caption_to_image(images, images)["R@1"] == 1.0
    assert caption_to_image(images.roll(1, dims=0), images)["R@1"] == 0.0


def test_a_split_that_is_not_there_and_one_that_is_too_small_are_refused(tmp_path):
    with pytest.raises(DataError, match="has no split 'validation'"):
        read_split(tmp_path)
    with pytest.raises(DataError, match="1 triplets are too few"):
        triplets_task(TRIPLETS[:1])


def test_a_split_is_read_from_a_data_set(built):
    triplets = read_split(built, limit=20)
    assert len(triplets) == 20
    assert all(triplet.reference != triplet.target for triplet in triplets)


def test_a_file_without_the_columns_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"caption": ["a dog"]}), tmp_path / "data" / "validation-00000-of-00001.parquet")
    with pytest.raises(DataError, match="cannot be read"):
        read_split(tmp_path)
