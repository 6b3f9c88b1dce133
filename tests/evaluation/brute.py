"""The protocols of composed image retrieval in plain loops over names, from their description; no code is shared with the package."""

import math
from collections.abc import Sequence


def ranking_of(query: Sequence[float], gallery: dict[str, Sequence[float]], without: Sequence[str] = ()) -> list[str]:
    """Rank every image by cosine similarity; of equal ones the one that stands first in the gallery goes first."""

    def cosine(image: Sequence[float]) -> float:
        dot = math.fsum(a * b for a, b in zip(query, image, strict=True))
        return dot / math.sqrt(math.fsum(a * a for a in query)) / math.sqrt(math.fsum(b * b for b in image))

    names = [name for name in gallery if name not in without]
    return sorted(names, key=lambda name: -cosine(gallery[name]))


def recall(rankings: Sequence[Sequence[str]], targets: Sequence[str], k: int) -> float:
    found = 0
    for ranking, target in zip(rankings, targets, strict=True):
        found += target in ranking[:k]
    return found / len(targets)


def recall_subset(rankings: Sequence[Sequence[str]], subsets: Sequence[Sequence[str]], targets: Sequence[str], k: int) -> float:
    restricted = [[name for name in ranking if name in subset] for ranking, subset in zip(rankings, subsets, strict=True)]
    return recall(restricted, targets, k)


def average_precision(ranking: Sequence[str], truths: Sequence[str], k: int) -> float:
    total = 0.0
    for place in range(1, k + 1):
        if ranking[place - 1] in truths:
            total += sum(name in truths for name in ranking[:place]) / place
    return total / min(k, len(truths))


def mean_average_precision(rankings: Sequence[Sequence[str]], truths: Sequence[Sequence[str]], k: int) -> float:
    return sum(average_precision(ranking, truth, k) for ranking, truth in zip(rankings, truths, strict=True)) / len(rankings)
