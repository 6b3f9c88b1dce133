"""Words without their endings: what the checks of a reply compare."""

from functools import cache

from tripletgen.assets import read_yaml
from tripletgen.schema import normalise

_ENDINGS = (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", ""))


@cache
def words(name: str) -> frozenset[str]:
    """Return a list of `words.yaml`."""
    return frozenset(read_yaml("rewrite/words.yaml")[name])


def stem_list(text: str | None) -> list[str]:
    """Return the content words in order without their endings: `houses` and `house` are one."""
    return [stem(word) for word in normalise(text or "").split(" ") if word and word not in words("function")]


def stems(text: str | None) -> set[str]:
    """Return the content words without their endings."""
    return set(stem_list(text))


@cache
def stem(word: str) -> str:
    """Return a word without its ending; `bigger` is `larger`."""
    word = _comparatives().get(word, word)
    for ending, rest in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _single(word[: -len(ending)]) + rest if ending in ("ing", "ed") else word[: -len(ending)] + rest
    return word


def _single(word: str) -> str:
    """Return `run` for `runn`."""
    return word[:-1] if word[-1] == word[-2] and word[-1] in "bdgmnprt" else word


@cache
def _comparatives() -> dict[str, str]:
    """Return what stands for each adjective that is compared: `large` and `bigger` are both `larger`."""
    pairs = [pair for group in read_yaml("lexicon/comparatives.yaml").values() for pair in group]
    return {word: pair["spoken"][0] for pair in pairs for word in (*pair["spoken"], pair["word"])}


@cache
def listed_stems(name: str) -> frozenset[str]:
    """Return the stems of a set of words, such as those that any modification text may use."""
    return frozenset(map(stem, words(name)))
