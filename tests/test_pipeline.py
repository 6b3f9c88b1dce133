"""A build as a whole: the same bytes whatever the way, counts that add up, splits that do not share a caption."""

import json
import random
from collections import Counter

import pyarrow.parquet as pq
import pytest
import yaml

import tripletgen
from tests.helpers import CAPTIONS, SMALL_UNITS, digests, embedded_captions, rows_of, run_cli, write_lines
from tripletgen.assets import code_digest
from tripletgen.captions.sources import SourceSpec
from tripletgen.errors import OutputError, SourceError, TripletgenError
from tripletgen.schema import Triplet
from tripletgen.shards.manifest import read_manifest
from tripletgen.work import Work


def build(out, *sources, **options):
    specs = tuple(SourceSpec(str(source), "MIT") for source in sources)
    return tripletgen.build(tripletgen.BuildOptions(str(out), specs, **options))


def test_the_manifest_says_what_was_built(built):
    manifest = read_manifest(built)
    assert manifest["recipe"]["shard_rows"] == 200
    assert manifest["sources"] == [{"name": "captions.txt", "licence": "CC-BY-4.0", "rows": manifest["captions"]["read"]}]
    assert manifest["generator"] == f"tripletgen {tripletgen.__version__}"
    assert manifest["model"].startswith("en_core_web_sm")


def test_a_build_returns_its_manifest(tmp_path, captions_file):
    assert build(tmp_path / "out", captions_file) == read_manifest(tmp_path / "out")


def test_the_recipe_lies_beside_the_data(built):
    assert yaml.safe_load((built / "recipe.yaml").read_text(encoding="utf-8")) == read_manifest(built)["recipe"]


def test_nothing_of_the_work_is_left(built):
    assert sorted(path.name for path in built.iterdir()) == ["README.md", "data", "manifest.json", "recipe.yaml", "rejects"]


def test_every_caption_read_is_used_or_dropped_with_a_reason(built):
    captions = read_manifest(built)["captions"]
    assert captions["read"] == captions["used"] + sum(captions["dropped"].values())
    assert {"duplicate", "not_english", "too_short", "url_email_phone"} <= set(captions["dropped"])


def test_the_captions_used_are_the_references_of_the_rows(built):
    references = {row["group_id"] for split in ("train", "validation") for row in rows_of(built, split)}
    assert len(references) == read_manifest(built)["captions"]["used"]


def test_every_dropped_caption_and_rejected_candidate_has_a_row_among_the_rejects(built):
    manifest = read_manifest(built)
    rows = pq.read_table(next((built / "rejects").glob("*.parquet"))).to_pylist()
    captions = Counter(row["reason"] for row in rows if row["stage"] != "filter")
    candidates = Counter(row["reason"] for row in rows if row["stage"] == "filter")
    assert captions == manifest["captions"]["dropped"]
    assert candidates == manifest["candidates"]["rejected"]
    assert all((row["target_caption"] is None) == (row["stage"] != "filter") for row in rows)


def test_a_caption_that_stands_there_twenty_thousand_times_fills_no_memory_with_rejects(tmp_path):
    write_lines(tmp_path / "a.txt", ["A black dog sleeps on the sofa."] * 20_500)
    source = SourceSpec(str(tmp_path / "a.txt"), "MIT")
    manifest = tripletgen.build(tripletgen.BuildOptions(str(tmp_path / "out"), (source,), keep_rejects=True, validation_fraction=0.0))
    assert manifest["captions"]["dropped"] == {"duplicate": 20_499}
    rejects = pq.read_table(tmp_path / "out/rejects")
    assert Counter(rejects.column("reason").to_pylist())["duplicate"] == 10_000
    assert manifest["rejects"] == {"kept": rejects.num_rows, "not_kept": 10_499}
    assert "10,499 more were counted and not kept" in (tmp_path / "out/README.md").read_text(encoding="utf-8")


def test_of_captions_that_cleaning_drops_the_number_not_kept_is_told(tmp_path):
    write_lines(tmp_path / "a.txt", [*CAPTIONS, *["too short"] * 100_005])
    source = SourceSpec(str(tmp_path / "a.txt"), "MIT")
    manifest = tripletgen.build(tripletgen.BuildOptions(str(tmp_path / "out"), (source,), keep_rejects=True, validation_fraction=0.0))
    rejects = pq.read_table(tmp_path / "out/rejects").column("reason").to_pylist()
    assert (rejects.count("too_short"), manifest["captions"]["dropped"]["too_short"]) == (100_000, 100_005)
    assert manifest["rejects"] == {"kept": len(rejects), "not_kept": 5}


def test_where_all_rejects_are_kept_that_is_told(built):
    assert read_manifest(built)["rejects"] == {"kept": pq.read_table(built / "rejects").num_rows, "not_kept": 0}
    assert "not kept" not in (built / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("column", ["edit_type", "phrasing", "origin", "licence", "source"])
def test_the_counts_of_the_manifest_are_those_of_the_rows(built, column):
    counts = Counter(row[column] for split in ("train", "validation") for row in rows_of(built, split))
    assert read_manifest(built)["triplets"][column] == counts


def test_no_caption_is_in_both_splits(built):
    train, validation = ({row["reference_caption"] for row in rows_of(built, split)} for split in ("train", "validation"))
    assert train
    assert validation
    assert not train & validation


def test_validation_has_about_the_share_asked_for(built):
    train, validation = ({row["group_id"] for row in rows_of(built, split)} for split in ("train", "validation"))
    assert 0.1 < len(validation) / (len(train) + len(validation)) < 0.3
    assert min(validation) >= 2**64 * 8 // 10 > max(train)


def test_no_validation_fraction_means_no_validation_split(tmp_path, captions_file):
    manifest = build(tmp_path / "out", captions_file, validation_fraction=0.0)
    assert list(manifest["splits"]) == ["train"]
    assert not list((tmp_path / "out/data").glob("validation*"))


def test_rows_lie_in_several_shards_in_the_order_of_their_hash(built):
    groups = [row["group_id"] for row in rows_of(built)]
    assert len(list((built / "data").glob("train-*"))) > 1
    assert groups == sorted(groups)


def test_no_triplet_stands_twice_and_no_caption_has_more_than_asked(built):
    rows = [Triplet(**row) for split in ("train", "validation") for row in rows_of(built, split)]
    assert len({row.triplet_id for row in rows}) == len(rows)
    assert max(Counter(row.group_id for row in rows).values()) <= 8


def test_many_identical_captions_are_one_and_the_rest_are_duplicates(tmp_path):
    write_lines(tmp_path / "a.txt", [CAPTIONS[0]] * 20_000)
    manifest = build(tmp_path / "out", tmp_path / "a.txt")
    assert manifest["captions"] == {"read": 20_000, "used": 1, "dropped": {"duplicate": 19_999}}


def test_a_megabyte_caption_and_control_characters_do_no_harm(tmp_path):
    write_lines(tmp_path / "a.txt", ["A dog on the grass. " * 50_000, "A brown\x07 dog \x1b[31mruns\u202e across the green grass."])
    manifest = build(tmp_path / "out", tmp_path / "a.txt", keep_rejects=True, validation_fraction=0.0)
    assert manifest["captions"]["dropped"]["too_long"] == 1
    for row in rows_of(tmp_path / "out"):
        assert all(text.isprintable() for text in (row["reference_caption"], row["modification_text"], row["target_caption"]))


def test_one_broken_row_in_two_hundred_is_counted_and_the_build_goes_on(tmp_path):
    lines = [f'{{"caption": "{caption}"}}' for caption in embedded_captions(1)[:199] if '"' not in caption]
    write_lines(tmp_path / "a.jsonl", [*lines, '{"caption": '])
    manifest = build(tmp_path / "out", tmp_path / "a.jsonl")
    assert manifest["captions"]["dropped"]["broken_row"] == 1
    assert manifest["captions"]["read"] == len(lines) + 1


def test_two_sources_keep_their_names_and_licences(tmp_path):
    specs = (
        SourceSpec(str(write_lines(tmp_path / "a.txt", CAPTIONS[:4])), "MIT"),
        SourceSpec(str(write_lines(tmp_path / "b.txt", CAPTIONS[4:])), "CC0-1.0", name="bee"),
    )
    tripletgen.build(tripletgen.BuildOptions(str(tmp_path / "out"), specs, validation_fraction=0.0))
    assert {(row["source"], row["licence"]) for row in rows_of(tmp_path / "out")} == {("a.txt", "MIT"), ("bee", "CC0-1.0")}


def test_another_seed_is_another_data_set_and_the_same_seed_the_same(tmp_path, captions_file):
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        build(tmp_path / name, captions_file, seed=seed, max_per_caption=1)
    assert digests(tmp_path / "one") == digests(tmp_path / "again")
    assert digests(tmp_path / "one/data") != digests(tmp_path / "two/data")


def test_the_order_of_the_lines_changes_no_text(tmp_path):
    for name, lines in (("one", CAPTIONS), ("two", random.Random(0).sample(CAPTIONS, len(CAPTIONS)))):
        build(tmp_path / name / "out", write_lines(tmp_path / name / "a.txt", lines))
    one, two = ([{**row, "source_id": ""} for row in rows_of(tmp_path / name / "out")] for name in ("one", "two"))
    assert one == two


def test_workers_and_the_order_of_sources_do_not_change_a_byte(tmp_path):
    captions = embedded_captions(6)
    for name, part in (("a.txt", captions[:100]), ("b.txt", captions[100:200]), ("c.txt", captions[200:])):
        write_lines(tmp_path / name, part)

    options = ["--quiet", "--shard-rows", "200", "--keep-rejects", "--validation-fraction", "0.1"]
    for out, workers, sources in (("one", 1, "abc"), ("two", 2, "cab")):
        names = [f"{name}.txt" for name in sources]
        done = run_cli("build", *names, "--out", out, "--workers", workers, *options, cwd=tmp_path, app=SMALL_UNITS)
        assert done.returncode == 0, done.stderr
    assert len(digests(tmp_path / "one")) > 6
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_folder_that_holds_something_else_is_not_touched(tmp_path, captions_file):
    write_lines(tmp_path / "out/mine.txt", ["mine"])
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"not empty and not a data set|holds files that tripletgen did not write"):
            build(tmp_path / "out", captions_file, overwrite=overwrite)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "names", [["README.md", "data/raw.csv"], ["data/raw.csv"], ["README.md", "data/raw.csv", "src/a.py"], ["manifest.json"]]
)
def test_a_project_with_names_like_ours_loses_nothing(tmp_path, captions_file, names):
    for name in names:
        write_lines(tmp_path / "out" / name, ["mine"])
    before = digests(tmp_path / "out")
    with pytest.raises(OutputError, match=r"not empty and not a data set|holds files that tripletgen did not write") as caught:
        build(tmp_path / "out", captions_file, overwrite=True)
    assert caught.value.hint == "give --out a new folder"
    assert digests(tmp_path / "out") == before


def test_a_data_set_beside_files_of_yours_is_not_overwritten(tmp_path, captions_file):
    build(tmp_path / "out", captions_file)
    write_lines(tmp_path / "out/mine.txt", ["mine"])
    before = digests(tmp_path / "out")
    with pytest.raises(OutputError, match="holds files that tripletgen did not write"):
        build(tmp_path / "out", captions_file, overwrite=True)
    assert digests(tmp_path / "out") == before


def test_a_data_set_that_was_changed_by_hand_can_be_overwritten(tmp_path, captions_file):
    manifest = build(tmp_path / "out", captions_file)
    (tmp_path / "out/manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert build(tmp_path / "out", captions_file, overwrite=True) == manifest


def test_a_kill_while_a_data_set_is_removed_leaves_one_that_overwrite_knows(tmp_path, captions_file):
    manifest = build(tmp_path / "out", captions_file)
    work = Work(str(tmp_path / "out"), tmp_path / "out", None)
    work.mark("removed")
    work.remove("manifest.json", "README.md")
    with pytest.raises(OutputError, match="holds an unfinished build of another recipe"):
        build(tmp_path / "out", captions_file)
    assert build(tmp_path / "out", captions_file, overwrite=True) == manifest


def test_overwriting_replaces_a_data_set(tmp_path, captions_file):
    build(tmp_path / "out", captions_file, shard_rows=4, validation_fraction=0.4)
    build(tmp_path / "out", captions_file, overwrite=True)
    build(tmp_path / "fresh", captions_file)
    assert digests(tmp_path / "out") == digests(tmp_path / "fresh")


def test_captions_that_are_all_dropped_stop_with_their_reasons(tmp_path):
    write_lines(tmp_path / "a.txt", ["too short", "a #hashtag of a dog", "short"])
    with pytest.raises(SourceError, match=r"no caption is left of 3 rows \(masked_number_or_hashtag 1, too_short 2\)"):
        build(tmp_path / "out", tmp_path / "a.txt")


def test_captions_that_give_no_triplet_stop_with_a_remedy(tmp_path):
    write_lines(tmp_path / "a.txt", ["Paint the house again"])
    with pytest.raises(TripletgenError, match="no triplet came of these captions"):
        build(tmp_path / "out", tmp_path / "a.txt")
    assert not (tmp_path / "out/manifest.json").exists()


def test_the_code_is_part_of_the_fingerprint():
    assert len(code_digest()) == 16
    assert code_digest() == code_digest()
