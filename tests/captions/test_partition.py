"""Captions are divided by the hash of their text, the same way whatever the order of reading."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import embedded_captions, write_lines
from tripletgen.captions.partition import (
    Dropped,
    digest,
    first_group_of,
    iter_clean,
    partition,
    read_partition,
    read_unit,
    unit_of,
    unit_path,
)
from tripletgen.captions.sources import Source
from tripletgen.errors import SourceError
from tripletgen.schema import group_id_of

CAPTIONS = embedded_captions(9)


def source(path: Path, lines: list[str]) -> Source:
    write_lines(path, lines)
    return Source(path.name, str(path), "MIT", None)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20), st.integers(1, 2**32 - 1))
def test_a_unit_is_the_floor_of_its_share_of_the_hash_range(group_ids, num_units):
    found = unit_of(np.array(group_ids, np.uint64), num_units)
    assert found.tolist() == [group_id * num_units // 2**64 for group_id in group_ids]


@given(st.integers(1, 2**31))
def test_a_unit_begins_at_its_first_group(num_units):
    for unit in (0, num_units // 3, num_units - 1):
        first = first_group_of(unit, num_units)
        assert unit_of(np.array([first, max(first - 1, 0)], np.uint64), num_units).tolist() == [unit, max(unit - 1, 0)]


def test_every_caption_is_in_the_unit_of_its_hash_once(tmp_path, small_units):
    result = partition([source(tmp_path / "a.txt", CAPTIONS)], tmp_path / "p")
    assert (result.num_units, result.num_captions) == (-(-len(CAPTIONS) // 32), len(CAPTIONS))
    units = [read_unit(tmp_path / "p", unit) for unit in range(result.num_units)]
    assert sorted(caption.text for unit in units for caption in unit) == sorted(CAPTIONS)
    for number, captions in enumerate(units):
        assert {caption.group_id * result.num_units // 2**64 for caption in captions} <= {number}
        assert captions == sorted(captions, key=lambda caption: caption.group_id)


def test_a_caption_knows_where_it_came_from(tmp_path):
    partition([source(tmp_path / "a.txt", ["one", CAPTIONS[0]])], tmp_path / "p")
    assert read_unit(tmp_path / "p", 0) == [(CAPTIONS[0], "a.txt", "2", "MIT", group_id_of(CAPTIONS[0]))]


def test_rows_read_are_those_kept_and_those_dropped(tmp_path):
    drops: list[Dropped] = []
    lines = [*CAPTIONS[:5], "too short", "Der Hund und die Katze sitzen auf dem Sofa", ""]
    result = partition([source(tmp_path / "a.txt", lines)], tmp_path / "p", on_drop=drops.append)
    assert result.sources == [{"name": "a.txt", "licence": "MIT", "rows": 8}]
    assert result.dropped == {"empty": 1, "not_english": 1, "too_short": 1}
    assert drops == [
        ("too_short", "too short", "a.txt", "6"),
        ("not_english", "Der Hund und die Katze sitzen auf dem Sofa", "a.txt", "7"),
        ("empty", "", "a.txt", "8"),
    ]


def test_a_finished_partition_is_read_back_as_it_was(tmp_path):
    result = partition([source(tmp_path / "a.txt", CAPTIONS)], tmp_path / "p")
    assert read_partition(tmp_path / "p") == result


def test_a_second_partition_leaves_nothing_of_the_first(tmp_path, small_units):
    partition([source(tmp_path / "a.txt", CAPTIONS)], tmp_path / "p")
    partition([source(tmp_path / "a.txt", CAPTIONS[:1])], tmp_path / "p")
    assert [path.name for path in (tmp_path / "p").glob("unit-*")] == ["unit-00000.arrow"]


def test_the_order_of_reading_does_not_change_a_unit(tmp_path, small_units):
    shuffled = random.Random(1).sample(CAPTIONS, len(CAPTIONS))
    for name, lines in (("p", CAPTIONS), ("q", shuffled)):
        partition([Source("a", str(write_lines(tmp_path / name / "a.txt", lines)), "MIT", None)], tmp_path / name)
    assert [c.text for c in read_unit(tmp_path / "p", 1)] == [c.text for c in read_unit(tmp_path / "q", 1)]


def test_the_files_of_a_large_corpus_are_runs_of_streams(tmp_path):
    many = [f"{caption} Beside it stands a box of {word} apples" for caption in CAPTIONS[:100] for word in map(str, range(100))]
    result = partition([source(tmp_path / "a.txt", many)], tmp_path / "p")
    captions = [caption for unit in range(result.num_units) for caption in read_unit(tmp_path / "p", unit)]
    assert result.num_units == 10
    assert len(captions) == result.num_captions == 10_000


def test_of_equal_captions_the_first_by_source_stays(tmp_path):
    sources = [source(tmp_path / "b.txt", ["A red car on a street!"]), source(tmp_path / "a.txt", ["a red car, on a street"])]
    partition(sources, tmp_path / "p")
    drops: list[Dropped] = []
    captions = read_unit(tmp_path / "p", 0, drops.append)
    assert [caption.source for caption in captions] == ["a.txt"]
    assert drops == [("duplicate", "A red car on a street!", "b.txt", "1")]


def test_a_limit_counts_raw_rows_over_all_sources(tmp_path):
    sources = [source(tmp_path / "a.txt", ["too short", *CAPTIONS[:3]]), source(tmp_path / "b.txt", CAPTIONS[3:9])]
    result = partition(sources, tmp_path / "p", limit=6)
    assert [entry["rows"] for entry in result.sources] == [4, 2]
    assert result.num_captions == 5


def test_a_source_beyond_the_limit_is_not_opened(tmp_path):
    sources = [source(tmp_path / "a.txt", CAPTIONS[:3]), Source("gone", str(tmp_path / "gone.txt"), "MIT", None)]
    assert partition(sources, tmp_path / "p", limit=2).num_captions == 2


def test_a_source_that_breaks_off_leaves_no_finished_partition(tmp_path):
    with pytest.raises(SourceError):
        partition([source(tmp_path / "a.txt", CAPTIONS), source(tmp_path / "b.txt", [])], tmp_path / "p")
    assert not (tmp_path / "p/partition.json").exists()


def test_a_broken_row_is_dropped_by_that_name(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"A red car on a street.\n" * 199 + b"\xff\xfe\n")
    drops: list[Dropped] = []
    list(iter_clean([Source("a", str(tmp_path / "a.txt"), "MIT", None)], None, drops.append, Counter()))
    assert drops == [("broken_row", "", "a", "200")]


def test_a_unit_without_captions_has_no_file_and_no_rows(tmp_path):
    assert not unit_path(tmp_path, 3).exists()
    assert read_unit(tmp_path, 3) == []


def test_the_digest_of_a_unit_changes_with_its_provenance(tmp_path):
    partition([source(tmp_path / "a.txt", CAPTIONS[:5])], tmp_path / "p")
    captions = read_unit(tmp_path / "p", 0)
    assert digest(captions) == digest(list(captions))
    assert digest(captions) != digest([captions[0]._replace(licence="CC0-1.0"), *captions[1:]])


def test_a_unit_file_is_readable_with_arrow_alone(tmp_path):
    partition([source(tmp_path / "a.txt", CAPTIONS[:5])], tmp_path / "p")
    with pa.OSFile(str(unit_path(tmp_path / "p", 0)), "rb") as file:
        assert pa.ipc.open_stream(file).read_all().column_names == ["text", "source", "source_id", "licence", "group_id"]
