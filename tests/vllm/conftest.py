"""What the tests of the real engine share: a real small model, real captions, one server, and a table of what came of it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import tripletgen
from tests.helpers import ROOT, embedded_captions, environment, run_cli, write_lines
from tripletgen.shards.manifest import read_manifest

MODEL = ROOT / "out" / "vllm" / "smollm2-135m-instruct"
DATA = Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))
# Patient enough for a busy machine of two cores; an idle one needs a tenth.
PATIENCE = 1_800.0
TABLE: list[str] = []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the yields."""
    for line in TABLE:
        terminalreporter.write_line(line)


def engine_environment() -> dict[str, str]:
    """Return the environment of a process that holds an engine on the CPU."""
    # Left alone, vLLM keeps a core free for its scheduler, which is half of the two that CI has.
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    return environment(
        VLLM_CPU_OMP_THREADS_BIND=cores,
        VLLM_CPU_KVCACHE_SPACE="2",
        VLLM_NO_USAGE_STATS="1",
        DO_NOT_TRACK="1",
        HF_HUB_OFFLINE="1",
        VLLM_LOGGING_LEVEL="WARNING",
    )


def tabulate(name: str, folder: Path) -> dict[str, Any]:
    """Add what came of a run to the table and return what its manifest says of the rewriting."""
    rewriting: dict[str, Any] = read_manifest(folder)["rewriting"]
    for task, row in rewriting["tasks"].items():
        share = 100 * row["accepted"] / row["asked"]
        TABLE.append(f"{name:<9}{task:<11} asked {row['asked']:>4}  accepted {row['accepted']:>4}  yield {share:5.1f} %")
    refused = ", ".join(f"{reason} {count}" for reason, count in sorted(rewriting["refused"].items(), key=lambda entry: -entry[1]))
    TABLE.append(f"{name:<9}{rewriting['requests']} requests, {rewriting['tokens_out']} tokens out; refused replies: {refused}")
    return rewriting


def _captions() -> list[str]:
    """Return captions some of which differ in one place: of CC3M, or where that is not there the embedded ones with their edits."""
    cc3m = DATA / "captions" / "cc3m_val.tsv"
    if cc3m.is_file():
        return _near_twins([line.split("\t")[0] for line in cc3m.read_text(encoding="utf-8").splitlines()])
    own = embedded_captions(2)
    edited = [row.target_caption for row in tripletgen.propose(own[:450]) if row.edit_type == "replace_object"]
    return own + edited


def _near_twins(captions: list[str]) -> list[str]:
    """Return the captions that are another one but for five words at most, and so may make a pair; a build of all takes minutes."""
    frames: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for caption in captions:
        found = caption.split()
        for length in range(6):
            for start in range(len(found) - length + 1):
                frames[(*found[:start], "*", *found[start + length :])].add(caption)
    twins = set().union(*(alike for frame, alike in frames.items() if len(alike) > 1 and len(frame) > 3))
    return [caption for caption in dict.fromkeys(captions) if caption in twins]


@pytest.fixture(scope="session")
def model() -> Path:
    """Return the folder of the small model."""
    assert (MODEL / "config.json").is_file(), "run `make test-vllm`, which makes the model's folder"
    return MODEL


@pytest.fixture(scope="session")
def captions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of captions that hold pairs."""
    return write_lines(tmp_path_factory.mktemp("captions") / "captions.txt", _captions())


@pytest.fixture(scope="session")
def rules(captions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set of rules and pairs."""
    folder = tmp_path_factory.mktemp("rules")
    done = run_cli("build", captions, *BUILD, "--out", "rules", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "rules"


BUILD = ["--pairs", "--max-per-caption", "1", "--licence", "LicenseRef-captions", "--validation-fraction", "0.05"]


@pytest.fixture(scope="session")
def shares(rules: Path) -> dict[str, float]:
    """Return the shares by which each task is asked for at least 200 rows, or for all that there are; a share is not met to the row."""
    origins = read_manifest(rules)["triplets"]["origin"]
    return {
        "paraphrase": round(216 / origins["rule"], 3),
        "edit": round(235 / origins["rule"], 3),
        "describe": round(min(1.0, 216 / origins["pair"]), 3),
    }


@pytest.fixture(scope="session")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run what `vllm serve` runs, with the small model, and return its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    # The command itself asks for the version of a distribution named vllm, and the CPU build is named otherwise.
    serve = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", "smollm2"]
    serve += ["--host", "127.0.0.1", "--port", str(port), "--enforce-eager", "--max-model-len", "2048"]
    with log.open("w") as file:
        process = subprocess.Popen(serve, stdout=file, stderr=file, env=engine_environment(), start_new_session=True)
    try:
        _await_health(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        # Asked to end, a server on the CPU was seen to wait for its engine for ever.
        kill_session(process.pid)
        process.wait(60)


def kill_session(pid: int) -> None:
    """Kill a program and the engine's processes, as a machine that fails does."""
    for process in psutil.process_iter():
        if process.pid == pid or _session(process.pid) == pid:
            process.kill()


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _await_health(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3_000:]
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer: {log.read_text()[-3_000:]}")
