"""Write the data card: the README of a data set, from its manifest and the counts of its shards."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tripletgen.assets import asset
from tripletgen.captions.sources import EMBEDDED, HUB_PREFIX
from tripletgen.figures import TEXTS, Figures, add_up, count_sources, describe_lengths, measure, measure_quality, most_common
from tripletgen.licences import Derived, derive_licence, find_licence, licences_of_rejects
from tripletgen.schema import ARROW_SCHEMA, EDIT_TYPES
from tripletgen.shards.manifest import Manifest, reject_files, write_text

CARD = "README.md"
FIGURES = "figures"
NUM_EXAMPLES = 8
_TOP = 12
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
_MEANING = {
    "triplet_id": "hash of the three normalised texts",
    "reference_caption": "the caption that stands for the reference image",
    "modification_text": "what to change (also called relative caption, conditioning text)",
    "target_caption": "the caption that stands for the target image",
    "origin": "`rule`, `pair` (both captions are real) or `llm`",
    "edit_type": "what changes, see below",
    "phrasing": "how the modification is worded, see below",
    "source_phrase": "the words of the reference that went, if any",
    "target_phrase": "the words of the target that came, if any",
    "generator": "the rule, or the prompt and the model, that made the row",
    "source": "the file or data set that the reference caption came from",
    "source_id": "its row there",
    "licence": "licence of the source",
    "group_id": "hash of the normalised reference caption: equal references share it",
}


Lend = Callable[[str], AbstractContextManager[Path]]


def write_card(folder: Path, manifest: Manifest, counted: Mapping[str, Figures] | None = None, lend: Lend | None = None) -> None:
    """Write `folder/README.md`; every text of a stranger is escaped.

    Figures of a report (`figures/*.png`) are shown where they lie in the folder. `counted` are the counts of each split, made here where
    nobody made them yet. `lend` provides a shard while it is read, where the shards do not lie in the folder; then they are given.
    """
    import jinja2

    lend = lend or (lambda name: nullcontext(folder / name))
    counted = counted or count_splits(folder, manifest)
    figures, sizes = add_up(counted.values()), {split: part.bytes for split, part in counted.items()}
    files = [file["path"] for entry in manifest["splits"].values() for file in entry["files"]]
    rows, sources = manifest["triplets"]["licence"], manifest["sources"]
    # What was rejected is published too, and a source may have nothing else in the data set.
    rejects = licences_of_rejects(count_sources(_lent(reject_files(manifest), lend)), sources)
    licence = derive_licence(rows, sources, rejects)

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"cell": markdown_cell, "number": "{:,}".format, "percent": "{:.1%}".format}
    text = environment.from_string(asset("data_cards/card.md").read_text(encoding="utf-8")).render(
        front_matter=yaml.safe_dump(front_matter(sizes, manifest, licence), sort_keys=False, allow_unicode=True, width=1000),
        manifest=manifest,
        recipe=yaml.safe_dump(manifest["recipe"], sort_keys=False, allow_unicode=True).replace("```", "'''"),
        aspects=EDIT_TYPES,
        columns=[(field.name, _type_name(field.type), field.nullable, _MEANING[field.name]) for field in ARROW_SCHEMA],
        words={column: describe_lengths(counts) for column, counts in figures.words.items()},
        first_words=most_common(figures.first_words, _TOP),
        quality=measure_quality(_lent(files, lend)),
        licence=licence,
        licences={name: find_licence(name) for name in (*rows, *rejects)},
        rejects=rejects,
        source_licences={source["name"]: source["licence"] for source in manifest["sources"]},
        examples=_examples(manifest, lend),
        pictures=[path.relative_to(folder).as_posix() for path in sorted((folder / FIGURES).glob("*.png"))],
    )
    write_text(folder / CARD, text)


def count_splits(folder: Path, manifest: Manifest) -> dict[str, Figures]:
    """Return the counts of each split of a data set whose shards lie in its folder.

    Raises:
        DataError: a shard is missing or damaged.
    """
    return {split: add_up(measure(folder / file["path"]) for file in entry["files"]) for split, entry in manifest["splits"].items()}


def _lent(names: Iterable[str], lend: Lend) -> Iterator[Path]:
    """Yield every file for as long as it is read."""
    for name in names:
        with lend(name) as path:
            yield path


def front_matter(sizes: Mapping[str, int], manifest: Manifest, derived: Derived) -> dict[str, Any]:
    """Return the metadata of a data set, its splits of these sizes, under its derived licence, in the keys of the Hub's dataset cards."""
    total = manifest["triplets"]["total"]
    licence: dict[str, Any] = {"license": derived.tags[0]}
    if derived.strictest is not None and derived.strictest.tag == "other":
        licence |= {"license_name": derived.strictest.name.lower(), "license_link": derived.strictest.url}
    return {
        "pretty_name": "Text triplets for composed image retrieval",
        "language": ["en"],
        **licence,
        "task_categories": ["text-retrieval", "sentence-similarity"],
        "tags": ["composed-image-retrieval", "zero-shot-composed-image-retrieval", "text-triplets", "rtd", "clip", "tripletgen"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["found", "machine-generated"],
        "multilinguality": ["monolingual"],
        "source_datasets": sorted({_source_dataset(source["name"]) for source in manifest["sources"]}),
        "size_categories": [next((name for limit, name in _SIZES if total < limit), "100M<n<1B")],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in manifest["splits"]],
            }
        ],
        "dataset_info": {
            "features": [{"name": field.name, "dtype": _type_name(field.type)} for field in ARROW_SCHEMA],
            "splits": [
                {"name": name, "num_bytes": sizes[name], "num_examples": entry["rows"]} for name, entry in manifest["splits"].items()
            ],
            "download_size": sum(file["bytes"] for entry in manifest["splits"].values() for file in entry["files"]),
            "dataset_size": sum(sizes.values()),
        },
    }


def _source_dataset(source: str) -> str:
    """Return the Hub's word for where captions come from: a data set's name, `original` for ours, `extended` for other people's."""
    if source.startswith(HUB_PREFIX):
        return source.removeprefix(HUB_PREFIX).partition("#")[0].partition("@")[0]
    return "original" if source.startswith(f"{EMBEDDED}/") else "extended"


def _type_name(kind: pa.DataType) -> str:
    """Return the type as readers of the Parquet files see it: dictionaries are strings there."""
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _examples(manifest: Manifest, lend: Lend) -> list[Mapping[str, Any]]:
    """Return short rows of different edit types from the first shard, always the same ones."""
    first = next(iter(manifest["splits"].values()))["files"][0]["path"]
    with lend(first) as path, pq.ParquetFile(path) as file:
        rows = next(file.iter_batches(batch_size=2000, columns=[*TEXTS, "edit_type", "phrasing"])).to_pylist()
    by_type: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if len(row["reference_caption"]) < 80:
            by_type.setdefault(row["edit_type"], row)
    return list(islice(by_type.values(), NUM_EXAMPLES))


def markdown_cell(text: str) -> str:
    """Return a text that a Markdown table shows as it is."""
    text = text.replace("&", "&amp;")
    for character in "\\`*_{}[]<>|#":
        text = text.replace(character, "\\" + character if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character])
    return text.replace("\n", " ")
