"""Tell a caption that describes a picture from a headline, an advertisement, a question or a story.

Web captions are often none of a picture; an edit of such a text is no composed query. The signs are words that speak to the
reader or about the writer, orders, questions and the punctuation of titles.
"""

import re

from tripletgen.lexicon import words
from tripletgen.parsing import ParsedCaption

_PERSONS = words("depiction", "persons")
_TALK = words("depiction", "talk")
_TITLE = re.compile(r"[?:|~$@*=/<>]|\.\.|\d+ (?:of|out)\b")
_UNSEEN_TAGS = frozenset(("MD", "WP", "WRB", "UH", "LS", "SYM", "FW"))


def depicts(parsed: ParsedCaption) -> bool:
    """Tell whether a caption describes a picture: no talk to the reader, no order, no question, no title."""
    words = set(parsed.lowers)
    if words & _PERSONS or words & _TALK or _TITLE.search(parsed.text):
        return False
    # A bare verb at the beginning gives an order.
    return parsed.tags[0] != "VB" and not any(tag in _UNSEEN_TAGS for tag in parsed.tags)
