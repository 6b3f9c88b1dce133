"""The data card: front matter that the Hub reads, counts, and hostile texts that stay texts."""

import json
import re

import pytest
import yaml

from tests.helpers import ROOT, rows_of
from tripletgen.card import NUM_EXAMPLES, markdown_cell, write_card
from tripletgen.schema import Triplet, group_id_of
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.writer import write_rows, write_shard

HOSTILE = "a car | <script>alert(1)</script> [x](javascript:y) `z` #1"


def manifest_without_rejects(folder):
    """Return a manifest whose licence follows from its rows alone."""
    return read_manifest(folder) | {"files": []}


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
    assert f"| captions.txt | CC-BY-4.0 | {manifest['captions']['read']:,} | {manifest['triplets']['total']:,} | 100.0% |" in text
    assert "Not decontaminated against any benchmark." in text


@pytest.mark.parametrize(
    ("licences", "tag", "said"),
    [
        ({"CC0-1.0": 1, "CC-BY-4.0": 2}, "cc-by-4.0", "The whole: [CC-BY-4.0](https://creativecommons.org/licenses/by/4.0/)"),
        ({"LicenseRef-CC3M": 2}, "other", "The whole: [LicenseRef-CC3M](https://github.com/google-research-datasets/"),
        ({"unknown": 2, "MIT": 1}, "unknown", "**May not be published as it is:** 2 rows of captions.txt are under 'unknown'"),
        ({"CC-BY-SA-4.0": 2, "CC-BY-NC-4.0": 1}, "unknown", "CC-BY-NC-4.0 and CC-BY-SA-4.0 cannot be combined"),
        ({"{{ 7 * 7 }}": 1}, "unknown", "1 rows of an unnamed source are under '\\{\\{ 7 \\* 7 \\}\\}'"),
    ],
)
def test_the_licence_of_the_whole_follows_from_the_rows(dataset, licences, tag, said):
    manifest = manifest_without_rejects(dataset)
    manifest["triplets"]["licence"] = licences
    manifest["sources"] = [{"name": "captions.txt", "licence": "unknown", "rows": 1}]
    write_card(dataset, manifest)
    text = (dataset / "README.md").read_text(encoding="utf-8")
    assert front_matter(text)["license"] == tag
    assert said in text


def test_a_licence_without_a_tag_of_the_hub_has_a_name_and_a_link(dataset):
    manifest = manifest_without_rejects(dataset)
    manifest["triplets"]["licence"] = {"LicenseRef-CC3M": 1}
    write_card(dataset, manifest)
    card = front_matter((dataset / "README.md").read_text(encoding="utf-8"))
    assert card["license_name"] == "licenseref-cc3m"
    assert str(card["license_link"]).startswith("https://github.com/google-research-datasets/conceptual-captions/")


def test_every_licence_stands_in_the_card_with_its_rows(dataset):
    manifest = read_manifest(dataset)
    manifest["triplets"]["licence"] = {"CC0-1.0": 1, "My <b>own</b> | licence": 2}
    write_card(dataset, manifest)
    text = (dataset / "README.md").read_text(encoding="utf-8")
    assert "| [CC0-1.0](https://creativecommons.org/publicdomain/zero/1.0/) | 1 |" in text
    assert "| My &lt;b&gt;own&lt;/b&gt; \\| licence | 2 |" in text


CARDS = ("demo", "cc3m-val")


@pytest.mark.parametrize("name", ["built", *CARDS])
def test_the_hubs_library_accepts_the_card(built, name):
    from huggingface_hub import DatasetCard, DatasetCardData

    path = built / "README.md" if name == "built" else ROOT / f"data_cards/{name}.md"
    card = DatasetCard.load(path)
    assert isinstance(card.data, DatasetCardData)
    assert card.data.to_dict() == front_matter(path.read_text(encoding="utf-8"))
    assert card.data.language == ["en"]
    assert card.data.pretty_name == "Text triplets for composed image retrieval"


@pytest.mark.parametrize(("name", "licence"), [("demo", "cc0-1.0"), ("cc3m-val", "other")])
def test_the_kept_cards_are_those_of_the_present_template(built, name, licence):
    def headings(path):
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(("# ", "## "))]

    path = ROOT / f"data_cards/{name}.md"
    card, fresh = front_matter(path.read_text(encoding="utf-8")), front_matter((built / "README.md").read_text(encoding="utf-8"))
    assert headings(path) == headings(built / "README.md")
    assert card["license"] == licence
    assert set(fresh) <= set(card)
    assert card["dataset_info"]["features"] == fresh["dataset_info"]["features"]
    examples = path.read_text(encoding="utf-8").split("| edit type |\n|---|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert 0 < len(examples) <= NUM_EXAMPLES


def test_datasets_loads_the_folder_with_the_documented_features_and_splits(built, tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs the datasets library: pip install 'tripletgen[hub]'")
    info = front_matter((built / "README.md").read_text(encoding="utf-8"))["dataset_info"]
    loaded = datasets.load_dataset(str(built), cache_dir=str(tmp_path))
    assert {name: split.num_rows for name, split in loaded.items()} == {s["name"]: s["num_examples"] for s in info["splits"]}
    for split in loaded.values():
        assert [{"name": name, "dtype": feature.dtype} for name, feature in split.features.items()] == info["features"]
    assert [dict(row) for row in loaded["train"]] == rows_of(built)


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
    hostile = (
        "| a car \\| &lt;script&gt;alert(1)&lt;/script&gt; \\[x\\](javascript:y) \\`z\\` \\#1 | \\{\\{ 7 \\* 7 \\}\\} | x y | `combine` |"
    )
    assert line == hostile


KNOWN_FAULTS = {
    "rule": "Rows of origin `rule`: the edits are made from automatic parses",
    "pair": "Rows of origin `pair`: both captions are real, but a caption tells a part of its picture",
    "llm": "Rows of origin `llm`: replies are checked by comparing words",
}


@pytest.mark.parametrize("origins", [["rule"], ["pair"], ["rule", "pair"], ["llm"], ["llm", "pair", "rule"]], ids="+".join)
def test_the_known_faults_are_those_of_the_origins_that_are_there(dataset, origins):
    manifest = read_manifest(dataset)
    manifest["triplets"]["origin"] = dict.fromkeys(origins, 1)
    write_card(dataset, manifest)
    told = (dataset / "README.md").read_text(encoding="utf-8").partition("## Known faults\n\n")[2].partition("\n\n## ")[0]
    assert {name for name, text in KNOWN_FAULTS.items() if text in told} == set(origins)
    assert told.split("\n\n")[-1].startswith("What the source captions hold in errors")
    assert len(told.split("\n\n")) == len(origins) + 1


def test_decontamination_is_told(dataset):
    manifest = read_manifest(dataset)
    manifest["decontamination"] = {"texts": 1234, "sha256": "0"}
    write_card(dataset, manifest)
    assert "1,234 benchmark texts" in (dataset / "README.md").read_text(encoding="utf-8")


def test_the_card_says_nothing_of_its_maker(built):
    assert str(built.parent) not in (built / "README.md").read_text(encoding="utf-8")
    assert str(built.parent) not in json.dumps(read_manifest(built))


def test_the_quality_and_first_words_of_the_card_are_counted(built):
    rows, text = rows_of(built) + rows_of(built, "validation"), (built / "README.md").read_text(encoding="utf-8")
    shows = sum(row["modification_text"].lower().split()[0] == "shows" for row in rows) / len(rows)
    assert f"shows {shows:.1%}" in text
    change = sum(row["modification_text"].lower().startswith("change") for row in rows) / len(rows)
    # The figure is rounded to four digits before it is shown with three.
    assert f'{round(change, 4):.1%} begin with "change"' in text


def test_an_ampersand_is_shown_as_it_is():
    assert markdown_cell("salt &amp; pepper") == "salt &amp;amp; pepper"


@pytest.mark.parametrize(
    ("sources", "datasets"),
    [
        (["embedded/animals", "embedded/food"], ["original"]),
        (["captions.txt", "embedded/food"], ["extended", "original"]),
        (["hf://datasets/org/name@train#text", "hf://datasets/org/name@test"], ["org/name"]),
    ],
)
def test_the_card_names_the_data_sets_that_the_captions_come_from(dataset, sources, datasets):
    manifest = read_manifest(dataset)
    manifest["sources"] = [{"name": name, "licence": "CC-BY-4.0", "rows": 1} for name in sources]
    write_card(dataset, manifest)
    assert front_matter((dataset / "README.md").read_text(encoding="utf-8"))["source_datasets"] == datasets
