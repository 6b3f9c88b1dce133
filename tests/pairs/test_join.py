"""All pairs of captions that are alike but for one place, against the definition written with two loops."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tripletgen.pairs.join import NEIGHBOURS, PER_CAPTION, PER_KEY, candidates_of, choose_pairs, first_of_keys, join_masks, split_pairs
from tripletgen.pairs.masks import MASK_SCHEMA

MASKS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from(["dog", "cat", "cow"])), max_size=24)


def table_of(masks, unit):
    """Return the masks of a unit; masks are (key, unit, filler), a row each."""
    rows = [(key, unit, row, "noun", 0, 0, filler, f"{filler} {key}", 1000 + row) for row, (key, unit, filler) in enumerate(masks)]
    mine = [row for row in rows if masks[row[2]][1] == unit]
    columns = zip(*mine, strict=True) if mine else ([] for _ in MASK_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, MASK_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=MASK_SCHEMA)


def joined(folder, masks, threads=1):
    """Return (unit, row, filler) -> what they were paired with."""
    paths = []
    for unit in range(3):
        paths.append(folder / f"{unit}.parquet")
        pq.write_table(table_of(masks, unit), paths[-1])
    join_masks(paths, folder / "pairs.parquet", threads)
    return pq.read_table(folder / "pairs.parquet").to_pylist()


@settings(max_examples=40, deadline=None)
@given(MASKS)
def test_the_pairs_are_those_of_two_loops(tmp_path_factory, masks):
    found = joined(tmp_path_factory.mktemp("masks"), masks)
    expected = set()
    for row, (key, unit, filler) in enumerate(masks):
        frame = [other for other in range(len(masks)) if masks[other][0] == key][:PER_KEY]
        place = {other: abs(frame.index(other) - frame.index(row)) for other in frame}
        alike = [other for other in frame if masks[other][2] != filler and place[other] <= NEIGHBOURS]
        alike = sorted(alike, key=lambda other: (place[other], other))[:PER_CAPTION]
        expected |= {(unit, row, masks[other][2], 1000 + other) for other in alike}
    assert {(one["unit"], one["row"], one["filler"], one["other"]) for one in found} == expected


def test_both_directions_are_there_in_the_order_of_units_and_rows(tmp_path):
    found = joined(tmp_path, [(7, 1, "dog"), (7, 0, "cat"), (8, 0, "cow")])
    assert [(one["unit"], one["row"], one["filler"], one["text"]) for one in found] == [(0, 1, "dog", "dog 7"), (1, 0, "cat", "cat 7")]


def test_threads_change_nothing(tmp_path):
    masks = [(k % 7, k % 3, ("dog", "cat", "cow")[k % 5 % 3]) for k in range(400)]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert joined(tmp_path / "one", masks) == joined(tmp_path / "two", masks, threads=2)


def test_a_frame_that_many_share_does_not_flood(tmp_path):
    found = joined(tmp_path, [(1, 0, ("dog", "cat")[k % 2]) for k in range(1000)])
    assert len({one["row"] for one in found}) == PER_KEY
    # Of the four neighbours on either side every second one is a cat beside a dog.
    assert max(sum(one["row"] == row for one in found) for row in range(PER_KEY)) == NEIGHBOURS
    assert max(sum(one["other"] == 1000 + row for one in found) for row in range(PER_KEY)) == NEIGHBOURS


def test_of_two_places_the_smaller_tells_the_difference(tmp_path):
    rows = [
        (key, 0, row, kind, 0, last, filler, filler, 1000 + row)
        for key, kind, last in ((1, "noun", 1), (2, "phrase", 4))
        for row, filler in enumerate(("dog", "cat"))
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), MASK_SCHEMA, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=MASK_SCHEMA), tmp_path / "masks.parquet")
    join_masks([tmp_path / "masks.parquet"], tmp_path / "pairs.parquet", threads=1)
    assert [(one["row"], one["kind"]) for one in pq.read_table(tmp_path / "pairs.parquet").to_pylist()] == [(0, "noun"), (1, "noun")]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(["dog", "cat", "cow"])), max_size=80))
def test_the_steps_of_the_join_on_parts_give_the_same_rows_as_the_join_of_all(tmp_path_factory, masks):
    read = pa.concat_tables([first_of_keys(table_of(masks, unit)) for unit in range(3)])
    by_key = [candidates_of(read.filter(pc.equal(pc.bit_wise_and(read.column("key"), 1), odd))) for odd in (0, 1)]
    candidates = pa.concat_tables(by_key)
    by_unit = [choose_pairs(candidates.filter(pc.equal(candidates.column("unit"), unit))) for unit in range(3)]
    assert pa.concat_tables(by_unit).to_pylist() == joined(tmp_path_factory.mktemp("masks"), masks)


def test_pairs_are_divided_into_a_file_for_every_few_units_that_have_any(tmp_path):
    joined(tmp_path, [(7, 0, "dog"), (7, 2, "cat")])
    split_pairs(tmp_path / "pairs.parquet", 1, lambda unit: tmp_path / f"chunk-{unit}")
    assert {path.name: pq.read_table(path).column("text").to_pylist() for path in tmp_path.glob("chunk-*")} == {
        "chunk-0": ["cat 7"],
        "chunk-2": ["dog 7"],
    }
