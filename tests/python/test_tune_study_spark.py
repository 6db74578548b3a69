"""Studies whose trials are Spark tasks."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from optuna.distributions import FloatDistribution
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from support.standalone import run_script

from mllib_py.tune import AshaSearchCV, SparkBackend, Study, TrialPruned

cloudpickle.register_pickle_by_value(sys.modules[__name__])

LINE = {"x": FloatDistribution(-10, 10)}


def curve(params: dict[str, Any], trial: Any) -> float:
    for step in range(1, 10):
        trial.report(abs(params["x"]) + 1 / step, step)
        if trial.should_prune():
            raise TrialPruned
    return abs(params["x"])


def test_values_travel_from_inside_tasks_and_weak_trials_end(spark: Any) -> None:
    study = Study(curve, LINE, sampler="random", pruner="asha", trials=30, random_state=1).run()
    assert study.tally.pruned > 5
    assert study.tally.pruned + study.tally.complete == 30
    assert study.tally.peak == 2
    assert study.best_value == min(t.value for t in study.trials)
    assert os.getpid() not in {t.user_attrs["run"]["pid"] for t in study.trials}


def test_a_lost_a_hanging_and_a_poisoned_trial(spark: Any, tmp_path: Path) -> None:
    def objective(params: dict[str, Any], trial: Any) -> float:
        mark = tmp_path / str(trial.number)
        if trial.number == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if trial.number == 3:
            time.sleep(60)
        if trial.number == 4:
            raise ArithmeticError("poison")
        return float(params["x"])

    study = Study(objective, LINE, sampler="random", trials=8, trial_timeout=5).run()
    states = {t.number: t.state.name for t in study.trials}
    assert states == {n: "FAIL" if n in (3, 4) else "COMPLETE" for n in range(8)}
    assert study.tally.retried == 1
    assert study.trials[1].user_attrs["run"]["attempts"] == 2
    assert "more than 5 s" in study.trials[3].user_attrs["error"]
    assert "poison" in study.trials[4].user_attrs["error"]


@pytest.mark.parametrize("where", ["spark", "driver"])
@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_trials_of_a_session_that_ended_are_tried_again(
    how: str, where: str, tmp_path: Path
) -> None:
    told = run_script("gone_session.py", how, tmp_path / "s.db", where)
    assert told["said"] == (
        "the Spark session has ended while work ran: it was stopped, or its JVM died; resume=True "
        "goes on with a study in a storage"
    )
    assert told["seconds"] < 50
    gone = "the backend ended while the trial ran"
    assert told["left"] == ["COMPLETE", "COMPLETE", gone, gone]
    assert told["values"] == [0, 1, 2, 3, 4, 5]
    assert (told["tally"]["complete"], told["tally"]["failed"]) == (6, 0)


def test_a_search_pickles_and_holds_nothing_of_sparks(spark: Any) -> None:
    X, y = load_iris(return_X_y=True)
    search = AshaSearchCV(
        SGDClassifier(random_state=0),
        {"alpha": loguniform(1e-6, 1)},
        n_trials=8,
        epochs=9,
        random_state=0,
    ).fit(X, y)
    held = pickle.dumps(search)
    assert b"pyspark" not in held
    assert b"mllib_py.tune._spark" not in held
    assert pickle.loads(held).predict(X).shape == y.shape


def test_broadcasts_come_to_estimators_and_to_functions(spark: Any) -> None:
    X, y = load_iris(return_X_y=True)
    backend = SparkBackend(spark)
    handle = backend.scatter_by("broadcast", X, y, None)
    model = SGDClassifier(random_state=0)
    given: dict[str, Any] = {"sampler": "grid", "backend": backend}
    study = Study(model, {"alpha": [1e-4, 1e-2]}, X=handle, **given).run()
    assert study.tally.complete == 2, study.trials[0].user_attrs
    total = Study(lambda p: handle.get()[0].sum(), {"x": [1]}, **given).run()
    assert total.best_value == X.sum()
    backend.close()


def test_more_cores_than_there_are_is_one_sentence(spark: Any) -> None:
    with pytest.raises(ValueError, match="cores_per_trial is 3, and there are 2 slots"):
        Study(abs, LINE, trials=3, cores_per_trial=3).run()
