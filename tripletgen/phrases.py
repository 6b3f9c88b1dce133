"""Find the noun phrases of a parsed caption and look their nouns up in the lexicon."""

from collections.abc import Iterator
from typing import NamedTuple

from tripletgen.lexicon import MAX_NOUN_WORDS, Lexicon, Noun, words
from tripletgen.lexicon.inflection import verb_lemma
from tripletgen.parsing import ParsedCaption

_NOUN_TAGS = frozenset(("NN", "NNS"))
_ADJECTIVE_TAGS = frozenset(("JJ", "JJR", "JJS", "VBN", "VBG", "NN"))
# A word of these just before a phrase belongs to it in truth, whatever the parse says.
_CLINGING = frozenset(("POS", "HYPH", "RB", "RBR", "RBS", "NN", "NNS", "NNP", "NNPS", "JJ", "RP", "CD"))
_SUBJECTS = frozenset(("nsubj", "nsubjpass"))
# Two words that are one name, of which neither may change.
IDIOMS = words("phrases", "idioms")
ARTICLES = frozenset(("a", "an"))


class NounPhrase(NamedTuple):
    """A noun with what stands before it: indices of tokens, -1 for what is not there.

    `first` is the leftmost token, `name` the first token of the noun's own name (`fire` of `an old fire truck`), `head` its
    last; `adjectives` stand between determiner or number and name. `plain` says that nothing else stands there.
    """

    first: int
    name: int
    head: int
    determiner: int
    number: int
    adjectives: tuple[int, ...]
    noun: Noun | None
    is_plural: bool
    plain: bool


def noun_phrases(parsed: ParsedCaption, lexicon: Lexicon) -> list[NounPhrase]:
    """Return the noun phrases whose head is a common noun, from left to right."""
    found = []
    tags, deps, lowers = parsed.tags, parsed.deps, parsed.lowers
    last = len(tags) - 1
    for head, tag in enumerate(tags):
        if tag not in _NOUN_TAGS and not (tag == "NNP" and lowers[head] in lexicon.forms):
            continue
        if deps[head] == "compound" and parsed.heads[head] > head:
            continue
        if head < last and tags[head + 1] in ("HYPH", "POS", "NN", "NNS", "CD"):
            continue
        found.append(_phrase(parsed, lexicon, head))
    return found


def _phrase(parsed: ParsedCaption, lexicon: Lexicon, head: int) -> NounPhrase:
    tags, lowers = parsed.tags, parsed.lowers
    name, noun, is_plural = head, None, tags[head] == "NNS"
    for length in range(min(MAX_NOUN_WORDS, head + 1), 0, -1):
        entry = lexicon.noun(lowers[head] if length == 1 else " ".join(lowers[head - length + 1 : head + 1]))
        if entry is not None:
            name, (noun, form_is_plural) = head - length + 1, entry
            # Where singular and plural are spelt alike (sheep), the tagger decides.
            is_plural = is_plural if noun.plural == noun.lemma and noun.is_count else form_is_plural
            break
    if name > 0 and f"{lowers[name - 1]}_{lowers[name]}" in IDIOMS:
        noun = None
    if lowers[head + 1 : head + 2] == ["of"] and "_".join(lowers[head : head + 3]) in IDIOMS:
        noun = None
    token, plain, number = name - 1, True, -1
    adjectives: list[int] = []
    while token >= 0 and parsed.heads[token] > token and parsed.heads[token] <= head:
        tag = tags[token]
        if tag in ("DT", "PRP$", "WDT", "WP$", "PDT"):
            return NounPhrase(token, name, head, token, number, tuple(reversed(adjectives)), noun, is_plural, plain)
        if tag == "CD":
            number = token
        elif number < 0 and (tag in _ADJECTIVE_TAGS or (parsed.deps[token] == "amod" and lowers[token] in lexicon.groups_of)):
            adjectives.append(token)
        else:
            plain = False
        token -= 1
    first = token + 1
    if token >= 0 and tags[token] in _CLINGING:
        plain = False
    return NounPhrase(first, name, head, -1, number, tuple(reversed(adjectives)), noun, is_plural, plain)


def iter_slots(parsed: ParsedCaption, phrase: NounPhrase) -> Iterator[tuple[str, str]]:
    """Yield the places that a noun fills, as (relation, word): what it does, what is done to it, what it is in or on.

    `(nsubj, run)` for "a dog running", `(dobj, ride)` for "riding a horse", `(pobj, on)` for "on a table", `(amod, red)`.
    """
    head = phrase.head
    dep, governor = parsed.deps[head], parsed.heads[head]
    if dep in _SUBJECTS or dep == "dobj":
        yield ("dobj" if dep != "nsubj" else "nsubj"), verb_lemma(parsed.lowers[governor])
    elif dep == "pobj":
        yield "pobj", parsed.lowers[governor]
        verb = parsed.heads[governor]
        if parsed.tags[verb].startswith("VB"):
            yield "vprep", f"{verb_lemma(parsed.lowers[verb])} {parsed.lowers[governor]}"
    for token in range(head + 1, len(parsed)):
        if parsed.heads[token] == head and parsed.deps[token] == "acl" and parsed.tags[token] in ("VBG", "VBN"):
            yield ("nsubj" if parsed.tags[token] == "VBG" else "dobj"), verb_lemma(parsed.lowers[token])
    for token in phrase.adjectives:
        yield "amod", parsed.lowers[token]
