"""`tripletgen preview`, `check` and `stats` print what their functions return."""

import json

import pytest
from typer.testing import CliRunner

from tests.helpers import CAPTIONS, run_cli
from tripletgen.cli.app import app
from tripletgen.summary import summarise


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    return done.exit_code, done.stdout


def test_a_preview_shows_the_first_captions_with_their_triplets_and_writes_nothing(captions_file, tmp_path):
    before = sorted(tmp_path.iterdir())
    code, text = run("preview", captions_file, "-n", 2, "--max-per-caption", 1)
    assert code == 0
    assert text.count("modification") <= 2
    assert CAPTIONS[0] in text
    assert CAPTIONS[2] not in text
    assert sorted(tmp_path.iterdir()) == before


def test_a_preview_of_one_edit_type_shows_no_other(captions_file):
    _, text = run("preview", captions_file, "--edit-types", "remove_object")
    heads = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert heads
    assert all(line.startswith("remove_object/") for line in heads)


def test_a_sound_data_set_is_said_to_be_sound(built):
    assert run("check", built) == (0, f"{built}: sound\n")


def test_a_fault_exits_with_one_and_names_the_file(dataset):
    (dataset / "README.md").unlink()
    assert run("check", dataset) == (1, "README.md: missing\n")


@pytest.mark.parametrize("command", ["check", "stats"])
def test_a_folder_that_is_no_data_set_is_two_lines_and_exit_code_one(tmp_path, command):
    done = run_cli(command, tmp_path, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: {tmp_path}: no manifest.json, so not a data set of tripletgen",
        "hint: name the folder given to --out",
    ]


def test_statistics_as_json_are_the_summary(built):
    code, text = run("stats", built, "--json")
    assert code == 0
    assert json.loads(text) == summarise(built)


def test_statistics_are_shown_in_tables(built):
    code, text = run("stats", built)
    assert code == 0
    assert f"{summarise(built)['triplets']:,} triplets" in text
    assert "reference_caption" in text
    assert "CC-BY-4.0" in text
