"""Write and check the files that the test servers of CIRR and CIRCO take."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rtd_train.errors import DataError
from rtd_train.evaluation.benchmarks.task import Ranking, Task
from rtd_train.evaluation.ranking import check_predictions, names_of

CIRR_TOP, CIRR_SUBSET_TOP, CIRCO_TOP = 50, 3, 50
_AGAIN = "write the file again with `rtd_train submit`"

Prediction = dict[str, Any]


def cirr_predictions(task: Task, ranking: Ranking) -> dict[str, Prediction]:
    """Return the content of CIRR's two files by the name of their metric."""
    assert ranking.top is not None
    assert ranking.members is not None
    top = names_of(task, ranking.top[:, :CIRR_TOP].tolist())
    subset = names_of(task, ranking.members[:, :CIRR_SUBSET_TOP].tolist())
    return {
        "recall": {"version": "rc2", "metric": "recall", **dict(zip(task.query_ids, top, strict=True))},
        "recall_subset": {"version": "rc2", "metric": "recall_subset", **dict(zip(task.query_ids, subset, strict=True))},
    }


def circo_predictions(task: Task, ranking: Ranking) -> dict[str, Prediction]:
    """Return the content of CIRCO's file: integer image ids."""
    assert ranking.top is not None
    top = [[int(name) for name in row] for row in names_of(task, ranking.top[:, :CIRCO_TOP].tolist())]
    return {"circo": dict(zip(task.query_ids, top, strict=True))}


PREDICTIONS = {"cirr": cirr_predictions, "circo": circo_predictions}
SERVER_SPLITS = {"cirr": "test1", "circo": "test"}


def write_submission(folder: Path, benchmark: str, task: Task, ranking: Ranking) -> list[Path]:
    """Write the files of a benchmark, each checked after it is read back, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for metric, content in PREDICTIONS[benchmark](task, ranking).items():
        path = folder / (f"{benchmark}_{metric}.json" if metric != benchmark else f"{benchmark}.json")
        unfinished = path.with_name(f"{path.name}.tmp")
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        check_submission(json.loads(unfinished.read_text(encoding="utf-8")), benchmark, task)
        os.replace(unfinished, path)
        paths.append(path)
    return paths


def check_submission(content: Mapping[str, Any], benchmark: str, task: Task) -> None:
    """Raise a DataError unless a server would take a file: every query once, the right number of known images, none twice."""
    rows: dict[str, Any] = dict(content)
    if benchmark == "cirr":
        version, metric = rows.pop("version", None), rows.pop("metric", None)
        if version != "rc2" or metric not in ("recall", "recall_subset"):
            raise DataError(f"the file says version {version!r} and metric {metric!r}", "CIRR takes rc2, and recall or recall_subset")
        wanted = CIRR_TOP if metric == "recall" else CIRR_SUBSET_TOP
    else:
        wanted = CIRCO_TOP
    kind: type = str if benchmark == "cirr" else int
    _check_queries(rows, task)
    known = set(task.images[: task.gallery_size])
    for query_id, row in rows.items():
        if not isinstance(row, list) or len(row) != wanted or not all(type(image) is kind for image in row):
            raise DataError(f"query {query_id}: expected {wanted} image {'ids' if kind is int else 'names'}", _AGAIN)
        foreign = [image for image in row if str(image) not in known]
        if foreign:
            raise DataError(f"query {query_id}: {foreign[0]!r} is no image of the gallery", _AGAIN)
    check_predictions([list(map(str, row)) for row in rows.values()], list(rows))


def _check_queries(rows: Mapping[str, Sequence[Any]], task: Task) -> None:
    missing, foreign = set(task.query_ids) - rows.keys(), rows.keys() - set(task.query_ids)
    if missing:
        raise DataError(f"{len(missing)} queries have no predictions, such as {min(missing)}", _AGAIN)
    if foreign:
        raise DataError(f"{len(foreign)} predictions are of no query of the split, such as {min(foreign)}", _AGAIN)
