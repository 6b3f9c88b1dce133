"""Options are checked at birth and merged: defaults, then recipe, then command line."""

from typing import Any

import pytest
import yaml

from tripletgen.captions.sources import SourceSpec
from tripletgen.errors import UsageError
from tripletgen.options import BuildOptions, merge_options, read_recipe, source_specs
from tripletgen.rewrite_options import RewriteOptions


def recipe(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", 0),
        ("workers", "two"),
        ("workers", True),
        ("seed", -1),
        ("seed", 1.5),
        ("limit", 0),
        ("shard_rows", 0),
        ("max_per_caption", 0),
        ("validation_fraction", 0.6),
        ("validation_fraction", -0.1),
        ("validation_fraction", "half"),
        ("validation_fraction", True),
        ("keep_rejects", "perhaps"),
        ("edit_types", ()),
        ("edit_types", ("change_colour",)),
        ("engine", "spark"),
        ("ray_address", "head:6379"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_a_remedy(name, value):
    with pytest.raises(UsageError) as caught:
        BuildOptions("out", **{name: value})
    assert caught.value.exit_code == 2
    assert caught.value.hint
    if value != ():
        assert repr(value[0] if isinstance(value, tuple) else value) in caught.value.message


def test_a_misspelt_edit_type_gets_the_nearest_one():
    with pytest.raises(UsageError, match="unknown edit type 'add_objct', did you mean 'add_object'"):
        BuildOptions("out", edit_types=("add_objct",))


def test_resume_and_overwrite_exclude_each_other():
    with pytest.raises(UsageError, match="exclude each other"):
        BuildOptions("out", resume=True, overwrite=True)


def test_the_order_of_naming_does_not_change_the_recipe():
    one = BuildOptions("out", (SourceSpec("a.txt"), SourceSpec("b.txt")), edit_types=("combine", "add_object"), decontaminate=("x", "y"))
    two = BuildOptions("out", (SourceSpec("b.txt"), SourceSpec("a.txt")), edit_types=("add_object", "combine"), decontaminate=("y", "x"))
    assert one.recipe() == two.recipe()


def test_what_does_not_change_the_data_set_is_no_part_of_its_recipe():
    assert BuildOptions("one", workers=1).recipe() == BuildOptions("two", workers=8, resume=True).recipe()


def test_the_recipe_tells_no_folder_of_its_maker():
    options = BuildOptions("out", (SourceSpec("/home/someone/a.txt"),), decontaminate=("/home/someone/b.json",))
    assert "someone" not in str(options.recipe())


def test_a_stored_recipe_is_a_recipe(tmp_path):
    options = BuildOptions(
        "out", (SourceSpec("a.csv", "MIT", "caption", "mine"),), seed=3, edit_types=("combine",), validation_fraction=0.2
    )
    text = yaml.safe_dump(options.recipe())
    assert merge_options("out", recipe(tmp_path, text), {}) == options


STORED: dict[str, Any] = {
    "the defaults": {},
    "absolute paths": {"sources": (SourceSpec("/data/a.csv", "MIT", "caption"),), "decontaminate": ("/bench/cirr",)},
    "all kinds of sources": {
        "sources": (SourceSpec("-"), SourceSpec("hf://datasets/a/b@train#x"), SourceSpec("s3://b/k"), SourceSpec("1"))
    },
    "a server": {"rewrite": RewriteOptions("endpoint", "small", "http://localhost:8000/v1", prompts="mine", cache="kept")},
    "an engine": {"rewrite": RewriteOptions("vllm", "/models/small", max_requests=5, share={"edit:add_object": 0.2}, keep="never")},
}


@pytest.mark.parametrize("given", STORED.values(), ids=STORED)
def test_every_stored_recipe_can_be_read_with_the_address_that_it_leaves_out(tmp_path, given):
    options = BuildOptions("out", limit=5, **given)
    path = recipe(tmp_path, yaml.safe_dump(options.recipe(), sort_keys=False, allow_unicode=True))
    address = {"endpoint": "http://other/v1"} if options.rewrite is not None and options.rewrite.endpoint else {}
    assert merge_options("out", path, {"rewrite": address}).recipe() == options.recipe()
    if address:
        with pytest.raises(UsageError, match="endpoint: no address is named") as caught:
            merge_options("out", path, {})
        assert "--endpoint" in caught.value.hint


def test_a_recipe_overrides_defaults_and_the_command_line_overrides_the_recipe(tmp_path):
    path = recipe(tmp_path, "seed: 5\nmax_per_caption: 2\n")
    options = merge_options("out", path, {"seed": 7, "limit": None})
    assert (options.seed, options.max_per_caption, options.shard_rows, options.limit) == (7, 2, 50_000, None)


def test_an_unknown_key_gets_the_nearest_one(tmp_path):
    with pytest.raises(UsageError, match="unknown key 'max_per_captions', did you mean 'max_per_caption'"):
        read_recipe(recipe(tmp_path, "max_per_captions: 2\n"))


def test_an_unknown_key_of_a_source_gets_the_nearest_one(tmp_path):
    with pytest.raises(UsageError, match="unknown key 'colum' of a source, did you mean 'column'"):
        read_recipe(recipe(tmp_path, "sources: [{path: a.csv, colum: text}]\n"))


@pytest.mark.parametrize("value", ["[a.txt, b.txt]", "{a: b}", "true", "null", "1.5"])
def test_a_value_of_a_source_that_is_no_text_is_refused(tmp_path, value):
    (tmp_path / "r.yaml").write_text(f"sources: [{{path: {value}}}]", encoding="utf-8")
    with pytest.raises(UsageError, match=r"r\.yaml: path of a source is .*, not a text") as caught:
        read_recipe(tmp_path / "r.yaml")
    assert caught.value.hint == "write path: TEXT, a source for each path"


@pytest.mark.parametrize("key", ["out", "resume", "overwrite"])
def test_a_recipe_does_not_say_where_to_write(tmp_path, key):
    with pytest.raises(UsageError, match=f"unknown key '{key}'"):
        read_recipe(recipe(tmp_path, f"{key}: x\n"))


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words", "a: [", "seed: !!python/object:os.system x\n"])
def test_what_is_no_mapping_is_no_recipe(tmp_path, text):
    with pytest.raises(UsageError, match=r"recipe\.yaml: not a"):
        read_recipe(recipe(tmp_path, text))


def test_bytes_are_no_recipe(tmp_path):
    (tmp_path / "recipe.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a recipe"):
        read_recipe(tmp_path / "recipe.yaml")


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nope\.yaml: no such recipe"):
        read_recipe(tmp_path / "nope.yaml")


def test_a_value_of_the_wrong_type_is_named(tmp_path):
    with pytest.raises(UsageError, match="seed: 'five' is not a whole number of at least 0"):
        merge_options("out", recipe(tmp_path, "seed: five\n"), {})
    with pytest.raises(UsageError, match="edit_types is 3, not a list"):
        merge_options("out", recipe(tmp_path, "edit_types: 3\n"), {})
    with pytest.raises(UsageError, match="a source is 3"):
        merge_options("out", recipe(tmp_path, "sources: [3]\n"), {})


def test_one_word_stands_for_a_list_of_one(tmp_path):
    assert read_recipe(recipe(tmp_path, "sources: a.txt\nedit_types: combine\n")) == {
        "sources": (SourceSpec("a.txt", "unknown"),),
        "edit_types": ("combine",),
    }


def test_a_licence_applies_to_the_sources_that_have_none(tmp_path):
    path = recipe(tmp_path, "sources: [a.txt, {path: b.txt, licence: MIT}, embedded]\n")
    options = merge_options("out", path, {}, "CC-BY-4.0")
    assert {source.path: source.licence for source in options.sources} == {"a.txt": "CC-BY-4.0", "b.txt": "MIT", "embedded": "CC0-1.0"}


def test_no_source_on_the_command_line_leaves_the_choice_to_the_recipe():
    assert source_specs([]) is None
    assert source_specs(["embedded", "a.txt"]) == (SourceSpec("embedded", "CC0-1.0"), SourceSpec("a.txt", "unknown"))
