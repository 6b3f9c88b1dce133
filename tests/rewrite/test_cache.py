"""Answers on disk: what is damaged is set aside, and what stands in the way is told."""

import json
import sqlite3
import zlib
from pathlib import Path

import pytest

import tripletgen.rewrite.cache
from tripletgen.errors import OutputError
from tripletgen.rewrite.base import Answer, Reply
from tripletgen.rewrite.cache import Cache

ROOM = "give --cache a folder on a disk that can be written and has room"


def answers(*keys: str) -> list[Answer]:
    return [Answer(key, (Reply("a cat", truncated=False),), 1, 1) for key in keys]


def filled(path: Path, number: int = 2_000) -> list[str]:
    """Write a cache of many pages and return its keys."""
    keys = [f"{n:032d}" for n in range(number)]
    cache = Cache(path)
    cache.put(answers(*keys))
    cache.close()
    return keys


def damage_pages(path: Path) -> None:
    """Overwrite all pages but the first, so that the file still opens."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def test_answers_for_a_damaged_page_go_to_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    filled(path)
    damage_pages(path)
    cache = Cache(path)
    cache.put(answers("k"))
    assert (cache.damaged, list(cache.get(["k"]))) == (1, ["k"])
    assert (tmp_path / "answers.damaged").exists()


def test_a_database_of_something_else_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE answers (question TEXT)")
    database.close()
    cache = Cache(path)
    assert cache.get(["k"]) == {}
    cache.put(answers("k"))
    assert (cache.damaged, list(cache.get(["k"]))) == (1, ["k"])


def test_half_a_character_in_a_row_damages_that_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    first, *others = filled(path, 3)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE answers SET body = CAST(X'5BC3' AS TEXT) WHERE key = ?", (first,))
    database.close()
    cache = Cache(path)
    assert (list(cache.get([first, *others])), cache.damaged) == (others, 1)


@pytest.mark.parametrize("text", [5, None, ["a cat"]])
def test_a_reply_that_is_no_text_is_damaged(text: object, tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    filled(path, 0)
    body = json.dumps([[[text, False]], 1, 1])
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO answers VALUES ('k', ?, ?)", (body, zlib.crc32(f"k{body}".encode())))
    database.close()
    cache = Cache(path)
    assert (cache.get(["k"]), cache.damaged) == ({}, 1)


HELD = "another process holds the file: wait until it has ended, or give --cache another folder"


def test_a_file_that_another_process_writes_is_told_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tripletgen.rewrite.cache, "WAIT", 0.1)
    path = tmp_path / "answers.sqlite"
    [key] = filled(path, 1)
    cache = Cache(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutputError, match=r"answers\.sqlite: answers cannot be kept there \(database is locked\)") as caught:
        cache.put(answers("k"))
    other.close()
    assert caught.value.hint == HELD
    assert (list(cache.get([key])), cache.damaged) == ([key], 0)


def test_a_file_that_another_process_has_for_itself_is_told_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tripletgen.rewrite.cache, "WAIT", 0.1)
    path = tmp_path / "answers.sqlite"
    filled(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OutputError, match=r"answers cannot be kept there \(database is locked\)") as caught:
        Cache(path)
    other.close()
    assert caught.value.hint == HELD
    assert not (tmp_path / "answers.damaged").exists()


def test_a_cache_whose_folder_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("")
    with pytest.raises(OutputError, match=r"answers/answers\.sqlite: answers cannot be kept there \(File exists\)") as caught:
        Cache(tmp_path / "answers" / "answers.sqlite")
    assert caught.value.hint == ROOM


def test_a_cache_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="answers cannot be kept there") as caught:
        Cache(tmp_path / "file" / "answers" / "answers.sqlite")
    assert caught.value.hint == ROOM


def test_a_place_that_is_not_for_files_is_told() -> None:
    with pytest.raises(OutputError, match=r"/proc/x/answers\.sqlite: answers cannot be kept there") as caught:
        Cache(Path("/proc/x/answers.sqlite"))
    assert caught.value.hint == ROOM


def test_a_folder_in_the_place_of_the_file_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").mkdir()
    with pytest.raises(OutputError, match=r"answers cannot be kept there \(unable to open database file\)") as caught:
        Cache(tmp_path / "answers.sqlite")
    assert caught.value.hint == ROOM
    assert (tmp_path / "answers.sqlite").is_dir()


def test_a_folder_in_the_place_of_what_is_set_aside_is_told(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"no database" * 1000)
    (tmp_path / "answers.damaged" / "full").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"answers cannot be kept there \(Is a directory\)") as caught:
        Cache(tmp_path / "answers.sqlite")
    assert caught.value.hint == ROOM
