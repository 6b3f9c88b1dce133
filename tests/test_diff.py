"""What changed between two builds, down to the rows."""

import json

import pytest
from typer.testing import CliRunner

import tripletgen
from tests.helpers import embedded_captions, rows_of, write_lines
from tripletgen.captions.sources import SourceSpec
from tripletgen.cli.app import app
from tripletgen.diff import compare
from tripletgen.errors import DataError
from tripletgen.summary import summarise


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Return a build of the same captions with two more, at most two triplets a caption, and without one edit type."""
    folder = tmp_path_factory.mktemp("other")
    more = ["A dog sleeps on a red sofa near the window.", "Too short"]
    source = write_lines(folder / "captions.txt", [*embedded_captions(6), *more])
    types = tuple(name for name in tripletgen.BuildOptions("-").edit_types if name != "combine")
    specs = (SourceSpec(str(source), "CC0-1.0"),)
    options = tripletgen.BuildOptions(str(folder / "out"), specs, max_per_caption=2, edit_types=types, validation_fraction=0.2)
    tripletgen.build(options)
    return folder / "out"


def test_a_data_set_does_not_differ_from_itself(built):
    changes = compare(built, built)
    assert changes["same_build"]
    assert changes["same_rows"]
    rows = len(rows_of(built) + rows_of(built, "validation"))
    assert changes["triplets"] == {"kept": rows, "removed": 0, "added": 0}
    assert all(not changes[key] for key in ("versions", "recipe", "inputs", "numbers", "captions", "counts", "words", "quality"))


def test_rows_are_counted_by_their_ids(built, other):
    ids = [{row["triplet_id"] for split in ("train", "validation") for row in rows_of(folder, split)} for folder in (built, other)]
    changes = compare(built, other)
    assert changes["triplets"] == {"kept": len(ids[0] & ids[1]), "removed": len(ids[0] - ids[1]), "added": len(ids[1] - ids[0])}
    assert not changes["same_build"]
    assert not changes["same_rows"]


def test_recipe_inputs_and_counts_are_shown_before_and_after(built, other):
    changes = compare(built, other)
    assert changes["recipe"]["max_per_caption"] == [8, 2]
    assert "seed" not in changes["recipe"]
    assert changes["inputs"]["captions.txt"][1] == ["CC0-1.0", len(embedded_captions(6)) + 2]
    before = sum(row["edit_type"] == "combine" for split in ("train", "validation") for row in rows_of(built, split))
    assert changes["counts"]["edit_types"]["combine"] == [before, 0]
    assert changes["captions"]["dropped: url_email_phone"] == [1, 0]
    assert set(changes["counts"]["licences"]) == {"CC-BY-4.0", "CC0-1.0"}


def test_every_number_of_the_statistics_that_differs_is_shown(built, other):
    old, new, changes = summarise(built), summarise(other), compare(built, other)
    shown = {**changes["counts"], **changes["numbers"], **{key: changes[key] for key in ("captions", "words", "quality")}}
    differing = {key for key in old if old[key] != new[key]} - {"fingerprint"}
    assert {"bytes", "splits", "triplets", "quality"} <= differing
    assert {key for key, change in shown.items() if change} == differing
    assert changes["counts"]["bytes"]["train"] == [old["bytes"]["train"], new["bytes"]["train"]]
    assert changes["quality"]["rows"] == [old["triplets"], new["triplets"]]


def test_the_other_way_round_is_the_mirror_image(built, other):
    there, back = compare(built, other), compare(other, built)
    assert back["triplets"] == {**there["triplets"], "removed": there["triplets"]["added"], "added": there["triplets"]["removed"]}
    assert back["numbers"] == {name: pair[::-1] for name, pair in there["numbers"].items()}


def test_the_command_prints_tables_and_json(built, other):
    done = CliRunner().invoke(app, ["diff", str(built), str(other)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "max_per_caption" in done.stdout
    assert "quality" in done.stdout
    kept = compare(built, other)["triplets"]["kept"]
    assert f"{kept:,} triplets in both" in done.stdout
    done = CliRunner().invoke(app, ["diff", str(built), str(other), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout) == compare(built, other)


def test_nothing_but_the_rows_is_said_of_equal_data_sets(built):
    done = CliRunner().invoke(app, ["diff", str(built), str(built)])
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.endswith("the same rows in all\n")


def test_a_folder_that_is_no_data_set_is_named(built, tmp_path):
    with pytest.raises(DataError, match="not a data set of tripletgen"):
        compare(built, tmp_path)
