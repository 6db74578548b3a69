"""explain_recommendation: what each rating of a user adds to a score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.refusal import refused
from support.small import Small, plays, stars

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

MODES: dict[str, dict[str, Any]] = {
    "explicit": {},
    "explicit, biases": {"biases": True},
    "exponent": {"reg_exponent": 0.5, "reg_unobserved": 0.1, "biases": True},
    "implicit": {"implicit": True, "alpha": 3.0},
    "implicit, biases": {"implicit": True, "alpha": 3.0, "biases": True},
    "unobserved": {"implicit": True, "unobserved_weight": 0.3, "reg_unobserved": 0.3},
    "unobserved, biases": {"implicit": True, "unobserved_weight": 0.3, "biases": True},
}


def data_of(mode: str) -> Small:
    return plays() if MODES[mode].get("implicit") else stars()


@pytest.fixture(scope="module")
def models(spark: Any) -> dict[str, ALS]:
    return {
        mode: ALS(rank=4, max_iter=4, reg=0.07, **parameters).fit(data_of(mode))
        for mode, parameters in MODES.items()
    }


@pytest.mark.parametrize("mode", MODES)
def test_the_sum_is_the_score_of_the_user_folded_in(mode: str, models: dict[str, ALS]) -> None:
    als, data = models[mode], data_of(mode)
    for user in als.user_ids_[[0, 7]]:
        mine = Small(*(c[data.users == user] for c in data))
        folded = als.fold_in(mine)
        for item in als.item_ids_[[0, 3, 9]]:
            why = als.explain_recommendation(user, item)
            attrs = why.attrs
            total = why["contribution"].sum() + sum(attrs["parts"].values())
            assert total == pytest.approx(attrs["score"], abs=1e-9)
            assert attrs["score"] == pytest.approx(folded.predict([user], [item])[0], abs=2e-5)
            assert attrs["predicted"] == als.predict([user], [item])[0]
            assert dict(zip(why["item"], why["rating"], strict=True)) == dict(
                zip(mine.items, mine.values, strict=True)
            )
            assert (np.diff(why["contribution"]) <= 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_contribution_is_what_the_score_gains_by_the_rating(
    mode: str, models: dict[str, ALS]
) -> None:
    """By dense algebra over all pairs, with the rating's target and with 0 in its place."""
    als, data = models[mode], data_of(mode)
    p = als.get_params()
    user, item = als.user_ids_[5], als.item_ids_[4]
    y = als.item_factors_.astype(np.float64)
    bias = als.item_biases_.astype(np.float64) if p["biases"] else np.zeros(len(y))
    mean = als.mean_rating_ if p["biases"] and not p["implicit"] else 0.0
    if p["biases"]:
        y = np.hstack([y, np.ones((len(y), 1))])  # the user's own bias
    n_items = len(y)
    rows = np.searchsorted(als.item_ids_, data.items[data.users == user])
    r = data.values[data.users == user].astype(np.float64)
    goal = np.zeros(n_items)  # what x.y should be
    confidence = np.zeros(n_items)
    if not p["implicit"]:
        confidence[rows], goal[rows] = 1, r - mean
    elif p["unobserved_weight"] is None:
        confidence[:] = 1
        confidence[rows] += p["alpha"] * np.abs(r)
        goal[rows] = r > 0
    else:
        w = p["unobserved_weight"]
        confidence[:] = w
        confidence[rows] += 1
        goal[rows] = (r > 0) / (1 + w)  # 1 observed, 0 with weight w
    n = (r > 0).sum() if p["implicit"] else len(r)
    ridge = p["reg"] * (n + p["reg_unobserved"] * n_items) ** p["reg_exponent"]
    a = (y.T * confidence) @ y + ridge * np.eye(y.shape[1])

    def score(goal: Any, bias_of_rated: Any) -> float:
        x = np.linalg.solve(a, y.T @ (confidence * goal - bias_of_rated))
        at = np.searchsorted(als.item_ids_, item)
        return float(x @ y[at] + bias[at] + mean)

    taken = confidence * bias
    why = als.explain_recommendation(user, item).set_index("item")["contribution"]
    assert score(goal, taken) == pytest.approx(
        als.explain_recommendation(user, item).attrs["score"], abs=1e-5
    )
    background = np.ones(n_items) * (
        0 if not p["implicit"] else 1 if p["unobserved_weight"] is None else p["unobserved_weight"]
    )
    for row in rows:
        without, less = goal.copy(), taken.copy()
        without[row] = 0
        less[row] = background[row] * bias[row]  # as if the pair had only its background
        expected = score(goal, taken) - score(without, less)
        assert why[als.item_ids_[row]] == pytest.approx(expected, abs=1e-5)


def test_k_cuts_the_rows_and_not_the_score(models: dict[str, ALS]) -> None:
    als = models["explicit"]
    whole = als.explain_recommendation(1, 2)
    some = als.explain_recommendation(1, 2, k=2)
    assert some["item"].tolist() == whole["item"].tolist()[:2]
    assert some.attrs == whole.attrs


def test_text_ids_and_names_of_columns() -> None:
    data = stars()
    names = np.array([f"item {i:03}" for i in data.items])
    frame = data.frame().assign(item=names).rename(columns={"item": "film", "rating": "stars"})
    als = ALS(rank=3, max_iter=2, item_col="film", rating_col="stars").fit(frame)
    plain = ALS(rank=3, max_iter=2).fit(data)
    why = als.explain_recommendation(1, names[0])
    assert why.columns.tolist() == ["film", "stars", "contribution"]
    assert set(why["film"]) == set(names[data.users == 1])
    assert len(plain.explain_recommendation(1, data.items[0])) == len(why)


def test_a_user_who_was_folded_in_has_exactly_the_score(models: dict[str, ALS]) -> None:
    new = models["explicit"].fold_in(([900, 900], [2, 9], [5.0, 1.0]))
    why = new.explain_recommendation(900, 16)
    assert sorted(why["rating"]) == [1.0, 5.0]
    assert why.attrs["score"] == pytest.approx(why.attrs["predicted"], abs=1e-5)


def test_what_cannot_be_explained(models: dict[str, ALS]) -> None:
    als = models["explicit"]
    with refused(ValueError, "the user asked for was not in the training data"):
        als.explain_recommendation(10**6, 2)
    with refused(ValueError, "the item asked for was not in the training data"):
        als.explain_recommendation(1, 10**6)
    with refused(TypeError, "users must be integer ids"):
        als.explain_recommendation("a", 2)
    with refused(TypeError, "user must be one id, not list"):
        als.explain_recommendation([1], 2)
    with refused(ValueError, "k must be an integer of at least 1, or None, not 0"):
        als.explain_recommendation(1, 2, k=0)
    with refused(ValueError, "a nonnegative model's scores are no sum"):
        ALS(rank=2, max_iter=1, nonnegative=True).fit(stars()).explain_recommendation(1, 2)
    gibbs = ALS(rank=2, method="gibbs", n_samples=1, burn_in=0, thin=1).fit(stars())
    with refused(ValueError, "a sampled model's scores are no sum"):
        gibbs.explain_recommendation(1, 2)
    with refused(ValueError, "not fitted"):
        ALS().explain_recommendation(1, 2)
