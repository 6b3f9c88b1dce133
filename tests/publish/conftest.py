"""A Hub and a bucket for every test."""

from collections.abc import Iterator

import pytest

from tests.publish.hub_state import TOKEN, Hub
from tests.publish.loopback_hub import loopback_hub
from tests.s3 import empty_bucket, served_s3


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Return a Hub on the loopback interface; HF_TOKEN holds its token."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with loopback_hub() as served:
        yield served


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """Return the address of a server of S3."""
    with served_s3() as address:
        yield address


@pytest.fixture
def bucket(s3_server: str) -> Iterator[str]:
    """Return the address of an empty bucket; server and credentials stand in the environment."""
    with empty_bucket(s3_server) as made:
        yield made
