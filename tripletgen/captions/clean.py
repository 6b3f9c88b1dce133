"""Normalise a raw caption, or drop it with a reason.

A caption is data from strangers: it is repaired, never interpreted. Each step is a plain text function; `clean_caption`
runs them in order and answers either a text or the reason why there is none.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache

from tripletgen.assets import asset
from tripletgen.captions.alt_text import told
from tripletgen.depiction import may_depict
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import article

MIN_WORDS = 3
MIN_PART_WORDS = 4
MAX_WORDS = 40
MAX_CHARACTERS = 320

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]+")
_SPACES = re.compile(r"\s+")
_PERSON = re.compile(r"<\s*person\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_TOKENISED = re.compile(r"\s[.,;:!?)\]%]|[(\[]\s|\s'|\sn't|``|''|\s-\s|\s/\s|\s\"\s|\"\s")
_URL = re.compile(r"https?:|www\.|\w\.(?:com|org|net|co\.uk|de|info|io)\b", re.IGNORECASE)
_EMAIL = re.compile(r"\S@\S+\.\w")
_PHONE = re.compile(r"(?:\+?\d[\s().-]?){9,}")
_MASKED = re.compile(r"#|\d{5,}|_{2,}")
_ARTICLE = re.compile(r"(?<![\w'.-])([Aa]n?) (\w[\w\"'-]*)")
_MAX_LABEL = 60
_PART = re.compile(r" -+ |\.\.+ ?|[.!?;|] | ?\u2665 ?| <")
# What is left of "held at the city hall" once names are masked.
_UNNAMED = re.compile(r" (?:held|located)(?=\W*$)")
_AGENCY = re.compile(
    r"(?:,| -)? (?:royalty[ -]free )?(?:(?:stock|free) (?:photo|photography|image|picture|illustration|vector|footage|video|clip art)s?"
    r"|(?:photo|image|picture) #|royalty[ -]free|- photo(?: sharing)?!?|(?:full )?(?:view )?on photo sharing website"
    r"|(?:stock )?(?:photo|vector|illustration)s? - \d+|#)\W*$",
    re.IGNORECASE,
)
# The label of a house agent's picture, and the masked number on a player's back.
_LISTING = re.compile(r"^(?:property|listing|featured|gallery) (?:image|photo)s? ?[#:-]\W*", re.IGNORECASE)
_PLAYER = re.compile(r"(?<=[a-z]) # (?=[a-z])")
# What is left of an emoticon, a footnote or a credit: "on the wave --", "a sunset ;)", "beach @ hotel".
_TRAILER = re.compile(
    r"(?<=\w)(?: ?(?:--+|[~*@|/\\=_<>^+]+|[:;]-?[)(DPp]?)+|: (?:vector|abstract|fine) art|: (?:stock )?(?:photo|illustration)s?)$"
)
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")

# Hyphens that a tokeniser pulled apart ("close - up"); any other spaced hyphen is a dash and stays one.
_HYPHEN_BEFORE = "|".join((*sorted(words("clean", "hyphen_before")), r"\d+"))
_HYPHEN_AFTER = "|".join(sorted(words("clean", "hyphen_after")))
_HYPHEN = re.compile(rf"\b(?:({_HYPHEN_BEFORE}) - (?=\w)|(?<=\w) - ({_HYPHEN_AFTER})\b)", re.IGNORECASE)

_DETOKENISE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"``|''"), '"'),
    (re.compile(r'" ([^"]*?) "'), r'"\1"'),
    (re.compile(r"\s+(n't|'(?:s|re|ve|ll|d|m))\b"), r"\1"),
    (re.compile(r"s '(?=\s)"), "s'"),
    (re.compile(r"\s+([.,;:!?)\]%]+)(?=[\s.,;:!?\"']|$)"), r"\1"),
    (re.compile(r"([(\[])\s+"), r"\1"),
    (re.compile(r"\$ (?=\d)"), "$"),
    (re.compile(r" / "), "/"),
)

# Function words that no other European language spells alike, and the commonest of the others that English does not use.
_ENGLISH = words("clean", "english")
_FOREIGN = words("clean", "foreign")


@cache
def _profanity() -> frozenset[str]:
    listed = asset("lexicon/profanity.txt").read_text(encoding="utf-8").split()
    return frozenset(f"{word}{ending}" for word in listed for ending in ("", "s", "'s"))


@lru_cache(maxsize=1)
def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def repair(text: str) -> str:
    """Mend the encoding, HTML entities and tags, control characters and white space of a raw text."""
    if not text.isascii() or "&" in text:
        import ftfy

        text = ftfy.fix_text(text.encode("utf-8", "replace").decode("utf-8"), unescape_html=True)
    text = _CONTROL.sub(" ", text)
    if "<" in text:
        text = _TAG.sub(" ", _PERSON.sub("person", text))
    return _SPACES.sub(" ", text).strip(" \"'`*|~-\u2013\u2014" if text[:1] in "\"'`*|~-" else " ")


def detokenise(text: str) -> str:
    """Join the punctuation that a tokeniser pulled apart, as Conceptual Captions has it (`` , ``, `` 's``, ``close - up``)."""
    if not _TOKENISED.search(text):
        return text
    for pattern, replacement in _DETOKENISE:
        text = pattern.sub(replacement, text)
    if " - " in text:
        text = _HYPHEN.sub(lambda m: f"{m[1]}-" if m[1] else f"-{m[2]}", text)
    return text


def mend(text: str) -> str:
    """Take a headline's label and an agency's tail away ("clear up: a man ...", "... stock photo #"); set `a` and `an` right."""
    text = _TRAILER.sub("", _AGENCY.sub("", _LISTING.sub("", text)))
    if text.count("#") == 1:
        text = _PLAYER.sub(" ", text)
    if ": " in text:
        label, _, rest = text.partition(": ")
        if rest.count(" ") >= MIN_WORDS and ":" not in rest and len(label) <= _MAX_LABEL and not label.lower().startswith("image"):
            text = rest
    return _ARTICLE.sub(_mend_article, _UNNAMED.sub("", _without_talk(text)))


def _without_talk(text: str) -> str:
    """Return the first part of a text whose rest speaks to the reader: "a cosy kitchen - see more on our blog"."""
    first = _PART.split(text, 1)[0]
    if first == text or _num_words(first) < MIN_PART_WORDS or may_depict(text):
        return text
    return first if may_depict(first) else text


def _mend_article(match: re.Match[str]) -> str:
    found, word = match.groups()
    right = article(word)
    return match[0] if found.lower() == right else f"{right.capitalize() if found[0] == 'A' else right} {word}"


def looks_english(text: str) -> bool:
    """Tell whether a caption is English by its script and its function words.

    Character models for language identification refuse 5 % of good captions, which are short and full of nouns
    (docs/decisions/0003-language.md), so the test is for evidence of *another* language.
    """
    if not text.isascii() and len(_LATIN.findall(text)) < 0.9 * len(_LETTER.findall(text)):
        return False
    found = _words(text)
    if _FOREIGN.isdisjoint(found):
        return bool(found)
    return sum(word in _FOREIGN for word in found) <= sum(word in _ENGLISH for word in found)


def _num_words(text: str) -> int:
    return text.count(" ") + 1


# Order matters: the cheap and the telling first. A reason is a sentence's end: "dropped because it is ...".
DROP_REASONS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("empty", lambda text: not _LETTER.search(text)),
    ("too_long", lambda text: len(text) > MAX_CHARACTERS or _num_words(text) > MAX_WORDS),
    ("too_short", lambda text: _num_words(text) < MIN_WORDS),
    ("url_email_phone", lambda text: _URL.search(text) or _EMAIL.search(text) or _PHONE.search(text)),
    ("masked_number_or_hashtag", _MASKED.search),
    ("not_english", lambda text: not looks_english(text)),
    ("profanity", lambda text: not _profanity().isdisjoint(_words(text))),
    ("not_a_description", lambda text: not may_depict(text)),
)


def clean_caption(raw: str) -> tuple[str, str | None]:
    """Return the cleaned text and None, or the text as far as it got and the reason to drop it."""
    if len(raw) > 10 * MAX_CHARACTERS:
        return repair(raw[:MAX_CHARACTERS]), "too_long"
    text = mend(told(detokenise(repair(raw))))
    for reason, drops in DROP_REASONS:
        if drops(text):
            return text[:MAX_CHARACTERS], reason
    return text, None
