"""Validation ratings, early stopping, and callbacks."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.refusal import refused
from support.small import Small, plays, stars

import mllib_py
from mllib_py import ALS, _bridge, metrics

pytestmark = pytest.mark.usefixtures("spark")

STRATEGIES = ["broadcast", "data-parallel", "blocked", "hybrid"]


def parts(data: Small) -> tuple[Small, Small]:
    """Training and held-out ratings; one held-out user and one item are strangers."""
    held = np.random.default_rng(3).random(len(data.users)) < 0.3
    train, test = (Small(*(c[m] for c in data)) for m in (~held, held))
    strange = [np.append(c, v) for c, v in zip(test, ([10**6, 1], [2, 10**6], [1, 1]), strict=True)]
    return train, Small(*strange)


TRAIN, TEST = parts(stars(40, 25))
# A model that learns its ratings by heart: validation is best early.
HEART: dict[str, Any] = {"rank": 3, "reg": 0.02}


def validations(als: ALS) -> list[float]:
    return [h["validation"] for h in als.history_ if "validation" in h]


# --- what is measured


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_explicit_ratings_are_judged_by_their_error(strategy: str, biases: bool) -> None:
    """As score would after each iteration."""
    make = {"rank": 3, "biases": biases, "strategy": strategy, "num_blocks": 2}
    als = ALS(max_iter=3, **make).fit(TRAIN, validation=TEST)
    assert [h["side"] for h in als.history_ if "validation" in h] == ["item"] * 3
    for n in (1, 3):
        with pytest.warns(UserWarning, match="2 ratings of unknown"):
            expected = ALS(max_iter=n, **make).fit(TRAIN).score(TEST)
        assert validations(als)[n - 1] == pytest.approx(expected, rel=1e-6)
    # They are not learnt from.
    assert np.array_equal(als.item_factors_, ALS(max_iter=3, **make).fit(TRAIN).item_factors_)
    assert als.best_iteration_ == int(np.argmin(validations(als))) + 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_implicit_feedback_is_judged_by_its_ranking(strategy: str) -> None:
    train, test = parts(plays(40, 25))
    make = {"rank": 3, "implicit": True, "strategy": strategy, "num_blocks": 3}
    als = ALS(max_iter=3, **make).fit(train, validation=test)
    for n in (1, 3):
        model = ALS(max_iter=n, **make).fit(train)
        frame = test.frame()
        known = frame["user"].isin(model.user_ids_) & frame["item"].isin(model.item_ids_)
        relevant = frame[known & (frame["rating"] > 0)]
        lists = model.recommend(np.unique(relevant["user"]), k=10)
        expected = metrics.ndcg_at_k(lists, relevant, 10)
        assert 0 < expected < 1
        assert validations(als)[n - 1] == pytest.approx(expected, rel=1e-9)
    assert als.best_iteration_ == int(np.argmax(validations(als))) + 1


def test_the_order_and_the_partitions_of_validation_ratings_do_not_matter(spark: Any) -> None:
    one = ALS(rank=3, max_iter=2, num_blocks=1).fit(TRAIN, validation=TEST)
    frame = spark.createDataFrame(TEST.shuffled(1).frame()).repartition(5)
    other = ALS(rank=3, max_iter=2, num_blocks=3, strategy="blocked").fit(TRAIN, validation=frame)
    assert validations(one) == validations(other)


def test_samples_are_judged_by_their_mean_so_far() -> None:
    make: dict[str, Any] = {"method": "gibbs", "rank": 2, "burn_in": 2, "thin": 2}
    als = ALS(n_samples=3, **make).fit(TRAIN, validation=TEST)
    assert [h["iteration"] for h in als.history_ if "validation" in h] == [4, 6, 8]
    for n in (1, 3):
        with pytest.warns(UserWarning, match="2 ratings of unknown"):
            expected = ALS(n_samples=n, **make).fit(TRAIN).score(TEST)
        assert validations(als)[n - 1] == pytest.approx(expected, rel=1e-5)


def test_history_with_validation_is_saved(tmp_path: Path) -> None:
    als = ALS(rank=2, max_iter=2).fit(TRAIN, validation=TEST)
    als.save(tmp_path / "m")
    back = mllib_py.load(tmp_path / "m")
    assert back.history_ == als.history_
    assert back.best_iteration_ == als.best_iteration_
    als.fit(TRAIN)
    assert als.best_iteration_ is None
    assert validations(als) == []


def test_what_cannot_validate() -> None:
    with refused(ValueError, "patience is about validation ratings"):
        ALS(patience=2).fit(TRAIN)
    with refused(ValueError, "patience must be at least 1"):
        ALS(patience=0).fit(TRAIN, validation=TEST)
    with refused(ValueError, "patience stops method='als'"):
        ALS(patience=2, method="gibbs").fit(TRAIN, validation=TEST)
    with refused(ValueError, "no validation rating is of a user and an item"):
        ALS(rank=2).fit(TRAIN, validation=([10**6], [2], [3.0]))
    with refused(ValueError, "no validation rating is of a user and an item"):
        ALS(rank=2, implicit=True).fit(TRAIN, validation=([1], [2], [-3.0]))
    with refused(TypeError, "users to validate by are text ids"):
        ALS(rank=2).fit(TRAIN, validation=(["a"], [2], [3.0]))
    with refused(ValueError, "repeat a (user, item) pair"):
        ALS(rank=2).fit(TRAIN, validation=([1, 1], [2, 2], [3.0, 4.0]))


# --- patience


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_patience_ends_a_fit_and_the_best_iteration_is_the_model(strategy: str) -> None:
    whole = validations(ALS(max_iter=12, **HEART).fit(TRAIN, validation=TEST))
    # What is expected, by the whole course: the first iteration 3 after its best so far.
    ends = next(n for n in range(1, 13) if n - (int(np.argmin(whole[:n])) + 1) >= 3)
    best = ends - 3
    assert best > 1
    als = ALS(max_iter=30, patience=3, strategy=strategy, num_blocks=2, **HEART)
    als.fit(TRAIN, validation=TEST)
    assert (als.n_iter_, als.best_iteration_) == (ends, best)
    assert als.stop_reason_ == f"patience=3 iterations were no better than iteration {best}"
    then = ALS(max_iter=best, strategy=strategy, num_blocks=2, **HEART).fit(TRAIN)
    assert np.array_equal(als.user_factors_, then.user_factors_)
    assert np.array_equal(als.item_factors_, then.item_factors_)
    with pytest.warns(UserWarning, match="2 ratings of unknown"):
        assert als.score(TEST) == pytest.approx(min(whole[:ends]), rel=1e-6)


def test_with_patience_the_best_iteration_is_taken_however_the_fit_ends() -> None:
    als = ALS(max_iter=8, patience=100, **HEART).fit(TRAIN, validation=TEST)
    assert als.stop_reason_ == "max_iter=8 iterations done"
    best = int(np.argmin(validations(als))) + 1
    assert als.best_iteration_ == best < 8
    then = ALS(max_iter=best, **HEART).fit(TRAIN)
    assert np.array_equal(als.item_factors_, then.item_factors_)


# --- callbacks


def test_callbacks_are_told_of_each_iteration_in_this_thread() -> None:
    told: list[dict[str, Any]] = []
    threads: list[Any] = []

    def note(at: dict[str, Any]) -> None:
        told.append(at)
        threads.append(threading.current_thread())
        at["iteration"] = -1  # others get a dict of their own

    again: list[int] = []
    als = ALS(rank=2, max_iter=3).fit(
        TRAIN, validation=TEST, callbacks=[note, lambda at: again.append(at["iteration"])]
    )
    assert again == [1, 2, 3]
    assert set(threads) == {threading.current_thread()}
    ends = als.history_[1::2]
    assert [t["objective"] for t in told] == [h["objective"] for h in ends]
    assert [t["validation"] for t in told] == validations(als)
    seconds = [a["seconds"] + b["seconds"] for a, b in zip(als.history_[::2], ends, strict=True)]
    assert [t["seconds"] for t in told] == pytest.approx(seconds)
    ALS(rank=2, max_iter=1).fit(TRAIN, callbacks=[told.append])
    assert told[-1]["validation"] is None
    assert als.stop_reason_ == "max_iter=3 iterations done"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("yes", [True, np.True_])
def test_a_callback_stops_the_fit_with_a_model(strategy: str, yes: Any) -> None:
    als = ALS(rank=2, max_iter=50, strategy=strategy)
    als.fit(TRAIN, callbacks=[lambda at: yes if at["iteration"] == 2 else 1, lambda at: None])
    assert als.n_iter_ == 2
    assert als.stop_reason_ == "a callback asked to stop"
    two = ALS(rank=2, max_iter=2, strategy=strategy).fit(TRAIN)
    assert np.array_equal(als.item_factors_, two.item_factors_)


def test_a_callback_stops_sampling_with_the_samples_there_are(tmp_path: Path) -> None:
    make: dict[str, Any] = {"method": "gibbs", "rank": 2, "burn_in": 1, "thin": 1}
    als = ALS(n_samples=9, **make).fit(TRAIN, callbacks=[lambda at: at["iteration"] == 3])
    two = ALS(n_samples=2, **make).fit(TRAIN)
    assert np.array_equal(als.user_factors_, two.user_factors_)
    pd.testing.assert_frame_equal(als.recommend([1], k=3), two.recommend([1], k=3))
    assert als.predict([1], [2], return_std=True) == two.predict([1], [2], return_std=True)
    als.save(tmp_path / "m")
    assert np.array_equal(mllib_py.load(tmp_path / "m").item_factors_, two.item_factors_)
    with refused(ValueError, "before the first sample", "after iteration 2"):
        ALS(n_samples=9, **make).fit(TRAIN, callbacks=[lambda at: True])


def running(spark: Any) -> int:
    return len(spark.sparkContext.statusTracker().getActiveJobsIds())


@pytest.mark.parametrize("error", [KeyError("mine"), SystemExit(3)])
def test_what_a_callback_raises_comes_out_and_the_fit_is_over(
    spark: Any, error: BaseException
) -> None:
    als = ALS(rank=2, max_iter=1).fit(TRAIN)
    before = als.history_

    def fail(at: dict[str, Any]) -> None:
        if at["iteration"] == 2:
            raise error

    with pytest.raises(type(error)) as caught:
        als.set_params(max_iter=10**6).fit(TRAIN, callbacks=[fail])
    assert caught.value is error
    assert als.history_ is before
    assert running(spark) == 0


def test_a_callback_may_use_the_library() -> None:
    other = ALS(rank=2, max_iter=1).fit(TRAIN)
    scores: list[float] = []
    fits: list[int] = []

    def use(at: dict[str, Any]) -> None:
        scores.append(other.score(TRAIN))
        fits.append(ALS(rank=2, max_iter=1).fit(TRAIN).n_iter_)

    ALS(rank=2, max_iter=2).fit(TRAIN, callbacks=[use])
    assert scores == [scores[0]] * 2
    assert fits == [1, 1]


def test_control_c_ends_a_callback_that_sleeps(spark: Any) -> None:
    def sleep(at: dict[str, Any]) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(30)

    began = time.monotonic()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        ALS(rank=2, max_iter=10**6).fit(TRAIN, callbacks=[sleep])
    assert time.monotonic() - began < 20
    assert signal.getsignal(signal.SIGINT) is before
    assert running(spark) == 0


def test_a_fit_that_nobody_answers_waits_and_can_be_cancelled(spark: Any) -> None:
    r = mllib_py.ratings(TRAIN)
    params = _bridge.to_json(ALS(rank=2, max_iter=10**6).get_params())
    handle = _bridge.call("fit", r._handle, params, None, None, True)
    deadline = time.monotonic() + 30
    while handle.report() is None and time.monotonic() < deadline:
        assert not handle.waitFor(100)
    assert json.loads(handle.report())["iteration"] == 1
    assert not handle.waitFor(0)
    assert json.loads(handle.progress())["done"] == 2
    handle.cancel()
    assert handle.waitFor(0)
    assert json.loads(handle.progress())["done"] == 2
    with pytest.raises(Exception, match="interrupted"), _bridge.errors():
        handle.model()
    r.release()


def test_what_is_no_callback() -> None:
    with refused(TypeError, "callbacks must be a list of functions"):
        ALS().fit(TRAIN, callbacks=print)  # type: ignore[arg-type]
    with refused(TypeError, "callbacks must be functions, not int"):
        ALS().fit(TRAIN, callbacks=[3])  # type: ignore[list-item]
