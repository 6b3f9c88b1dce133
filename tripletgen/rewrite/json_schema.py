"""The only door to jsonschema: whether a schema can be used, and whether a value fits it."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any


def is_json(value: Any) -> bool:
    """Tell whether a value is the same when it is read again as JSON: YAML knows dates, keys that are numbers, and half characters."""
    try:
        return bool(json.loads(json.dumps(value, ensure_ascii=False).encode()) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def try_schema(schema: dict[str, Any]) -> None:
    """Use every part of a schema that a later reply may use, so that none is found wanting then; nothing is fetched.

    Raises:
        Exception: of whatever kind, it cannot be used.
    """
    validator = _validator(json.dumps(schema))
    validator.check_schema(schema)
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise ValueError(f"{reference!r} points out of the file")
        validator.evolve(schema={"$ref": reference}).is_valid({})
    validator.is_valid(dict.fromkeys(schema.get("properties", {}), "a dog"))


def faults(schema: str, value: Any) -> Iterator[Exception]:
    """Yield what is wrong with a value by a schema in JSON."""
    yield from _validator(schema).iter_errors(value)


def fits(schema: str, value: Any) -> bool:
    """Tell whether a value is of a schema in JSON; what is too deep or too large for the check is not."""
    try:
        return bool(_validator(schema).is_valid(value))
    except (RecursionError, ArithmeticError, ValueError, TypeError):
        return False


@cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(inner, str):
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
