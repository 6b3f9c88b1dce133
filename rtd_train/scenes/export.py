"""Write what the chain on Scenes starts from: captions of its world, and its small CLIP as a folder."""

import random
import shutil
from pathlib import Path

from rtd_train.errors import OutputError
from rtd_train.scenes.captions import caption
from rtd_train.scenes.world import random_scene

CLIP = Path(__file__).resolve().parent / "clip"
NUM_CAPTIONS = 5_000


def captions(num_captions: int, seed: int) -> list[str]:
    """Return distinct captions of scenes drawn at random; the benchmark's own scenes are drawn from another seed."""
    rng = random.Random(f"captions {seed}")
    found: dict[str, None] = {}
    while len(found) < num_captions:
        found.setdefault(caption(random_scene(rng), rng))
    return list(found)


def write_scenes(folder: Path, num_captions: int = NUM_CAPTIONS, seed: int = 0) -> None:
    """Write `captions.txt` and `clip/`.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "captions.txt").write_text("".join(f"{text}\n" for text in captions(num_captions, seed)), encoding="utf-8")
        shutil.copytree(CLIP, folder / "clip", dirs_exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error}", "give --out a folder that can be written") from error
