"""Tell a caption that describes a picture from a headline, an advertisement, a question or a story.

Web captions are often none of a picture; an edit of such a text is no composed query. The signs are words that speak to the
reader or about the writer, orders, questions and the punctuation of titles: most are seen without a parse, which spares it.
"""

import re

from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import verb_lemma
from tripletgen.parsing import ParsedCaption

_TALK = words("depiction", "talk") | words("depiction", "persons")
_WORD = re.compile(r"[a-z']+")
# Contractions, the punctuation of titles, and lists of people.
_SIGN = re.compile(
    r"n't\b|'(?:ll|ve|re|d)\b|!(?=.)|[?:|~$@*=/<>;]|\.\.|--|\d+ (?:of|out)\b|^(?:image|photo|picture)s? (?!of\b)|"
    r"\bperson,? (?:and )?person,|\b(?:at|of|by|with|from) person [a-z]+ (?:up|shop|store|house|home)"
)
_UNSEEN_TAGS = frozenset(("MD", "UH", "LS", "SYM"))
# What follows a word that was taken for an order and is a noun: "deck chairs", "lock on a door".
_AFTER_NOUN = frozenset(("NN", "NNS"))
_AFTER_NOUN_WORDS = frozenset(("on", "in", "with", "of", "during", "near", "by", "after", "from", "under"))
# Verbs of which no picture is taken: what is known, owned, caused, or true for years.
_UNSEEN_VERBS = words("depiction", "unseen_verbs")
_NOT_PLACES = words("depiction", "not_places")
_BE = frozenset(("is", "are", "was", "were", "be", "been", "'s", "'re"))
_HAVE = frozenset(("has", "have", "had", "'ve"))
_OPENING_TAGS = frozenset(("CC", "TO", "WRB"))
_OPENERS = frozenset(
    ("as", "because", "if", "although", "though", "since", "before", "after", "that", "whether", "so", "for", "like", "with", "of")
)
_FINITE = frozenset(("VBZ", "VBP", "VBD"))
_MAX_FINITE = 3
_OPEN_TAGS = frozenset(("DT", "CC", "TO", "PRP$", "IN", "WDT", "WP"))
_OPEN_WORDS = frozenset(("held", "located", "called", "titled", "named", "not", "near", "was", "were", "leading", "headed"))
# A keyword list: so many nouns and adjectives in a row are no phrase.
_MAX_RUN = 6
_NOMINAL_TAGS = frozenset(("NN", "NNS", "JJ", "NNP"))


def may_depict(text: str) -> bool:
    """Tell whether the words and signs of a text leave it possible that it describes a picture."""
    lowered = text.lower()
    return _TALK.isdisjoint(_WORD.findall(lowered)) and not _SIGN.search(lowered)


def depicts(parsed: ParsedCaption) -> bool:
    """Tell whether a caption that `may_depict` describes a picture: no order, question or statement, none cut off or misparsed."""
    return not (_is_talk(parsed) or _is_statement(parsed) or _is_cut_off(parsed)) and _is_phrased(parsed)


def _is_talk(parsed: ParsedCaption) -> bool:
    """Tell whether a caption begins as an order, a question or half a sentence, or speaks of what might be."""
    tags, lowers = parsed.tags, parsed.lowers
    # A bare verb at the beginning gives an order; before a noun it is a noun itself ("deck chairs").
    if tags[0] == "VB" and tags[1] not in _AFTER_NOUN and lowers[1] not in _AFTER_NOUN_WORDS:
        return True
    if tags[0] in _OPENING_TAGS or (tags[0] == "IN" and lowers[0] in _OPENERS):
        return True
    return any(tag in _UNSEEN_TAGS and word != "can" for tag, word in zip(tags, lowers, strict=True))


def _is_statement(parsed: ParsedCaption) -> bool:
    """Tell whether a caption tells what is or has been instead of what is seen: "bread is a must"; "there is a dog" shows."""
    lowers, root = parsed.lowers, parsed.deps.index("ROOT")
    if lowers[root] in _BE and "there" not in lowers[:root] and not _says_where(parsed, root):
        return True
    if parsed.tags[root] in _FINITE and verb_lemma(lowers[root]) in _UNSEEN_VERBS:
        return True
    if sum(tag in _FINITE for tag in parsed.tags) > _MAX_FINITE:
        return True
    return any(dep == "aux" and word in _HAVE for dep, word in zip(parsed.deps, lowers, strict=True))


def _is_cut_off(parsed: ParsedCaption) -> bool:
    """Tell whether a caption ends in a word that asks for another: a name was taken out of it, or it was cut."""
    last = len(parsed) - 1
    while last > 0 and parsed.tags[last] in (".", ","):
        last -= 1
    return parsed.tags[last] in _OPEN_TAGS or parsed.lowers[last] in _OPEN_WORDS


def _says_where(parsed: ParsedCaption, verb: int) -> bool:
    """Tell whether a form of "be" has a place and nothing else: "the dog is on the sofa"."""
    below = {parsed.deps[token] for token, head in enumerate(parsed.heads) if head == verb and parsed.lowers[token] not in _NOT_PLACES}
    return "prep" in below and below.isdisjoint(("attr", "acomp", "ccomp", "xcomp", "expl"))


def _is_phrased(parsed: ParsedCaption) -> bool:
    """Tell whether nothing in the parse is impossible: no long run of nouns, no article before a plural."""
    run = 0
    for token, tag in enumerate(parsed.tags):
        run = run + 1 if tag in _NOMINAL_TAGS else 0
        if run > _MAX_RUN or (tag == "DT" and parsed.lowers[token] in ("a", "an") and parsed.tags[parsed.heads[token]] == "NNS"):
            return False
    return True
