"""Triplets are read back as a stream, and by other programs as the same rows."""

import subprocess
import sys

import duckdb
import polars
import pytest

import tripletgen
from tests.helpers import environment, rows_of
from tripletgen.errors import DataError
from tripletgen.schema import Triplet
from tripletgen.shards.reader import iter_triplets, sample_triplets, shard_paths


@pytest.mark.parametrize("split", ["train", "validation"])
def test_reading_gives_every_row_in_the_order_of_the_files(built, split):
    rows = list(tripletgen.read_triplets(built, split))
    assert rows == [Triplet(**row) for row in rows_of(built, split)]
    assert rows


def test_duckdb_reads_the_same_rows(built):
    found = duckdb.sql(f"SELECT * FROM '{built}/data/train-*.parquet' ORDER BY triplet_id").fetchall()
    assert [Triplet(*row) for row in found] == sorted(iter_triplets(built))


def test_polars_reads_the_same_rows(built):
    found = polars.read_parquet(f"{built}/data/train-*.parquet").sort("triplet_id").rows()
    assert [Triplet(*row) for row in found] == sorted(iter_triplets(built))


def test_the_datasets_library_reads_the_same_rows_and_splits(built, tmp_path):
    code = (
        "import datasets, sys, json; from tripletgen.schema import Triplet; import tripletgen\n"
        "found = datasets.load_dataset(sys.argv[1])\n"
        "assert sorted(found) == ['train', 'validation'], found\n"
        "for split in found:\n"
        "    assert [Triplet(**row) for row in found[split]] == list(tripletgen.read_triplets(sys.argv[1], split))\n"
    )
    env = environment(HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "cache"))
    done = subprocess.run([sys.executable, "-c", code, str(built)], env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_split_that_does_not_exist_is_named(built):
    with pytest.raises(DataError, match="no split 'test'") as caught:
        shard_paths(built, "test")
    assert caught.value.hint == "splits: train, validation"


def test_a_folder_that_is_no_data_set_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no manifest\.json, so not a data set of tripletgen"):
        next(iter_triplets(tmp_path))


def test_an_unfinished_build_is_called_that(tmp_path):
    (tmp_path / ".work").mkdir()
    with pytest.raises(DataError, match="the build is not finished"):
        next(iter_triplets(tmp_path))


def test_a_damaged_shard_is_named_with_a_remedy(dataset):
    shard = shard_paths(dataset, "train")[0]
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(DataError, match="cannot be read") as caught:
        list(iter_triplets(dataset))
    assert caught.value.message.startswith(str(shard))


def test_a_missing_shard_is_named(dataset):
    shard = shard_paths(dataset, "train")[0]
    shard.unlink()
    with pytest.raises(DataError, match=shard.name):
        list(iter_triplets(dataset))


def test_a_sample_has_one_row_an_edit_type_and_is_always_the_same(built):
    sample = sample_triplets(built, 4)
    assert len({row.edit_type for row in sample}) == len(sample) == 4
    assert sample == sample_triplets(built, 4)
