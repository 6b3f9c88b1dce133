"""Measure the mining of caption pairs: its time beside the plain miner in Python, its memory, and what comes out.

    python benchmarks/pairs.py [--data DIR] [--captions N] [--json FILE]

The plain miner is the usual dictionary from a caption without one word to the captions that are so; it knows no parts of speech and
keeps everything in memory. Both read the same parsed captions, in processes of their own, on one core.
"""

import argparse
import json
import random
import resource
import tempfile
import time
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from build import in_own_process
from corpora import MULTI30K, data_file
from report import print_table, write_json

from tripletgen.captions.clean import clean_caption
from tripletgen.captions.sources import SourceSpec, expand_sources, read_source
from tripletgen.edits.base import Edit, frame_of
from tripletgen.edits.wording import word_edit
from tripletgen.filters import reject
from tripletgen.lexicon import load_lexicon
from tripletgen.pairs.explain import explain
from tripletgen.pairs.join import join_masks
from tripletgen.pairs.likeness import Found
from tripletgen.parsing import parse, read_parsed, write_parsed
from tripletgen.retag import mend_parse
from tripletgen.schema import Caption, group_id_of
from tripletgen.stats import embedded_stats
from tripletgen.tasks import MaskTask
from tripletgen.units import MAX_PAIRS, mask_unit

UNIT = 16_384


def write_units(sources: list[Path], work: Path, limit: int) -> int:
    """Parse the distinct captions of files into units as a build has them, and return the number of units."""
    captions: dict[int, Caption] = {}
    for source in expand_sources([SourceSpec(str(path)) for path in sources]):
        for source_id, raw in islice(read_source(source), limit - len(captions)):
            text, reason = clean_caption(raw or "")
            if reason is None:
                group = group_id_of(text)
                captions.setdefault(group, Caption(text, source.name, source_id, "unknown", group))
    ordered = [captions[group] for group in sorted(captions)]
    (work / "parsed").mkdir(parents=True)
    (work / "masks").mkdir()
    lexicon = load_lexicon()
    starts = range(0, len(ordered), UNIT)
    for unit, start in enumerate(starts):
        rows = ordered[start : start + UNIT]
        path = work / "parsed" / f"{unit:05d}.arrow"
        write_parsed(path, (mend_parse(parsed, lexicon) for parsed in parse(rows)))
        path.with_suffix(".json").write_text(json.dumps({"key": str(unit), "captions": len(rows)}))
    return len(starts)


def mine(work: Path, units: int) -> dict[str, Any]:
    """Mask all units and join the masks, as a build does; return seconds, candidates and peak memory."""
    load_lexicon()
    start = time.perf_counter()
    for unit in range(units):
        mask_unit(MaskTask(str(work), unit))
    masked = time.perf_counter()
    join_masks([work / "masks" / f"{unit:05d}.parquet" for unit in range(units)], work / "pairs.parquet", threads=1)
    done = time.perf_counter()
    return {
        "masks_s": masked - start,
        "join_s": done - masked,
        "candidates": pq.read_metadata(work / "pairs.parquet").num_rows,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def mine_plainly(work: Path, units: int) -> dict[str, Any]:
    """Mine the pairs that differ in one word with a dictionary; return seconds, ordered pairs and peak memory."""
    words = [parsed.lowers for unit in range(units) for parsed in read_parsed(work / "parsed" / f"{unit:05d}.arrow")]
    start = time.perf_counter()
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, tokens in enumerate(words):
        for place in range(len(tokens)):
            alike[*tokens[:place], "", *tokens[place + 1 :]].append(row)
    pairs = {(one, other) for rows in alike.values() if len(rows) > 1 for one in rows for other in rows if one != other}
    seconds = time.perf_counter() - start
    return {"plain_s": seconds, "pairs": len(pairs), "plain_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def count_triplets(work: Path, units: int) -> dict[str, int]:
    """Return how many candidates are triplets by edit type, at most as many a caption as a build takes."""
    rows: dict[tuple[int, int], list[Found]] = defaultdict(list)
    for row in pq.read_table(work / "pairs.parquet").to_pylist():
        rows[row["unit"], row["row"]].append(Found(*(row[name] for name in Found._fields)))
    lexicon, stats, counts = load_lexicon(), embedded_stats(), Counter[str]()
    for unit in range(units):
        for number, parsed in enumerate(read_parsed(work / "parsed" / f"{unit:05d}.arrow")):
            if (unit, number) in rows:
                frame = frame_of(parsed, lexicon, stats)
                edits = ((explain(frame, found), found.text) for found in rows[unit, number])
                told = (edit.edit_type for edit, text in edits if isinstance(edit, Edit) and _is_accepted(parsed.text, edit, text))
                counts.update(islice(told, MAX_PAIRS))
    return dict(counts)


def _is_accepted(reference: str, edit: Edit, target: str) -> bool:
    return reject(reference, word_edit(edit, random.Random(0))[1], target, edit.edit_type) is None


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--captions", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    sources = [data_file(args.data, name) for name in MULTI30K]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        units = in_own_process(write_units, sources, work, args.captions)
        figures = in_own_process(mine, work, units) | in_own_process(mine_plainly, work, units)
        triplets = in_own_process(count_triplets, work, units)
        figures["triplets"] = sum(triplets.values())
    seconds = figures["masks_s"] + figures["join_s"]
    kinds = ", ".join(f"{name} {count:,}" for name, count in sorted(triplets.items()))
    rows = [
        ("seconds to mine", f"{seconds:.1f}", "<= 60", f"masks {figures['masks_s']:.1f}, join {figures['join_s']:.1f}"),
        ("ordered pairs with a mask in common", f"{figures['candidates']:,}", "", f"plain miner, one word: {figures['pairs']:,}"),
        ("triplets, at most 2 a caption", f"{figures['triplets']:,}", ">= 4,000", kinds),
        ("peak memory", f"{figures['peak'] / 1e9:.2f} GB", "", f"plain miner: {figures['plain_peak'] / 1e9:.2f} GB"),
        ("time, ours / plain miner", f"{seconds / figures['plain_s']:.2f} x", "", f"plain miner: {figures['plain_s']:.1f} s"),
    ]
    print_table("mined pairs, one core", ("", "measured", "bar", "beside"), rows)
    write_json(args.json, figures)


if __name__ == "__main__":
    main()
