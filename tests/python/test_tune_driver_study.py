"""Studies on threads of the driver, whose trials are Spark jobs themselves."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState
from sklearn.linear_model import Ridge

import mllib_py
from mllib_py.cluster import KMeans
from mllib_py.tune import DriverBackend, GridSearchCV, Study, TrialPruned

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


@pytest.fixture
def ratings_small() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    users, items = np.divmod(rng.permutation(40 * 30)[:800], 30)
    p, q = rng.normal(size=(40, 2)), rng.normal(size=(30, 2))
    values = (p[users] * q[items]).sum(axis=1)
    return (users[:700], items[:700], values[:700]), (users[700:], items[700:], values[700:])


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


def test_what_the_driver_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match="trial_timeout cannot end a trial on the driver"):
        Study(lambda p: 0, GRID, sampler="grid", trial_timeout=1, backend="driver")
    with pytest.raises(ValueError, match="threads of the driver run functions"):
        Study(KMeans(), GRID, sampler="grid", backend="driver", X=np.ones((3, 1)))
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
