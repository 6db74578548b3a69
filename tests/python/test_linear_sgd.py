"""Stochastic gradient descent: near the minimum that the exact solvers find, and step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import linear_model as peer
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import mllib_py
from mllib_py import linear
from mllib_py.linear import SGDClassifier, SGDRegressor

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    x, y = make_classification(
        400, 6, n_informative=5, n_redundant=0, n_classes=3, flip_y=0.2, random_state=0
    )
    return StandardScaler().fit_transform(x), y


# Steps so long that a last bit of an exponential grows to a digit are left out.
EXACT = {"shuffle": False, "max_iter": 3, "tol": None, "alpha": 0.01}


@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet", None])
@pytest.mark.parametrize(
    ("rate", "eta0"), [("optimal", 0.01), ("constant", 0.02), ("invscaling", 0.1)]
)
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_hinge", "modified_huber"])
def test_steps_are_scikit_learns(
    loss: str, rate: str, eta0: float, penalty: str | None, data: Any
) -> None:
    if rate == "optimal" and (penalty in ("l1", "elasticnet") or loss not in ("hinge", "log_loss")):
        pytest.skip("the long first steps make other moments of L1's another fit, or diverge")
    x, y = data
    params = {"loss": loss, "learning_rate": rate, "eta0": eta0, "penalty": penalty} | EXACT
    params |= {"l1_ratio": 0.4}
    ours = SGDClassifier(**params).fit(x, y == 0)
    theirs = peer.SGDClassifier(**params).fit(x, y == 0)
    # L1's cumulative penalties are settled at another moment.
    within = 1e-8 if penalty in ("l2", None) else 0.05
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=within)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=within)
    assert ours.t_ == theirs.t_


@pytest.mark.parametrize(
    "loss", ["squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"]
)
def test_regressions_steps_are_scikit_learns(loss: str, data: Any) -> None:
    x, _ = data
    y = x @ np.arange(6.0) + np.random.default_rng(0).normal(size=len(x))
    params: dict[str, Any] = {"loss": loss} | EXACT
    ours, theirs = SGDRegressor(**params).fit(x, y), peer.SGDRegressor(**params).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-8)


def test_weights_of_rows_are_scikit_learns(data: Any) -> None:
    x, y = data
    weights = np.random.default_rng(1).random(len(x))
    params = {"loss": "log_loss"} | EXACT
    ours = SGDClassifier(**params).fit(x, y == 0, sample_weight=weights)
    theirs = peer.SGDClassifier(**params).fit(x, y == 0, sample_weight=weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)


def test_it_comes_near_the_minimum(data: Any) -> None:
    x, y = data
    alpha = 0.01
    exact = linear.LogisticRegression(C=1 / (alpha * len(x)), tol=1e-9).fit(x, y == 0)
    sgd = SGDClassifier(
        "log_loss", alpha=alpha, tol=1e-6, random_state=0, learning_rate="adaptive", eta0=0.05
    )
    sgd.fit(x, y == 0)
    np.testing.assert_allclose(sgd.coef_, exact.coef_, atol=0.1)
    np.testing.assert_allclose(sgd.predict_proba(x), exact.predict_proba(x), atol=0.03)


def test_several_classes_each_against_the_others(data: Any) -> None:
    x, y = data
    ours = SGDClassifier("log_loss", **EXACT).fit(x, y)
    theirs = peer.SGDClassifier("log_loss", **EXACT).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-8)


def test_sparse_rows_take_the_steps_of_dense_ones() -> None:
    x = sp.random(200, 30, 0.1, format="csr", random_state=0)
    y = np.asarray(x.sum(axis=1)).ravel() > 1.5
    for penalty in ("l2", "l1"):
        params = {"penalty": penalty, "loss": "log_loss", "learning_rate": "constant"} | EXACT
        sparse, dense = SGDClassifier(**params).fit(x, y), peer.SGDClassifier(**params)
        np.testing.assert_allclose(
            sparse.coef_, dense.fit(x.toarray(), y).coef_, atol=1e-8 if penalty == "l2" else 0.05
        )


def test_l1_leaves_zeros(data: Any) -> None:
    x, y = data
    noisy = np.hstack([x, np.random.default_rng(0).normal(size=(len(x), 20))])
    model = SGDClassifier("log_loss", penalty="l1", alpha=0.05, random_state=0).fit(noisy, y == 0)
    assert (model.coef_ == 0).sum() > 10
    assert (model.coef_ != 0).any()


def test_partial_fits_are_the_epochs_of_a_fit(data: Any) -> None:
    x, y = data
    whole = SGDClassifier(**EXACT).fit(x, y)
    parts = SGDClassifier(shuffle=False, alpha=0.01)
    for _ in range(3):
        parts.partial_fit(x, y, classes=[0, 1, 2])
    np.testing.assert_allclose(parts.coef_, whole.coef_, atol=1e-12)
    assert parts.t_ == whole.t_
    few = SGDClassifier().partial_fit(x[:5], y[:5] * 0, classes=[0, 1, 2])
    assert few.coef_.shape == (3, 6)
    with pytest.raises(ValueError, match=r"labels that are not in classes: \[7\]"):
        few.partial_fit(x[:1], [7])
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        SGDClassifier().partial_fit(x, y)
    with pytest.raises(ValueError, match=r"classes must hold at least 2 labels, and has 1: \[0\]"):
        SGDClassifier().partial_fit(x, y * 0, classes=[0])


def test_a_part_need_not_have_all_classes_that_have_weights(data: Any) -> None:
    x, y = data[0], (data[1] > 0).astype(int)
    order = np.argsort(y, kind="stable")
    first, rest = order[: (y == 0).sum()], order[(y == 0).sum() :]
    words = {"shuffle": False, "alpha": 0.01}
    weighted = SGDClassifier(class_weight={1: 3.0}, **words)
    plain = SGDClassifier(**words)
    for part in (first, rest):
        weighted.partial_fit(x[part], y[part], classes=[0, 1])
        plain.partial_fit(x[part], y[part], classes=[0, 1], sample_weight=1.0 + 2 * y[part])
    np.testing.assert_allclose(weighted.coef_, plain.coef_, rtol=1e-12)


def test_seeds_and_warm_starts(data: Any) -> None:
    x, y = data
    one, two, other = (
        SGDClassifier(random_state=s, max_iter=5, tol=None).fit(x, y).coef_ for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    begun = SGDClassifier(**EXACT).fit(x, y, coef_init=one, intercept_init=np.zeros(3))
    assert not np.allclose(begun.coef_, SGDClassifier(**EXACT).fit(x, y).coef_)


def test_partitions_share_an_epoch(spark: Any, data: Any) -> None:
    from pyspark.ml.linalg import Vectors

    x, y = data
    rows = [(Vectors.dense(r), float(c == 0)) for r, c in zip(x, y, strict=True)]
    frame = spark.createDataFrame(rows, ["features", "label"])
    exact = linear.LogisticRegression(C=1 / (0.01 * len(x)), tol=1e-9).fit(x, y == 0)
    for partitions in (1, 6):
        laid = mllib_py.layout(frame.repartition(partitions))
        model = SGDClassifier("log_loss", alpha=0.01, random_state=0, tol=1e-6).fit(laid)
        laid.release()
        assert model.report_["passes"] == model.n_iter_ + 1  # the last finds the objective
        np.testing.assert_allclose(model.coef_, exact.coef_, atol=0.15)


def test_divergence_stops_with_a_sentence(data: Any) -> None:
    x, y = data
    with pytest.raises(ValueError, match=r"became infinite in epoch .* scale the features"):
        SGDRegressor(learning_rate="constant", eta0=1e3).fit(x * 1e3, y)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 epochs"):
        SGDClassifier(max_iter=1).fit(x, y)
