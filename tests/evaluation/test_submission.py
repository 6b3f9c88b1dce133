"""The test-server files hold what the servers ask for, and a file that a server would refuse is refused here."""

import json

import pytest

from rtd_train.errors import DataError
from rtd_train.evaluation.benchmarks import load_benchmark
from rtd_train.evaluation.ranking import embed_queries, rank
from rtd_train.evaluation.submission import check_submission, write_submission
from tests.evaluation import worlds


def without_answers(queries, *keys):
    return [{key: value for key, value in query.items() if key not in keys} for query in queries]


@pytest.fixture
def cirr(tmp_path):
    root = worlds.write_cirr(tmp_path / "cirr", without_answers(worlds.cirr_queries(), "target_hard"), "test1")
    return load_benchmark("cirr", root, "test1")[0]


@pytest.fixture
def circo(tmp_path):
    keys = ("target_img_id", "gt_img_ids", "semantic_aspects")
    root = worlds.write_circo(tmp_path / "circo", without_answers(worlds.circo_queries(), *keys), "test")
    return load_benchmark("circo", root, "test")[0]


def answered(task):
    features = worlds.random_features(task.images)
    return rank(task, features, embed_queries(task, features, lambda references, _texts: -references), 50)


def test_cirr_takes_fifty_names_and_three_names_of_the_set(cirr, tmp_path):
    paths = write_submission(tmp_path / "out", "cirr", cirr, answered(cirr))
    assert [path.name for path in paths] == ["cirr_recall.json", "cirr_recall_subset.json"]
    recall, subset = (json.loads(path.read_text()) for path in paths)
    assert list(recall) == ["version", "metric", "7", "10", "13", "16"]
    assert (recall["version"], recall["metric"], subset["metric"]) == ("rc2", "recall", "recall_subset")
    assert len(recall["7"]) == 50
    assert "dev-0-img0" not in recall["7"]
    assert set(subset["7"]) <= {f"dev-{number}-img0" for number in range(1, 6)}
    assert len(subset["7"]) == 3


def test_circo_takes_fifty_integer_ids(circo, tmp_path):
    (path,) = write_submission(tmp_path / "out", "circo", circo, answered(circo))
    content = json.loads(path.read_text())
    assert path.name == "circo.json"
    assert list(content) == ["0", "1", "2", "3"]
    assert len(set(content["0"])) == 50
    assert all(type(image) is int for image in content["0"])


def test_the_best_come_first(circo, tmp_path):
    ranking = answered(circo)
    (path,) = write_submission(tmp_path / "out", "circo", circo, ranking)
    assert json.loads(path.read_text())["2"] == [worlds.CIRCO_IDS[index] for index in ranking.top[2]]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda content: content.pop("2"), "1 queries have no predictions, such as 2"),
        (lambda content: content.update({"99": [1] * 50}), "1 predictions are of no query of the split, such as 99"),
        (lambda content: content.update({"1": content["1"][:49]}), "query 1: expected 50 image ids"),
        (lambda content: content.update({"1": [str(image) for image in content["1"]]}), "query 1: expected 50 image ids"),
        (lambda content: content.update({"1": [5, *content["1"][1:]]}), "query 1: 5 is no image of the gallery"),
        (lambda content: content["1"].__setitem__(1, content["1"][0]), "query 1: '1[0-9]+' is predicted twice"),
    ],
)
def test_a_file_that_circo_would_refuse_is_refused(damage, fault, circo, tmp_path):
    (path,) = write_submission(tmp_path / "out", "circo", circo, answered(circo))
    content = json.loads(path.read_text())
    damage(content)
    with pytest.raises(DataError, match=fault):
        check_submission(content, "circo", circo)


@pytest.mark.parametrize("change", [{"version": "rc1"}, {"metric": "mAP"}])
def test_a_file_of_another_version_or_metric_is_refused_for_cirr(change, cirr, tmp_path):
    path, _ = write_submission(tmp_path / "out", "cirr", cirr, answered(cirr))
    with pytest.raises(DataError, match="the file says version"):
        check_submission(json.loads(path.read_text()) | change, "cirr", cirr)
