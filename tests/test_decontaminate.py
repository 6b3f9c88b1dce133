"""Texts of benchmarks, and runs of eight words of them, are kept out."""

import json

import pytest

import tripletgen
from tests.helpers import CAPTIONS, rows_of, write_lines
from tripletgen.captions.sources import SourceSpec
from tripletgen.decontaminate import BenchmarkIndex, iter_benchmark_texts
from tripletgen.errors import OutputError, SourceError

LONG = "a man in a black coat walks along the river with two dogs"


def test_an_equal_text_leaks_whatever_its_case_and_punctuation():
    index = BenchmarkIndex.from_texts(["Is blue, and has dots"])
    assert index.leaks("is BLUE and has dots.")
    assert not index.leaks("is blue and has no dots")


def test_eight_shared_words_in_a_row_leak_and_seven_do_not():
    index = BenchmarkIndex.from_texts([LONG])
    assert index.leaks("Look: a black coat walks along the river with us")
    assert not index.leaks("Look: black coat walks along the river with us")


def test_the_length_is_the_number_of_distinct_texts():
    assert len(BenchmarkIndex.from_texts(["one two", "One two!", "three"])) == 2


def test_an_index_is_stored_without_its_texts_and_read_back(tmp_path):
    index = BenchmarkIndex.from_texts([LONG, "one two"])
    index.save(tmp_path / "a.npz")
    other = BenchmarkIndex.load(tmp_path / "a.npz")
    assert len(other) == 2
    assert other.leaks(LONG)
    assert b"coat" not in (tmp_path / "a.npz").read_bytes()


def test_equal_texts_in_any_order_make_equal_files(tmp_path):
    for name, texts in (("a", [LONG, "one two"]), ("b", ["one two", LONG])):
        BenchmarkIndex.from_texts(texts).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


SHAPES = {
    "FashionIQ": [{"target": "B00", "candidate": "B01", "captions": ["is blue", "has long sleeves"]}],
    "CIRR": [{"pairid": 1, "reference": "dev-1-0", "caption": "is blue", "img_set": {"members": ["dev-1"]}, "x": "has long sleeves"}],
    "a mapping": {"one": {"two": ["is blue", {"three": "has long sleeves"}]}, "n": 3, "none": None, "yes": True},
    "a string": ["is blue", ["has long sleeves"]],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_json_file_may_have_any_shape(tmp_path, shape):
    (tmp_path / "a.json").write_text(json.dumps(shape), encoding="utf-8")
    assert list(iter_benchmark_texts(str(tmp_path / "a.json"))) == ["is blue", "has long sleeves"]


def test_other_files_and_folders_are_read_as_captions(tmp_path):
    write_lines(tmp_path / "a.txt", ["is blue"])
    write_lines(tmp_path / "b/c.csv", ["id,caption", "1,has long sleeves"])
    assert list(iter_benchmark_texts(str(tmp_path))) == ["is blue", "has long sleeves"]


def test_of_a_folder_only_files_of_a_kind_that_is_read_count_and_no_hidden_ones(tmp_path):
    (tmp_path / "cap.json").write_text(json.dumps(["is blue"]), encoding="utf-8")
    for name in ("img_raw/a.png", "README.md", "LICENSE", ".git/config.txt", ".rtd_features/a.json", "deep/.hidden.txt"):
        write_lines(tmp_path / name, ["has long sleeves"])
    assert list(iter_benchmark_texts(str(tmp_path))) == ["is blue"]
    with pytest.raises(SourceError, match=r"a\.png: not a kind of file that is read"):
        list(iter_benchmark_texts(str(tmp_path / "img_raw/a.png")))


def test_a_folder_without_annotations_is_named(tmp_path):
    write_lines(tmp_path / "README.md", ["is blue"])
    with pytest.raises(SourceError, match="the folder holds no annotations"):
        list(iter_benchmark_texts(str(tmp_path)))


def test_a_broken_json_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text("[", encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.json: not valid JSON"):
        list(iter_benchmark_texts(str(tmp_path / "a.json")))


def build(tmp_path, name, benchmark):
    source = SourceSpec(str(write_lines(tmp_path / "captions.txt", CAPTIONS)), "MIT")
    options = tripletgen.BuildOptions(str(tmp_path / name), (source,), decontaminate=benchmark, validation_fraction=0.0)
    return tripletgen.build(options)


def test_benchmark_texts_are_kept_out_of_a_build_and_counted(tmp_path):
    plain = build(tmp_path, "plain", ())
    assert plain["decontamination"] is None
    leaked = rows_of(tmp_path / "plain")[0]["target_caption"]
    texts = [CAPTIONS[0].upper(), "he said: two red cars are parked in front of a barn", leaked]
    (tmp_path / "bench.json").write_text(json.dumps({"x": texts}), encoding="utf-8")
    manifest = build(tmp_path, "clean", (str(tmp_path / "bench.json"),))
    rows = rows_of(tmp_path / "clean")
    index = BenchmarkIndex.from_texts(texts)
    assert manifest["decontamination"]["texts"] == 3
    assert manifest["captions"]["dropped"]["benchmark_text"] >= 2
    assert rows
    assert not any(index.leaks(row[c]) for row in rows for c in ("reference_caption", "modification_text", "target_caption"))


def test_candidates_that_are_benchmark_texts_are_counted_as_rejected(tmp_path):
    build(tmp_path, "plain", ())
    (tmp_path / "bench.json").write_text(json.dumps([row["target_caption"] for row in rows_of(tmp_path / "plain")[:1]]), encoding="utf-8")
    manifest = build(tmp_path, "clean", (str(tmp_path / "bench.json"),))
    leaks = manifest["candidates"]["rejected"].get("benchmark_text", 0) + manifest["captions"]["dropped"].get("benchmark_text", 0)
    assert leaks > 0


def test_another_benchmark_file_of_the_same_name_is_another_build(tmp_path):
    (tmp_path / "bench.json").write_text(json.dumps([LONG]), encoding="utf-8")
    build(tmp_path, "out", (str(tmp_path / "bench.json"),))
    (tmp_path / "bench.json").write_text(json.dumps([LONG, "is blue"]), encoding="utf-8")
    with pytest.raises(OutputError, match="holds a finished build of another recipe"):
        build(tmp_path, "out", (str(tmp_path / "bench.json"),))


def test_another_benchmark_text_of_the_same_length_is_another_build(tmp_path):
    (tmp_path / "bench.json").write_text(json.dumps([LONG]), encoding="utf-8")
    build(tmp_path, "out", (str(tmp_path / "bench.json"),))
    (tmp_path / "bench.json").write_text(json.dumps([LONG.replace("dogs", "cats")]), encoding="utf-8")
    with pytest.raises(OutputError, match="holds a finished build of another recipe"):
        build(tmp_path, "out", (str(tmp_path / "bench.json"),))


def test_a_missing_benchmark_is_named_before_any_work(tmp_path):
    with pytest.raises(SourceError, match=r"nope\.json: no such file to decontaminate against"):
        build(tmp_path, "out", (str(tmp_path / "nope.json"),))
    assert not (tmp_path / "out").exists()


def test_a_missing_benchmark_takes_nothing_of_an_unfinished_build_away(tmp_path):
    write_lines(tmp_path / "out/.work/partition/spill.arrow", ["of another build"])
    with pytest.raises(SourceError, match=r"nope\.json: no such file to decontaminate against"):
        build(tmp_path, "out", (str(tmp_path / "nope.json"),))
    assert (tmp_path / "out/.work/partition/spill.arrow").exists()
