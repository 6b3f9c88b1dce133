"""The endpoint against a real server that fails in every way."""

import threading
import time
from typing import Any

import httpx
import pytest

from tests.rewrite.server import Server, Trickle, address, completion, serving
from tripletgen.rewrite.base import Answer, Message, RewriterError, make_request, sampling_of
from tripletgen.rewrite.endpoint import EndpointRewriter, _name
from tripletgen.rewrite_options import RewriteOptions

GOOD = '{"modification_text": "a cat"}'


def ask(url: str, number: int = 8, model: str = "small", **more: Any) -> dict[str, Answer]:
    options = RewriteOptions("endpoint", model, endpoint=url, **({"patience": 5.0, "timeout": 5.0} | more))
    sampling = sampling_of(options, 0)
    requests = [make_request(model, sampling, (Message("user", f"caption {n}"),), {"type": "object"}) for n in range(number)]
    return {answer.key: answer for answer in EndpointRewriter(options, sampling, pause=0.02).answer(requests)}


FAULTS: dict[str, Any] = {
    "429": (429, {"retry-after": "1"}, "slow down"),
    "500": (500, {}, "oops"),
    "503": (503, {}, ""),
    "reset": "reset",
    "not json": (200, {}, "<html>"),
    "no choices": (200, {}, "{}"),
    "a number": (200, {}, completion(5)),
    "a list": (200, {}, completion(["a cat"])),
    "an object": (200, {}, completion({"text": "a cat"})),
    "too large": (200, {}, "x" * 9_000_000),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_that_passes_costs_nothing_but_time(fault: str) -> None:
    with serving(lambda n, _: FAULTS[fault] if n % 3 == 0 else GOOD) as server:
        answers = ask(address(server))
    assert [(a.failure, [reply.text for reply in a.replies]) for a in answers.values()] == [(None, [GOOD])] * 8


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("500", "server_error"), ("reset", "connection_broken"), ("not json", "not_the_protocol"), ("too large", "answer_too_large")],
)
def test_a_request_that_always_fails_ends_with_its_reason_and_the_others_are_answered(fault: str, reason: str) -> None:
    def script(_: int, body: dict[str, Any]) -> Any:
        return FAULTS[fault] if body["messages"][0]["content"] == "caption 3" else GOOD

    with serving(script) as server:
        failures = [a.failure for a in ask(address(server)).values() if a.failure]
    assert failures == [reason]


def test_an_answer_that_takes_too_long_is_a_timeout() -> None:
    with serving(lambda _, body: 1.0 if body["messages"][0]["content"] == "caption 3" else GOOD) as server:
        failures = [a.failure for a in ask(address(server), timeout=0.2).values() if a.failure]
    assert failures == ["timeout"]


def test_an_answer_that_comes_byte_by_byte_has_the_same_time_as_one_that_comes_at_once() -> None:
    with serving(lambda *_: Trickle(GOOD, 0.1)) as server:
        answers = ask(address(server), 1, timeout=0.3)
    assert [(a.failure, a.detail) for a in answers.values()] == [("timeout", "not finished after 0.3 s")]


def test_a_list_of_models_that_comes_byte_by_byte_is_not_waited_for() -> None:
    with serving(lambda *_: GOOD, models=Trickle("{}", 0.2)) as server, pytest.raises(RewriterError, match=r"not finished after 0\.3 s"):
        ask(address(server), 1, timeout=0.3)


TOO_LONG = (400, {}, "This model's maximum context length is 64 tokens")


def test_a_prompt_that_does_not_fit_is_said_to_be_too_long() -> None:
    with serving(lambda _, body: TOO_LONG if body["messages"][0]["content"] == "caption 3" else GOOD) as server:
        answers = ask(address(server), 8)
    assert [a.failure for a in answers.values() if a.failure] == ["context_too_small"]


@pytest.mark.parametrize("number", [2, 200])
@pytest.mark.parametrize("said", [TOO_LONG, (400, {}, "the request exceeds the\n  available context size")])
def test_a_context_that_no_prompt_fits_is_one_error_with_the_remedy(said: Any, number: int) -> None:
    with serving(lambda *_: said) as server, pytest.raises(RewriterError) as caught:
        ask(address(server), number)
    assert caught.value.message == f"{address(server)}: no prompt fits the model's context (400 {' '.join(said[2].split())})"
    assert caught.value.hint == (
        "start the server with a longer context (vllm serve: --max-model-len), take a model that has one, or shorten the prompt"
    )


def test_many_long_prompts_in_a_row_do_not_stop_a_server_that_others_fit() -> None:
    with serving(lambda n, _: GOOD if n == 0 else TOO_LONG) as server:
        answers = ask(address(server), 100, concurrency=1)
    assert [a.failure for a in answers.values()] == [None] + ["context_too_small"] * 99


def test_no_more_requests_are_under_way_than_allowed() -> None:
    def script(*_: Any) -> str:
        time.sleep(0.02)
        return GOOD

    with serving(script) as server:
        ask(address(server), 30, concurrency=4)
        assert server.most_busy <= 4
        assert len(server.chats) == 30


def test_a_server_that_restarts_in_the_middle_is_waited_for() -> None:
    first = Server(lambda *_: GOOD)
    port, url = first.server_address[1], address(first)
    first.server_close()
    stopped = threading.Event()

    def life() -> None:
        with serving(lambda n, _: GOOD if n < 5 else "reset", port):
            time.sleep(0.3)
        stopped.set()
        time.sleep(0.2)
        with serving(lambda *_: GOOD, port):
            done.wait(10)

    done = threading.Event()
    thread = threading.Thread(target=life)
    thread.start()
    time.sleep(0.1)
    try:
        answers = ask(url, 40, concurrency=2, patience=10.0)
    finally:
        done.set()
        thread.join()
    assert len(answers) == 40


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_variable_and_never_the_key(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving(lambda *_: (status, {}, "sk-secret")) as server, pytest.raises(RewriterError) as caught:
        ask(address(server))
    assert "OPENAI_API_KEY" in caught.value.hint
    assert "sk-secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("key", ["sk-secret\n", " sk-secret\r\n", "\tsk-secret"])
def test_white_space_around_a_key_is_no_part_of_it(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with serving(lambda *_: GOOD) as server:
        assert [a.failure for a in ask(address(server), 1).values()] == [None]
        assert server.keys == {"Bearer sk-secret"}


@pytest.mark.parametrize("key", ["sk-sécret", "sk-se\ncret", "sk-se cret", "sk-se\x7fcret", "sk-se\udcffcret"])
def test_a_key_that_cannot_be_sent_is_refused_and_never_printed(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with serving(lambda *_: GOOD) as server, pytest.raises(RewriterError) as caught:
        ask(address(server), 1)
    assert caught.value.message == "OPENAI_API_KEY: holds a space or another character that no key has"
    assert caught.value.hint == "set it to the key and nothing else"


def test_an_error_about_what_was_sent_is_told_without_its_text() -> None:
    assert _name(httpx.LocalProtocolError("Illegal header value b'Bearer sk-secret'")) == "LocalProtocolError"
    assert _name(httpx.ReadError("broken")) == "ReadError: broken"


def test_a_server_that_is_not_there_is_named_with_what_was_tried() -> None:
    with pytest.raises(RewriterError, match=r"http://127.0.0.1:9/v1: no answer .* GET http://127.0.0.1:9/v1/models was tried 3 times"):
        ask("http://127.0.0.1:9/v1")


def test_an_unknown_model_is_named_with_those_that_are_served() -> None:
    with serving(lambda *_: GOOD) as server, pytest.raises(RewriterError, match="does not serve 'large'") as caught:
        ask(address(server), model="large")
    assert caught.value.hint == "models there: small"


def test_a_server_that_fails_on_everything_stops_the_run() -> None:
    with serving(lambda *_: (500, {}, "out of memory")) as server, pytest.raises(RewriterError, match="50 requests in a row"):
        ask(address(server), 200)


def test_usage_and_cut_off_replies_are_read() -> None:
    with serving(lambda *_: (200, {}, completion("{", "length"))) as server:
        [answer] = ask(address(server), 1).values()
    assert (answer.tokens_in, answer.tokens_out, answer.replies[0].truncated) == (100, 20, True)


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "-3", "1e30", '"many"', "[7]", "null", "9" * 400])
def test_a_number_of_tokens_that_cannot_be_true_is_unknown(number: str) -> None:
    body = completion(GOOD).replace("100", number)
    with serving(lambda *_: (200, {}, body)) as server:
        [answer] = ask(address(server), 1).values()
    assert (answer.failure, answer.tokens_in, answer.tokens_out) == (None, 0, 20)


@pytest.mark.parametrize("usage", ["5", "[]", '"much"', "null"])
def test_a_usage_that_is_no_object_is_unknown(usage: str) -> None:
    body = completion(GOOD).replace('{"prompt_tokens": 100, "completion_tokens": 20}', usage)
    with serving(lambda *_: (200, {}, body)) as server:
        [answer] = ask(address(server), 1).values()
    assert (answer.failure, answer.tokens_in, answer.tokens_out) == (None, 0, 0)


def test_a_reply_without_content_is_empty() -> None:
    with serving(lambda *_: (200, {}, completion(None))) as server:
        [answer] = ask(address(server), 1).values()
    assert (answer.failure, answer.replies[0].text) == (None, "")
