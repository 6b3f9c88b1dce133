"""The commands evaluate a real small model, and each fault is two lines that say what and what to do."""

import json
import shutil

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from rtd_train.cli.app import app
from rtd_train.device import choose_device
from rtd_train.errors import DataError, ModelError, TrainError, UsageError
from rtd_train.evaluation.loading import load_system
from rtd_train.evaluation.runner import EvalConfig, evaluate, submit, with_mean, write_result
from rtd_train.evaluation.store import ImageFeatures, write_features
from rtd_train.evaluation.system import in_batches
from rtd_train.evaluation.validation import validator
from rtd_train.models.phi import MLP, save_phi
from rtd_train.scenes.export import CLIP
from tests.evaluation import worlds

WIDTH = 128


@pytest.fixture(scope="module")
def phi(tmp_path_factory):
    """Return the file of an untrained projection module of the small CLIP's width."""
    path = tmp_path_factory.mktemp("phi") / "phi.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_phi(MLP(WIDTH, WIDTH), path, {})
    return str(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with a text encoder of other weights."""
    from transformers import CLIPTextModelWithProjection

    model = CLIPTextModelWithProjection.from_pretrained(CLIP)
    with torch.no_grad():
        model.text_projection.weight.add_(0.01)
    folder = tmp_path_factory.mktemp("trained")
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def cirr(tmp_path):
    return worlds.write_cirr(tmp_path / "cirr")


def given_features(path, names, backbone="scenes", width=WIDTH):
    write_features(path, ImageFeatures(tuple(names), worlds.random_features(tuple(names), width), backbone))
    return str(path)


def config(benchmark, phi, **more):
    return EvalConfig(**{"benchmark": benchmark, "backbone": "scenes", "phi": phi, "device": "cpu", **more})


def test_cirr_is_evaluated_from_given_features_with_its_baseline(cirr, phi, trained, tmp_path):
    features = given_features(tmp_path / "f.safetensors", worlds.CIRR_NAMES)
    result = evaluate(config("cirr", phi, root=str(cirr), features=features, text_encoder=trained, baseline=True))
    assert list(result["systems"]) == ["untouched", "trained"]
    before, after = result["systems"]["untouched"], result["systems"]["trained"]
    assert before["text_weights"] != after["text_weights"]
    assert before["image_weights"] == after["image_weights"]
    assert (before["backbone"], before["prompt"], before["precision"]) == ("scenes", "a photo of $ that {text}", "fp32")
    assert result["protocol"].startswith("rc2; gallery: images of the split; reference left out")
    scores = {name: system["scores"]["cirr val"] for name, system in result["systems"].items()}
    for metric, value in result["difference"]["cirr val"].items():
        assert value == pytest.approx(scores["trained"][metric] - scores["untouched"][metric])
    assert scores["trained"]["R@50"] > 0.5


def test_several_tasks_have_a_mean(tmp_path, phi):
    root = worlds.write_fashioniq(tmp_path / "fiq")
    features = given_features(tmp_path / "f.safetensors", worlds.ASINS)
    result = evaluate(config("fashioniq", phi, root=str(root), features=features))
    scores = result["systems"]["untouched"]["scores"]
    assert list(scores) == ["dress", "shirt", "toptee", "mean"]
    assert with_mean({"a": {"R@10": 0.2}, "b": {"R@10": 0.4}})["mean"] == pytest.approx({"R@10": 0.3})


def test_images_are_encoded_once_and_kept_beside_the_benchmark(cirr, phi, tmp_path):
    for number, name in enumerate(worlds.CIRR_NAMES):
        path = cirr / "img_raw" / "dev" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 16), (number * 4, 255 - number * 4, 90)).save(path)
    wanted = config("cirr", phi, root=str(cirr), sheet=str(tmp_path / "sheet.html"))
    first = evaluate(wanted)
    (stored,) = (cirr / ".rtd_features").iterdir()
    changed = stored.stat().st_mtime_ns
    assert evaluate(wanted) == first
    assert stored.stat().st_mtime_ns == changed
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert page.count("<section>") == 4
    assert "show 3 dogs" in page
    assert page.count("src='data:image/png;base64,") == 4 * (1 + 6)


def test_a_broken_image_stops_or_is_counted(cirr, phi):
    for name in worlds.CIRR_NAMES:
        path = cirr / "dev" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (9, 9, 9)).save(path)
    (cirr / "dev" / "dev-40-img0.png").write_bytes(b"torn")
    with pytest.raises(DataError, match="image 'dev-40-img0' cannot be read"):
        evaluate(config("cirr", phi, root=str(cirr)))
    assert evaluate(config("cirr", phi, root=str(cirr), skip_broken=True))["broken_images"] == 1
    # A reference that cannot be shown is a grey square on the sheet.
    (cirr / "dev" / "dev-0-img0.png").write_bytes(b"torn")
    sheet = cirr / "sheet.html"
    assert evaluate(config("cirr", phi, root=str(cirr), skip_broken=True, sheet=str(sheet)))["broken_images"] == 2
    assert sheet.read_text(encoding="utf-8").count("<section>") == 4


def test_features_of_another_backbone_and_missing_ones_are_refused(cirr, phi, tmp_path):
    other = given_features(tmp_path / "o.safetensors", worlds.CIRR_NAMES, "openai/clip-vit-large-patch14", 768)
    with pytest.raises(DataError, match=r"of openai/clip-vit-large-patch14 \(768 wide\), not of scenes \(128 wide\)"):
        evaluate(config("cirr", phi, root=str(cirr), features=other))
    few = given_features(tmp_path / "g.safetensors", worlds.CIRR_NAMES[:50])
    with pytest.raises(DataError, match="10 images have no feature, the first is 'dev-50-img0'"):
        evaluate(config("cirr", phi, root=str(cirr), features=few))


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"precision": "fp8"}, "no precision is called 'fp8'"),
        ({"device": "tpu"}, "no device is called 'tpu'"),
        ({"prompt": "a photo that {text}"}, "needs one \\$, one"),
        ({"prompt": "a photo of $ that {text} {"}, "and no other brace"),
        ({"prompt": "a photo of $ {x} {text}"}, "and no other brace"),
        ({"root": None}, "cirr needs its folder"),
        ({"benchmark": "coco"}, "no benchmark is called 'coco'"),
        ({"benchmark": "triplets"}, "triplets needs a data set"),
        ({"sheet": "s.html", "features": "f.safetensors"}, "a contact sheet needs images"),
        ({"data": "triplets"}, "cirr makes no use of data 'triplets'"),
        ({"benchmark": "scenes", "split": "val", "skip_broken": True}, "scenes makes no use of root '.', split 'val', skip_broken True"),
        (
            {"benchmark": "triplets", "data": "d", "features": "f", "cache": "c", "skip_broken": True},
            "triplets makes no use of root '.', features 'f', cache 'c', skip_broken True",
        ),
        ({"benchmark": "triplets", "data": "d", "root": None, "sheet": "s.html"}, "triplets makes no use of sheet 's.html'"),
    ],
)
def test_what_cannot_be_meant_is_refused(more, fault):
    with pytest.raises(UsageError, match=fault):
        config(**{"benchmark": "cirr", "phi": "phi.safetensors", "root": ".", **more})


def test_options_that_do_nothing_are_named_as_they_are_given():
    with pytest.raises(UsageError) as caught:
        config("scenes", "phi.safetensors", data="d", skip_broken=True)
    assert caught.value.hint == "leave out DATA, --skip-broken"
    config("scenes", "phi.safetensors", cache="c", sheet="s.html", baseline=True)
    config("triplets", "phi.safetensors", data="d", split="train", baseline=True)


def test_the_test_split_asks_for_submit_and_submit_for_a_server(tmp_path, phi):
    queries = [{key: value for key, value in query.items() if key != "target_hard"} for query in worlds.cirr_queries()]
    root = worlds.write_cirr(tmp_path / "cirr", queries, "test1")
    features = given_features(tmp_path / "f.safetensors", worlds.CIRR_NAMES)
    with pytest.raises(UsageError, match="cirr test1 keeps its targets for its server"):
        evaluate(config("cirr", phi, root=str(root), split="test1", features=features))
    paths = submit(config("cirr", phi, root=str(root), features=features), tmp_path / "out")
    assert [path.name for path in paths] == ["cirr_recall.json", "cirr_recall_subset.json"]
    with pytest.raises(UsageError, match="genecis has no test server"):
        submit(config("genecis", phi, root="."), tmp_path / "out")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_there_is_missed_as_in_training(phi):
    with pytest.raises(UsageError) as caught:
        evaluate(config("scenes", phi, device="cuda"))
    assert caught.value.message == "no GPU is here (CUDA is not available)"
    with pytest.raises(UsageError, match=r"no GPU is here"):
        choose_device("cuda")
    assert (choose_device("auto"), choose_device("cpu")) == ("cpu", "cpu")


def test_a_projection_module_of_another_width_is_refused(tmp_path):
    save_phi(MLP(64, 64), tmp_path / "phi.safetensors", {})
    with pytest.raises(ModelError, match="phi maps 64 to 64, scenes needs 128 to 128"):
        load_system("scenes", str(tmp_path / "phi.safetensors"))


def test_a_metric_of_a_benchmark_validates_a_training(cirr, phi, trained, tmp_path):
    from rtd_train.models.clip import load_backbone, weights_hash

    features = given_features(tmp_path / "f.safetensors", worlds.CIRR_NAMES)
    wanted = config("cirr", phi, root=str(cirr), features=features, text_encoder=trained)
    text = load_backbone(str(CLIP), text_encoder=trained)
    before = weights_hash(text.model)
    assert validator(wanted, "R@10")(text, 7) == evaluate(wanted)["systems"]["trained"]["scores"]["cirr val"]["R@10"]
    assert weights_hash(text.model) == before


def test_a_validator_reads_no_image_before_it_is_asked_for_all_processes_make_one(cirr, phi):
    from rtd_train.models.clip import load_backbone

    validate = validator(config("cirr", phi, root=str(cirr)), "R@10")
    for name in worlds.CIRR_NAMES:
        path = cirr / "dev" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (9, 9, 9)).save(path)
    text = load_backbone(str(CLIP))
    first = validate(text, 100)
    assert len(list((cirr / ".rtd_features").iterdir())) == 1
    shutil.rmtree(cirr / "dev")
    assert validate(text, 200) == first


def test_a_validator_without_a_metric_or_targets_is_told_before_the_training(cirr, phi, tmp_path):
    with pytest.raises(UsageError, match="cirr has no metric 'R@7'") as caught:
        validator(config("cirr", phi, root=str(cirr)), "R@7")
    assert caught.value.hint.startswith("choose one of R@1, R@5, R@10, R@50, subset R@1, ")
    queries = [{key: value for key, value in query.items() if key != "target_hard"} for query in worlds.cirr_queries()]
    root = worlds.write_cirr(tmp_path / "test", queries, "test1")
    with pytest.raises(UsageError, match="cirr test1 keeps its targets for its server"):
        validator(config("cirr", phi, root=str(root), split="test1"))


@pytest.mark.parametrize(
    ("benchmark", "write", "metric"),
    [("circo", worlds.write_circo, "mAP@5"), ("fashioniq", worlds.write_fashioniq, "R@10"), ("genecis", worlds.write_genecis, "R@1")],
)
def test_every_benchmark_makes_a_validator(benchmark, write, metric, phi, tmp_path):
    wanted = config(benchmark, phi, root=str(write(tmp_path)))
    assert validator(wanted, metric).__qualname__ == f"validator({benchmark}, {metric})"
    with pytest.raises(UsageError, match=f"{benchmark} has no metric 'R@7'"):
        validator(wanted, "R@7")


def test_the_folder_of_a_run_stands_for_its_text_encoder(phi, trained, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "text_encoder").symlink_to(trained)
    (tmp_path / "run" / "config.json").write_text("{}", encoding="utf-8")
    run, encoder = (load_system("scenes", phi, text_encoder=given) for given in (str(tmp_path / "run"), trained))
    assert run.described["text_weights"] == encoder.described["text_weights"]


def test_loading_leaves_the_bars_and_warnings_of_transformers_as_they_were(phi, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_info()
    logging.enable_progress_bar()
    try:
        load_system("scenes", phi)
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (logging.INFO, True)
        assert capfd.readouterr() == ("", "")
    finally:
        logging.set_verbosity(before[0])
        if not before[1]:
            logging.disable_progress_bar()


def test_a_backbone_that_is_not_there_is_named(phi, tmp_path):
    with pytest.raises(TrainError) as caught:
        load_system(str(tmp_path / "none"), phi)
    assert str(tmp_path / "none") in caught.value.message
    assert "save_pretrained" in caught.value.hint


def test_an_untouched_encoder_embeds_texts_as_transformers_does(phi):
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    texts = ["a red ball on a table", "two boxes", "A photo of a striped kite in a meadow at night."]
    tokens = CLIPTokenizer.from_pretrained(CLIP)(texts, padding="max_length", max_length=77, return_tensors="pt")
    with torch.no_grad():
        expected = CLIPTextModelWithProjection.from_pretrained(CLIP).eval()(**tokens).text_embeds
    found = in_batches(load_system("scenes", phi).encode_texts, texts)
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_dollar_of_a_person_is_not_the_placeholder(phi):
    system, references = load_system("scenes", phi), torch.randn(1, WIDTH)
    with torch.no_grad():
        assert torch.equal(system.compose(references, ["costs $ 5"]), system.compose(references, ["costs  5"]))


@pytest.mark.parametrize("prompt", ["a photo of $, {text}", "a photo of ($) that {text}", "a photo of ${text}"])
def test_a_prompt_whose_placeholder_would_not_be_found_is_refused(phi, prompt):
    with pytest.raises(UsageError) as caught:
        load_system("scenes", phi, prompt=prompt)
    assert caught.value.message == f"the prompt {prompt!r}: $ is no word of its own there, so the image would be left out"
    assert caught.value.hint == "put a space on each side of $, as in 'a photo of $ that {text}'"


def test_an_image_is_heard_in_every_prompt_that_is_accepted(phi):
    references = torch.randn(2, WIDTH)
    for prompt in ("a photo of $ , {text}", "{text} $", "{text} of a photo of $"):
        with torch.no_grad():
            first, second = load_system("scenes", phi, prompt=prompt).compose(references, ["- red -"] * 2)
        assert not torch.allclose(first, second)


def test_the_probes_run_from_the_command_line(built, phi, tmp_path):
    out = tmp_path / "result.json"
    arguments = ["eval", "triplets", str(built), "--backbone", "scenes", "--phi", phi, "--device", "cpu", "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    scores = json.loads(out.read_text())["systems"]["untouched"]["scores"]
    assert list(scores) == ["given", "shuffled", "removed", "alignment"]
    assert scores["alignment"]["R@1"] > 0.9
    assert "triplets shuffled" in done.output


def test_the_table_and_the_json_show_the_same(cirr, phi, tmp_path):
    features = given_features(tmp_path / "f.safetensors", worlds.CIRR_NAMES)
    arguments = ["eval", "cirr", "--root", str(cirr), "--features", features, "--backbone", "scenes", "--phi", phi, "--device", "cpu"]
    shown, raw = (CliRunner().invoke(app, [*arguments, *more]) for more in ([], ["--json"]))
    result = json.loads(raw.output)
    value = result["systems"]["untouched"]["scores"]["cirr val"]["R@10"]
    (line,) = (line for line in shown.output.splitlines() if line.startswith("R@10"))
    assert line.split() == ["R@10", f"{100 * value:.2f}"]
    assert result["systems"]["untouched"]["text_weights"] in shown.output


def test_the_table_names_the_weights_of_each_system(cirr, phi, trained, tmp_path):
    features = given_features(tmp_path / "f.safetensors", worlds.CIRR_NAMES)
    given = ["--root", str(cirr), "--features", features, "--text-encoder", trained, "--baseline", "--out", str(tmp_path / "r.json")]
    done = CliRunner().invoke(app, ["eval", "cirr", *given, "--backbone", "scenes", "--phi", phi, "--device", "cpu"])
    systems = json.loads((tmp_path / "r.json").read_text())["systems"]
    lines = [line.split() for line in done.output.splitlines()]
    assert [line[1] for line in lines if line[:1] == ["text_weights"]] == [systems[name]["text_weights"] for name in systems]
    assert [line[0] for line in lines if line in (["untouched"], ["trained"])] == ["untouched", "trained"]


def test_a_result_is_written_into_a_new_folder(tmp_path):
    write_result(tmp_path / "deep" / "result.json", {"a": 1})
    assert json.loads((tmp_path / "deep" / "result.json").read_text()) == {"a": 1}


def test_scenes_are_written_for_the_chain(tmp_path):
    done = CliRunner().invoke(app, ["scenes", "--out", str(tmp_path / "s"), "--captions", "30"])
    assert done.exit_code == 0, done.output
    assert len((tmp_path / "s" / "captions.txt").read_text().splitlines()) == 30
    assert (tmp_path / "s" / "clip" / "model.safetensors").is_file()


def test_the_small_clip_finds_the_pictures_of_captions(phi):
    import random

    from rtd_train.scenes.captions import full_caption
    from rtd_train.scenes.render import render
    from rtd_train.scenes.world import random_scene

    rng = random.Random(11)
    scenes = [random_scene(rng) for _ in range(64)]
    system = load_system("scenes", phi)
    images = in_batches(system.encode_images, [render(scene, rng) for scene in scenes])
    texts = in_batches(system.encode_texts, [full_caption(scene) for scene in scenes])
    from rtd_train.evaluation.probes import caption_to_image

    assert caption_to_image(texts, images)["R@1"] > 0.6
