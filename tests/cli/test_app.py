"""The command line as a whole: help, version, usage errors, and what it loads."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import tripletgen
from tests.helpers import environment, run_cli
from tripletgen.cli.app import app
from tripletgen.schema import EDIT_TYPES


def test_help_names_every_command():
    done = CliRunner().invoke(app, ["--help"])
    assert done.exit_code == 0
    assert all(command in done.stdout for command in ("build", "preview", "check", "stats", "diff", "report", "export", "publish", "rules"))


@pytest.mark.parametrize("command", ["build", "preview", "check", "stats", "diff", "report", "export", "publish", "rules"])
def test_every_command_has_help(command):
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert f"{command} [OPTIONS]" in done.stdout


def test_no_command_shows_the_help():
    assert "build" in CliRunner().invoke(app, []).output


def test_the_version_is_printed():
    assert CliRunner().invoke(app, ["--version"]).stdout == f"tripletgen {tripletgen.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["build"], ["nope"], ["build", "--nope", "--out", "x"], ["build", "--out", "x", "--limit", "many"], ["check"], ["preview", "-n", "x"]],
)
def test_a_usage_error_exits_with_two_and_no_traceback(tmp_path, arguments):
    done = run_cli(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr
    assert list(tmp_path.iterdir()) == []


def test_asking_for_help_does_not_load_the_parser_or_what_else_is_slow():
    code = (
        "import sys; from tripletgen.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = ('spacy', 'torch', 'datasets', 'transformers', 'inflect', 'matplotlib', 'fsspec', 'huggingface_hub')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    for arguments in (["--help"], ["build", "--help"], ["publish", "--help"], ["report", "--help"]):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.endswith("\n[]\n")


def test_rules_are_listed_a_line_each_with_their_edit_type():
    lines = CliRunner().invoke(app, ["rules"]).stdout.splitlines()
    assert lines
    assert {line.split()[0] for line in lines} <= set(EDIT_TYPES)
