"""What can be asked of the tutorial."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields

STRATEGIES = ("auto", "broadcast", "data-parallel", "blocked", "hybrid")
DEFAULT_RANKS = (8, 20, 50)
DEFAULT_REGS = (0.06, 0.1, 0.15)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The choices of one run; each field is the command-line option of the same name."""

    data: str | None = None
    download: str | None = None
    my_ratings: str | None = None
    strategy: str = "auto"
    out: str = "movielens-out"
    json: bool = False
    seed: int = 0
    split: str = "random"
    k: int = 10
    min_ratings: int = 0
    ranks: tuple[int, ...] = DEFAULT_RANKS
    regs: tuple[float, ...] = DEFAULT_REGS
    iterations: int = 15
    master: str | None = None

    @property
    def split_in_words(self) -> str:
        """How the ratings are split."""
        return "by time" if self.split == "time" else "at random"

    def as_command(self) -> str:
        """Return the command line that asks for this."""
        words = ["mllib-py", "movielens"]
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            words.append("--" + field.name.replace("_", "-"))
            if value is not True:
                words.append(",".join(map(str, value)) if isinstance(value, tuple) else str(value))
        return shlex.join(words)
