"""Triplets in memory, for notebooks and other programs: nothing is written."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tripletgen.captions.clean import clean_caption
from tripletgen.captions.partition import iter_clean
from tripletgen.captions.sources import UNKNOWN_LICENCE, expand_sources
from tripletgen.depiction import depicts, may_depict
from tripletgen.lexicon import load_lexicon
from tripletgen.options import BuildOptions
from tripletgen.parsing import parse
from tripletgen.retag import mend_parse
from tripletgen.schema import EDIT_TYPES, Caption, Triplet, group_id_of
from tripletgen.stats import embedded_stats
from tripletgen.tasks import EditTask
from tripletgen.units import triplets_of


def propose(
    captions: Iterable[str],
    *,
    seed: int = 0,
    max_per_caption: int = BuildOptions.max_per_caption,
    edit_types: Iterable[str] = tuple(EDIT_TYPES),
) -> list[Triplet]:
    """Return triplets of captions, with the evidence of the embedded captions alone.

    Captions that cleaning drops, or that no rule can edit, give none. Equal arguments give equal triplets.

    Raises:
        UsageError: an edit type is unknown, or a number is out of range.
    """
    options = BuildOptions("-", seed=seed, max_per_caption=max_per_caption, edit_types=tuple(edit_types))
    cleaned = (clean_caption(text) for text in captions)
    kept = (Caption(text, "memory", str(k), UNKNOWN_LICENCE, group_id_of(text)) for k, (text, no) in enumerate(cleaned) if no is None)
    return list(_triplets(kept, options))


def preview(options: BuildOptions) -> Iterator[Triplet]:
    """Yield the triplets of the first captions of the sources.

    Raises:
        SourceError: a source cannot be read.
    """
    captions = iter_clean(expand_sources(options.sources), options.limit, lambda _: None, Counter())
    yield from _triplets(captions, options)


def _triplets(captions: Iterable[Caption], options: BuildOptions) -> Iterator[Triplet]:
    task = EditTask("", 0, "", options.seed, options.max_per_caption, options.edit_types, 0.0, decontaminate=False, keep_rejects=False)
    stats = embedded_stats()
    lexicon = load_lexicon()
    for raw in parse(caption for caption in captions if may_depict(caption.text)):
        parsed = mend_parse(raw, lexicon)
        if depicts(parsed):
            yield from triplets_of(parsed, stats, task, None, Counter(), [])
