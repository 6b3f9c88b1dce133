"""Every benchmark is read from its official layout and scored as its protocol says, on real annotations where they are there."""

import json
from pathlib import Path

import pytest
import torch

from rtd_train.errors import DataError, UsageError
from rtd_train.evaluation.benchmarks import BENCHMARKS, find_benchmark, load_benchmark
from rtd_train.evaluation.benchmarks.fashioniq import joined
from rtd_train.evaluation.benchmarks.genecis import crop_of
from rtd_train.evaluation.metrics import NO_ID
from rtd_train.evaluation.ranking import embed_queries, rank
from tests.evaluation import brute, worlds

REAL = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real annotations (../shared/data) are not on this machine")
WRITERS = {"cirr": worlds.write_cirr, "circo": worlds.write_circo, "fashioniq": worlds.write_fashioniq, "genecis": worlds.write_genecis}


def roll_compose(references, texts):
    """Compose by rolling the reference by the length of the text, which rounds nothing, so that ties stay ties."""
    return torch.stack([row.roll(len(text)) for row, text in zip(references, texts, strict=True)])


def answered(task, features, top):
    return rank(task, features, embed_queries(task, features, roll_compose), top)


def brute_rankings(task, features, without_reference):
    """Rank with the plain implementation, from names and lists of numbers."""
    vectors = dict(zip(task.images, features.double().tolist(), strict=True))
    gallery = {name: vectors[name] for name in task.images[: task.gallery_size]}
    rankings = []
    for reference, wordings in zip(task.references, task.texts, strict=True):
        name = task.images[reference]
        total = torch.zeros(8, dtype=torch.float64)
        for text in wordings:
            composed = roll_compose(features[reference][None].double(), [text])[0].double()
            total += composed / composed.norm()
        rankings.append(brute.ranking_of(total.tolist(), gallery, [name] if without_reference else []))
    return rankings


def names(task, ids):
    return [[task.images[index] for index in row if index != NO_ID] for row in ids.tolist()]


@pytest.fixture(scope="module")
def real_root(tmp_path_factory):
    """Return the real annotations with every so-many-th query, in the official layouts, whole galleries."""
    root = tmp_path_factory.mktemp("real")
    for file, step in (
        ("cirr/captions/cap.rc2.val.json", 90),
        ("circo/val.json", 8),
        ("fashioniq/captions/cap.dress.val.json", 70),
        ("fashioniq/captions/cap.shirt.val.json", 100),
        ("genecis/change_object.json", 10),
    ):
        worlds.write_json(root / file, json.loads((REAL / file).read_text())[::step])
    for file in (
        "cirr/image_splits/split.rc2.val.json",
        "fashioniq/image_splits/split.dress.val.json",
        "fashioniq/image_splits/split.shirt.val.json",
    ):
        worlds.write_json(root / file, json.loads((REAL / file).read_text()))
    return root


# Random numbers hardly tie; the whole ones tie all the time, and every tie must go by the gallery's order.
@pytest.fixture(params=[worlds.random_features, worlds.whole_features], ids=["random", "ties"])
def make_features(request):
    return request.param


@needs_real
def test_cirr_equals_the_plain_protocol_on_real_annotations(real_root, make_features):
    (task,) = load_benchmark("cirr", real_root / "cirr")
    features = make_features(task.images)
    scores = BENCHMARKS["cirr"].score(task, answered(task, features, 50))
    raw = json.loads((real_root / "cirr/captions/cap.rc2.val.json").read_text())
    targets = [query["target_hard"] for query in raw]
    subsets = [[name for name in query["img_set"]["members"] if name != query["reference"]] for query in raw]
    rankings = brute_rankings(task, features, without_reference=True)
    assert len(raw) == 47
    assert len(task.images) == 2297
    for k in (1, 5, 10, 50):
        assert scores[f"R@{k}"] == pytest.approx(brute.recall(rankings, targets, k))
    for k in (1, 2, 3):
        assert scores[f"subset R@{k}"] == pytest.approx(brute.recall_subset(rankings, subsets, targets, k))


@needs_real
def test_fashioniq_equals_the_plain_protocol_on_real_annotations(real_root, make_features):
    for task, size in zip(load_benchmark("fashioniq:dress,shirt", real_root / "fashioniq"), (3817, 6346), strict=True):
        features = make_features(task.images)
        scores = BENCHMARKS["fashioniq"].score(task, answered(task, features, 50))
        raw = json.loads((real_root / f"fashioniq/captions/cap.{task.name}.val.json").read_text())
        rankings = brute_rankings(task, features, without_reference=False)
        assert len(task.images) == size
        for k in (10, 50):
            assert scores[f"R@{k}"] == pytest.approx(brute.recall(rankings, [query["target"] for query in raw], k))


@needs_real
def test_circo_equals_the_plain_protocol_on_real_annotations(real_root, make_features):
    raw = json.loads((real_root / "circo/val.json").read_text())
    # The gallery is the images whose features are given: those of the queries, and others.
    known = {str(name) for query in raw for name in (query["reference_img_id"], *query["gt_img_ids"])} | {str(n) for n in range(1000)}
    (task,) = load_benchmark("circo", real_root / "circo", known=sorted(known))
    features = make_features(task.images)
    scores = BENCHMARKS["circo"].score(task, answered(task, features, 50))
    rankings = brute_rankings(task, features, without_reference=False)
    truths = [[str(name) for name in query["gt_img_ids"]] for query in raw]
    for k in (5, 10, 25, 50):
        assert scores[f"mAP@{k}"] == pytest.approx(brute.mean_average_precision(rankings, truths, k))
        assert scores[f"R@{k}"] == pytest.approx(brute.recall(rankings, [str(query["target_img_id"]) for query in raw], k))
    for aspect in {name for query in raw for name in query["semantic_aspects"]}:
        of_aspect = [number for number, query in enumerate(raw) if aspect in query["semantic_aspects"]]
        expected = sum(brute.average_precision(rankings[number], truths[number], 10) for number in of_aspect) / len(of_aspect)
        assert scores[f"mAP@10 {aspect}"] == pytest.approx(expected)


@needs_real
def test_genecis_equals_the_plain_protocol_on_real_annotations(real_root, make_features):
    (task,) = load_benchmark("genecis:change_object", real_root)
    features = make_features(task.images)
    scores = BENCHMARKS["genecis"].score(task, answered(task, features, 0))
    raw = json.loads((real_root / "genecis/change_object.json").read_text())
    rankings = brute_rankings(task, features, without_reference=False)
    galleries = [[str(image["val_image_id"]) for image in (query["target"], *query["gallery"])] for query in raw]
    targets = [str(query["target"]["val_image_id"]) for query in raw]
    for k in (1, 2, 3):
        assert scores[f"R@{k}"] == pytest.approx(brute.recall_subset(rankings, galleries, targets, k))


@needs_real
def test_the_whole_real_annotations_are_read():
    (cirr,) = load_benchmark("cirr", REAL / "cirr")
    dress, shirt = load_benchmark("fashioniq:dress,shirt", REAL / "fashioniq")
    (genecis,) = load_benchmark("genecis:change_object", REAL)
    assert (len(cirr.query_ids), cirr.gallery_size) == (4181, 2297)
    assert (len(dress.query_ids), dress.gallery_size, len(shirt.query_ids)) == (2017, 3817, 2038)
    assert len(genecis.query_ids) == 1960
    assert sorted(set((genecis.truth.members != NO_ID).sum(axis=1).tolist())) == [14, 15]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_read_ranked_and_scored(name, tmp_path):
    tasks = load_benchmark(name, WRITERS[name](tmp_path))
    assert len(tasks) == max(1, len(BENCHMARKS[name].parts))
    for task in tasks:
        scores = BENCHMARKS[name].score(task, answered(task, worlds.random_features(task.images), BENCHMARKS[name].top))
        assert all(0 <= value <= 1 for value in scores.values())
        (path, *_) = BENCHMARKS[name].image_paths(tmp_path, BENCHMARKS[name].splits[0])(task.images[0])
        assert path.suffix in (".png", ".jpg")


def test_the_file_that_says_where_the_images_of_cirr_lie_is_read_once_for_all(tmp_path):
    paths_of = BENCHMARKS["cirr"].image_paths(worlds.write_cirr(tmp_path), "val")
    (tmp_path / "image_splits/split.rc2.val.json").unlink()
    assert paths_of("dev-3-img0")[0] == tmp_path / "img_raw/dev/dev-3-img0.png"


def test_the_reference_is_in_the_ranking_of_circo_and_not_of_cirr(tmp_path):
    (circo,) = load_benchmark("circo", worlds.write_circo(tmp_path / "circo"))
    (cirr,) = load_benchmark("cirr", worlds.write_cirr(tmp_path / "cirr"))
    for task, expected in ((circo, True), (cirr, False)):
        features = worlds.random_features(task.images)
        ranking = rank(task, features, torch.nn.functional.normalize(features[task.references]), 50)
        found = [reference in row for reference, row in zip(task.references, ranking.top, strict=True)]
        assert found == [expected] * len(found)


def test_the_two_captions_of_fashioniq_are_stripped_and_joined_in_both_orders():
    assert joined(["is red.", " has sleeves?"]) == ("is red and has sleeves", "has sleeves and is red")


@pytest.mark.parametrize(
    ("name", "width", "height", "box"),
    [
        ("12_100_80_50_40", 500, 400, (65.0, 52.0, 150.0, 120.0)),  # to the left and the top
        ("12_10_20_30_40", 500, 400, (0.0, 0.0, 51.0, 68.0)),  # to the other sides too, where these are refused
        ("12_100_80_50_40", 140, 110, (65.0, 52.0, 140.0, 110.0)),
        ("12", 500, 400, None),
    ],
)
def test_the_box_of_an_attribute_task_is_dilated_as_its_authors_do(name, width, height, box):
    assert crop_of(name, width, height) == (box and pytest.approx(box))


def test_an_unknown_benchmark_lists_those_there_are():
    with pytest.raises(UsageError) as caught:
        find_benchmark("coco")
    assert caught.value.message == "no benchmark is called 'coco'"
    assert "fashioniq, cirr, circo, genecis" in caught.value.hint


def test_an_unknown_part_and_an_unknown_split_list_those_there_are(tmp_path):
    with pytest.raises(UsageError, match="fashioniq has no part 'sock'"):
        find_benchmark("fashioniq:sock")
    with pytest.raises(UsageError, match="cirr has no split 'train'"):
        load_benchmark("cirr", tmp_path, "train")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_missing_annotation_file_is_named_with_where_to_get_it(name, tmp_path):
    with pytest.raises(DataError, match="no such file") as caught:
        load_benchmark(name, tmp_path)
    assert str(tmp_path) in caught.value.message
    assert "get " in caught.value.hint


def test_annotations_of_another_version_are_refused(tmp_path):
    queries = worlds.cirr_queries()
    del queries[2]["img_set"]
    with pytest.raises(DataError, match="query 2 has no img_set: annotations of another version"):
        load_benchmark("cirr", worlds.write_cirr(tmp_path, queries))


@pytest.mark.parametrize(
    ("name", "field", "value", "shown"),
    [
        ("cirr", "img_set", {"id": 1}, "the img_set {'id': 1}"),
        ("cirr", "img_set", ["a"], "the img_set ['a']"),
        ("cirr", "caption", 3, "the caption 3"),
        ("circo", "gt_img_ids", [], "the gt_img_ids []"),
        ("circo", "gt_img_ids", "12", "the gt_img_ids '12'"),
        ("circo", "semantic_aspects", None, "the semantic_aspects None"),
        ("fashioniq", "captions", ["is red."], "the captions ['is red.']"),
        ("fashioniq", "captions", "ab", "the captions 'ab'"),
        ("genecis", "reference", 3, "the reference 3"),
        ("genecis", "reference", {"image_id": 0, "instance_bbox": ["a"]}, "the reference {'image_id': 0, 'instance_bbox': ['a']}"),
    ],
)
def test_a_field_of_another_shape_is_shown(name, field, value, shown, tmp_path):
    root = WRITERS[name](tmp_path)
    path = next(path for path in sorted(root.rglob("*.json")) if "captions" in path.parts or path.stem in ("val", "change_object"))
    queries = json.loads(path.read_text())
    queries[0][field] = value
    worlds.write_json(path, queries)
    with pytest.raises(DataError) as caught:
        load_benchmark(f"{name}:change_object" if name == "genecis" else name, root)
    assert f"query 0 has {shown}: annotations of another version" in caught.value.message


def test_a_query_that_stands_twice_is_refused(tmp_path):
    queries = worlds.cirr_queries()
    queries[1]["pairid"] = queries[0]["pairid"]
    with pytest.raises(DataError, match="the pairid 7 stands twice"):
        load_benchmark("cirr", worlds.write_cirr(tmp_path, queries))


def test_a_querys_own_gallery_that_is_smaller_than_k_is_refused(tmp_path):
    root = worlds.write_genecis(tmp_path)
    path = root / "genecis/change_object.json"
    (query,) = json.loads(path.read_text())
    worlds.write_json(path, [{**query, "gallery": query["gallery"][:1]}])
    with pytest.raises(DataError, match="query 0: a gallery of 2 images is smaller than k = 3"):
        load_benchmark("genecis:change_object", root)


def test_an_annotation_that_names_an_image_outside_the_gallery_is_refused(tmp_path):
    queries = worlds.circo_queries()
    queries[1]["gt_img_ids"] = [5]
    with pytest.raises(DataError, match="image '5' is not in the gallery"):
        load_benchmark("circo", worlds.write_circo(tmp_path, queries))


def test_a_file_that_is_no_json_is_refused(tmp_path):
    worlds.write_cirr(tmp_path)
    (tmp_path / "captions/cap.rc2.val.json").write_text("<html>", encoding="utf-8")
    with pytest.raises(DataError, match=r"cap\.rc2\.val\.json: cannot be read as JSON"):
        load_benchmark("cirr", tmp_path)


def test_a_gallery_smaller_than_k_is_refused(tmp_path):
    (task,) = load_benchmark("cirr", worlds.write_cirr(tmp_path))
    with pytest.raises(DataError, match="a gallery of 59 images is smaller than k = 60"):
        answered(task, worlds.random_features(task.images), 60)


def test_a_feature_that_is_not_a_number_is_named(tmp_path):
    (task,) = load_benchmark("cirr", worlds.write_cirr(tmp_path))
    features = worlds.random_features(task.images)
    queries = embed_queries(task, features, roll_compose)
    features[33, 2] = float("nan")
    with pytest.raises(DataError, match="'dev-33-img0' holds a value that is not a finite number"):
        rank(task, features, queries, 50)
