"""A Hub and a data set for every test; the client is told before its import to leave the developer's own token and Xet alone."""

import os
import tempfile
from collections.abc import Iterator

import pytest

os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="tripletgen-hf-")
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ.pop("HF_TOKEN", None)

from tests.publish.hub_state import TOKEN, Hub
from tests.publish.loopback_hub import loopback_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Return a Hub on the loopback interface; HF_TOKEN holds its token."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with loopback_hub() as served:
        yield served
