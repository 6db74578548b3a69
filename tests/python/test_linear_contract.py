"""Linear models keep scikit-learn's contract, and the library's own with bad input."""

from __future__ import annotations

import contextlib
import inspect
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import linear_model, svm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mllib_py
from mllib_py import linear

pytestmark = pytest.mark.usefixtures("spark")

ESTIMATORS = [getattr(linear, name)() for name in linear.__all__]
PEERS = {
    "ElasticNet": linear_model.ElasticNet,
    "Lasso": linear_model.Lasso,
    "LinearRegression": linear_model.LinearRegression,
    "LinearSVC": svm.LinearSVC,
    "LogisticRegression": linear_model.LogisticRegression,
    "Ridge": linear_model.Ridge,
    "SGDClassifier": linear_model.SGDClassifier,
    "SGDRegressor": linear_model.SGDRegressor,
}
# Steps are not the same where a row weighs 2 and where it stands twice; scikit-learn's own have
# the same failures.
STOCHASTIC = {
    "check_sample_weight_equivalence_on_dense_data": "stochastic: rows that repeat are steps",
    "check_sample_weight_equivalence_on_sparse_data": "stochastic: rows that repeat are steps",
}

X = np.arange(24.0).reshape(12, 2) % 7
Y = (X @ [1, -1] > 0).astype(int)


# On features around 100 the squared loss diverges: ours says so, scikit-learn's gives such models.
DIVERGES = dict.fromkeys(
    ("check_fit_idempotent", "check_fit_check_is_fitted", "check_n_features_in"),
    "diverges on unscaled features, and says so",
)
EXPECTED = {"SGDClassifier": STOCHASTIC, "SGDRegressor": STOCHASTIC | DIVERGES}


@parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=lambda e: EXPECTED.get(type(e).__name__, {})
)
def test_scikit_learns_checks(estimator: Any, check: Any, spark: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("ours", [type(e) for e in ESTIMATORS], ids=lambda c: c.__name__)
def test_parameters_are_those_of_the_twin(ours: type) -> None:
    theirs = inspect.signature(PEERS[ours.__name__].__init__).parameters
    found = inspect.signature(ours.__init__).parameters
    for name, parameter in theirs.items():
        assert name in found, name
        # The minimum is the same by whatever solver suits the data.
        assert found[name].default == ("auto" if name == "solver" else parameter.default), name
        assert found[name].kind == parameter.kind, name
    assert set(found) - set(theirs) <= {"standardize", "max_negatives", "solver"}
    for name in found:
        assert name == "self" or name in ours.__doc__, name


@pytest.mark.parametrize("model", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_it_fits_in_a_pipeline_and_a_search_and_pickles(model: Any) -> None:
    y = Y if hasattr(model, "class_weight") else X @ [1.0, 2.0]
    pipeline = make_pipeline(StandardScaler(), clone(model)).fit(X, y)
    assert pipeline.score(X, y) > 0.3
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict(X), pipeline.predict(X))
    name = model._penalised_by[0] if model._penalised_by else "fit_intercept"
    if name in ("C", "alpha"):
        search = GridSearchCV(clone(model), {name: [0.1, 1.0]}, cv=2, error_score="raise")
        assert search.fit(X, y).best_params_[name] in (0.1, 1.0)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: linear.LogisticRegression(C=0), "C must be a number above 0, not 0"),
        (lambda: linear.LogisticRegression(l1_ratio=2), "l1_ratio must be a number of at least 0"),
        (lambda: linear.LogisticRegression(solver="adam"), "solver must be one of 'auto'"),
        (lambda: linear.LogisticRegression(max_iter=0), "max_iter must be an integer"),
        (lambda: linear.LinearSVC(loss="log"), "loss must be one of 'hinge', 'squared_hinge'"),
        (lambda: linear.SGDClassifier(loss="huber"), "loss must be one of 'hinge', 'log_loss'"),
        (lambda: linear.SGDClassifier(alpha=0), "needs an alpha above 0"),
        (lambda: linear.SGDClassifier(early_stopping=True), "early_stopping must be one of False"),
        (lambda: linear.Ridge(alpha=-1), "alpha must be a number of at least 0"),
        (lambda: linear.Ridge(positive=True), "positive=True is not supported"),
        (
            lambda: linear.LogisticRegression(l1_ratio=1, solver="newton-cg"),
            "does not take an L1 penalty",
        ),
    ],
)
def test_bad_parameters_are_refused_by_name(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make().fit(X, Y)


def test_bad_values_are_told_by_column_and_count() -> None:
    bad = X.copy()
    bad[[1, 2, 3], 1] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN: column \(values\) 1 \(3\)"):
        linear.Ridge().fit(bad, Y)
    bad[1, 1] = np.inf
    bad[[2, 3], 1] = 0
    with pytest.raises(ValueError, match=r"infinity \(inf\): column \(values\) 1 \(1\)"):
        linear.LogisticRegression().fit(bad, Y)
    with pytest.raises(ValueError, match="contains only one class: 1"):
        linear.LogisticRegression().fit(X, np.ones(12, dtype=int))
    with pytest.raises(ValueError, match="finite numbers of at least 0"):
        linear.Ridge().fit(X, Y, -np.ones(12))
    with pytest.raises(ValueError, match="X has 3 features, but Ridge is expecting 2"):
        linear.Ridge().fit(X, Y).predict(np.ones((1, 3)))


def test_a_fit_cut_short_says_so_and_a_warm_start_goes_on() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 10))
    y = (x @ rng.normal(size=10) + rng.normal(size=200)) > 0
    model = linear.LogisticRegression(C=100, max_iter=2, warm_start=True, tol=1e-8)
    with pytest.warns(ConvergenceWarning, match="did not converge in max_iter=2"):
        model.fit(x, y)
    first = model.report_["objective"]
    with pytest.warns(ConvergenceWarning):
        model.fit(x, y)
    assert model.report_["objective"] < first
    model.set_params(max_iter=500).fit(x, y)
    model.fit(x, y)
    assert model.report_["iterations"] == 0


def test_separable_classes_without_a_penalty_end_with_a_sentence() -> None:
    x, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    model = linear.LogisticRegression(C=np.inf, tol=1e-12, max_iter=200)
    with contextlib.suppress(ConvergenceWarning):
        model.fit(x, y)
    assert np.isfinite(model.coef_).all()
    assert (model.predict(x) == y).all()


def test_a_layout_serves_several_fits() -> None:
    data = mllib_py.layout(X, Y)
    assert data.facts["rows"] == 12
    assert data.n_features == 2
    for c in (0.1, 1.0):
        from_layout = linear.LogisticRegression(C=c).fit(data)
        np.testing.assert_allclose(
            from_layout.coef_, linear.LogisticRegression(C=c).fit(X, Y).coef_, atol=1e-8
        )
    with pytest.raises(ValueError, match="takes a layout with target='numbers'"):
        linear.Ridge().fit(data)
    with pytest.raises(TypeError, match="a layout has its targets"):
        linear.LogisticRegression().fit(data, Y)
    data.release()


def test_a_report_says_what_was_done() -> None:
    report = linear.LogisticRegression().fit(X, Y).report_
    assert report["reason"]
    assert report["passes"] >= report["iterations"] > 0
    assert report["bytes_to_driver"] > 0
    assert np.isfinite([report["objective"], report["gradient"]]).all()


def test_a_history_falls_to_the_objective() -> None:
    for solver in ("lbfgs", "newton-cg", "newton-cholesky"):
        model = linear.LogisticRegression(solver=solver)
        model.fit(X, Y)
        assert (np.diff(model.history_) <= 0).all()
        assert model.history_[-1] == model.report_["objective"]
    assert len(linear.LogisticRegression(solver="lbfgs").fit(X, Y).history_) == report_of_passes(
        X, Y
    )
    lasso = linear.Lasso().fit(X, Y)
    assert lasso.history_.tolist() == [lasso.report_["objective"]]
    sgd = linear.SGDClassifier(random_state=0).fit(X, Y)
    assert len(sgd.history_) == sgd.n_iter_


def report_of_passes(x: Any, y: Any) -> int:
    passes: int = linear.LogisticRegression(solver="lbfgs").fit(x, y).report_["passes"]
    return passes


@pytest.mark.parametrize("n_rows", [40, 30_000])
def test_a_column_of_one_number_changes_nothing(n_rows: int) -> None:
    # 0.1 is not exact: the sums' rounding is no variance.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_rows, 3))
    y = (x[:, 0] + rng.logistic(size=n_rows) > 0).astype(int)
    with_one = np.column_stack([x, np.full(n_rows, 0.1)])
    for make in (
        lambda s: linear.LogisticRegression(C=np.inf, solver=s, tol=1e-8),
        lambda s: linear.LogisticRegression(standardize=True, solver=s, tol=1e-8),
        lambda s: linear.Ridge(standardize=True, solver=s, tol=1e-8),
    ):
        for solver in ("auto", "lbfgs", "newton-cg", "newton-cholesky"):
            small, large = make(solver).fit(x, y), make(solver).fit(with_one, y)
            assert np.ravel(large.coef_)[3] == 0
            np.testing.assert_allclose(np.ravel(large.coef_)[:3], np.ravel(small.coef_), rtol=1e-4)


def test_newtons_method_does_not_take_the_hinge() -> None:
    for solver in ("newton-cg", "newton-cholesky"):
        with pytest.raises(ValueError, match="does not take the hinge"):
            linear.LinearSVC(loss="hinge", solver=solver).fit(X, Y)


def test_balanced_classes_with_weights_are_the_same_from_arrays_and_layouts() -> None:
    rng = np.random.default_rng(0)
    a = rng.random(len(Y)) + 0.1
    model = linear.LogisticRegression(class_weight="balanced", tol=1e-10)
    theirs = PEERS["LogisticRegression"](class_weight="balanced", tol=1e-10, max_iter=1000)
    one = model.fit(X, Y, a).coef_
    np.testing.assert_allclose(one, theirs.fit(X, Y, a).coef_, rtol=1e-4)
    np.testing.assert_allclose(model.fit(mllib_py.layout(X, Y, a)).coef_, one, rtol=1e-6)


def test_bad_values_of_named_columns_are_told_by_name() -> None:
    good = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 0.0, 1.0, 0.0]})
    bad = good.assign(b=[1.0, np.nan, 3.0, np.nan])
    told = r"Input X contains NaN: column \(values\) b \(2\)"
    model = linear.LogisticRegression()
    with pytest.raises(ValueError, match=told):
        model.fit(bad, [0, 1, 0, 1])
    model.fit(good, [0, 1, 0, 1])
    with pytest.raises(ValueError, match=told):
        model.predict(bad)


def test_a_path_of_numbers_that_overflow_ends() -> None:
    x = np.column_stack([np.linspace(-1, 1, 50), np.full(50, np.finfo(float).max)])
    x[::2, 1] = 0
    y = (np.arange(50) > 25).astype(int)
    with pytest.raises(ValueError, match="scale the features down"):
        linear.LogisticRegression().fit_path(x, y, settings=[{"C": c} for c in (0.1, 1.0)])


def test_a_regressor_refuses_texts() -> None:
    for model in (linear.Ridge(), linear.Lasso(), linear.SGDRegressor()):
        with pytest.raises(ValueError, match="y must hold numbers for"):
            model.fit(X, np.where(Y, "a", "b"))
    with pytest.raises(ValueError, match=r"layout\(X, y, target='numbers'\)"):
        linear.Ridge().fit(mllib_py.layout(X, Y))


def test_what_only_fits_take_is_refused_elsewhere() -> None:
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
    model = linear.LogisticRegression().fit(x, y)
    with pytest.raises(TypeError, match="a layout is for fits; give the rows"):
        model.predict(mllib_py.layout(x, y))
    with pytest.raises(TypeError, match=r"'rows\.csv' is a path, which fits alone take"):
        model.predict_proba("rows.csv")
