"""Agreement: what else must change in a caption when a noun changes its number or its gender."""

from tripletgen.edits.base import Change, Frame
from tripletgen.lexicon import words
from tripletgen.lexicon.inflection import verb_form, verb_lemma
from tripletgen.phrases import NounPhrase

MALE = frozenset(("he", "his", "him", "himself"))
FEMALE = frozenset(("she", "her", "hers", "herself"))
SINGULAR_PRONOUNS = MALE | FEMALE | frozenset(("it", "its", "itself"))
PLURAL_PRONOUNS = words("grammar", "plural_pronouns")
_AUXILIARY = {"is": "are", "was": "were", "has": "have", "does": "do", "'s": "are"}
_AUXILIARY_BACK = {"are": "is", "were": "was", "have": "has", "do": "does", "'re": "is"}


def gender_in(frame: Frame) -> str | None:
    """Return the gender that the pronouns of a caption speak of, `both`, or None where there are none."""
    male, female = bool(frame.words & MALE), bool(frame.words & FEMALE)
    return "both" if male and female else "male" if male else "female" if female else None


def agree(frame: Frame, phrase: NounPhrase, *, plural: bool, alone: bool = False) -> list[Change] | None:
    """Return the changes of the verbs whose subject the phrase is, or None where that cannot be done safely.

    Of a subject of several things that is not so, but where the phrase is to be `alone` in the end.
    """
    deps, heads, tags = frame.parsed.deps, frame.parsed.heads, frame.parsed.tags
    if deps[phrase.head] not in ("nsubj", "nsubjpass"):
        return _agree_relative(frame, phrase, plural=plural)
    verb = heads[phrase.head]
    if not alone and frame.children(phrase.head, "cc", "conj", "appos"):
        return None
    changes: list[Change] = []
    queue = [verb]
    while queue:
        token = queue.pop()
        if token != verb and frame.children(token, "nsubj", "nsubjpass"):
            continue
        for part in [*frame.children(token, "aux", "auxpass"), token]:
            change = _verb_change(frame, part, plural=plural)
            if change is False:
                return None
            if isinstance(change, Change):
                changes.append(change)
        if frame.children(token, "attr"):
            return None
        queue += [child for child in frame.children(token, "conj") if tags[child].startswith("VB")]
    relative = _agree_relative(frame, phrase, plural=plural)
    return None if relative is None else list(dict.fromkeys(changes + relative))


def _agree_relative(frame: Frame, phrase: NounPhrase, *, plural: bool) -> list[Change] | None:
    """Change the verbs of "who is", "that has" behind the noun."""
    changes: list[Change] = []
    for token in frame.children(phrase.head, "relcl"):
        for part in [*frame.children(token, "aux", "auxpass"), token]:
            change = _verb_change(frame, part, plural=plural)
            if change is False:
                return None
            if isinstance(change, Change):
                changes.append(change)
    return changes


def _verb_change(frame: Frame, token: int, *, plural: bool) -> Change | bool:
    """Return the change of one finite verb, True where its form serves both numbers, False where it is not safe."""
    tag, word = frame.parsed.tags[token], frame.parsed.lowers[token]
    start, end = frame.parsed.starts[token], frame.parsed.ends[token]
    table = _AUXILIARY if plural else _AUXILIARY_BACK
    if word in table:
        return Change(start, end, table[word] if not word.startswith("'") else f" {table[word]}")
    if tag in ("VBZ", "VBP"):
        if (tag == "VBZ") != plural:
            return tag == "VBP" and word in ("can", "may")
        return Change(start, end, verb_form(verb_lemma(word), "VBP" if plural else "VBZ"))
    if tag in ("VBG", "VBN", "VBD", "MD", "VB") and word not in ("am", "be"):
        return True
    return not tag.startswith("VB")
