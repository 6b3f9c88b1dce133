"""Evaluate a system on a benchmark: load by names, score, and write down everything that the figures depend on."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tripletgen
from rtd_train.config import DEVICES, PRECISIONS
from rtd_train.errors import UsageError
from rtd_train.evaluation.benchmarks import BENCHMARKS, Benchmark, check_split, find_benchmark
from rtd_train.evaluation.benchmarks.task import Ranking, Task
from rtd_train.evaluation.images import Broken, feature_key, find_image, read_image, stored_features
from rtd_train.evaluation.loading import load_system
from rtd_train.evaluation.ranking import embed_queries, rank
from rtd_train.evaluation.retrieval import normalise
from rtd_train.evaluation.sheet import Shown, write_sheet
from rtd_train.evaluation.store import ImageFeatures, check_backbone, read_features, rows_of
from rtd_train.evaluation.submission import PREDICTIONS, SERVER_SPLITS, write_submission
from rtd_train.evaluation.system import PROMPT, System, compose_in_batches, in_batches

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

SCENES, TRIPLETS = "scenes", "triplets"
UNTOUCHED, TRAINED = "untouched", "trained"
_NOT_USED = {SCENES: ("data", "root", "split", "skip_broken"), TRIPLETS: ("root", "features", "cache", "sheet", "skip_broken")}


@dataclass(frozen=True)
class EvalConfig:
    """What is evaluated, on what, and how; checked when it is made."""

    benchmark: str
    backbone: str
    phi: str
    data: str | None = None
    root: str | None = None
    split: str | None = None
    text_encoder: str | None = None
    baseline: bool = False
    features: str | None = None
    cache: str | None = None
    sheet: str | None = None
    prompt: str = PROMPT
    device: str = "auto"
    precision: str = "fp32"
    skip_broken: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.precision not in PRECISIONS:
            raise UsageError(f"no precision is called {self.precision!r}", f"choose one of {', '.join(PRECISIONS)}")
        if self.device not in DEVICES:
            raise UsageError(f"no device is called {self.device!r}", f"choose one of {', '.join(DEVICES)}")
        if self.prompt.count("$") != 1 or re.findall(r"\{text\}|[{}]", self.prompt) != ["{text}"]:
            raise UsageError(f"the prompt {self.prompt!r} needs one $, one {{text}} and no other brace", f"such as {PROMPT!r}")
        if self.benchmark == TRIPLETS and self.data is None:
            raise UsageError("triplets needs a data set", "give the folder that `tripletgen build` wrote: rtd_train eval triplets DIR")
        if self.benchmark not in (SCENES, TRIPLETS):
            find_benchmark(self.benchmark)
            if self.root is None:
                raise UsageError(f"{self.benchmark} needs its folder", "give --root the folder with its annotations")
        if self.sheet and self.features:
            raise UsageError("a contact sheet needs images", "leave out --features")
        useless = [name for name in _NOT_USED.get(self.benchmark, ("data",)) if getattr(self, name)]
        if useless:
            shown = ", ".join(f"{name} {getattr(self, name)!r}" for name in useless)
            options = ", ".join("DATA" if name == "data" else f"--{name.replace('_', '-')}" for name in useless)
            raise UsageError(f"{self.benchmark} makes no use of {shown}", f"leave out {options}")


@dataclass(frozen=True)
class Case:
    """A benchmark made ready: its tasks, how they are scored, and what opens their images."""

    name: str
    split: str
    protocol: str
    top: int
    tasks: list[Task]
    score: Callable[[Task, Ranking], dict[str, float]]
    open_image: "Callable[[str], Image]"
    truth_known: bool = True
    broken: Broken = field(default_factory=Broken)
    captions: tuple[str, ...] = ()  # a full caption of each query's target, where there is one


def load_case(config: EvalConfig, known: Sequence[str] = ()) -> Case:
    """Return the benchmark that a configuration names.

    Raises:
        DataError: annotations are missing or of another version.
    """
    if config.benchmark == SCENES:
        from rtd_train.evaluation.benchmarks import scenes
        from rtd_train.scenes.captions import full_caption

        task, open_scene, queries = scenes.load()
        captions = tuple(full_caption(query.target) for query in queries)
        name = f"seed {scenes.SEED}"
        return Case(SCENES, name, scenes.PROTOCOL, scenes.TOP, [task], scenes.score, open_scene, captions=captions)
    base, benchmark, parts = find_benchmark(config.benchmark)
    root = Path(str(config.root))
    split = check_split(base, benchmark, config.split)
    tasks = benchmark.load(root, split, parts, known)
    known_truth = all(task.truth.targets is not None for task in tasks)
    opener = _opener(benchmark, root, split)
    return Case(base, split, benchmark.protocol, benchmark.top, tasks, benchmark.score, opener, known_truth, Broken(config.skip_broken))


def _opener(benchmark: Benchmark, root: Path, split: str) -> "Callable[[str], Image]":
    paths_of = benchmark.image_paths(root, split)

    def open_image(name: str) -> "Image":
        return read_image(find_image(paths_of(name), benchmark.where), partial(benchmark.crop_of, name))

    return open_image


def evaluate(config: EvalConfig) -> dict[str, Any]:
    """Evaluate as a configuration says, and return the figures with all that they depend on.

    Raises:
        DataError: a file is missing, faulty or of another version or backbone.
        UsageError: the split keeps its targets for a server.
    """
    if config.benchmark == TRIPLETS:
        return _probe(config)
    given = read_features(Path(config.features)) if config.features else None
    case = load_case(config, given.names if given else ())
    check_truth(case)
    systems = load_systems(config)
    features = [task_features(config, case, task, next(iter(systems.values())), given) for task in case.tasks]
    rankings = {name: rankings_of(system, case, features) for name, system in systems.items()}
    scores = {name: scores_of(case, ranked) for name, ranked in rankings.items()}
    if case.captions:
        for name, system in systems.items():
            scores[name][case.tasks[0].name] |= plain_scores(system, case, features[0])
    if config.sheet:
        write_sheet(Path(config.sheet), [Shown(name, ranked[0]) for name, ranked in rankings.items()], case.tasks[0], _shown(case))
    sizes = {task.name: (len(task.query_ids), task.gallery_size) for task in case.tasks}
    return result_of(case.name, case.split, case.protocol, sizes, systems, scores, len(case.broken.names))


def check_truth(case: Case) -> None:
    """Raise a UsageError where a split keeps its targets for a server."""
    if not case.truth_known:
        raise UsageError(f"{case.name} {case.split} keeps its targets for its server", "write the server's files with `rtd_train submit`")


def _shown(case: Case) -> "Callable[[str], Image]":
    """Return what opens images for people: a broken one is a grey square."""
    from PIL import Image

    def open_image(name: str) -> Image.Image:
        return Image.new("RGB", (8, 8), "grey") if name in case.broken.names else case.open_image(name)

    return open_image


def _probe(config: EvalConfig) -> dict[str, Any]:
    from rtd_train.evaluation.probes import PROTOCOL, probe, read_split

    split = config.split or "validation"
    triplets = read_split(Path(str(config.data)), split)
    systems = load_systems(config)
    # The gallery is what the untouched encoder says, so it is needed even where its own figures are not wanted.
    untouched = systems.get(UNTOUCHED) or load_systems(replace(config, text_encoder=None))[UNTOUCHED]
    scores = probe(triplets, untouched, systems)
    captions = len({text for triplet in triplets for text in (triplet.reference, triplet.target)})
    return result_of(TRIPLETS, split, PROTOCOL, {TRIPLETS: (len(triplets), captions)}, systems, scores)


def submit(config: EvalConfig, out: str | Path) -> list[Path]:
    """Write the files that the test server of CIRR or CIRCO takes, and return their paths.

    Raises:
        UsageError: the benchmark has no test server.
        DataError: as `evaluate`.
    """
    if config.benchmark not in PREDICTIONS:
        raise UsageError(f"{config.benchmark} has no test server", f"choose one of {', '.join(PREDICTIONS)}")
    config = replace(config, split=config.split or SERVER_SPLITS[config.benchmark])
    given = read_features(Path(config.features)) if config.features else None
    case = load_case(config, given.names if given else ())
    system = list(load_systems(config).values())[-1]
    features = [task_features(config, case, case.tasks[0], system, given)]
    return write_submission(Path(out), case.name, case.tasks[0], rankings_of(system, case, features)[0])


def load_systems(config: EvalConfig) -> dict[str, System]:
    """Return the untouched system where it is wanted or the only one, and the trained one where there is one."""
    from rtd_train.device import choose_device

    wanted: list[tuple[str, str | None]] = []
    if config.baseline or config.text_encoder is None:
        wanted.append((UNTOUCHED, None))
    if config.text_encoder is not None:
        wanted.append((TRAINED, config.text_encoder))
    options = {"prompt": config.prompt, "device": choose_device(config.device), "precision": config.precision}
    return {name: load_system(config.backbone, config.phi, text_encoder=encoder, **options) for name, encoder in wanted}


def task_features(config: EvalConfig, case: Case, task: Task, system: System, given: ImageFeatures | None) -> "torch.Tensor":
    """Return the image features of a task: the given ones, or those of the cache, extracted where they are not there yet."""
    if given is not None:
        check_backbone(given, system.backbone, system.width, str(config.features), feature_key(system))
        return rows_of(given, task.images, str(config.features))
    cache = Path(config.cache) if config.cache else Path(config.root or ".") / ".rtd_features"
    if config.benchmark == SCENES and config.cache is None:
        from rtd_train.evaluation.images import extract

        return extract(task.images, case.open_image, system, case.broken).features
    return stored_features(cache, task.images, case.open_image, system, case.broken).features


def rankings_of(system: System, case: Case, features: "Sequence[torch.Tensor]") -> list[Ranking]:
    """Return what a system answers to each task."""
    compose = compose_in_batches(system.compose)
    return [rank(task, rows, embed_queries(task, rows, compose), case.top) for task, rows in zip(case.tasks, features, strict=True)]


def plain_scores(system: System, case: Case, features: "torch.Tensor") -> dict[str, float]:
    """Return how well plain captions of the targets still find them: what training should not spoil."""
    (task,) = case.tasks
    found = case.score(task, rank(task, features, normalise(in_batches(system.encode_texts, case.captions)), case.top))
    return {f"plain captions {metric}": found[metric] for metric in ("R@1", "R@5", "R@10")}


def scores_of(case: Case, rankings: Sequence[Ranking]) -> dict[str, dict[str, float]]:
    """Return the metrics of each task, and their means where there are several."""
    scores = {task.name: case.score(task, ranking) for task, ranking in zip(case.tasks, rankings, strict=True)}
    return with_mean(scores)


def with_mean(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Add the mean over the tasks, where there are several."""
    if len(scores) == 1:
        return scores
    names = next(iter(scores.values()))
    return scores | {"mean": {name: sum(task[name] for task in scores.values()) / len(scores) for name in names}}


def result_of(
    name: str,
    split: str,
    protocol: str,
    sizes: Mapping[str, tuple[int, int]],
    systems: Mapping[str, System],
    scores: Mapping[str, dict[str, dict[str, float]]],
    num_broken: int = 0,
) -> dict[str, Any]:
    """Return a result: figures are fractions; what they depend on stands beside them. `sizes`: queries and gallery of each task."""
    result: dict[str, Any] = {
        "benchmark": name,
        "split": split,
        "protocol": protocol,
        "version": tripletgen.__version__,
        "queries": {task: queries for task, (queries, _) in sizes.items()},
        "gallery": {task: gallery for task, (_, gallery) in sizes.items()},
        "broken_images": num_broken,
        "systems": {system: {**systems[system].described, "scores": scores[system]} for system in systems},
    }
    if len(scores) == 2:
        before, after = scores[UNTOUCHED], scores[TRAINED]
        result["difference"] = {task: {name: after[task][name] - value for name, value in before[task].items()} for task in before}
    return result


def write_result(path: str | Path, result: Mapping[str, Any]) -> None:
    """Write a result as JSON."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


assert SCENES not in BENCHMARKS
