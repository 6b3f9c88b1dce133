"""The prompts, and the cleaning of texts that go into them."""

import re

PLACEHOLDER = "$"
"""Stands in prompts where the pseudo-token of an image goes; a word of its own in CLIP's vocabulary."""

PHOTO = f"a photo of {PLACEHOLDER}"
COMPOSED = f"{PHOTO} that {{modification}}"
PLAIN = "a photo of {reference}"
PLAIN_COMPOSED = f"{PLAIN} that {{modification}}"

_PERSON = re.compile(r"<\s*person\s*>", re.IGNORECASE)


def clean_text(text: str) -> str:
    """Return a text as the encoders get it: lower case, no placeholder, `<PERSON>` as "person" (RTD, arXiv 2406.09188)."""
    return _PERSON.sub("person", text).lower().replace(PLACEHOLDER, "").strip()
