"""A sound data set passes the check; each kind of damage is named."""

import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tripletgen.check import MAX_FAULTS, _Group, check_dataset
from tripletgen.errors import DataError
from tripletgen.schema import triplet_id_of
from tripletgen.shards.manifest import read_manifest, write_manifest
from tripletgen.shards.reader import iter_triplets
from tripletgen.shards.writer import describe


def edit_manifest(folder: Path, change: Any) -> None:
    """Write the manifest of one who built something else, or who lies."""
    manifest = read_manifest(folder)
    change(manifest)
    write_manifest(folder, manifest)


def first_shard(folder: Path) -> str:
    return "data/" + min(path.name for path in (folder / "data").glob("train-*"))


def rewrite_shard(folder: Path, change: Any) -> str:
    """Change the rows of the first shard and list it with its new checksum, so that only a rule for rows can find it."""
    name = first_shard(folder)
    rows = pq.read_table(folder / name).to_pylist()
    change(rows)
    schema = pq.read_schema(folder / name)
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / name)

    def relist(manifest: Any) -> None:
        for entry in manifest["splits"]["train"]["files"]:
            if entry["path"] == name:
                entry.update(describe(folder / name, name, len(rows))._asdict())

    edit_manifest(folder, relist)
    return name


def test_a_data_set_as_it_was_built_is_sound(built):
    assert check_dataset(built) == []


def test_a_rewritten_shard_with_the_same_rows_is_sound(dataset):
    rewrite_shard(dataset, lambda rows: None)
    assert check_dataset(dataset) == []


@pytest.mark.parametrize("pattern", ["data/train-00000*", "data/validation-00000*", "rejects/*", "README.md", "recipe.yaml"])
def test_one_flipped_byte_is_found(dataset, pattern):
    path = next(dataset.glob(pattern))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (fault,) = check_dataset(dataset)
    assert fault.startswith(f"{path.relative_to(dataset)}: sha256 ")


def test_one_flipped_byte_of_the_manifest_is_found_wherever_it_is(dataset):
    path, rng = dataset / "manifest.json", random.Random(0)
    whole = path.read_bytes()
    for position in rng.sample(range(len(whole)), 100):
        content = bytearray(whole)
        content[position] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"manifest\.json"):
            check_dataset(dataset)


def test_a_shard_that_the_manifest_does_not_list_is_found_for_readers_would_take_it(dataset):
    shutil.copy2(dataset / first_shard(dataset), dataset / "data/train-00009-of-00010.parquet")
    (fault,) = check_dataset(dataset)
    assert fault == "data/train-00009-of-00010.parquet: is not in the manifest, and readers would take it for a part of the data set"


def test_a_file_cut_short_is_found(dataset):
    name = first_shard(dataset)
    size = (dataset / name).stat().st_size
    (dataset / name).write_bytes((dataset / name).read_bytes()[:-1])
    assert check_dataset(dataset) == [f"{name}: {size - 1} bytes, the manifest says {size}"]


def test_a_missing_shard_is_found(dataset):
    name = first_shard(dataset)
    (dataset / name).unlink()
    assert check_dataset(dataset) == [f"{name}: missing"]


def bump(*keys: Any) -> Any:
    def change(manifest: Any) -> None:
        *before, last = keys
        for key in before:
            manifest = manifest[key]
        manifest[last] += 1

    return change


COUNTS: dict[str, Any] = {
    "rows of a file": bump("splits", "train", "files", 0, "rows"),
    "rows of a split": bump("splits", "train", "rows"),
    "all triplets": bump("triplets", "total"),
    "by licence": bump("triplets", "licence", "CC-BY-4.0"),
    "by source": bump("triplets", "source", "captions.txt"),
    "by origin": bump("triplets", "origin", "rule"),
    "by edit type": lambda m: m["triplets"]["edit_type"].update(combine=m["triplets"]["edit_type"].get("combine", 0) + 1),
    "by phrasing": lambda m: m["triplets"]["phrasing"].update(predicate=m["triplets"]["phrasing"].get("predicate", 0) + 1),
    "captions read": bump("captions", "read"),
    "captions used": bump("captions", "used"),
    "captions dropped": bump("captions", "dropped", "duplicate"),
}


@pytest.mark.parametrize("change", COUNTS.values(), ids=COUNTS)
def test_a_changed_count_is_found(dataset, change):
    edit_manifest(dataset, change)
    assert check_dataset(dataset)


def set_value(column: str, value: object) -> Any:
    def change(rows: Any) -> None:
        rows[0][column] = value
        rows[0]["triplet_id"] = triplet_id_of(*(rows[0][c] for c in ("reference_caption", "modification_text", "target_caption")))

    return change


def wrong_id(rows: Any) -> None:
    rows[0]["triplet_id"] = "0" * 32


def wrong_group(rows: Any) -> None:
    rows[0]["group_id"] -= 1


def same_target(rows: Any) -> None:
    set_value("target_caption", rows[0]["reference_caption"].upper())(rows)


def other_split(rows: Any) -> None:
    rows[0]["group_id"] = 2**64 - 1


ROW_RULES: dict[str, tuple[Any, str]] = {
    "an empty text": (set_value("modification_text", ""), "row 1: modification_text is empty"),
    "an empty licence": (set_value("licence", ""), "row 1: licence is empty"),
    "an unknown edit type": (set_value("edit_type", "magic"), "row 1: edit_type is 'magic'"),
    "an unknown phrasing": (set_value("phrasing", "sung"), "row 1: phrasing is 'sung'"),
    "an unknown origin": (set_value("origin", "thin air"), "row 1: origin is 'thin air'"),
    "a wrong id": (wrong_id, "row 1: triplet_id is not the hash of the texts"),
    "a wrong group": (wrong_group, "row 1: group_id is not the hash of the reference caption"),
    "a target that is the reference": (same_target, "row 1: the target is the reference"),
    "a row of the other split": (other_split, "row 1: belongs to the other split than train"),
}


@pytest.mark.parametrize(("change", "fault"), ROW_RULES.values(), ids=ROW_RULES)
def test_a_row_that_breaks_a_rule_is_found(dataset, change, fault):
    name = rewrite_shard(dataset, change)
    assert f"{name}: {fault}" in check_dataset(dataset)


def test_a_row_that_stands_twice_is_found(dataset):
    name = rewrite_shard(dataset, lambda rows: rows.insert(1, rows[0]))
    assert any(fault.startswith(f"{name}: row 2: triplet ") and fault.endswith("stands twice") for fault in check_dataset(dataset))


def test_a_row_out_of_order_is_found(dataset):
    name = rewrite_shard(dataset, lambda rows: rows.append(rows[0]))
    assert any(fault.startswith(f"{name}: row ") and fault.endswith("less than that of the row before") for fault in check_dataset(dataset))


def test_shards_in_another_order_are_found(dataset):
    edit_manifest(dataset, lambda manifest: manifest["splits"]["train"]["files"].reverse())
    assert f"{first_shard(dataset)}: row 1: group_id is less than that of the row before" in check_dataset(dataset)


def test_the_ids_of_one_reference_alone_are_remembered(dataset):
    group = _Group()
    rows = list(iter_triplets(dataset))
    assert [fault for row in rows for fault in group.faults(row)] == []
    assert len(group.seen) == sum(row.group_id == rows[-1].group_id for row in rows) < 20


@pytest.mark.parametrize(
    ("column", "kind", "nullable", "fault"),
    [
        ("group_id", pa.int64(), False, "column group_id is int64, not uint64"),
        ("licence", pa.string(), True, "column licence is string, or null, not string"),
    ],
)
def test_a_column_of_another_type_is_found(dataset, column, kind, nullable, fault):
    name = first_shard(dataset)
    table = pq.read_table(dataset / name)
    at = table.schema.get_field_index(column)
    table = table.set_column(at, pa.field(column, kind, nullable=nullable), table.column(column).cast(kind, safe=False))
    pq.write_table(table, dataset / name)
    relisted = describe(dataset / name, name, table.num_rows)._asdict()
    edit_manifest(dataset, lambda m: m["splits"]["train"]["files"][0].update(relisted))
    assert f"{name}: {fault}" in check_dataset(dataset)


def test_a_shard_with_other_columns_is_found(dataset):
    name = first_shard(dataset)
    pq.write_table(pa.table({"text": ["A red car."]}), dataset / name)
    edit_manifest(dataset, lambda m: m["splits"]["train"]["files"][0].update(describe(dataset / name, name, 1)._asdict()))
    assert any(fault.startswith(f"{name}: columns ['text'], not ") for fault in check_dataset(dataset))


def test_a_wholly_wrong_shard_gives_a_bounded_number_of_lines(dataset):
    rewrite_shard(dataset, lambda rows: [row.update(origin="x") for row in rows])
    faults = check_dataset(dataset)
    assert len(faults) == MAX_FAULTS
    assert faults[-1] == "... and more: stopped after 19"


def test_a_folder_that_is_no_data_set_is_named(tmp_path):
    with pytest.raises(DataError, match="not a data set of tripletgen"):
        check_dataset(tmp_path)
