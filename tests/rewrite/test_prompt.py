"""A prompt file has one clear error for each fault, before anything is asked."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rewrite.rows import DOG
from tripletgen.errors import UsageError
from tripletgen.rewrite.base import Message, Sampling, make_request
from tripletgen.rewrite.prompt import WISHES, Prompt, messages_of, read_prompt, second_attempt
from tripletgen.rewrite.wish import SHOWS
from tripletgen.schema import EDIT_TYPES

GOOD: dict[str, Any] = {
    "name": "mine",
    "version": 1,
    "task": "paraphrase",
    "variables": ["reference_caption", "source_phrase"],
    "schema": {"type": "object", "properties": {"modification_text": {"type": "string"}}, "required": ["modification_text"]},
    "user": "Caption: {{ reference_caption }}",
    "examples": [{"data": {"reference_caption": "a dog"}, "reply": {"modification_text": "a cat"}}],
}


def test_every_edit_type_can_be_wished_for_and_shown() -> None:
    assert set(WISHES) == set(SHOWS) == set(EDIT_TYPES)


def read(tmp_path: Path, **changed: Any) -> Prompt:
    path = tmp_path / "p.md"
    path.write_text(f"---\n{yaml.safe_dump(GOOD | changed)}\n---\nReword the change.\n")
    return read_prompt(path)


def fault(tmp_path: Path, **changed: Any) -> str:
    """Return what is said of a file, without its name, which must stand there; the hint must hold a remedy."""
    with pytest.raises(UsageError) as caught:
        read(tmp_path, **changed)
    assert caught.value.hint
    assert len(caught.value.message.splitlines()) == 1
    where, _, said = caught.value.message.partition(": ")
    assert where == str(tmp_path / "p.md")
    return said


def with_date(text: str, tmp_path: Path) -> str:
    """Return what is said of a file with a line of its own, for YAML writes no such values itself."""
    name = text.partition(":")[0]
    path = tmp_path / "p.md"
    path.write_text(f"---\n{yaml.safe_dump({key: value for key, value in GOOD.items() if key != name})}{text}\n---\nReword.\n")
    with pytest.raises(UsageError) as caught:
        read_prompt(path)
    return caught.value.message.removeprefix(f"{path}: ")


def test_a_file_without_a_fault_is_a_prompt(tmp_path: Path) -> None:
    prompt = read(tmp_path)
    assert (prompt.name, prompt.version, prompt.system) == ("mine", 1, "Reword the change.")
    assert messages_of(prompt, DOG)[-1].content == 'Caption: "A brown dog runs on the grass."'


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("variables", None, "variables is None, not a list of names"),
        ("variables", [], "variables is [], not a list of names"),
        ("variables", 5, "variables is 5, not a list of names"),
        ("variables", "reference_caption", "variables is 'reference_caption', not a list of names"),
        ("variables", [["reference_caption"]], "variables is [['reference_caption']], not a list of names"),
        ("user", 5, "user is 5, not a text"),
        ("user", ["a"], "user is ['a'], not a text"),
        ("user", "", "user is '', not a text"),
        ("user", "\ud800", "user is '\\ud800', not a text"),
        ("task", ["edit"], "task is ['edit'], not a text"),
        ("task", {"a": 1}, "task is {'a': 1}, not a text"),
        ("name", 5, "name is 5, not a text"),
        ("version", "2", "version is '2', not a whole number"),
        ("version", True, "version is True, not a whole number"),
        ("examples", None, "examples is None, not a list"),
        ("examples", "a", "examples is 'a', not a list"),
        ("schema", None, "schema is None, not a mapping of plain JSON"),
        ("schema", [], "schema is [], not a mapping of plain JSON"),
        ("schema", {"type": "object", 1: 2}, "schema is {'type': 'object', 1: 2}, not a mapping of plain JSON"),
    ],
)
def test_a_value_of_the_wrong_form_is_named_with_what_it_should_be(name: str, value: Any, said: str, tmp_path: Path) -> None:
    assert fault(tmp_path, **{name: value}) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2024-01-02", "version is datetime.date(2024, 1, 2), not a whole number"),
        ("version: 2024-13-45", "cannot be read (month must be in 1..12)"),
        (
            "schema: {type: object, default: 2024-01-02}",
            "schema is {'type': 'object', 'default': datetime.date(2024, 1, 2)}, not a mapping",
        ),
        ("examples: [{data: {reference_caption: 2024-01-02}, reply: {}}]", "an example holds what is not plain JSON: {'data': "),
    ],
)
def test_a_date_where_none_belongs_is_told(text: str, said: str, tmp_path: Path) -> None:
    assert with_date(text, tmp_path).startswith(said)


@pytest.mark.parametrize(
    ("edit_types", "said"),
    [
        ([["a"]], "an example is for ['a'], no edit type"),
        ([{"a": 1}], "an example is for {'a': 1}, no edit type"),
        ([5], "an example is for 5, no edit type"),
        ("replace_object", "an example is for 'replace_object', no list of edit types"),
        (None, "an example is for None, no list of edit types"),
    ],
)
def test_edit_types_of_an_example_are_a_list_of_names(edit_types: Any, said: str, tmp_path: Path) -> None:
    assert fault(tmp_path, examples=[GOOD["examples"][0] | {"edit_types": edit_types}]) == said


@pytest.mark.parametrize("entry", [5, "a", {}, {"data": 5, "reply": {}}, {"data": {}, "reply": [["a", "b"]]}])
def test_an_example_is_data_and_reply(entry: Any, tmp_path: Path) -> None:
    assert fault(tmp_path, examples=[entry]) == "an example lacks data or reply"


@pytest.mark.parametrize("examples", [[], GOOD["examples"]])
@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("{{ 1/0 }}", "user: division by zero"),
        ("{{ reference_caption.__class__ }}", "user: access to attribute '__class__' of 'str' object is unsafe."),
        ("{{ ''.__class__ }}", "user: access to attribute '__class__' of 'str' object is unsafe."),
        ("{% include 'x' %}", "user: no loader for this environment specified"),
        ("{{ range(3) }}", "user: Object of type range is not JSON serializable"),
        ("{{ reference_caption.colour }}", "user: 'str object' has no attribute 'colour'"),
        ("{{ source_phrase.upper() }}", "user: 'None' has no attribute 'upper'"),
        ("{{ reference_caption|shout }}", "user: No filter named 'shout'."),
        ("{{ " + "(" * 5_000, "user: maximum recursion depth exceeded"),
    ],
)
def test_a_template_that_cannot_be_filled_is_told_before_a_run(user: str, said: str, examples: Any, tmp_path: Path) -> None:
    assert fault(tmp_path, user=user, examples=examples).startswith(said)


def test_a_template_that_one_row_breaks_is_told_by_the_name_of_the_prompt(tmp_path: Path) -> None:
    prompt = read(tmp_path, user="{{ 1 // (reference_caption|length - 30) }}")
    assert len(DOG.reference_caption) == 30
    with pytest.raises(UsageError, match=r"mine@[0-9a-f]{8}: user: integer division or modulo by zero"):
        messages_of(prompt, DOG)


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"modification_text": TEXT}, "required": ["modification_text"]}, "the schema is of type None"),
        ({"type": "array"}, "the schema is of type 'array'"),
        ({"type": ["object", "array"]}, "the schema is of type ['object', 'array']"),
        (
            {"properties": {"modification_text": {"$ref": "#/$defs/text"}}},
            "schema is not JSON Schema (PointerToNowhere: '/$defs/text' does",
        ),
        ({"$defs": {"deep": {"items": {"$ref": "#nowhere"}}}}, "schema is not JSON Schema (NoSuchAnchor: 'nowhere' does not exist"),
        ({"$ref": "http://127.0.0.1:9/a"}, "schema is not JSON Schema ('http://127.0.0.1:9/a' points out of the file)"),
        ({"allOf": [{"$ref": "#"}]}, "schema is not JSON Schema (maximum recursion depth exceeded"),
        ({"properties": {"modification_text": {"pattern": "("}}}, "schema is not JSON Schema ('(' is not a 'regex')"),
        ({"required": 5}, "schema is not JSON Schema (5 is not of type 'array')"),
    ],
)
def test_a_schema_that_a_reply_would_break_is_told_before_a_run(schema: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert fault(tmp_path, schema=schema, examples=[]).startswith(said)


def test_a_reply_with_half_a_character_can_be_told_in_a_second_attempt() -> None:
    messages = second_attempt((Message("user", "a dog"),), "a \ud800 cat", "it was not JSON")
    assert messages[1] == Message("assistant", "a ? cat")
    assert make_request("m", Sampling(0, 1, 10, 1, 0), messages, {}).messages == messages
