"""`build --rewriter`, `rewrite` and `prompts` as a user runs them, against a server that rewords."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.helpers import APP, CAPTIONS, digests, environment, run_cli, write_lines
from tests.rewrite import rows
from tests.rewrite.rows import wording_in
from tests.rewrite.server import address, serving
from tripletgen.check import check_dataset
from tripletgen.errors import OutputError, TripletgenError, UsageError
from tripletgen.options import read_recipe
from tripletgen.rewrite.base import Answer, Request
from tripletgen.rewrite.scripted import Script, ScriptedRewriter
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.rewritten import merge_recipe, rewrite_dataset
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.reader import iter_triplets


def reword(_: int, body: dict[str, Any]) -> str:
    given = next(filter(None, (wording_in(message["content"]) for message in reversed(body["messages"]))))
    return json.dumps({"modification_text": f"same scene, {given}"})


def flags(url: str) -> list[str]:
    return ["--rewriter", "endpoint", "--endpoint", url, "--model", "small"]


def test_a_build_rewrites_in_one_run_and_a_second_run_finds_it_finished(tmp_path: Path) -> None:
    write_lines(tmp_path / "c.txt", CAPTIONS)
    with serving(reword) as server:
        arguments = ["build", "c.txt", "--out", "out", "--validation-fraction", "0.3", *flags(address(server)), "--share", "paraphrase=1"]
        first = run_cli(*arguments, cwd=tmp_path)
        assert first.returncode == 0, first.stderr
        asked = len(server.chats)
        assert run_cli(*arguments, cwd=tmp_path).returncode == 0
        assert len(server.chats) == asked > 10
        again = run_cli(*arguments, "--overwrite", cwd=tmp_path)
        assert again.returncode == 0
        assert len(server.chats) == asked  # answers outlive a build that starts afresh
    out = tmp_path / "out"
    assert check_dataset(out) == []
    manifest = read_manifest(out)
    rewriting = manifest["rewriting"]
    assert manifest["triplets"]["origin"]["llm"] == rewriting["tasks"]["paraphrase"]["accepted"] > 10
    assert pq.read_table(out / "rejects").num_rows == sum(rewriting["refused"].values())
    card = (out / "README.md").read_text()
    assert "A language model, `small`" in card
    assert rewriting["prompts"][0] in card
    assert all(row.generator == f"{rewriting['prompts'][0]} small" for row in iter_triplets(out) if row.origin == "llm")


def test_a_killed_rewrite_goes_on_and_asks_for_nothing_twice(dataset: Path, tmp_path: Path) -> None:
    def slowly(number: int, body: dict[str, Any]) -> str:
        time.sleep(0.002)
        return reword(number, body)

    with serving(slowly) as server:
        arguments = ["rewrite", str(dataset), *flags(address(server)), "--share", "paraphrase=1", "--quiet"]
        command = [*APP, *arguments, "--out", str(tmp_path / "cut"), "--concurrency", "8"]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment())
        while len(server.chats) < 300 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "cut" / "manifest.json").exists()
        before = len(server.chats)
        assert run_cli(*arguments, "--out", tmp_path / "cut", "--concurrency", "8", cwd=tmp_path).returncode == 0
        twice = len(server.chats) - len({json.dumps(chat) for chat in server.chats})
        assert before >= 300
        assert twice <= 64 + 8  # what was on its way, and answers not yet stored
        assert run_cli(*arguments, "--out", tmp_path / "whole", cwd=tmp_path).returncode == 0
    assert check_dataset(tmp_path / "cut") == []
    cut, whole = read_manifest(tmp_path / "cut"), read_manifest(tmp_path / "whole")
    assert cut == whole


def test_failures_of_a_finished_run_are_asked_again_only_with_overwrite(dataset: Path, tmp_path: Path) -> None:
    options = RewriteOptions("vllm", "small", share={"paraphrase": 1.0}, attempts=1)

    def sent(script: Script, *, overwrite: bool = False) -> set[str]:
        rewriter = ScriptedRewriter(script)
        rewrite_dataset(dataset, tmp_path / "out", options, overwrite=overwrite, opener=lambda _options, _sampling: rewriter)
        return {request.key for request in rewriter.asked}

    def is_late(key: str) -> bool:
        return int(key, 16) % 8 == 0

    def slow(request: Request) -> str | Answer:
        return Answer(request.key, (), 0, 0, "timeout", "60 s") if is_late(request.key) else rows.reword(request)

    late = {key for key in sent(slow) if is_late(key)}
    assert late
    assert sent(rows.reword) == set()
    assert sent(rows.reword, overwrite=True) == late


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "names", [["README.md", "data/raw.csv"], ["data/raw.csv"], ["notes.txt"], [".work/parsed/00000.json", "data/a.parquet"]]
)
def test_a_folder_that_is_none_of_ours_loses_nothing(names: list[str], dataset: Path, tmp_path: Path, *, overwrite: bool) -> None:
    for name in names:
        write_lines(tmp_path / "out" / name, ["mine"])
    before = digests(tmp_path / "out")
    with pytest.raises(OutputError, match=r"not empty and not a data set|holds files that tripletgen did not write"):
        rewrite_dataset(dataset, tmp_path / "out", RewriteOptions("vllm", "small"), overwrite=overwrite)
    assert digests(tmp_path / "out") == before


def test_an_unfinished_build_is_replaced_with_overwrite_alone(dataset: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "out/.work/fingerprint", ["of a build"])
    options = RewriteOptions("vllm", "small", share={"paraphrase": 0.0, "describe": 0.0})
    with pytest.raises(OutputError, match="holds an unfinished data set of another recipe"):
        rewrite_dataset(dataset, tmp_path / "out", options)
    assert rewrite_dataset(dataset, tmp_path / "out", options, overwrite=True) == read_manifest(tmp_path / "out")


KEPT = RewriteOptions("vllm", "small", share={"paraphrase": 0.0, "describe": 0.0})


def benchmark(path: Path, *texts: str) -> tuple[str]:
    path.write_text(json.dumps(texts), encoding="utf-8")
    return (str(path),)


def test_rows_that_leak_a_benchmark_are_dropped_and_counted(dataset: Path, tmp_path: Path) -> None:
    before, found = read_manifest(dataset), list(iter_triplets(dataset))
    gone, other = found[0], next(row for row in found if row.group_id != found[0].group_id)
    leaked = benchmark(tmp_path / "b.json", gone.reference_caption, other.target_caption)
    manifest = rewrite_dataset(dataset, tmp_path / "out", KEPT, decontaminate=leaked)
    left = list(iter_triplets(tmp_path / "out"))
    assert found[0].group_id not in {row.group_id for row in left}
    assert other.triplet_id not in {row.triplet_id for row in left}
    assert manifest["captions"]["dropped"]["benchmark_text"] == 1
    assert manifest["candidates"]["rejected"]["benchmark_text"] >= 1
    assert manifest["captions"]["used"] == before["captions"]["used"] - 1
    assert manifest["decontamination"]["texts"] == 2
    assert manifest["recipe"]["decontaminate"] == ["b.json"]
    assert "Not decontaminated" not in (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert check_dataset(tmp_path / "out") == []


def test_a_benchmark_file_that_changed_is_another_data_set(dataset: Path, tmp_path: Path) -> None:
    first = rewrite_dataset(dataset, tmp_path / "out", KEPT, decontaminate=benchmark(tmp_path / "b.json", "has a red hat"))
    again = benchmark(tmp_path / "b.json", "has a tin hat")
    with pytest.raises(OutputError, match="holds another data set"):
        rewrite_dataset(dataset, tmp_path / "out", KEPT, decontaminate=again)
    second = rewrite_dataset(dataset, tmp_path / "out", KEPT, decontaminate=again, overwrite=True)
    assert first["decontamination"]["sha256"] != second["decontamination"]["sha256"]


def test_a_decontaminated_data_set_wants_the_same_benchmarks_again(dataset: Path, tmp_path: Path) -> None:
    same = benchmark(tmp_path / "b.json", "has a red hat")
    clean = tmp_path / "clean"
    rewrite_dataset(dataset, clean, KEPT, decontaminate=same)
    with pytest.raises(UsageError, match=r"clean: was decontaminated$"):
        rewrite_dataset(clean, tmp_path / "out", KEPT)
    with pytest.raises(UsageError, match="clean: was decontaminated against other texts"):
        rewrite_dataset(clean, tmp_path / "out", KEPT, decontaminate=benchmark(tmp_path / "other.json", "has a tin hat"))
    manifest = rewrite_dataset(clean, tmp_path / "out", KEPT, decontaminate=same)
    assert manifest["decontamination"] == read_manifest(clean)["decontamination"]


def test_the_recipe_beside_a_rewritten_data_set_is_a_recipe(dataset: Path, tmp_path: Path) -> None:
    manifest = rewrite_dataset(dataset, tmp_path / "out", KEPT, seed=7)
    assert merge_recipe(str(tmp_path / "out/recipe.yaml"), {}) == KEPT
    assert read_recipe(tmp_path / "out/recipe.yaml")["seed"] == read_manifest(dataset)["recipe"]["seed"]
    assert manifest["rewriting"]["seed"] == 7
    assert "rejects" not in manifest  # those of the build lie beside the build


def test_where_no_triplet_is_left_that_is_said(dataset: Path, tmp_path: Path) -> None:
    options = RewriteOptions("vllm", "small", share={"paraphrase": 1.0}, keep="never", attempts=1)
    with pytest.raises(TripletgenError, match="no triplet is left of the data set") as caught:
        rewrite_dataset(dataset, tmp_path / "out", options, opener=lambda _options, _sampling: ScriptedRewriter(lambda _: "nonsense"))
    assert "--keep" in caught.value.hint
    assert not (tmp_path / "out/manifest.json").exists()


def test_an_estimate_sends_nothing(dataset: Path, tmp_path: Path) -> None:
    done = run_cli(
        "rewrite", dataset, "--out", "x", *flags("http://127.0.0.1:9/v1"), "--estimate", "--rate", "1000", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    assert 0.4 < numbers["requests"] / read_manifest(dataset)["triplets"]["total"] < 0.6
    # With a small model prompts of a first attempt had 410 tokens in the mean, and its replies 20.
    assert 380 < numbers["tokens_in"] / numbers["requests"] < 430
    assert 12 < numbers["tokens_out"] / numbers["requests"] < 24
    assert numbers["at_most"]["requests"] == 2 * numbers["requests"]
    assert 2.1 < numbers["at_most"]["tokens_in"] / numbers["tokens_in"] < 2.3
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--rewriter", "vllm", "--model", "./nowhere"], "./nowhere: no folder of a model", 1),
        (["--rewriter", "endpoint", "--model", "m"], "endpoint: no address is named", 2),
        (["--model", "m"], "a model is named and no rewriter", 2),
        ([*flags("http://127.0.0.1:9/v1")], "was tried 3 times", 1),
        ([*flags("http://127.0.0.1:9/v1"), "--share", "sing=1"], "share: no 'sing'", 2),
        ([*flags("http://127.0.0.1:9/v1"), "--estimate", "--rate", "-5"], "rate: -5.0 is no number of tokens a second", 2),
        ([*flags("http://127.0.0.1:9/v1"), "--estimate", "--rate", "nan"], "rate: nan is no number of tokens a second", 2),
        ([*flags("http://127.0.0.1:9/v1"), "--estimate", "--rate", "inf"], "rate: inf is no number of tokens a second", 2),
        ([*flags("http://127.0.0.1:9/v1"), "--rate", "5"], "--rate is for --estimate alone", 2),
        ([*flags("http://127.0.0.1:9/v1"), "--estimate", "--rate", "0"], "rate: 0.0 is no number of tokens a second", 2),
    ],
)
def test_bad_input_is_told_in_two_lines(arguments: list[str], message: str, code: int, dataset: Path, tmp_path: Path) -> None:
    done = run_cli("rewrite", dataset, "--out", "x", *arguments, cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, 2), done.stderr
    assert message in done.stderr


def test_prompts_are_listed_and_shown(tmp_path: Path) -> None:
    listed = run_cli("prompts", cwd=tmp_path).stdout.splitlines()
    assert [line.split("@")[0] for line in listed] == ["paraphrase", "edit", "describe"]
    shown = run_cli("prompts", "edit", cwd=tmp_path).stdout
    assert "[system] You make small changes" in shown
    assert "[schema]" in shown


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "variables: [reference_caption, modification_text, source_phrase, target_phrase]",
            "variables: [reference_caption, modification_text, source_phrase, target_phrase, colour]",
            "unknown variable 'colour'",
        ),
        ("{{ modification_text }}", "{{ modification_text }} {{ target_caption }}", "variable 'target_caption' is used and not declared"),
        ("type: object", "type: thing", "schema is not JSON Schema"),
        ("task: paraphrase", "task: sing", "no task 'sing'"),
        ("edit_types: [replace_object]", "edit_types: [sing]", "an example is for 'sing'"),
        ("{{ modification_text }}", "{{ modification_text", "user: "),
        ("version: 2\n", "", "no 'version' in the front matter"),
    ],
)
def test_a_prompt_file_with_a_fault_is_named_with_it(old: str, new: str, message: str, tmp_path: Path) -> None:
    from tripletgen.assets import asset

    text = (asset("prompts") / "paraphrase.md").read_text()
    assert old in text
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "p.md").write_text(text.replace(old, new, 1))
    done = run_cli("prompts", "--prompts", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
