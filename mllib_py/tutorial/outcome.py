"""Everything that a run found out: what the terminal, the report and --json all tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from mllib_py.tutorial.grid import Trial
from mllib_py.tutorial.profile import Profile


@dataclass(frozen=True)
class Recommendation:
    """A film for you: the rating that the model expects of you, and how many people rated it."""

    movie_id: int
    title: str
    score: float
    n_ratings: int


@dataclass(frozen=True)
class Counts:
    """How much data there is."""

    ratings: int
    users: int
    movies: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The facts of one run."""

    source: str
    generated: bool
    format: str
    counts: Counts
    histogram: dict[float, int]
    you: int
    profile: Profile
    rated_titles: list[tuple[str, float]]
    split: str
    parts: tuple[int, int, int]
    trials: list[Trial]
    best: Trial
    iterations: int
    seed: int
    test_rmse: float
    mean: float
    baseline_rmse: float
    strategy: str
    stop_reason: str
    history: list[dict[str, Any]]
    recommendations: list[Recommendation]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def improvement(self) -> float:
        """By what share of the baseline's RMSE the model's is lower."""
        return 1.0 - self.test_rmse / self.baseline_rmse

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "n_ratings": self.counts.ratings,
            "n_users": self.counts.users,
            "n_movies": self.counts.movies,
            "best": {"rank": self.best.rank, "reg": self.best.reg},
            "validation_rmse": _number(self.best.validation_rmse),
            "test_rmse": _number(self.test_rmse),
            "baseline_rmse": _number(self.baseline_rmse),
            "recommendations": [
                {"movie_id": it.movie_id, "title": it.title, "score": it.score}
                for it in self.recommendations
            ],
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "strategy": self.strategy,
        }


def _number(value: float) -> float | None:
    # JSON has no NaN.
    return value if math.isfinite(value) else None
