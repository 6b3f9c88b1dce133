"""Mend parses that the words themselves prove wrong.

The tagger knows newspapers, not captions: of "a skateboarder listens to music" it makes a plural noun, `listens`, with an article
that no plural takes. The article is the proof, and the lexicon knows the skateboarder.
"""

from functools import cache

from tripletgen.assets import read_yaml
from tripletgen.lexicon import Lexicon, words
from tripletgen.lexicon.inflection import is_verb, verb_form, verb_lemma
from tripletgen.parsing import ParsedCaption

_LOOSE = frozenset(("dep", "appos", "nmod", "npadvmod"))
_DOERS = ("person", "group", "animal")
# What a word hangs by that stands beside a noun, and so gives no order: "retro yellow van".
_BESIDE_NOUN = frozenset(("amod", "compound", "nmod", "nsubj"))
# What nobody does to a thing: its past is one.
_BY_ITSELF = words("retag", "by_itself")
# What things do by themselves; and what is done to animals, so that "horse riding" is nothing that a horse does.
_HAPPENINGS = words("retag", "happenings")
_DONE_TO_ANIMALS = frozenset(("ride", "feed", "brush", "pet", "groom", "watch", "wash", "herd"))
_MODIFIERS = words("attributes", "opinions") | words("objects", "plain_adjectives") | words("retag", "modifiers")
_NOT_FIRST = frozenset(("RB", "VBZ", "UH", "JJ", "IN", "FW"))
_NOMINAL_DEPS = frozenset(("ROOT", "nsubj", "nsubjpass", "dobj", "pobj"))


def mend_parse(parsed: ParsedCaption, lexicon: Lexicon) -> ParsedCaption:
    """Return the parse with verbs for impossible plurals, nouns for impossible adjectives and orders; lists change in place."""
    root = parsed.deps.index("ROOT")
    if parsed.tags[root] == "NNS":
        _mend_verb(parsed, root, lexicon)
    clause = next((token for token in range(2, len(parsed)) if _is_clause(parsed, token, lexicon)), None)
    if clause is not None:
        _mend_clause(parsed, clause)
        root = clause
    if parsed.tags[root] == "VBD" and _is_done_to(parsed, root, lexicon):
        root = _mend_past(parsed, root)
    _mend_beginning(parsed, root, lexicon)
    for token, tag in enumerate(parsed.tags):
        if tag in ("NNP", "NNPS"):
            _mend_name(parsed, token, lexicon)
        if tag in ("NN", "VBG") and token and parsed.lowers[token].endswith("ing") and _is_doing(parsed, token, lexicon):
            _mend_participle(parsed, token)
        if tag == "JJ" and parsed.deps[token] in _NOMINAL_DEPS and (_is_singular(parsed, token, lexicon) or _has_article(parsed, token)):
            parsed.tags[token] = "NN"
    return parsed


def _mend_beginning(parsed: ParsedCaption, root: int, lexicon: Lexicon) -> None:
    """Mend what was made of the first word, of which the tagger knows least."""
    if parsed.tags[0] in ("VB", "VBP") and (_is_no_order(parsed, lexicon) if root == 0 else parsed.deps[0] in _BESIDE_NOUN):
        parsed.tags[0] = "NN"
    is_plural = parsed.tags[0] == "VBZ"
    if is_plural or (parsed.tags[0] in _NOT_FIRST and parsed.tags[1:2] in (["IN"], ["VBG"], ["VBN"], ["CC"])):
        _mend_first(parsed, lexicon)
    if root == 0 and parsed.tags[0] == "VB" and parsed.tags[1:2] != ["DT"]:
        _mend_modifier(parsed, lexicon)
    if root == 0 and parsed.tags[0] == "VBG":
        _mend_adjective(parsed, lexicon)


def _is_no_order(parsed: ParsedCaption, lexicon: Lexicon) -> bool:
    """Tell whether the first word is a noun though it was taken for an order: "frog in a dark forest", "close-up shot of"."""
    if parsed.lowers[0] == "close":
        return parsed.lowers[1:2] in (["-"], ["up"])
    if parsed.lowers[0] in ("view", "portrait", "cover"):
        return parsed.tags[1] in ("IN", "RB", "RP")
    return parsed.tags[1:2] in (["IN"], ["VBN"], ["VBG"]) and _is_singular(parsed, 0, lexicon)


def _mend_adjective(parsed: ParsedCaption, lexicon: Lexicon) -> None:
    """Make an adjective of a participle whose object has no article though it wants one: "touring car on display"."""
    thing = next((token for token, dep in enumerate(parsed.deps) if dep == "dobj" and parsed.heads[token] == 0), 0)
    is_bare = thing > 0 and _is_singular(parsed, thing, lexicon) and all(tag in ("JJ", "NN") for tag in parsed.tags[1:thing])
    if is_bare and lexicon.forms[parsed.lowers[thing]][0].is_count:
        _lean_on(parsed, thing)


def _lean_on(parsed: ParsedCaption, thing: int) -> None:
    """Make the first word an adjective of a noun, which becomes the root."""
    parsed.tags[0] = "JJ"
    for token, head in enumerate(parsed.heads):
        if head == 0:
            parsed.heads[token] = thing
    parsed.deps[0], parsed.deps[thing], parsed.heads[thing] = "amod", "ROOT", thing


def _mend_modifier(parsed: ParsedCaption, lexicon: Lexicon) -> None:
    """Make of an order's verb what stands before its object: "spooky food at the party", "cute dolphin wearing a cap"."""
    thing = next((token for token, dep in enumerate(parsed.deps) if dep == "dobj" and parsed.heads[token] == 0), 0)
    word, noun = parsed.lowers[0], lexicon.noun(parsed.lowers[thing])
    if thing == 0 or noun is None or any(parsed.tags[token] not in ("JJ", "NN") for token in range(1, thing)):
        return
    if word not in _MODIFIERS and word not in lexicon.groups_of:
        return
    _lean_on(parsed, thing)


def _mend_first(parsed: ParsedCaption, lexicon: Lexicon) -> None:
    """Make a noun of the first word, "windmill on a cold morning", where it hangs on the preposition as an adverb or a verb."""
    found, head = lexicon.noun(parsed.lowers[0]), parsed.heads[0]
    if found is None or (parsed.tags[0].startswith("VB") and not found[1]):
        return
    parsed.tags[0] = "NNS" if found[1] else "NN"
    if head == 1 and parsed.deps[1] == "ROOT" and parsed.tags[1] == "IN":
        parsed.deps[0], parsed.heads[0] = "ROOT", 0
        parsed.deps[1], parsed.heads[1] = "prep", 0


def _has_article(parsed: ParsedCaption, token: int) -> bool:
    """Tell whether an article makes a noun of a word that ends its phrase: "in a souk"."""
    return any(parsed.lowers[other] in ("a", "an") and parsed.heads[other] == token for other in range(token))


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
    elif word.isalpha() and parsed.deps[token] in _NOMINAL_DEPS:
        parsed.tags[token] = "NNS" if parsed.tags[token] == "NNPS" else "NN"


def _is_doing(parsed: ParsedCaption, token: int, lexicon: Lexicon) -> bool:
    """Tell whether a noun in -ing is what the noun before it does: "a parrot sitting in a cage"."""
    before = token - 1
    found = lexicon.noun(parsed.lowers[before])
    lemma = verb_lemma(parsed.lowers[token])
    if found is None or parsed.deps[before] != "compound" or (found[0].kind == "animal" and lemma in _DONE_TO_ANIMALS):
        return False
    if lemma not in (_actions() if found[0].kind in _DOERS else _HAPPENINGS):
        return False
    following = parsed.tags[token + 1 : token + 2]
    if parsed.heads[before] == token:
        return following in (["IN"], ["DT"], ["PRP$"], ["RB"], ["RP"])
    # Of "a woman opening curtains" the parse makes curtains.
    return parsed.deps[token] == "compound" and parsed.heads[before] == parsed.heads[token] == token + 1 and following == ["NNS"]


@cache
def _actions() -> frozenset[str]:
    return frozenset(verb for entry in read_yaml("lexicon/actions.yaml").values() for verb in entry["verbs"])


def _mend_participle(parsed: ParsedCaption, token: int) -> None:
    """Make a participle of a noun in -ing, and give what was said of it to the noun before it."""
    doer = token - 1
    # What stood over both: the participle itself, or the thing after it.
    top = token if parsed.heads[doer] == token else token + 1
    for other in range(len(parsed)):
        if parsed.heads[other] == top and other not in (token, top) and (other < doer or (top > token and parsed.deps[other] == "prep")):
            parsed.heads[other] = doer if other < doer else token
    parsed.deps[doer] = parsed.deps[top]
    parsed.heads[doer] = doer if parsed.heads[top] == top else parsed.heads[top]
    if top > token:
        parsed.deps[top], parsed.heads[top] = "dobj", token
    parsed.tags[token], parsed.deps[token], parsed.heads[token] = "VBG", "acl", doer


def _is_done_to(parsed: ParsedCaption, root: int, lexicon: Lexicon) -> bool:
    """Tell whether a past tense is a participle: what a thing before a preposition suffered, "a boat moored on an island"."""
    lemma = verb_lemma(parsed.lowers[root])
    if lemma in _BY_ITSELF or verb_form(lemma, "VBN") != parsed.lowers[root] or parsed.tags[root + 1 : root + 2] != ["IN"]:
        return False
    below = [dep for token, dep in enumerate(parsed.deps) if parsed.heads[token] == root and token != root]
    subject = next((token for token, dep in enumerate(parsed.deps) if dep == "nsubj" and parsed.heads[token] == root), -1)
    if subject < 0 or not {"aux", "auxpass", "dobj", "attr", "acomp", "ccomp", "xcomp", "conj", "neg"}.isdisjoint(below):
        return False
    found = lexicon.noun(parsed.lowers[subject])
    return subject < root and (found[0].kind not in (*_DOERS, "vehicle") if found else parsed.tags[subject] in ("NN", "NNS"))


def _mend_past(parsed: ParsedCaption, root: int) -> int:
    """Make a participle of the verb and the root of its subject, which is returned."""
    subject = next(token for token, dep in enumerate(parsed.deps) if dep == "nsubj" and parsed.heads[token] == root)
    for token, head in enumerate(parsed.heads):
        if head == root and parsed.deps[token] in ("punct", "nsubj"):
            parsed.heads[token] = subject
    parsed.deps[subject], parsed.heads[subject] = "ROOT", subject
    parsed.tags[root], parsed.deps[root], parsed.heads[root] = "VBN", "acl", subject
    return subject


def _is_clause(parsed: ParsedCaption, token: int, lexicon: Lexicon) -> bool:
    """Tell whether a plural with the article of a singular is a verb: "a dog on a leash runs", "a bald eagle soars away"."""
    word, before = parsed.lowers[token], token - 1
    if parsed.tags[token] != "NNS" or parsed.heads[before] != token:
        return False
    lemma = verb_lemma(word)
    if lemma == word or verb_form(lemma, "VBZ") != word or parsed.tags[before] != "NN":
        return False
    if any(parsed.lowers[other] in ("a", "an") and parsed.heads[other] == token for other in range(before)):
        # "A cherry tomatoes" is a slip.
        return is_verb(lemma) or word not in lexicon.forms
    if not _is_singular(parsed, before, lexicon):
        return False
    noun = lexicon.forms[parsed.lowers[before]][0]
    return noun.kind in ("person", "animal") and word not in lexicon.forms


def _mend_clause(parsed: ParsedCaption, token: int) -> None:
    """Make the caption's verb of a noun; its subject is the noun before it, or the root where that noun is its preposition's."""
    before, root = token - 1, parsed.deps.index("ROOT")
    for other in range(before):
        if parsed.heads[other] == token:
            parsed.heads[other] = before
    if parsed.deps[token] == "pobj" and root < before and parsed.tags[root] in ("NN", "NNS"):
        parsed.deps[before], parsed.heads[before] = "pobj", parsed.heads[token]
        parsed.deps[root], parsed.heads[root] = "nsubj", token
    else:
        parsed.deps[before], parsed.heads[before] = "nsubj", token
        if root != token:
            parsed.deps[root], parsed.heads[root] = "dep", token
    parsed.tags[before], parsed.tags[token] = "NN", "VBZ"
    parsed.deps[token], parsed.heads[token] = "ROOT", token
    for other in range(token + 1, len(parsed)):
        if parsed.heads[other] in (root, token) and parsed.deps[other] in ("prep", "punct", "advmod"):
            parsed.heads[other] = token


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
