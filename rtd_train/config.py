"""What a run is told: frozen values, validated at birth; the names are those of the command line."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from rtd_train.errors import UsageError

PRECISIONS = ("fp32", "bf16", "fp16")
DEVICES = ("auto", "cpu", "cuda")
SCHEDULES = ("constant", "linear", "cosine")
# What changes nothing in the trained weights, and so may differ when a run goes on.
NOT_IN_RUN = ("out", "overwrite", "checkpoint_every", "keep_checkpoints", "log_every", "export_pt", "cache", "tensorboard")


@dataclass(frozen=True)
class FitConfig:
    """Everything that `fit` takes; the defaults are the published setting of RTD on one process.

    `batch_size` is of one process and one micro-step; negatives are gathered across processes. `chunk_size` encodes a batch in
    pieces of so many rows, `cache_gradients` in two passes, so that only one piece is in memory: the gradients are the same.

    Raises:
        UsageError: a value is of the wrong type or out of range.
    """

    data: str
    backbone: str
    phi: str
    out: str
    split: str = "train"
    steps: int = 2000
    batch_size: int = 512
    accumulate: int = 1
    chunk_size: int | None = None
    cache_gradients: bool = False
    lr: float = 1e-5
    weight_decay: float = 0.01
    schedule: str = "constant"
    warmup: int = 0
    clip_norm: float | None = None
    temperature: float = 0.07
    noise_scale: float = 0.5
    anchor: bool = True
    refined_batch: bool = True
    refined_concat: bool = True
    gather_negatives: bool = True
    lora_rank: int | None = None
    freeze_layers: int = 0
    ema: float | None = None
    precision: str = "fp32"
    device: str = "auto"
    seed: int = 0
    validate_every: int = 100
    checkpoint_every: int = 500
    keep_checkpoints: int = 2
    log_every: int = 10
    tensorboard: bool = False
    cache: str | None = None
    export_pt: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        _check_least(self, 1, "steps", "batch_size", "accumulate", "validate_every", "checkpoint_every", "keep_checkpoints", "log_every")
        _check_least(self, 0, "warmup", "freeze_layers", "seed")
        for name in ("chunk_size", "lora_rank"):
            if getattr(self, name) is not None:
                _check_least(self, 1, name)
        for name in ("lr", "temperature", *(["clip_norm"] if self.clip_norm is not None else [])):
            _check_positive(self, name)
        _check_not_negative(self, "weight_decay", "noise_scale")
        _check_seed(self.seed)
        _check_choice(self, "precision", PRECISIONS)
        _check_choice(self, "device", DEVICES)
        _check_choice(self, "schedule", SCHEDULES)
        if self.ema is not None and not 0 < self.ema < 1:
            raise UsageError(f"ema: {self.ema!r} is not between 0 and 1", "try 0.999")
        if self.cache_gradients and self.chunk_size is None:
            raise UsageError("cache_gradients works on pieces of a batch", "give --chunk-size too, such as 64")
        if self.lora_rank is not None and self.freeze_layers:
            raise UsageError("lora_rank and freeze_layers exclude one another", "adapters leave the weights as they are anyway")


@dataclass(frozen=True)
class FitPhiConfig:
    """Everything that `fit_phi` takes; the defaults are the published setting of LinCIR on one process.

    `batch_size` is of one process.

    Raises:
        UsageError: a value is of the wrong type or out of range.
    """

    captions: tuple[str, ...]
    backbone: str
    out: str
    steps: int = 20_000
    batch_size: int = 512
    lr: float = 1e-4
    weight_decay: float = 0.01
    noise_scale: float = 1.0
    dropout: float = 0.5
    limit: int | None = None
    precision: str = "fp32"
    device: str = "auto"
    seed: int = 0
    log_every: int = 10
    checkpoint_every: int = 1000
    cache: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        _check_least(self, 1, "steps", "batch_size", "log_every", "checkpoint_every")
        _check_least(self, 0, "seed")
        if self.limit is not None:
            _check_least(self, 1, "limit")
        _check_positive(self, "lr")
        _check_not_negative(self, "weight_decay", "noise_scale")
        _check_seed(self.seed)
        _check_choice(self, "precision", PRECISIONS)
        _check_choice(self, "device", DEVICES)
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout: {self.dropout!r} is not in [0, 1)", "try 0.5")


def run_values(config: FitConfig | FitPhiConfig) -> dict[str, Any]:
    """Return what determines the trained weights: two runs of equal values may go on from one another."""
    return {name: value for name, value in asdict(config).items() if name not in NOT_IN_RUN}


def _check_least(config: Any, least: int, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UsageError(
                f"{name}: {value!r} is not a whole number of at least {least}", f"try --{name.replace('_', '-')} {max(least, 1)}"
            )


def _check_positive(config: Any, name: str) -> None:
    value = getattr(config, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UsageError(f"{name}: {value!r} is not a positive number", f"try --{name.replace('_', '-')} {_default(config, name) or 1}")


def _check_not_negative(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise UsageError(f"{name}: {value!r} is no number of at least 0", f"try --{name.replace('_', '-')} {_default(config, name)}")


def _check_seed(seed: int) -> None:
    """Refuse a seed that leaves no room for the number of a step beside it in 64 bits."""
    if seed >= 2**31:
        raise UsageError(f"seed: {seed} is too large", f"give one below {2**31}")


def _default(config: Any, name: str) -> Any:
    return next(field.default for field in fields(config) if field.name == name)


def _check_choice(config: Any, name: str, choices: tuple[str, ...]) -> None:
    if getattr(config, name) not in choices:
        raise UsageError(f"{name}: {getattr(config, name)!r} is not known", f"choices: {', '.join(choices)}")
