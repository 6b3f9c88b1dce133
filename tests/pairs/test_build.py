"""A build with mined pairs: real targets, in both directions, the same bytes whatever the way."""

import pytest

import tripletgen
from tests.helpers import digests, embedded_captions, rows_of, write_lines
from tripletgen.captions.sources import SourceSpec
from tripletgen.shards.manifest import read_manifest

TWINS = [
    "A dog sleeps on the old sofa.",
    "A cat sleeps on the old sofa.",
    "A red car is parked near the bridge.",
    "A blue car is parked near the bridge.",
    "Two women walk along the wide beach.",
    "Three women walk along the wide beach.",
]


def build(out, source, **options):
    options.setdefault("pairs", True)
    return tripletgen.build(tripletgen.BuildOptions(str(out), (SourceSpec(str(source), "MIT"),), validation_fraction=0.0, **options))


def pairs_of(folder):
    return {
        (row["reference_caption"], row["target_caption"], row["edit_type"]) for row in rows_of(folder, "train") if row["origin"] == "pair"
    }


def test_captions_that_differ_in_one_place_are_triplets_in_both_directions(tmp_path):
    source = write_lines(tmp_path / "captions.txt", TWINS)
    manifest = build(tmp_path / "out", source)
    dog, cat, red, blue, two, three = TWINS
    assert pairs_of(tmp_path / "out") == {
        (dog, cat, "replace_object"),
        (cat, dog, "replace_object"),
        (red, blue, "change_attribute"),
        (blue, red, "change_attribute"),
        (two, three, "change_count"),
        (three, two, "change_count"),
    }
    assert manifest["triplets"]["origin"]["pair"] == 6
    assert max(len([row for row in rows_of(tmp_path / "out", "train") if row["reference_caption"] == one]) for one in TWINS) == 8


def test_the_rules_propose_the_same_with_and_without_pairs(tmp_path):
    source = write_lines(tmp_path / "captions.txt", TWINS)
    build(tmp_path / "with", source, max_per_caption=8)
    build(tmp_path / "without", source, max_per_caption=8, pairs=False)
    ruled = [{row["triplet_id"] for row in rows_of(tmp_path / name, "train") if row["origin"] == "rule"} for name in ("with", "without")]
    assert len(ruled[0] & ruled[1]) > 0.8 * len(ruled[1])
    assert pairs_of(tmp_path / "without") == set()


def test_no_pair_at_all_is_no_error(tmp_path):
    build(tmp_path / "out", write_lines(tmp_path / "captions.txt", TWINS[::2]))
    assert pairs_of(tmp_path / "out") == set()


def test_a_pair_across_the_splits_is_left_out(tmp_path):
    source = write_lines(tmp_path / "captions.txt", TWINS)
    options = tripletgen.BuildOptions(str(tmp_path / "out"), (SourceSpec(str(source), "MIT"),), validation_fraction=0.5, pairs=True)
    tripletgen.build(options)
    sides = {split: rows_of(tmp_path / "out", split) for split in read_manifest(tmp_path / "out")["splits"]}
    references = {split: {row["reference_caption"] for row in rows} for split, rows in sides.items()}
    targets = {split: {row["target_caption"] for row in rows if row["origin"] == "pair"} for split, rows in sides.items()}
    assert not targets["train"] & references["validation"]
    assert not targets["validation"] & references["train"]


@pytest.mark.usefixtures("small_units")
def test_workers_do_not_change_a_byte(tmp_path):
    source = write_lines(tmp_path / "captions.txt", [*TWINS, *embedded_captions(8)])
    for workers in (1, 2):
        build(tmp_path / str(workers), source, workers=workers)
    assert digests(tmp_path / "1") == digests(tmp_path / "2")
    assert len(pairs_of(tmp_path / "1")) == 6
