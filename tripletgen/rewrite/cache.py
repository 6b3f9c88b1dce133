"""Answers on disk, so that nothing is asked, or paid, twice.

SQLite, for it survives a kill between two transactions and keeps millions of answers out of memory. Each row has a checksum of its own: a
damaged one counts as not there, and a file that is damaged beyond that is set aside.
"""

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from tripletgen.errors import OutputError
from tripletgen.rewrite.base import Answer, Reply

WAIT = 5.0
_ASK = 500
# Of all that SQLite complains of, what a new file mends; after a full disk or a lock the old one is as good as before.
_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Cache:
    """Remember answers by the key of their request; `damaged` counts rows and files that could not be used.

    Raises:
        OutputError: there can be no file at the path, another process holds it, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        self._lock = threading.Lock()
        self.damaged = 0
        self._open()

    def _open(self) -> None:
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            self._set_aside(error)

    def _connect(self) -> None:
        self._database = sqlite3.connect(self._path, timeout=WAIT, check_same_thread=False)
        # Half a character in a damaged row is that row's matter, and its checksum tells.
        self._database.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, body TEXT, crc INTEGER) WITHOUT ROWID")

    def _set_aside(self, fault: sqlite3.DatabaseError) -> None:
        """Keep a file that is no database of ours under another name and begin a new one.

        Raises:
            OutputError: the fault is none of the file.
        """
        if getattr(fault, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:  # the bits above tell the kind of a fault
            raise self._unusable(fault) from fault
        self._database.close()
        try:
            self._path.replace(self._path.with_suffix(".damaged"))
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._connect()
        except (OSError, sqlite3.DatabaseError) as error:
            raise self._unusable(error) from error
        self.damaged += 1

    def _unusable(self, error: Exception) -> OutputError:
        said = getattr(error, "strerror", None) or error
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            hint = "another process holds the file: wait until it has ended, or give --cache another folder"
        else:
            hint = "give --cache a folder on a disk that can be written and has room"
        return OutputError(f"{self._path}: answers cannot be kept there ({said})", hint)

    def get(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are known.

        Raises:
            OutputError: another process holds the file, or the disk fails.
        """
        found: dict[str, Answer] = {}
        with self._lock:
            for start in range(0, len(keys), _ASK):
                some = keys[start : start + _ASK]
                marks = ",".join("?" * len(some))
                try:
                    rows = self._database.execute(f"SELECT key, body, crc FROM answers WHERE key IN ({marks})", some).fetchall()
                except sqlite3.DatabaseError as error:
                    self._set_aside(error)
                    return found
                for key, body, crc in rows:
                    answer = _decode(key, body, crc)
                    if answer is None:
                        self.damaged += 1
                    else:
                        found[key] = answer
        return found

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all of them or, where the program is killed meanwhile, none; failures are not kept, so they are asked again.

        Raises:
            OutputError: another process holds the file, or the disk fails or is full.
        """
        rows = [(a.key, *_encode(a)) for a in answers if a.failure is None]
        with self._lock:
            try:
                self._write(rows)
            except sqlite3.DatabaseError as error:
                self._set_aside(error)
                self._write(rows)

    def _write(self, rows: Sequence[tuple[str, str, int]]) -> None:
        with self._database:
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
    if not all(isinstance(text, str) for text, _ in replies):  # earlier versions kept what servers say that do not keep to the protocol
        return None
    return Answer(key, tuple(Reply(*reply) for reply in replies), tokens_in, tokens_out)
