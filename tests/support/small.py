"""Small data that tests share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Small(NamedTuple):
    """Ratings as three arrays: what `mllib_py.ratings` takes as they stand."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    values: NDArray[np.float32]

    def shuffled(self, seed: int) -> Small:
        """The same ratings in another order."""
        order = np.random.default_rng(seed).permutation(len(self.users))
        return Small(*(column[order] for column in self))

    def frame(self) -> pd.DataFrame:
        """The ratings as pandas holds them."""
        return pd.DataFrame({"user": self.users, "item": self.items, "rating": self.values})


def stars(n_users: int = 25, n_items: int = 15, share: float = 0.5, seed: int = 0) -> Small:
    """Half stars that two tastes explain in part; every user and every item has a rating."""
    draw = np.random.default_rng(seed)
    seen = draw.random((n_users, n_items)) < share
    seen[np.arange(n_users), np.arange(n_users) % n_items] = True
    seen[np.arange(n_items) % n_users, np.arange(n_items)] = True
    users, items = np.nonzero(seen)
    taste = draw.normal(size=(n_users, 2)) @ draw.normal(size=(2, n_items))
    noisy = 3.2 + 0.8 * taste[users, items] + draw.normal(scale=0.4, size=len(users))
    values = np.clip(np.round(2 * noisy) / 2, 0.5, 5.0)
    # Ids with gaps, as real ones have.
    return Small(
        3 * users.astype(np.int64) + 1, 7 * items.astype(np.int64) + 2, values.astype(np.float32)
    )


def plays(n_users: int = 25, n_items: int = 15, share: float = 0.4, seed: int = 1) -> Small:
    """Implicit feedback: counts, with some zeros and dislikes (below 0) among them."""
    users, items, values = stars(n_users, n_items, share, seed)
    draw = np.random.default_rng(seed + 1)
    counts = draw.poisson(np.maximum(values - 1.5, 0.1)).astype(np.float32)
    counts[draw.random(len(counts)) < 0.1] = -2.0
    return Small(users, items, counts)
