"""A Hub and a bucket for every test; the client is told before its import to leave the developer's own token and Xet alone."""

import os
import tempfile
from collections.abc import Iterator

import pytest
import s3fs
from moto.server import ThreadedMotoServer

os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="tripletgen-hf-")
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ.pop("HF_TOKEN", None)

from tests.publish.hub_state import TOKEN, Hub
from tests.publish.loopback_hub import loopback_hub

SECRET = "SECRETaccessKEY"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Return a Hub on the loopback interface; HF_TOKEN holds its token."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with loopback_hub() as served:
        yield served


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """Serve S3 on the loopback interface and return its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of an empty bucket; credentials stand in the environment."""
    for name, value in (
        ("AWS_ENDPOINT_URL", s3_server),
        ("AWS_ACCESS_KEY_ID", "me"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_MAX_ATTEMPTS", "2"),
    ):
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir("data")
    yield "s3://data"
    system.invalidate_cache()
    system.rm("data", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()
