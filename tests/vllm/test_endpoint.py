"""`tripletgen build` with a real server: captions in, a data set of all three origins out, in one command."""

from pathlib import Path

import pytest
import yaml

from tests.helpers import run_cli
from tests.vllm.conftest import BUILD, PATIENCE, tabulate
from tripletgen.check import check_dataset
from tripletgen.rewrite.base import Message, RewriterError, make_request, sampling_of
from tripletgen.rewrite.endpoint import open_endpoint
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.shards.manifest import read_manifest
from tripletgen.shards.reader import iter_triplets


def test_a_build_with_a_server_has_rows_of_all_three_origins(captions: Path, server: str, shares: dict[str, float], tmp_path: Path) -> None:
    rewrite = {"rewriter": "endpoint", "endpoint": server, "model": "smollm2", "share": shares}
    rewrite |= {"temperature": 0.5, "max_tokens": 80, "attempts": 1}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({"rewrite": rewrite}))
    arguments = ["build", captions, *BUILD, "--recipe", "recipe.yaml", "--out", "out", "--quiet"]
    done = run_cli(*arguments, cwd=tmp_path, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert check_dataset(out) == []
    rewriting = tabulate("endpoint", out)
    for row in rewriting["tasks"].values():
        assert row["asked"] == row["accepted"] + row["failed"] >= 200
    assert {"not_json", "wrong_schema", "timeout", "bad_request", "server_error"}.isdisjoint(rewriting["refused"])
    rows = [row for split in read_manifest(out)["splits"] for row in iter_triplets(out, split)]
    assert {row.origin for row in rows} == {"rule", "pair", "llm"}
    assert {row.generator for row in rows if row.origin == "llm"} == {f"{name} smollm2" for name in rewriting["prompts"]}


def test_where_no_prompt_fits_the_context_of_the_server_the_remedy_is_told(server: str) -> None:
    options = RewriteOptions("endpoint", "smollm2", endpoint=server)
    sampling = sampling_of(options, 0)
    request = make_request("smollm2", sampling, (Message("user", "a dog on a sofa " * 1_000),), {"type": "object"})
    with pytest.raises(RewriterError, match="no prompt fits the model's context") as caught:
        list(open_endpoint(options, sampling).answer([request]))
    assert "--max-model-len" in caught.value.hint
