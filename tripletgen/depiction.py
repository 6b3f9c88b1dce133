"""Tell a caption that describes a picture from a headline, an advertisement, a question or a story.

Web captions are often none of a picture; an edit of such a text is no composed query. The signs are words that speak to the
reader or about the writer, orders, questions and the punctuation of titles.
"""

import re

from tripletgen.parsing import ParsedCaption

_PERSONS = frozenset("i me we us you your yours yourself myself ourselves let's u im mine".split())
_TALK = frozenset(
    "what why how if because whether not n't 'll wo ca do does did don't please tips guide ideas idea review "
    "reviews quotes quote blog sale price buy download free want wants need needs know think thinks believe believes say "
    "says said tell tells told hope wish wishes maybe perhaps thanks thank welcome here's there's "
    "it's that's best worst perfect everything nothing ago announced announces reported revealed reveals "
    "criticised criticized explains explained episode definition introduction genre example examples "
    "listing economy government listed venture".split()
)
_TITLE = re.compile(r"[?:|~$@*=/<>]|\.\.|\d+ (?:of|out)\b")
_UNSEEN_TAGS = frozenset(("MD", "WP", "WRB", "UH", "LS", "SYM", "FW"))


def depicts(parsed: ParsedCaption) -> bool:
    """Tell whether a caption describes a picture: no talk to the reader, no order, no question, no title."""
    words = set(parsed.lowers)
    if words & _PERSONS or words & _TALK or _TITLE.search(parsed.text):
        return False
    # A bare verb at the beginning gives an order.
    return parsed.tags[0] != "VB" and not any(tag in _UNSEEN_TAGS for tag in parsed.tags)
