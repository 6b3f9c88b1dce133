"""Write a report: one HTML file that holds its numbers, plots and rows, and asks no network for anything."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tripletgen
from tripletgen.assets import asset
from tripletgen.card import FIGURES, count_splits, write_card
from tripletgen.errors import OutputError
from tripletgen.figures import Figures, Quality, add_up, describe_lengths, measure, measure_quality
from tripletgen.report.plots import Chart, charts_of, check_matplotlib, draw_png, draw_svg
from tripletgen.report.sample import draw_rejects, draw_triplets
from tripletgen.schema import EDIT_TYPES
from tripletgen.shards.manifest import Manifest, read_manifest, write_manifest, write_text
from tripletgen.shards.reader import all_shards
from tripletgen.shards.writer import describe

SAMPLE = 4000
SAMPLED_REJECTS = 1500
# Every report says so near its beginning, before anything of the data set but its name.
_MARK, _HEAD = b'<meta name="generator" content="tripletgen ', 4096


class Report(NamedTuple):
    """What a report holds: its rows are a sample, its totals are exact."""

    path: str
    bytes: int
    triplets: int
    sampled: int


def default_path(folder: str | Path) -> Path:
    """Return where the report of a data set lies: beside its folder, for the folder holds what its manifest lists."""
    root = Path(folder).resolve()
    return root.with_name(f"{root.name}.report.html")


def check_target(folder: str | Path, out: str | Path | None = None) -> Path:
    """Return where a report of a data set goes: to `out`, or else beside the folder.

    Raises:
        OutputError: that is the data set or lies in it, or something stands there that is no report.
    """
    path = Path(out) if out is not None else default_path(folder)
    if path.resolve().is_relative_to(Path(folder).resolve()):
        raise OutputError(f"{path}: is the data set itself, or lies in it", "give --out a file outside of it")
    if not _may_replace(path):
        raise OutputError(f"{path}: exists and is no report", "give --out another file, or remove it first")
    return path


def _may_replace(path: Path) -> bool:
    """Tell whether nothing stands there, or a report."""
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_HEAD)
    except OSError:
        return not os.path.exists(path)  # Path.exists raises where a name is too long


def write_report(folder: str | Path, out: str | Path | None = None, *, sample: int = SAMPLE, seed: int = 0) -> Report:
    """Write the report of a finished data set; the seed chooses which rows can be browsed.

    Raises:
        DataError: the folder is no finished data set, or a shard is damaged.
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written, or may not be replaced.
    """
    check_matplotlib()
    root, path = Path(folder), check_target(folder, out)
    manifest = read_manifest(root)
    figures, quality = add_up(map(measure, all_shards(root))), measure_quality(all_shards(root))
    rows = draw_triplets(root, sample, seed)
    data = {"triplets": rows, "rejects": draw_rejects(root, SAMPLED_REJECTS, seed)}
    text = _render(root.resolve().name, manifest, (figures, quality), data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})", "give --out another file") from error
    return Report(str(path), path.stat().st_size, figures.rows, len(rows["rows"]))


def illustrate_card(folder: str | Path) -> list[Path]:
    """Write the plots as PNG files into the data set and show them in its card; the manifest lists them.

    Raises:
        DataError: the folder is no finished data set, or a shard is damaged.
        MissingExtraError: matplotlib is not installed.
        OutputError: the data set cannot be written to.
    """
    check_matplotlib()
    root = Path(folder)
    manifest = read_manifest(root)
    counted = count_splits(root, manifest)
    pictures = {f"{FIGURES}/{chart.name}.png": draw_png(chart) for chart in charts_of(manifest, add_up(counted.values()))}
    try:
        return _illustrate(root, manifest, counted, pictures)
    except OSError as error:
        remedy = "make room, or get the right to write there, and run the same command again"
        raise OutputError(f"{folder}: its card cannot be written ({error.strerror})", remedy) from error


def _illustrate(root: Path, manifest: Manifest, counted: Mapping[str, Figures], pictures: Mapping[str, bytes]) -> list[Path]:
    (root / FIGURES).mkdir(exist_ok=True)
    for name, picture in pictures.items():
        (root / name).write_bytes(picture)
    write_card(root, manifest, counted)
    new = {name: describe(root / name, name)._asdict() for name in ["README.md", *pictures]}
    kept = [entry for entry in manifest["files"] if entry["path"] not in new]
    write_manifest(root, {**manifest, "files": [*kept, *new.values()]})
    return [root / name for name in pictures]


def _render(name: str, manifest: Manifest, counted: tuple[Figures, Quality], data: Mapping[str, Any]) -> str:
    import jinja2
    from markupsafe import Markup

    figures, quality = counted
    folder = asset("report")
    script = (folder / "page.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": "{:,}".format, "percent": "{:.1%}".format}
    return environment.from_string((folder / "page.html").read_text(encoding="utf-8")).render(
        name=name,
        version=tripletgen.__version__,
        manifest=manifest,
        aspects=EDIT_TYPES,
        charts=[(chart, Markup(draw_svg(chart)), _table(chart)) for chart in charts_of(manifest, figures)],
        words={column: describe_lengths(counts) for column, counts in figures.words.items()},
        quality=quality,
        recipe=json.dumps(manifest["recipe"], indent=2, ensure_ascii=False),
        style=Markup((folder / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        # Only this script may run, so a caption could not even if it were not escaped.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=Markup(_json_in_html(data)),
        sampled=len(data["triplets"]["rows"]),
        sampled_rejects=len(data["rejects"]["rows"]),
    )


def _json_in_html(value: Any) -> str:
    """Return JSON that cannot end the element it stands in, nor open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _table(chart: Chart) -> list[list[str]]:
    """Return a chart's exact numbers, a row a label, for readers who cannot see it."""
    form = "{:.1%}" if chart.is_share else "{:,}"
    columns = [["-" if value is None else form.format(value) for value in values] for values in chart.series.values()]
    return [list(row) for row in zip(chart.labels, *columns, strict=True)]
