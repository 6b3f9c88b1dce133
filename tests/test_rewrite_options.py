"""What the stage is told is checked at birth, wherever it was written."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tripletgen.errors import UsageError
from tripletgen.rewrite_options import RewriteOptions, merge_rewrite, parse_shares, read_rewrite_recipe

SERVER = {"rewriter": "endpoint", "model": "small", "endpoint": "http://localhost:8000/v1"}


def from_recipe(text: str) -> RewriteOptions | None:
    return merge_rewrite(SERVER | read_rewrite_recipe("r.yaml", yaml.safe_load(text)), {})


@pytest.mark.parametrize(
    "address",
    [
        "http://HOST:PORT/v1",
        "http://localhost:99999/v1",
        "http://localhost:-1/v1",
        "http://localhost:0/v1",
        "http://[::1/v1",
        "http:///v1",
        "http://",
        "http://local host/v1",
        "http://localhost/v1\u2028",
        "localhost:8000/v1",
        "ftp://localhost/v1",
        "",
    ],
)
def test_an_address_that_no_server_can_have_is_refused_with_a_form(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        RewriteOptions("endpoint", "small", address)
    assert caught.value.message == f"endpoint: {address!r} is no address"
    assert caught.value.hint == "give --endpoint http://HOST:PORT/v1, PORT a number below 65536"


@pytest.mark.parametrize("address", ["http://localhost:8000/v1", "https://api.example.com", "http://[::1]:8000/v1/", "HTTP://10.0.0.1/v1"])
def test_an_address_of_a_server_is_taken(address: str) -> None:
    assert RewriteOptions("endpoint", "small", address).endpoint == address


@pytest.mark.parametrize("name", ["model", "endpoint", "prompts", "cache"])
@pytest.mark.parametrize("value", ["7", "[a]", "{a: b}", "true", "2024-01-01", '"a\\nb"', '"a\\0b"'])
def test_what_is_no_text_in_a_recipe_is_named(name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_recipe(f"{name}: {value}")
    assert caught.value.message == f"{name}: {yaml.safe_load(value)!r} is no text of one line"
    assert caught.value.hint == f"write {name}: TEXT"


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "-1", "hot", "true", "null", "[1]"])
@pytest.mark.parametrize(
    ("name", "bounds"),
    [("temperature", "0 to 2"), ("top_p", "0.001 to 1"), ("timeout", "0.001 to 604800"), ("patience", "0 to 604800")],
)
def test_a_number_that_cannot_be_meant_is_refused_with_its_bounds(name: str, bounds: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_recipe(f"{name}: {value}")
    assert caught.value.message == f"{name}: {yaml.safe_load(value)!r} is not a number from {bounds}"


@pytest.mark.parametrize("value", [0, -1, 1.5, "many", True, float("nan"), float("inf"), 10**13])
@pytest.mark.parametrize(
    "name", ["attempts", "num_replies", "max_tokens", "concurrency", "batch_requests", "max_requests", "max_model_len"]
)
def test_a_number_of_things_is_whole(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        RewriteOptions("vllm", "small", **{name: value})
    assert caught.value.message == f"{name}: {value!r} is not a whole number from 1 to 1000000000000"


@pytest.mark.parametrize(("name", "value"), [("temperature", 2.1), ("top_p", 5), ("top_p", 0), ("timeout", 0), ("patience", 1e300)])
def test_a_number_out_of_its_bounds_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name}: {value!r} is not a number from ".replace("+", "\\+")):
        RewriteOptions("vllm", "small", **{name: value})


@pytest.mark.parametrize("number", ["nan", "inf", "-0.1", "1.1", "1e400"])
def test_a_share_is_a_part_of_the_whole(number: str) -> None:
    shares = parse_shares([f"paraphrase={number}"])
    with pytest.raises(UsageError) as caught:
        merge_rewrite(SERVER, {"share": shares})
    assert caught.value.message == f"share of paraphrase: {float(number)} is not a number from 0 to 1"


def test_a_switch_is_true_or_false() -> None:
    with pytest.raises(UsageError, match="enforce_eager: 'no' is not true or false"):
        from_recipe("enforce_eager: 'no'")


def test_the_home_folder_stands_for_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    options = RewriteOptions("vllm", "~/m", prompts="~/p", cache="~/c")
    assert (options.model, options.prompts, options.cache) == (f"{tmp_path}/m", f"{tmp_path}/p", f"{tmp_path}/c")
    assert options.recipe()["model"] == "m"


def test_a_model_of_a_server_is_a_name_and_no_folder() -> None:
    assert RewriteOptions("endpoint", "~/m", "http://localhost:8000/v1").model == "~/m"


def test_a_password_in_an_address_is_refused_and_not_shown():
    with pytest.raises(UsageError) as caught:
        RewriteOptions("endpoint", "small", "http://me:secret@localhost:8000/v1")
    assert (caught.value.message, caught.value.hint) == (
        "endpoint: an address with a name and a password in it",
        "leave them out: a key comes from OPENAI_API_KEY",
    )
