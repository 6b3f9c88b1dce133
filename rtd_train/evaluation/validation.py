"""Validate a text encoder in training by a benchmark, as RTD does by CIRR."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rtd_train.errors import UsageError
from rtd_train.evaluation.loading import backbone_path, build_system, load_vision
from rtd_train.evaluation.runner import EvalConfig, load_case, rankings_of, scores_of, task_features
from rtd_train.evaluation.store import read_features
from rtd_train.evaluation.system import System

if TYPE_CHECKING:
    from rtd_train.models.clip import TextBackbone


def validator(config: EvalConfig, metric: str = "R@1") -> "Callable[[TextBackbone, int], float]":
    """Return what `fit` takes as `validate`: a metric of a benchmark, or its mean over several tasks.

    Annotations, image encoder and image features are loaded once. The encoder in training is copied, so nothing happens to it.

    Raises:
        TrainError: as `evaluate`; or the benchmark has no such metric.
    """
    from rtd_train.device import choose_device
    from rtd_train.models.clip import load_backbone
    from rtd_train.models.phi import load_phi

    given = read_features(Path(config.features)) if config.features else None
    case = load_case(config, given.names if given else ())
    path = backbone_path(config.backbone)
    vision, processor = load_vision(path)
    device = choose_device(config.device)

    def system_of(text: "TextBackbone") -> System:
        own = text._replace(model=copy.deepcopy(text.model))
        options = {"prompt": config.prompt, "device": device, "precision": config.precision}
        return build_system(config.backbone, own, vision, processor, load_phi(config.phi), **options)

    untouched = system_of(load_backbone(path))
    features = [task_features(config, case, task, untouched, given) for task in case.tasks]

    def validate(text: "TextBackbone", _step: int) -> float:
        scores = list(scores_of(case, rankings_of(system_of(text), case, features)).values())[-1]
        if metric not in scores:
            raise UsageError(f"{case.name} has no metric {metric!r}", f"choose one of {', '.join(scores)}")
        return scores[metric]

    return validate
