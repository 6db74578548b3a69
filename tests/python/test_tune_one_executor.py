"""Work that kills an executor of several slots takes no other work along."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning

from mllib_py import tune
from mllib_py.tune import Study, WorkerLost
from mllib_py.tune._simulated import HeldHandle

X, Y = load_iris(return_X_y=True)


class Killed(BaseException):
    """Ends the executor that it is raised in."""


class Died(BaseException):
    """Ends the process of its work alone."""


class OneExecutor:
    """Slots, threads, of an executor that takes along all that runs when it is killed."""

    dies_together = True
    reports = False

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self._lock = threading.Lock()
        self._running: set[Future[Any]] = set()

    def slots_for(self, cores: int) -> int:
        return 1

    def submit(self, work: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            self._running.add(future)
        threading.Thread(target=self._run, args=(work, future)).start()
        return future

    def _run(self, work: Any, future: Future[Any]) -> None:
        try:
            value = work()
        except Killed:
            with self._lock:
                lost, self._running = self._running, set()
            for one in lost:
                one.set_exception(WorkerLost("its executor has died"))
            return
        except Died:
            with self._lock:
                self._running.discard(future)
            future.set_exception(WorkerLost("its process has died", own=True))
            return
        with self._lock:
            mine = future in self._running
            self._running.discard(future)
        if mine:
            future.set_result(value)

    def scatter(self, *objects: Any) -> HeldHandle:
        return HeldHandle(objects)

    def close(self) -> None:
        """Its threads end by themselves."""


class Kills(ClassifierMixin, BaseEstimator):
    """Kills its executor a moment after others have begun, and otherwise takes its time."""

    def __init__(self, how: str = "") -> None:
        self.how = how

    def fit(self, X: Any, y: Any) -> Kills:
        time.sleep(0.2 if self.how else 0.6)
        if self.how:
            raise Killed
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])


def test_a_fit_whose_neighbour_kills_the_executor_keeps_its_score() -> None:
    where = OneExecutor()
    options: dict[str, Any] = {"cv": [(np.arange(100), np.arange(100, 150))], "error_score": -7}
    search = tune.GridSearchCV(Kills(), {"how": ["kill", "", "", "kill", ""]}, **options)
    search.set_params(backend=where, refit=False)
    with pytest.warns(FitFailedWarning, match="2 fits failed"):
        search.fit(X, Y)
    assert (search.cv_results_["mean_test_score"] == -7).tolist() == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_trial_that_kills_its_executor_takes_no_other_along() -> None:
    def objective(params: dict[str, Any]) -> float:
        time.sleep(0.1 if params["x"] == 2 else 0.3)
        if params["x"] == 2:
            raise Killed
        return float(params["x"])

    backend: Any = OneExecutor(4)
    space = {"x": list(range(6))}
    study = Study(objective, space, sampler="grid", retries=1, backend=backend).run()
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 2 + ["FAIL"] + ["COMPLETE"] * 3
    # Twice beside others, then alone, and once more.
    assert study.trials[2].user_attrs["error"] == "its executor has died; it was tried 4 times"
    assert study.tally.ended == 6


def test_a_trial_whose_own_process_died_waits_for_no_other() -> None:
    def objective(params: dict[str, Any]) -> float:
        if params["x"] == 0:
            raise Died
        time.sleep(0.05)
        return float(params["x"])

    backend: Any = OneExecutor(2)
    space = {"x": list(range(30))}
    study = Study(objective, space, sampler="grid", retries=1, backend=backend).run()
    assert study.trials[0].user_attrs["error"] == "its process has died; it was tried 2 times"
    assert study.tally.complete == 29
    assert {t.user_attrs["run"]["attempts"] for t in study.trials[1:]} == {1}
    # It was known before the others had ended.
    ended = sorted(study.trials, key=lambda t: t.datetime_complete)
    assert ended.index(study.trials[0]) < 15
