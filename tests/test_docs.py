"""What the documentation says of keys, options and errors is what the program does."""

import re

import pytest

from tests.helpers import ROOT
from tripletgen.diff import compare
from tripletgen.export import FORMATS
from tripletgen.options import BuildOptions
from tripletgen.summary import summarise

# Objects whose names are data: the table writes {name} for them.
_TEXTS = {"words", "first_words"}
_COUNTS = {"splits", "bytes", "dropped", "candidates_rejected", "edit_types", "phrasings", "origins", "licences", "sources"} | _TEXTS


def tables_of_stats():
    """Return the table of the statistics and the one of differences."""
    statistics, differences = re.split(r"^# .*\n", (ROOT / "docs/stats.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return statistics, differences


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
    documented = set(re.findall(r"^\| `([^`]+)` \| (?:string|integer|number) \|", tables_of_stats()[0], re.MULTILINE))
    assert documented == set(paths_of(summarise(built)))


def test_the_documented_types_are_those_of_the_values(built):
    kinds = {"string": str, "integer": int, "number": (int, float)}
    for key, kind in re.findall(r"^\| `([a-z_.]+)` \| (\w+) \|", tables_of_stats()[0], re.MULTILINE):
        value = summarise(built)
        for part in key.split("."):
            value = value[part]
        assert isinstance(value, kinds[kind]), key


def test_every_key_of_a_difference_is_documented_and_every_documented_key_is_there(built):
    rows = dict(re.findall(r"^\| `([^`]+)` \| \w+ \| (.*) \|$", tables_of_stats()[1], re.MULTILINE))
    changes = compare(built, built)
    assert {key.partition(".")[0] for key in rows} == set(changes)
    assert {key for key in rows if key.startswith("triplets.")} == {f"triplets.{name}" for name in changes["triplets"]}
    counted = {key.partition(".")[0] for key in paths_of(summarise(built)) if key.count(".") == 1 and key.endswith("{name}")}
    assert set(re.findall(r"`([a-z_]+)`", rows["counts.{key}.{name}"])) == counted


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_documented(name):
    assert f"| `{name}` |" in (ROOT / "docs/publishing.md").read_text(encoding="utf-8")
