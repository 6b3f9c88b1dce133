"""Find the files that ship beside the code, in a source tree and in an installed wheel alike."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PACKAGE = Path(__file__).resolve().parent
_BOOL = "tag:yaml.org,2002:bool"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Load plain values only; `on`, `off`, `yes` and `no` are words here, for word lists are full of them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def asset(name: str) -> Path:
    """Return the path of a shipped file or folder such as ``data_cards/card.md``.

    ``prompts/`` and ``data_cards/`` lie at the top of the repository, where people look for them, and under
    ``tripletgen/assets/`` in a wheel, where only packages may go; ``lexicon/`` and the like lie in the package in both.
    """
    for root in (_PACKAGE, _PACKAGE / "assets", _PACKAGE.parent):
        path = root / name
        if path.exists():
            return path
    raise FileNotFoundError(f"{name} is not shipped with this installation of tripletgen")


@cache
def read_yaml(name: str) -> Any:
    """Return the parsed content of a shipped YAML file; the caller must not change it."""
    return yaml.load(asset(name).read_text(encoding="utf-8"), Loader=_Loader)


@cache
def read_json(name: str) -> Any:
    """Return the parsed content of a shipped JSON file; the caller must not change it."""
    return json.loads(asset(name).read_text(encoding="utf-8"))


@cache
def code_digest() -> str:
    """Return a hash of this package's code and data, part of every fingerprint: other code may make other triplets."""
    state = hashlib.sha256()
    for path in sorted(p for p in _PACKAGE.rglob("*") if p.suffix in (".py", ".yaml", ".json", ".txt")):
        state.update(path.relative_to(_PACKAGE).as_posix().encode())
        state.update(path.read_bytes())
    return state.hexdigest()[:16]
