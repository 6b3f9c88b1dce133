"""A caption's frame, as every rule gets it."""

from collections.abc import Callable

import pytest

from tripletgen.edits.base import Frame, frame_of
from tripletgen.lexicon import load_lexicon
from tripletgen.parsing import parse
from tripletgen.retag import mend_parse
from tripletgen.schema import Caption, group_id_of
from tripletgen.stats import embedded_stats


@pytest.fixture(scope="session")
def frame_for() -> Callable[[str], Frame]:
    """Return a function from a caption to its frame, with the evidence of the embedded captions."""
    stats = embedded_stats()

    def frame(text: str) -> Frame:
        lexicon = load_lexicon()
        (parsed,) = parse([Caption(text, "test", "1", "MIT", group_id_of(text))])
        return frame_of(mend_parse(parsed, lexicon), lexicon, stats)

    return frame
