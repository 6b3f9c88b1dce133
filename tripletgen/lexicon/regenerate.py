"""Compute the files of the lexicon that follow from the others: `python -m tripletgen.lexicon.regenerate` (`make lexicon`).

`plurals.yaml` holds the plural of every countable noun, `seen.json` what was seen with what in the embedded captions,
and what `common.yaml` adds.
"""

from collections import Counter
from pathlib import Path

import yaml

from tripletgen.assets import read_yaml
from tripletgen.lexicon.inflection import inflect_plural

WEIGHT = 2


def plurals() -> dict[str, str]:
    """Return the plural of every countable noun of `nouns.yaml`."""
    lemmas = [lemma for entry in read_yaml("lexicon/nouns.yaml").values() for lemma in entry.get("nouns") or ()]
    return {lemma: inflect_plural(lemma) for lemma in sorted(lemmas)}


def seen() -> str:
    """Return the counts of the embedded captions and of `common.yaml` as JSON."""
    from tripletgen.captions.partition import iter_clean
    from tripletgen.captions.sources import EMBEDDED, SourceSpec, expand_sources
    from tripletgen.lexicon import load_lexicon
    from tripletgen.parsing import parse
    from tripletgen.retag import mend_parse
    from tripletgen.stats import count_corpus

    captions = iter_clean(expand_sources([SourceSpec(EMBEDDED)]), None, lambda _: None, Counter())
    lexicon = load_lexicon()
    stats = count_corpus((mend_parse(parsed, lexicon) for parsed in parse(captions)), lexicon)
    for slot, nouns in read_yaml("lexicon/common.yaml").items():
        counts = stats.slots.setdefault(slot, {})
        for noun in nouns:
            counts[lexicon.forms[noun][0].lemma] = counts.get(noun, 0) + WEIGHT
    return stats.to_json() + "\n"


if __name__ == "__main__":
    folder = Path(__file__).parent
    text = yaml.safe_dump(plurals(), allow_unicode=True, width=120)
    (folder / "plurals.yaml").write_text(text, encoding="utf-8", newline="\n")
    (folder / "seen.json").write_text(seen(), encoding="utf-8", newline="\n")
