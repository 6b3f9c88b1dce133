"""The numbers of a data set are those of its rows."""

import json
from statistics import mean, median

import pytest

from tests.helpers import rows_of
from tripletgen.errors import DataError
from tripletgen.schema import normalise
from tripletgen.shards.manifest import read_manifest
from tripletgen.summary import summarise


def test_the_numbers_are_those_of_the_rows(built):
    rows, summary = rows_of(built, "train") + rows_of(built, "validation"), summarise(built)
    assert summary["triplets"] == len(rows)
    assert summary["splits"] == {split: len(rows_of(built, split)) for split in ("train", "validation")}
    assert sum(summary["edit_types"].values()) == sum(summary["phrasings"].values()) == len(rows)
    assert summary["licences"] == {"CC-BY-4.0": len(rows)}
    assert summary["origins"] == {"rule": len(rows)}
    assert summary["distinct_modification_texts"] == len({normalise(row["modification_text"]) for row in rows})
    assert summary["captions"] == read_manifest(built)["captions"]


def test_lengths_are_counted_in_words(built):
    rows, words = rows_of(built, "train") + rows_of(built, "validation"), summarise(built)["words"]
    for column, described in words.items():
        lengths = [len(row[column].split(" ")) for row in rows]
        assert described["mean"] == round(mean(lengths), 2)
        assert abs(described["median"] - median(lengths)) <= 0.5
        assert described["median"] <= described["p95"] <= max(lengths)


def test_the_summary_is_json_and_always_the_same(built):
    assert json.dumps(summarise(built)) == json.dumps(summarise(built))


def test_a_folder_that_is_no_data_set_is_named(tmp_path):
    with pytest.raises(DataError, match="not a data set of tripletgen"):
        summarise(tmp_path)
