"""New rows without a refit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.refusal import refused

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")
RNG = np.random.default_rng(2)
PAIRS = RNG.permutation(50 * 40)[:700]
USERS, ITEMS = PAIRS // 40, PAIRS % 40
VALUES = RNG.integers(1, 6, len(PAIRS)).astype(np.float32)
KINDS: dict[str, dict[str, Any]] = {
    "explicit": {},
    "implicit": {"implicit": True, "alpha": 2.0},
    "biases": {"biases": True, "reg_exponent": 0.5, "reg_unobserved": 0.1},
    "nonnegative": {"nonnegative": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_half_step_is_what_folding_in_gives(kind: str) -> None:
    """Folding all users in again is the first half of one more iteration."""
    als = ALS(rank=5, max_iter=4, **KINDS[kind]).fit((USERS, ITEMS, VALUES))
    folded = als.fold_in((USERS, ITEMS, VALUES))
    assert np.array_equal(folded.item_factors_, als.item_factors_)
    assert np.array_equal(folded.user_ids_, als.user_ids_)
    again = folded.fold_in((USERS, ITEMS, VALUES), side="item")
    more = ALS(rank=5, max_iter=5, **KINDS[kind]).fit((USERS, ITEMS, VALUES))
    tolerance = {"rtol": 1e-2, "atol": 2e-3} if kind == "nonnegative" else {"atol": 1e-4}
    assert np.allclose(again.user_factors_, more.user_factors_, **tolerance)
    assert np.allclose(again.item_factors_, more.item_factors_, **tolerance)


def test_new_users_are_solved_against_the_items() -> None:
    als = ALS(rank=3, reg=0.2).fit((USERS, ITEMS, VALUES))
    new = als.fold_in(([900, 900, 901, 900], [3, 7, 7, 5000], [5.0, 1.0, 4.0, 2.0]))
    assert new.user_ids_.tolist() == [900, 901]
    y = als.item_factors_[np.searchsorted(als.item_ids_, [3, 7])].astype(np.float64)
    expected = np.linalg.solve(y.T @ y + 0.2 * 2 * np.eye(3), y.T @ [5.0, 1.0])
    assert np.allclose(new.user_factors_[0], expected, atol=1e-4)
    found = new.recommend([900], k=100)
    assert set(found["item"]) == set(als.item_ids_) - {3, 7}
    assert als.user_ids_.tolist() == sorted(set(USERS))  # the model itself is as it was


def test_new_items_of_text_users() -> None:
    names = np.array([f"u{u:02}" for u in USERS])
    als = ALS(rank=3).fit((names, ITEMS, VALUES))
    new = als.fold_in((["u01", "u02"], [77, 77], [5.0, 2.0]), side="item")
    assert new.item_ids_.tolist() == [77]
    assert np.array_equal(new.user_factors_, als.user_factors_)
    assert set(new.recommend_users([77], k=100)["user"]) == set(names) - {"u01", "u02"}


def test_what_cannot_be_folded_in() -> None:
    als = ALS(rank=3).fit((USERS, ITEMS, VALUES))
    with refused(ValueError, "no rating is of a row that the model knows"):
        als.fold_in(([1], [999], [3.0]))
    with refused(ValueError, "repeat a (user, item) pair"):
        als.fold_in(([1, 1], [3, 3], [3.0, 4.0]))
    with refused(ValueError, "side must be 'user' or 'item', not 'both'"):
        als.fold_in(([1], [3], [3.0]), side="both")
    sampled = ALS(method="gibbs", rank=2, n_samples=2, burn_in=1, thin=1)
    with refused(ValueError, "a sampled model cannot fold in"):
        sampled.fit((USERS, ITEMS, VALUES)).fold_in(([1], [3], [3.0]))
