"""Keep the texts of benchmarks out of a data set: exact matches after normalisation, and shared runs of eight words."""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from tripletgen.captions.readers import READERS, files_below
from tripletgen.captions.sources import Source, SourceSpec, expand_sources, read_source
from tripletgen.errors import SourceError
from tripletgen.schema import normalise

NGRAM = 8


def benchmark_files(path: str) -> list[str]:
    """Return a benchmark file itself, or every file of a benchmark folder of a kind that is read: pictures often lie beside them.

    Raises:
        SourceError: there is no such file or folder, or the folder holds nothing that is read.
    """
    if not Path(path).exists():
        raise SourceError(f"{path}: no such file to decontaminate against", "name a benchmark's annotation file or folder")
    files = [path] if Path(path).is_file() else files_below(path)
    if not files:
        raise SourceError(f"{path}: the folder holds no annotations", f"kinds read: {' '.join(READERS)}, also .gz/.zst")
    return files


def iter_benchmark_texts(path: str) -> Iterator[str]:
    """Yield every text of a benchmark file or folder.

    A JSON file may have any shape: every string in it that holds a space counts as a text, which takes in the annotations of
    FashionIQ, CIRR, CIRCO and GeneCIS and leaves image names out. Other files are read as caption sources.

    Raises:
        SourceError: the file is missing or cannot be read.
    """
    for file in benchmark_files(path):
        if file.endswith(".json"):
            try:
                yield from _strings(json.loads(Path(file).read_text(encoding="utf-8")))
            except ValueError as error:
                raise SourceError(f"{file}: not valid JSON ({error})", "get the file again") from error
        else:
            for source in expand_sources([SourceSpec(file)]):
                yield from _texts_of(source)


def _texts_of(source: Source) -> Iterator[str]:
    return (text for _, text in read_source(source) if text)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if " " in value.strip():
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


class BenchmarkIndex:
    """Hashes of benchmark texts and of their 8-grams; answers whether a text leaks one."""

    def __init__(self, exact: Iterable[int], ngrams: Iterable[int]) -> None:
        self._exact = frozenset(exact)
        self._ngrams = frozenset(ngrams)

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "BenchmarkIndex":
        """Return the index of texts."""
        exact: set[int] = set()
        ngrams: set[int] = set()
        for text in texts:
            words = normalise(text)
            exact.add(_hash(words))
            ngrams.update(_ngram_hashes(words.split(" ")))
        return cls(exact, ngrams)

    def __len__(self) -> int:
        """Return the number of distinct texts."""
        return len(self._exact)

    def leaks(self, text: str) -> bool:
        """Tell whether a text equals an indexed one, or shares eight words in a row with one."""
        words = normalise(text)
        if _hash(words) in self._exact:
            return True
        return any(gram in self._ngrams for gram in _ngram_hashes(words.split(" ")))

    def save(self, path: Path) -> None:
        """Write the index, as sorted hashes, to a file that equal texts make equal."""
        path.write_bytes(self._packed)

    def describe(self) -> dict[str, Any]:
        """Return what a manifest says of it: how many texts there are, and the SHA-256 of the file that `save` writes."""
        return {"texts": len(self), "sha256": hashlib.sha256(self._packed).hexdigest()}

    @cached_property
    def _packed(self) -> bytes:
        file = io.BytesIO()
        np.savez(file, exact=np.array(sorted(self._exact), np.uint64), ngrams=np.array(sorted(self._ngrams), np.uint64))
        return file.getvalue()

    @classmethod
    def from_paths(cls, paths: Iterable[str]) -> "BenchmarkIndex":
        """Return the index of the texts of benchmark files and folders.

        Raises:
            SourceError: one is missing or cannot be read.
        """
        return cls.from_texts(text for path in paths for text in iter_benchmark_texts(path))

    @classmethod
    def load(cls, path: Path) -> "BenchmarkIndex":
        """Return the index that `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["exact"].tolist(), arrays["ngrams"].tolist())


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())


def _ngram_hashes(words: list[str]) -> Iterator[int]:
    return (_hash(" ".join(words[i : i + NGRAM])) for i in range(len(words) - NGRAM + 1))
