"""What the stage counts for the manifest."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tripletgen.rewrite_options import TASKS


@dataclass
class Counts:
    """What was asked and what came of it: the same numbers for an interrupted run and an uninterrupted one."""

    asked: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    accepted_later: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    not_asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for the manifest; what depends on the time or the cache is left out."""
        tasks = {
            task: {
                "asked": self.asked[task],
                "accepted": self.accepted[task],
                "accepted_at_second_attempt": self.accepted_later[task],
                "failed": self.failed[task],
                "not_asked": self.not_asked[task],
            }
            for task in TASKS
            if self.asked[task] or self.not_asked[task]
        }
        return {
            "tasks": tasks,
            "refused": dict(sorted(self.refused.items())),
            "requests": self.requests,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
        }
