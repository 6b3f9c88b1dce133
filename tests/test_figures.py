"""What is counted in shards adds up, whoever counts them."""

from collections import Counter

from tests.helpers import rows_of
from tripletgen.figures import add_up, measure, measure_quality
from tripletgen.schema import Triplet
from tripletgen.shards.reader import all_shards
from tripletgen.shards.writer import write_rows, write_shard


def shard(folder, number, rows):
    write_rows(folder / f"{number}.arrow", rows)
    write_shard(folder / f"{number}.parquet", [folder / f"{number}.arrow"])
    return folder / f"{number}.parquet"


def test_the_counts_of_shards_are_those_of_one(built, tmp_path):
    rows = [Triplet(**row) for row in rows_of(built, "train")]
    whole = measure(shard(tmp_path, 0, rows))
    parts = add_up(measure(shard(tmp_path, number, part)) for number, part in enumerate((rows[:70], rows[70:]), 1))
    assert (parts.rows, parts.words, parts.first_words) == (whole.rows, whole.words, whole.first_words)
    assert whole.words["target_caption"] == Counter(row.target_caption.count(" ") + 1 for row in rows)
    assert whole.first_words.total() == len(rows)


def test_quality_is_of_the_first_rows_and_reads_no_more(built, tmp_path, monkeypatch):
    monkeypatch.setattr("tripletgen.figures.QUALITY_ROWS", 20)
    assert measure_quality([*all_shards(built)[:1], tmp_path / "absent.parquet"]).rows == 20
