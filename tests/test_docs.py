"""What the documentation says of keys, options and errors is what the program does."""

import re

import pytest

from tests.helpers import ROOT
from tripletgen.export import FORMATS
from tripletgen.options import BuildOptions
from tripletgen.summary import summarise

# Objects whose names are data: the table writes {name} for them.
_TEXTS = {"words", "first_words"}
_COUNTS = {"splits", "bytes", "dropped", "candidates_rejected", "edit_types", "phrasings", "origins", "licences", "sources"} | _TEXTS


def paths_of(value, path="", parent=""):
    """Yield the path of every number and text, with {name} for names that are data."""
    if not isinstance(value, dict):
        yield path
        return
    if parent in _COUNTS and not value:  # this data set counted nothing there
        yield f"{path}.{{name}}"
    for key, inner in value.items():
        yield from paths_of(inner, f"{path}.{'{name}' if parent in _COUNTS else key}".strip("."), key)


def test_the_command_line_tells_the_defaults_that_a_build_has():
    # The commands spell them out, so that `--help` need not load what a build does.
    section = (ROOT / "docs/cli.md").read_text(encoding="utf-8").partition("## `tripletgen build`")[2].partition("\n## ")[0]
    told = re.findall(r"^\* `--([a-z-]+) [^`]+`: .*\[default: ([^\]]+)\]", section, re.MULTILINE)
    fields = BuildOptions.__dataclass_fields__
    defaults = {name: str(fields[name.replace("-", "_")].default) for name, _ in told if name.replace("-", "_") in fields}
    assert defaults == {name: value for name, value in told if name in defaults}
    assert {"seed", "workers", "engine", "shard-rows", "max-per-caption", "validation-fraction"} <= set(defaults)


def test_every_key_of_the_statistics_is_documented_and_every_documented_key_is_there(built):
    text = (ROOT / "docs/stats.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([^`]+)` \| (?:string|integer|number) \|", text, re.MULTILINE))
    assert documented == set(paths_of(summarise(built)))


def test_the_documented_types_are_those_of_the_values(built):
    text = (ROOT / "docs/stats.md").read_text(encoding="utf-8")
    kinds = {"string": str, "integer": int, "number": (int, float)}
    for key, kind in re.findall(r"^\| `([a-z_.]+)` \| (\w+) \|", text, re.MULTILINE):
        value = summarise(built)
        for part in key.split("."):
            value = value[part]
        assert isinstance(value, kinds[kind]), key


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_documented(name):
    assert f"| `{name}` |" in (ROOT / "docs/publishing.md").read_text(encoding="utf-8")
