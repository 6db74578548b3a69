"""Linear models against scikit-learn's, which finds the same minima by other ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize
from sklearn import linear_model as peer
from sklearn.datasets import load_svmlight_file, make_classification, make_regression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mllib_py import linear

pytestmark = pytest.mark.usefixtures("spark")

# Not of this repository: their terms do not let it hold them.
LIBSVM = Path(__file__).parents[3] / "shared" / "data" / "libsvm"

TIGHT = {"tol": 1e-10, "max_iter": 5000}


@pytest.fixture(scope="module")
def regression() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = make_regression(120, 8, n_informative=5, noise=5.0, random_state=0)
    x = x * np.logspace(-1, 1, 8) + np.arange(8)
    return x, y, np.random.default_rng(0).random(120) + 0.1


@pytest.fixture(scope="module")
def classes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = make_classification(
        200, 6, n_informative=4, n_classes=3, flip_y=0.2, random_state=1, n_clusters_per_class=1
    )
    return x * np.logspace(-1, 1, 6) + 1, y, np.random.default_rng(1).random(200) + 0.1


def _close(ours: Any, theirs: Any) -> None:
    scale = 1 + np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-4, atol=1e-5 * scale)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (linear.LinearRegression(), peer.LinearRegression()),
        (linear.Ridge(3.0), peer.Ridge(3.0)),
        (linear.Lasso(0.5, **TIGHT), peer.Lasso(0.5, **TIGHT)),
        (linear.ElasticNet(0.5, **TIGHT), peer.ElasticNet(0.5, **TIGHT)),
    ],
    ids=lambda m: type(m).__name__,
)
def test_least_squares(
    ours: Any, theirs: Any, intercept: bool, weighted: bool, regression: Any
) -> None:
    x, y, weights = regression
    a = weights if weighted else None
    _close(
        ours.set_params(fit_intercept=intercept).fit(x, y, a),
        theirs.set_params(fit_intercept=intercept).fit(x, y, a),
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression(
    n_classes: int, l1_ratio: float, intercept: bool, weighted: bool, classes: Any
) -> None:
    x, y, weights = classes
    x = StandardScaler().fit_transform(x)  # for the peer, whose saga is slow without
    y = np.minimum(y, n_classes - 1)
    a = weights if weighted else None
    params = {"C": 0.1, "l1_ratio": l1_ratio, "fit_intercept": intercept}
    solver = "lbfgs" if l1_ratio == 0 else "saga"
    theirs = peer.LogisticRegression(solver=solver, tol=1e-9, max_iter=20000, **params)
    ours = linear.LogisticRegression(**TIGHT, **params)
    _close(ours.fit(x, y, a), theirs.fit(x, y, a))
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-5)
    np.testing.assert_allclose(ours.predict_log_proba(x), theirs.predict_log_proba(x), atol=1e-4)
    assert (ours.predict(x) == theirs.predict(x)).all()


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_solvers_share_their_minimum(solver: str, n_classes: int, classes: Any) -> None:
    x, y, _ = classes
    y = np.minimum(y, n_classes - 1)
    theirs = peer.LogisticRegression(tol=1e-9, max_iter=20000, solver="newton-cholesky")
    ours = linear.LogisticRegression(solver=solver, **TIGHT).fit(x, y)
    theirs.fit(x, y)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-5)


def test_no_penalty(classes: Any) -> None:
    x, y, _ = classes
    x, y = StandardScaler().fit_transform(x), np.minimum(y, 1)
    theirs = peer.LogisticRegression(C=np.inf, tol=1e-9, max_iter=20000, solver="newton-cholesky")
    _close(linear.LogisticRegression(C=np.inf, **TIGHT).fit(x, y), theirs.fit(x, y))
    with_name = linear.LogisticRegression(penalty=None, **TIGHT).fit(x, y)
    _close(with_name, theirs)


def test_class_weights(classes: Any) -> None:
    x, y, _ = classes
    for by in ("balanced", {0: 2.0, 1: 0.5, 2: 1.0}):
        ours = linear.LogisticRegression(class_weight=by, **TIGHT).fit(x, y)
        theirs = peer.LogisticRegression(
            class_weight=by, tol=1e-9, max_iter=20000, solver="newton-cholesky"
        )
        np.testing.assert_allclose(
            ours.predict_proba(x), theirs.fit(x, y).predict_proba(x), atol=1e-5
        )


def test_squared_hinge_against_a_convex_solver(classes: Any) -> None:
    """An unpenalised intercept is what liblinear does not have: the dual is solved instead."""
    x, y, _ = classes
    x, s = StandardScaler().fit_transform(x), np.where(y == 0, -1.0, 1.0)
    n, c = len(x), 0.5
    signed = x * s[:, None]
    gram = signed @ signed.T + np.eye(n) / (2 * c)
    found = minimize(
        lambda a: (a @ gram @ a / 2 - a.sum(), gram @ a - 1),
        np.full(n, c / 2),
        jac=True,
        bounds=[(0, None)] * n,
        constraints={"type": "eq", "fun": lambda a: a @ s, "jac": lambda a: s},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    w = signed.T @ found.x
    ours = linear.LinearSVC(C=c, tol=1e-9, max_iter=20000).fit(x, y > 0)
    np.testing.assert_allclose(ours.coef_[0], w, atol=1e-4)


@pytest.mark.filterwarnings("ignore:LinearSVC ended where no step lowers the objective")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("c", [0.01, 0.5])
def test_hinge_against_libsvm(weighted: bool, c: float, classes: Any) -> None:
    """Unlike liblinear's its intercept is not penalised."""
    x, y, weights = classes
    x, weights = StandardScaler().fit_transform(x), weights if weighted else None
    theirs = SVC(kernel="linear", C=c, tol=1e-10).fit(x, y > 0, weights)
    ours = linear.LinearSVC(loss="hinge", C=c, tol=1e-9, max_iter=20000).fit(x, y > 0, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)


def test_several_classes_each_against_the_others(classes: Any) -> None:
    x, y, _ = classes
    ours = linear.LinearSVC(tol=1e-9).fit(x, y)
    for k in range(3):
        one = linear.LinearSVC(tol=1e-9).fit(x, y == k)
        np.testing.assert_allclose(ours.coef_[k], one.coef_[0], atol=1e-5)
        np.testing.assert_allclose(ours.intercept_[k], one.intercept_[0], atol=1e-4)


def test_standardize_is_a_scaler_before(classes: Any, regression: Any) -> None:
    x, y, _ = classes
    y = np.minimum(y, 1)
    scaler = StandardScaler().fit(x)
    ours = linear.LogisticRegression(C=0.1, standardize=True, **TIGHT).fit(x, y)
    theirs = peer.LogisticRegression(C=0.1, tol=1e-10).fit(scaler.transform(x), y)
    np.testing.assert_allclose(ours.coef_ * scaler.scale_, theirs.coef_, atol=1e-5)
    x, y, _ = regression
    scaler = StandardScaler().fit(x)
    lasso = linear.Lasso(2.0, standardize=True, **TIGHT).fit(x, y)
    np.testing.assert_allclose(
        lasso.coef_ * scaler.scale_,
        peer.Lasso(2.0, **TIGHT).fit(scaler.transform(x), y).coef_,
        atol=1e-4,
    )


@pytest.mark.parametrize("single", [False, True])
def test_sparse_rows_give_what_dense_ones_do(single: bool) -> None:
    x = sp.random(300, 40, 0.05, format="csr", random_state=3)
    x = x.astype(np.float32) if single else x
    y = np.asarray(x @ np.arange(40)).ravel() > 1
    sparse = linear.LogisticRegression(**TIGHT).fit(x, y)
    dense = peer.LogisticRegression(tol=1e-10, max_iter=20000).fit(x.toarray().astype(float), y)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=1e-4)
    np.testing.assert_allclose(sparse.predict_proba(x), dense.predict_proba(x.toarray()), atol=1e-5)


def test_collinear_constant_and_wide_data_take_the_coefficients_nearest_to_0() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(30, 4))
    collinear = np.column_stack([x, x[:, 0] * 2, np.full(30, 3.0), np.zeros(30)])
    wide = rng.normal(size=(10, 25))
    for data in (collinear, wide):
        y = rng.normal(size=len(data))
        ours = linear.LinearRegression().fit(data, y)
        theirs = peer.LinearRegression().fit(data, y)
        np.testing.assert_allclose(ours.predict(data), theirs.predict(data), atol=1e-8)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
        lasso = linear.Lasso(0.05, **TIGHT).fit(data, y)
        np.testing.assert_allclose(
            lasso.predict(data), peer.Lasso(0.05, **TIGHT).fit(data, y).predict(data), atol=1e-5
        )


def test_many_features_are_trained_by_passes() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(60, 2100)), rng.normal(size=60)
    ours = linear.Ridge(10.0, tol=1e-10).fit(x, y)
    assert ours.report_["solver"] == "lbfgs"
    np.testing.assert_allclose(ours.coef_, peer.Ridge(10.0).fit(x, y).coef_, atol=1e-6)
    lasso = linear.Lasso(0.2, tol=1e-9, max_iter=5000).fit(x, y)
    theirs = peer.Lasso(0.2, tol=1e-12, max_iter=50000).fit(x, y)
    np.testing.assert_allclose(lasso.predict(x), theirs.predict(x), atol=1e-4)


def test_a_path_is_its_models_one_by_one(classes: Any) -> None:
    x, y, _ = classes
    settings = [{"C": c} for c in (0.01, 0.1, 1.0)] + [{"C": 0.5, "l1_ratio": 1.0}]
    base = linear.LogisticRegression(**TIGHT)
    path = base.fit_path(x, y, settings)
    for one, setting in zip(path, settings, strict=True):
        alone = linear.LogisticRegression(**TIGHT, **setting).fit(x, y)
        np.testing.assert_allclose(one.predict_proba(x), alone.predict_proba(x), atol=1e-6)
    assert path[0].report_["passes"] == path[-1].report_["passes"]


@pytest.mark.skipif(not LIBSVM.is_dir(), reason="a9a is not there")
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
@pytest.mark.parametrize(
    ("reg", "minimum", "accuracy"),
    [(1e-3, 0.33271330754619, 0.8513), (1e-4, 0.32441304411, 0.8498)],
)
def test_a9a(reg: float, minimum: float, accuracy: float, solver: str) -> None:
    x, y = load_svmlight_file(str(LIBSVM / "a9a"))
    c = 1 / (reg * len(y))
    model = linear.LogisticRegression(C=c, tol=1e-9, max_iter=2000, solver=solver).fit(x, y)
    w = model.coef_[0]
    margins = (x @ w + model.intercept_[0]) * y
    assert np.logaddexp(0, -margins).mean() + reg / 2 * (w @ w) == pytest.approx(minimum, abs=1e-11)
    assert model.report_["objective"] == pytest.approx(minimum, abs=1e-11)
    tested = load_svmlight_file(str(LIBSVM / "a9a.t"), n_features=123)
    assert model.score(*tested) == pytest.approx(accuracy, abs=1e-4)
