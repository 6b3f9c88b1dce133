"""What the stage that rewrites with a language model is told, validated at birth."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tripletgen.errors import UsageError
from tripletgen.schema import EDIT_TYPES

REWRITERS = ("vllm", "endpoint")
TASKS = {"paraphrase": "rule", "edit": "rule", "describe": "pair"}
"""Every task with the origin of the rows that it works on."""
KEEP = ("failed", "always", "never")
DEFAULT_SHARE = {"paraphrase": 0.5, "edit": 0.0, "describe": 1.0}
_WHOLE = (1, 10**12)
_WEEK = 7 * 24 * 3600.0
_NUMBERS: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0.001, 1),
    "timeout": (0.001, _WEEK),
    "patience": (0, _WEEK),
}
# How the answers are fetched changes none of them.
_NOT_IN_RECIPE = (
    "endpoint",
    "concurrency",
    "timeout",
    "patience",
    "cache",
    "prompts",
    "enforce_eager",
    "tensor_parallel_size",
    "data_parallel_size",
)


@dataclass(frozen=True)
class RewriteOptions:
    """Everything that the stage takes; in a recipe these stand under the key `rewrite`.

    `share` gives the share of rows for a task (`paraphrase`) or for a task and an edit type (`paraphrase:change_count`). `keep` says when
    the row that was to be rewritten stays: where the model `failed`, `always` or `never`.

    Raises:
        UsageError: a value is of the wrong type or out of range.
    """

    rewriter: str
    model: str = ""
    endpoint: str | None = None
    prompts: str | None = None
    share: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_SHARE))
    keep: str = "failed"
    attempts: int = 2
    num_replies: int = 1
    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int = 120
    max_requests: int | None = None
    max_tokens_total: int | None = None
    batch_requests: int = 1024
    max_model_len: int | None = None
    enforce_eager: bool = False
    tensor_parallel_size: int = 1
    data_parallel_size: int = 1
    concurrency: int = 64
    timeout: float = 120.0
    patience: float = 300.0
    cache: str | None = None

    def __post_init__(self) -> None:
        _check_choice("rewriter", self.rewriter, REWRITERS)
        _check_choice("keep", self.keep, KEEP)
        _check_text("model", self.model)
        if not self.model:
            raise UsageError("no model is named", "give --model: a folder, a name of the Hub, or the name that the server knows")
        for name in ("endpoint", "prompts", "cache"):
            if getattr(self, name) is not None:
                _check_text(name, getattr(self, name))
        if self.rewriter == "endpoint":
            _check_address(self.endpoint)
        if not isinstance(self.enforce_eager, bool):
            raise UsageError(f"enforce_eager: {self.enforce_eager!r} is not true or false", "write enforce_eager: true")
        for name in (
            "attempts",
            "num_replies",
            "max_tokens",
            "batch_requests",
            "tensor_parallel_size",
            "data_parallel_size",
            "concurrency",
        ):
            _check_number(name, getattr(self, name), int, _WHOLE)
        for name in ("max_requests", "max_tokens_total", "max_model_len"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), int, _WHOLE)
        for name, bounds in _NUMBERS.items():
            _check_number(name, getattr(self, name), (int, float), bounds)
        object.__setattr__(self, "share", _check_shares(self.share))
        self._expand_folders()

    def _expand_folders(self) -> None:
        """Put the home folder in place of ~, as a shell does; a server's model is no folder here."""
        for name in ("prompts", "cache") if self.rewriter == "endpoint" else ("model", "prompts", "cache"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, os.path.expanduser(getattr(self, name)))

    def share_of(self, task: str, edit_type: str) -> float:
        """Return which share of the rows of an edit type a task is given."""
        return self.share.get(f"{task}:{edit_type}", self.share.get(task, 0.0))

    def recipe(self) -> dict[str, Any]:
        """Return what determines the rows; a model's folder is named without its path."""
        values = {name: value for name, value in asdict(self).items() if name not in _NOT_IN_RECIPE}
        return values | {"model": model_name(self.model), "share": dict(self.share)}


def model_name(model: str) -> str:
    """Return a model's name as it stands on rows: without the folders above it, which are nobody's business."""
    path = Path(model)
    return path.name if path.is_absolute() or model.startswith(".") or path.is_dir() else model


def _check_address(address: str | None) -> None:
    if address is None:
        raise UsageError(
            "endpoint: no address is named", "give --endpoint http://HOST:PORT/v1; a recipe that lies beside data leaves it out"
        )
    if "@" in address.partition("://")[2].partition("/")[0]:
        # The address stands in messages, so it is not even shown here.
        raise UsageError("endpoint: an address with a name and a password in it", "leave them out: a key comes from OPENAI_API_KEY")
    if not _is_address(address):
        raise UsageError(f"endpoint: {address!r} is no address", "give --endpoint http://HOST:PORT/v1, PORT a number below 65536")


def _check_shares(share: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(share, Mapping):
        raise UsageError(f"share: {share!r} is no mapping", "write share: {paraphrase: 0.5, describe: 1.0}")
    for name, value in share.items():
        task, _, edit_type = str(name).partition(":")
        _check_choice("share", task, tuple(TASKS))
        if edit_type:
            _check_choice("share", edit_type, tuple(EDIT_TYPES))
        _check_number(f"share of {name}", value, (int, float), (0, 1))
    full = {**DEFAULT_SHARE, **share} if share else dict(DEFAULT_SHARE)
    for edit_type in EDIT_TYPES:
        total = sum(full.get(f"{task}:{edit_type}", full.get(task, 0.0)) for task, origin in TASKS.items() if origin == "rule")
        if total > 1:
            raise UsageError(f"share: more than all rows of {edit_type} are asked for", "shares of paraphrase and edit add up to 1 at most")
    return dict(sorted(full.items()))


def parse_shares(given: list[str] | None) -> dict[str, float] | None:
    """Return the shares named as `TASK[:EDIT_TYPE]=NUMBER`, None where there are none.

    Raises:
        UsageError: an entry is not of that form.
    """
    if not given:
        return None
    shares = {}
    for entry in given:
        name, equals, number = entry.partition("=")
        try:
            shares[name] = float(number)
        except ValueError as error:
            raise UsageError(f"--share {entry}: not TASK=NUMBER", "write --share paraphrase=0.5") from error
        if not equals:
            raise UsageError(f"--share {entry}: not TASK=NUMBER", "write --share paraphrase=0.5")
    return shares


def read_rewrite_recipe(path: str | Path, values: Any) -> dict[str, Any]:
    """Return the values under the key `rewrite` of a recipe.

    Raises:
        UsageError: it is no mapping, or holds an unknown key.
    """
    known = [entry.name for entry in fields(RewriteOptions)]
    if not isinstance(values, dict):
        raise UsageError(f"{path}: rewrite is {values!r}, no mapping", "see docs/rewriting.md")
    for key in values:
        if key not in known:
            raise UsageError(f"{path}: unknown key {key!r} under rewrite", f"keys: {', '.join(known)}")
    return dict(values)


def merge_rewrite(recipe: Mapping[str, Any], given: Mapping[str, Any]) -> RewriteOptions | None:
    """Return the options by precedence: defaults, recipe, command line; None where no rewriter is named."""
    values = {**recipe, **{name: value for name, value in given.items() if value is not None}}
    if values.get("rewriter", "none") == "none":
        if given.get("model") or given.get("endpoint"):
            raise UsageError("a model is named and no rewriter", "give --rewriter vllm or --rewriter endpoint")
        return None
    return RewriteOptions(**values)


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name}: no {value!r}", f"choices: {', '.join(choices)}")


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or any(character < " " for character in value):
        raise UsageError(f"{name}: {value!r} is no text of one line", f"write {name}: TEXT")


def _is_address(text: str) -> bool:
    """Tell whether a text is the address of a server, its port included."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable() and " " not in text
    except ValueError:
        return False


def _check_number(name: str, value: Any, kind: Any, bounds: tuple[float, float]) -> None:
    least, most = bounds
    # Not a number (nan) is in no order with any, so it is not between them.
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
        what = "whole number" if kind is int else "number"
        raise UsageError(f"{name}: {value!r} is not a {what} from {least:.15g} to {most:.15g}", f"try {name.replace('_', '-')} 1")
