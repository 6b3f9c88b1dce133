"""The report holds exact totals, a seeded sample, and no text that could become markup."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import tripletgen
from tests.helpers import digests, full_disk, obey_permissions, rows_of, run_cli
from tripletgen.captions.sources import SourceSpec
from tripletgen.check import check_dataset
from tripletgen.errors import OutputError
from tripletgen.figures import add_up, measure, measure_quality
from tripletgen.publish import plan_publication
from tripletgen.report import default_path, illustrate_card, write_report
from tripletgen.report.sample import OF_EACH_KIND, draw_rejects, draw_triplets
from tripletgen.schema import Triplet, group_id_of, triplet_id_of
from tripletgen.shards.manifest import read_manifest, write_manifest
from tripletgen.shards.reader import all_shards
from tripletgen.shards.writer import write_rows, write_shard

pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tripletgen[report]'")
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(built, tmp_path_factory) -> str:
    """Return the report of the built data set."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(built, path)
    return path.read_text(encoding="utf-8")


def data_of(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def add_hostile_row(folder: Path) -> None:
    """Put a row with markup in every text into the first shard."""
    name = read_manifest(folder)["splits"]["train"]["files"][0]["path"]
    texts = (f"a car {SCRIPT}", f"<img src=x onerror=alert(2)> {SCRIPT}", f"</script><b>{SCRIPT} & --> <!-- a van")
    about = ("rule", "combine", "relative", None, None, SCRIPT, SCRIPT, "1", "MIT")
    row = Triplet(triplet_id_of(*texts), *texts, *about, group_id_of(texts[0]))
    write_rows(folder / "one.arrow", [row])
    write_shard(folder / name, [folder / "one.arrow"])
    (folder / "one.arrow").unlink()


def test_the_totals_of_the_page_are_those_of_the_manifest(page, built):
    manifest = read_manifest(built)
    for label, number in (
        ("Triplets", manifest["triplets"]["total"]),
        ("train", manifest["splits"]["train"]["rows"]),
        ("Captions read", manifest["captions"]["read"]),
        ("Captions used", manifest["captions"]["used"]),
    ):
        assert f"<dt>{label}</dt><dd>{number:,}</dd>" in page
    for name, count in {**manifest["triplets"]["edit_type"], **manifest["captions"]["dropped"]}.items():
        assert re.search(rf'<th scope="row">{name}\b.*?</th><td>{count:,}</td>', page)


def test_the_page_names_no_other_place(page):
    outside = set(re.findall(r"(?:src|href|action)\s*=\s*[\"']?([^\"'\s>]+)", page)) | set(re.findall(r"url\(([^)]+)\)", page))
    assert {address for address in outside if not address.startswith(("#", "data:,"))} == set()
    assert "default-src 'none'" in page
    assert "@import" not in page


def test_every_id_of_the_page_stands_once(page):
    ids = Counter(re.findall(r'\sid="([^"]+)"', page))
    assert [name for name, count in ids.items() if count > 1] == []


def test_plots_have_the_colours_of_the_theme(page):
    assert len(re.findall(r"<svg role=\"img\" aria-label=", page)) == len(re.findall("<figure>", page)) >= 5
    assert "var(--series-0)" in page
    assert not re.findall(r"(?:fill|stroke): #(?!none)[0-9a-f]{6}", page)


def test_first_words_stand_beside_those_of_cirr_and_circo(page, built):
    rows = rows_of(built) + rows_of(built, "validation")
    share = sum(row["modification_text"].lower().startswith("shows ") for row in rows) / len(rows)
    assert f'<th scope="row">shows</th><td>{share:.1%}</td><td>8.8%</td><td>7.3%</td>' in page


def test_the_sample_is_the_whole_where_the_whole_is_small(page, built):
    shown = data_of(page)["triplets"]
    found = {tuple(row[:3]) for row in shown["rows"]}
    assert shown["columns"][:3] == ["reference_caption", "modification_text", "target_caption"]
    assert found == {
        (row["reference_caption"], row["modification_text"], row["target_caption"]) for row in rows_of(built) + rows_of(built, "validation")
    }


def test_a_small_sample_still_has_rows_of_every_edit_type(built):
    rows = draw_triplets(built, 80, seed=0)["rows"]
    wanted = read_manifest(built)["triplets"]["edit_type"]
    found = Counter(row[3] for row in rows)
    assert len(rows) < sum(wanted.values())
    assert all(found[name] >= min(count, OF_EACH_KIND) for name, count in wanted.items())


def test_the_seed_chooses_the_sample_and_nothing_else_does(built):
    first = draw_triplets(built, 70, seed=0)
    assert draw_triplets(built, 70, seed=0) == first
    assert draw_triplets(built, 70, seed=1) != first


def test_rejects_are_shown_with_their_reason(page, built):
    shown = data_of(page)["rejects"]
    assert {"stage", "reason", "text"} <= set(shown["columns"])
    reasons = {row[shown["columns"].index("reason")] for row in shown["rows"]}
    assert {"too_short", "url_email_phone", "not_english"} <= reasons


def test_a_data_set_without_rejects_says_how_to_keep_them(dataset, tmp_path):
    manifest = read_manifest(dataset)
    manifest["files"] = [file for file in manifest["files"] if not file["path"].startswith("rejects/")]
    write_manifest(dataset, manifest)
    assert draw_rejects(dataset, 10, 0)["rows"] == []
    write_report(dataset, tmp_path / "report.html")
    assert "--keep-rejects" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_hostile_text_stands_in_the_page_only_as_escaped_data(dataset, tmp_path):
    add_hostile_row(dataset)
    manifest = read_manifest(dataset)
    manifest["sources"] = [{"name": f"{SCRIPT}.txt", "licence": SCRIPT, "rows": 1}]
    manifest["captions"]["dropped"] = {SCRIPT: 1}
    manifest["recipe"]["note"] = SCRIPT
    write_manifest(dataset, manifest)
    write_report(dataset, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img" not in page
    assert len(re.findall(r"<script", page)) == 2
    assert any(SCRIPT in row[0] for row in data_of(page)["triplets"]["rows"])


def test_equal_data_sets_give_equal_pages(built, tmp_path):
    for name in ("a.html", "b.html"):
        write_report(built, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_the_report_lies_beside_the_data_set_and_does_not_touch_it(dataset):
    before = digests(dataset)
    done = write_report(dataset)
    assert Path(done.path) == default_path(dataset) == dataset.with_name("dataset.report.html")
    assert done.bytes == Path(done.path).stat().st_size
    assert digests(dataset) == before


def test_a_report_that_cannot_be_written_is_named(built, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(built, tmp_path / "file/report.html")


@pytest.mark.parametrize("name", ["", "manifest.json", "data/train-00000-of-00001.parquet", "report.html"])
def test_a_report_in_the_data_set_is_refused(dataset, name):
    before = digests(dataset)
    with pytest.raises(OutputError) as caught:
        write_report(dataset, dataset / name)
    assert caught.value.message == f"{dataset / name}: is the data set itself, or lies in it"
    assert caught.value.hint == "give --out a file outside of it"
    assert digests(dataset) == before


@pytest.mark.parametrize("out", ["thesis.html", "dataset.report.html", "folder"])
def test_a_report_replaces_a_report_and_nothing_else(dataset, tmp_path, out):
    (tmp_path / "folder").mkdir()
    (tmp_path / "thesis.html").write_text("keep me")
    (tmp_path / "dataset.report.html").write_text("keep me")
    before = digests(tmp_path)
    arguments = ["--card"] if out == "dataset.report.html" else ["--card", "--out", out]
    done = run_cli("report", dataset, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    place = dataset.with_name(out) if out == "dataset.report.html" else out
    assert done.stderr.splitlines() == [f"error: {place}: exists and is no report", "hint: give --out another file, or remove it first"]
    assert digests(tmp_path) == before
    first, again = (write_report(dataset, tmp_path / "mine.html") for _ in range(2))
    assert first == again


def test_the_card_shows_the_plots_and_the_data_set_stays_sound(dataset):
    written = illustrate_card(dataset)
    text = (dataset / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in written} >= {"edit_types.png", "phrasings.png", "lengths.png", "first_words.png"}
    for path in written:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert f"(figures/{path.name})" in text
    assert check_dataset(dataset) == []
    assert "figures/edit_types.png" in {file.path for file in plan_publication(dataset, "org/name").files}
    before = digests(dataset)
    illustrate_card(dataset)
    assert digests(dataset) == before


def test_counts_are_those_of_a_plain_count(built):
    rows, figures = rows_of(built) + rows_of(built, "validation"), add_up(map(measure, all_shards(built)))
    assert figures.rows == len(rows)
    for column, counts in figures.words.items():
        assert counts == Counter(len(row[column].split(" ")) for row in rows)
    assert figures.first_words["shows"] == sum(row["modification_text"].lower().split()[0] == "shows" for row in rows)
    texts = [row["modification_text"].lower() for row in rows]
    quality = measure_quality(all_shards(built))
    assert quality.rows == len(rows)
    assert abs(quality.duplicate - (1 - len(set(texts)) / len(texts))) < 0.02
    assert quality.begins_with_change == round(sum(text.startswith("change") for text in texts) / len(texts), 4)


def test_a_data_set_whose_card_has_plots_can_be_built_afresh(captions_file, tmp_path):
    options = tripletgen.BuildOptions(str(tmp_path / "out"), (SourceSpec(str(captions_file), "MIT"),), overwrite=True)
    tripletgen.build(options)
    before = digests(tmp_path / "out")
    illustrate_card(tmp_path / "out")
    assert (tmp_path / "out/figures").is_dir()
    tripletgen.build(options)
    assert digests(tmp_path / "out") == before


@pytest.mark.parametrize(("limit", "said"), [(None, "Permission denied"), (20_000, "File too large")])
def test_a_card_that_cannot_be_written_is_told_and_the_data_set_stays_sound(dataset, tmp_path, limit, said):
    dataset.chmod(0o500 if limit is None else 0o700)
    done = run_cli("report", dataset, "--card", cwd=tmp_path, preexec_fn=obey_permissions if limit is None else full_disk(limit))
    dataset.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"error: {dataset}: its card cannot be written ({said})"
    assert check_dataset(dataset) == []
