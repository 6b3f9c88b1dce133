"""What would be published, to where, and what is refused before anything is sent."""

import pytest

from tests.test_check import edit_manifest
from tripletgen.errors import DataError, UsageError
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
