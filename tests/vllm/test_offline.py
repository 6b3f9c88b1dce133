"""The offline engine of vLLM with a real model: what dies in the middle goes on, and what is done is a sound data set."""

import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pyarrow.parquet as pq
import pytest
import yaml

from tests.helpers import APP, run_cli
from tests.vllm.conftest import PATIENCE, engine_environment, kill_session, tabulate
from tripletgen.check import check_dataset
from tripletgen.filters import FILTERS
from tripletgen.rewrite.base import Rewriter, Sampling
from tripletgen.rewrite.faithful import CHECKS
from tripletgen.rewrite.reply import REASONS
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.rewritten import rewrite_dataset
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.reader import iter_triplets

BATCH = 128


class Story(NamedTuple):
    """What happened when the engine died, then the program was killed, then it ran to its end."""

    out: Path
    options: RewriteOptions
    death: subprocess.CompletedProcess[str]
    stored_at_death: set[str]
    stored_at_kill: set[str]
    sent_before_kill: set[str]
    sent_after_kill: list[str]


def stored(cache: Path) -> set[str]:
    """Return the keys of the answers on disk."""
    if not (cache / "answers.sqlite").is_file():
        return set()
    database = sqlite3.connect(f"file:{cache / 'answers.sqlite'}?mode=ro", uri=True)
    try:
        return {key for (key,) in database.execute("SELECT key FROM answers")}
    except sqlite3.OperationalError:  # the table is not made yet
        return set()
    finally:
        database.close()


def run_until(command: list[str], folder: Path, holds: Callable[[], bool], strike: Callable[[int], None]) -> tuple[int, str]:
    """Start a program, strike it when something holds, and return its exit status and what it said."""
    with (folder / "output.txt").open("w+") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=engine_environment(), start_new_session=True)
        try:
            end = time.monotonic() + PATIENCE
            while not holds():
                assert process.poll() is None, (folder / "output.txt").read_text()[-3_000:]
                assert time.monotonic() < end
                time.sleep(0.02)
            strike(process.pid)
            return process.wait(PATIENCE), (folder / "output.txt").read_text()
        finally:
            kill_session(process.pid)


def kill_engine(pid: int) -> None:
    """Kill the engine's core, and leave the program that holds it alive."""
    cores = [child for child in psutil.Process(pid).children(recursive=True) if "EngineCor" in child.name()]
    assert cores
    for core in cores:
        core.kill()


@pytest.fixture(scope="module")
def story(rules: Path, model: Path, shares: dict[str, float], tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("offline")
    cache, log = folder / "answers", folder / "sent.jsonl"
    values: dict[str, Any] = {
        "rewriter": "vllm", "model": str(model), "share": shares, "temperature": 0.5, "max_tokens": 80, "batch_requests": BATCH,
        "max_model_len": 2048, "enforce_eager": True, "cache": str(cache),
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump({"rewrite": values}))
    (folder / "options.json").write_text(json.dumps(values))

    command = [*APP, "rewrite", str(rules), "--out", "died", "--recipe", "recipe.yaml", "--quiet"]
    code, said = run_until(command, folder, lambda: len(stored(cache)) >= BATCH, kill_engine)
    at_death = stored(cache)

    drive = [sys.executable, "-m", "tests.vllm.drive", str(rules), str(folder / "out"), str(folder / "options.json"), str(log)]

    def is_amidst() -> bool:
        """Tell whether a batch is stored and the next is under way."""
        new = len(stored(cache)) - len(at_death)
        return new >= BATCH and len(log.read_text().splitlines()) * BATCH > new

    run_until(drive, folder, is_amidst, kill_session)
    at_kill, before = stored(cache), log.read_text().splitlines()

    done = subprocess.run(drive, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, env=engine_environment(), check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    after = log.read_text().splitlines()[len(before) :]
    return Story(
        folder / "out", RewriteOptions(**values), subprocess.CompletedProcess(command, code, said), at_death, at_kill,
        {key for line in before for key in json.loads(line)}, [key for line in after for key in json.loads(line)],
    )  # fmt: skip


def test_the_death_of_the_engine_is_told_and_what_was_answered_is_kept(story: Story) -> None:
    assert story.death.returncode == 1
    assert "the engine of vLLM failed" in story.death.stdout
    assert "what was answered is kept: run the same command again" in story.death.stdout
    assert len(story.stored_at_death) >= BATCH
    assert not story.sent_before_kill & story.stored_at_death


def test_a_kill_loses_one_batch_at_most_and_nothing_stored_is_sent_again(story: Story) -> None:
    lost = story.sent_before_kill - story.stored_at_kill
    assert 0 < len(lost) <= BATCH
    assert lost <= set(story.sent_after_kill)
    assert not set(story.sent_after_kill) & story.stored_at_kill


def test_every_requested_row_is_a_triplet_or_a_reject_with_its_reason(story: Story) -> None:
    rewriting = tabulate("offline", story.out)
    for task, row in rewriting["tasks"].items():
        assert row["asked"] == row["accepted"] + row["failed"] >= 200, task
    rejects = pq.read_table(story.out / "rejects").to_pylist()
    assert Counter(reject["reason"] for reject in rejects) == rewriting["refused"]
    assert {reject["stage"] for reject in rejects} == {"rewrite"}
    assert set(rewriting["refused"]) <= {*REASONS, *CHECKS, *FILTERS}
    assert check_dataset(story.out) == []


def test_structured_output_is_json_of_the_schema(story: Story) -> None:
    assert {"not_json", "wrong_schema", "too_large"}.isdisjoint(read_manifest(story.out)["rewriting"]["refused"])


def test_a_small_model_rewords_two_fifths_of_the_rows(story: Story) -> None:
    paraphrase = read_manifest(story.out)["rewriting"]["tasks"]["paraphrase"]
    at_first = paraphrase["accepted"] - paraphrase["accepted_at_second_attempt"]
    assert at_first / paraphrase["asked"] >= 0.4


def test_rows_of_all_three_origins_name_what_made_them(story: Story) -> None:
    manifest = read_manifest(story.out)
    prompts = manifest["rewriting"]["prompts"]
    rows = list(iter_triplets(story.out)) + list(iter_triplets(story.out, "validation"))
    assert {row.origin for row in rows} == {"rule", "pair", "llm"}
    made = Counter(row.generator for row in rows if row.origin == "llm")
    accepted = {task: row["accepted"] for task, row in manifest["rewriting"]["tasks"].items()}
    assert made == {f"{name} {story.options.model.rpartition('/')[2]}": accepted[name.partition("@")[0]] for name in prompts}
    assert {row.licence for row in rows} == {"LicenseRef-captions"}


def test_the_card_says_model_prompts_yields_and_licence(story: Story) -> None:
    card, rewriting = (story.out / "README.md").read_text(), read_manifest(story.out)["rewriting"]
    assert "A language model, `smollm2-135m-instruct`" in card
    assert all(name in card for name in rewriting["prompts"])
    for task, row in rewriting["tasks"].items():
        assert f"| {task} | {row['asked']} | {row['accepted']} |" in card
    assert "LicenseRef-captions" in card


def test_a_second_run_needs_no_engine_and_gives_the_same(story: Story, rules: Path) -> None:
    def no_engine(options: RewriteOptions, sampling: Sampling) -> Rewriter:
        raise AssertionError("an answer is missing")

    again = rewrite_dataset(rules, story.out.with_name("again"), story.options, opener=no_engine)
    assert again == read_manifest(story.out)


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        (["--model", "nobody/nothing"], "nobody/nothing: vLLM cannot start with it", "without a network the model must be a local folder"),
        (["--data-parallel-size", "2"], "LLM(data_parallel_size=2) is not supported", "run `vllm serve MODEL --data-parallel-size N`"),
    ],
)
def test_what_the_engine_cannot_do_is_told_with_a_remedy(
    more: list[str], message: str, hint: str, rules: Path, model: Path, tmp_path: Path
) -> None:
    arguments = ["rewrite", rules, "--out", "x", "--rewriter", "vllm", "--model", model, *more, "--quiet"]
    done = run_cli(*arguments, cwd=tmp_path, env=engine_environment(), timeout=PATIENCE)
    assert done.returncode == 1, done.stderr
    assert message in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
