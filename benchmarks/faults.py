"""Find faults in triplets.

Nothing here asks the filters of the generator: a fault that those let through would not be found by asking them again. The
published figures are those of 16,000 rows each of Laion-CIR, whose texts a language model or templates wrote.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Any

from report import percent, print_table

from tripletgen.schema import Triplet, normalise

_EXAMPLES = 3
_ARTICLE = re.compile(r"(?<![\w'.-])(an?) [\"'(]*(\d*)([\w'-]*)", re.IGNORECASE)
_DOUBLED = re.compile(r"\b([a-z]+) \1\b", re.IGNORECASE)
_DETERMINERS = re.compile(
    r"\b(?:an?|the|its|their|my|our|your|every) (?:an?|the|his|her|its|their|my|our|your|this|these|those|some|every|another)\b"
    r"|\ban? (?:two|three|four|five|six|several|many|some)\b(?! \w+ (?:house|home|building|pack)\b)",
    re.IGNORECASE,
)
_TAXONOMY = re.compile(
    r"\b(?:cardinality|negat\w+|viewpoint|conjunction|attribute|comparative|addressing|modif\w+|caption|reference|triplet"
    r"|spatial relation|target (?:image|caption))s?\b",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"\b(?:image|photo|photograph|picture)s?\b", re.IGNORECASE)
_CHANGE = re.compile(r"change\b", re.IGNORECASE)
_TOKENISED = re.compile(r"\s[,.;:!?](?=\s|$)|\s'(?:s|re|ve|ll|d|m)\b|\sn't\b|``|''")

Judge = Callable[[Triplet], str]


def wrong_article(row: Triplet) -> str:
    """Return the first article of the new texts that `inflect` would write otherwise, with its noun."""
    for article, digits, word in chain(_ARTICLE.findall(row.modification_text), _ARTICLE.findall(row.target_caption)):
        if (digits or word) and article.lower() != inflect_article(digits, word):
            return f"{article} {digits}{word}"
    return ""


@cache
def inflect_article(digits: str, word: str) -> str:
    """Return the article that `inflect` gives a word; digits are spelt out first, for it knows only letters."""
    import inflect

    engine = inflect.engine()
    spoken = f"{engine.number_to_words(digits)}{word}" if digits else word
    return str(engine.a(spoken)).partition(" ")[0]


def made_anew(pattern: re.Pattern[str]) -> Judge:
    """Return a judge that finds a pattern in the modification text, or in the target more often than in the reference."""

    def judge(row: Triplet) -> str:
        found = list(pattern.finditer(row.modification_text))
        in_target = list(pattern.finditer(row.target_caption))
        if not found and len(in_target) > len(pattern.findall(row.reference_caption)):
            found = in_target
        return found[0].group() if found else ""

    return judge


def in_modification(match: Callable[[str], re.Match[str] | None]) -> Judge:
    """Return a judge of the modification text alone."""
    return lambda row: found.group() if (found := match(row.modification_text)) else ""


def identical(row: Triplet) -> str:
    """Return the target if it has the words of the reference."""
    return row.target_caption if normalise(row.reference_caption) == normalise(row.target_caption) else ""


def gives_target_away(row: Triplet) -> str:
    """Return the modification text if the whole target stands in it."""
    return row.modification_text if normalise(row.target_caption) in normalise(row.modification_text) else ""


def left_tokenised(row: Triplet) -> str:
    """Return the first punctuation mark of the new texts that stands apart from its word."""
    found = _TOKENISED.search(row.modification_text) or _TOKENISED.search(row.target_caption)
    return found.group() if found else ""


# Fault -> judge, bar, published share in texts by a language model, and in texts by templates.
FAULTS: dict[str, tuple[Judge, str, str, str]] = {
    "a/an, by inflect": (wrong_article, "0", "", "1.6 %"),
    "doubled word": (made_anew(_DOUBLED), "0", "", ""),
    "two determiners": (made_anew(_DETERMINERS), "0", "", ""),
    "target equals reference": (identical, "0", "", ""),
    "taxonomy word": (in_modification(_TAXONOMY.search), "0", "7.9 %", ""),
    "speaks of image, photo, picture": (in_modification(_PICTURE.search), "", "20.5 %", ""),
    'begins with "change"': (in_modification(_CHANGE.match), "", "53.1 %", ""),
    "tokenised punctuation": (left_tokenised, "0", "", ""),
    "whole target in the text": (gives_target_away, "0", "", ""),
}


def judge_faults(rows: list[Triplet]) -> dict[str, Any]:
    """Count and print the faults of a sample, then examples of each; return the counts."""
    found = {name: [(row, text) for row in rows if (text := judge(row))] for name, (judge, *_) in FAULTS.items()}
    table = [(name, str(len(found[name])), percent(len(found[name]), len(rows)), *FAULTS[name][1:]) for name in FAULTS]
    repeated = {
        "duplicate triplet": len(rows) - len({tuple(map(normalise, row[1:4])) for row in rows}),
        "duplicate modification text": len(rows) - len({normalise(row.modification_text) for row in rows}),
    }
    triplets, texts = ((name, str(count), percent(count, len(rows))) for name, count in repeated.items())
    table += [(*triplets, "0", "", ""), (*texts, "< 10 %", "17.7 %", "32.1 %")]
    print_table(f"faults in {len(rows):,} rows", ("", "rows", "share", "bar", "Laion-CIR LLM", "Laion-CIR templates"), table)
    for name, cases in found.items():
        for text, count in Counter(text for _, text in cases).most_common(_EXAMPLES):
            row = next(row for row, other in cases if other == text)
            print(f"{name}: {text!r}, {count} rows: {' | '.join(row[1:4])}")
    print()
    return {name: len(cases) for name, cases in found.items()} | repeated
