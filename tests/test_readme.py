"""What the README and the other documents show is what the program does."""

import re
import shlex
import subprocess
import sys

import pytest

import tripletgen
from tests.helpers import CAPTIONS, ROOT, environment, run_cli, write_lines
from tripletgen.captions.clean import DROP_REASONS
from tripletgen.filters import FILTERS
from tripletgen.options import read_recipe
from tripletgen.schema import Triplet

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_first_table_is_what_the_rules_propose():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", README.partition("```sh")[0], re.MULTILINE)[1:]
    assert len(rows) == 5
    for reference, modification, target in rows:
        proposed = tripletgen.propose([reference])
        assert (modification, target) in {(row.modification_text, row.target_caption) for row in proposed}


def test_every_command_of_the_readme_runs(tmp_path):
    write_lines(tmp_path / "captions.txt", CAPTIONS)
    commands = [line.partition("  #")[0] for block in blocks("sh") for line in block.splitlines() if line.startswith("tripletgen ")]
    assert len(commands) == 9
    for command in commands:
        done = run_cli(*shlex.split(command)[1:], cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
    script = blocks("python")[0]
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_python_of_the_readme_prints_triplets():
    script = blocks("python")[1]
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False)
    assert len(done.stdout.splitlines()) == 8
    assert all(" -> " in line for line in done.stdout.splitlines())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_the_repository_leads_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert link.startswith("http") or (path.parent / link).exists(), link


def test_the_format_names_every_column_and_every_reason():
    text = (ROOT / "docs/format.md").read_text(encoding="utf-8")
    for name in (*Triplet._fields, *(reason for reason, _ in DROP_REASONS), *FILTERS):
        assert f"`{name}`" in text, name


def test_the_recipe_of_the_documents_is_valid(tmp_path):
    (recipe,) = blocks("yaml", (ROOT / "docs/recipes.md").read_text(encoding="utf-8"))
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    values = read_recipe(tmp_path / "recipe.yaml")
    assert [source.licence for source in values["sources"]] == ["CC-BY-4.0", "CC0-1.0", "unknown"]


@pytest.mark.parametrize(("program", "page"), [("tripletgen", "cli.md"), ("rtd_train", "rtd_train.md")])
def test_the_command_line_is_documented_as_it_is(program, page):
    command = [sys.executable, "-m", "typer", f"{program}.cli.app", "utils", "docs", "--name", program]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.stdout.strip() == (ROOT / "docs" / page).read_text(encoding="utf-8").strip(), "run make docs"
