"""Count what was seen with what in a corpus: the evidence for what a rule may propose.

Counts are merged from units in any order with the same result. They are kept for words of the lexicon only, so their size
is bounded by the lexicon and not by the corpus.
"""

import json
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

from tripletgen.assets import asset
from tripletgen.lexicon import Lexicon
from tripletgen.parsing import ParsedCaption
from tripletgen.phrases import iter_slots, noun_phrases

SEEN_FILE = "lexicon/seen.json"


class CorpusStats:
    """How often each noun was seen, in which slots, and together with which other nouns."""

    def __init__(self) -> None:
        self.num_captions = 0
        self.nouns: dict[str, int] = {}
        self.slots: dict[str, dict[str, int]] = {}
        self.together: dict[str, dict[str, int]] = {}

    def add(self, parsed: ParsedCaption, lexicon: Lexicon) -> None:
        """Count the nouns of one caption."""
        self.num_captions += 1
        lemmas = set()
        for phrase in noun_phrases(parsed, lexicon):
            if phrase.noun is None:
                continue
            lemma = phrase.noun.lemma
            lemmas.add(lemma)
            self.nouns[lemma] = self.nouns.get(lemma, 0) + 1
            for relation, word in iter_slots(parsed, phrase):
                slot = self.slots.setdefault(f"{relation}:{word}", {})
                slot[lemma] = slot.get(lemma, 0) + 1
        for one, other in permutations(lemmas, 2):
            row = self.together.setdefault(one, {})
            row[other] = row.get(other, 0) + 1

    def merge(self, other: "CorpusStats") -> None:
        """Add the counts of another part of the corpus."""
        self.num_captions += other.num_captions
        for lemma, count in other.nouns.items():
            self.nouns[lemma] = self.nouns.get(lemma, 0) + count
        for mine, theirs in ((self.slots, other.slots), (self.together, other.together)):
            for key, counts in theirs.items():
                row = mine.setdefault(key, {})
                for lemma, count in counts.items():
                    row[lemma] = row.get(lemma, 0) + count

    def seen(self, slot: str, lemma: str) -> int:
        """Return how often a noun was seen in a slot such as `dobj:ride`."""
        return self.slots.get(slot, {}).get(lemma, 0)

    def partners(self, lemma: str) -> dict[str, int]:
        """Return the nouns seen in one caption with a noun, and in how many captions."""
        return self.together.get(lemma, {})

    def to_json(self) -> str:
        """Return the counts as JSON with sorted keys: equal counts give equal bytes."""
        return json.dumps(self.__dict__, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "CorpusStats":
        """Return the counts that `to_json` wrote."""
        stats = cls()
        stats.__dict__.update(json.loads(text))
        return stats

    def pruned(self, minimum: int) -> "CorpusStats":
        """Return the counts without the pairs seen less than `minimum` times, so that chance and parse errors go."""
        kept = CorpusStats()
        kept.num_captions, kept.nouns = self.num_captions, self.nouns
        for mine, theirs in ((kept.slots, self.slots), (kept.together, self.together)):
            for key, counts in theirs.items():
                row = {lemma: count for lemma, count in counts.items() if count >= minimum}
                if row:
                    mine[key] = row
        return kept


def count_corpus(captions: Iterable[ParsedCaption], lexicon: Lexicon) -> CorpusStats:
    """Return the counts of parsed captions."""
    stats = CorpusStats()
    for parsed in captions:
        stats.add(parsed, lexicon)
    return stats


def embedded_stats() -> CorpusStats:
    """Return the counts of the embedded captions, which every build starts from: small corpora lean on them."""
    return CorpusStats.from_json(asset(SEEN_FILE).read_text(encoding="utf-8"))


def read_stats(path: Path) -> CorpusStats:
    """Return the counts stored in a file."""
    return CorpusStats.from_json(path.read_text(encoding="utf-8"))
