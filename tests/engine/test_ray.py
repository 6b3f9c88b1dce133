"""A real Ray cluster of two nodes in this machine: the same bytes as the local engine, whatever dies meanwhile."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import tripletgen
from tests.engine import workers
from tests.engine.workers import POISON_WHEN_EDITED, POISON_WHEN_PARSED
from tests.helpers import digests, embedded_captions, write_lines
from tripletgen.captions.sources import SourceSpec
from tripletgen.engine.ray import ray_means

SECRET = "SECRETaccessKEY"
CAPTIONS = embedded_captions(6)


class TwoNodes:
    """A cluster of two nodes, one of which tests may take away and give back."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        self._second = self._cluster.add_node(num_cpus=1)
        self._cluster.wait_for_nodes()
        self.address = self._cluster.address

    def lose_one(self) -> None:
        self._cluster.remove_node(self._second, allow_graceful=False)

    def mend(self) -> None:
        self._second = self._cluster.add_node(num_cpus=1)
        self._cluster.wait_for_nodes()

    def stop(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Return the address of a bucket on a server of this process; address and credentials stand in the environment."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "me")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("data")
        yield "s3://data"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def cluster(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    """Return a cluster that this process is connected to; its nodes have the environment of the bucket."""
    os.environ["DIED_ONCE"] = str(tmp_path_factory.mktemp("died") / "once")
    nodes = TwoNodes()
    with ray_session(nodes.address, 1):
        yield nodes
    nodes.stop()


def fetched(address: str) -> dict[str, str]:
    """Return the SHA-256 of every object below an address."""
    system = s3fs.S3FileSystem(skip_instance_cache=True)
    root = address.removeprefix("s3://")
    return {path.removeprefix(f"{root}/"): hashlib.sha256(system.cat_file(path)).hexdigest() for path in system.find(root)}


class LoseANode:
    """Take a node away when half the captions of a phase are done."""

    def __init__(self, cluster: TwoNodes, phase: str, captions: int) -> None:
        self._cluster, self._phase, self._left, self._on, self.lost = cluster, phase, captions, False, False

    def start(self, phase: str, total: int | None) -> None:
        self._on = phase == self._phase

    def advance(self, captions: int) -> None:
        if self._on and self._left > 0:
            self._left -= captions
            if self._left <= 0:
                self._cluster.lose_one()
                self.lost = True

    def note(self, text: str) -> None:
        pass


def options(folder: Path, out: str, **more) -> tripletgen.BuildOptions:
    source = SourceSpec(str(folder / "a.txt"), "MIT")
    return tripletgen.BuildOptions(
        str(folder / out), (source,), **{"shard_rows": 400, "keep_rejects": True, "pairs": True, "validation_fraction": 0.2, **more}
    )


def test_the_bytes_are_those_of_the_local_engine(cluster, tmp_path, small_units):
    twins = [text.replace("dog", animal) for animal in ("cat", "horse") for text in CAPTIONS if " dog " in text]
    write_lines(tmp_path / "a.txt", [*CAPTIONS, *twins, "too short", CAPTIONS[0]])
    manifest = tripletgen.build(options(tmp_path, "ray", engine="ray"))
    tripletgen.build(options(tmp_path, "local"))
    assert digests(tmp_path / "ray") == digests(tmp_path / "local")
    assert manifest["triplets"]["origin"]["pair"] > 1


def test_captions_that_end_a_worker_are_found_dropped_and_named(cluster, tmp_path, small_units):
    write_lines(tmp_path / "a.txt", [*CAPTIONS[:60], POISON_WHEN_PARSED, POISON_WHEN_EDITED])
    poisoned = tripletgen.build(
        options(tmp_path, "ray", engine="ray"), start=lambda o, root, _, opener: ray_means(o, root, workers.poisoned, opener)
    )
    write_lines(tmp_path / "a.txt", CAPTIONS[:60])
    healthy = tripletgen.build(options(tmp_path, "local"))
    assert poisoned["captions"]["dropped"].pop("crashed_worker") == 2
    assert poisoned["captions"]["dropped"] == healthy["captions"]["dropped"]
    assert poisoned["triplets"] == healthy["triplets"]
    rejects = pq.read_table(next((tmp_path / "ray/rejects").iterdir())).to_pylist()
    crashed = {(row["stage"], row["text"], row["source_id"]) for row in rejects if row["reason"] == "crashed_worker"}
    assert crashed == {("unit", POISON_WHEN_PARSED, "61"), ("edit", POISON_WHEN_EDITED, "62")}


def test_from_s3_to_s3_with_a_node_lost_half_way_gives_the_bytes_of_the_local_build(cluster, bucket, tmp_path, small_units):
    system = s3fs.S3FileSystem()
    table = pa.table({"caption": [*CAPTIONS[:200], "too short", CAPTIONS[5]]})
    with system.open("data/in/a.parquet", "wb") as file:
        pq.write_table(table, file, row_group_size=64)
    system.pipe_file("data/in/b.txt.gz", gzip.compress("\n".join(CAPTIONS[200:]).encode()))
    shared = {"shard_rows": 300, "keep_rejects": True, "validation_fraction": 0.2}
    sources = (SourceSpec(f"{bucket}/in", "MIT"),)
    tripletgen.build(tripletgen.BuildOptions(str(tmp_path / "local"), sources, **shared))
    lose = LoseANode(cluster, "parsing", 150)
    manifest = tripletgen.build(tripletgen.BuildOptions(f"{bucket}/out", sources, engine="ray", **shared), lose)
    cluster.mend()
    assert lose.lost
    assert manifest["captions"]["read"] == 202 + len(CAPTIONS) - 200
    assert fetched(f"{bucket}/out") == digests(tmp_path / "local")
    assert not any(SECRET.encode() in path.read_bytes() for path in (tmp_path / "local").rglob("*") if path.is_file())
