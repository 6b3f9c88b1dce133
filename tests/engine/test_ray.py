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
def cluster() -> Iterator[TwoNodes]:
    """Return a cluster that this process is connected to."""
    from tripletgen.engine.ray import ray_session

    os.environ["DIED_ONCE"] = "/nowhere"
    nodes = TwoNodes()
    with ray_session(nodes.address, 1):
        yield nodes
    nodes.stop()


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
