"""Validate a text encoder in training by a benchmark, as RTD does by CIRR."""

import copy
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtd_train.errors import UsageError
from rtd_train.evaluation.benchmarks.task import Ranking
from rtd_train.evaluation.loading import backbone_path, build_system, load_vision
from rtd_train.evaluation.runner import Case, EvalConfig, check_truth, load_case, rankings_of, scores_of, task_features
from rtd_train.evaluation.store import ImageFeatures, read_features
from rtd_train.evaluation.system import System

if TYPE_CHECKING:
    import torch

    from rtd_train.models.clip import TextBackbone


def validator(config: EvalConfig, metric: str = "R@1") -> "Callable[[TextBackbone, int], float]":
    """Return what `fit` takes as `validate`: a metric of a benchmark, or its mean over several tasks.

    Of several processes all make a validator and only the first asks it. So annotations are read and checked at once, and the image
    encoder and the features of the images when it is first asked. The encoder in training is copied, so nothing happens to it.

    Raises:
        TrainError: as `evaluate`; or the benchmark has no such metric.
    """
    from rtd_train.device import choose_device

    device = choose_device(config.device)
    case = load_case(config, _names_given(config))
    _check_metric(case, metric)

    @cache
    def loaded() -> "tuple[Callable[[TextBackbone], System], list[torch.Tensor]]":
        return _load(config, case, device)

    def validate(text: "TextBackbone", _step: int) -> float:
        system_of, features = loaded()
        return list(scores_of(case, rankings_of(system_of(text), case, features)).values())[-1][metric]

    # The name by which a run knows what has validated it.
    validate.__qualname__ = f"validator({config.benchmark}, {metric})"
    return validate


def _given(config: EvalConfig) -> ImageFeatures | None:
    return read_features(Path(config.features)) if config.features else None


def _names_given(config: EvalConfig) -> Sequence[str]:
    given = _given(config)
    return given.names if given else ()


def _check_metric(case: Case, metric: str) -> None:
    """Check that a benchmark has a metric, by scoring rankings of no system."""
    check_truth(case)
    rankings = [Ranking(np.tile(np.arange(case.top), (len(task.query_ids), 1)), task.truth.members) for task in case.tasks]
    names = list(scores_of(case, rankings).values())[-1]
    if metric not in names:
        raise UsageError(f"{case.name} has no metric {metric!r}", f"choose one of {', '.join(names)}")


def _load(config: EvalConfig, case: Case, device: str) -> "tuple[Callable[[TextBackbone], System], list[torch.Tensor]]":
    """Return what makes a system of a text encoder, and the image features of each task."""
    from rtd_train.models.clip import load_backbone
    from rtd_train.models.phi import load_phi

    path = backbone_path(config.backbone)
    vision, processor = load_vision(path)

    def system_of(text: "TextBackbone") -> System:
        own = text._replace(model=copy.deepcopy(text.model))
        options = {"prompt": config.prompt, "device": device, "precision": config.precision}
        return build_system(config.backbone, own, vision, processor, load_phi(config.phi), **options)

    untouched, given = system_of(load_backbone(path)), _given(config)
    return system_of, [task_features(config, case, task, untouched, given) for task in case.tasks]
