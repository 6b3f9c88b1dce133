"""Fixtures: a few captions in a file, and one built data set that tests copy or read."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import tripletgen
from tests.helpers import CAPTIONS, embedded_captions, shrink_units, write_lines
from tripletgen.captions.sources import SourceSpec
from tripletgen.edits.base import Frame, frame_of
from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import parse
from tripletgen.retag import mend_parse
from tripletgen.schema import Caption, group_id_of
from tripletgen.stats import embedded_stats

# The Hub's client reads these when it is first imported, by whatever test: it must leave the developer's token, cache and Xet alone.
_HOME = tempfile.TemporaryDirectory(prefix="tripletgen-hf-")
os.environ["HF_HOME"] = _HOME.name
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ.pop("HF_TOKEN", None)

# How fast examples are drawn tells of the machine, not of the code: a busy one must not fail a test.
settings.register_profile(
    "any machine", settings.get_profile(settings.get_current_profile_name()), suppress_health_check=[HealthCheck.too_slow], deadline=None
)
settings.load_profile("any machine")


@pytest.fixture
def captions_file(tmp_path: Path) -> Path:
    """Return a text file of eight plain captions."""
    return write_lines(tmp_path / "captions.txt", CAPTIONS)


@pytest.fixture
def small_units() -> Iterator[None]:
    """Let a few dozen captions make several units."""
    before = shrink_units(32)
    yield
    shrink_units(before)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set of several units and shards with both splits and rejects; tests must not change it."""
    folder = tmp_path_factory.mktemp("built")
    # Three captions that cleaning drops and one that stands twice.
    extra = ["Too short", "see www.example.com for a red dress", "Der Hund und die Katze sitzen auf dem Sofa", embedded_captions(6)[0]]
    source = write_lines(folder / "captions.txt", embedded_captions(6) + extra)
    before = shrink_units(64)
    tripletgen.build(
        tripletgen.BuildOptions(
            out=str(folder / "out"),
            sources=(SourceSpec(str(source), "CC-BY-4.0"),),
            shard_rows=200,
            validation_fraction=0.2,
            keep_rejects=True,
        )
    )
    shrink_units(before)
    return folder / "out"


@pytest.fixture
def dataset(built: Path, tmp_path: Path) -> Path:
    """Return a copy of the built data set that a test may damage."""
    return Path(shutil.copytree(built, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def frame_for() -> Callable[[str], Frame]:
    """Return a function from a caption to its frame, with the evidence of the embedded captions."""
    stats = embedded_stats()

    def frame(text: str) -> Frame:
        lexicon = load_lexicon()
        (parsed,) = parse([Caption(text, "test", "1", "MIT", group_id_of(text))])
        return frame_of(mend_parse(parsed, lexicon), lexicon, stats)

    return frame
