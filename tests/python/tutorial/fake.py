"""A stand-in for mllib_py's public names in NumPy, for the tutorial's tests of its own logic.

The tests put it in place where Spark would only be slow; test_tutorial_real.py walks with Spark.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Triples = tuple[np.ndarray, np.ndarray, np.ndarray]


class Ratings:
    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.n_ratings = len(frame)
        self.n_users = frame["user"].nunique()
        self.n_items = frame["item"].nunique()
        self.mean = float(frame["rating"].mean())
        self.has_timestamps = "time" in frame and bool(frame["time"].notna().all())

    def histogram(self) -> dict[float, int]:
        return {float(k): int(v) for k, v in self.frame["rating"].value_counts().items()}

    def top_items(self, n: int) -> list[tuple[int, int]]:
        counts = Counter(self.frame["item"].tolist())
        return sorted(counts.items(), key=lambda it: (-it[1], it[0]))[:n]

    def split(
        self, weights: Sequence[float], *, seed: int = 0, by: str = "random"
    ) -> list[Ratings]:
        if by == "time":
            order = np.argsort(self.frame["time"].to_numpy(), kind="stable")
        else:
            order = np.random.default_rng(seed).permutation(self.n_ratings)
        cuts = np.floor(np.cumsum(weights)[:-1] / sum(weights) * self.n_ratings).astype(int)
        return [Ratings(self.frame.iloc[part]) for part in np.split(order, cuts)]

    def union(self, other: Ratings) -> Ratings:
        return Ratings(pd.concat([self.frame, other.frame]))

    def rmse_of_constant(self, c: float) -> float:
        return float(np.sqrt(((self.frame["rating"] - c) ** 2).mean()))


def ratings(
    data: Any, *, user_col: str = "user", item_col: str = "item", rating_col: str = "rating"
) -> Ratings:
    if isinstance(data, tuple):
        users, items, values = data
        return Ratings(pd.DataFrame({"user": users, "item": items, "rating": values}))
    text = read_bytes(data).decode()
    if user_col in text.partition("\n")[0]:
        rows = [line.split(",") for line in text.splitlines()]
        frame = pd.DataFrame(rows[1:], columns=rows[0])
        frame = frame.rename(columns={user_col: "user", item_col: "item", rating_col: "rating"})
        frame = frame.rename(columns={"timestamp": "time"})
    else:
        rows = [line.split("::" if "::" in line else "\t") for line in text.splitlines()]
        for number, row in enumerate(rows, start=1):
            if len(row) not in (3, 4):
                raise ValueError(f"line {number} is malformed: {'::'.join(row)!r}")
        frame = pd.DataFrame(rows, columns=["user", "item", "rating", "time"][: len(rows[0])])
    types = {"user": int, "item": int, "rating": float, "time": float}
    return Ratings(frame.astype({k: v for k, v in types.items() if k in frame}))


class ALS:
    """With `cold_start="mean"`, which is what the tutorial asks for."""

    def __init__(
        self,
        *,
        rank: int = 10,
        max_iter: int = 10,
        reg: float = 0.1,
        strategy: str = "auto",
        random_state: int = 0,
        **rest: Any,
    ) -> None:
        self.rank, self.max_iter, self.reg = rank, max_iter, reg
        self.strategy, self.random_state = strategy, random_state

    def fit(self, data: Ratings, *, progress: Any = None) -> ALS:
        frame = data.frame
        self.users, u = np.unique(frame["user"], return_inverse=True)
        self.items, i = np.unique(frame["item"], return_inverse=True)
        r = frame["rating"].to_numpy(float)
        draw = np.random.default_rng(self.random_state)
        self.x = draw.normal(0, 0.3, (len(self.users), self.rank))
        self.y = np.abs(draw.normal(0, 0.3, (len(self.items), self.rank)))
        self.seen: dict[int, set[int]] = {}
        for user, item in zip(frame["user"], frame["item"], strict=True):
            self.seen.setdefault(user, set()).add(item)
        self.history_: list[dict[str, Any]] = []
        nu, ni = np.bincount(u), np.bincount(i)
        for n in range(1, self.max_iter + 1):
            for side in ("user", "item"):
                if side == "user":
                    self._half(self.x, self.y, u, i, r)
                else:
                    self._half(self.y, self.x, i, u, r)
                fit = ((r - (self.x[u] * self.y[i]).sum(1)) ** 2).sum()
                penalty = (nu @ (self.x**2).sum(1)) + (ni @ (self.y**2).sum(1))
                objective = float(fit + self.reg * penalty)
                self.history_.append(
                    {"iteration": n, "side": side, "objective": objective, "seconds": 0.0}
                )
        self.mean_ = data.mean
        self.stop_reason_ = f"all {self.max_iter} iterations were done"
        self.strategy_ = "broadcast" if self.strategy == "auto" else self.strategy
        return self

    def _half(
        self, rows: np.ndarray, fixed: np.ndarray, at: np.ndarray, other: np.ndarray, r: np.ndarray
    ) -> None:
        order = np.argsort(at, kind="stable")
        ends = np.searchsorted(at[order], np.arange(len(rows) + 1))
        for row in range(len(rows)):
            mine = order[ends[row] : ends[row + 1]]
            tile = fixed[other[mine]]
            gram = tile.T @ tile + self.reg * len(mine) * np.eye(self.rank)
            rows[row] = np.linalg.solve(gram, tile.T @ r[mine])

    def predict(self, users: Sequence[int], items: Sequence[int]) -> np.ndarray:
        u = np.searchsorted(self.users, users).clip(0, len(self.users) - 1)
        i = np.searchsorted(self.items, items).clip(0, len(self.items) - 1)
        known = (self.users[u] == users) & (self.items[i] == items)
        return np.where(known, (self.x[u] * self.y[i]).sum(1), self.mean_).astype(np.float32)

    def score(self, data: Ratings) -> float:
        guess = self.predict(data.frame["user"].to_numpy(), data.frame["item"].to_numpy())
        error = data.frame["rating"].to_numpy() - guess
        return float(math.sqrt(np.mean(error**2)))

    def recommend(
        self, users: Sequence[int], k: int = 10, exclude_seen: bool = True
    ) -> pd.DataFrame:
        rows = []
        for user in users:
            scores = self.predict(np.full(len(self.items), user), self.items)
            films = [
                (float(score), int(item))
                for score, item in zip(scores, self.items, strict=True)
                if not (exclude_seen and int(item) in self.seen.get(user, set()))
            ]
            films.sort(key=lambda it: (-it[0], it[1]))
            rows += [(user, item, s, n) for n, (s, item) in enumerate(films[:k], start=1)]
        return pd.DataFrame(rows, columns=["user", "item", "score", "rank"])

    def save(self, path: str, *, overwrite: bool = False) -> None:
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text(json.dumps({"rank": self.rank, "reg": self.reg}))


def session(master: str | None = None, **rest: Any) -> None:
    return None


def list_files(uri: str) -> list[str]:
    folder = Path(uri.removeprefix("file://"))
    if not folder.is_dir():
        raise ValueError(f"There is no folder {uri}.")
    return sorted(path.as_uri() for path in folder.iterdir() if path.is_file())


def read_bytes(uri: str, limit: int | None = None) -> bytes:
    path = Path(uri.removeprefix("file://"))
    if not path.is_file():
        raise ValueError(f"There is no file {uri}.")
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as content:
        return content.read(-1 if limit is None else limit)


def write_bytes(uri: str, content: bytes) -> None:
    Path(uri.removeprefix("file://")).write_bytes(content)


def put_in_place(set_attribute: Callable[[Any, str, Any], None] = setattr) -> None:
    """Put this module's names in place of mllib_py's."""
    import mllib_py
    import mllib_py.data

    for name in ("list_files", "read_bytes", "write_bytes"):
        set_attribute(mllib_py.data, name, globals()[name])
    for name in ("ratings", "Ratings", "ALS", "session"):
        set_attribute(mllib_py, name, globals()[name])


if __name__ == "__main__":
    # The command, for the tests that need a process of its own and no Spark.
    from mllib_py.cli import main

    put_in_place()
    sys.exit(main())
