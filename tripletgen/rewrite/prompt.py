"""Prompt files: front matter, instructions, examples, and a template for the data.

The chat of a request is: the instructions, the examples (the same for every request, so an engine computes them once), and last the
data. Whatever a template prints is written as JSON: a caption is data with an end that can be seen, and never an instruction.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tripletgen.assets import asset
from tripletgen.errors import UsageError
from tripletgen.rewrite.base import Message
from tripletgen.rewrite.json_schema import faults, is_json, try_schema
from tripletgen.rewrite_options import TASKS
from tripletgen.schema import EDIT_TYPES, Triplet

VARIABLES: dict[str, tuple[str, ...]] = {
    "paraphrase": ("reference_caption", "modification_text", "target_caption", "source_phrase", "target_phrase", "edit_type"),
    "edit": ("reference_caption", "edit_type", "wish", "source_phrase"),
    "describe": ("reference_caption", "target_caption", "source_phrase", "target_phrase"),
}
"""What the template of a task may print."""
_MAY_LACK = {"source_phrase", "target_phrase"}
REPLY_KEYS = {"paraphrase": ("modification_text",), "edit": ("modification_text", "target_caption"), "describe": ("modification_text",)}
WISHES = {
    "replace_object": "replace one thing by another",
    "change_attribute": "change the color, material, size or age of one thing",
    "compare_attribute": "make one thing bigger, smaller, older or newer",
    "change_count": "change how many of one thing there are",
    "add_object": "add one thing",
    "remove_object": "take one thing away",
    "change_relation": "change where one thing is",
    "change_scene": "change the place or background",
    "change_action": "change what somebody does",
    "change_viewpoint": "change the style, view, weather or time of day",
    "combine": "change two things",
}
_JINJA = "see the Jinja documentation of templates"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and is_json(value)


_FORMS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("a text", _is_text),
    "version": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "task": ("a text", _is_text),
    "variables": ("a list of names", lambda value: isinstance(value, list) and bool(value) and all(map(_is_text, value))),
    "schema": ("a mapping of plain JSON", lambda value: isinstance(value, dict) and is_json(value)),
    "user": ("a text", _is_text),
    "examples": ("a list", lambda value: isinstance(value, list)),
}
"""Every key of the front matter with what it must hold."""


class Example(NamedTuple):
    """Data with the reply that is wished for; `edit_types` says which rows are shown it, empty means all."""

    data: dict[str, Any]
    reply: dict[str, Any]
    edit_types: tuple[str, ...] = ()


class Prompt(NamedTuple):
    """A prompt file that was checked."""

    name: str
    version: int
    task: str
    variables: tuple[str, ...]
    schema: dict[str, Any]
    system: str
    user: str
    examples: tuple[Example, ...]

    @property
    def prompt_id(self) -> str:
        """Return `name@hash`: equal ids mean equal prompts."""
        return f"{self.name}@{hashlib.sha256(json.dumps(self, sort_keys=True).encode()).hexdigest()[:8]}"

    def examples_for(self, edit_type: str) -> tuple[Example, ...]:
        """Return the examples of an edit type, in the order of the file: a small model does what it is shown last."""
        return tuple(example for example in self.examples if not example.edit_types or edit_type in example.edit_types)


def load_prompts(folder: str | None = None) -> dict[str, Prompt]:
    """Return a prompt for every task: the user's own where the folder has one, else ours.

    Raises:
        UsageError: there is no such folder, or a file in it is no prompt.
    """
    prompts = _read_folder(asset("prompts"))
    if folder is not None:
        if not Path(folder).is_dir():
            raise UsageError(f"{folder}: no such folder", "name a folder with prompt files (*.md)")
        own = _read_folder(Path(folder))
        if not own:
            raise UsageError(f"{folder}: holds no prompt", "a prompt is a file NAME.md with front matter, see docs/rewriting.md")
        prompts |= own
    return {task: prompts[task] for task in TASKS}


def _read_folder(folder: Path) -> dict[str, Prompt]:
    found = [read_prompt(path) for path in sorted(folder.glob("*.md")) if path.name != "README.md"]
    by_task = {prompt.task: prompt for prompt in found}
    if len(by_task) < len(found):
        raise UsageError(f"{folder}: holds two prompts for one task", "keep one file a task")
    return by_task


def read_prompt(path: Path) -> Prompt:
    """Read and check a prompt file.

    Raises:
        UsageError: the front matter, a variable, the schema or an example is wrong.
    """
    values, body = _read_parts(path)
    for name in _FORMS:
        if name not in values:
            raise UsageError(f"{path}: no {name!r} in the front matter", f"keys: {', '.join(_FORMS)}")
    for name, value in values.items():
        if name not in _FORMS:
            raise UsageError(f"{path}: unknown key {name!r}", f"keys: {', '.join(_FORMS)}")
        form, fits = _FORMS[name]
        if not fits(value):
            raise UsageError(f"{path}: {name} is {repr(value)[:200]}, not {form}", "see docs/rewriting.md, and our own files in prompts/")
    if values["task"] not in TASKS:
        raise UsageError(f"{path}: no task {values['task']!r}", f"tasks: {', '.join(TASKS)}")
    variables, examples = tuple(values["variables"]), tuple(_example(path, entry) for entry in values["examples"])
    prompt = Prompt(values["name"], values["version"], values["task"], variables, values["schema"], body.strip(), values["user"], examples)
    _check_variables(path, prompt)
    _check_template(path, prompt)
    _check_schema(path, prompt)
    return prompt


def _read_parts(path: Path) -> tuple[dict[str, Any], str]:
    """Return the front matter and the instructions."""
    try:
        text = path.read_text(encoding="utf-8")
        head, mark, body = text.removeprefix("---\n").partition("\n---\n")
        values = yaml.safe_load(head)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # a date that is none is a ValueError
        raise UsageError(f"{path}: cannot be read ({_fault(error)})", "see docs/rewriting.md") from error
    if not mark or not text.startswith("---\n") or not isinstance(values, dict):
        raise UsageError(f"{path}: no front matter", "begin with ---, YAML, ---; then the instructions")
    return values, body


def _fault(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _example(path: Path, entry: Any) -> Example:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), dict) for name in ("data", "reply")):
        raise UsageError(f"{path}: an example lacks data or reply", "write examples: [{data: {...}, reply: {...}}]")
    if not is_json(entry):
        raise UsageError(
            f"{path}: an example holds what is not plain JSON: {repr(entry)[:200]}", "write dates and keys as texts, in quotes"
        )
    edit_types = entry.get("edit_types", [])
    if not isinstance(edit_types, list):
        raise UsageError(f"{path}: an example is for {edit_types!r}, no list of edit types", "write edit_types: [replace_object]")
    for name in edit_types:
        if not isinstance(name, str) or name not in EDIT_TYPES:
            raise UsageError(f"{path}: an example is for {name!r}, no edit type", f"edit types: {', '.join(EDIT_TYPES)}")
    return Example(entry["data"], entry["reply"], tuple(edit_types))


def _check_variables(path: Path, prompt: Prompt) -> None:
    import jinja2.meta

    allowed = VARIABLES[prompt.task]
    for name in prompt.variables:
        if name not in allowed:
            raise UsageError(f"{path}: unknown variable {name!r}", f"variables of {prompt.task}: {', '.join(allowed)}")
    try:
        used = jinja2.meta.find_undeclared_variables(_environment().parse(prompt.user))
    except Exception as error:  # a parser for strangers' templates has many ways to fail
        raise UsageError(f"{path}: user: {_fault(error)}", _JINJA) from error
    for name in sorted(used):
        if name not in prompt.variables:
            raise UsageError(f"{path}: variable {name!r} is used and not declared", f"variables of {prompt.task}: {', '.join(allowed)}")


def _check_template(path: Path, prompt: Prompt) -> None:
    """Fill the template with all that a row may lack, and with the examples: what fails then would fail in the middle of a run."""
    import jinja2

    texts = dict.fromkeys(prompt.variables, "a brown dog runs on the grass")
    for data in (texts, texts | dict.fromkeys(_MAY_LACK & texts.keys())):
        _fill(str(path), prompt, data)
    for example in prompt.examples:
        try:
            render(prompt.user, example.data)
        except jinja2.UndefinedError as error:
            raise UsageError(f"{path}: an example lacks a variable ({error.message})", f"it needs {', '.join(prompt.variables)}") from error
        except Exception as error:
            raise UsageError(f"{path}: user: {_fault(error)}", _JINJA) from error


def _fill(where: str, prompt: Prompt, data: Mapping[str, Any]) -> str:
    try:
        return render(prompt.user, data)
    except Exception as error:  # a template is a small program of a stranger
        raise UsageError(f"{where}: user: {_fault(error)}", _JINJA) from error


def _check_schema(path: Path, prompt: Prompt) -> None:
    schema = prompt.schema
    try:
        try_schema(schema)
    except Exception as error:  # what cannot be resolved or never ends shows in errors of many kinds
        raise UsageError(f"{path}: schema is not JSON Schema ({_fault(error)})", "see https://json-schema.org") from error
    if schema.get("type") != "object":
        raise UsageError(f"{path}: the schema is of type {schema.get('type')!r}", "write type: object, a reply is an object")
    properties = schema.get("properties", {})
    for key in REPLY_KEYS[prompt.task]:
        if key not in properties or key not in schema.get("required", ()):
            raise UsageError(
                f"{path}: the schema does not require {key!r}", f"replies of {prompt.task} hold {', '.join(REPLY_KEYS[prompt.task])}"
            )
    for example in prompt.examples:
        for fault in faults(json.dumps(schema), example.reply):
            raise UsageError(f"{path}: an example's reply does not fit the schema ({_fault(fault)})", "mend the example or the schema")


@lru_cache(maxsize=1)
def _environment() -> Any:
    """Return the sandbox that templates run in; every value that is printed comes out as JSON."""
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    def as_json(value: Any) -> Any:
        return value if isinstance(value, jinja2.Undefined) else json.dumps(value, ensure_ascii=False)

    return SandboxedEnvironment(undefined=jinja2.StrictUndefined, finalize=as_json, autoescape=False)


@lru_cache(maxsize=64)
def _template(text: str) -> Any:
    return _environment().from_string(text)


def render(template: str, data: Mapping[str, Any]) -> str:
    """Return the text of a user's turn."""
    return str(_template(template).render(data)).strip()


@lru_cache(maxsize=256)
def _prefix(system: str, user: str, examples: str) -> tuple[Message, ...]:
    turns = [Message("system", system)]
    for data, reply, _ in json.loads(examples):
        turns += [Message("user", render(user, data)), Message("assistant", json.dumps(reply, ensure_ascii=False, separators=(",", ":")))]
    return tuple(turns)


def messages_of(prompt: Prompt, row: Triplet) -> tuple[Message, ...]:
    """Return the chat that asks for a row: instructions and the examples of its edit type first, the data last."""
    data = row._asdict() | {"wish": WISHES[row.edit_type]}
    known = {name: data[name] for name in prompt.variables}
    examples = json.dumps(prompt.examples_for(row.edit_type))
    return (*_prefix(prompt.system, prompt.user, examples), Message("user", _fill(prompt.prompt_id, prompt, known)))


def second_attempt(messages: tuple[Message, ...], reply: str, reason: str) -> tuple[Message, ...]:
    """Return the chat that tells why a reply was refused and asks again."""
    told = f"That was refused: {reason}. Answer once more, differently, with JSON only."
    said = reply[:300].encode("utf-8", "replace").decode()  # half a character cannot be sent
    return (*messages, Message("assistant", said), Message("user", told))


def describe_prompts(prompts: Iterable[Prompt]) -> list[str]:
    """Return a line a prompt."""
    return [f"{p.prompt_id:<22} {p.task:<11} version {p.version}, {len(p.examples)} examples" for p in prompts]


def show_prompt(prompts: Mapping[str, Prompt], task: str) -> list[str]:
    """Return the chat of a prompt, a turn a line, as a model sees it.

    Raises:
        UsageError: there is no such task.
    """
    if task not in prompts:
        raise UsageError(f"no task {task!r}", f"tasks: {', '.join(prompts)}")
    prompt = prompts[task]
    turns = _prefix(prompt.system, prompt.user, json.dumps(prompt.examples))
    schema = json.dumps(prompt.schema, ensure_ascii=False)
    return [prompt.prompt_id, *(f"[{turn.role}] {turn.content}" for turn in turns), f"[user] {prompt.user.strip()}", f"[schema] {schema}"]
