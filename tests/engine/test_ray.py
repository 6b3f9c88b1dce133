"""A real Ray cluster of two nodes in this machine: the same bytes as the local engine, whatever dies meanwhile."""

import gzip
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs
import zstandard

import tripletgen
from tests.engine import workers
from tests.engine.workers import POISON_WHEN_EDITED, POISON_WHEN_PARSED, POISON_WHEN_READ, NumberTask
from tests.helpers import CAPTIONS as CAPTION_LINES
from tests.helpers import digests, embedded_captions, rows_of, shrink_units, write_lines
from tests.s3 import SECRET, empty_bucket, served_s3
from tests.test_resume import StopAt
from tripletgen.captions.sources import SourceSpec
from tripletgen.engine.ray import RayEngine, ray_means, ray_session
from tripletgen.errors import MissingExtraError, OutputError, SourceError, TripletgenError
from tripletgen.rewrite.base import RewriterError
from tripletgen.rewrite_options import RewriteOptions

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
    with served_s3() as address, empty_bucket(address) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    """Return a cluster that this process is connected to; its nodes have the environment of the bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIED_ONCE", str(tmp_path_factory.mktemp("died") / "once"))
        # The workers are to ask no Hub; this process, which reads the variable once, goes on as before.
        import huggingface_hub.constants  # noqa: F401

        patch.setenv("HF_HUB_OFFLINE", "1")
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


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_an_address_where_no_cluster_answers_is_named(address):
    with pytest.raises(TripletgenError, match=f"{address}: no Ray cluster answers") as caught, ray_session(address, 1):
        pass
    assert caught.value.hint == "start one with `ray start --head`, or leave --ray-address out"


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError) as caught, ray_session(None, 1):
        pass
    assert (caught.value.message, caught.value.hint) == ("Ray is not installed", "pip install 'tripletgen[ray]'")


@pytest.mark.parametrize("size", [2, 64])
def test_the_bytes_are_those_of_the_local_engine(cluster, tmp_path, size):
    """Build with so many units that the shuffles have several blocks, and with so few that they have one."""
    twins = [text.replace("dog", animal) for animal in ("cat", "horse") for text in CAPTIONS if " dog " in text]
    write_lines(tmp_path / "a.txt", [*CAPTIONS, *twins, "too short", CAPTIONS[0]])
    before = shrink_units(size)
    manifest = tripletgen.build(options(tmp_path, "ray", engine="ray"))
    tripletgen.build(options(tmp_path, "local"))
    shrink_units(before)
    assert digests(tmp_path / "ray") == digests(tmp_path / "local")
    assert manifest["triplets"]["origin"]["pair"] > 1


@pytest.mark.parametrize(
    ("line", "error"), [("short", "no caption is left of 1 rows"), ("Paint the house again", "no triplet came of these captions")]
)
def test_captions_of_which_nothing_comes_are_refused_as_on_one_machine(cluster, tmp_path, line, error):
    write_lines(tmp_path / "a.txt", [line])
    for engine in ("local", "ray"):
        with pytest.raises(TripletgenError, match=error):
            tripletgen.build(options(tmp_path, engine, engine=engine))


def test_captions_that_end_a_worker_are_found_dropped_and_named(cluster, tmp_path, small_units):
    write_lines(tmp_path / "a.txt", [*CAPTIONS[:60], POISON_WHEN_PARSED, POISON_WHEN_EDITED, POISON_WHEN_READ, "too short"])
    poisoned = tripletgen.build(
        options(tmp_path, "ray", engine="ray"), start=lambda o, root, _, opener: ray_means(o, root, workers.poisoned, opener)
    )
    write_lines(tmp_path / "a.txt", [*CAPTIONS[:60], "too short"])
    healthy = tripletgen.build(options(tmp_path, "local"))
    assert poisoned["captions"]["dropped"].pop("crashed_worker") == 3
    assert poisoned["captions"]["dropped"] == healthy["captions"]["dropped"]
    assert poisoned["triplets"] == healthy["triplets"]
    rejects = pq.read_table(next((tmp_path / "ray/rejects").iterdir())).to_pylist()
    crashed = {(row["stage"], row["text"], row["source_id"]) for row in rejects if row["reason"] == "crashed_worker"}
    assert crashed == {("clean", POISON_WHEN_READ, "63"), ("unit", POISON_WHEN_PARSED, "61"), ("edit", POISON_WHEN_EDITED, "62")}


def test_from_s3_to_s3_with_a_node_lost_half_way_gives_the_bytes_of_the_local_build(cluster, bucket, tmp_path, small_units):
    system = s3fs.S3FileSystem()
    table = pa.table({"caption": [*CAPTIONS[:200], "too short", CAPTIONS[5]]})
    with system.open("data/in/a.parquet", "wb") as file:
        pq.write_table(table, file, row_group_size=64)
    system.pipe_file("data/in/b.txt.gz", gzip.compress("\n".join(CAPTIONS[200:250]).encode()))
    lines = "".join(json.dumps({"caption": caption}) + "\n" for caption in CAPTIONS[250:])
    system.pipe_file("data/in/deep/c.jsonl.zst", zstandard.compress(lines.encode()))
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


def test_rows_of_the_hubs_files_have_the_numbers_that_one_reader_gives_them(cluster, tmp_path, small_units):
    folder = tmp_path / "org/name/data"
    folder.mkdir(parents=True)
    cells = [[caption] for caption in CAPTIONS[:30]] + [[CAPTIONS[30], "too short", CAPTIONS[31]], []]
    for number, part in enumerate((cells, [[caption] for caption in CAPTIONS[32:60]])):
        pq.write_table(pa.table({"captions": part}), folder / f"train-0000{number}-of-00002.parquet")
    source = SourceSpec(f"hf://datasets/{tmp_path}/org/name", "MIT", name="hub")
    for engine in ("local", "ray"):
        tripletgen.build(replace(options(tmp_path, engine, engine=engine), sources=(source,)))
    assert digests(tmp_path / "ray") == digests(tmp_path / "local")
    assert {"1.0", "31.2", "33.0"} <= {row["source_id"] for split in ("train", "validation") for row in rows_of(tmp_path / "ray", split)}


def numbers(folder: Path) -> tuple[RayEngine, list[NumberTask]]:
    """Return an engine over a folder with six files of a number each, and the tasks to square them."""
    for number in range(6):
        write_lines(folder / f".work/in/{number}", [str(number)])
    return RayEngine(str(folder), workers.nothing), [NumberTask(str(folder), number) for number in range(6)]


def test_a_worker_that_is_killed_loses_nothing_and_leaves_nothing_half_done(cluster, tmp_path):
    engine, tasks = numbers(tmp_path)
    assert sorted(engine.map(workers.square_or_die_once, tasks)) == [0, 1, 2, 3, 4, 5]
    assert Path(os.environ["DIED_ONCE"]).exists()
    written = {path.name: path.read_text() for path in (tmp_path / ".work/out").iterdir()}
    assert written == {"0": "0", "1": "1", "2": "4", "3": "9", "4": "16", "5": "25"}


def test_a_task_that_kills_every_worker_ends_the_build_with_a_remedy(cluster, tmp_path):
    engine, tasks = numbers(tmp_path)
    with pytest.raises(TripletgenError, match="out/2: its worker dies again and again") as caught:
        list(engine.map(workers.die, tasks[2:3]))
    assert "for want of memory" in caught.value.hint


def test_an_error_in_a_worker_arrives_with_message_and_hint(cluster, tmp_path):
    engine, tasks = numbers(tmp_path)
    with pytest.raises(SourceError) as caught:
        list(engine.map(workers.refuse, tasks[:1]))
    assert (caught.value.message, caught.value.hint) == ("0: cannot be read", "get it again")


def test_a_folder_that_a_node_does_not_see_is_named(cluster, tmp_path):
    engine = RayEngine(str(tmp_path / "elsewhere"), workers.nothing)
    with pytest.raises(OutputError, match="elsewhere: a worker does not see this folder") as caught:
        list(engine.map(workers.square, [NumberTask("", 1)]))
    assert caught.value.hint == "give --out s3://BUCKET/PREFIX, or a folder on a disk that all nodes share"


def test_only_a_few_tasks_are_handed_out_ahead(cluster, tmp_path):
    engine, tasks = numbers(tmp_path)
    taken = []
    results = engine.map(workers.square, (taken.append(task) or task for task in tasks * 10))
    next(results)
    assert len(taken) <= 4


def test_replicas_of_a_model_one_of_which_dies_give_the_rows_of_one(cluster, tmp_path):
    write_lines(tmp_path / "a.txt", CAPTION_LINES)
    rewrite = RewriteOptions("endpoint", "small", "http://nowhere/v1", share={"paraphrase": 1.0}, data_parallel_size=2, batch_requests=8)
    manifest = tripletgen.build(options(tmp_path, "ray", engine="ray", rewrite=rewrite), opener=workers.open_mortal)
    tripletgen.build(options(tmp_path, "local", rewrite=rewrite), opener=workers.open_scripted)
    assert Path(os.environ["DIED_ONCE"]).with_name("replica").exists()
    assert manifest["rewriting"]["tasks"]["paraphrase"]["accepted"] > 10
    assert digests(tmp_path / "ray") == digests(tmp_path / "local")


def test_a_model_for_which_there_are_not_enough_gpus_is_refused(cluster, tmp_path):
    write_lines(tmp_path / "a.txt", CAPTION_LINES)
    rewrite = RewriteOptions("vllm", "small", share={"paraphrase": 1.0}, tensor_parallel_size=2, data_parallel_size=4)
    with pytest.raises(RewriterError, match="8 GPUs are needed and the cluster has 0"):
        tripletgen.build(options(tmp_path, "ray", engine="ray", rewrite=rewrite))


def test_one_machine_builds_to_s3_too_with_pairs_and_a_model(bucket, tmp_path, small_units):
    twins = [text.replace("dog", "horse") for text in CAPTIONS if " dog " in text]
    write_lines(tmp_path / "a.txt", [*CAPTIONS[:40], *twins, "too short"])
    given = options(tmp_path, "local", rewrite=RewriteOptions("endpoint", "small", "http://nowhere/v1", cache=str(tmp_path / "cache")))
    tripletgen.build(given, opener=workers.open_scripted)
    far = replace(given, out=f"{bucket}/one")
    tripletgen.build(far, opener=workers.open_scripted)
    assert fetched(far.out) == digests(tmp_path / "local")
    assert tripletgen.sample_triplets(far.out, 3) == tripletgen.sample_triplets(tmp_path / "local", 3)
    with pytest.raises(OutputError, match="s3://data/one: holds a finished build of another recipe"):
        tripletgen.build(replace(far, seed=7), opener=workers.open_scripted)


def test_a_stopped_build_in_s3_goes_on_and_is_found_finished(bucket, tmp_path, small_units):
    write_lines(tmp_path / "a.txt", CAPTIONS[:120])
    tripletgen.build(options(tmp_path, "local"))
    far = replace(options(tmp_path, "local"), out=f"{bucket}/stopped")
    with pytest.raises(KeyboardInterrupt):
        tripletgen.build(far, StopAt("parsing", 60))
    before = parses_in(far.out)
    with pytest.raises(KeyboardInterrupt):
        tripletgen.build(far, StopAt("making triplets", 0))
    after = parses_in(far.out)
    manifest = tripletgen.build(far)
    assert 0 < len(before) < len(after)
    assert before.items() <= after.items()
    assert fetched(far.out) == digests(tmp_path / "local")
    assert tripletgen.build(far) == manifest


def parses_in(address: str) -> dict[str, object]:
    """Return when each unit's parse was written."""
    system = s3fs.S3FileSystem(skip_instance_cache=True)
    found = system.find(f"{address}/.work/parsed", detail=True)
    return {path: info["LastModified"] for path, info in found.items() if path.endswith(".arrow")}


def test_an_object_that_changed_and_kept_its_size_is_noticed(bucket, tmp_path):
    given = replace(options(tmp_path, "local"), sources=(SourceSpec(f"{bucket}/a.txt", "MIT"),))
    for first in ("A red car on a wet street.\n", "A red bus on a wet street.\n"):
        s3fs.S3FileSystem().pipe_file("data/a.txt", (first + "\n".join(CAPTION_LINES)).encode())
        if "car" in first:
            tripletgen.build(given)
    with pytest.raises(OutputError, match="holds a finished build of another recipe, source or version"):
        tripletgen.build(given)


def test_in_a_store_too_only_a_data_set_is_overwritten(bucket, tmp_path):
    write_lines(tmp_path / "a.txt", CAPTION_LINES)
    given = replace(options(tmp_path, "local"), out=f"{bucket}/again")
    tripletgen.build(given)
    assert tripletgen.build(replace(given, seed=7, overwrite=True))["recipe"]["seed"] == 7
    s3fs.S3FileSystem().pipe_file("data/project/README.md", b"mine")
    with pytest.raises(OutputError, match="is not empty and not a data set of tripletgen"):
        tripletgen.build(replace(given, out=f"{bucket}/project", overwrite=True))
    assert list(fetched(f"{bucket}/project")) == ["README.md"]


def test_a_bucket_that_is_not_there_is_named(bucket, tmp_path):
    write_lines(tmp_path / "a.txt", CAPTION_LINES)
    with pytest.raises(OutputError, match="s3://nobody/out: there is no bucket 'nobody'"):
        tripletgen.build(replace(options(tmp_path, "local"), out="s3://nobody/out"))
    with pytest.raises(SourceError, match="s3://data/nothing: no such file"):
        tripletgen.build(replace(options(tmp_path, "local"), sources=(SourceSpec(f"{bucket}/nothing"),)))
