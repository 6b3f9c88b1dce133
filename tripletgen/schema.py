"""The one record that flows through the pipeline, the names of its columns, and the hashes that identify it.

This is the only home of these names; it imports nobody of this package.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa
import xxhash

SCHEMA_VERSION = 1

EDIT_TYPES: dict[str, str] = {
    "replace_object": "direct_addressing",
    "change_attribute": "compare_change",
    "compare_attribute": "comparative_statement",
    "change_count": "cardinality",
    "add_object": "addition",
    "remove_object": "negation",
    "change_relation": "spatial_relations_background",
    "change_scene": "spatial_relations_background",
    "change_action": "direct_addressing",
    "change_viewpoint": "viewpoint",
    "combine": "statement_with_conjunction",
}
"""Every edit type with the semantic aspect of CIRCO that it trains."""

PHRASINGS = ("imperative", "predicate", "relative", "attributes")
ORIGINS = ("rule", "pair", "llm")
SPLITS = ("train", "validation")


class Caption(NamedTuple):
    """A cleaned caption with its provenance."""

    text: str
    source: str
    source_id: str
    licence: str
    group_id: int


class Triplet(NamedTuple):
    """A text triplet: the row that a build writes. Field order is column order."""

    triplet_id: str
    reference_caption: str
    modification_text: str
    target_caption: str
    origin: str
    edit_type: str
    phrasing: str
    source_phrase: str | None
    target_phrase: str | None
    generator: str
    source: str
    source_id: str
    licence: str
    group_id: int


_DICTIONARY = pa.dictionary(pa.int32(), pa.string())

ARROW_SCHEMA = pa.schema(
    [
        pa.field("triplet_id", pa.string(), nullable=False),
        pa.field("reference_caption", pa.string(), nullable=False),
        pa.field("modification_text", pa.string(), nullable=False),
        pa.field("target_caption", pa.string(), nullable=False),
        pa.field("origin", _DICTIONARY, nullable=False),
        pa.field("edit_type", _DICTIONARY, nullable=False),
        pa.field("phrasing", _DICTIONARY, nullable=False),
        pa.field("source_phrase", pa.string()),
        pa.field("target_phrase", pa.string()),
        pa.field("generator", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("group_id", pa.uint64(), nullable=False),
    ]
)

COUNTED = ("edit_type", "phrasing", "origin", "licence", "source")
"""Columns whose values are counted, in the manifest and on the card."""

Reject = tuple[str, str, str, str | None, str | None, str, str]
"""What is kept of a caption or candidate that became no triplet, as `REJECT_SCHEMA` names its columns."""

REJECT_SCHEMA = pa.schema(
    [
        pa.field("stage", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("modification_text", pa.string()),
        pa.field("target_caption", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
    ]
)

_NOT_WORD = re.compile(r"[\W_]+")
_ASCII_NOT_WORD = {code: " " for code in range(128) if not chr(code).isalnum()}


@lru_cache(maxsize=1024)
def normalise(text: str) -> str:
    """Return the words of a text in lower case, separated by one space: what two equal texts have in common.

    The last answers are kept, for filters and hashes ask about the same few texts again and again.
    """
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII_NOT_WORD).split())
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def group_id_of(reference_caption: str) -> int:
    """Return the 64-bit hash of the normalised reference caption; equal captions fall into one group."""
    return xxhash.xxh3_64_intdigest(normalise(reference_caption).encode())


def triplet_id_of(reference_caption: str, modification_text: str, target_caption: str) -> str:
    """Return 32 hex digits: the 128-bit hash of the three normalised texts."""
    texts = (normalise(reference_caption), normalise(modification_text), normalise(target_caption))
    return xxhash.xxh3_128_hexdigest("\x1f".join(texts).encode())


def is_validation(group_id: int, fraction: float) -> bool:
    """Tell whether a group belongs to the validation split: the topmost `fraction` of the hash range."""
    return group_id >= validation_start(fraction)


def validation_start(fraction: float) -> int:
    """Return the first group id of the validation split; 2**64 when there is none."""
    return 2**64 - round(fraction * 2**64)
