"""What ratings say of themselves, and how they are split and joined."""

from __future__ import annotations

import gc
import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.refusal import refused
from support.small import Small, stars

import mllib_py
from mllib_py import ALS, MLlibError, Ratings, _bridge

pytestmark = pytest.mark.usefixtures("spark")

DATA = stars(60, 40, 0.5)
FRAME = DATA.frame()
N = len(FRAME)


def members(r: Ratings) -> set[tuple[int, int]]:
    """The pairs of a part, found by fitting it: every pair is seen."""
    als = ALS(rank=1, max_iter=1, user_col="user").fit(r)
    every = itertools.product(als.user_ids_.tolist(), als.item_ids_.tolist())
    return set(every) - pairs(als.recommend(k=10**6))


def pairs(table: pd.DataFrame) -> set[tuple[int, int]]:
    return set(zip(table["user"].tolist(), table["item"].tolist(), strict=True))


# --- facts


def test_the_facts_are_numpys() -> None:
    r = mllib_py.ratings(DATA)
    assert repr(r) == "Ratings(not looked at yet)"
    assert (r.n_ratings, r.n_users, r.n_items) == (N, 60, 40)
    assert repr(r) == f"Ratings(n_ratings={N})"
    assert r.mean == pytest.approx(DATA.values.astype(np.float64).mean(), rel=1e-12)
    assert r.has_timestamps is False
    values, counts = np.unique(DATA.values, return_counts=True)
    assert r.histogram() == dict(zip(values.tolist(), counts.tolist(), strict=True))
    assert list(r.histogram()) == sorted(r.histogram())
    for c in (3.0, r.mean, -1e6):
        expected = np.sqrt(np.mean((DATA.values.astype(np.float64) - c) ** 2))
        assert r.rmse_of_constant(c) == pytest.approx(expected, rel=1e-9)
    r.release()


@pytest.mark.parametrize("kind", [int, str])
def test_the_top_items_are_pandas(kind: type) -> None:
    table = FRAME.astype({"item": kind})
    r = mllib_py.ratings(table)
    counts = table.groupby("item").size().reset_index(name="n")
    expected = counts.sort_values(["n", "item"], ascending=[False, True])
    pairs = list(zip(expected["item"].tolist(), expected["n"].tolist(), strict=True))
    for n in (1, 5, 40, 1000, 2**40):
        assert r.top_items(n) == pairs[:n]
    r.release()


def test_top_items_of_one_count_are_in_the_order_of_their_texts() -> None:
    names = ["a b", "a", "a!", "é", "z", "\U0001f3ac", "\uffff"]
    r = mllib_py.ratings(([1] * 7, names, [1.0] * 7))
    assert [name for name, _ in r.top_items(7)] == sorted(names)
    r.release()


@pytest.mark.parametrize("n", [0, -1, 2.5, "3"])
def test_a_number_of_items_that_is_none(n: Any) -> None:
    r = mllib_py.ratings(DATA)
    with refused(ValueError, "n must be an integer of at least 1", repr(n)):
        r.top_items(n)
    r.release()


# --- splitting at random


def test_a_split_is_of_the_sizes_asked_for_and_loses_nothing() -> None:
    r = mllib_py.ratings(DATA)
    parts = r.split([0.8, 0.1, 0.1], seed=3)
    sizes = [p.n_ratings for p in parts]
    assert sum(sizes) == N
    for size, share in zip(sizes, (0.8, 0.1, 0.1), strict=True):
        # Five standard deviations of a binomial draw.
        assert abs(size - share * N) < 5 * np.sqrt(N * share * (1 - share))
    assert sum(p.mean * p.n_ratings for p in parts) == pytest.approx(r.mean * N)
    r.release()


def test_parts_are_disjoint_and_together_the_whole() -> None:
    r = mllib_py.ratings(DATA)
    found = [members(p) for p in r.split([3, 1], seed=1)]
    assert not found[0] & found[1]
    assert found[0] | found[1] == set(zip(DATA.users.tolist(), DATA.items.tolist(), strict=True))
    r.release()


def test_a_split_does_not_depend_on_order_or_partitions(spark: Any) -> None:
    one = mllib_py.ratings(DATA)
    other = mllib_py.ratings(spark.createDataFrame(DATA.shuffled(1).frame()).repartition(5))
    for a, b in zip(one.split([1, 1], seed=5), other.split([1, 1], seed=5), strict=True):
        assert members(a) == members(b)
    one.release()
    other.release()


def test_the_seed_decides_and_weights_are_relative() -> None:
    r = mllib_py.ratings(DATA)
    first, again, scaled, other = (
        r.split(weights, seed=seed)[0]
        for weights, seed in (([0.5, 0.5], 1), ([0.5, 0.5], 1), ([7, 7], 1), ([0.5, 0.5], 2))
    )
    assert members(first) == members(again) == members(scaled)
    assert members(first) != members(other)
    r.release()


def test_a_part_is_fitted_as_its_ratings_alone() -> None:
    r = mllib_py.ratings(DATA)
    part = r.split([1, 1])[1]
    own = members(part)
    keep = [pair in own for pair in zip(DATA.users.tolist(), DATA.items.tolist(), strict=True)]
    alone = ALS(rank=2, max_iter=1).fit(Small(*(column[keep] for column in DATA)))
    assert np.array_equal(ALS(rank=2, max_iter=1).fit(part).item_factors_, alone.item_factors_)
    r.release()


def test_a_part_keeps_its_whole(spark: Any) -> None:
    parts = mllib_py.ratings(spark.createDataFrame(FRAME)).split([1, 1])
    gc.collect()
    assert sum(p.n_ratings for p in parts) == N


@pytest.mark.parametrize(
    "weights", [[], [0, 1], [-1, 2], [float("nan"), 1], [float("inf"), 1]], ids=str
)
def test_weights_that_are_none(weights: list[float]) -> None:
    r = mllib_py.ratings(DATA)
    with refused(ValueError, "weight above 0"):
        r.split(weights)
    r.release()


# --- splitting by time


@pytest.mark.parametrize("holder", ["pandas", "Spark"])
def test_a_split_by_time_puts_the_earliest_first(holder: str, spark: Any) -> None:
    table = FRAME.assign(timestamp=np.random.default_rng(0).permutation(N) - 100)
    given = table if holder == "pandas" else spark.createDataFrame(table).repartition(3)
    r = mllib_py.ratings(given)
    parts = r.split([0.8, 0.1, 0.1], by="time")
    order = table.sort_values("timestamp")
    cuts = [0, round(0.8 * N), round(0.9 * N), N]
    for part, start, end in zip(parts, cuts[:-1], cuts[1:], strict=True):
        expected = order[start:end]
        assert part.n_ratings == len(expected)
        assert members(part) == set(zip(expected["user"], expected["item"], strict=True))
    r.release()


def test_a_split_by_time_loses_nothing_where_all_times_are_one() -> None:
    r = mllib_py.ratings(FRAME.assign(timestamp=7))
    sizes = [p.n_ratings for p in r.split([1, 1], by="time")]
    assert sizes == [round(N / 2), N - round(N / 2)]
    r.release()


@pytest.mark.parametrize("holder", ["pandas", "Spark"])
def test_dates_are_times(holder: str, spark: Any) -> None:
    dates = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.arange(N)[::-1], unit="h")
    table = FRAME.assign(timestamp=dates)
    r = mllib_py.ratings(table if holder == "pandas" else spark.createDataFrame(table))
    first, _ = r.split([0.5, 0.5], by="time")
    late = FRAME[N - round(N / 2) :]
    assert members(first) == set(zip(late["user"], late["item"], strict=True))
    r.release()


def test_a_union_with_something_else() -> None:
    r = mllib_py.ratings(DATA)
    with refused(TypeError, "union takes Ratings, not DataFrame"):
        r.union(FRAME)  # type: ignore[arg-type]
    r.release()


@pytest.mark.parametrize("seed", [1.7, None, "a", 2**63], ids=str)
def test_seeds_that_are_none(seed: Any) -> None:
    r = mllib_py.ratings(DATA)
    with refused(ValueError, "seed must be an integer of 64 bits"):
        r.split([1, 1], seed=seed)
    r.release()


def test_a_split_in_one_number() -> None:
    r = mllib_py.ratings(DATA)
    with refused(TypeError, "a weight for each part", "0.9"):
        r.split(0.9)  # type: ignore[arg-type]
    r.release()


def test_a_split_by_time_without_times() -> None:
    r = mllib_py.ratings(DATA)
    with refused(ValueError, "there are no timestamps to split by"):
        r.split([1, 1], by="time")
    with refused(ValueError, "by must be 'random', 'time' or 'user', not 'date'"):
        r.split([1, 1], by="date")
    r.release()


# --- splitting each user's ratings


def test_the_last_ratings_of_each_user_are_split_off(spark: Any) -> None:
    draw = np.random.default_rng(4)
    table = FRAME.assign(timestamp=draw.integers(0, 5, N))
    single = pd.DataFrame([{"user": 1000, "item": 2, "rating": 1, "timestamp": 3}])
    table = pd.concat([table, single], ignore_index=True)
    sizes = table.groupby("user")["item"].transform("size")
    for k in (1, 2):
        order = table[sizes > k].sort_values(["timestamp", "item"])
        expected = order.groupby("user").tail(k)
        shuffled = spark.createDataFrame(table.sample(frac=1, random_state=k)).repartition(5)
        for given in (table, shuffled):
            r = mllib_py.ratings(given)
            train, test = r.leave_last(np.int64(k))
            assert members(test) == pairs(expected)
            assert members(train) == pairs(table) - pairs(expected)
            assert (train.n_ratings, test.n_ratings) == (len(table) - len(expected), len(expected))
            assert train.has_timestamps
            r.release()
    assert 1000 not in set(expected["user"])


def test_the_last_ratings_need_times() -> None:
    r = mllib_py.ratings(DATA)
    with refused(ValueError, "there are no timestamps to tell which ratings are last"):
        r.leave_last()
    with refused(ValueError, "by must be 'time', not 'size'"):
        r.leave_last(by="size")
    for k in (0, 1.5, True, "1"):
        with refused(ValueError, "k must be an integer of at least 1", repr(k)):
            r.leave_last(k)  # type: ignore[arg-type]
    r.release()


def test_each_users_ratings_are_split_in_rounded_shares(spark: Any) -> None:
    one = mllib_py.ratings(DATA)
    other = mllib_py.ratings(spark.createDataFrame(DATA.shuffled(1).frame()).repartition(5))
    found = [members(p) for p in one.split([0.7, 0.2, 0.1], seed=3, by="user")]
    assert [members(p) for p in other.split([7, 2, 1], seed=3, by="user")] == found
    assert [members(p) for p in one.split([7, 2, 1], seed=4, by="user")] != found
    assert sum(map(len, found)) == N
    assert set().union(*found) == pairs(FRAME)
    for user, own in FRAME.groupby("user"):
        cuts = np.floor(np.array([0, 0.7, 0.9, 1]) * len(own) + 0.5)
        assert [sum(u == user for u, _ in part) for part in found] == np.diff(cuts).tolist()
    one.release()
    other.release()


def test_folds_are_disjoint_and_together_everything(spark: Any) -> None:
    one = mllib_py.ratings(DATA)
    other = mllib_py.ratings(spark.createDataFrame(DATA.shuffled(1).frame()).repartition(5))
    folds = [members(test) for _, test in one.kfold(3, seed=2)]
    assert sum(map(len, folds)) == N
    assert set().union(*folds) == pairs(FRAME)
    for (train, _), fold in zip(other.kfold(3, seed=2), folds, strict=True):
        assert members(train) == pairs(FRAME) - fold
        assert abs(len(fold) - N / 3) < 5 * np.sqrt(N * 2 / 9)
    assert len(one.kfold()) == 5
    for n in (1, 2.5, None):
        with refused(ValueError, "n must be an integer of at least 2", repr(n)):
            one.kfold(n)  # type: ignore[arg-type]
    with refused(ValueError, "seed must be an integer of 64 bits"):
        one.kfold(3, seed=0.5)  # type: ignore[arg-type]
    one.release()
    other.release()


# --- joining


def test_a_union_has_both() -> None:
    a, b = mllib_py.ratings(FRAME[:100]), mllib_py.ratings(FRAME[100:])
    both = a.union(b)
    assert (both.n_ratings, both.n_users, both.n_items) == (N, 60, 40)
    whole = ALS(rank=2, max_iter=1).fit(DATA)
    assert np.array_equal(ALS(rank=2, max_iter=1).fit(both).user_factors_, whole.user_factors_)
    a.release()
    b.release()


def test_a_union_of_texts_knows_the_names_of_both() -> None:
    a = mllib_py.ratings((["x", "y"], ["p", "q"], [1.0, 2.0]))
    b = mllib_py.ratings((["z"], ["p"], [3.0]))
    als = ALS(rank=1, max_iter=1).fit(a.union(b))
    assert als.user_ids_.tolist() == ["x", "y", "z"]
    a.release()
    b.release()


def test_a_union_is_timed_where_both_are() -> None:
    timed, plain = mllib_py.ratings(FRAME.assign(timestamp=1)), mllib_py.ratings(FRAME)
    assert timed.union(timed).has_timestamps
    assert not timed.union(plain).has_timestamps
    assert timed.union(plain).n_ratings == 2 * N
    timed.release()
    plain.release()


def test_a_union_of_integers_and_texts_is_refused() -> None:
    a, b = mllib_py.ratings(DATA), mllib_py.ratings(FRAME.astype({"user": str}))
    with refused(TypeError, "ids are integers in one data set and texts in the other"):
        a.union(b)
    a.release()
    b.release()


def test_a_union_checks_both() -> None:
    a, b = mllib_py.ratings(DATA), mllib_py.ratings(([1], [1], [float("nan")]))
    with refused(ValueError, "NaN"):
        _ = a.union(b).n_ratings
    a.release()
    b.release()


# --- letting go


def test_what_is_kept_is_released(spark: Any) -> None:
    before = spark._jsc.getPersistentRDDs().size()
    r = mllib_py.ratings(spark.createDataFrame(FRAME))
    assert r.n_ratings == N
    assert spark._jsc.getPersistentRDDs().size() == before + 1
    r.release()
    r.release()
    assert spark._jsc.getPersistentRDDs().size() == before


def test_what_is_forgotten_is_released(spark: Any) -> None:
    before = spark._jsc.getPersistentRDDs().size()
    r = mllib_py.ratings(spark.createDataFrame(FRAME.astype({"item": str})))
    assert r.n_ratings == N
    del r
    gc.collect()
    _bridge.call("check", "{}")  # any call: a finalizer itself must make none
    assert spark._jsc.getPersistentRDDs().size() == before


def test_what_was_released_says_so() -> None:
    r = mllib_py.ratings(DATA)
    r.release()
    with pytest.raises((ValueError, MLlibError), match="released"):
        _ = r.n_ratings


def test_timestamps_of_another_kind_are_left_out() -> None:
    for times in ("2020-01-01", 1.5):
        with pytest.warns(UserWarning, match="column 'timestamp' holds"):
            r = mllib_py.ratings(FRAME.assign(timestamp=times))
        assert not r.has_timestamps
        r.release()


def test_a_null_among_the_timestamps_is_refused() -> None:
    times = pd.array([None, *range(1, N)], dtype="Int64")
    with refused(ValueError, "column 'timestamp'", "1 null"):
        mllib_py.ratings(FRAME.assign(timestamp=times))
