"""What would be published, to where, and what is refused before anything is sent."""

import re

import pytest

from tests.helpers import CAPTIONS, write_lines
from tests.test_check import edit_manifest
from tripletgen.errors import DataError, PublishError, UsageError
from tripletgen.publish import plan_publication, target_kind


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("org/name", "hub"),
        ("name", "hub"),
        ("hf://datasets/org/name", "hub"),
        ("s3://bucket/a/b", "folder"),
        ("gs://bucket", "folder"),
        ("file:///tmp/x", "folder"),
        ("/tmp/x", "folder"),
        ("./org/name", "folder"),
        ("../x", "folder"),
        ("~/x", "folder"),
        (".", "folder"),
    ],
)
def test_a_target_says_what_it_is(target, kind):
    assert target_kind(target) == kind


@pytest.mark.parametrize("target", ["", "a/b/c", "out\\demo"])
def test_a_target_that_cannot_be_meant_is_a_usage_error(target):
    with pytest.raises(UsageError, match="neither a repository nor a folder"):
        target_kind(target)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("bad name/x", "'bad name/x' is not a name of the Hub: "),
        ("org/x..y", "'org/x..y' is not a name of the Hub: "),
        ("name", "'name' does not say whose repository it is"),
        ("foo://x", "foo://x: Protocol not known: foo"),
        ("s3://", "s3://: names no bucket"),
        ("s3:///key", "s3:///key: names no bucket"),
    ],
)
def test_a_target_that_is_none_is_refused_before_the_data_set_is_looked_at(tmp_path, target, said):
    with pytest.raises(PublishError) as caught:
        plan_publication(tmp_path / "nothing", target)
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize("form", ["{}", "{}/data", "{}/new/copy", "file://{}/copy"])
def test_a_target_in_the_data_set_is_refused(built, form):
    target = form.format(built)
    with pytest.raises(PublishError) as caught:
        plan_publication(built, target)
    assert caught.value.message == f"{target}: is the data set itself, or lies in it"


CHARACTERS_OF_NO_TAG = ["v 1", "a\nb", "a\x7f", "a~1", "a^", "a:b", "a?", "*", "[a]", "a\\b", "a@{1}"]
SHAPES_OF_NO_TAG = ["", "v1..2", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "-a", "/a", "a/", "a//b", "HEAD"]


@pytest.mark.parametrize("tag", CHARACTERS_OF_NO_TAG + SHAPES_OF_NO_TAG)
def test_a_tag_that_git_does_not_take_is_refused_before_the_data_set_is_looked_at(tmp_path, tag):
    with pytest.raises(UsageError) as caught:
        plan_publication(tmp_path / "nothing", "org/name", tag)
    assert caught.value.message == f"--tag {tag!r}: git takes no such name"


@pytest.mark.parametrize("tag", ["v1", "1.0.2", "release/2026-11", "v0.1.0-3fa9c1d2", "a@b", "ü", "my_tag", "a.b-c"])
def test_a_tag_that_git_takes_is_taken(built, tag):
    assert plan_publication(built, "org/name", tag).version == tag


def test_a_data_set_that_is_not_sound_is_not_published(dataset):
    (dataset / "recipe.yaml").write_text("limit: 3\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"is not sound: recipe\.yaml: 9 bytes"):
        plan_publication(dataset, "org/name")


def test_a_folder_that_is_no_data_set_is_not_published(tmp_path):
    with pytest.raises(DataError, match="not a data set of tripletgen"):
        plan_publication(tmp_path, "org/name")


def test_the_version_is_made_from_the_bytes(built, dataset):
    version = plan_publication(built, "org/name").version
    assert version == plan_publication(dataset, "s3://elsewhere").version
    edit_manifest(dataset, lambda manifest: manifest.update(model="another"))
    assert plan_publication(dataset, "org/name").version != version
    assert plan_publication(dataset, "org/name", "v7").version == "v7"


def test_rows_of_an_unknown_licence_are_refused_with_their_source(tmp_path, captions_file):
    import tripletgen
    from tripletgen.captions.sources import SourceSpec

    manifest = tripletgen.build(tripletgen.BuildOptions(out=str(tmp_path / "out"), sources=(SourceSpec(str(captions_file)),)))
    with pytest.raises(DataError) as caught:
        plan_publication(tmp_path / "out", "org/name")
    rows = manifest["triplets"]["total"]
    assert caught.value.message == f"may not be published: {rows} rows of captions.txt are under 'unknown': the licence is not known"
    assert "--licence" in caught.value.hint


@pytest.fixture
def rejected(tmp_path):
    """Return a function that builds from free captions and from captions of another licence, of which not one gives a triplet."""
    import tripletgen
    from tripletgen.captions.sources import SourceSpec

    def build(licence, **options):
        mine = SourceSpec(str(write_lines(tmp_path / "mine.txt", CAPTIONS)), "CC-BY-4.0")
        theirs = SourceSpec(str(write_lines(tmp_path / "theirs.txt", ["Too short", "Their secret"])), licence)
        out = tmp_path / "out"
        manifest = tripletgen.build(tripletgen.BuildOptions(str(out), (mine, theirs), overwrite=True, **options))
        assert manifest["triplets"]["licence"].keys() == {"CC-BY-4.0"}
        return out

    return build


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("unknown", "2 rejected texts of theirs.txt are under 'unknown': the licence is not known"),
        ("proprietary", "2 rejected texts of theirs.txt are under 'proprietary': it does not allow redistribution"),
    ],
)
def test_rejected_texts_of_a_licence_that_does_not_allow_it_are_refused(rejected, licence, said):
    out = rejected(licence, keep_rejects=True)
    with pytest.raises(DataError) as caught:
        plan_publication(out, "org/name")
    assert caught.value.message == f"may not be published: {said}"
    assert caught.value.hint.endswith("a build without --keep-rejects leaves the rejected texts out")
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "license: unknown\n" in card
    assert f"**May not be published as it is:** {said}." in card
    assert plan_publication(rejected(licence), "org/name").licence == "CC-BY-4.0"


def test_rejected_texts_make_the_whole_as_strict_as_they_are(rejected):
    out = rejected("CC-BY-NC-4.0", keep_rejects=True)
    assert plan_publication(out, "org/name").licence == "CC-BY-NC-4.0"
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-nc-4.0\n" in card
    assert "which follows from the licences of the rows (column `licence`) and of the texts in `rejects`." in card
    assert re.search(r"The folder `rejects` holds what gave no row, by the licence of its source: .*CC-BY-NC-4\.0 2\.\n", card)
