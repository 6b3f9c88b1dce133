"""Every format is read back, by the program that it is meant for where that is at hand, and holds every row."""

import json
import tarfile
import tracemalloc

import pytest

from tests.helpers import digests, rows_of
from tripletgen.errors import DataError, OutputError, UsageError
from tripletgen.export import FORMATS, export_dataset
from tripletgen.schema import Triplet, triplet_id_of


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rtd_json_has_the_three_keys_of_the_authors_and_one_object_a_line(built, tmp_path):
    done = export_dataset(built, "rtd-json", tmp_path / "rtd.json")
    records, rows = json.loads((tmp_path / "rtd.json").read_text(encoding="utf-8")), rows_of(built)
    assert done._asdict() == {"path": str(tmp_path / "rtd.json"), "format": "rtd-json", "split": "train", "rows": len(rows), "files": 1}
    assert records == [
        {
            "reference_caption": row["reference_caption"],
            "conditioning_caption": row["modification_text"],
            "target_caption": row["target_caption"],
        }
        for row in rows
    ]
    assert len((tmp_path / "rtd.json").read_text(encoding="utf-8").splitlines()) == len(rows) + 2


def test_rtd_json_is_read_as_the_authors_read_it(built, tmp_path):
    datasets = pytest.importorskip("datasets")
    export_dataset(built, "rtd-json", tmp_path / "rtd.json")
    loaded = datasets.load_dataset("json", data_files=str(tmp_path / "rtd.json"), cache_dir=str(tmp_path / "cache"))["train"]
    assert list(loaded["conditioning_caption"]) == [row["modification_text"] for row in rows_of(built)]
    assert sorted(loaded.column_names) == ["conditioning_caption", "reference_caption", "target_caption"]


def test_jsonl_holds_every_column_of_every_row(built, tmp_path):
    export_dataset(built, "jsonl", tmp_path / "rows.jsonl", split="validation")
    assert lines_of(tmp_path / "rows.jsonl") == rows_of(built, "validation")


def test_sentence_transformers_gets_the_reference_as_the_hard_negative(built, tmp_path):
    export_dataset(built, "sentence-transformers", tmp_path / "rows.jsonl")
    record, row = lines_of(tmp_path / "rows.jsonl")[0], rows_of(built)[0]
    assert list(record) == ["anchor", "positive", "negative"]
    assert record["anchor"] == f"a photo of {row['reference_caption'].rstrip(' .')} that {row['modification_text']}"
    assert (record["positive"], record["negative"]) == (row["target_caption"], row["reference_caption"])


def test_webdataset_keeps_a_sample_a_row_keyed_by_its_id(built, tmp_path, request):
    done = export_dataset(built, "webdataset", tmp_path / "tars")
    found = {}
    for path in sorted((tmp_path / "tars").iterdir()):
        with tarfile.open(path) as tar:
            found |= {member.name: json.load(tar.extractfile(member)) for member in tar}
    rows = rows_of(built)
    assert [path.name for path in (tmp_path / "tars").iterdir()] == ["train-000000.tar"]
    assert done.files == 1
    assert found == {f"{row['triplet_id']}.json": row for row in rows}


def test_webdataset_is_read_by_its_library(built, tmp_path):
    wds = pytest.importorskip("webdataset", reason="needs webdataset: pip install 'tripletgen[dev]'")
    export_dataset(built, "webdataset", tmp_path / "tars")
    samples = wds.WebDataset(str(tmp_path / "tars/train-000000.tar"), shardshuffle=False).decode().to_tuple("json")
    assert [sample for (sample,) in samples] == rows_of(built)


@pytest.mark.parametrize("kind", FORMATS)
def test_equal_data_sets_give_equal_bytes_and_nothing_else_is_left(built, tmp_path, kind):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        export_dataset(built, kind, tmp_path / name / "out")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["out"]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_that_breaks_off_leaves_nothing(dataset, tmp_path, kind):
    shard = sorted((dataset / "data").glob("train-*"))[-1]
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    with pytest.raises(DataError, match="cannot be read"):
        export_dataset(dataset, kind, tmp_path / "exports/out")
    assert list((tmp_path / "exports").iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_of_somebody_else_beside_the_output_stays(built, tmp_path, kind):
    (tmp_path / "out.tmp").write_text("keep me")
    export_dataset(built, kind, tmp_path / "out")
    assert (tmp_path / "out.tmp").read_text() == "keep me"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.tmp"]


@pytest.mark.parametrize("kind", FORMATS)
def test_what_exists_is_replaced_only_when_told(built, tmp_path, kind):
    export_dataset(built, kind, tmp_path / "out")
    before = digests(tmp_path)
    with pytest.raises(OutputError, match="exists"):
        export_dataset(built, kind, tmp_path / "out", split="validation")
    assert digests(tmp_path) == before
    export_dataset(built, kind, tmp_path / "out", split="validation", overwrite=True)
    assert digests(tmp_path) != before


def test_a_folder_that_is_no_export_is_never_replaced(dataset, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep me")
    for target in (tmp_path / "mine", dataset, dataset.parent):
        with pytest.raises(OutputError):
            export_dataset(dataset, "webdataset", target, overwrite=True)
    assert (tmp_path / "mine/notes.txt").read_text() == "keep me"
    assert (dataset / "manifest.json").exists()


@pytest.mark.parametrize("name", ["data/train-00000-of-00001.parquet", "manifest.json", "new.jsonl", "new/tars"])
def test_an_output_in_the_data_set_is_refused(dataset, name):
    before = digests(dataset)
    with pytest.raises(OutputError) as caught:
        export_dataset(dataset, "jsonl", dataset / name, overwrite=True)
    assert caught.value.message == f"{dataset / name}: lies in the data set itself"
    assert caught.value.hint == "give --out a path outside of it"
    assert digests(dataset) == before


def test_an_output_below_a_file_is_named(built, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/x: cannot be written"):
        export_dataset(built, "jsonl", tmp_path / "file/x")


def test_a_format_or_split_that_is_not_there_is_named_with_those_that_are(built, tmp_path):
    with pytest.raises(UsageError, match="no format 'csv'") as caught:
        export_dataset(built, "csv", tmp_path / "x")
    assert caught.value.hint == "formats: rtd-json, jsonl, sentence-transformers, webdataset"
    with pytest.raises(DataError, match="no split 'test'"):
        export_dataset(built, "jsonl", tmp_path / "x", split="test")


def endless(number):
    """Yield so many rows of a kilobyte each, made one at a time."""
    for k in range(number):
        text = f"A brown dog runs across the green grass. {k} " + "x" * 250
        yield Triplet(
            triplet_id_of(text, text, "t"), text, text, text, *("rule", "combine", "relative", None, None, "g", "s", "1", "MIT", k)
        )


@pytest.mark.parametrize("kind", FORMATS)
def test_memory_holds_a_row_at_a_time(tmp_path, kind):
    """Five thousand rows are five megabytes."""
    tracemalloc.start()
    FORMATS[kind](endless(5_000), tmp_path / "out", "train")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6
