"""The stage and its cache, with a scripted model."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.rewrite.rows import DOG, PAIR, SPOON, reword
from tripletgen.rewrite.base import Answer, Reply, Request, RewriterError
from tripletgen.rewrite.cache import Cache
from tripletgen.rewrite.prompt import load_prompts
from tripletgen.rewrite.scripted import Script, ScriptedRewriter
from tripletgen.rewrite.stage import Stage, UnitRows, choose_tasks
from tripletgen.rewrite.units import estimate
from tripletgen.rewrite_options import RewriteOptions
from tripletgen.schema import Triplet, group_id_of, triplet_id_of

ALL = {"paraphrase": 1.0, "describe": 1.0}


def options(**more: Any) -> RewriteOptions:
    return RewriteOptions("vllm", "small", **({"share": ALL} | more))


def many(number: int) -> list[Triplet]:
    rows = []
    for index in range(number):
        reference, target = f"a dog in garden number {index}", f"a cat in garden number {index}"
        ids = {"triplet_id": triplet_id_of(reference, DOG.modification_text, target), "group_id": group_id_of(reference)}
        rows.append(DOG._replace(reference_caption=reference, target_caption=target, **ids))
    return rows


def run(rows: list[Triplet], script: Script, path: Path, **more: Any) -> tuple[list[UnitRows], Stage, ScriptedRewriter]:
    rewriter, cache = ScriptedRewriter(script), Cache(path)
    stage = Stage(options(**more), 0, load_prompts(), cache, opener=lambda _options, _sampling: rewriter)
    units = [UnitRows(number, rows[start : start + 10], []) for number, start in enumerate(range(0, len(rows), 10))]
    try:
        return sorted(stage.run(units)), stage, rewriter
    finally:
        cache.close()


def test_a_row_whose_reply_is_good_is_replaced_and_the_other_stays(tmp_path: Path) -> None:
    def script(request: Request) -> str:
        return reword(request) if "dog" in request.messages[-1].content else "nonsense"

    [unit], stage, _ = run([DOG, SPOON], script, tmp_path / "a.sqlite")
    assert [r.modification_text for r in unit.rows] == ["same scene, has a cat instead of the dog", "no longer has a spoon"]
    assert [(r[1], r[3]) for r in unit.rejects] == [("not_json", "nonsense"), ("not_json", "nonsense")]
    assert stage.counts.accepted["paraphrase"] == 1
    assert stage.counts.failed["paraphrase"] == 1


@pytest.mark.parametrize(("keep", "texts"), [("always", 3), ("failed", 2), ("never", 1)])
def test_the_recipe_says_when_the_rule_row_stays(keep: str, texts: int, tmp_path: Path) -> None:
    [unit], _, _ = run([DOG, SPOON], lambda r: reword(r) if "dog" in r.messages[-1].content else "", tmp_path / "a", keep=keep)
    assert len(unit.rows) == texts


def test_a_second_attempt_is_told_the_reason(tmp_path: Path) -> None:
    def script(request: Request) -> str:
        return (
            '{"modification_text": "put a cat there, no dog"}'
            if request.messages[-2].role == "assistant" and "refused" in request.messages[-1].content
            else "{}"
        )

    [unit], stage, rewriter = run([DOG], script, tmp_path / "a")
    assert rewriter.asked[1].messages[-1].content == (
        "That was refused: it had the wrong keys or values. Answer once more, differently, with JSON only."
    )
    assert unit.rows[0].modification_text == "put a cat there, no dog"
    assert stage.counts.as_json()["tasks"]["paraphrase"]["accepted_at_second_attempt"] == 1


def test_of_several_replies_the_first_good_one_is_taken_and_the_refused_are_kept(tmp_path: Path) -> None:
    def script(request: Request) -> Answer:
        texts = ("{", '{"modification_text": "put a cat there, no dog"}', '{"modification_text": "a cat where the dog was"}')
        return Answer(request.key, tuple(Reply(text, truncated=False) for text in texts), 100, 60)

    [unit], stage, rewriter = run([DOG], script, tmp_path / "a", num_replies=3)
    assert (unit.rows[0].modification_text, len(rewriter.asked)) == ("put a cat there, no dog", 1)
    assert [(reject[1], reject[3]) for reject in unit.rejects] == [("not_json", "{")]
    assert stage.counts.as_json()["tokens_out"] == 60


def test_a_pair_is_described(tmp_path: Path) -> None:
    [unit], _, _ = run([PAIR], lambda _: '{"modification_text": "a woman in place of the men"}', tmp_path / "a")
    assert (unit.rows[0].origin, unit.rows[0].modification_text) == ("llm", "a woman in place of the men")


@pytest.mark.parametrize("reached", [0, 1, 17, 64, 99])
def test_after_the_death_of_the_engine_nothing_stored_is_asked_again_and_the_result_is_that_of_one_run(
    reached: int, tmp_path: Path
) -> None:
    rows = many(100)
    expected, _, _ = run(rows, reword, tmp_path / "whole", batch_requests=16)
    seen = Counter[str]()

    def dying(request: Request) -> str:
        if seen.total() == reached:
            raise RewriterError("the engine died", "run again")
        seen[request.key] += 1
        return reword(request)

    with pytest.raises(RewriterError, match="died"):
        run(rows, dying, tmp_path / "cut", batch_requests=16)
    got, _, second = run(rows, reword, tmp_path / "cut", batch_requests=16)
    assert got == expected
    assert len(second.asked) == 100 - reached
    third, _, rewriter = run(rows, reword, tmp_path / "cut", batch_requests=16)
    assert (third, rewriter.asked) == (expected, [])


@pytest.mark.parametrize(
    "more", [{"max_requests": 10}, {"share": {"paraphrase": 0.0}}, {"share": {"paraphrase": 0.05}}], ids=["limit", "none", "few"]
)
def test_where_few_rows_are_asked_for_few_units_are_in_memory(more: dict[str, Any], tmp_path: Path) -> None:
    read = given = most = 0

    def units() -> Iterator[UnitRows]:
        nonlocal read, most
        for number in range(500):
            read, most = read + 1, max(most, read - given)
            yield UnitRows(number, [row._replace(group_id=number * 2**40) for row in many(2)], [])

    cache = Cache(tmp_path / "a")
    stage = Stage(options(**more), 0, load_prompts(), cache, opener=lambda _options, _sampling: ScriptedRewriter(reword))
    for _ in stage.run(units()):
        given += 1
    cache.close()
    assert given == 500
    assert most <= 200


def test_what_comes_out_does_not_depend_on_the_size_of_a_batch(tmp_path: Path) -> None:
    def script(request: Request) -> str:
        return reword(request) if int(request.key, 16) % 3 else "no"

    results = [run(many(50), script, tmp_path / str(size), batch_requests=size)[0] for size in (1, 7, 1000)]
    assert results[0] == results[1] == results[2]


def test_damaged_answers_are_counted_and_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    expected, _, _ = run(many(20), reword, path)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE answers SET body = replace(body, 'cat', 'cow') WHERE key IN (SELECT key FROM answers LIMIT 3)")
    database.close()
    cache = Cache(path)
    got, _, rewriter = run(many(20), reword, path)
    assert (got, len(rewriter.asked)) == (expected, 3)
    cache.close()


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"no database" * 1000)
    cache = Cache(path)
    cache.put([Answer("k", (Reply("t", truncated=False),), 1, 1)])
    assert (cache.damaged, list(cache.get(["k"]))) == (1, ["k"])
    assert (tmp_path / "a.damaged").exists()


def test_a_failed_request_is_a_reject_with_its_reason_and_is_asked_again_in_the_next_run(tmp_path: Path) -> None:
    [unit], _, _ = run([DOG], lambda r: Answer(r.key, (), 0, 0, "timeout", "60 s"), tmp_path / "a")
    assert (unit.rows, unit.rejects[0][1], unit.rejects[0][3]) == ([DOG], "timeout", "60 s")
    [unit], _, _ = run([DOG], reword, tmp_path / "a")
    assert unit.rows[0].origin == "llm"


def test_limits_leave_rows_as_they_are_and_count_them(tmp_path: Path) -> None:
    units, stage, rewriter = run(many(30), reword, tmp_path / "a", max_requests=12)
    assert (len(rewriter.asked), stage.counts.not_asked["paraphrase"]) == (12, 18)
    assert Counter(r.origin for unit in units for r in unit.rows) == {"rule": 18, "llm": 12}


def measured(request: Request) -> Answer:
    """Return a good reply with the tokens that a small model was seen to take."""
    return Answer(request.key, (Reply(reword(request), truncated=False),), 400, 20)


@pytest.mark.parametrize(("limit", "requests"), [(400, 0), (600, 1), (5_000, 11), (10_000, 23), (50_000, 100)])
def test_a_limit_of_tokens_counts_what_is_under_way(limit: int, requests: int, tmp_path: Path) -> None:
    units, stage, rewriter = run(many(100), measured, tmp_path / "a", max_tokens_total=limit)
    counts = stage.counts
    assert (counts.requests, len(rewriter.asked), counts.not_asked["paraphrase"]) == (requests, requests, 100 - requests)
    assert counts.tokens_in + counts.tokens_out == 420 * requests <= limit
    assert [row.origin for unit in units for row in unit.rows] == ["llm"] * requests + ["rule"] * (100 - requests)


def test_a_run_with_a_limit_of_tokens_goes_on_after_the_death_of_the_engine_as_if_nothing_had_been(tmp_path: Path) -> None:
    expected, stage, _ = run(many(100), measured, tmp_path / "whole", max_tokens_total=10_000)
    asked: list[str] = []

    def dying(request: Request) -> Answer:
        if len(asked) == 15:
            raise RewriterError("the engine died", "run again")
        asked.append(request.key)
        return measured(request)

    with pytest.raises(RewriterError, match="died"):
        run(many(100), dying, tmp_path / "cut", max_tokens_total=10_000)
    got, second, rewriter = run(many(100), measured, tmp_path / "cut", max_tokens_total=10_000)
    assert (got, second.counts, len(rewriter.asked)) == (expected, stage.counts, 23 - 15)


def test_an_engine_that_leaves_a_request_without_an_answer_is_told_of(tmp_path: Path) -> None:
    class Forgetful(ScriptedRewriter):
        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            yield from super().answer(requests[1:])

    rewriter, cache = Forgetful(reword), Cache(tmp_path / "a")
    stage = Stage(options(), 0, load_prompts(), cache, opener=lambda _options, _sampling: rewriter)
    with pytest.raises(RewriterError, match="the engine answered 9 of 10 requests"):
        list(stage.run([UnitRows(0, many(10), [])]))


class Watched:
    """Note how many rows count as done whenever that changes."""

    def __init__(self) -> None:
        self.done = [0]

    def advance(self, captions: int) -> None:
        self.done.append(self.done[-1] + captions)

    def note(self, text: str) -> None:
        pass


def test_rows_that_are_not_asked_for_count_as_done_along_with_those_that_are(tmp_path: Path) -> None:
    rows, watched, cache = many(40), Watched(), Cache(tmp_path / "a")
    at_first: list[int] = []

    def script(request: Request) -> str:
        at_first.append(watched.done[-1])
        return reword(request)

    third = options(share={"paraphrase": 0.3})
    stage = Stage(third, 0, load_prompts(), cache, progress=watched, opener=lambda _options, _sampling: ScriptedRewriter(script))
    list(stage.run([UnitRows(0, rows, [])]))
    asked = stage.counts.asked["paraphrase"]
    assert (asked, at_first[0]) == (8, 0)
    assert watched.done == [40 * number // asked for number in range(asked + 1)]


def test_rows_count_as_done_while_their_batch_is_under_way(tmp_path: Path) -> None:
    watched, cache, counted = Watched(), Cache(tmp_path / "a"), Event()

    def script(request: Request) -> str:
        if len(rewriter.asked) == 6:
            assert counted.wait(60)
        return reword(request)

    def advance(captions: int) -> None:
        Watched.advance(watched, captions)
        if watched.done[-1] == 5:
            counted.set()

    rewriter, watched.advance = ScriptedRewriter(script), advance  # type: ignore[method-assign]
    stage = Stage(options(), 0, load_prompts(), cache, progress=watched, opener=lambda _options, _sampling: rewriter)
    list(stage.run([UnitRows(0, many(10), [])]))
    assert watched.done[-1] == 10


def test_a_row_is_shown_the_examples_of_its_edit_type(tmp_path: Path) -> None:
    _, _, rewriter = run([DOG, SPOON], reword, tmp_path / "a", attempts=1)
    dog, spoon = ([message.content for message in request.messages[1:-1]] for request in rewriter.asked)
    assert '{"modification_text":"the dog is now a cat"}' in dog
    assert '{"modification_text":"take away the kite"}' in spoon
    assert set(dog).isdisjoint(spoon)


def test_rows_are_chosen_by_group_and_seed_alone() -> None:
    rows = many(400)
    half = options(share={"paraphrase": 0.5})
    chosen = dict(zip(rows, choose_tasks(rows, half, 0), strict=True))
    assert dict(zip(rows[::-1], choose_tasks(rows[::-1], half, 0), strict=True)) == chosen
    assert 160 < sum(task == "paraphrase" for task in chosen.values()) < 240
    assert list(choose_tasks(rows, options(share={"paraphrase": 1.0, "paraphrase:replace_object": 0.0}), 0)) == [None] * 400


@pytest.mark.parametrize(
    ("limits", "requests", "at_most"),
    [({}, 30, 60), ({"attempts": 1}, 30, 30), ({"max_requests": 12}, 12, 12), ({"max_tokens_total": 4_000}, 9, 9)],
)
def test_an_estimate_keeps_to_the_limits(limits: dict[str, int], requests: int, at_most: int) -> None:
    numbers = estimate([UnitRows(0, many(30), [])], options(**limits), 0, 8)
    assert (numbers["requests"], numbers["at_most"]["requests"]) == (requests, at_most)
    assert numbers["tokens_out"] == 13 * requests
    assert numbers["hours"] == round(13 * requests / 8 / 3600, 3)
