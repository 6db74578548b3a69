"""Searches keep scikit-learn's contract: the same candidates, scores and attributes."""

from __future__ import annotations

import inspect
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from scipy.stats import loguniform
from sklearn import model_selection as theirs
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mllib_py import tune
from mllib_py.tune import SparkBackend, WorkerLost, WorkTimeout

X, Y = load_iris(return_X_y=True)
GRID = {"C": [0.1, 1.0, 10.0], "gamma": [0.01, 0.1]}
OURS = {"backend", "cores_per_trial", "trial_timeout"}
NAMES = ["GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"]


@pytest.fixture(scope="module")
def backend(spark: Any) -> Iterator[SparkBackend]:
    it = SparkBackend(spark)
    yield it
    it.close()


def same(ours: Any, wanted: Any) -> None:
    """All results but times are equal, to the last bit."""
    assert set(ours.cv_results_) == set(wanted.cv_results_)
    for key, values in wanted.cv_results_.items():
        if not key.endswith("_time"):
            np.testing.assert_array_equal(ours.cv_results_[key], values, err_msg=key)
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_", "multimetric_"):
        assert getattr(ours, name, None) == getattr(wanted, name, None), name


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_the_twin(name: str) -> None:
    ours = getattr(tune, name)
    wanted = inspect.signature(getattr(theirs, name).__init__).parameters
    found = inspect.signature(ours.__init__).parameters
    for parameter in wanted.values():
        assert found[parameter.name].default is parameter.default or (
            found[parameter.name].default == parameter.default
        ), parameter.name
        assert found[parameter.name].kind == parameter.kind, parameter.name
    assert set(found) - set(wanted) == OURS
    for parameter in found:
        assert parameter == "self" or parameter in ours.__doc__, parameter


def worst(found: Any) -> int:
    return int(np.argmin(found["mean_test_score"]))


def two_scores(model: Any, x: Any, y: Any) -> dict[str, float]:
    return {"a": model.score(x, y), "b": float(len(x))}


CASES: dict[str, tuple[str, Any, Any, dict[str, Any], dict[str, Any]]] = {
    "grid": ("GridSearchCV", SVC(), GRID, {"return_train_score": True}, {}),
    "random": (
        "RandomizedSearchCV",
        SVC(),
        {"C": loguniform(0.1, 10), "kernel": ["rbf", "linear"]},
        {"n_iter": 6, "random_state": 3},
        {},
    ),
    "halving": ("HalvingGridSearchCV", SVC(), GRID, {"random_state": 0}, {}),
    "random halving": (
        "HalvingRandomSearchCV",
        RandomForestClassifier(random_state=0),
        {"max_depth": [1, 2, 3, None]},
        {"random_state": 0, "resource": "n_estimators", "max_resources": 9, "cv": 3},
        {},
    ),
    "pipeline": (
        "GridSearchCV",
        make_pipeline(StandardScaler(), SVC()),
        [{"svc__C": [0.1, 1]}, {"svc": [LogisticRegression()], "svc__C": [0.5]}],
        {},
        {},
    ),
    "several metrics": (
        "GridSearchCV",
        LogisticRegression(max_iter=500),
        {"C": [0.1, 1.0]},
        {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro", "return_train_score": True},
        {},
    ),
    "refit by a function": (
        "GridSearchCV",
        SVC(),
        GRID,
        {"refit": worst},
        {},
    ),
    "a scorer that is a function, and groups": (
        "GridSearchCV",
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2]},
        {
            "scoring": two_scores,
            "refit": "a",
            "cv": theirs.GroupKFold(3),
        },
        {"groups": np.arange(150) % 7},
    ),
    "no refit": ("GridSearchCV", SVC(), GRID, {"refit": False, "cv": 2}, {}),
    "weights": (
        "GridSearchCV",
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2]},
        {},
        {"sample_weight": np.linspace(0.1, 1, 150)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_results_are_those_of_scikit_learn(case: str, backend: SparkBackend) -> None:
    name, estimator, space, options, params = CASES[case]
    ours = getattr(tune, name)(estimator, space, backend=backend, **options).fit(X, Y, **params)
    wanted = getattr(theirs, name)(estimator, space, **options).fit(X, Y, **params)
    same(ours, wanted)
    if options.get("refit", True):
        again = pickle.loads(pickle.dumps(ours))
        np.testing.assert_array_equal(again.predict(X), wanted.predict(X))
        assert again.refit_time_ > 0
        assert again.backend is None


@pytest.mark.parametrize(
    "make", [sp.csr_matrix, sp.coo_array, pd.DataFrame, list, np.asfortranarray]
)
def test_data_of_any_kind_give_the_same_scores(make: Any, backend: SparkBackend) -> None:
    x = make(X)
    ours = tune.GridSearchCV(SVC(), GRID, backend=backend, cv=3).fit(x, Y)
    wanted = theirs.GridSearchCV(SVC(), GRID, cv=3).fit(x, Y)
    same(ours, wanted)


def test_metadata_is_routed(backend: SparkBackend) -> None:
    weights = np.linspace(0.1, 1, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = LogisticRegression(max_iter=500).set_fit_request(sample_weight=True)
        scorer = make_scorer(precision_score, average="macro").set_score_request(sample_weight=True)
        options = {"scoring": scorer, "cv": theirs.GroupKFold(3)}
        made = [
            make(estimator, {"C": [0.1, 1.0]}, **options, **extra).fit(
                X, Y, sample_weight=weights, groups=np.arange(150) % 6
            )
            for make, extra in (
                (tune.GridSearchCV, {"backend": backend}),
                (theirs.GridSearchCV, {}),
            )
        ]
    same(*made)


def test_a_handle_brings_the_data(backend: SparkBackend) -> None:
    handle = tune.scatter(X, Y, np.arange(150) % 7, backend=backend)
    search = tune.GridSearchCV(SVC(), GRID, cv=theirs.GroupKFold(3), backend=backend)
    same(
        search.fit(handle),
        theirs.GridSearchCV(SVC(), GRID, cv=theirs.GroupKFold(3)).fit(
            X, Y, groups=np.arange(150) % 7
        ),
    )
    search.fit(handle)  # it is the caller's, and still there
    with pytest.raises(ValueError, match="a handle has its y and groups; leave y"):
        search.fit(handle, Y)
    handle.release()


def test_data_travel_once_and_splits_too(backend: SparkBackend) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20_000, 10)), rng.normal(size=20_000)
    before = backend.shipped
    grid = {"alpha": np.logspace(-3, 3, 30)}
    search = tune.GridSearchCV(Ridge(), grid, backend=backend).fit(x, y)
    sent = {k: v - before[k] for k, v in backend.shipped.items()}
    # X and y have 1.8 MB, and a split's rows 160 kB: each split is sent inline once. The rest is
    # scikit-learn's call, and what it keeps for callbacks.
    assert sent["bytes"] < 800_000 + 25_000 * sent["tasks"]
    assert sent["tasks"] < 150, "fits are put together"
    same(search, theirs.GridSearchCV(Ridge(), grid).fit(x, y))
    assert backend._ours.live() == ()


class Fails(ClassifierMixin, BaseEstimator):
    """Fails as it is told."""

    def __init__(self, how: str = "", folder: str = "") -> None:
        self.how, self.folder = how, folder

    def fit(self, X: Any, y: Any) -> Fails:
        self.classes_ = np.unique(y)
        if self.how:
            (Path(self.folder) / f"{self.how}-{time.time_ns()}").touch()
        if self.how == "raise":
            raise MemoryError("no room for it")
        if self.how == "grow":
            limits = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, limits[1]))
            try:
                np.ones(1 << 30)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, limits)
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "hang":
            time.sleep(600)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize("kind", ["spark", "local"])
def test_fits_that_kill_their_process_get_the_error_score(
    kind: str, backend: SparkBackend, tmp_path: Path
) -> None:
    search = tune.GridSearchCV(
        Fails(folder=str(tmp_path)),
        {"how": ["", "die", "raise", "grow", ""]},
        cv=2,
        backend=backend if kind == "spark" else "local",
        n_jobs=2,
        error_score=-7,
    )
    with pytest.warns(FitFailedWarning, match="6 fits failed") as told:
        search.fit(X, Y)
    text = str(told[0].message)
    assert "WorkerLost: the process that ran the" in text
    assert "no room for it" in text
    assert "Unable to allocate 8.00 GiB" in text
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], [1 / 3, -7, -7, -7, 1 / 3])
    # A fit that dies is begun at most twice; in a batch it takes others along, which run again.
    deaths = len(list(tmp_path.glob("die-*")))
    assert 2 <= deaths <= 4
    assert search.predict(X[:2]).tolist() == [0, 0]


def test_error_score_raise_ends_the_search(backend: SparkBackend, tmp_path: Path) -> None:
    for how, error in (("die", WorkerLost), ("raise", MemoryError)):
        search = tune.GridSearchCV(
            Fails(folder=str(tmp_path)), {"how": [how]}, cv=2, backend=backend, error_score="raise"
        )
        with pytest.raises(error):
            search.fit(X, Y)


def test_a_fit_that_hangs_is_ended(backend: SparkBackend, tmp_path: Path) -> None:
    options: dict[str, Any] = {"cv": 2, "backend": backend, "trial_timeout": 2}
    search = tune.GridSearchCV(Fails(folder=str(tmp_path)), {"how": ["hang", ""]}, **options)
    with pytest.warns(FitFailedWarning, match="WorkTimeout"):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"][0])
    assert search.best_index_ == 1
    with pytest.raises(WorkTimeout):
        clone(search).set_params(error_score="raise", param_grid={"how": ["hang"]}).fit(X, Y)


def test_the_last_fit_is_not_spread(backend: SparkBackend) -> None:
    seen = []

    class Watches(SVC):
        def fit(self, X: Any, y: Any) -> Any:
            from joblib import Parallel, delayed

            if len(X) == 150:
                seen.extend(Parallel(n_jobs=2)(delayed(os.getppid)() for _ in range(2)))
            return super().fit(X, y)

    tune.GridSearchCV(Watches(), {"C": [1.0]}, backend=backend, cv=2).fit(X, Y)
    assert seen == [os.getpid()] * 2, "joblib is the user's again: processes of the driver"


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"backend": "yarn"}, ValueError, "backend must be None, 'spark', 'local' or a Backend"),
        ({"cores_per_trial": 0}, ValueError, "cores_per_trial must be an integer of at least 1"),
        ({"cores_per_trial": 99}, ValueError, "99 cores cannot run: an executor has 2"),
        ({"trial_timeout": -1}, ValueError, "trial_timeout must be a number above 0 or None"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be an integer other than 0 or None"),
        ({"scoring": "acuracy"}, ValueError, "acuracy"),
        ({"scoring": ["accuracy", "f1_macro"]}, ValueError, "refit"),
        ({"cv": 1}, ValueError, r"int in the range \[2, inf\)"),
    ],
)
def test_bad_input_is_refused(
    options: dict[str, Any], error: Any, says: str, backend: SparkBackend
) -> None:
    before = backend.shipped["tasks"]
    with pytest.raises(error, match=says):
        tune.GridSearchCV(SVC(), GRID, **({"backend": backend} | options)).fit(X, Y)
    assert backend.shipped["tasks"] == before


class Locked(SVC):
    """Holds what cannot be pickled, and is cloned nevertheless."""

    def __init__(self, C: float = 1.0, lock: Any = None) -> None:
        super().__init__(C=C)
        self.lock = lock

    def __sklearn_clone__(self) -> Locked:
        return Locked(self.C, self.lock)


@pytest.mark.parametrize("where", ["spark", "local"])
def test_a_parameter_that_cannot_be_pickled_is_named(where: str, backend: SparkBackend) -> None:
    search = tune.GridSearchCV(Locked(lock=threading.Lock()), {"C": [1]}, n_jobs=2)
    says = (
        "the parameter 'lock' of Locked cannot be pickled, so that workers cannot have it: .*lock"
    )
    with pytest.raises(TypeError, match=says):
        search.set_params(backend=backend if where == "spark" else "local").fit(X, Y)


def test_what_cannot_be_pickled_is_refused(backend: SparkBackend) -> None:
    lock = threading.Lock()
    search = tune.GridSearchCV(
        SVC(), GRID, backend=backend, scoring=lambda m, x, y: float(lock.locked())
    )
    before = backend.shipped["tasks"]
    with pytest.raises(TypeError, match="pickle"):
        search.fit(X, Y)
    assert backend.shipped["tasks"] == before
    with pytest.raises(ValueError, match="empty"):
        tune.GridSearchCV(SVC(), {"C": []}, backend=backend).fit(X, Y)
    with pytest.raises(ValueError, match="Invalid parameter"):
        tune.GridSearchCV(SVC(), {"D": [1]}, backend=backend, error_score="raise").fit(X, Y)


def test_more_jobs_than_slots_is_told(backend: SparkBackend) -> None:
    grid = tune.GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2, n_jobs=99, backend=backend)
    with pytest.warns(UserWarning, match=r"n_jobs=99 is more than the \d+ slots") as told:
        grid.fit(X, Y)
    assert told[0].filename == __file__


def test_a_fitted_search_predicts_where_no_java_is(backend: SparkBackend, tmp_path: Path) -> None:
    search = tune.GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=2, backend=backend).fit(X, Y)
    (tmp_path / "search").write_bytes(pickle.dumps((search, X[::9])))
    code = f"""
import pickle, pathlib, sys
search, X = pickle.loads(pathlib.Path({str(tmp_path / "search")!r}).read_bytes())
print(search.predict(X).tolist())
"""
    environment = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "SPARK_HOME")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(search.predict(X[::9]).tolist())
