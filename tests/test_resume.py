"""Stopped at any moment, the same command makes the data set of an undisturbed build, byte for byte."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import tripletgen
from tests.helpers import SMALL_UNITS, digests, embedded_captions, environment, full_disk, run_cli, write_lines
from tripletgen.captions.sources import SourceSpec
from tripletgen.errors import OutputError, TripletgenError

CAPTIONS = [*embedded_captions(3), "too short", embedded_captions(3)[0]]
COMMAND = ["build", "a.txt", "--out", "out", "--quiet", "--shard-rows", "500", "--keep-rejects", "--pairs"]


class StopAt:
    """Stop a build in its tracks, as a kill would, after so many captions of a phase."""

    def __init__(self, phase: str, captions: int) -> None:
        self._phase, self._left, self._on = phase, captions, False

    def start(self, phase: str, total: int | None) -> None:
        self._on = phase == self._phase
        if self._on and self._left == 0:
            raise KeyboardInterrupt

    def advance(self, captions: int) -> None:
        if self._on:
            self._left -= captions
            if self._left <= 0:
                raise KeyboardInterrupt


def options(folder: Path, **more) -> tripletgen.BuildOptions:
    source = SourceSpec(str(folder / "a.txt"), "MIT")
    return tripletgen.BuildOptions(str(folder / "out"), (source,), **{"shard_rows": 200, "keep_rejects": True, **more})


def prepare(folder: Path, captions=CAPTIONS[:150]) -> Path:
    write_lines(folder / "a.txt", captions)
    return folder


def undisturbed(folder: Path, **more) -> dict[str, str]:
    """Return the digests of a build that nobody stopped."""
    prepare(folder)
    tripletgen.build(options(folder, **more))
    return digests(folder / "out")


def stop(folder: Path, phase: str, captions: int, **more) -> None:
    with pytest.raises(KeyboardInterrupt):
        tripletgen.build(options(folder, **more), StopAt(phase, captions))
    assert not (folder / "out/manifest.json").exists()


STOPS = [("reading captions", 0), ("reading captions", 1), ("parsing", 0), ("parsing", 60), ("making triplets", 0), ("making triplets", 60)]


@pytest.mark.parametrize(("phase", "captions"), STOPS)
def test_the_same_command_finishes_what_was_stopped(tmp_path, small_units, phase, captions):
    stop(prepare(tmp_path / "stopped"), phase, captions)
    tripletgen.build(options(tmp_path / "stopped"))
    assert digests(tmp_path / "stopped/out") == undisturbed(tmp_path / "whole")


@pytest.mark.parametrize(("phase", "captions"), [("mining pairs", 0), ("mining pairs", 60), ("making triplets", 60)])
def test_mined_pairs_are_finished_too(tmp_path, small_units, phase, captions):
    twins = [text.replace("dog", animal) for animal in ("cat", "horse") for text in CAPTIONS if " dog " in text]
    for name in ("stopped", "whole"):
        prepare(tmp_path / name, [*CAPTIONS[:150], *twins])
    tripletgen.build(options(tmp_path / "whole", pairs=True))
    stop(tmp_path / "stopped", phase, captions, pairs=True)
    manifest = tripletgen.build(options(tmp_path / "stopped", pairs=True))
    assert digests(tmp_path / "stopped/out") == digests(tmp_path / "whole/out")
    assert manifest["triplets"]["origin"]["pair"] > 5


def test_what_was_done_before_the_stop_is_not_done_again(tmp_path, small_units):
    stop(prepare(tmp_path), "parsing", 60)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/.work/parsed").glob("*.arrow")}
    stop(tmp_path, "making triplets", 0)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/.work/parsed").glob("*.arrow")}
    assert 0 < len(before) < len(after)
    assert all(after[name] == written for name, written in before.items())


def test_a_changed_recipe_needs_a_decision(tmp_path, small_units):
    stop(prepare(tmp_path), "making triplets", 60)
    with pytest.raises(OutputError, match="holds an unfinished build of another recipe") as caught:
        tripletgen.build(options(tmp_path, seed=5))
    assert "--overwrite" in caught.value.hint
    assert "--resume" in caught.value.hint


CHANGES = {
    "seed": {"seed": 5},
    "fewer captions": {"limit": 40},
    "fewer types": {"edit_types": ("remove_object", "change_count")},
    "validation": {"validation_fraction": 0.3},
    "no rejects": {"keep_rejects": False},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_resuming_with_a_changed_recipe_gives_what_that_recipe_gives(tmp_path, small_units, change):
    stop(prepare(tmp_path / "stopped"), "making triplets", 100)
    tripletgen.build(options(tmp_path / "stopped", resume=True, **change))
    assert digests(tmp_path / "stopped/out") == undisturbed(tmp_path / "whole", **change)


def test_resuming_with_rejects_that_the_first_run_did_not_keep_gives_them_all(tmp_path, small_units):
    stop(prepare(tmp_path / "stopped"), "making triplets", 100, keep_rejects=False)
    tripletgen.build(options(tmp_path / "stopped", resume=True))
    assert digests(tmp_path / "stopped/out") == undisturbed(tmp_path / "whole")


def test_a_changed_source_is_noticed(tmp_path, small_units):
    stop(prepare(tmp_path), "parsing", 60)
    prepare(tmp_path, CAPTIONS[:100])
    with pytest.raises(OutputError, match="another recipe, source or version"):
        tripletgen.build(options(tmp_path))


@pytest.mark.parametrize("finished", [False, True])
def test_a_source_that_changed_and_kept_its_size_is_noticed(tmp_path, small_units, finished):
    prepare(tmp_path, ["A red car on a wet street.", *CAPTIONS[:60]])
    tripletgen.build(options(tmp_path)) if finished else stop(tmp_path, "parsing", 32)
    prepare(tmp_path, ["A red bus on a wet street.", *CAPTIONS[:60]])
    with pytest.raises(OutputError, match="another recipe, source or version"):
        tripletgen.build(options(tmp_path))
    tripletgen.build(options(tmp_path, overwrite=finished, resume=not finished))
    references = {row.reference_caption for split in ("train", "validation") for row in tripletgen.read_triplets(tmp_path / "out", split)}
    assert any("bus on a wet" in text for text in references)
    assert not any("car on a wet" in text for text in references)


def test_a_copy_of_a_source_is_the_same_source(tmp_path):
    prepare(tmp_path, CAPTIONS[:40])
    manifest = tripletgen.build(options(tmp_path))
    os.utime(tmp_path / "a.txt", (1, 1))
    assert tripletgen.build(options(tmp_path)) == manifest


def test_a_finished_build_is_found_finished_and_not_touched(tmp_path):
    prepare(tmp_path, CAPTIONS[:40])
    manifest = tripletgen.build(options(tmp_path))
    before = digests(tmp_path / "out")
    assert tripletgen.build(options(tmp_path)) == manifest
    assert digests(tmp_path / "out") == before


def test_a_finished_build_of_another_recipe_is_not_replaced(tmp_path):
    prepare(tmp_path, CAPTIONS[:40])
    tripletgen.build(options(tmp_path))
    for resume in (False, True):
        with pytest.raises(OutputError, match="holds a finished build of another recipe") as caught:
            tripletgen.build(options(tmp_path, seed=9, resume=resume))
        assert caught.value.hint == "--overwrite starts afresh, or give another --out"


def test_captions_that_are_lost_meanwhile_are_missed(tmp_path, small_units):
    stop(prepare(tmp_path), "parsing", 0)
    (tmp_path / "out/.work/partition/unit-00001.arrow").unlink()
    with pytest.raises(TripletgenError, match=r"\d+ captions were divided and \d+ found again"):
        tripletgen.build(options(tmp_path))


def test_a_kill_before_the_first_mark_does_not_lock_the_folder(tmp_path):
    prepare(tmp_path, CAPTIONS[:40])
    (tmp_path / "out/.work/partition").mkdir(parents=True)
    (tmp_path / "out/.work/fingerprint.tmp").touch()
    assert tripletgen.build(options(tmp_path))["captions"]["read"] == 40


def test_a_kill_after_the_manifest_leaves_no_work_behind_for_long(tmp_path):
    prepare(tmp_path, CAPTIONS[:40])
    tripletgen.build(options(tmp_path))
    (tmp_path / "out/.work/parsed").mkdir(parents=True)
    tripletgen.build(options(tmp_path))
    assert not (tmp_path / "out/.work").exists()


def test_the_folder_of_the_captions_may_hold_the_data_set(tmp_path, small_units):
    prepare(tmp_path)
    inside = tripletgen.BuildOptions(str(tmp_path / "out"), (SourceSpec(str(tmp_path), "MIT"),), keep_rejects=True)
    with pytest.raises(KeyboardInterrupt):
        tripletgen.build(inside, StopAt("making triplets", 60))
    manifest = tripletgen.build(inside)
    assert [source["name"] for source in manifest["sources"]] == ["a.txt"]
    assert tripletgen.build(inside) == manifest


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, dict[str, str], float]:
    """Return a folder with captions, the digests of an undisturbed build of them by COMMAND, and the seconds that it took."""
    folder = prepare(tmp_path_factory.mktemp("whole"), CAPTIONS)
    start = time.monotonic()
    done = run_cli(*COMMAND, cwd=folder, app=SMALL_UNITS)
    assert done.returncode == 0, done.stderr
    return folder, digests(folder / "out"), time.monotonic() - start


def started(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [*SMALL_UNITS, *COMMAND, *more]
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(condition, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while not condition() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)


def test_twenty_kills_of_the_whole_process_group_change_nothing(tmp_path, whole):
    source, expected, seconds = whole
    shutil.copy2(source / "a.txt", tmp_path)
    rng = random.Random(6)
    kills = 0
    for attempt in range(20):
        process = started(tmp_path, *(["--workers", "2"] if attempt % 2 else []))
        try:
            process.wait(rng.uniform(0.1, 0.7) * seconds)
            shutil.rmtree(tmp_path / "out")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    done = run_cli(*COMMAND, cwd=tmp_path, app=SMALL_UNITS)
    assert done.returncode == 0, done.stderr
    assert kills >= 12
    assert digests(tmp_path / "out") == expected


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_says_how_to_go_on_and_loses_nothing(tmp_path, whole, workers):
    source, expected, _ = whole
    shutil.copy2(source / "a.txt", tmp_path)
    process = started(tmp_path, "--workers", workers)
    wait_for((tmp_path / "out/.work/parsed/00000.json").exists, process)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines() == ["error: interrupted", "hint: what is finished is kept: run the same command again to go on"]
    assert not (tmp_path / "out/manifest.json").exists()
    assert run_cli(*COMMAND, cwd=tmp_path, app=SMALL_UNITS).returncode == 0
    assert digests(tmp_path / "out") == expected


@pytest.mark.parametrize("limit", [10_000, 60_000])
def test_a_full_disk_is_named_and_a_rerun_with_room_finishes(tmp_path, whole, limit):
    source, expected, _ = whole
    shutil.copy2(source / "a.txt", tmp_path)
    done = run_cli(*COMMAND, cwd=tmp_path, app=SMALL_UNITS, preexec_fn=full_disk(limit))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: out: the disk is full",
        "hint: what is finished is kept: make room and run the same command again",
    ]
    assert not (tmp_path / "out/manifest.json").exists()
    assert run_cli(*COMMAND, cwd=tmp_path, app=SMALL_UNITS).returncode == 0
    assert digests(tmp_path / "out") == expected
