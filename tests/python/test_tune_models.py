"""Several models in one search, learning curves, and searches over our own estimators."""

from __future__ import annotations

import dataclasses
import pickle
import time
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
import pytest
from pyspark import SparkContext
from sklearn import model_selection as theirs
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import mllib_py
from mllib_py import cluster, linear, tune
from mllib_py.tune import SparkBackend

X, Y = load_iris(return_X_y=True)
MODELS = {
    "svc": (SVC(), {"C": [0.01, 1.0], "gamma": [0.1, 1.0]}),
    "logistic": (LogisticRegression(max_iter=500), [{"C": [0.1, 1.0]}, {"C": [10.0]}]),
}


@pytest.fixture(scope="module")
def backend(spark: Any) -> Iterator[SparkBackend]:
    it = SparkBackend(spark)
    yield it
    it.close()


def test_several_models_score_as_each_alone(backend: SparkBackend) -> None:
    search = tune.MultiModelSearchCV(MODELS, backend=backend, return_train_score=True).fit(X, Y)
    each = {n: theirs.GridSearchCV(e, g).fit(X, Y) for n, (e, g) in MODELS.items()}
    found = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(
        found, np.concatenate([g.cv_results_["mean_test_score"] for g in each.values()])
    )
    assert search.cv_results_["param_model"].tolist() == ["svc"] * 4 + ["logistic"] * 3
    assert search.cv_results_["params"][0] == {"model": "svc", "C": 0.01, "gamma": 0.1}
    assert search.cv_results_["param_C"][4] == 0.1
    assert search.best_score_ == max(g.best_score_ for g in each.values())
    assert search.best_model_ == max(each, key=lambda n: each[n].best_score_)
    for name, alone in each.items():
        assert search.best_by_model_[name]["params"] == alone.best_params_
        assert search.best_by_model_[name]["score"] == alone.best_score_
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), each[search.best_model_].predict(X))
    assert again.score(X, Y) == each[search.best_model_].score(X, Y)


def test_models_draw_candidates(backend: SparkBackend) -> None:
    options: dict[str, Any] = {"n_iter": 2, "random_state": 0, "cv": 2, "backend": backend}
    search = tune.MultiModelSearchCV(MODELS, refit=False, **options).fit(X, Y)
    assert search.cv_results_["param_model"].tolist() == ["svc"] * 2 + ["logistic"] * 2
    again = tune.MultiModelSearchCV(MODELS, **options).fit(X, Y, sample_weight=np.ones(150))
    assert again.cv_results_["params"] == search.cv_results_["params"]
    assert not hasattr(search, "best_estimator_")


@pytest.mark.parametrize(
    ("models", "says"),
    [
        ({}, "models must be a mapping of at least one name"),
        ({"a": SVC()}, "model 'a' must be a pair"),
        ({"a": (SVC(), {"D": [1]})}, "model 'a' has no parameter 'D'"),
        ({"a": (SVC(), {}), "b": (Ridge(), {})}, "of one kind, and these are classifiers and reg"),
    ],
)
def test_bad_models_are_refused(models: Any, says: str, backend: SparkBackend) -> None:
    with pytest.raises(ValueError, match=says):
        tune.MultiModelSearchCV(models, backend=backend).fit(X, Y)


def test_our_own_estimators_learn_along_a_curve(spark: Any) -> None:
    options: dict[str, Any] = {"cv": 3, "shuffle": True, "random_state": 0}
    options["train_sizes"] = np.array([0.2, 1.0])
    ours = linear.LogisticRegression()
    curve = tune.learning_curve(ours, X, Y, **options)
    sizes, train, test = theirs.learning_curve(ours, X, Y, **options)
    np.testing.assert_array_equal(curve.sizes, sizes)
    np.testing.assert_array_equal(curve.train_scores, train)
    np.testing.assert_array_equal(curve.test_scores, test)
    with pytest.raises(ValueError, match="cannot run inside a Spark task"):
        tune.learning_curve(ours, X, Y, backend="local")


@pytest.mark.filterwarnings("ignore:.*unknown users or items")
def test_als_learns_along_a_curve(spark: Any, ratings_small: Any) -> None:
    ratings = mllib_py.ratings(ratings_small[0])
    als = mllib_py.ALS(rank=2, max_iter=5, random_state=0)
    folds = ratings.kfold(2)
    curve = tune.learning_curve(als, ratings, cv=folds, train_sizes=[0.5, 1.0])
    for i, (train, test) in enumerate(folds):
        alone = clone(als).fit(train)
        assert curve.test_scores[1, i] == pytest.approx(-alone.score(test))
        assert curve.train_scores[1, i] == pytest.approx(-alone.score(train))
    assert curve.sizes[1] == round(np.mean([train.n_ratings for train, _ in folds]))
    assert 0.4 < curve.sizes[0] / curve.sizes[1] < 0.6
    assert curve.test_scores[0].mean() < curve.test_scores[1].mean()
    assert (curve.fit_times > 0).all()
    for more, says in (
        ({"y": Y}, "takes ratings alone"),
        ({"scoring": "r2"}, "a learning curve over ALS scores by its root mean square error"),
        ({"train_sizes": [0.5, 1.5]}, "shares above 0 and at most 1"),
        ({"train_sizes": []}, "shares above 0"),
        ({"cv": [ratings]}, "cv of a learning curve over ALS"),
    ):
        with pytest.raises(ValueError, match=says):
            tune.learning_curve(als, ratings, **more)


def test_learning_curves_are_scikit_learns(backend: SparkBackend) -> None:
    options: dict[str, Any] = {
        "shuffle": True,
        "random_state": 0,
        "cv": 3,
        "train_sizes": [20, 0.5],
    }
    options["train_sizes"] = [0.2, 0.5, 1.0]
    curve = tune.learning_curve(SVC(), X, Y, backend=backend, **options)
    sizes, train, test = theirs.learning_curve(SVC(), X, Y, **options)
    np.testing.assert_array_equal(curve.sizes, sizes)
    np.testing.assert_array_equal(curve.train_scores, train)
    np.testing.assert_array_equal(curve.test_scores, test)
    assert curve.frame()["rows"].tolist() == sizes.tolist()
    assert curve.frame()["fit_seconds"].min() > 0
    assert "From 50 to 100 rows the score changes by" in curve.explain()
    made = tune.LearningCurve(
        np.array([100, 1000]), *[np.ones((2, 2))] * 2, np.array([[1.0] * 2, [100.0] * 2]), test
    )
    assert made.cost_exponent == pytest.approx(2)
    assert "cluster" not in dataclasses.replace(curve, seconds=np.nan).explain()
    alone = (curve.fit_times + curve.score_times).sum()
    for seconds, said in (
        (alone / 3, "pays, 3.0 times as fast as one slot"),
        (9e9, "does not pay"),
    ):
        assert said in dataclasses.replace(curve, seconds=seconds).explain()
    assert curve.seconds > 0


OWN = {
    "k-means": (cluster.KMeans(random_state=0), {"n_clusters": [2, 3, 4]}, None),
    "logistic": (linear.LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, Y),
    "ridge": (linear.Ridge(), {"alpha": [0.1, 1.0]}, load_diabetes(return_X_y=True)[1][:150]),
    "a pipeline": (
        make_pipeline(StandardScaler(), linear.LogisticRegression()),
        {"logisticregression__C": [0.1, 1.0]},
        Y,
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_our_own_estimators_run_from_the_driver(name: str, spark: Any, monkeypatch: Any) -> None:
    estimator, grid, y = OWN[name]
    made: list[Any] = []
    layout = mllib_py.layout
    monkeypatch.setattr(mllib_py, "layout", lambda *a, **k: made.append(1) or layout(*a, **k))
    search = tune.GridSearchCV(estimator, grid, cv=3).fit(X, y)
    wanted = theirs.GridSearchCV(estimator, grid, cv=3).fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], wanted.cv_results_["mean_test_score"], rtol=1e-9
    )
    assert search.best_params_ == wanted.best_params_
    assert len(made) == (0 if name == "a pipeline" else 3), "one layout for each split"


def test_our_own_estimators_are_refused_inside_tasks(backend: SparkBackend) -> None:
    says = "KMeans is fitted by Spark jobs of its own and cannot run inside a Spark task"
    with pytest.raises(ValueError, match=says):
        tune.GridSearchCV(cluster.KMeans(), {"n_clusters": [2]}, backend=backend).fit(X)
    with pytest.raises(ValueError, match=says):
        tune.GridSearchCV(
            make_pipeline(cluster.KMeans()), {"kmeans__n_clusters": [2]}, backend="local"
        ).fit(X)
    with pytest.raises(ValueError, match="trial_timeout cannot end a fit of KMeans"):
        tune.GridSearchCV(cluster.KMeans(), {"n_clusters": [2]}, trial_timeout=3).fit(X)


SAYS = "LogisticRegression is fitted by Spark jobs of its own and cannot run inside a Spark task"
MIXED = {
    "svc": (SVC(), {"C": [0.1, 1.0]}),
    "ours": (linear.LogisticRegression(), {"C": [0.1, 1.0]}),
}


@pytest.mark.parametrize("where", ["spark", "local"])
def test_our_own_estimators_among_candidates_are_refused_too(
    where: str, backend: SparkBackend
) -> None:
    slots: Any = backend if where == "spark" else "local"
    grid = {"model": [SVC(), linear.LogisticRegression()]}
    before = backend.shipped["tasks"]
    with pytest.raises(ValueError, match=SAYS):
        tune.GridSearchCV(Pipeline([("model", SVC())]), [grid], backend=slots).fit(X, Y)
    with pytest.raises(ValueError, match=SAYS):
        tune.MultiModelSearchCV(MIXED, backend=slots).fit(X, Y)
    assert backend.shipped["tasks"] == before


def test_a_model_of_ours_among_others_takes_all_to_the_driver(spark: Any) -> None:
    search = tune.MultiModelSearchCV(MIXED, cv=3).fit(X, Y)
    each = [theirs.GridSearchCV(e, g, cv=3).fit(X, Y) for e, g in MIXED.values()]
    wanted = np.concatenate([g.cv_results_["mean_test_score"] for g in each])
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], wanted, rtol=1e-9)


@pytest.mark.parametrize("where", ["spark", "local"])
def test_our_own_estimators_are_refused_in_ensembles_and_by_joblib(
    where: str, backend: SparkBackend
) -> None:
    slots: Any = backend if where == "spark" else "local"
    ours = linear.LogisticRegression()
    before = backend.shipped["tasks"]
    with pytest.raises(ValueError, match=SAYS):
        tune.OneVsRestClassifier(ours, backend=slots).fit(X, Y)
    with pytest.raises(ValueError, match=SAYS):
        tune.VotingClassifier([("ours", ours), ("svc", SVC())], backend=slots).fit(X, Y)
    with joblib.parallel_config(tune.JoblibBackend(slots)):
        with pytest.raises(ValueError, match=SAYS):
            theirs.cross_val_score(ours, X, Y, cv=2)
        assert backend.shipped["tasks"] == before
        # A fitted one goes: it predicts by NumPy.
        fitted = linear.LogisticRegression().fit(X, Y)
        found = joblib.Parallel()(joblib.delayed(fitted.predict)(X) for _ in range(2))
    np.testing.assert_array_equal(found[0], fitted.predict(X))


class Slow(cluster.KMeans):
    """Fails for two clusters, and else is a Spark job that does not end."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        context = SparkContext.getOrCreate()
        active = context.statusTracker().getActiveJobsIds
        if self.n_clusters == 2:
            while not active():
                time.sleep(0.05)
            raise LookupError("two are too few")
        return context.parallelize([0], 1).map(lambda _: time.sleep(600)).collect()


def test_a_search_of_our_own_estimators_that_ends_early_leaves_no_job(spark: Any) -> None:
    options: dict[str, Any] = {"cv": 2, "error_score": "raise", "n_jobs": 4}
    with pytest.raises(LookupError, match="two are too few"):
        tune.GridSearchCV(Slow(), {"n_clusters": [3, 2]}, **options).fit(X)
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()


def test_als_is_searched_on_folds_of_ratings(spark: Any) -> None:
    rng = np.random.default_rng(0)
    users, items = np.divmod(rng.permutation(600)[:400], 20)
    ratings = mllib_py.ratings((users, items, rng.integers(1, 6, 400).astype(float)))
    grid = {"rank": [2, 3], "reg": [0.1, 1.0]}
    als = mllib_py.ALS(max_iter=3, random_state=1)
    search = tune.GridSearchCV(als, grid, cv=3).fit(ratings)
    for at, params in enumerate(search.cv_results_["params"]):
        for i, (train, test) in enumerate(ratings.kfold(3)):
            alone = mllib_py.ALS(max_iter=3, random_state=1, **params).fit(train)
            assert search.cv_results_[f"split{i}_test_score"][at] == -alone.score(test)
    best = mllib_py.ALS(max_iter=3, random_state=1, **search.best_params_).fit(ratings)
    np.testing.assert_array_equal(search.best_estimator_.user_factors_, best.user_factors_)
    assert search.score(ratings) == -best.score(ratings)
    with pytest.raises(ValueError, match="a search over ALS scores by its root mean square"):
        tune.GridSearchCV(als, grid, scoring="r2").fit(ratings)
    with pytest.raises(ValueError, match="ALS is fitted by Spark jobs of its own"):
        tune.GridSearchCV(als, grid, backend="local").fit(ratings)
    with pytest.raises(ValueError, match="halving over ALS needs a resource"):
        tune.HalvingGridSearchCV(als, grid).fit(ratings)
    with pytest.raises(ValueError, match="number of folds, or pairs of ratings"):
        tune.GridSearchCV(als, grid, cv=[1]).fit(ratings)
