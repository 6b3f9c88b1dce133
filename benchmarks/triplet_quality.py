"""Measure the texts of a build: faults, variety, nearness to what people write, and plausibility of the targets.

python benchmarks/triplet_quality.py [--data DIR] [--build DIR] [--rows N] [--perplexity-rows N] [--json FILE]
"""

import argparse
import math
import os
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from corpora import CC3M, data_file, human_texts
from faults import judge_faults
from perplexity import MODEL, LanguageModel, random_noun_edits
from report import percent, print_table, write_json

import tripletgen
from tripletgen.captions.sources import SourceSpec
from tripletgen.errors import TripletgenError
from tripletgen.options import BuildOptions
from tripletgen.schema import EDIT_TYPES, PHRASINGS, Triplet, normalise
from tripletgen.shards.manifest import read_manifest

_MAX_PERPLEXITY_RATIO = 1.15


def show_shares(title: str, names: Iterable[str], values: list[str], bar: str) -> dict[str, float]:
    """Print and return the share of each name among values."""
    counts = Counter(values)
    print_table(title, ("", "rows", "share", "bar"), [(n, str(counts[n]), percent(counts[n], len(values)), bar) for n in names])
    return {name: counts[name] / len(values) for name in names}


def compare_styles(texts: dict[str, list[str]]) -> dict[str, Any]:
    """Print and return lengths and first words of sets of modification texts, and how far the sets lie apart."""
    lengths = {name: Counter(len(text.split()) for text in found) for name, found in texts.items()}
    first = {name: Counter(normalise(text).partition(" ")[0] for text in found) for name, found in texts.items()}
    described = {name: describe(counts) for name, counts in lengths.items()}
    print_table(
        "words a modification text",
        ("", "texts", "mean", "median", "p95"),
        [(name, f"{len(texts[name]):,}", *(f"{value:.1f}" for value in described[name].values())) for name in texts],
    )
    top = dict.fromkeys(word for counts in first.values() for word, _ in counts.most_common(8))
    shares = [(word, *(percent(first[name][word], len(texts[name])) for name in texts)) for word in top]
    print_table("first words", ("", *texts), shares)
    ours, *human = texts
    pairs = [*((ours, name) for name in human), tuple(human)]
    apart = {f"{a} - {b}": (divergence(lengths[a], lengths[b]), divergence(first[a], first[b])) for a, b in pairs}
    # The distance of two sets of people's texts is the yardstick; CIRCO's 220 texts are few, and noise widens each distance to them.
    rows = [(name, *(f"{value:.3f}" for value in values)) for name, values in apart.items()]
    print_table("Jensen-Shannon divergence, base 2", ("", "lengths", "first words"), rows)
    return {"lengths": described, "first_words": {n: dict(c.most_common(20)) for n, c in first.items()}, "divergence": apart}


def describe(counts: Counter[int]) -> dict[str, float]:
    """Return mean, median and 95th percentile."""
    values = sorted(counts.elements())
    return {"mean": statistics.fmean(values), "median": statistics.median(values), "p95": values[math.ceil(0.95 * len(values)) - 1]}


def divergence(one: Counter[Any], other: Counter[Any]) -> float:
    """Return the Jensen-Shannon divergence of two histograms, from 0 (equal) to 1 (nothing in common)."""
    total = 0.0
    for key in one | other:
        shares = one[key] / one.total(), other[key] / other.total()
        total += sum(share * math.log2(2 * share / sum(shares)) for share in shares if share) / 2
    return total


def compare_perplexities(rows: list[Triplet], seed: int) -> dict[str, dict[str, float]]:
    """Print and return the median ratio of perplexities, target to reference, of our edits and of random-noun edits."""
    references = [row.reference_caption for row in rows]
    baseline = [(a, b) for a, b in zip(references, random_noun_edits(references, seed), strict=True) if b is not None]
    ours = [(row.reference_caption, row.target_caption) for row in rows]
    perplexity = LanguageModel().perplexities(chain.from_iterable(ours + baseline))
    by_type = {t: [pair for row, pair in zip(rows, ours, strict=True) if row.edit_type == t] for t in EDIT_TYPES}
    groups = {"all edits": ours, "random noun (baseline)": baseline} | {t: pairs for t, pairs in by_type.items() if pairs}
    figures = {}
    for name, pairs in groups.items():
        ratios = [perplexity[target] / perplexity[reference] for reference, target in pairs]
        share = sum(ratio <= _MAX_PERPLEXITY_RATIO for ratio in ratios) / len(ratios)
        figures[name] = {"rows": len(ratios), "median_ratio": statistics.median(ratios), "share_within_bar": share}
    table = [
        (
            name,
            str(f["rows"]),
            f"{f['median_ratio']:.3f}",
            f"<= {_MAX_PERPLEXITY_RATIO}" if name == "all edits" else "",
            percent(f["share_within_bar"], 1),
        )
        for name, f in figures.items()
    ]
    print_table(f"perplexity of the target / of the reference, {MODEL}", ("", "rows", "median", "bar", "rows within 1.15"), table)
    return figures


def built_rows(build: Path | None, data: Path) -> list[Triplet]:
    """Return every row of a build, made here from CC3M validation if none is given."""
    if build is not None:
        return [row for split in read_manifest(build)["splits"] for row in tripletgen.read_triplets(build, split)]
    source = data_file(data, CC3M)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        tripletgen.build(BuildOptions(str(out), sources=(SourceSpec(str(source)),), workers=min(4, os.cpu_count() or 1)))
        return built_rows(out, data)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return the figures."""
    human = human_texts(args.data)
    rows = built_rows(args.build, args.data)
    rng = random.Random(args.seed)
    sample = rng.sample(rows, min(args.rows, len(rows)))
    return {
        "rows": {"built": len(rows), "sampled": len(sample)},
        "faults": judge_faults(sample),
        "edit_types": show_shares("edit types", EDIT_TYPES, [row.edit_type for row in sample], ">= 2 %"),
        "phrasings": show_shares("phrasings", PHRASINGS, [row.phrasing for row in sample], ""),
        "style": compare_styles({"ours": [row.modification_text for row in sample], **human}),
        "perplexity": compare_perplexities(sample[: args.perplexity_rows], args.seed) if args.perplexity_rows else None,
    }


def main() -> None:
    """Read the command line, measure, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of captions and human texts")
    parser.add_argument("--build", type=Path, help="a finished data set to judge; default: build one from CC3M validation")
    parser.add_argument("--rows", type=int, default=10_000, help="rows to sample")
    parser.add_argument("--perplexity-rows", type=int, default=300, help="rows of the sample to ask the language model about; 0: none")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    args = parser.parse_args()
    try:
        figures = measure(args)
    except TripletgenError as error:
        sys.exit(f"error: {error.message}; {error.hint}")
    write_json(args.json, figures)


if __name__ == "__main__":
    main()
