"""Every kind of source gives the same rows, and what cannot be read is named."""

import csv
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.helpers import environment, write_lines
from tripletgen.captions.sources import EMBEDDED, Source, SourceSpec, expand_sources, read_source
from tripletgen.errors import SourceError, UsageError

TEXTS = ["A brown dog runs on the grass.", "Un café, a table and a cup.", "A red car on a street."]


def write_txt(path: Path) -> None:
    write_lines(path, TEXTS)


def write_jsonl(path: Path) -> None:
    write_lines(path, [json.dumps({"id": k, "caption": text}) for k, text in enumerate(TEXTS)])


def write_csv(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "caption"], *([k, text] for k, text in enumerate(TEXTS))])


def write_tsv(path: Path) -> None:
    write_lines(path, ["caption\turl", *(f"{text}\thttp://example.com/{k}" for k, text in enumerate(TEXTS))])


def write_parquet(path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2, 3], "caption": TEXTS}), path)


def write_coco(path: Path) -> None:
    annotations = [{"id": k, "image_id": 7, "caption": text} for k, text in enumerate(TEXTS, 1)]
    path.write_text(json.dumps({"info": {}, "images": [{"id": 7}], "annotations": annotations}), encoding="utf-8")


KINDS: dict[str, Callable[[Path], None]] = {
    ".txt": write_txt,
    ".jsonl": write_jsonl,
    ".csv": write_csv,
    ".tsv": write_tsv,
    ".parquet": write_parquet,
    ".json": write_coco,
}
TEXT_KINDS = [kind for kind in KINDS if kind != ".parquet"]


def read(*paths: object, column: str | None = None) -> list[tuple[str, str | None]]:
    return [row for source in expand_sources([SourceSpec(str(path), column=column) for path in paths]) for row in read_source(source)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_numbered_captions(tmp_path, kind):
    KINDS[kind](tmp_path / f"captions{kind}")
    assert read(tmp_path / f"captions{kind}") == [("1", TEXTS[0]), ("2", TEXTS[1]), ("3", TEXTS[2])]


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_a_gzipped_file_gives_the_same(tmp_path, kind):
    KINDS[kind](tmp_path / f"plain{kind}")
    (tmp_path / f"captions{kind}.gz").write_bytes(gzip.compress((tmp_path / f"plain{kind}").read_bytes()))
    assert read(tmp_path / f"captions{kind}.gz") == read(tmp_path / f"plain{kind}")


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_a_file_compressed_with_zstandard_gives_the_same(tmp_path, kind):
    KINDS[kind](tmp_path / f"plain{kind}")
    (tmp_path / f"captions{kind}.zst").write_bytes(zstandard.compress((tmp_path / f"plain{kind}").read_bytes()))
    assert read(tmp_path / f"captions{kind}.zst") == read(tmp_path / f"plain{kind}")


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, kind):
    path = tmp_path / f"captions{kind}"
    KINDS[kind](path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [text for _, text in read(path)] == TEXTS


@pytest.mark.parametrize("kind", [".txt", ".jsonl", ".csv", ".tsv"])
def test_lines_may_end_as_on_windows(tmp_path, kind):
    path = tmp_path / f"captions{kind}"
    KINDS[kind](path)
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert [text for _, text in read(path)] == TEXTS


@pytest.mark.parametrize("kind", [".jsonl", ".csv", ".tsv", ".parquet", ".json"])
def test_a_column_that_no_row_has_stops(tmp_path, kind):
    path = tmp_path / f"captions{kind}"
    KINDS[kind](path)
    with pytest.raises(SourceError, match=rf"captions{kind}: (no column 'wrong'|3 of 3 rows are broken)"):
        read(f"{path}#wrong")


def test_the_named_column_is_the_one_that_is_read(tmp_path):
    pq.write_table(pa.table({"caption": ["A red car."], "long": ["A red car on a wet street."]}), tmp_path / "two.parquet")
    assert read(f"{tmp_path / 'two.parquet'}#long") == [("1", "A red car on a wet street.")]


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    write_csv(tmp_path / "a.csv")
    with pytest.raises(SourceError) as caught:
        read(f"{tmp_path / 'a.csv'}#text")
    assert caught.value.message == f"{tmp_path / 'a.csv'}: no column 'text'; it has id, caption"
    assert caught.value.hint == "name one of these: PATH#COLUMN"


def test_a_text_file_has_no_column(tmp_path):
    write_txt(tmp_path / "a.txt")
    with pytest.raises(SourceError, match="a text file has no column 'caption'"):
        read(f"{tmp_path / 'a.txt'}#caption")


def test_a_table_without_a_header_is_read_from_its_first_column(tmp_path):
    write_lines(tmp_path / "cc3m.tsv", [f"{text}\thttp://example.com/{k}.jpg" for k, text in enumerate(TEXTS)])
    assert [text for _, text in read(tmp_path / "cc3m.tsv")] == TEXTS


def test_a_column_may_be_named_by_its_number_where_there_is_no_header(tmp_path):
    write_lines(tmp_path / "a.csv", ["7,A red car on a street.", "8,A blue car on a street."])
    assert read(f"{tmp_path / 'a.csv'}#1") == [("1", "A red car on a street."), ("2", "A blue car on a street.")]


def test_several_captions_of_one_image_are_numbered_within_their_row(tmp_path):
    write_lines(tmp_path / "a.jsonl", [json.dumps({"captions": TEXTS[:2]}), json.dumps({"captions": TEXTS[2:]})])
    assert [row_id for row_id, _ in read(tmp_path / "a.jsonl")] == ["1.0", "1.1", "2.0"]


def test_a_line_of_jsonl_may_be_a_string(tmp_path):
    write_lines(tmp_path / "a.jsonl", [json.dumps(text) for text in TEXTS])
    assert [text for _, text in read(tmp_path / "a.jsonl")] == TEXTS


def test_a_record_without_the_column_is_one_broken_row_of_many(tmp_path):
    lines = [json.dumps({"caption": TEXTS[0]})] * 199
    lines.insert(50, json.dumps({"id": 50}))
    write_lines(tmp_path / "a.jsonl", lines)
    assert [row_id for row_id, text in read(tmp_path / "a.jsonl") if text is None] == ["51"]


def test_a_csv_cell_may_hold_commas_quotes_and_lines(tmp_path):
    (tmp_path / "a.csv").write_text('caption,id\n"A sign, ""open"",\non a door",1\n', encoding="utf-8")
    assert read(tmp_path / "a.csv") == [("1", 'A sign, "open",\non a door')]


def test_one_broken_line_in_two_hundred_is_a_row_without_text(tmp_path):
    lines = [json.dumps({"caption": TEXTS[0]})] * 199
    lines.insert(9, '{"caption": "A red')
    write_lines(tmp_path / "a.jsonl", lines)
    rows = read(tmp_path / "a.jsonl")
    assert len(rows) == 200
    assert [row_id for row_id, text in rows if text is None] == ["10"]


def test_more_than_one_broken_line_in_a_hundred_stops(tmp_path):
    write_lines(tmp_path / "a.jsonl", [json.dumps({"caption": TEXTS[0]})] * 197 + ["{"] * 3)
    with pytest.raises(SourceError, match="3 of 200 rows are broken"):
        read(tmp_path / "a.jsonl")


def test_a_file_of_nothing_but_broken_lines_is_not_read_to_its_end(tmp_path):
    write_lines(tmp_path / "a.jsonl", ["{"] * 5000)
    with pytest.raises(SourceError, match="101 of 101 rows are broken"):
        read(tmp_path / "a.jsonl")


@pytest.mark.parametrize("kind", [".txt", ".csv", ".tsv", ".jsonl"])
def test_text_that_is_not_utf8_stops(tmp_path, kind):
    path = tmp_path / f"a{kind}"
    path.write_bytes({".csv": b"caption\n", ".tsv": b"caption\n"}.get(kind, b"") + "Un café à Paris\n".encode("latin-1") * 20)
    with pytest.raises(SourceError, match="20 of 20 rows are broken") as caught:
        read(path)
    assert "iconv -t UTF-8" in caught.value.hint


def test_a_line_with_a_nul_is_broken(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"A red car.\n" * 199 + b"A blue\x00car.\n")
    assert read(tmp_path / "a.txt")[-1] == ("200", None)


def test_a_line_of_twenty_megabytes_is_read_as_one_row_and_cut(tmp_path):
    write_lines(tmp_path / "a.txt", ["x" * 20_000_000, TEXTS[0]])
    (first, long), (second, text) = read(tmp_path / "a.txt")
    assert (first, len(long or ""), second, text) == ("1", 1 << 24, "2", TEXTS[0])


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_a_caption_of_two_megabytes_is_a_row_in_every_kind_of_file(tmp_path, kind):
    path = tmp_path / f"a{kind}"
    KINDS[kind](path)
    path.write_bytes(path.read_bytes().replace(TEXTS[2].encode(), b"word " * 400_000 + b"end"))
    assert [len(text or "") for _, text in read(path)] == [len(TEXTS[0]), len(TEXTS[1]), 2_000_003]


def test_the_only_column_is_taken_whatever_its_name(tmp_path):
    pq.write_table(pa.table({"what it shows": TEXTS}), tmp_path / "a.parquet")
    assert [text for _, text in read(tmp_path / "a.parquet")] == TEXTS


def test_a_flipped_bit_in_a_parquet_text_breaks_that_row_and_no_other(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"caption": [*TEXTS * 67, "A bluZ car."]}), path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"bluZ car.", b"bl\xff\xfe car."))
    assert [text for _, text in read(path)] == [*TEXTS * 67, None]


@pytest.mark.parametrize("kind", [".txt", ".jsonl", ".csv", ".tsv", ".json"])
def test_an_empty_file_is_named(tmp_path, kind):
    (tmp_path / f"a{kind}").touch()
    with pytest.raises(SourceError, match=rf"a{kind}: "):
        read(tmp_path / f"a{kind}")


def test_an_empty_text_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(SourceError, match=r"a\.txt: is empty"):
        read(tmp_path / "a.txt")


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_named_or_counted_as_broken(tmp_path, kind):
    path = tmp_path / f"a{kind}"
    KINDS[kind](path)
    if kind in (".txt", ".csv", ".tsv"):
        # A cut plain text is still a text; a cut gzip of it is not.
        (tmp_path / f"a{kind}.gz").write_bytes(gzip.compress(path.read_bytes())[:-12])
        path = tmp_path / f"a{kind}.gz"
    else:
        path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(SourceError, match=rf"a{kind}"):
        read(path)


def test_a_gzip_with_a_damaged_middle_is_named(tmp_path):
    content = bytearray(gzip.compress(os.urandom(5000).hex().encode()))
    content[2000:2050] = b"\xff" * 50
    (tmp_path / "a.txt.gz").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.txt\.gz: cannot be read"):
        read(tmp_path / "a.txt.gz")


def test_a_json_file_that_is_not_coco_is_said_to_be_none(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(TEXTS), encoding="utf-8")
    with pytest.raises(SourceError, match="no annotations, so not a COCO captions file"):
        read(tmp_path / "a.json")


def test_a_missing_file_is_named_with_a_remedy(tmp_path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "nope.txt")
    assert caught.value.message == f"{tmp_path / 'nope.txt'}: no such file"
    assert caught.value.hint == "check the path; globs must match at least one file"


def test_a_kind_of_file_that_is_not_read_is_named_with_those_that_are(tmp_path):
    (tmp_path / "a.pdf").touch()
    with pytest.raises(SourceError, match=r"a\.pdf: not a kind of file that is read") as caught:
        read(tmp_path / "a.pdf")
    assert ".parquet" in caught.value.hint


def test_a_folder_gives_its_caption_files_at_any_depth(tmp_path):
    write_lines(tmp_path / "a.txt", TEXTS[:1])
    write_lines(tmp_path / "deep/er/b.txt", TEXTS[1:])
    (tmp_path / "deep/picture.jpg").touch()
    assert [text for _, text in read(tmp_path)] == TEXTS


def test_a_licence_and_hidden_files_are_no_captions_of_a_folder(tmp_path):
    for name in ("a.txt", "LICENSE", ".git/b.txt"):
        write_lines(tmp_path / name, TEXTS)
    assert [text for _, text in read(tmp_path)] == TEXTS
    assert [text for _, text in read(tmp_path / "LICENSE")] == TEXTS


def test_a_folder_without_caption_files_is_named(tmp_path):
    (tmp_path / "picture.jpg").touch()
    with pytest.raises(SourceError, match="the folder holds no caption file"):
        read(tmp_path)


def test_what_a_build_wrote_is_left_out_of_the_folder_around_it(tmp_path):
    write_lines(tmp_path / "a.txt", TEXTS)
    write_lines(tmp_path / "out/data/b.txt", TEXTS)
    assert [s.name for s in expand_sources([SourceSpec(str(tmp_path))], str(tmp_path / "out"))] == ["a.txt"]
    assert [s.name for s in expand_sources([SourceSpec(f"{tmp_path}/**/*.txt")], str(tmp_path / "out"))] == ["a.txt"]


def test_a_glob_gives_what_it_matches(tmp_path):
    write_lines(tmp_path / "a-1.txt", TEXTS[:1])
    write_lines(tmp_path / "a-2.txt", TEXTS[1:])
    write_lines(tmp_path / "b.txt", ["not this one"])
    assert [text for _, text in read(tmp_path / "a-*.txt")] == TEXTS


def test_a_path_with_a_hash_that_exists_is_a_path(tmp_path):
    write_lines(tmp_path / "a#b.txt", TEXTS)
    assert [text for _, text in read(tmp_path / "a#b.txt")] == TEXTS


def test_the_order_of_naming_does_not_matter(tmp_path):
    write_lines(tmp_path / "a.txt", TEXTS[:1])
    write_lines(tmp_path / "b.txt", TEXTS[1:])
    assert read(tmp_path / "b.txt", tmp_path / "a.txt") == read(tmp_path / "a.txt", tmp_path / "b.txt")


def test_a_file_named_twice_is_read_once(tmp_path):
    write_lines(tmp_path / "a.txt", TEXTS)
    assert len(read(tmp_path / "a.txt", tmp_path)) == 3


def test_a_file_named_with_two_columns_is_refused(tmp_path):
    write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="is named twice"):
        read(f"{tmp_path / 'a.csv'}#id", f"{tmp_path / 'a.csv'}#caption")


def test_a_file_named_with_two_licences_is_refused(tmp_path):
    path = str(write_lines(tmp_path / "a.txt", TEXTS))
    with pytest.raises(UsageError, match="is named twice"):
        expand_sources([SourceSpec(path, "MIT"), SourceSpec(path, "CC0-1.0")])


def test_files_are_named_by_what_tells_them_apart_and_no_folder_above(tmp_path):
    for name in ("one/train/a.txt", "two/train/a.txt", "b.txt"):
        write_lines(tmp_path / name, TEXTS)
    names = [source.name for source in expand_sources([SourceSpec(str(tmp_path))])]
    assert names == ["b.txt", "one/train/a.txt", "two/train/a.txt"]


def test_four_thousand_files_are_named_in_no_time(tmp_path):
    for number in range(4_000):
        (tmp_path / f"{number % 40}").mkdir(exist_ok=True)
        (tmp_path / f"{number % 40}/{number // 40}.txt").touch()
    start = time.monotonic()
    names = {source.name for source in expand_sources([SourceSpec(str(tmp_path))])}
    assert time.monotonic() - start < 10  # comparing each with each took 40 seconds
    assert len(names) == 4_000
    assert "39/99.txt" in names


def test_a_given_name_stands_for_the_path(tmp_path):
    path = str(write_lines(tmp_path / "a.txt", TEXTS))
    assert expand_sources([SourceSpec(path, "MIT", name="mine")]) == [Source("mine", path, "MIT", None)]


def test_the_embedded_captions_are_named_by_their_subject():
    names = [source.name for source in expand_sources([SourceSpec(EMBEDDED)])]
    assert names[:3] == ["embedded/animals", "embedded/art", "embedded/fashion"]


READ = (
    "import json, sys; from tripletgen.captions.sources import *; from tripletgen.errors import *\n"
    "try: print(json.dumps([r for s in expand_sources([SourceSpec(sys.argv[1])]) for r in read_source(s)]))\n"
    "except TripletgenError as error: print(json.dumps([error.message, error.hint]))\n"
)


def read_in_process(path: str, cwd: Path, text: bytes = b"") -> object:
    env = environment(HF_HUB_OFFLINE="1", HF_HOME=str(cwd / "cache"))
    done = subprocess.run([sys.executable, "-c", READ, path], cwd=cwd, env=env, input=text, capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_standard_input_is_read_line_by_line(tmp_path):
    text = "\ufeffA brown dog.\nUn café.\n".encode()
    assert read_in_process("-", tmp_path, text) == [["1", "A brown dog."], ["2", "Un café."]]


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Path:
    """Return a folder that holds a data set in the layout of the Hub, which the datasets library finds by its relative name."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "org/name/data").mkdir(parents=True)
    pq.write_table(pa.table({"caption": TEXTS, "other": ["x", "y", "z"]}), folder / "org/name/data/train-00000-of-00001.parquet")
    pq.write_table(pa.table({"caption": TEXTS[:1], "other": ["t"]}), folder / "org/name/data/test-00000-of-00001.parquet")
    return folder


def test_a_data_set_in_the_hubs_layout_gives_its_train_split(hub):
    assert read_in_process("hf://datasets/org/name", hub) == [["1", TEXTS[0]], ["2", TEXTS[1]], ["3", TEXTS[2]]]


def test_a_split_and_a_column_of_a_hub_data_set_can_be_named(hub):
    assert read_in_process("hf://datasets/org/name@test#other", hub) == [["1", "t"]]


def test_a_split_that_is_not_there_is_named_with_those_that_are(hub):
    message, hint = read_in_process("hf://datasets/org/name@dev", hub)
    assert message == "hf://datasets/org/name@dev: no split 'dev'; it has train, test"
    assert hint == "name one of these: hf://datasets/ORG/NAME@SPLIT"


def test_a_hub_data_set_that_cannot_be_loaded_is_named_with_a_remedy(hub):
    message, hint = read_in_process("hf://datasets/org/nope", hub)
    assert message.startswith("hf://datasets/org/nope: cannot be loaded")
    assert hint == "check the name, the network and HF_TOKEN"


def test_a_hub_address_without_a_name_is_refused(hub):
    assert read_in_process("hf://datasets/#text", hub) == ["hf://datasets/#text: names no data set", "write hf://datasets/ORG/NAME"]
