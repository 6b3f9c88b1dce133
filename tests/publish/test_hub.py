"""The real `huggingface_hub` client against a Hub on the loopback interface that fails on purpose."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import APP, environment, rows_of, run_cli
from tests.publish.hub_state import SIGNATURE, STEPS, TOKEN, Hub, Repository
from tests.test_check import edit_manifest
from tripletgen.errors import PublishError
from tripletgen.publish import Outcome, plan_publication
from tripletgen.publish.hub import TRIES, publish_to_hub
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.writer import describe

NAME = "someone/triplets"


def send(hub: Hub, folder: Path, name: str = NAME, tag: str | None = None, **options: object) -> Outcome:
    waits: list[float] = []
    return publish_to_hub(plan_publication(folder, name, tag), endpoint=hub.url, sleep=waits.append, **options)


def refused(hub: Hub, folder: Path, name: str = NAME, **options: object) -> PublishError:
    with pytest.raises(PublishError) as caught:
        send(hub, folder, name, **options)
    assert TOKEN not in caught.value.message + caught.value.hint
    assert SIGNATURE not in caught.value.message + caught.value.hint
    return caught.value


def published(folder: Path) -> dict[str, bytes]:
    """Return the files that a publication must hold: those of the manifest, and the manifest."""
    manifest = read_manifest(folder)
    listed = [*manifest["files"], *(file for split in manifest["splits"].values() for file in split["files"])]
    return {path: (folder / path).read_bytes() for path in [*(file["path"] for file in listed), "manifest.json"]}


def hub_environment(hub: Hub, **more: str) -> dict[str, str]:
    return environment(HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN, **more)


def change_card(folder: Path) -> None:
    """Make another version of a sound data set: the card says one line more."""
    card = folder / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nOne line more.\n", encoding="utf-8")

    def relist(manifest: dict) -> None:
        for entry in manifest["files"]:
            if entry["path"] == "README.md":
                entry.update(describe(card, "README.md")._asdict())

    edit_manifest(folder, relist)


def test_a_data_set_is_sent_in_one_commit_and_tagged(hub, built):
    done = send(hub, built)
    repository = hub.repositories[NAME]
    assert hub.files(NAME) == published(built)
    assert len(repository.commits) == 2  # the one that makes the repository, and ours
    assert repository.tags == {done.version: repository.commits[-1][0]}
    assert done == Outcome(f"{hub.url}/datasets/{NAME}", done.version, len(published(built)), 0, 0)
    assert done.version.startswith("v0.1.0-")
    assert not repository.private


def test_publishing_twice_sends_nothing(hub, built):
    first = send(hub, built)
    uploads, commits = hub.seen["upload"], len(hub.repositories[NAME].commits)
    again = send(hub, built)
    assert (again.sent, again.kept, again.version) == (0, first.sent, first.version)
    assert (hub.seen["upload"], len(hub.repositories[NAME].commits)) == (uploads, commits)


def test_a_new_version_sends_what_changed_and_gets_a_tag_of_its_own(hub, dataset):
    first = send(hub, dataset)
    uploads = hub.seen["upload"]
    change_card(dataset)
    second = send(hub, dataset)
    assert (second.sent, second.removed) == (2, 0)  # the card and the manifest
    assert hub.seen["upload"] == uploads
    assert set(hub.repositories[NAME].tags) == {first.version, second.version}
    assert hub.files(NAME) == published(dataset)
    assert b"One line more." not in hub.files(NAME, first.version)["README.md"]


def test_a_file_that_the_new_version_lacks_is_removed_and_what_others_added_stays(hub, dataset):
    send(hub, dataset)
    repository = hub.repositories[NAME]
    _, files, large = repository.commits[-1]
    repository.commit({**files, "LICENSE.txt": b"added by hand"}, large)
    (dataset / "recipe.yaml").unlink()
    edit_manifest(dataset, lambda m: m.update(files=[f for f in m["files"] if f["path"] != "recipe.yaml"]))
    done = send(hub, dataset)
    assert done.removed == 1
    assert hub.files(NAME) == {**published(dataset), "LICENSE.txt": b"added by hand"}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_is_busy_once_is_tried_again(hub, built, step):
    hub.fail(step, times=1, status=503)
    send(hub, built)
    assert hub.files(NAME) == published(built)
    assert len(hub.repositories[NAME].commits) == 2
    assert hub.faults[step][0] == 0


@pytest.mark.parametrize("step", ["info", "create", "tree", "upload", "commit", "tag"])
@pytest.mark.parametrize("status", [429, 0], ids=["too many requests", "cut line"])
def test_a_step_is_tried_again_after_a_limit_and_after_a_cut_line(hub, built, step, status):
    hub.fail(step, times=1, status=status)
    send(hub, built)
    assert hub.files(NAME) == published(built)
    assert len(hub.repositories[NAME].commits) == 2


def test_the_wait_is_what_the_server_asks_for_and_else_grows(hub, built):
    hub.retry_after = "7"
    hub.fail("create", times=1, status=429)
    waits: list[float] = []
    publish_to_hub(plan_publication(built, NAME), endpoint=hub.url, sleep=waits.append)
    assert waits == [7.0]
    hub.retry_after = "soon"
    hub.fail("refs", times=3, status=500)
    waits.clear()
    publish_to_hub(plan_publication(built, NAME), endpoint=hub.url, sleep=waits.append)
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("step", ["part", "complete"])
def test_a_large_file_is_sent_in_parts_and_a_part_is_tried_again(hub, built, step):
    hub.chunk_size = 10_000
    hub.after[step] = 1
    hub.fail(step, times=1, status=503)
    send(hub, built)
    assert hub.seen["part"] > 2 * hub.seen["complete"] > 0
    assert hub.faults[step][0] == 0
    assert hub.files(NAME) == published(built)


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub, built):
    hub.fail("commit", times=1, status=-1)
    done = send(hub, built)
    assert done.sent == len(published(built))
    assert hub.seen["commit"] == 1
    assert len(hub.repositories[NAME].commits) == 2
    assert len(hub.repositories[NAME].tags) == 1


@pytest.mark.parametrize("step", ["info", "create", "commit", "tag"])
def test_a_step_that_stays_broken_ends_in_an_error_after_some_tries(hub, built, step):
    hub.fail(step, times=100, status=503)
    error = refused(hub, built)
    assert error.message == f"{NAME}: the Hub refuses (503: on purpose)"
    assert error.hint.startswith("run the same command again")
    assert hub.seen[step] >= TRIES
    hub.faults.clear()
    send(hub, built)
    assert hub.files(NAME) == published(built)


def test_a_tag_that_cannot_be_set_is_told_as_what_is_missing(hub, built):
    hub.fail("tag", times=100, status=503)
    error = refused(hub, built, tag="v1")
    assert error.hint == "run the same command again to set the tag v1: all files are there, and visible"
    assert hub.files(NAME) == published(built)


@pytest.mark.parametrize("step", ["preupload", "batch", "upload", "commit"])
def test_nothing_is_visible_before_the_commit_and_what_was_sent_is_not_sent_again(hub, built, step):
    """Refuse for good (400 is no reason to wait), at the second large file where files are sent."""
    hub.after[step] = 1 if step in ("batch", "upload") else 0
    hub.fail(step, times=1, status=400)
    refused(hub, built)
    assert hub.files(NAME) == {}
    assert hub.repositories[NAME].tags == {}
    sent = len(hub.objects)
    large = sum(path.endswith(".parquet") for path in published(built))
    assert sent == {"preupload": 0, "batch": 1, "upload": 1, "commit": large}[step]
    uploads = hub.seen["upload"]
    send(hub, built)
    assert hub.seen["upload"] - uploads == large - sent
    assert hub.files(NAME) == published(built)


def test_a_killed_publication_goes_on_where_it_was(hub, built, tmp_path):
    hub.after["upload"] = 2
    hub.fail("upload", times=1000, status=503)
    command = [*APP, "publish", str(built), NAME]
    process = subprocess.Popen(command, env=hub_environment(hub), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while hub.seen["upload"] < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert hub.files(NAME) == {}
    assert len(hub.objects) == 2
    hub.faults.clear()
    uploads = hub.seen["upload"]
    send(hub, built)
    large = sum(path.endswith(".parquet") for path in published(built))
    assert hub.seen["upload"] - uploads == large - 2
    assert hub.files(NAME) == published(built)


def test_a_server_that_is_not_there_is_named_as_a_lost_connection(built, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    error = refused(Hub(url="http://127.0.0.1:9"), built)
    assert error.message.startswith(f"{NAME}: the connection was lost (")


def test_without_a_token_nothing_is_asked(hub, built, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    error = refused(hub, built)
    assert error.message == "no token of the Hugging Face Hub was found"
    assert "hf auth login" in error.hint
    assert hub.requests == []


def test_a_token_that_is_not_accepted_is_named_without_showing_it(hub, built):
    hub.token = "another"
    assert refused(hub, built).message == f"{NAME}: the Hub does not accept the token"
    assert hub.repositories == {}


def test_a_token_that_may_not_write_is_told_so(hub, built):
    hub.may_write = False
    error = refused(hub, built)
    assert error.message == f"{NAME}: the token may not write there"
    assert "someone" in error.hint


@pytest.mark.parametrize("name", ["someone/-x", "some one/x", "someone/x..y", "someone/x.git", "someone/" + "x" * 100])
def test_a_name_that_is_not_valid_is_refused_before_anything_is_sent(hub, built, name):
    assert "is not a name of the Hub" in refused(hub, built, name).message
    assert hub.requests == []


def test_a_name_without_an_owner_is_refused(hub, built):
    error = refused(hub, built, "triplets")
    assert error.message == "'triplets' does not say whose repository it is"
    assert hub.requests == []


def test_a_repository_with_foreign_content_is_left_alone(hub, built):
    hub.repositories[NAME] = Repository(False)
    hub.repositories[NAME].commit({"model.safetensors": b"x", "README.md": b"# mine"}, frozenset())
    error = refused(hub, built)
    assert error.message == f"{NAME}: holds README.md, model.safetensors, which tripletgen did not publish"
    assert len(hub.repositories[NAME].commits) == 1


def test_a_repository_with_a_manifest_of_another_program_is_left_alone(hub, built):
    hub.repositories[NAME] = Repository(False)
    hub.repositories[NAME].commit({"manifest.json": b'{"generator": "webpack 5"}'}, frozenset())
    assert refused(hub, built).message == f"{NAME}: holds a manifest.json that tripletgen did not write"


def test_a_private_repository_is_made_private(hub, built):
    send(hub, built, private=True)
    assert hub.repositories[NAME].private
    send(hub, built, private=True)


def test_private_is_refused_where_the_repository_is_public(hub, built):
    send(hub, built)
    assert "exists and is public" in refused(hub, built, private=True).message


def test_a_tag_of_a_name_is_set_and_not_moved(hub, dataset):
    send(hub, dataset, tag="v1")
    assert set(hub.repositories[NAME].tags) == {"v1"}
    send(hub, dataset, tag="v1")
    change_card(dataset)
    error = refused(hub, dataset, tag="v1")
    assert error.message == f"{NAME}: the tag v1 stands on another version"
    assert len(hub.repositories[NAME].commits) == 2


def test_the_tag_stands_on_our_commit_though_another_one_came_after_it(hub, built):
    def commit_meanwhile(step: str) -> None:
        if step.startswith("tagging"):
            _, files, large = hub.repositories[NAME].commits[-1]
            hub.repositories[NAME].commit({**files, "LICENSE.txt": b"added by hand"}, large)

    done = send(hub, built, progress=commit_meanwhile)
    assert hub.files(NAME, done.version) == published(built)
    assert "LICENSE.txt" in hub.files(NAME)


def test_somebody_elses_commit_meanwhile_is_not_undone(hub, built):
    """The server answers 412 once, as it does when the branch moved; the next try starts from the new state."""
    hub.fail("commit", times=1, status=412)
    send(hub, built)
    assert hub.seen["commit"] == 2
    assert hub.files(NAME) == published(built)


def test_the_command_publishes_and_shows_no_secret(hub, built, tmp_path):
    hub.fail("upload", times=1, status=503)
    done = run_cli("publish", built, NAME, cwd=tmp_path, env=hub_environment(hub, HF_DEBUG=""))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{hub.url}/datasets/{NAME} v0.1.0-")
    assert "sending data/train-00000" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert SIGNATURE not in done.stdout + done.stderr


def test_a_dry_run_asks_nobody_anything(hub, built, tmp_path):
    env = hub_environment(hub)
    done = run_cli("publish", built, NAME, "--dry-run", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    for path, content in published(built).items():
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(path)]
        assert line.split()[-1] == f"{len(content):,}"
    assert f"licence CC-BY-4.0, to {NAME}" in done.stdout
    plan = json.loads(run_cli("publish", built, NAME, "--dry-run", "--json", cwd=tmp_path, env=env).stdout)
    assert {file["path"] for file in plan["files"]} == set(published(built))
    assert plan["files"][-1]["path"] == "manifest.json"
    assert hub.requests == []


def test_what_was_published_is_loaded_back_equal_row_by_row(hub, built, tmp_path):
    pytest.importorskip("datasets", reason="needs the datasets library: pip install 'tripletgen[hub]'")
    done = send(hub, built)
    code = (
        "import datasets, json, sys\n"
        "loaded = datasets.load_dataset(sys.argv[1], revision=sys.argv[2])\n"
        "print(json.dumps({s: [dict(r) for r in d] for s, d in loaded.items()}))\n"
        "print(json.dumps({n: f.dtype for n, f in loaded['train'].features.items()}))\n"
    )
    env = hub_environment(hub, HF_HOME=str(tmp_path / "hf"), HF_HUB_DISABLE_XET="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    command = [sys.executable, "-c", code, NAME, done.version]
    loaded = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert loaded.returncode == 0, loaded.stderr[-2000:]
    assert loaded.stderr == ""  # no warning that a part of the card is ignored
    rows, features = map(json.loads, loaded.stdout.splitlines()[-2:])
    assert rows == {split: rows_of(built, split) for split in ("train", "validation")}
    text = {name: "string" for name in rows["train"][0] if name != "group_id"}
    assert features == {**text, "group_id": "uint64"}
