"""Write a contact sheet: reference, relative caption and the first images that each system finds, as one HTML file."""

import base64
import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rtd_train.evaluation.benchmarks.task import Ranking, Task

if TYPE_CHECKING:
    from PIL.Image import Image

NUM_QUERIES, NUM_FOUND, _THUMB = 24, 6, 96
_STYLE = (
    "body{font:14px sans-serif;margin:24px;color:#222}figure{display:inline-block;margin:2px;text-align:center}"
    "img{display:block;border:3px solid #ddd;width:96px;height:96px;object-fit:contain}"
    ".target img{border-color:#1a8f3c}section{border-top:1px solid #ccc;padding:8px 0}"
    "b{display:inline-block;min-width:90px}h2{font-size:15px;font-weight:normal}"
)


class Shown(NamedTuple):
    """A system's name and what it found."""

    name: str
    ranking: Ranking


def write_sheet(
    path: Path, systems: Sequence[Shown], task: Task, open_image: "Callable[[str], Image]", num_queries: int = NUM_QUERIES
) -> None:
    """Write the first queries of a task with what each system found; the target is framed in green.

    Queries at which the systems differ come first: they are what one looks for.
    """
    found = [system.ranking.top if system.ranking.top is not None else system.ranking.members for system in systems]
    assert all(rows is not None for rows in found)
    order = sorted(range(len(task.query_ids)), key=lambda row: len({int(rows[row, 0]) for rows in found if rows is not None}) == 1)
    sections = []
    for row in order[:num_queries]:
        lines = [
            _line(task, system.name, rows[row, :NUM_FOUND].tolist(), row, open_image)
            for system, rows in zip(systems, found, strict=True)
            if rows is not None
        ]
        reference = _figure(open_image(task.images[task.references[row]]), "reference", is_target=False)
        texts = " / ".join(html.escape(text) for text in task.texts[row])
        sections.append(f"<section><h2>{texts}</h2><div><b>reference</b>{reference}</div>{''.join(lines)}</section>")
    title = html.escape(task.name)
    page = f"<!doctype html><meta charset='utf-8'><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{''.join(sections)}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _line(task: Task, name: str, ids: Sequence[int], row: int, open_image: "Callable[[str], Image]") -> str:
    target = None if task.truth.targets is None else int(task.truth.targets[row])
    figures = [_figure(open_image(task.images[index]), task.images[index], is_target=index == target) for index in ids if index >= 0]
    return f"<div><b>{html.escape(name)}</b>{''.join(figures)}</div>"


def _figure(image: "Image", caption: str, *, is_target: bool) -> str:
    small = image.copy()
    small.thumbnail((_THUMB, _THUMB))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    escaped = html.escape(caption, quote=True)
    kind = "target" if is_target else "other"
    return f"<figure class='{kind}'><img alt='{escaped}' title='{escaped}' src='data:image/png;base64,{data}'></figure>"
