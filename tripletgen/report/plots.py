"""Draw the plots of a report. The only door to matplotlib.

A chart is drawn once for both themes: its colours are placeholders that become variables of the page's style sheet.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tripletgen.errors import MissingExtraError
from tripletgen.figures import Figures, most_common
from tripletgen.schema import EDIT_TYPES, PHRASINGS
from tripletgen.shards.manifest import Manifest

# First words of the human modification texts, counted in the validation sets: CIRR (4,181 texts), CIRCO (220).
CIRR_TEXTS, CIRCO_TEXTS = 4181, 220
CIRR_FIRST = {"shows": 367, "the": 347, "change": 339, "make": 322, "show": 255, "remove": 192, "put": 158, "a": 130, "add": 127}
CIRCO_FIRST = {"is": 91, "has": 87, "are": 19, "shows": 16}
_LONGEST = 30
_WIDTH = 3.7


class Palette(NamedTuple):
    """The colours of a drawing."""

    ink: str
    grid: str
    series: tuple[str, str, str]


# Colours that stand for variables of the page's style sheet, and those of a picture on white.
_PLACEHOLDERS = Palette("#010203", "#040506", ("#070809", "#0a0b0c", "#0d0e0f"))
_VARIABLES = Palette("var(--ink)", "var(--grid)", ("var(--series-0)", "var(--series-1)", "var(--series-2)"))
_ON_WHITE = Palette("#1f2328", "#d0d7de", ("#0b6bcb", "#b35900", "#2e7d32"))


class Chart(NamedTuple):
    """A plot before it is drawn: labels, and one value a label for every series."""

    name: str
    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    is_share: bool = False
    is_histogram: bool = False


def charts_of(manifest: Manifest, figures: Figures) -> list[Chart]:
    """Return the charts of a data set; what it has no numbers for is left out."""
    counts = manifest["triplets"]
    charts = [
        _bars("edit_types", "Edit types", {name: counts["edit_type"][name] for name in EDIT_TYPES if name in counts["edit_type"]}),
        _bars("phrasings", "Phrasings", {name: counts["phrasing"][name] for name in PHRASINGS if name in counts["phrasing"]}),
        _bars("origins", "Origins", counts["origin"]),
        _lengths(figures),
        _first_words(figures),
        _bars("dropped_captions", "Captions not used, by reason", _falling(manifest["captions"]["dropped"])),
        _bars("rejected_candidates", "Candidates rejected, by reason", _falling(manifest["candidates"]["rejected"])),
    ]
    return [chart for chart in charts if chart.labels]


def _falling(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _bars(name: str, title: str, counts: Mapping[str, int]) -> Chart:
    return Chart(name, title, tuple(counts), {"rows": tuple(counts.values())})


def _lengths(figures: Figures) -> Chart:
    labels = [str(length) for length in range(1, _LONGEST)] + [f"{_LONGEST}+"]
    series = {column.replace("_", " "): tuple(_shares(counts)) for column, counts in figures.words.items()}
    return Chart("lengths", "Words a text", labels, series, is_share=True, is_histogram=True)


def _shares(counts: Counter[int]) -> Iterator[float]:
    total = max(counts.total(), 1)
    yield from (counts[length] / total for length in range(1, _LONGEST))
    yield sum(count for length, count in counts.items() if length >= _LONGEST) / total


def _first_words(figures: Figures) -> Chart:
    words = list(dict.fromkeys([*most_common(figures.first_words, 10), *list(CIRR_FIRST)[:8], *CIRCO_FIRST]))
    series: dict[str, Sequence[float | None]] = {
        "this data set": [figures.first_words[word] / max(figures.rows, 1) for word in words],
        "CIRR": [CIRR_FIRST[word] / CIRR_TEXTS if word in CIRR_FIRST else None for word in words],
        "CIRCO": [CIRCO_FIRST[word] / CIRCO_TEXTS if word in CIRCO_FIRST else None for word in words],
    }
    return Chart("first_words", "First words of the modification texts", words, series, is_share=True)


def _draw(chart: Chart, palette: Palette) -> Any:
    """Return a matplotlib figure; no global state is touched, so a notebook's own plots stay as they are."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    height = 2.6 if chart.is_histogram else 0.55 + (0.23 if len(chart.series) == 1 else 0.4) * len(chart.labels)
    figure = Figure(figsize=(_WIDTH, max(height, 0.9)), layout="constrained")
    axes = figure.add_subplot()
    (_draw_histogram if chart.is_histogram else _draw_bars)(axes, chart, palette)
    if chart.is_share:
        (axes.yaxis if chart.is_histogram else axes.xaxis).set_major_formatter(PercentFormatter(1, decimals=0))
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=8, colors=palette.ink)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y" if chart.is_histogram else "x", color=palette.grid, linewidth=0.6)
    if len(chart.series) > 1:
        axes.legend(frameon=False, fontsize=8, labelcolor=palette.ink)
    return figure


def _draw_bars(axes: Any, chart: Chart, palette: Palette) -> None:
    thickness = (0.76 if len(chart.labels) > 2 else 0.4) / len(chart.series)
    for order, (name, values) in enumerate(chart.series.items()):
        places = [index + order * thickness for index in range(len(chart.labels))]
        bars = axes.barh(places, [value or 0 for value in values], height=thickness, color=palette.series[order], label=name)
        if len(chart.series) == 1:
            axes.bar_label(bars, [f"{value:,}" for value in values], padding=2, fontsize=8, color=palette.ink)
    axes.margins(x=0.16, y=0.01)
    middle = (len(chart.series) - 1) * thickness / 2
    axes.set_yticks([index + middle for index in range(len(chart.labels))], chart.labels)
    axes.invert_yaxis()
    axes.locator_params(axis="x", nbins=4)


def _draw_histogram(axes: Any, chart: Chart, palette: Palette) -> None:
    from matplotlib.ticker import MaxNLocator

    for (name, values), colour, line in zip(chart.series.items(), palette.series, ("-", "--", ":"), strict=True):
        axes.plot(range(len(values)), values, color=colour, label=name, linewidth=1.6, drawstyle="steps-mid", linestyle=line)
    ticks = range(4, len(chart.labels), 5)
    axes.set_xticks(list(ticks), [chart.labels[tick] for tick in ticks])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def check_matplotlib() -> None:
    """Load matplotlib, or say what installs it.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("plots need the matplotlib library", "pip install 'tripletgen[report]'") from error


def _colours(palette: Palette) -> tuple[str, ...]:
    return (palette.ink, palette.grid, *palette.series)


def draw_svg(chart: Chart) -> str:
    """Return an inline SVG element whose colours are the page's and whose text is text."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": chart.name, "font.family": "sans-serif"}):
        _draw(chart, _PLACEHOLDERS).savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{chart.name}-", text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    for placeholder, variable in zip(_colours(_PLACEHOLDERS), _colours(_VARIABLES), strict=True):
        text = text.replace(placeholder, variable)
    return text.replace("<svg ", f'<svg role="img" aria-label="{chart.title}" ', 1)


def draw_png(chart: Chart) -> bytes:
    """Return a PNG on white, for places that show no SVG, such as a data card."""
    figure = _draw(chart, _ON_WHITE)
    figure.suptitle(chart.title, fontsize=9, color=_ON_WHITE.ink)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()
