"""Compute the files of the lexicon that follow from the others: `python -m tripletgen.lexicon.regenerate` (`make lexicon`).

`plurals.json` holds the plural of every countable noun, `verbs.json` the verbs that lemminflect knows, and `seen.json` what was seen with
what in the embedded captions, and what `common.yaml` adds.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tripletgen.assets import read_yaml
from tripletgen.lexicon.inflection import PLURALS_FILE, TAGS, VERBS_FILE, regular_forms, verbs_of
from tripletgen.stats import SEEN_FILE

WEIGHT = 2
# Plurals in which captions differ from dictionaries.
_PLURALS = {
    "gentleman": "gentlemen",
    "person": "people",
    "passerby": "passersby",
    "fish": "fish",
    "aircraft": "aircraft",
    "moose": "moose",
    "bison": "bison",
}
# Verbs whose first forms in lemminflect are not the modern ones.
_VERBS = {"light": "lights lit lit lighting", "speed": "speeds sped sped speeding"}


@cache
def _engine() -> Any:
    import inflect

    return inflect.engine()


def inflect_plural(noun: str) -> str:
    """Return the plural of a singular noun, whose last word is its head (`fire truck` -> `fire trucks`)."""
    head = noun.rpartition(" ")[2]
    if head in _PLURALS:
        return noun.removesuffix(head) + _PLURALS[head]
    return str(_engine().plural_noun(noun))


def plurals() -> dict[str, str]:
    """Return the plural of every countable noun of `nouns.yaml`."""
    lemmas = [lemma for entry in read_yaml("lexicon/nouns.yaml").values() for lemma in entry.get("nouns") or ()]
    return {lemma: inflect_plural(lemma) for lemma in sorted(lemmas)}


def verbs() -> dict[str, Any]:
    """Return lemminflect's verbs as `inflection.verbs_of` reads them."""
    import lemminflect

    lemmas = [word for word in known_verbs("infl_lu.csv.gz") if word != "be"]
    forms = {lemma: _VERBS.get(lemma) or " ".join(_inflected(lemma, tag) for tag in TAGS) for lemma in lemmas}
    irregular = {lemma: told for lemma, told in forms.items() if told != " ".join(regular_forms(lemma))}
    regular = " ".join(lemma for lemma in lemmas if lemma not in irregular)
    rules = verbs_of(regular, irregular, {})
    told = {form: lemminflect.getLemma(form, "VERB")[0] for form in sorted(set(known_verbs("lemma_lu.csv.gz")))}
    odd = {form: lemma for form, lemma in told.items() if rules.lemma(form) != lemma}
    return {"regular": regular, "irregular": irregular, "lemmas": odd}


def _inflected(lemma: str, tag: str) -> str:
    """Return lemminflect's first form of a verb; it writes a few in two words ("over shoots")."""
    import lemminflect

    return str((lemminflect.getInflection(lemma, tag) or (lemma,))[0]).replace(" ", "")


def known_verbs(file: str) -> Iterator[str]:
    """Yield the verbs, or their forms, that a table of lemminflect holds."""
    import lemminflect

    with gzip.open(Path(lemminflect.__path__[0]) / "resources" / file, "rt", encoding="utf-8") as lines:
        for line in lines:
            word, part, _ = line.split(",", 2)
            if part == "verb" and word.isalpha() and word.islower():
                yield word


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


def _write(path: Path, table: dict[str, Any]) -> None:
    path.write_text(json.dumps(table, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    folder = Path(__file__).parents[1]
    _write(folder / PLURALS_FILE, plurals())
    _write(folder / VERBS_FILE, verbs())
    (folder / SEEN_FILE).write_text(seen(), encoding="utf-8", newline="\n")
