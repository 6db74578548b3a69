"""Studies on threads of the driver, whose trials are Spark jobs themselves."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import nullcontext
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from sklearn.linear_model import Ridge

import mllib_py
from mllib_py.cluster import KMeans
from mllib_py.linear import LogisticRegression, SGDClassifier
from mllib_py.tune import (
    AshaSearchCV,
    DriverBackend,
    GridSearchCV,
    HyperbandSearchCV,
    Study,
    TPESearchCV,
    TrialPruned,
)

pytestmark = pytest.mark.usefixtures("spark")
GRID: Any = {"k": [2, 3, 4]}


def test_a_study_fits_our_own_estimators_on_a_layout_that_all_share() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    data = mllib_py.layout(x, target="none")
    lock = threading.Lock()  # what cannot be pickled may be referred to

    def objective(params: dict[str, Any]) -> float:
        with lock:
            return KMeans(params["k"], random_state=0).fit(data).inertia_

    study = Study(objective, GRID, sampler="grid", backend="driver").run()
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 3
    assert study.best_params == {"k": 4}
    assert study.best_value == KMeans(4, random_state=0).fit(data).inertia_


def test_als_is_ended_early_by_what_its_iterations_tell(ratings_small: Any) -> None:
    train, held = ratings_small

    def objective(params: dict[str, Any], trial: Any) -> float:
        told: list[float] = []
        weak = False

        def after(at: dict[str, Any]) -> bool:
            nonlocal weak
            told.append(at["validation"])
            trial.report(told[-1], at["iteration"])
            weak = trial.should_prune()
            return weak

        als = mllib_py.ALS(rank=2, reg=params["reg"], max_iter=9, tol=0, random_state=0)
        als.fit(train, validation=held, callbacks=[after])
        if weak:
            raise TrialPruned
        return told[-1]

    backend = DriverBackend(1)
    study = Study(objective, {"reg": [0.1, 50.0, 80.0, 0.2, 90.0]}, sampler="grid", pruner="asha",
                  backend=backend).run()  # fmt: skip
    backend.close()
    assert study.best_params["reg"] in (0.1, 0.2)
    pruned = [t for t in study.trials if t.state == TrialState.PRUNED]
    assert pruned
    assert all(0 < (t.last_step or 0) < 9 for t in pruned)


def test_an_error_of_one_trial_is_kept_and_the_others_go_on() -> None:
    def objective(params: dict[str, Any]) -> float:
        if params["k"] == 3:
            raise ValueError("not three")
        if params["k"] == 4:
            sys.exit(5)
        return float(params["k"])

    study = Study(objective, GRID, sampler="grid", backend="driver").run()
    assert study.tally.failed == 2
    assert study.tally.complete == 1
    errors = "".join(t.user_attrs.get("error", "") for t in study.trials)
    assert "not three" in errors
    assert "the work ended with SystemExit(5)" in errors


def test_a_search_over_our_own_takes_the_drivers_threads_that_it_is_given() -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    backend = DriverBackend(1)
    for given in (backend, backend, "driver"):  # it is not closed
        search = GridSearchCV(KMeans(random_state=0), {"n_clusters": [2, 3]}, cv=2, backend=given)
        assert search.fit(x).best_params_ == {"n_clusters": 3}
    backend.close()


def test_fits_from_several_threads_share_the_executors(spark: Any) -> None:
    backend = DriverBackend(2)
    count = spark.sparkContext.parallelize(range(4), 2).count
    both = threading.Barrier(2)
    work = [backend.submit(lambda: (both.wait(), count())[1]) for _ in range(2)]
    assert [future.result() for future in work] == [4, 4]
    backend.close()
    context = spark.sparkContext._jsc.sc()
    pools = context.getAllPools()
    names = {pools.apply(i).name() for i in range(pools.size())}
    assert {"mllib_py.tune.0", "mllib_py.tune.1"} <= names
    assert context.getSchedulingMode().toString() == "FAIR"


@pytest.mark.parametrize("how", ["timeout", "Ctrl-C"])
def test_a_trial_that_is_dropped_gives_its_thread_back(spark: Any, how: str) -> None:
    backend = DriverBackend(1)

    def objective(params: dict[str, Any]) -> int:
        if how == "Ctrl-C":
            threading.Timer(1, signal.raise_signal, (signal.SIGINT,)).start()
        slow = spark.sparkContext.parallelize([0], 1).map(lambda _: time.sleep(100) or 1)
        return int(slow.sum() + slow.sum())

    study = Study(objective, {"k": [2]}, sampler="grid", backend=backend,
                  timeout=1 if how == "timeout" else None)  # fmt: skip
    with pytest.raises(KeyboardInterrupt) if how == "Ctrl-C" else nullcontext():
        study.run()
    assert backend.submit(lambda: 7).result(timeout=30) == 7
    backend.close()


def test_what_waits_is_cancelled_when_the_threads_are_closed() -> None:
    backend = DriverBackend(1)
    go = threading.Event()
    first, second = backend.submit(go.wait), backend.submit(lambda: 7)
    threading.Timer(0.5, go.set).start()
    backend.close()
    assert first.cancelled()
    assert second.cancelled()


X = np.random.default_rng(0).normal(size=(120, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)


def test_a_study_of_our_own_estimator_lays_each_split_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    layout = mllib_py.layout
    monkeypatch.setattr(mllib_py, "layout", lambda *a, **k: made.append(1) or layout(*a, **k))
    space = {"C": [1e-3, 1e-1, 1e1]}
    study = Study(LogisticRegression(), space, sampler="grid", X=X, y=Y, cv=3).run()
    assert len(made) == 3
    grid = {"C": space["C"]}
    theirs = GridSearchCV(LogisticRegression(), grid, cv=3).fit(X, Y)
    assert study.best_params == theirs.best_params_
    values = [t.value for t in study.trials]
    np.testing.assert_allclose(values, theirs.cv_results_["mean_test_score"], rtol=1e-12)


def test_searches_that_are_studies_fit_our_own_estimators() -> None:
    space = {"n_clusters": [2, 3, 5]}
    search = TPESearchCV(KMeans(random_state=0), space, n_trials=6, cv=2, random_state=0).fit(X)
    assert search.best_params_ == {"n_clusters": 5}
    assert search.best_estimator_.cluster_centers_.shape == (5, 3)
    for kind in (AshaSearchCV, HyperbandSearchCV):
        steps = kind(SGDClassifier(random_state=0), {"alpha": [1e-4, 1e-2, 1e2]}, n_trials=6,
                     epochs=9, cv=2, random_state=0).fit(X, Y)  # fmt: skip
        assert steps.best_score_ > 0.9


def test_a_search_that_is_a_study_tries_als(ratings_small: Any) -> None:
    train, _ = ratings_small
    als = mllib_py.ALS(rank=2, max_iter=3, random_state=0)
    space = {"reg": [0.1, 50.0]}
    given: dict[str, Any] = {
        "cv": 2,
        "random_state": 0,
        "storage": optuna.storages.InMemoryStorage(),
    }
    search = TPESearchCV(als, space, n_trials=4, **given).fit(train)
    assert len(optuna.load_study(study_name="study", storage=given["storage"]).trials) == 4
    with pytest.raises(ValueError, match="epochs needs an estimator that goes on: ALS has no par"):
        TPESearchCV(als, space, epochs=3).fit(train)
    assert search.best_params_ == {"reg": 0.1}
    grid = GridSearchCV(als, space, cv=2).fit(train)
    assert search.best_score_ == pytest.approx(grid.best_score_, rel=1e-12)
    assert search.score(train) == search.scorer_(search.best_estimator_, train)
    assert search.best_estimator_.predict(*(c[:2] for c in train[:2])).shape == (2,)


def test_what_the_driver_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match="trial_timeout cannot end a trial on the driver"):
        Study(lambda p: 0, GRID, sampler="grid", trial_timeout=1, backend="driver")
    data: dict[str, Any] = {"sampler": "grid", "X": X, "cv": 2}
    with pytest.raises(ValueError, match="threads of the driver run functions and estimators of"):
        Study(Ridge(), {"alpha": [1]}, backend="driver", y=Y, **data)
    with pytest.raises(ValueError, match="KMeans is fitted by Spark jobs of its own"):
        Study(KMeans(), {"n_clusters": [2]}, backend="local", **data)
    with pytest.raises(ValueError, match="trial_timeout cannot end a trial on the driver"):
        Study(KMeans(), {"n_clusters": [2]}, trial_timeout=3, **data)
    with pytest.raises(ValueError, match="ALS learns from ratings, not from X and y: give it to a"):
        Study(mllib_py.ALS(), {"rank": [2]}, **data)
    with pytest.raises(ValueError, match="threads of the driver are for estimators of mllib_py"):
        GridSearchCV(Ridge(), {"alpha": [1]}, backend="driver").fit(np.ones((9, 1)), np.arange(9))
    with pytest.raises(ValueError, match="'local', 'driver' or a Backend, not 'drivers'"):
        Study(lambda p: 0, GRID, sampler="grid", backend="drivers").run()
    with pytest.raises(ValueError, match="slots must be an integer of at least 1"):
        DriverBackend(0)
    closed = DriverBackend(1)
    closed.close()
    with pytest.raises(RuntimeError, match="the backend is closed"):
        closed.submit(lambda: 1)


@pytest.mark.parametrize("backend", ["spark", "local"])
def test_a_function_that_fits_our_own_in_a_worker_is_told_where_it_can(
    backend: str, spark: Any
) -> None:
    def objective(params: dict[str, Any]) -> float:
        from mllib_py.cluster import KMeans

        return float(KMeans(n_clusters=params["k"]).fit(np.eye(4)).inertia_)

    with pytest.warns(UserWarning, match="no trial of the study is complete"):
        study = Study(objective, {"k": [2]}, sampler="grid", backend=backend).run()
    error = study.trials[0].user_attrs["error"]
    assert "RuntimeError: this process is a worker" in error
    assert "give tune.Study backend='driver'" in error
