"""Compute the weights by which a caption is told to describe a picture, and measure how often they are right.

    python benchmarks/depiction.py [--data ../shared/data] [--write]

`depiction.tsv` labels 11,439 rows of CC3M validation, read one by one: 1 is a fluent caption of one picture of which an editor could change
a visible thing, 0 anything else, 0.3 a mild slip that many would pass. 3,600 of them were drawn at random, the others from those that the
weights of the first held likely; the 8,699 likeliest were read a second time, more strictly, for broken English and lost names. The
embedded captions and some of Multi30k, all descriptions, are learned from too, so that sentences which people wrote for a picture pass.
The weights are those of a logistic regression; what is printed comes of five-fold cross-validation, and counts the random ones only.
"""

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from report import print_table

from tripletgen.assets import asset
from tripletgen.captions.clean import clean_caption
from tripletgen.captions.partition import iter_clean
from tripletgen.captions.sources import EMBEDDED, SourceSpec, expand_sources, read_source
from tripletgen.depiction import LEAST_SCORE, WEIGHTS, evidence, may_depict
from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import ParsedCaption, parse
from tripletgen.retag import mend_parse
from tripletgen.schema import Caption
from tripletgen.soundness import is_sound

LABELS = Path(__file__).with_suffix(".tsv")
PENALTY, LEAST_SEEN, SCALE = 2.0, 5, 100
MORE = 8000
FOLDS = 5
Floats = npt.NDArray[np.float64]


def labelled(data: Path) -> tuple[list[set[str]], Floats, npt.NDArray[np.bool_]]:
    """Return the evidence of the labelled captions that are weighed at all, their labels, and which were drawn at random."""
    (source,) = expand_sources([SourceSpec(str(data / "captions/cc3m_val.tsv"))])
    with LABELS.open(encoding="utf-8") as file:
        labels = {row: (float(label), drawn == "random") for row, label, drawn in csv.reader(file, delimiter="\t")}
    texts = {row: clean_caption(raw)[0] for row, raw in read_source(source) if raw is not None and row in labels}
    kept = [row for row, text in texts.items() if may_depict(text)]
    parses = parsed_of([Caption(texts[row], "", row, "", 0) for row in kept])
    sound = [(row, parsed) for row, parsed in zip(kept, parses, strict=True) if is_sound(parsed)]
    items = [{*evidence(parsed)} for _, parsed in sound]
    return items, np.array([labels[row][0] for row, _ in sound]), np.array([labels[row][1] for row, _ in sound])


def descriptions(data: Path) -> list[Caption]:
    """Return the embedded captions and the first ones of Multi30k."""
    found = []
    for path in (EMBEDDED, str(data / "captions/multi30k.train.1.en.gz")):
        found += islice(iter_clean(expand_sources([SourceSpec(path)]), None, lambda _: None, Counter()), MORE)
    return found


def parsed_of(captions: Sequence[Caption]) -> list[ParsedCaption]:
    """Return the mended parse of each caption."""
    lexicon = load_lexicon()
    return [mend_parse(parsed, lexicon) for parsed in parse(captions)]


def fit(items: list[set[str]], labels: Floats, more: list[set[str]]) -> dict[str, float]:
    """Return the weights of the evidence that is seen more than a few times, and the bias, of a logistic regression.

    `more` are known to be descriptions. Shape: items (captions), labels (captions), more (any).
    """
    items, labels = [*items, *more], np.concatenate([labels, np.ones(len(more))])
    seen = Counter(item for caption in items for item in caption)
    names = sorted(item for item, count in seen.items() if count >= LEAST_SEEN)
    place = {name: k for k, name in enumerate(names)}
    rows = [[place[item] for item in sorted(caption) if item in place] for caption in items]
    flat, starts = torch.tensor([k for row in rows for k in row]), torch.tensor(np.cumsum([0, *map(len, rows)])[:-1])
    weights = torch.zeros(len(names), 1, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    target = torch.from_numpy(labels)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        scores = torch.nn.functional.embedding_bag(flat, weights, starts, mode="sum").squeeze(1) + bias
        value = torch.nn.functional.binary_cross_entropy_with_logits(scores, target, reduction="sum")
        value = value + PENALTY * (weights**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return {"bias": bias.item(), **dict(zip(names, weights.squeeze(1).tolist(), strict=True))}


def scores_of(items: Sequence[set[str]], weights: dict[str, float]) -> Floats:
    """Return the sum of the weights of each caption's evidence."""
    return np.array([weights["bias"] + sum(weights.get(item, 0.0) for item in caption) for caption in items])


def cross_validate(items: list[set[str]], labels: Floats, more: list[set[str]]) -> Floats:
    """Return the score of each labelled caption by weights that were computed without it."""
    found = np.zeros(len(items))
    for fold in np.array_split(np.random.default_rng(0).permutation(len(items)), FOLDS):
        rest = np.setdiff1d(np.arange(len(items)), fold)
        found[fold] = scores_of([items[k] for k in fold], fit([items[k] for k in rest], labels[rest], more))
    return found


def main() -> None:
    """Measure, print, and write the weights where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the caption files")
    parser.add_argument("--write", action="store_true", help="write the weights into the package")
    args = parser.parse_args()
    items, labels, is_random = labelled(args.data)
    more = [{*evidence(parsed)} for parsed in parsed_of(descriptions(args.data))]
    scores, known = cross_validate(items, labels, more)[is_random], labels[is_random]
    rows = []
    for least in (-1.0, 0.0, 0.5, 1.0, LEAST_SCORE / SCALE, 2.0):
        kept = scores > least
        rows.append((f"{least}", f"{kept.mean():.1%}", f"{known[kept].mean():.1%}", f"{known[kept].sum() / known.sum():.1%}"))
    print_table(
        f"{len(known)} captions, {known.mean():.1%} of them descriptions", ("score over", "kept", "of these right", "of all right"), rows
    )
    weights = {name: round(SCALE * value) for name, value in fit(items, labels, more).items()}
    print(f"{sum(value != 0 for value in weights.values()):,} weights")
    if args.write:
        lines = ",\n".join(f"{json.dumps(name)}: {value}" for name, value in sorted(weights.items()) if value)
        asset(WEIGHTS).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
