"""The manifest says what a data set is; what is none is told apart."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tripletgen
from tripletgen.check import check_dataset
from tripletgen.diff import compare
from tripletgen.errors import DataError
from tripletgen.export import export_dataset
from tripletgen.publish import plan_publication
from tripletgen.report import write_report
from tripletgen.shards.manifest import read_manifest, write_manifest, write_text
from tripletgen.summary import summarise


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    manifest = {"schema_version": 1, "source": "café"}
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert (tmp_path / "manifest.json").read_text(encoding="utf-8").endswith("}\n")


def test_writing_leaves_no_temporary_file(tmp_path):
    write_text(tmp_path / "a.txt", "one\ntwo\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"one\ntwo\n"


def test_another_schema_version_is_refused(tmp_path):
    write_manifest(tmp_path, {"schema_version": 99})
    with pytest.raises(DataError, match="schema version 99, this is 1"):
        read_manifest(tmp_path)


ADDRESS = "s3://bucket/mine"
COMMANDS: dict[str, Callable[[Path], object]] = {
    "check": lambda _: check_dataset(ADDRESS),
    "stats": lambda _: summarise(ADDRESS),
    "report": lambda out: write_report(ADDRESS, out),
    "export": lambda out: export_dataset(ADDRESS, "jsonl", out),
    "publish": lambda out: plan_publication(ADDRESS, str(out)),
    "diff": lambda _: compare(ADDRESS, ADDRESS),
    "read": lambda _: list(tripletgen.read_triplets(ADDRESS)),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_data_set_in_object_storage_is_to_be_copied_first(tmp_path, command):
    with pytest.raises(DataError) as caught:
        command(tmp_path / "out")
    assert caught.value.message == "s3://bucket/mine: is no folder here"
    assert caught.value.hint == "copy it first, `aws s3 sync s3://bucket/mine mine`, and name the copy"


@pytest.mark.parametrize("text", ["{", "", "[1]", '"text"'])
def test_a_file_that_is_no_manifest_is_refused(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest\.json"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("change", [{"splits": {}}, {"fingerprint": "0"}, {"more": 1}])
def test_a_manifest_that_was_changed_by_hand_is_refused(built, tmp_path, change):
    manifest = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, **change}, indent=2), encoding="utf-8")
    with pytest.raises(DataError, match=r"manifest\.json: was changed after it was written") as caught:
        read_manifest(tmp_path)
    assert caught.value.hint == "copy the data set again from where it is whole, or build it again with --overwrite"


def test_a_manifest_that_lacks_what_every_command_asks_for_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema_version": 1}', encoding="utf-8")
    with pytest.raises(DataError, match="was changed after it was written"):
        read_manifest(tmp_path)


def test_a_text_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path / "a.txt", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_the_manifest_of_a_build_lists_every_file_but_itself(built):
    manifest = read_manifest(built)
    listed = [entry["path"] for split in manifest["splits"].values() for entry in split["files"]] + [f["path"] for f in manifest["files"]]
    found = [path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()]
    assert sorted([*listed, "manifest.json"]) == sorted(found)


def test_the_manifest_names_no_folder_of_the_maker(built):
    text = json.dumps(read_manifest(built))
    assert str(built.parent) not in text
    assert '"name": "captions.txt"' in text
