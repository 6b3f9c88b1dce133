"""Write the data card: the README of a data set, from its manifest."""

from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tripletgen.assets import asset
from tripletgen.schema import EDIT_TYPES
from tripletgen.shards.manifest import Manifest, write_text

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
# The Hub's tag of a licence; what is not here is "other", and its name stands in the text.
_HUB_LICENCES = {"CC0-1.0": "cc0-1.0", "CC-BY-4.0": "cc-by-4.0", "CC-BY-SA-4.0": "cc-by-sa-4.0", "Apache-2.0": "apache-2.0", "MIT": "mit"}
NUM_EXAMPLES = 8


def write_card(folder: Path, manifest: Manifest) -> None:
    """Write `folder/README.md`; every text of a stranger is escaped."""
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["cell"] = markdown_cell
    licences = list(manifest["triplets"]["licence"])
    text = environment.from_string(asset("data_cards/card.md").read_text(encoding="utf-8")).render(
        manifest=manifest,
        recipe=manifest["recipe"],
        aspects=EDIT_TYPES,
        licences=licences,
        licence_tag=_HUB_LICENCES.get(licences[0], "other") if len(licences) == 1 else "other",
        size_category=next((name for limit, name in _SIZES if manifest["triplets"]["total"] < limit), "n>10M"),
        examples=_examples(folder, manifest),
    )
    write_text(folder / "README.md", text)


def _examples(folder: Path, manifest: Manifest) -> list[dict[str, Any]]:
    """Return rows of different edit types from the first shard, always the same ones."""
    first = next(iter(manifest["splits"].values()))["files"][0]["path"]
    columns = ["reference_caption", "modification_text", "target_caption", "edit_type"]
    with pq.ParquetFile(folder / first) as file:
        rows = next(file.iter_batches(batch_size=2000, columns=columns)).to_pylist()
    by_type: dict[str, dict[str, Any]] = {}
    for row in rows:
        if len(row["reference_caption"]) < 80:
            by_type.setdefault(row["edit_type"], row)
    return list(islice(by_type.values(), NUM_EXAMPLES))


def markdown_cell(text: str) -> str:
    """Return a text that a Markdown table shows as it is."""
    for character in "\\`*_{}[]<>|#":
        text = text.replace(character, "\\" + character if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character])
    return text.replace("\n", " ")
