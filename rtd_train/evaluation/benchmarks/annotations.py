"""Read the annotation files of benchmarks: every fault names the file, and where to get the right one."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtd_train.errors import DataError
from rtd_train.evaluation.metrics import NO_ID, IntArray

Shape = Callable[[Any], bool]
"""Tells whether a field of a query is what the annotations say it is."""


def find_file(root: Path, names: Sequence[str], where: str) -> Path:
    """Return the first of some files that is there.

    Raises:
        DataError: none is.
    """
    for name in names:
        if (root / name).is_file():
            return root / name
    raise DataError(f"{root / names[0]}: no such file", where)


def read_json(path: Path, kind: type, where: str) -> Any:
    """Return the content of a JSON file whose top level must be of a kind.

    Raises:
        DataError: it is no JSON, or of another shape.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}", where) from error
    if not isinstance(content, kind) or not content:
        raise DataError(f"{path}: expected a filled {kind.__name__}, found {type(content).__name__} of {len(content or ())}", where)
    return content


def read_queries(path: Path, shapes: Mapping[str, Shape], where: str) -> list[dict[str, Any]]:
    """Return the queries of an annotation file, each of which must have some fields of some shapes.

    Raises:
        DataError: it is no list of queries, or of another version of the annotations.
    """
    queries: list[dict[str, Any]] = read_json(path, list, where)
    for number, query in enumerate(queries):
        missing = shapes.keys() - query.keys() if isinstance(query, Mapping) else shapes.keys()
        if missing:
            raise DataError(f"{path}: query {number} has no {', '.join(sorted(missing))}: annotations of another version", where)
        wrong = next((field for field, fits in shapes.items() if not fits(query[field])), None)
        if wrong is not None:
            shown = f"{query[wrong]!r}"[:80]
            raise DataError(f"{path}: query {number} has the {wrong} {shown}: annotations of another version", where)
    return queries


def is_text(value: Any) -> bool:
    """Tell whether a value is a text."""
    return isinstance(value, str)


def is_id(value: Any) -> bool:
    """Tell whether a value can be an id: of a query or an image, a number or a text."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def are_ids(value: Any) -> bool:
    """Tell whether a value is a list of one id or more."""
    return isinstance(value, list) and bool(value) and all(map(is_id, value))


def distinct_ids(queries: Sequence[Mapping[str, Any]], field: str, path: Path, where: str) -> tuple[str, ...]:
    """Return the ids of queries.

    Raises:
        DataError: one stands twice: its answers could not be told apart.
    """
    ids = [str(query[field]) for query in queries]
    twice = next((name for name, count in Counter(ids).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{path}: the {field} {twice} stands twice", where)
    return tuple(ids)


def check_galleries(galleries: Sequence[Sequence[str]], k: int, path: Path, where: str) -> None:
    """Raise a DataError unless every query's own gallery holds k images."""
    for number, gallery in enumerate(galleries):
        if len(gallery) < k:
            raise DataError(f"{path}: query {number}: a gallery of {len(gallery)} images is smaller than k = {k}", where)


class Images:
    """Number image ids in the order in which they are first named; those of the gallery come first."""

    def __init__(self, gallery: Iterable[str]) -> None:
        self.names = list(dict.fromkeys(gallery))
        self.gallery_size = len(self.names)
        self._index = {name: index for index, name in enumerate(self.names)}

    def add(self, names: Iterable[str]) -> IntArray:
        """Return the indices of names, numbering new ones after the gallery."""
        for name in names:
            if name not in self._index:
                self._index[name] = len(self.names)
                self.names.append(name)
        return self.index(names)

    def index(self, names: Iterable[str]) -> IntArray:
        """Return the indices of names that have one."""
        return np.array([self._index[name] for name in names], dtype=np.int64)

    def rows(self, rows: Sequence[Sequence[str]]) -> IntArray:
        """Return rows of indices, filled with `NO_ID` to the length of the longest."""
        table = np.full((len(rows), max(map(len, rows))), NO_ID, dtype=np.int64)
        for number, row in enumerate(rows):
            table[number, : len(row)] = self.index(row)
        return table

    def check(self, names: Iterable[str], path: Path, where: str) -> None:
        """Raise a DataError unless every name is in the gallery."""
        for name in names:
            if self._index.get(name, self.gallery_size) >= self.gallery_size:
                raise DataError(f"{path}: image {name!r} is not in the gallery: annotations and gallery of different versions", where)
