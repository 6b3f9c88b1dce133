"""How the work of a build is spread; nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tripletgen.engine.base import Means
from tripletgen.engine.local import local_means
from tripletgen.engine.ray import ray_means
from tripletgen.options import BuildOptions
from tripletgen.rewrite.engines import Opener

Starter = Callable[[BuildOptions, str, Callable[[], Any], Opener], AbstractContextManager[Means]]
MEANS: dict[str, Starter] = {"local": local_means, "ray": ray_means}


def open_means(options: BuildOptions, root: str, warm_up: Callable[[], Any], opener: Opener) -> AbstractContextManager[Means]:
    """Provide what the options name; `root` is where the workers find the files of the build."""
    return MEANS[options.engine](options, root, warm_up, opener)
