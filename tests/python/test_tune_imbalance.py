"""Negatives left out, and probabilities that stay those of all data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from mllib_py import tune

Sampled = tune.NegativeDownsamplingClassifier
RNG = np.random.default_rng(0)
X = RNG.normal(size=(400_000, 3))
TRUE = 1 / (1 + np.exp(7.9 - X @ [1.0, -1.0, 0.5]))  # about 1000 : 1
Y = np.where(RNG.random(len(X)) < TRUE, "yes", "no")


# A row of weight 2 is drawn once, and one that stands twice by two draws.
DRAWN = {
    f"check_sample_weight_equivalence_on_{kind}_data": "rows are drawn, not weights"
    for kind in ("dense", "sparse")
} | {"check_dtype_object": "a bad value in a row that is not drawn is not seen"}


@parametrize_with_checks(
    [Sampled(LogisticRegression(), max_negatives=1.0, random_state=0)],
    expected_failed_checks=lambda _: DRAWN,
)
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("max_negatives", [5.0, 3000])
def test_calibration_at_a_thousand_to_one(max_negatives: Any) -> None:
    assert 500 < (Y == "no").sum() / (Y == "yes").sum() < 2000
    model = Sampled(LogisticRegression(C=1e3), max_negatives=max_negatives, random_state=0)
    model.fit(X, Y)
    assert model.positive_ == "yes"
    assert model.negative_share_ < 0.01
    found = model.predict_proba(X)[:, 1]
    # In tenths of the rows by probability, as many positives as were expected, but for chance.
    order = np.argsort(found)
    for part in np.array_split(order, 10):
        expected, deviation = TRUE[part].sum(), np.sqrt(TRUE[part].sum())
        assert abs(found[part].sum() - expected) < 4 * deviation + 0.25 * expected
    assert found.sum() == pytest.approx(TRUE.sum(), rel=0.15)
    uncorrected = model.estimator_.predict_proba(X)[:, 1].sum()
    assert uncorrected > 20 * TRUE.sum()
    # The true log odds are linear, so that the correction meets their intercept.
    odds = model.estimator_.intercept_[0] + np.log(model.negative_share_)
    assert odds == pytest.approx(-7.9, abs=0.5)


def test_log_odds_go_with_probabilities() -> None:
    for positive in ("yes", "no"):
        y = np.where(X[:2000, 0] > 1.5, "yes", "no")
        if positive == "no":
            y = np.where(y == "yes", "no", "yes")
        model = Sampled(RandomForestClassifier(20, min_samples_leaf=5, random_state=0)).set_params(
            max_negatives=2.0, random_state=0
        )
        model.fit(X[:2000], y)
        assert model.positive_ == positive
        proba, odds = model.predict_proba(X[:500]), model.decision_function(X[:500])
        np.testing.assert_allclose(proba.sum(axis=1), 1)
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(odds, np.log(proba[:, 1] / proba[:, 0]), atol=1e-9)
        assert (model.predict(X[:500]) == np.where(odds > 0, "yes", "no")).all()


def test_weights_and_containers() -> None:
    y = X[:3000, 0] > 1
    weights = RNG.uniform(0.5, 2, 3000)
    models = [
        Sampled(LogisticRegression(), max_negatives=1.0, random_state=0).fit(x, y, weights)
        for x in (X[:3000], sparse.csr_matrix(X[:3000]), pd.DataFrame(X[:3000]).add_prefix("x"))
    ]
    for model in models[1:]:
        np.testing.assert_allclose(model.estimator_.coef_, models[0].estimator_.coef_, rtol=1e-4)
    share = models[0].negative_share_
    assert 0.5 * y.sum() / (~y).sum() < share < 2 * y.sum() / (~y).sum()
    assert share != y.sum() / (~y).sum()
    assert list(models[2].feature_names_in_) == ["x0", "x1", "x2"]


def test_all_negatives_where_there_are_few() -> None:
    y = X[:500, 0] > 0
    model = Sampled(LogisticRegression(), max_negatives=10.0).fit(X[:500], y)
    plain = LogisticRegression().fit(X[:500], y)
    assert model.negative_share_ == 1
    np.testing.assert_allclose(model.predict_proba(X[:50]), plain.predict_proba(X[:50]))


def test_scores_without_probabilities_are_the_models_own() -> None:
    model = Sampled(LinearSVC(), random_state=0).fit(X[:3000], X[:3000, 0] > 2)
    assert not hasattr(model, "predict_proba")
    np.testing.assert_array_equal(
        model.decision_function(X[:9]), model.estimator_.decision_function(X[:9])
    )


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="max_negatives must be an integer of at least 1"):
        Sampled(LogisticRegression(), max_negatives=0).fit(X[:100], X[:100, 0] > 0)
    with pytest.raises(ValueError, match="positive='maybe' is none of the classes"):
        Sampled(LogisticRegression(), positive="maybe").fit(X[:9], ["yes", "no", "yes"] * 3)
    with pytest.raises(ValueError, match=r"y has 3 classes .* take tune.OneVsRest"):
        Sampled(LogisticRegression()).fit(X[:9], [0, 1, 2] * 3)
