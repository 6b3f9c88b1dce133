"""Mend parses that the words themselves prove wrong.

The tagger knows newspapers, not captions: of "a skateboarder listens to music" it makes a plural noun, `listens`, with an article
that no plural takes. The article is the proof, and the lexicon knows the skateboarder.
"""

from tripletgen.lexicon import Lexicon
from tripletgen.lexicon.inflection import verb_form, verb_lemma
from tripletgen.parsing import ParsedCaption

_LOOSE = frozenset(("dep", "appos", "nmod", "npadvmod"))
_NOMINAL_DEPS = frozenset(("ROOT", "nsubj", "nsubjpass", "dobj", "pobj"))


def mend_parse(parsed: ParsedCaption, lexicon: Lexicon) -> ParsedCaption:
    """Return the parse with verbs for impossible plurals, and nouns for adjectives that stand where only nouns do; the lists change in place."""
    for token, tag in enumerate(parsed.tags):
        if tag == "DT" and parsed.lowers[token] in ("a", "an") and parsed.tags[parsed.heads[token]] == "NNS":
            _mend_verb(parsed, token, parsed.heads[token], lexicon)
        elif tag == "JJ" and parsed.deps[token] in _NOMINAL_DEPS and _is_singular(parsed, token, lexicon):
            parsed.tags[token] = "NN"
    return parsed


def _is_singular(parsed: ParsedCaption, token: int, lexicon: Lexicon) -> bool:
    found = lexicon.noun(parsed.lowers[token])
    return found is not None and not found[1]


def _mend_verb(parsed: ParsedCaption, article: int, head: int, lexicon: Lexicon) -> None:
    """Make a verb of the plural and its subject of the noun before it."""
    subject, word = head - 1, parsed.lowers[head]
    if subject <= article or parsed.deps[head] != "ROOT" or not _is_singular(parsed, subject, lexicon):
        return
    lemma = verb_lemma(word)
    if lemma == word or verb_form(lemma, "VBZ") != word:
        return
    parsed.tags[head], parsed.tags[subject] = "VBZ", "NN"
    parsed.deps[subject] = "nsubj"
    for token in range(article, subject):
        if parsed.heads[token] == head:
            parsed.heads[token] = subject
    following = (token for token in range(head + 1, len(parsed)) if parsed.heads[token] == head)
    for token in following:
        if parsed.tags[token].startswith("NN") and parsed.deps[token] in _LOOSE:
            parsed.deps[token] = "dobj"
            return
