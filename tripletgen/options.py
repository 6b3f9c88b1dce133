"""What a build is told: options, validated at birth, merged from defaults, recipe and command line."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from tripletgen.captions.sources import EMBEDDED, EMBEDDED_LICENCE, UNKNOWN_LICENCE, SourceSpec
from tripletgen.errors import UsageError
from tripletgen.rewrite_options import RewriteOptions, merge_rewrite, read_rewrite_recipe
from tripletgen.schema import EDIT_TYPES

SOURCE_KEYS = ("path", "licence", "column", "name")
# What does not change a single byte of the data set, and so is no part of its recipe.
NOT_IN_RECIPE = ("out", "workers", "engine", "ray_address", "resume", "overwrite")
ENGINES = ("local", "ray")


@dataclass(frozen=True)
class BuildOptions:
    """Everything that `build` takes; the names are those of the command line and of recipe files.

    Raises:
        UsageError: a value is of the wrong type or out of range.
    """

    out: str
    sources: tuple[SourceSpec, ...] = (SourceSpec(EMBEDDED, EMBEDDED_LICENCE),)
    limit: int | None = None
    seed: int = 0
    workers: int = 1
    engine: str = "local"
    ray_address: str | None = None
    shard_rows: int = 50_000
    max_per_caption: int = 8
    edit_types: tuple[str, ...] = tuple(EDIT_TYPES)
    decontaminate: tuple[str, ...] = ()
    validation_fraction: float = 0.01
    keep_rejects: bool = False
    pairs: bool = False
    rewrite: RewriteOptions | None = None
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("shard_rows", 1), ("max_per_caption", 1), ("seed", 0)):
            _check_int(name, getattr(self, name), least)
        _check_engine(self.engine, self.ray_address)
        if self.limit is not None:
            _check_int("limit", self.limit, 1)
        fraction = self.validation_fraction
        if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 <= fraction <= 0.5:
            raise UsageError(f"validation_fraction: {fraction!r} is not a number from 0 to 0.5", "try 0.01")
        for name in ("keep_rejects", "pairs", "resume", "overwrite"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name}: {getattr(self, name)!r} is neither true nor false", f"write {name}: true")
        for edit_type in self.edit_types:
            if edit_type not in EDIT_TYPES:
                raise UsageError(
                    f"unknown edit type {edit_type!r}{_nearest(edit_type, EDIT_TYPES)}", f"edit types: {', '.join(EDIT_TYPES)}"
                )
        if not self.edit_types:
            raise UsageError("no edit type is left", f"edit types: {', '.join(EDIT_TYPES)}")
        if self.resume and self.overwrite:
            raise UsageError("--resume and --overwrite exclude each other", "give one of them")
        # The order in which sources and types are named must not change the result.
        object.__setattr__(self, "sources", tuple(sorted(self.sources, key=str)))
        object.__setattr__(self, "edit_types", tuple(t for t in EDIT_TYPES if t in self.edit_types))
        object.__setattr__(self, "decontaminate", tuple(sorted(self.decontaminate)))

    def recipe(self) -> dict[str, Any]:
        """Return what determines the data set, as it is stored beside it; values are plain YAML ones."""
        values = {name: value for name, value in asdict(self).items() if name not in NOT_IN_RECIPE}
        values["sources"] = [{k: v for k, v in spec._asdict().items() if v is not None} for spec in self.sources]
        for spec in values["sources"]:
            spec["path"] = portable(spec["path"])
        values["edit_types"] = list(self.edit_types)
        values["decontaminate"] = [portable(path) for path in self.decontaminate]
        if self.rewrite is None:
            del values["rewrite"]
        else:
            values["rewrite"] = self.rewrite.recipe()
        return values


def portable(path: str) -> str:
    """Return a path without the folders above it where it is absolute: a data set must not tell its maker's home."""
    return Path(path).name if Path(path).is_absolute() else path


def _check_int(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name}: {value!r} is not a whole number of at least {least}", f"try {name.replace('_', '-')} {max(least, 1)}")


def _check_engine(engine: str, address: str | None) -> None:
    if engine not in ENGINES:
        raise UsageError(f"unknown engine {engine!r}{_nearest(str(engine), ENGINES)}", f"engines: {', '.join(ENGINES)}")
    if address is not None and engine != "ray":
        raise UsageError(f"ray_address: {address!r} is given, but the engine is {engine}", "give --engine ray too")


def _nearest(word: str, choices: Any) -> str:
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""


def read_recipe(path: str | Path) -> dict[str, Any]:
    """Return the values of a recipe file by option name.

    Raises:
        UsageError: the file is missing, is not a YAML mapping, or holds an unknown key.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such recipe", "check the path") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: not a recipe ({str(error).splitlines()[0]})", "a recipe is a YAML file of option: value") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: not a mapping of option: value", "see docs/recipes.md")
    known = [field.name for field in fields(BuildOptions) if field.name not in ("out", "resume", "overwrite")]
    for key in content:
        if key not in known:
            raise UsageError(f"{path}: unknown key {key!r}{_nearest(str(key), known)}", f"keys: {', '.join(known)}")
    return {name: _convert(path, name, value) for name, value in content.items()}


def _convert(path: str | Path, name: str, value: Any) -> Any:
    if name == "sources":
        return tuple(_source(path, entry) for entry in _list(path, name, value))
    if name == "rewrite":
        return read_rewrite_recipe(path, value)
    if name in ("edit_types", "decontaminate"):
        return tuple(str(item) for item in _list(path, name, value))
    return value


def _list(path: str | Path, name: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise UsageError(f"{path}: {name} is {value!r}, not a list", f"write {name}: [a, b]")
    return value


def _source(path: str | Path, entry: Any) -> SourceSpec:
    if isinstance(entry, str):
        return SourceSpec(entry, EMBEDDED_LICENCE if entry == EMBEDDED else UNKNOWN_LICENCE)
    if not isinstance(entry, dict) or "path" not in entry:
        raise UsageError(f"{path}: a source is {entry!r}", "write a path, or a mapping with path, licence, column, name")
    for key in entry:
        if key not in SOURCE_KEYS:
            raise UsageError(f"{path}: unknown key {key!r} of a source{_nearest(str(key), SOURCE_KEYS)}", f"keys: {', '.join(SOURCE_KEYS)}")
    for key, value in entry.items():
        # A column may be a number.
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise UsageError(f"{path}: {key} of a source is {value!r}, not a text", f"write {key}: TEXT, a source for each path")
    return SourceSpec(**{key: str(value) for key, value in entry.items()})


def merge_options(out: str, recipe: str | None, given: Mapping[str, Any], licence: str | None = None) -> BuildOptions:
    """Return options by precedence: defaults, then the recipe, then what was given on the command line.

    `given` holds only what the user gave; `licence` applies to every source that names none of its own.

    Raises:
        UsageError: a value or a recipe cannot be meant.
    """
    values: dict[str, Any] = read_recipe(recipe) if recipe else {}
    rewrite = merge_rewrite(values.pop("rewrite", {}), given.get("rewrite") or {})
    values.update({name: value for name, value in given.items() if value is not None and name != "rewrite"})
    values["rewrite"] = rewrite
    options = BuildOptions(out=out, **values)
    if licence is not None:
        sources = tuple(s._replace(licence=licence) if s.licence == UNKNOWN_LICENCE else s for s in options.sources)
        options = replace(options, sources=sources)
    return options


def source_specs(paths: list[str] | None) -> tuple[SourceSpec, ...] | None:
    """Return the sources named on the command line, None where there are none."""
    if not paths:
        return None
    return tuple(SourceSpec(path, EMBEDDED_LICENCE if path == EMBEDDED else UNKNOWN_LICENCE) for path in paths)
