"""What the Hub of the tests knows: repositories as lists of commits, and which steps fail on purpose.

A commit is a map from path to bytes, so a reader can never see half of one.
"""

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

STEPS = ("info", "create", "tree", "refs", "yaml", "preupload", "batch", "upload", "verify", "commit", "tag")
TOKEN = "hf_loopbackSECRETtoken"
SIGNATURE = "SECRETSIGNATURE"


@dataclass
class Repository:
    private: bool
    commits: list[tuple[str, dict[str, bytes], frozenset[str]]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], large: frozenset[str]) -> str:
        oid = hashlib.sha1(repr((len(self.commits), sorted(files))).encode()).hexdigest()
        self.commits.append((oid, files, large))
        return oid

    def at(self, revision: str) -> tuple[str, dict[str, bytes], frozenset[str]]:
        oid = self.tags.get(revision, revision)
        return self.commits[-1] if oid == "main" else next(entry for entry in self.commits if entry[0] == oid)


@dataclass
class Hub:
    """The state of the server; `faults` maps a step to what goes wrong there: (how often, status), status 0 cuts the line."""

    url: str = ""
    token: str = TOKEN
    may_write: bool = True
    retry_after: str = "0"
    chunk_size: int | None = None
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, step: str, times: int, status: int) -> None:
        self.faults[step] = [times, status]

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        files = self.repositories[name].at(revision)[1]
        return {path: content for path, content in files.items() if path != ".gitattributes"}


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
