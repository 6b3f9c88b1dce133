"""The cluster file says what Ray's launcher asks for."""

import importlib.util
import json
from pathlib import Path

import jsonschema
import yaml

from tests.helpers import ROOT
from tripletgen import __version__

CLUSTER = yaml.safe_load((ROOT / "examples/ray-cluster.yaml").read_text())


def test_head_and_workers_are_machines_that_are_described():
    kinds = CLUSTER["available_node_types"]
    assert CLUSTER["head_node_type"] in kinds
    assert sum(kind.get("min_workers", 0) for kind in kinds.values()) == CLUSTER["max_workers"] == 8
    assert all("InstanceType" in kind["node_config"] for kind in kinds.values())
    assert {name: kind["resources"]["CPU"] for name, kind in kinds.items()} == {"head": 0, "cpu": 64}


def test_every_machine_installs_this_version_and_starts_ray():
    assert [command for command in CLUSTER["setup_commands"] if f"tripletgen[ray,hub]=={__version__}" in command]
    assert "ray start --head" in CLUSTER["head_start_ray_commands"][-1]
    assert "ray start --address=$RAY_HEAD_IP:6379" in CLUSTER["worker_start_ray_commands"][-1]


def test_where_ray_is_installed_its_own_schema_accepts_the_file():
    known = {"cluster_name", "max_workers", "idle_timeout_minutes", "provider", "auth", "available_node_types", "head_node_type"}
    commands = {"setup_commands", "head_start_ray_commands", "worker_start_ray_commands"}
    assert CLUSTER.keys() == known | commands
    ray = importlib.util.find_spec("ray")
    if ray is not None and ray.origin is not None:
        schema = Path(ray.origin).parent / "autoscaler/ray-schema.json"
        jsonschema.validate(CLUSTER, json.loads(schema.read_text()))
