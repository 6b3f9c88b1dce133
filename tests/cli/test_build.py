"""`tripletgen build`: what it prints, and what is wrong in one line with a remedy in the next."""

import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.helpers import CAPTIONS, digests, obey_permissions, run_cli, write_lines
from tripletgen.cli.app import app
from tripletgen.shards.manifest import read_manifest


def fails(folder: Path, *arguments: object, out: str = "out", code: int = 1) -> tuple[str, str]:
    """Run a build that must fail as a user's error and return the two lines that it prints."""
    done = run_cli("build", *arguments, "--out", out, cwd=folder)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert len(hint) > 10
    assert not os.path.exists(folder / out / "manifest.json")
    return error.removeprefix("error: "), hint.removeprefix("hint: ")


def test_a_missing_file_is_named(tmp_path):
    assert fails(tmp_path, "nope.txt") == ("nope.txt: no such file", "check the path; globs must match at least one file")


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "a.txt").touch()
    assert fails(tmp_path, "a.txt")[0] == "a.txt: is empty"


def test_standard_input_without_a_line_is_named(tmp_path):
    done = run_cli("build", "-", "--out", "out", cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: standard input: is empty")


def test_a_source_that_cannot_be_read_leaves_nothing_so_that_the_mended_command_runs(tmp_path):
    write_lines(tmp_path / "a.csv", ["id,what", *(f"1,{caption}" for caption in CAPTIONS)])
    fails(tmp_path, "a.csv#caption")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv"]
    assert run_cli("build", "a.csv#what", "--out", "out", cwd=tmp_path).returncode == 0


def test_a_finished_build_of_standard_input_is_not_taken_for_that_of_another_input(tmp_path):
    for captions, code in ((CAPTIONS, 0), (CAPTIONS[:3], 1)):
        done = run_cli("build", "-", "--out", "out", "--quiet", cwd=tmp_path, input="\n".join(captions))
        assert done.returncode == code
    assert done.stderr.splitlines() == [
        "error: out: holds a finished build of standard input",
        "hint: --overwrite starts afresh, or give another --out",
    ]


@pytest.mark.parametrize(
    ("source", "error"),
    [("shut.txt", "shut.txt: may not be read"), ("shut/a.txt", "shut/a.txt: may not be looked at (Permission denied)")],
)
def test_a_source_that_may_not_be_read_is_named(tmp_path, source, error):
    write_lines(tmp_path / "shut.txt", CAPTIONS).chmod(0)
    write_lines(tmp_path / "shut/a.txt", CAPTIONS).parent.chmod(0)
    done = run_cli("build", source, "--out", "out", cwd=tmp_path, preexec_fn=obey_permissions)
    (tmp_path / "shut").chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"error: {error}"
    assert "permissions" in done.stderr.splitlines()[1]


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    write_lines(tmp_path / "a.csv", ["id,caption", f"1,{CAPTIONS[0]}"])
    assert fails(tmp_path, "a.csv#text") == ("a.csv: no column 'text'; it has id, caption", "name one of these: PATH#COLUMN")


def test_names_out_of_a_file_cannot_break_the_line_or_command_the_terminal(tmp_path):
    (tmp_path / "a.csv").write_text('"x\ny\x1b[31m",z\n1,2\n', encoding="utf-8")
    assert fails(tmp_path, "a.csv#text")[0] == r"a.csv: no column 'text'; it has x\ny\x1b[31m, z"


def test_too_many_broken_rows_are_counted_in_the_error(tmp_path):
    write_lines(tmp_path / "a.jsonl", [json.dumps({"caption": CAPTIONS[0]})] * 197 + ["{"] * 3)
    assert fails(tmp_path, "a.jsonl")[0] == "a.jsonl: 3 of 200 rows are broken (not UTF-8 text, or not valid JSON), the first is row 198"


def test_a_file_that_is_not_utf8_is_named_with_the_program_that_converts_it(tmp_path):
    (tmp_path / "a.txt").write_bytes("Un café à Paris\n".encode("latin-1") * 50)
    error, hint = fails(tmp_path, "a.txt")
    assert error.startswith("a.txt: 50 of 50 rows are broken")
    assert "iconv -t UTF-8" in hint


def test_a_truncated_parquet_file_is_named(tmp_path):
    pq.write_table(pa.table({"caption": CAPTIONS}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    error, hint = fails(tmp_path, "a.parquet")
    assert error.startswith("a.parquet: cannot be read (")
    assert hint == "the file may be cut short; get it again"


@pytest.mark.parametrize(
    ("recipe", "error"),
    [
        ("max_per_captions: 3\n", "r.yaml: unknown key 'max_per_captions', did you mean 'max_per_caption'?"),
        ("seed: five\n", "seed: 'five' is not a whole number of at least 0"),
        ("keep_rejects: maybe\n", "keep_rejects: 'maybe' is neither true nor false"),
        ("- a\n", "r.yaml: not a mapping of option: value"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_a_usage_error(tmp_path, recipe, error):
    (tmp_path / "r.yaml").write_text(recipe, encoding="utf-8")
    assert fails(tmp_path, "--recipe", "r.yaml", code=2)[0] == error


def test_an_unknown_edit_type_gets_the_nearest_and_all_the_others(tmp_path):
    error, hint = fails(tmp_path, "--edit-types", "add_object,remove_objects", code=2)
    assert error == "unknown edit type 'remove_objects', did you mean 'remove_object'?"
    assert hint.startswith("edit types: replace_object, change_attribute, ")


def test_a_folder_with_an_unfinished_build_of_another_recipe_is_not_touched(tmp_path, captions_file):
    write_lines(tmp_path / "out/.work/fingerprint", ["another"])
    before = digests(tmp_path / "out")
    error, hint = fails(tmp_path, captions_file)
    assert error == "out: holds an unfinished build of another recipe, source or version"
    assert hint == "--overwrite starts afresh, --resume keeps what still fits, or give another --out"
    assert digests(tmp_path / "out") == before


def test_an_out_that_is_a_file_is_named(tmp_path, captions_file):
    (tmp_path / "file").touch()
    assert fails(tmp_path, captions_file, out="file") == ("file: is a file", "give --out a folder")


@pytest.mark.parametrize("out", ["captions.txt/below", "/proc/nowhere", "x" * 300, "/sys/nowhere"])
def test_an_out_that_cannot_be_made_is_named(tmp_path, captions_file, out):
    error, hint = fails(tmp_path, captions_file, out=out)
    assert error.startswith(out)
    assert "--out" in hint


def test_a_missing_benchmark_is_named(tmp_path, captions_file):
    assert fails(tmp_path, captions_file, "--decontaminate", "nope.json")[0] == "nope.json: no such file to decontaminate against"


def test_resume_and_overwrite_exclude_each_other(tmp_path):
    assert fails(tmp_path, "--resume", "--overwrite", code=2)[0] == "--resume and --overwrite exclude each other"


def build(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["build", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_final_screen_tells_counts_reasons_and_where(tmp_path, captions_file):
    write_lines(captions_file, [*CAPTIONS, "too short"])
    text = build(captions_file, "--out", tmp_path / "out", "--validation-fraction", "0")
    manifest = read_manifest(tmp_path / "out")
    total, used = manifest["triplets"]["total"], manifest["captions"]["used"]
    assert f"{total} triplets from {used} of 9 captions (train {total})" in text
    assert "too_short" in text
    assert "reference" in text


def test_a_folder_with_brackets_is_no_markup(tmp_path, captions_file):
    text = build(captions_file, "--out", tmp_path / "x[/y]", "--licence", "[/bold]")
    assert f"{tmp_path}/x[/y]" in text.replace("\n", "")


def test_json_is_the_manifest_and_nothing_else(tmp_path, captions_file):
    assert json.loads(build(captions_file, "--out", tmp_path / "out", "--json")) == read_manifest(tmp_path / "out")


def test_quiet_prints_nothing(tmp_path, captions_file):
    assert build(captions_file, "--out", tmp_path / "out", "--quiet") == ""


def test_every_option_reaches_the_recipe(tmp_path, captions_file):
    (tmp_path / "r.yaml").write_text("seed: 1\nshard_rows: 9\n", encoding="utf-8")
    (tmp_path / "bench.json").write_text("[]", encoding="utf-8")
    options = "--limit 7 --seed 3 --max-per-caption 2 --validation-fraction 0.25 --keep-rejects --pairs --licence MIT"
    types = "--edit-types remove_object,change_count,change_attribute"
    paths = ["--out", tmp_path / "out", "--recipe", tmp_path / "r.yaml", "--decontaminate", tmp_path / "bench.json"]
    build(captions_file, *paths, *options.split(), *types.split(), "--quiet")
    assert read_manifest(tmp_path / "out")["recipe"] == {
        "sources": [{"path": "captions.txt", "licence": "MIT"}],
        "limit": 7,
        "seed": 3,
        "shard_rows": 9,
        "max_per_caption": 2,
        "edit_types": ["change_attribute", "change_count", "remove_object"],
        "decontaminate": ["bench.json"],
        "validation_fraction": 0.25,
        "keep_rejects": True,
        "pairs": True,
    }


def test_standard_input_is_a_source(tmp_path):
    done = run_cli("build", "-", "--out", "out", "--quiet", cwd=tmp_path, input="\n".join(CAPTIONS))
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "out")["sources"] == [{"name": "stdin", "licence": "unknown", "rows": 8}]


def test_the_embedded_captions_are_the_source_where_none_is_named(tmp_path):
    build("--out", tmp_path / "out", "--limit", "20", "--quiet")
    assert [source["name"] for source in read_manifest(tmp_path / "out")["sources"]] == ["embedded/animals"]
