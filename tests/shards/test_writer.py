"""Shards are runs of whole units, complete or absent, and equal for equal rows."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import digests
from tripletgen.schema import ARROW_SCHEMA, REJECT_SCHEMA, Triplet, group_id_of, triplet_id_of
from tripletgen.shards.writer import plan_shards, shard_name, write_rows, write_shard


def row(reference: str, target: str) -> Triplet:
    text = "make it blue"
    return Triplet(
        triplet_id_of(reference, text, target),
        reference,
        text,
        target,
        "rule",
        "change_attribute",
        "imperative",
        "red",
        None,
        "by_hand",
        "a.txt",
        "1",
        "MIT",
        group_id_of(reference),
    )


ROWS = [row("A red car.", "A blue car."), row("A red boat.", "A blue boat."), row("A red cup.", "A blue cup.")]


@given(st.lists(st.integers(0, 500), max_size=60), st.integers(1, 700))
def test_a_plan_keeps_the_order_and_loses_no_unit_with_rows(rows, shard_rows):
    planned = [unit for shard in plan_shards(rows, shard_rows) for unit in shard]
    assert planned == [unit for unit, number in enumerate(rows) if number]


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.integers(1, 700))
def test_a_plan_has_no_empty_shard_and_no_more_than_are_needed(rows, shard_rows):
    shards = plan_shards(rows, shard_rows)
    assert all(shards)
    assert len(shards) <= -(-sum(rows) // shard_rows)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(100, 700))
def test_a_shard_is_larger_than_asked_by_no_more_than_a_unit(rows, shard_rows):
    assert all(sum(rows[unit] for unit in shard) <= shard_rows + max(rows) for shard in plan_shards(rows, shard_rows))


def test_a_plan_of_equal_units_is_even():
    assert plan_shards([10, 10, 0, 10, 10], 20) == [[0, 1], [3, 4]]


def test_no_rows_make_no_shard():
    assert plan_shards([0, 0], 20) == []
    assert plan_shards([], 20) == []


def test_rows_come_back_as_they_were_written(tmp_path):
    write_rows(tmp_path / "a.arrow", ROWS)
    file = write_shard(tmp_path / "data/train.parquet", [tmp_path / "a.arrow"])
    assert [Triplet(**record) for record in pq.read_table(tmp_path / "data/train.parquet").to_pylist()] == ROWS
    assert file.rows == 3


def test_a_unit_without_rows_can_be_written(tmp_path):
    write_rows(tmp_path / "a.arrow", [])
    with pa.OSFile(str(tmp_path / "a.arrow"), "rb") as file:
        table = pa.ipc.open_file(file).read_all()
    assert (table.num_rows, table.schema) == (0, ARROW_SCHEMA)


def test_the_rows_of_several_units_follow_each_other(tmp_path):
    for number, one in enumerate(ROWS):
        write_rows(tmp_path / f"{number}.arrow", [one])
    write_shard(tmp_path / "a.parquet", [tmp_path / "2.arrow", tmp_path / "0.arrow"])
    assert pq.read_table(tmp_path / "a.parquet")["reference_caption"].to_pylist() == ["A red cup.", "A red car."]


def test_every_reader_sees_plain_strings(tmp_path):
    write_rows(tmp_path / "a.arrow", ROWS)
    write_shard(tmp_path / "a.parquet", [tmp_path / "a.arrow"])
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "a.parquet")}
    assert types["edit_type"] == types["reference_caption"] == "string"
    assert types["group_id"] == "uint64"


def test_equal_rows_make_equal_files(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_rows(tmp_path / name / "a.arrow", ROWS)
        write_shard(tmp_path / name / "a.parquet", [tmp_path / name / "a.arrow"])
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_file_is_listed_with_its_size_and_checksum(tmp_path):
    write_rows(tmp_path / "a.arrow", ROWS)
    file = write_shard(tmp_path / "a.parquet", [tmp_path / "a.arrow"])
    content = (tmp_path / "a.parquet").read_bytes()
    assert file == ("a.parquet", 3, len(content), hashlib.sha256(content).hexdigest())


def test_a_write_that_fails_leaves_no_file_under_the_final_name(tmp_path):
    with pytest.raises((pa.ArrowException, TypeError)):
        write_rows(tmp_path / "a.arrow", [("edit", 3, object(), None, None, "a", "1")], REJECT_SCHEMA)
    assert not (tmp_path / "a.arrow").exists()


def test_shards_are_named_as_the_datasets_library_expects():
    assert shard_name("train", 3, 8) == "train-00003-of-00008.parquet"
