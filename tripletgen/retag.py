"""Mend parses that the words themselves prove wrong.

The tagger knows newspapers, not captions: of "a skateboarder listens to music" it makes a plural noun, `listens`, with an article
that no plural takes. The article is the proof, and the lexicon knows the skateboarder.
"""

from functools import cache

from tripletgen.assets import read_yaml
from tripletgen.lexicon import Lexicon
from tripletgen.lexicon.inflection import verb_form, verb_lemma
from tripletgen.parsing import ParsedCaption

_LOOSE = frozenset(("dep", "appos", "nmod", "npadvmod"))
_DOERS = ("person", "group", "animal")
_NOMINAL_DEPS = frozenset(("ROOT", "nsubj", "nsubjpass", "dobj", "pobj"))


def mend_parse(parsed: ParsedCaption, lexicon: Lexicon) -> ParsedCaption:
    """Return the parse with verbs for impossible plurals, nouns for impossible adjectives and orders; lists change in place."""
    root = parsed.deps.index("ROOT")
    if parsed.tags[root] == "NNS":
        _mend_verb(parsed, root, lexicon)
    if root == 0 and parsed.tags[0] in ("VB", "VBP") and _is_no_order(parsed, lexicon):
        parsed.tags[0] = "NN"
    for token, tag in enumerate(parsed.tags):
        if tag in ("NNP", "NNPS"):
            _mend_name(parsed, token, lexicon)
        if tag == "NN" and token and parsed.lowers[token].endswith("ing") and _is_doing(parsed, token, lexicon):
            _mend_participle(parsed, token)
        if tag == "JJ" and parsed.deps[token] in _NOMINAL_DEPS and _is_singular(parsed, token, lexicon):
            parsed.tags[token] = "NN"
    return parsed


def _is_no_order(parsed: ParsedCaption, lexicon: Lexicon) -> bool:
    """Tell whether the first word is a noun though it was taken for an order: "frog in a dark forest", "close-up shot of"."""
    if parsed.lowers[0] == "close":
        return parsed.lowers[1:2] in (["-"], ["up"])
    return parsed.tags[1:2] in (["IN"], ["VBN"], ["VBG"]) and _is_singular(parsed, 0, lexicon)


def _is_singular(parsed: ParsedCaption, token: int, lexicon: Lexicon) -> bool:
    found = lexicon.noun(parsed.lowers[token])
    return found is not None and not found[1]


def _mend_name(parsed: ParsedCaption, token: int, lexicon: Lexicon) -> None:
    """Make a noun or an adjective of a word that was taken for a name and is none: it is spelt small, and the lexicon knows it."""
    word = parsed.lowers[token]
    if parsed.span(token, token) != word:
        return
    if parsed.deps[token] == "compound" and word in lexicon.groups_of:
        parsed.tags[token], parsed.deps[token] = "JJ", "amod"
    elif word in lexicon.forms:
        parsed.tags[token] = "NNS" if lexicon.forms[word][1] else "NN"


def _is_doing(parsed: ParsedCaption, token: int, lexicon: Lexicon) -> bool:
    """Tell whether a noun in -ing is what the noun before it does: "a parrot sitting in a cage"."""
    before = token - 1
    found = lexicon.noun(parsed.lowers[before])
    doer = found is not None and found[0].kind in _DOERS and (parsed.deps[before], parsed.heads[before]) == ("compound", token)
    follows = parsed.tags[token + 1 : token + 2] in (["IN"], ["DT"], ["PRP$"], ["RB"], ["RP"])
    return doer and follows and verb_lemma(parsed.lowers[token]) in _actions()


@cache
def _actions() -> frozenset[str]:
    return frozenset(verb for entry in read_yaml("lexicon/actions.yaml").values() for verb in entry["verbs"])


def _mend_participle(parsed: ParsedCaption, token: int) -> None:
    """Make a participle of a noun in -ing, and give what was said of it to the noun before it."""
    doer = token - 1
    for other in range(doer):
        if parsed.heads[other] == token:
            parsed.heads[other] = doer
    parsed.deps[doer] = parsed.deps[token]
    parsed.heads[doer] = doer if parsed.heads[token] == token else parsed.heads[token]
    parsed.tags[token], parsed.deps[token], parsed.heads[token] = "VBG", "acl", doer


def _mend_verb(parsed: ParsedCaption, root: int, lexicon: Lexicon) -> None:
    """Make a verb of a plural root that is one by its form, and its subject of the singular noun before it.

    The proof is an article ("a lemon splashes"), or a person or animal before a plural that names no thing ("pop artist greets").
    """
    subject, word = root - 1, parsed.lowers[root]
    if subject < 0 or not _is_singular(parsed, subject, lexicon):
        return
    has_article = any(parsed.lowers[token] in ("a", "an") and parsed.heads[token] == root for token in range(subject))
    noun = lexicon.forms[parsed.lowers[subject]][0]
    if not has_article and (noun.kind not in ("person", "animal") or word in lexicon.forms):
        return
    lemma = verb_lemma(word)
    if lemma == word or verb_form(lemma, "VBZ") != word:
        return
    parsed.tags[root], parsed.tags[subject] = "VBZ", "NN"
    parsed.deps[subject], parsed.heads[subject] = "nsubj", root
    for token in range(subject):
        if parsed.heads[token] == root:
            parsed.heads[token] = subject
    for token in range(root + 1, len(parsed)):
        if parsed.heads[token] == root and parsed.tags[token].startswith("NN") and parsed.deps[token] in _LOOSE:
            parsed.deps[token] = "dobj"
            return
