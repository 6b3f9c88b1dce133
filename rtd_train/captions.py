"""Captions for training phi, with their noun phrases masked: the only door to tripletgen's readers and parser."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rtd_train.errors import DataError
from rtd_train.templates import PHOTO, PLACEHOLDER

if TYPE_CHECKING:
    from tripletgen.schema import Caption

# Penn tags of the universal DET, ADJ, NOUN and PROPN, which LinCIR masks.
_MASKED_TAGS = frozenset(("DT", "PDT", "JJ", "JJR", "JJS", "AFX", "NN", "NNS", "NNP", "NNPS"))


class MaskedCaption(NamedTuple):
    """A caption, and the same with the placeholder for every run of determiners, adjectives and nouns."""

    text: str
    masked: str


def iter_captions(sources: Iterable[str], limit: int | None = None) -> Iterator[str]:
    """Yield the distinct captions of sources: files, folders, globs, Hub names, data sets of tripletgen.

    Raises:
        DataError: a source cannot be read.
    """
    return (caption.text for caption in _distinct(sources, limit))


def mask_captions(texts: Iterable[str]) -> Iterator[MaskedCaption]:
    """Yield captions with their noun phrases masked."""
    from tripletgen.parsing import parse
    from tripletgen.schema import Caption

    for parsed in parse(Caption(text, "", "", "", 0) for text in texts):
        spans = [(parsed.starts[k], parsed.ends[k]) for k, tag in enumerate(parsed.tags) if tag in _MASKED_TAGS]
        yield MaskedCaption(parsed.text, mask(parsed.text, spans))


def parser_version() -> str:
    """Return the name and version of the model that tells where noun phrases are."""
    from tripletgen.parsing import model_version

    return model_version()


def mask(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text with one placeholder for each run of character spans; without any, the plain prompt (LinCIR).

    Spaces go around a placeholder, for "$'s" would be one word to the tokenizer.
    """
    parts, last = [], -1
    for start, end in spans:
        if last < 0 or text[last:start].strip():
            parts += [text[max(last, 0) : start], f" {PLACEHOLDER} "]
        last = end
    if not parts:
        return PHOTO
    return " ".join("".join([*parts, text[last:]]).split())


def _distinct(sources: Iterable[str], limit: int | None) -> Iterator["Caption"]:
    from tripletgen.captions.partition import iter_clean
    from tripletgen.captions.sources import SourceSpec, expand_sources
    from tripletgen.errors import TripletgenError
    from tripletgen.schema import Caption

    seen: set[int] = set()
    folders = [source for source in sources if (Path(source) / "manifest.json").is_file()]
    others = [SourceSpec(source) for source in sources if source not in folders]
    try:
        for folder in folders:
            for group, text in _references(folder):
                if group not in seen and (limit is None or len(seen) < limit):
                    seen.add(group)
                    yield Caption(text, folder, "", "", group)
        left = None if limit is None else limit - len(seen)
        if others and left != 0:
            for caption in iter_clean(expand_sources(others), left, lambda _: None, Counter()):
                if caption.group_id not in seen:
                    seen.add(caption.group_id)
                    yield caption
    except TripletgenError as error:
        raise DataError(error.message, error.hint) from error


def _references(folder: str) -> Iterator[tuple[int, str]]:
    """Yield group and reference caption of the rows of a data set's training split."""
    import pyarrow.parquet as pq

    for shard in sorted((Path(folder) / "data").glob("train-*.parquet")):
        for batch in pq.ParquetFile(shard).iter_batches(columns=["group_id", "reference_caption"]):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
