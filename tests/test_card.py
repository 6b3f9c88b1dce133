"""The data card: front matter that the Hub reads, counts, and hostile texts that stay texts."""

import json
import re

import pytest
import yaml

from tripletgen.card import markdown_cell, write_card
from tripletgen.schema import Triplet, group_id_of
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.writer import write_rows, write_shard

HOSTILE = "a car | <script>alert(1)</script> [x](javascript:y) `z` #1"


def front_matter(text: str) -> dict[str, object]:
    return dict(yaml.safe_load(text.split("---\n")[1]))


def test_the_front_matter_is_what_the_hub_reads(built):
    card = front_matter((built / "README.md").read_text(encoding="utf-8"))
    assert card["license"] == "cc-by-4.0"
    assert card["size_categories"] == ["n<1K"] or card["size_categories"] == ["1K<n<10K"]
    assert card["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": s, "path": f"data/{s}-*.parquet"} for s in ("train", "validation")],
        }
    ]


def test_the_counts_of_the_manifest_stand_in_the_card(built):
    manifest, text = read_manifest(built), (built / "README.md").read_text(encoding="utf-8")
    assert f"{manifest['triplets']['total']:,} triplets" in text
    assert f"Of {manifest['captions']['read']:,} captions {manifest['captions']['used']:,} gave triplets." in text
    for reason, count in {**manifest["captions"]["dropped"], **manifest["candidates"]["rejected"]}.items():
        assert f"| {reason} | {count:,} |" in text
    for name, count in manifest["triplets"]["edit_type"].items():
        assert re.search(rf"\| `{name}` \| \w+ \| {count:,} \|", text)
    assert "| captions.txt | CC-BY-4.0 |" in text
    assert "Not decontaminated against any benchmark." in text


def test_every_licence_of_mixed_sources_is_named(dataset):
    manifest = read_manifest(dataset)
    manifest["triplets"]["licence"] = {"CC0-1.0": 1, "My <b>own</b> | licence": 2}
    write_card(dataset, manifest)
    text = (dataset / "README.md").read_text(encoding="utf-8")
    assert front_matter(text)["license"] == "other"
    assert "CC0-1.0, My &lt;b&gt;own&lt;/b&gt; \\| licence" in text


@pytest.mark.parametrize("licence", ["no such: licence", "unknown", "{{ 7 * 7 }}"])
def test_a_licence_that_the_hub_does_not_know_is_other(dataset, licence):
    manifest = read_manifest(dataset)
    manifest["triplets"]["licence"] = {licence: 1}
    write_card(dataset, manifest)
    text = (dataset / "README.md").read_text(encoding="utf-8")
    assert front_matter(text)["license"] == "other"
    assert f"All rows: {markdown_cell(licence)}." in text


def test_hostile_texts_are_shown_and_not_run(dataset):
    manifest = read_manifest(dataset)
    row = Triplet(
        "0" * 32, HOSTILE, "{{ 7 * 7 }}", "x\ny", "rule", "combine", "relative", None, None, "h", "s", "1", "MIT", group_id_of("x")
    )
    write_rows(dataset / "one.arrow", [row])
    write_shard(dataset / manifest["splits"]["train"]["files"][0]["path"], [dataset / "one.arrow"])
    manifest["sources"] = [{"name": "a|<img src=x>.txt", "licence": "MIT", "rows": 1}]
    write_card(dataset, manifest)
    text = (dataset / "README.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if "alert" in line]
    assert "<script>" not in text
    assert "<img" not in text
    assert line == ("| a car \\| &lt;script&gt;alert(1)&lt;/script&gt; \\[x\\](javascript:y) \\`z\\` \\#1 | \\{\\{ 7 \\* 7 \\}\\} | x y |")


def test_decontamination_is_told(dataset):
    manifest = read_manifest(dataset)
    manifest["decontamination"] = {"texts": 1234, "sha256": "0"}
    write_card(dataset, manifest)
    assert "1,234 benchmark texts" in (dataset / "README.md").read_text(encoding="utf-8")


def test_the_card_says_nothing_of_its_maker(built):
    assert str(built.parent) not in (built / "README.md").read_text(encoding="utf-8")
    assert str(built.parent) not in json.dumps(read_manifest(built))
