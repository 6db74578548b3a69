"""The best of a catalogue against NumPy over whole score matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.refusal import refused

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")
RNG = np.random.default_rng(5)
PAIRS = RNG.permutation(70 * 90)[:1500]
USERS, ITEMS = PAIRS // 90 + 100, PAIRS % 90 + 1000
VALUES = RNG.integers(1, 6, len(PAIRS)).astype(np.float32)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "biases"])
def als(request: pytest.FixtureRequest, spark: Any) -> ALS:
    return ALS(rank=12, max_iter=3, biases=request.param).fit((USERS, ITEMS, VALUES))


def scores(als: ALS) -> np.ndarray[Any, Any]:
    """All of them, users by items, as predict gives them."""
    u, i = als.user_ids_, als.item_ids_
    flat = als.predict(np.repeat(u, len(i)), np.tile(i, len(u)))
    return flat.reshape(len(u), len(i)).astype(np.float64)


def seen(als: ALS) -> np.ndarray[Any, Any]:
    out = np.zeros((len(als.user_ids_), len(als.item_ids_)), dtype=bool)
    rows = np.searchsorted(als.user_ids_, USERS), np.searchsorted(als.item_ids_, ITEMS)
    out[rows] = True
    return out


def holds(frame: Any, s: np.ndarray[Any, Any], ids: Any, found: Any, k: int, column: str) -> None:
    """Each row of `s` (NaN where hidden) gives its k best in the frame."""
    at = 0
    for row, name in zip(s, ids, strict=True):
        open_ = np.flatnonzero(~np.isnan(row))
        best = open_[np.argsort(-row[open_], kind="stable")][:k]
        part = frame[at : at + len(best)]
        at += len(best)
        assert (part.iloc[:, 0] == name).all()
        assert np.allclose(part["score"], row[best], atol=1e-5)
        where = np.searchsorted(found, part[column].to_numpy())
        assert np.allclose(row[where], row[best], atol=1e-5)
        assert part["rank"].tolist() == list(range(1, len(best) + 1))
    assert at == len(frame)


@pytest.mark.parametrize("k", [1, 7, 500])
@pytest.mark.parametrize("hide", [True, False])
def test_items_for_users_and_users_for_items(als: ALS, k: int, hide: bool) -> None:
    s = scores(als)
    if hide:
        s[seen(als)] = np.nan
    holds(als.recommend(k=k, exclude_seen=hide), s, als.user_ids_, als.item_ids_, k, "item")
    found = als.recommend_users(k=k, exclude_seen=hide)
    holds(found, s.T, als.item_ids_, als.user_ids_, k, "user")


def test_some_users_in_any_order_and_again(als: ALS) -> None:
    s = scores(als)
    asked = als.user_ids_[[5, 2, 5, 60, 1, 9, 33, 8, 4, 7, 5]]
    rows = np.searchsorted(als.user_ids_, asked)
    found = als.recommend(asked, k=4, exclude_seen=False)
    holds(found, s[rows], asked, als.item_ids_, 4, "item")


def test_allowed_and_denied(als: ALS) -> None:
    s = scores(als)
    s[seen(als)] = np.nan
    allow, deny = als.item_ids_[[3, 1, 50, 77]], als.item_ids_[[50, 2]]
    closed = ~np.isin(als.item_ids_, [*als.item_ids_[[3, 1, 77]]])
    s[:, closed] = np.nan
    found = als.recommend(k=3, allow=[*allow, 99999], deny=deny)
    holds(found, s, als.user_ids_, als.item_ids_, 3, "item")
    assert als.recommend(k=3, allow=[]).empty
    with refused(TypeError, "allow must be integer ids"):
        als.recommend(k=3, allow=["a"])


@pytest.mark.parametrize("side", ["item", "user"])
def test_similar_rows_by_cosine(als: ALS, side: str) -> None:
    x = getattr(als, f"{side}_factors_").astype(np.float64)
    assert x.shape[1] == 12
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    s = x @ x.T
    np.fill_diagonal(s, np.nan)
    ids = getattr(als, f"{side}_ids_")
    found = getattr(als, f"similar_{side}s")(k=5)
    holds(found, s, ids, ids, 5, "similar")


def test_biases_and_factors_make_up_the_prediction() -> None:
    als = ALS(rank=5, biases=True).fit((USERS, ITEMS, VALUES))
    s = als.user_factors_.astype(np.float64) @ als.item_factors_.T
    s += als.user_biases_[:, None] + als.item_biases_[None, :] + als.mean_rating_
    assert np.allclose(s, scores(als), atol=1e-4)


def test_without_biases_there_are_none(als: ALS) -> None:
    if als.biases:
        pytest.skip("this one has them")
    with refused(ValueError, "biases=True"):
        _ = als.user_biases_
