"""Answers on disk, so that nothing is asked, or paid, twice.

SQLite, for it survives a kill between two transactions and keeps millions of answers out of memory. Each row has a checksum of its own: a
damaged one counts as not there.
"""

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from tripletgen.rewrite.base import Answer, Reply

_ASK = 500


class Cache:
    """Remember answers by the key of their request; `damaged` counts rows and files that could not be used."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self.damaged = 0
        self._open()

    def _open(self) -> None:
        try:
            self._connect()
        except sqlite3.DatabaseError:
            self._set_aside()

    def _connect(self) -> None:
        self._database = sqlite3.connect(self._path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, body TEXT, crc INTEGER) WITHOUT ROWID")

    def _set_aside(self) -> None:
        """Keep a file that is no database under another name and begin a new one."""
        self._database.close()
        self._path.replace(self._path.with_suffix(".damaged"))
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self.damaged += 1
        self._connect()

    def get(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are known."""
        found: dict[str, Answer] = {}
        with self._lock:
            for start in range(0, len(keys), _ASK):
                some = keys[start : start + _ASK]
                marks = ",".join("?" * len(some))
                try:
                    rows = self._database.execute(f"SELECT key, body, crc FROM answers WHERE key IN ({marks})", some).fetchall()
                except sqlite3.DatabaseError:
                    self._set_aside()
                    return {}
                for key, body, crc in rows:
                    answer = _decode(key, body, crc)
                    if answer is None:
                        self.damaged += 1
                    else:
                        found[key] = answer
        return found

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all of them or, where the program is killed meanwhile, none; failures are not kept, so they are asked again."""
        rows = [(a.key, *_encode(a)) for a in answers if a.failure is None]
        with self._lock, self._database:
            self._database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _encode(answer: Answer) -> tuple[str, int]:
    body = json.dumps([answer.replies, answer.tokens_in, answer.tokens_out])  # ASCII: a model may write half a character
    return body, _checksum(answer.key, body)


def _checksum(key: str, body: str) -> int:
    return zlib.crc32(f"{key}{body}".encode())


def _decode(key: str, body: object, crc: object) -> Answer | None:
    if not isinstance(body, str) or _checksum(key, body) != crc:
        return None
    replies, tokens_in, tokens_out = json.loads(body)
    return Answer(key, tuple(Reply(*reply) for reply in replies), tokens_in, tokens_out)
