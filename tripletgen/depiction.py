"""Tell a caption that describes a picture from a headline, an advertisement, a question or a story.

Web captions are often none of a picture; an edit of such a text is no composed query. The signs are words that speak to the
reader or about the writer, orders, questions and the punctuation of titles: most are seen without a parse, which spares it.
"""

import re
from itertools import combinations

from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import verb_lemma
from tripletgen.parsing import ParsedCaption

_TALK = words("depiction", "talk") | words("depiction", "persons")
_WORD = re.compile(r"[a-z']+")
# Contractions, the punctuation of titles, and lists of people.
_SIGN = re.compile(
    r"n't\b|'(?:ll|ve|re|d)\b|!(?=.)|[?:|~$\u00a3\u20ac%@*=/<>;]|\.\.|--|\d+ (?:of|out)\b|^(?:image|photo|picture)s? (?!of\b)|"
    r"\b(?:an?|the|of|in|at|during|with|for|to|and) - |\bof the (?:day|week|month|year)\b|\bmakes? for\b|^(?:just )?like |"
    r"\b(?:an?|first|sneak|closer|inside|early|rare|quick) (?:look|peek|glimpse) (?:at|inside|into|back|of)\b|"
    r"^(?:not?|never) |\bperson,? (?:and )?person,|\b(?:at|of|by|with|from) person [a-z]+ (?:up|shop|store|house|home)"
)
_UNSEEN_TAGS = frozenset(("UH", "LS", "SYM"))
_MAY = frozenset(("will", "would", "could", "should", "may", "might", "must", "shall"))
# What follows a word that was taken for an order and is a noun: "deck chairs", "lock on a door".
_AFTER_NOUN = frozenset(("NN", "NNS"))
_AFTER_NOUN_WORDS = frozenset(("on", "in", "with", "of", "during", "near", "by", "after", "from", "under"))
# Verbs of which no picture is taken: what is known, owned, caused, or true for years.
_UNSEEN_VERBS = words("depiction", "unseen_verbs")
_PLACING = frozenset(
    [
        "on",
        "in",
        "at",
        "near",
        "under",
        "behind",
        "beside",
        "inside",
        "outside",
        "over",
        "above",
        "between",
        "against",
        "along",
        "across",
        "by",
        "among",
        "next",
        "around",
    ]
)
_NOT_PLACES = words("depiction", "not_places")
_BE = frozenset(("is", "are", "was", "were", "be", "been", "'s", "'re"))
_WAS = frozenset(("was", "were"))
_HAVE = frozenset(("has", "have", "had", "'ve"))
# What is told is past; of what is told only these are seen in a picture: "wore a red hat", not "was named after a poet".
_SEEN_PAST = words("depiction", "seen_past")
_SEEN_DOING = words("depiction", "seen_doing")
_SEEN_STATES = words("depiction", "seen_states")
# Nouns of which there is no picture, and the words of one who judges or argues.
_UNSEEN_STATES = words("depiction", "unseen_states")
_UNSEEN_HEADS = words("depiction", "unseen_heads")
_PRAISE = words("depiction", "praise")
_ASIDES = words("depiction", "asides")
# What one who keeps a diary begins with: "took this picture", "put on a hat".
_DIARY = frozenset(
    ("take", "get", "make", "find", "see", "have", "go", "put", "love", "buy", "try", "meet", "spend", "finish", "start", "come")
)
_POINTERS = frozenset(("this", "these", "that", "those", "here", "such"))
_HELPERS = ("aux", "auxpass", "compound", "amod", "conj")
_NEAR = 4
# Masks of names, of which two may be in one picture.
_TWICE = words("depiction", "twice")
_SUBJECTS = ("nsubj", "nsubjpass")
_OPENING_TAGS = frozenset(("CC", "TO", "WRB", "VBZ", "MD"))
_OPENERS = frozenset(
    ("as", "because", "if", "although", "though", "since", "before", "after", "that", "whether", "so", "for", "like", "with", "of")
)
_FINITE = frozenset(("VBZ", "VBP", "VBD"))
_MAX_FINITE = 3
_OPEN_TAGS = frozenset(("DT", "CC", "TO", "PRP$", "IN", "WDT", "WP"))
_OPEN_WORDS = frozenset(("held", "located", "called", "titled", "named", "not", "near", "was", "were", "leading", "headed"))
_AROUND = frozenset(("above", "below", "behind", "around", "inside", "outside", "along", "over", "underneath"))
_WANTING = frozenset(
    [
        "attend",
        "attends",
        "saying",
        "says",
        "showing",
        "shows",
        "featuring",
        "features",
        "wearing",
        "wears",
        "including",
        "includes",
        "using",
        "making",
        "makes",
        "has",
        "have",
    ]
)
# A keyword list: so many nouns and adjectives in a row are no phrase.
_MAX_RUN = 6
_NUMBERED = (["few"], ["dozen"], ["hundred"], ["thousand"], ["couple"], ["lot"])
_NOMINAL_TAGS = frozenset(("NN", "NNS", "JJ", "NNP"))


def may_depict(text: str) -> bool:
    """Tell whether the words and signs of a text leave it possible that it describes a picture."""
    lowered = text.lower()
    return _TALK.isdisjoint(_WORD.findall(lowered)) and not _SIGN.search(lowered)


def depicts(parsed: ParsedCaption) -> bool:
    """Tell whether a caption that `may_depict` describes a picture: no order, question or statement, none cut off or misparsed."""
    return not (
        _is_talk(parsed) or _is_statement(parsed) or _is_tale(parsed) or _stutters(parsed) or _is_judgement(parsed) or _is_cut_off(parsed)
    ) and _is_phrased(parsed)


def _is_talk(parsed: ParsedCaption) -> bool:
    """Tell whether a caption begins as an order, a question or half a sentence, or speaks of what might be."""
    tags, lowers = parsed.tags, parsed.lowers
    # A bare verb at the beginning gives an order; before a noun it is a noun itself ("deck chairs").
    if tags[0] == "VB" and tags[1] not in _AFTER_NOUN and lowers[1] not in _AFTER_NOUN_WORDS:
        return True
    if tags[0] in _OPENING_TAGS or (tags[0] == "IN" and lowers[0] in _OPENERS):
        return True
    # "Can be seen" is seen.
    return not _MAY.isdisjoint(lowers) or any(
        tag in _UNSEEN_TAGS or (lowers[token] == "can" and tag == "MD" and "be" not in lowers[token + 1 : token + 3])
        for token, tag in enumerate(tags[:-1])
    )


def _is_statement(parsed: ParsedCaption) -> bool:
    """Tell whether a caption tells what is or has been instead of what is seen: "bread is a must"; "there is a dog" shows."""
    lowers, root = parsed.lowers, parsed.deps.index("ROOT")
    if lowers[root] in _BE and "there" not in lowers[:root] and (lowers[root] in _WAS or not _says_where(parsed, root)):
        return True
    if parsed.tags[root] in _FINITE and verb_lemma(lowers[root]) in _UNSEEN_VERBS:
        return True
    if sum(tag in _FINITE for tag in parsed.tags) > _MAX_FINITE:
        return True
    # "Has decorated her bicycle" can be seen, "has won" cannot.
    return any(
        dep == "aux" and word in _HAVE and verb_lemma(lowers[head]) not in _SEEN_PAST | _SEEN_STATES
        for dep, word, head in zip(parsed.deps, lowers, parsed.heads, strict=True)
    )


def _is_tale(parsed: ParsedCaption) -> bool:
    """Tell whether a caption tells of somebody spoken of before, or of what was done and could not be seen."""
    lowers, tags, deps = parsed.lowers, parsed.tags, parsed.deps
    root = deps.index("ROOT")
    subjects: dict[int, int] = {head: token for token, head in enumerate(parsed.heads) if deps[token] in _SUBJECTS}
    if root in subjects and tags[subjects[root]] == "PRP":
        return True
    for token, tag in enumerate(tags):
        if _is_aside(parsed, token):
            continue
        if token in subjects and tag in _FINITE and lowers[token] not in _BE | _HAVE:
            lemma = verb_lemma(lowers[token])
            if lemma in _UNSEEN_VERBS or (tag == "VBD" and lemma not in _SEEN_PAST):
                return True
        if deps[token] == "auxpass" and lowers[token] != "being":
            lemma = verb_lemma(lowers[parsed.heads[token]])
            if lemma in _UNSEEN_STATES or (lowers[token] not in ("is", "are") and lemma not in _SEEN_STATES):
                return True
    return False


def _is_aside(parsed: ParsedCaption, token: int) -> bool:
    """Tell whether a word stands in a clause of time or manner, "as she walked": such a clause is never edited."""
    while parsed.heads[token] != token and parsed.deps[token] != "advcl":
        token = parsed.heads[token]
    return parsed.deps[token] == "advcl"


def _is_judgement(parsed: ParsedCaption) -> bool:
    """Tell whether a caption judges or argues, or is about what cannot be seen: "the best cakes ever", "ways to go"."""
    lowers, tags = parsed.lowers, parsed.tags
    root = parsed.deps.index("ROOT")
    if not _PRAISE.isdisjoint(lowers) and "best man" not in parsed.text.lower():
        return True
    is_nominal = tags[root].startswith("NN")
    if (
        not is_nominal
        and not _FINITE.isdisjoint(tags)
        and ((lowers[0] in _POINTERS and parsed.deps[0] != "det") or not _ASIDES.isdisjoint(lowers))
    ):
        return True
    if root == 0 and (not _is_done(parsed) if tags[root] == "VBG" else verb_lemma(lowers[0]) in _DIARY):
        return True
    if not is_nominal:
        return tags[root] == "IN" and root == 0
    # "A look at the past", "ways to dress"; "strange structure to color".
    return (_singular(lowers[root]) in _UNSEEN_HEADS and lowers[root - 1] != "still") or any(
        parsed.heads[token] == root and tag == "VB" and tags[token - 1] == "TO" for token, tag in enumerate(tags)
    )


def _is_done(parsed: ParsedCaption) -> bool:
    """Tell whether a caption that begins with a participle, "riding a bike", shows somebody doing it; planning is not seen."""
    has_subject = any(dep in _SUBJECTS and parsed.heads[token] == 0 for token, dep in enumerate(parsed.deps))
    looks_for = parsed.lowers[:2] in (["looking", "for"], ["reading", "about"], ["talking", "about"])
    return has_subject or (verb_lemma(parsed.lowers[0]) in _SEEN_PAST | _SEEN_DOING and not looks_for)


def _singular(word: str) -> str:
    """Return a noun without the ending of its plural, as far as letters tell."""
    return word[:-3] + "y" if word.endswith("ies") else word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _stutters(parsed: ParsedCaption) -> bool:
    """Tell whether a verb or a thing is said twice, as where a mask or a mistake made them alike: "compete in race compete"."""
    said = [(k, parsed.lowers[k]) for k, tag in enumerate(parsed.tags) if tag[:2] in ("NN", "VB") and parsed.deps[k] not in _HELPERS]
    pairs = ((b - a, word) for (a, word), (b, other) in combinations(said, 2) if word == other)
    return any(distance <= _NEAR and word not in _TWICE for distance, word in pairs)


def _is_cut_off(parsed: ParsedCaption) -> bool:
    """Tell whether a caption ends in a word that asks for another: a name was taken out of it, or it was cut."""
    last = len(parsed) - 1
    while last > 0 and parsed.tags[last] in (".", ","):
        last -= 1
    is_place = parsed.lowers[last] in _AROUND
    return (parsed.tags[last] in _OPEN_TAGS and not is_place) or parsed.lowers[last] in _OPEN_WORDS | _WANTING


def _says_where(parsed: ParsedCaption, verb: int) -> bool:
    """Tell whether a form of "be" has a place and nothing else: "the dog is on the sofa"."""
    below = {parsed.deps[token] for token, head in enumerate(parsed.heads) if head == verb and parsed.lowers[token] not in _NOT_PLACES}
    preps = [parsed.lowers[token] for token, head in enumerate(parsed.heads) if head == verb and parsed.deps[token] == "prep"]
    return not _PLACING.isdisjoint(preps) and below.isdisjoint(("attr", "acomp", "ccomp", "xcomp", "expl"))


def _is_phrased(parsed: ParsedCaption) -> bool:
    """Tell whether nothing in the parse is impossible: no long run of nouns, no article before a plural."""
    run = 0
    for token, tag in enumerate(parsed.tags):
        run = run + 1 if tag in _NOMINAL_TAGS else 0
        is_few = parsed.lowers[token + 1 : token + 2] in _NUMBERED
        if run > _MAX_RUN or (
            tag == "DT" and parsed.lowers[token] in ("a", "an") and parsed.tags[parsed.heads[token]] == "NNS" and not is_few
        ):
            return False
    return True
