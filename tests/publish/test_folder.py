"""A local folder, and S3 through a real S3 protocol server (moto)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import s3fs

from tests.helpers import digests, environment, full_disk, obey_permissions, rows_of, run_cli
from tests.publish.test_hub import change_card, published
from tests.s3 import SECRET
from tests.test_check import edit_manifest
from tripletgen.check import check_dataset
from tripletgen.errors import MissingExtraError, PublishError
from tripletgen.publish import plan_publication, publish
from tripletgen.publish.folder import JOURNAL


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path) -> str:
    """Return a place to publish to, of each kind in turn."""
    return str(tmp_path / "shared/triplets") if request.param == "folder" else f"{request.getfixturevalue('bucket')}/team/triplets"


def contents(place: str) -> dict[str, bytes]:
    if not place.startswith("s3://"):
        return {name: (Path(place) / name).read_bytes() for name in digests(Path(place))}
    system = s3fs.S3FileSystem(skip_instance_cache=True)
    root = place.removeprefix("s3://")
    return {path.removeprefix(f"{root}/"): system.cat_file(path) for path in system.find(root)}


def remove(place: str, name: str) -> None:
    if place.startswith("s3://"):
        s3fs.S3FileSystem(skip_instance_cache=True).rm_file(f"{place}/{name}")
    else:
        (Path(place) / name).unlink()


class BrokenError(Exception):
    """Stand for a process that dies."""


def publish_until(folder: Path, place: str, step: str) -> None:
    """Publish, and die when a step begins."""

    def die(begun: str) -> None:
        if begun.startswith(step):
            raise BrokenError

    with pytest.raises(BrokenError):
        publish(plan_publication(folder, place), progress=die)


def sent_files(folder: Path, place: str) -> list[str]:
    steps: list[str] = []
    publish(plan_publication(folder, place), progress=steps.append)
    return [step.split()[1] for step in steps if step.startswith("sending ")]


def test_a_data_set_is_sent_whole_and_only_once(built, place):
    plan = plan_publication(built, place)
    done = publish(plan)
    assert contents(place) == published(built)
    assert (done.sent, done.kept, done.removed, done.version) == (len(plan.files), 0, 0, plan.version)
    again = publish(plan)
    assert (again.sent, again.kept) == (0, len(plan.files))


def test_a_new_version_sends_what_changed_and_removes_what_went(dataset, place):
    publish(plan_publication(dataset, place))
    change_card(dataset)
    (dataset / "recipe.yaml").unlink()
    edit_manifest(dataset, lambda m: m.update(files=[f for f in m["files"] if f["path"] != "recipe.yaml"]))
    done = publish(plan_publication(dataset, place))
    assert (done.sent, done.removed) == (2, 1)
    assert contents(place) == published(dataset)


@pytest.mark.parametrize("step", ["sending data/train-00001", "finishing"])
def test_a_publication_that_dies_shows_no_manifest_and_goes_on(built, place, step):
    publish_until(built, place, step)
    there = contents(place)
    assert "manifest.json" not in there
    rest = sent_files(built, place)
    assert not {name for name in there if name != JOURNAL} & set(rest)
    assert contents(place) == published(built)


def test_a_new_version_that_dies_in_the_middle_shows_neither_the_old_nor_the_new_one_as_whole(dataset, place):
    publish(plan_publication(dataset, place))
    change_card(dataset)
    publish_until(dataset, place, "finishing")
    assert "manifest.json" not in contents(place)
    assert sent_files(dataset, place) == []
    assert contents(place) == published(dataset)


def test_a_file_that_went_missing_is_sent_again(built, place):
    publish(plan_publication(built, place))
    remove(place, "recipe.yaml")
    assert sent_files(built, place) == ["recipe.yaml"]
    assert contents(place) == published(built)


def test_a_local_folder_is_a_data_set_that_checks(built, tmp_path):
    publish(plan_publication(built, str(tmp_path / "copy")))
    assert check_dataset(tmp_path / "copy") == []
    assert digests(tmp_path / "copy") == digests(built)


@pytest.mark.parametrize("name", ["notes.txt", "deep/notes.txt"])
def test_a_place_with_foreign_content_is_left_alone(built, tmp_path, name):
    (tmp_path / "mine" / name).parent.mkdir(parents=True)
    (tmp_path / "mine" / name).write_text("keep me")
    with pytest.raises(PublishError, match="holds files that tripletgen did not publish"):
        publish(plan_publication(built, str(tmp_path / "mine")))
    assert digests(tmp_path / "mine").keys() == {name}


def test_foreign_content_of_a_bucket_is_left_alone(built, bucket):
    s3fs.S3FileSystem().pipe_file("data/x/manifest.json", b'{"name": "a web page"}')
    with pytest.raises(PublishError, match=r"holds a manifest.json that tripletgen did not write"):
        publish(plan_publication(built, f"{bucket}/x"))
    assert contents("s3://data/x") == {"manifest.json": b'{"name": "a web page"}'}


def test_what_lies_on_s3_is_loaded_back_equal_row_by_row(built, bucket, tmp_path):
    publish(plan_publication(built, f"{bucket}/triplets"))
    code = (
        "import datasets, json, os\n"
        "files = {s: f's3://data/triplets/data/{s}-*.parquet' for s in ('train', 'validation')}\n"
        "options = {'endpoint_url': os.environ['AWS_ENDPOINT_URL']}\n"
        "loaded = datasets.load_dataset('parquet', data_files=files, storage_options=options)\n"
        "print(json.dumps({s: [dict(r) for r in d] for s, d in loaded.items()}))\n"
    )
    env = environment(HF_HOME=str(tmp_path / "hf"), HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {split: rows_of(built, split) for split in ("train", "validation")}


def test_a_bucket_that_is_not_there_is_named_and_not_made(built, bucket):
    with pytest.raises(PublishError) as caught:
        publish(plan_publication(built, "s3://nosuchbucket/triplets"))
    assert caught.value.message == "s3://nosuchbucket/triplets: there is no bucket 'nosuchbucket'"
    assert [name.strip("/") for name in s3fs.S3FileSystem(skip_instance_cache=True).ls("")] == ["data"]


def test_missing_credentials_are_named(built, bucket, tmp_path):
    env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_ACCESS") and not key.startswith("AWS_SECRET")}
    env |= {"PYTHONPATH": environment()["PYTHONPATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    done = run_cli("publish", built, f"{bucket}/triplets", cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: {bucket}/triplets: no credentials, or not valid ones",
        "hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    ]


def test_a_server_that_is_not_there_is_named(built, bucket, tmp_path):
    env = environment(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    done = run_cli("publish", built, f"{bucket}/triplets", cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {bucket}/triplets: ")
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr


def test_private_is_a_word_of_the_hub(built, tmp_path):
    with pytest.raises(PublishError, match="--private means a repository of the Hub"):
        publish(plan_publication(built, str(tmp_path / "x")), private=True)
    assert not (tmp_path / "x").exists()


def test_a_kind_of_place_that_nobody_knows_is_named(built):
    with pytest.raises(PublishError, match="gopher"):
        publish(plan_publication(built, "gopher://somewhere/x"))


def test_a_folder_that_is_not_writable_is_named(built, tmp_path):
    tmp_path.chmod(0o500)
    done = run_cli("publish", built, "./x", cwd=tmp_path, preexec_fn=obey_permissions)
    tmp_path.chmod(0o700)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error: ./x: you may not read or write there", "hint: ask for permission, or name another place"]


def test_a_full_disk_is_named_and_the_rest_is_sent_when_there_is_room(built, tmp_path):
    done = run_cli("publish", built, "./x", "--quiet", cwd=tmp_path, preexec_fn=full_disk(10_000))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: ./x: the disk is full",
        "hint: make room and run the same command again: what was sent is not sent twice",
    ]
    assert not (tmp_path / "x/manifest.json").exists()
    publish(plan_publication(built, str(tmp_path / "x")))
    assert digests(tmp_path / "x") == digests(built)


def test_a_place_inside_the_data_set_is_refused(dataset):
    before = digests(dataset)
    with pytest.raises(PublishError, match="is the data set itself, or lies in it"):
        publish(plan_publication(dataset, str(dataset / "copy")))
    assert digests(dataset) == before


def test_a_library_that_is_missing_for_a_place_is_named_as_it_is(built):
    with pytest.raises(MissingExtraError, match="Please install gcsfs") as caught:
        publish(plan_publication(built, "gs://bucket/x"))
    assert caught.value.hint == "install the library that it names"
