"""The rewriters by name."""

from collections.abc import Callable

from tripletgen.rewrite.base import Rewriter, Sampling
from tripletgen.rewrite.endpoint import open_endpoint
from tripletgen.rewrite.vllm_engine import open_vllm
from tripletgen.rewrite_options import RewriteOptions

Opener = Callable[[RewriteOptions, Sampling], Rewriter]

ENGINES: dict[str, Opener] = {"vllm": open_vllm, "endpoint": open_endpoint}


def open_rewriter(options: RewriteOptions, sampling: Sampling) -> Rewriter:
    """Start or connect to what the options name."""
    return ENGINES[options.rewriter](options, sampling)
