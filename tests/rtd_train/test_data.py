"""Triplets are read from every kind of data, tokenised once, and drawn by number."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rtd_train.data import Ragged, draw, read_triplets
from rtd_train.device import World
from rtd_train.errors import DataError
from rtd_train.sharing import share_tokens
from tests.helpers import rows_of

ALONE = World(torch.device("cpu"))
TRIPLET = {"reference_caption": "a dog", "conditioning_caption": "is a cat", "target_caption": "a cat"}


def rows(texts):
    return [
        (texts.captions[r], str(m), texts.captions[t]) for r, m, t in zip(texts.reference, texts.modifications, texts.target, strict=True)
    ]


def test_shards_are_read_whole_and_in_order(triplets):
    expected = [(row["reference_caption"], row["modification_text"], row["target_caption"]) for row in rows_of(triplets)]
    assert rows(read_triplets(str(triplets))) == expected


def test_the_json_of_rtd_is_read_as_a_list_and_as_lines(tmp_path):
    other = {**TRIPLET, "target_caption": "a dog"}
    (tmp_path / "list.json").write_text(json.dumps([TRIPLET, other]))
    (tmp_path / "lines.jsonl").write_text(json.dumps(TRIPLET) + "\n" + json.dumps(other) + "\n")
    expected = [("a dog", "is a cat", "a cat"), ("a dog", "is a cat", "a dog")]
    for name in ("list.json", "lines.jsonl"):
        texts = read_triplets(str(tmp_path / name))
        assert rows(texts) == expected
        assert texts.captions == ["a dog", "a cat"]


def test_a_data_set_in_the_layout_of_the_hub_is_read(tmp_path):
    pq.write_table(pa.table({name: [text] for name, text in TRIPLET.items()}), tmp_path / "train-00000-of-00001.parquet")
    assert rows(read_triplets(str(tmp_path))) == [("a dog", "is a cat", "a cat")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "not JSON"),
        ("[1]", "not a list of objects"),
        ("[]", "no column"),
        ('[{"reference_caption": "a", "target_caption": "b"}]', "no column modification_text; it has reference_caption, target_caption"),
        (json.dumps([TRIPLET, {**TRIPLET, "target_caption": None}]), "object 1 lacks a text"),
    ],
)
def test_json_that_is_no_triplets_is_refused(content, message, tmp_path):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_triplets(str(tmp_path / "x.json"))


def test_a_folder_without_shards_or_with_other_splits_says_so(tmp_path, triplets):
    with pytest.raises(DataError, match="no shards of split 'train'"):
        read_triplets(str(tmp_path))
    with pytest.raises(DataError, match="no shards of split 'test'") as caught:
        read_triplets(str(triplets), "test")
    assert "train" in caught.value.hint


def test_another_schema_version_is_refused(tmp_path, dataset):
    manifest = json.loads((dataset / "manifest.json").read_text())
    (dataset / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    with pytest.raises(DataError, match="schema version 99, this trainer reads 1"):
        read_triplets(str(dataset))


def test_a_manifest_that_cannot_be_read_is_named(dataset):
    (dataset / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json: cannot be read"):
        read_triplets(str(dataset))


def test_a_row_without_a_text_is_refused(tmp_path):
    pq.write_table(
        pa.table({**{name: ["a"] for name in TRIPLET}, "conditioning_caption": [None]}), tmp_path / "train-00000-of-00001.parquet"
    )
    with pytest.raises(DataError, match="a row has no modification_text"):
        read_triplets(str(tmp_path))


def test_an_empty_split_is_refused(tmp_path):
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in TRIPLET}), tmp_path / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match="no triplet in it"):
        read_triplets(str(tmp_path))


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_rows_are_taken_side_by_side(lists, data):
    flat = np.array([item for row in lists for item in row], np.int32)
    ragged = Ragged(flat, np.cumsum([0, *map(len, lists)]))
    chosen = data.draw(st.lists(st.integers(0, len(lists) - 1), min_size=1, max_size=5))
    taken = ragged.take(np.array(chosen), padding=0)
    longest = max(len(lists[k]) for k in chosen)
    assert taken.tolist() == [lists[k] + [0] * (longest - len(lists[k])) for k in chosen]


def test_texts_are_tokenised_once(tmp_path):
    calls = []

    def tokenize(batch):
        calls.append(len(batch))
        return [[len(text)] for text in batch]

    for _ in range(2):
        ragged = share_tokens(ALONE, tmp_path / "ids", ["a", "bb", "ccc"], tokenize)
        assert ragged.flat.tolist() == [1, 2, 3]
    assert calls == [3]


def test_names_that_differ_behind_a_dot_are_names_of_different_tokens(tmp_path):
    for name, token in (("masked-spacy==3.8.14-one", 1), ("masked-spacy==3.8.14-two", 2), ("masked-spacy==3.8.15-one", 3)):
        assert share_tokens(ALONE, tmp_path / name, ["a"], lambda batch, token=token: [[token] for _ in batch]).flat.tolist() == [token]


@given(st.integers(1, 50), st.integers(1, 10), st.integers(0, 3))
def test_an_epoch_draws_no_row_twice(num_rows, batch, seed):
    if num_rows < batch:
        return
    epoch = [row for number in range(num_rows // batch) for row in draw(num_rows, batch, number, seed).tolist()]
    assert len(set(epoch)) == len(epoch) == num_rows // batch * batch
    assert set(epoch) <= set(range(num_rows))


def test_epochs_and_seeds_differ_and_numbers_do_not_depend_on_order():
    first = [draw(100, 50, number, 0).tolist() for number in range(4)]
    again = [draw(100, 50, number, 0).tolist() for number in (3, 0, 2, 1)]
    assert [again[1], again[3], again[2], again[0]] == first
    assert first[0] != first[2]
    assert first[0] != draw(100, 50, 0, 1).tolist()
