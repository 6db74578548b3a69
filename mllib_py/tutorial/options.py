"""What can be asked of the tutorial."""

from __future__ import annotations

from dataclasses import dataclass

STRATEGIES = ("auto", "broadcast", "data-parallel", "blocked")
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
    ranks: tuple[int, ...] = DEFAULT_RANKS
    regs: tuple[float, ...] = DEFAULT_REGS
    iterations: int = 15
    master: str | None = None
