"""Generated ratings with skewed users and items and something to learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Columns = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


def ratings(
    n: int = 20_000_000, users: int = 138_000, items: int = 27_000, rank: int = 8, seed: int = 0
) -> Columns:
    """Draw distinct (user, item) pairs, and ratings of 0.5 to 5 in halves from a low-rank model.

    Parameters
    ----------
    n, users, items : int
        The shape; the default is that of MovieLens 20M.
    rank : int
        Rank of the model behind the ratings.
    seed : int
        Seed.

    Returns
    -------
    users, items, values : ndarrays of shape (n,)
        In random order. A user's activity is log-normal, an item's popularity a power law.
    """
    rng = np.random.default_rng(seed)
    activity = np.cumsum(rng.lognormal(0.0, 1.1, users))
    popularity = np.cumsum(1.0 / (np.arange(items) + 20.0) ** 1.05)
    keys = np.empty(0, dtype=np.int64)
    while len(keys) < n:
        m = int((n - len(keys)) * 1.6) + 1000
        u = np.searchsorted(activity, rng.random(m) * activity[-1])
        i = np.searchsorted(popularity, rng.random(m) * popularity[-1])
        keys = _distinct(np.concatenate([keys, u * np.int64(items) + i]))
    keys = rng.permutation(keys)[:n]
    u, i = keys // items, keys % items
    values = _values(u, i, users, items, rank, rng)
    return u.astype(np.int32), i.astype(np.int32), values


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort, and keep one of each: `np.unique`, which goes by hashes, takes many times longer."""
    keys.sort()
    return keys[np.concatenate([[True], keys[1:] != keys[:-1]])]


def _values(
    u: NDArray[np.int64],
    i: NDArray[np.int64],
    users: int,
    items: int,
    rank: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    x = rng.normal(0, 0.75 / rank**0.25, (users, rank)).astype(np.float32)
    y = rng.normal(0, 0.75 / rank**0.25, (items, rank)).astype(np.float32)
    out = np.empty(len(u), dtype=np.float32)
    step = 1 << 20
    for a in range(0, len(u), step):
        s = slice(a, a + step)
        score = 3.5 + np.einsum("ij,ij->i", x[u[s]], y[i[s]]) + rng.normal(0, 0.6, len(u[s]))
        out[s] = np.clip(np.round(score * 2) / 2, 0.5, 5.0)
    return out
