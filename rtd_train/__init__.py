"""Train the CLIP text encoder of a composed image retrieval system on text triplets, and evaluate it.

`fit(FitConfig(...))` trains the text encoder, `fit_phi(FitPhiConfig(...))` the projection module, `evaluate(EvalConfig(...))`
evaluates both on a benchmark.
Importing the package loads nothing heavy: the attributes are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tripletgen import __version__

if TYPE_CHECKING:
    from rtd_train.config import FitConfig, FitPhiConfig
    from rtd_train.evaluation.runner import EvalConfig, evaluate
    from rtd_train.evaluation.validation import validator
    from rtd_train.phi_trainer import fit_phi
    from rtd_train.trainer import fit

_ATTRIBUTES = {
    "EvalConfig": "rtd_train.evaluation.runner",
    "FitConfig": "rtd_train.config",
    "FitPhiConfig": "rtd_train.config",
    "evaluate": "rtd_train.evaluation.runner",
    "fit": "rtd_train.trainer",
    "fit_phi": "rtd_train.phi_trainer",
    "validator": "rtd_train.evaluation.validation",
}
__all__ = ["EvalConfig", "FitConfig", "FitPhiConfig", "__version__", "evaluate", "fit", "fit_phi", "validator"]


def __getattr__(name: str) -> Any:
    """Load a public attribute when it is first asked for."""
    if name not in _ATTRIBUTES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ATTRIBUTES[name]), name)
