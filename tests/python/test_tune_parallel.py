"""What asks for `n_jobs` runs in slots: by our joblib backend, and by joblibspark."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import ensemble
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC

from mllib_py import tune

X, Y = load_iris(return_X_y=True)
BIG = np.random.default_rng(0).normal(size=(3000, 20))


@pytest.fixture(scope="module")
def slots() -> Iterator[Any]:
    backend = tune.LocalBackend(2)
    yield backend
    backend.close()


def run(slots: Any, *calls: Any, **words: Any) -> Any:
    sent = tune.JoblibBackend(slots)
    with joblib.parallel_config(sent):
        return joblib.Parallel(**words)(calls), sent.shipped


def square(number: int) -> int:
    return number * number


def total(*things: Any) -> float:
    return sum(float(np.asarray(getattr(t, "data", t.sum()), float).sum()) for t in things)


def test_answers_come_in_order_and_in_ever_larger_batches(slots: Any) -> None:
    found, shipped = run(slots, *(joblib.delayed(square)(i) for i in range(500)))
    assert found == [i * i for i in range(500)]
    assert shipped.pieces < 250


def test_calls_run_in_other_processes_within_one_thread(slots: Any) -> None:
    def where() -> Any:
        inner = joblib.Parallel(n_jobs=2)(joblib.delayed(os.getpid)() for _ in range(2))
        return os.getpid(), inner, joblib.effective_n_jobs(-1)

    found, _ = run(slots, *(joblib.delayed(where)() for _ in range(4)))
    for pid, inner, jobs in found:
        assert pid != os.getpid()
        assert inner == [pid, pid]
        assert jobs == 1


@pytest.mark.parametrize(
    "thing",
    [BIG, np.asfortranarray(BIG), sparse.csr_matrix(BIG), pd.DataFrame(BIG)],
    ids=["c", "fortran", "sparse", "frame"],
)
def test_large_things_travel_once(slots: Any, thing: Any) -> None:
    calls = [joblib.delayed(total)(thing, thing[:10] * i) for i in range(30)]
    found, shipped = run(slots, *calls)
    wanted = [total(thing, thing[:10] * i) for i in range(30)]
    np.testing.assert_allclose(np.ravel(found).astype(float), np.ravel(wanted).astype(float))
    assert BIG.nbytes <= shipped.scattered < 2.1 * BIG.nbytes
    assert shipped.with_pieces < shipped.scattered + 30 * 10_000


def test_arrays_that_live_no_longer_than_their_call_arrive(
    slots: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mllib_py.tune._ship.AT_ONCE", 1 << 16)
    sent = tune.JoblibBackend(slots)
    with joblib.parallel_config(sent):
        calls = (joblib.delayed(total)(np.full(20_000, float(i))) for i in range(40))
        found = joblib.Parallel()(calls)
    assert found == [20_000.0 * i for i in range(40)]
    assert sent.shipped.scattered == 40 * 160_000


def test_searches_and_forests_inside_work_have_its_slot_alone(slots: Any, spark: Any) -> None:
    def nested() -> Any:
        forest = tune.RandomForestClassifier(3, random_state=0).fit(X, Y)
        search = tune.GridSearchCV(SVC(), {"C": [0.01, 1]}, cv=3).fit(X, Y)
        return forest.score(X, Y), search.best_score_

    wanted = slots.submit(nested).result()
    assert wanted == tune.SparkBackend(spark).submit(nested).result()
    twin = ensemble.RandomForestClassifier(3, random_state=0).fit(X, Y)
    search = GridSearchCV(SVC(), {"C": [0.01, 1]}, cv=3).fit(X, Y)
    assert wanted == (twin.score(X, Y), search.best_score_)


def test_an_error_is_raised_as_it_is(slots: Any) -> None:
    def fail(i: int) -> int:
        if i == 3:
            raise LookupError(f"no {i}")
        return i

    with pytest.raises(LookupError, match="no 3"):
        run(slots, *(joblib.delayed(fail)(i) for i in range(9)))
    with pytest.raises(TypeError, match="cannot be pickled"):
        run(slots, *(joblib.delayed(total)(threading.Lock()) for _ in range(2)))


def test_a_batch_whose_worker_dies_runs_again(tmp_path: Path) -> None:
    def dies_once(i: int) -> int:
        try:
            (tmp_path / "died").touch(exist_ok=False)
        except FileExistsError:
            return i
        os.kill(os.getpid(), signal.SIGKILL)
        return -1

    slots = tune.LocalBackend(2)
    try:
        found, shipped = run(slots, *(joblib.delayed(dies_once)(i) for i in range(8)))
    finally:
        slots.close()
    assert found == list(range(8))
    assert shipped.again >= 1


def test_a_batch_that_always_kills_its_worker_ends_the_call() -> None:
    def dies(i: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    slots = tune.LocalBackend(2)
    try:
        with pytest.raises(tune.WorkerLost):
            run(slots, *(joblib.delayed(dies)(i) for i in range(2)))
    finally:
        slots.close()


def test_how_many_at_once(slots: Any) -> None:
    sent = tune.JoblibBackend(slots)
    assert [sent.effective_n_jobs(n) for n in (None, -1, 1, 7)] == [2, 2, 1, 7]
    with pytest.raises(ValueError, match="n_jobs == 0"):
        sent.effective_n_jobs(0)
    with pytest.raises(ValueError, match="backend must be None, 'spark', 'local' or a Backend"):
        tune.JoblibBackend("dask").effective_n_jobs(-1)


@pytest.mark.parametrize("name", ["mllib_py", "spark"])
def test_searches_and_forests_by_name_on_spark(spark: Any, name: str) -> None:
    # "spark" is joblibspark's; it warns that local mode has one kind of executors.
    import warnings

    import joblibspark

    joblibspark.register_spark()
    plain = GridSearchCV(SVC(), {"C": [0.01, 1]}, cv=3).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with joblib.parallel_config(name, n_jobs=2):
            search = GridSearchCV(SVC(), {"C": [0.01, 1]}, cv=3).fit(X, Y)
            scores = cross_val_score(LogisticRegression(max_iter=1000), X, Y, cv=3)
            forest = ensemble.RandomForestClassifier(4, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
    assert (
        scores.tolist() == cross_val_score(LogisticRegression(max_iter=1000), X, Y, cv=3).tolist()
    )
    twin = ensemble.RandomForestClassifier(4, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(forest.predict_proba(X), twin.predict_proba(X))


def test_ensembles_on_spark_leave_nothing_there(spark: Any) -> None:
    x, y = make_classification(5000, 20, n_informative=8, n_classes=3, random_state=0)
    ours = tune.RandomForestClassifier(12, oob_score=True, random_state=0).fit(x, y)
    twin = ensemble.RandomForestClassifier(12, oob_score=True, random_state=0).fit(x, y)
    assert ours.oob_score_ == twin.oob_score_
    np.testing.assert_array_equal(ours.predict_proba(x), twin.predict_proba(x))
    data = x.astype(np.float32).nbytes + y.astype(np.float64).nbytes
    assert ours.cluster_report_["bytes_scattered"] == data
    many = tune.OneVsRestClassifier(LogisticRegression(), max_negatives=500).fit(x, y)
    assert len(many.estimators_) == 3
    columns = [f"c{i}" for i in range(20)]
    frame = spark.createDataFrame(pd.DataFrame(x[:300], columns=columns))
    scored = tune.predict({"forest": ours, "many": many}, frame, columns, keep=[]).toPandas()
    assert scored["forest_prediction"].tolist() == twin.predict(x[:300]).tolist()
    assert scored["many_prediction"].tolist() == many.predict(x[:300]).tolist()
