"""A real S3 protocol server in this process. Its buckets outlive it, for moto keeps them by process: so each is removed at its end."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import s3fs
from moto.server import ThreadedMotoServer

SECRET = "SECRETaccessKEY"


@contextmanager
def served_s3() -> Iterator[str]:
    """Serve S3 on the loopback interface and give its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def empty_bucket(address: str) -> Iterator[str]:
    """Give the address of a bucket; server and credentials stand in the environment meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("AWS_ENDPOINT_URL", address),
            ("AWS_ACCESS_KEY_ID", "me"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_MAX_ATTEMPTS", "2"),
        ):
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        system = s3fs.S3FileSystem()
        system.mkdir("data")
        yield "s3://data"
        system.invalidate_cache()
        system.rm("data", recursive=True)
        s3fs.S3FileSystem.clear_instance_cache()
