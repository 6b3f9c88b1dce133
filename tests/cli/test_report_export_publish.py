"""`tripletgen report`, `export` and `publish` on the command line: what they print, and their errors in two lines."""

import json
import sys

import pytest
from typer.testing import CliRunner

from tests.helpers import environment, rows_of, run_cli
from tripletgen.cli.app import app


def test_an_export_says_what_it_wrote(built, tmp_path):
    out, rows = tmp_path / "rtd.json", len(rows_of(built))
    done = CliRunner().invoke(app, ["export", str(built), "--format", "rtd-json", "--out", str(out)], catch_exceptions=False)
    assert done.stdout == f"{rows:,} triplets of train in {out} (rtd-json)\n"
    command = ["export", str(built), "--format", "jsonl", "--out", str(tmp_path / "x"), "--json"]
    told = json.loads(CliRunner().invoke(app, command, catch_exceptions=False).stdout)
    assert told == {"path": str(tmp_path / "x"), "format": "jsonl", "split": "train", "rows": rows, "files": 1}


def test_a_report_says_where_it_is(built, tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tripletgen[report]'")
    out = tmp_path / "report.html"
    done = CliRunner().invoke(app, ["report", str(built), "--out", str(out), "--sample", "70"], catch_exceptions=False)
    assert done.stdout.startswith(f"{out}: {out.stat().st_size:,} bytes, ")
    told = CliRunner().invoke(app, ["report", str(built), "--out", str(out), "--json"], catch_exceptions=False).stdout
    assert json.loads(told)["path"] == str(out)


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["export", "DATA", "--format", "csv", "--out", "x"], 2, "no format 'csv'"),
        (["export", "DATA", "--format", "jsonl", "--out", "."], 1, ".: exists"),
        (["export", "nothing", "--format", "jsonl", "--out", "x"], 1, "nothing: no manifest.json, so not a data set of tripletgen"),
        (["report", "nothing"], 1, "nothing: no manifest.json, so not a data set of tripletgen"),
        (["publish", "nothing", "org/name"], 1, "nothing: no manifest.json, so not a data set of tripletgen"),
        (["publish", "DATA", "a/b/c"], 2, "'a/b/c': neither a repository nor a folder nor a URL"),
        (["publish", "DATA", "org/-name"], 1, "'org/-name' is not a name of the Hub"),
        (["publish", "DATA", "gopher://x"], 1, "gopher://x: Protocol not known: gopher"),
        (["publish", "DATA", "bad name/x", "--dry-run"], 1, "'bad name/x' is not a name of the Hub"),
        (["publish", "DATA", "gopher://x", "--dry-run"], 1, "gopher://x: Protocol not known: gopher"),
        (["publish", "DATA", "s3://", "--dry-run"], 1, "s3://: names no bucket"),
        (["publish", "DATA", "DATA", "--dry-run"], 1, ""),
        (["publish", "DATA", "org/name", "--tag", "v 1", "--dry-run"], 2, "--tag 'v 1': git takes no such name"),
        (["diff", "DATA", "nothing"], 1, "nothing: no manifest.json, so not a data set of tripletgen"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_is_two_lines_and_its_exit_code(built, tmp_path, arguments, code, error):
    done = run_cli(*(str(built) if argument == "DATA" else argument for argument in arguments), cwd=tmp_path)
    assert done.returncode == code, done.stderr
    first, second = done.stderr.splitlines()
    assert first.startswith(f"error: {error}")
    assert second.startswith("hint: ")
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("matplotlib", ["report", "DATA"], "report"),
        ("matplotlib", ["report", "DATA", "--card"], "report"),
        ("huggingface_hub", ["publish", "DATA", "org/name"], "hub"),
        ("fsspec", ["publish", "DATA", "./copy"], "hub"),
        ("s3fs", ["publish", "DATA", "s3://bucket/x"], "hub"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_missing_library_is_named_with_its_extra(dataset, tmp_path, module, arguments, extra):
    """Hide the library as an installation without the extra does."""
    code = f"import sys; sys.modules[{module!r}] = None; from tripletgen.cli.app import main; main()"
    given = [str(dataset) if argument == "DATA" else argument for argument in arguments]
    done = run_cli(*given, cwd=tmp_path, app=[sys.executable, "-c", code], env=environment(HF_TOKEN="x"))
    assert done.returncode == 1, done.stderr
    first, second = done.stderr.splitlines()
    assert module.replace("_", " ").split()[0] in first
    assert second == f"hint: pip install 'tripletgen[{extra}]'"
    assert not (dataset / "figures").exists() or list((dataset / "figures").iterdir()) == []
