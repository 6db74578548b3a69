"""Rare classes: negatives that are drawn, and probabilities that stay right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import mllib_py
from mllib_py.linear import LogisticRegression

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def clicks() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, about one click in a thousand, and the true probabilities."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400_000, 4))
    p = expit(x @ [1.0, -0.7, 0.3, 0.0] - 7.7)
    return x, (rng.random(len(p)) < p).astype(int), p


def test_probabilities_are_those_of_all_rows(clicks: Any) -> None:
    x, y, p = clicks
    assert 300 < y.sum() < 700
    model = LogisticRegression(C=np.inf, max_negatives=20, random_state=0).fit(x, y)
    whole = LogisticRegression(C=np.inf).fit(x, y)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=0.15)
    np.testing.assert_allclose(model.intercept_, whole.intercept_, atol=0.15)
    found = model.predict_proba(x)[:, 1]
    # By tenths of the predicted probability, the mean one is near the true one.
    for tenth in np.array_split(np.argsort(found), 10)[3:]:
        assert found[tenth].mean() == pytest.approx(p[tenth].mean(), rel=0.25)
    assert found.mean() == pytest.approx(y.mean(), rel=0.1)
    naive = LogisticRegression(C=np.inf, class_weight="balanced").fit(x, y)
    assert naive.predict_proba(x)[:, 1].mean() > 100 * y.mean()


def test_few_negatives_are_all_taken() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(100, 2))
    y = x[:, 0] + rng.normal(size=100) > 0
    all_of_them = LogisticRegression(max_negatives=1000).fit(x, y)
    np.testing.assert_array_equal(all_of_them.coef_, LogisticRegression().fit(x, y).coef_)


def test_draws_are_by_the_seed_and_on_spark_too(spark: Any, clicks: Any) -> None:
    x, y, p = clicks[0][:100_000], clicks[1][:100_000], clicks[2][:100_000]
    one, two, other = (
        LogisticRegression(C=np.inf, max_negatives=30, random_state=s).fit(x, y).coef_
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    import pandas as pd

    table = pd.DataFrame(x, columns=list("abcd")).assign(label=y)
    frame = spark.createDataFrame(table)
    model = LogisticRegression(C=np.inf, max_negatives=30, random_state=0).fit(frame)
    assert model.predict_proba(table[list("abcd")])[:, 1].mean() == pytest.approx(
        p.mean(), rel=0.25
    )


def test_what_it_is_not_for_is_refused() -> None:
    x, y = np.arange(6.0)[:, None], [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="max_negatives is for two classes, and the data have 3"):
        LogisticRegression(max_negatives=1).fit(x, y)
    with pytest.raises(ValueError, match="max_negatives must be a number above 0"):
        LogisticRegression(max_negatives=0).fit(x, y)
    data = mllib_py.layout(x, [0, 0, 0, 1, 1, 1])
    with pytest.raises(ValueError, match="not for a layout"):
        LogisticRegression(max_negatives=1).fit(data)
    data.release()
