"""Metrics of rankings: by hand, by laws, by other implementations, and on Spark."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from mllib_py import metrics

Lists = list[list[int]]
Grades = list[dict[int, float]]

N_ITEMS = 12
SINGLE = {
    "precision_at_k": metrics.precision_at_k,
    "recall_at_k": metrics.recall_at_k,
    "average_precision_at_k": metrics.average_precision_at_k,
    "ndcg_at_k": metrics.ndcg_at_k,
    "reciprocal_rank": metrics.reciprocal_rank,
    "hit_rate_at_k": metrics.hit_rate_at_k,
}
HYPOTHESIS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "derandomize": True,
    "max_examples": 60,
}

ITEMS = st.lists(st.integers(0, N_ITEMS - 1), unique=True, max_size=N_ITEMS)
GRADES = st.dictionaries(
    st.integers(0, N_ITEMS - 1), st.sampled_from([0.0, 0.5, 1.0, 3.0]), max_size=N_ITEMS - 1
)
CASES = st.lists(st.tuples(ITEMS, GRADES), min_size=1, max_size=6).filter(
    lambda case: any(g > 0 for _, grades in case for g in grades.values())
)


def tables(lists: Lists, grades: Grades) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same as tables; users' and items' ids have gaps."""
    rows = [
        (7 * u, 3 * i, 1.0 / (j + 1), j + 1) for u, r in enumerate(lists) for j, i in enumerate(r)
    ]
    recommended = pd.DataFrame(rows, columns=["user", "item", "score", "rank"])
    judged = [(7 * u, 3 * i, g) for u, r in enumerate(grades) for i, g in r.items()]
    relevant = pd.DataFrame(judged, columns=["user", "item", "rating"])
    whole = {"user": "int64", "item": "int64"}
    return recommended.astype(whole), relevant.astype(whole)


def naive(
    lists: Lists, grades: Grades, k: int, n_items: int, exponential: bool = False
) -> dict[str, float]:
    """One user after another, as the definitions are written."""
    by_user: list[dict[str, float]] = []
    for ranked, judged in zip(lists, grades, strict=True):
        gains = {i: 2**g - 1 if exponential else g for i, g in judged.items() if g > 0}
        if not gains:
            continue
        top = ranked[:k]
        if not top:
            by_user.append(dict.fromkeys([*SINGLE, "auc_at_k"], 0.0))
            continue
        hit = [i in gains for i in top]
        at = [j for j, h in enumerate(hit) if h]
        best = sorted(gains.values(), reverse=True)[:k]
        others = [i for i in range(n_items) if i not in top]
        pairs = 0.0
        for a in gains:
            for b in range(n_items):
                if b in gains:
                    continue
                if a in others and b in others:
                    pairs += 0.5
                elif b in others or (a in top and top.index(a) < top.index(b)):
                    pairs += 1
        by_user.append(
            {
                "precision_at_k": sum(hit) / k,
                "recall_at_k": sum(hit) / len(gains),
                "average_precision_at_k": sum(sum(hit[: j + 1]) / (j + 1) for j in at)
                / min(k, len(gains)),
                "ndcg_at_k": sum(gains.get(i, 0) / math.log2(j + 2) for j, i in enumerate(top))
                / sum(g / math.log2(j + 2) for j, g in enumerate(best)),
                "reciprocal_rank": 1 / (at[0] + 1) if at else 0.0,
                "hit_rate_at_k": float(any(hit)),
                "auc_at_k": pairs / (len(gains) * (n_items - len(gains))),
            }
        )
    means = {name: float(np.mean([u[name] for u in by_user])) for name in by_user[0]}
    listed = {i for ranked in lists for i in ranked[:k]}
    return means | {"n_users": len(by_user), "coverage": len(listed) / n_items}


# --- by hand


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("precision_at_k", [2 / 3, 1 / 3]),
        ("recall_at_k", [1.0, 1 / 4]),
        ("average_precision_at_k", [(1 + 2 / 3) / 2, (1 / 2) / 3]),
        ("reciprocal_rank", [1.0, 1 / 2]),
        ("hit_rate_at_k", [1.0, 1.0]),
        ("ndcg_at_k", [1.5 / (1 + 1 / math.log2(3)), 1 / math.log2(3) / (1.5 + 1 / math.log2(3))]),
    ],
)
def test_a_small_case_by_hand(name: str, expected: list[float]) -> None:
    lists = [[1, 2, 3], [4, 5, 6]]
    relevant = [[1, 3], [5, 7, 8, 9]]
    for user in (0, 1):
        found = SINGLE[name]([lists[user]], [relevant[user]], k=3)
        assert found == pytest.approx(expected[user], abs=1e-15)
    assert SINGLE[name](lists, relevant, k=3) == pytest.approx(np.mean(expected), abs=1e-15)


def test_graded_gains_by_hand() -> None:
    found = metrics.ndcg_at_k([[1, 2]], [{1: 1.0, 2: 3.0, 3: 2.0}], k=2)
    ideal = 3 + 2 / math.log2(3)
    assert found == pytest.approx((1 + 3 / math.log2(3)) / ideal)
    found = metrics.ndcg_at_k([[1, 2]], [{1: 1.0, 2: 3.0, 3: 2.0}], k=2, exponential=True)
    assert found == pytest.approx((1 + 7 / math.log2(3)) / (7 + 3 / math.log2(3)))


def test_auc_by_hand() -> None:
    # 1 is before all three; of 9's pairs, one is lost to 2 and two are even.
    assert metrics.auc_at_k([[1, 2]], [[1, 9]], k=2, n_items=5) == (3 + 1) / 6


def test_novelty_by_hand() -> None:
    train = [[1], [1, 2], [1, 3], [1, 3]]
    # 0, 2 and 1 bits; what repeats in a table counts once.
    assert metrics.novelty([[1, 2], [3], []], train) == (2 / 2 + 1) / 2
    known = pd.DataFrame({"user": [1, 2, 2, 2, 3], "item": ["a", "a", "b", "b", "a"]})
    listed = pd.DataFrame({"user": [9], "item": ["b"], "rank": [1]})
    assert metrics.novelty(listed, known) == pytest.approx(math.log2(3))


def test_novelty_of_nothing_is_nan() -> None:
    assert math.isnan(metrics.novelty([[], []], [[1]]))


def test_users_without_recommendations_count_as_0_and_without_relevant_items_not() -> None:
    found = metrics.ranking_metrics([[1], [], [1]], [[1], [1], []], k=1, n_items=4)
    assert found.pop("n_users") == 2
    assert found.pop("coverage") == 0.25
    assert set(found.values()) == {0.5}


def test_items_of_gain_0_are_not_relevant() -> None:
    relevant = pd.DataFrame({"user": [1, 1, 2], "item": [10, 20, 10], "rating": [0.0, 2.0, 0.0]})
    recommended = pd.DataFrame({"user": [1, 2], "item": [10, 10], "rank": [1, 1]})
    found = metrics.ranking_metrics(recommended, relevant, k=1, gain_col="rating")
    assert found["n_users"] == 1
    assert found["precision_at_k"] == 0
    assert metrics.precision_at_k(recommended, relevant, k=1) == 1


def test_the_order_is_the_ranks_else_the_scores_and_ties_go_by_item() -> None:
    frame = pd.DataFrame({"user": [1, 1], "item": ["b", "a"], "score": [1.0, 1.0], "rank": [1, 2]})
    relevant = pd.DataFrame({"user": [1], "item": ["a"]})
    assert metrics.reciprocal_rank(frame, relevant) == 0.5
    assert metrics.reciprocal_rank(frame.drop(columns="rank"), relevant) == 1
    frame["score"] = [2.0, 1.0]
    assert metrics.reciprocal_rank(frame.drop(columns="rank"), relevant) == 0.5


def test_names_of_columns_and_ids_of_text() -> None:
    frame = pd.DataFrame({"reader": ["x", "y"], "book": ["b", "a"], "rank": [1, 1]})
    relevant = pd.DataFrame({"reader": ["y", "z"], "book": ["a", "a"]})
    found = metrics.precision_at_k(frame, relevant, k=1, user_col="reader", item_col="book")
    assert found == 0.5


def test_train_gives_the_size_of_the_catalogue() -> None:
    found = metrics.ranking_metrics([[1]], [[2]], k=1, train=[[1, 2], [3, 4]])
    assert found["coverage"] == 0.25
    assert found["novelty"] == 1
    assert found["auc_at_k"] == metrics.auc_at_k([[1]], [[2]], k=1, n_items=4)


def test_a_2d_array_is_a_list_of_lists() -> None:
    lists = np.array([[1, 2], [3, 4]])
    assert metrics.precision_at_k(lists, [{2}, {5}], k=2) == 0.25


# --- laws


@settings(**HYPOTHESIS)
@given(case=CASES, k=st.integers(1, N_ITEMS + 2), exponential=st.booleans())
def test_as_a_loop_over_users_says(
    case: list[tuple[list[int], dict[int, float]]], k: int, exponential: bool
) -> None:
    lists, grades = [c[0] for c in case], [c[1] for c in case]
    expected = naive(lists, grades, k, N_ITEMS, exponential)
    options: dict[str, Any] = {"k": k, "n_items": N_ITEMS, "exponential": exponential}
    by_list = metrics.ranking_metrics(lists, grades, **options)
    assert by_list == pytest.approx(expected, abs=1e-12)
    recommended, relevant = tables(lists, grades)
    by_table = metrics.ranking_metrics(recommended, relevant, gain_col="rating", **options)
    assert by_table == pytest.approx(expected, abs=1e-12)


@settings(**HYPOTHESIS)
@given(case=CASES, k=st.integers(1, N_ITEMS), seed=st.integers(0, 99))
def test_bounds_and_the_order_of_rows(
    case: list[tuple[list[int], dict[int, float]]], k: int, seed: int
) -> None:
    recommended, relevant = tables([c[0] for c in case], [c[1] for c in case])
    options: dict[str, Any] = {"k": k, "n_items": N_ITEMS, "gain_col": "rating"}
    found = metrics.ranking_metrics(recommended, relevant, **options)
    n_users = found.pop("n_users")
    assert 0 < n_users <= len(case)
    assert all(0 <= value <= 1 + 1e-12 for value in found.values())
    shuffled = (t.sample(frac=1, random_state=seed) for t in (recommended, relevant))
    again = metrics.ranking_metrics(*shuffled, **options)
    again.pop("n_users")
    assert again == pytest.approx(found, abs=1e-12)


@settings(**HYPOTHESIS)
@given(case=CASES, k=st.integers(1, N_ITEMS))
def test_the_best_list_has_1(case: list[tuple[list[int], dict[int, float]]], k: int) -> None:
    grades = [c[1] for c in case]
    lists = [sorted((i for i in g if g[i] > 0), key=lambda i: (-g[i], i)) for g in grades]
    found = metrics.ranking_metrics(lists, grades, k=k, n_items=N_ITEMS)
    names = ["average_precision_at_k", "ndcg_at_k", "reciprocal_rank", "hit_rate_at_k"]
    most = max(map(len, lists))
    names += ["recall_at_k", "auc_at_k"] if most <= k else []
    names += ["precision_at_k"] if min(filter(None, map(len, lists))) >= k else []
    assert {name: found[name] for name in names} == pytest.approx(dict.fromkeys(names, 1.0))


# --- other implementations


def test_as_scikit_learn_says_of_whole_rankings() -> None:
    draw = np.random.default_rng(0)
    scores = draw.random((20, 30))
    grades = draw.integers(0, 4, (20, 30)).astype(float)
    users, items = np.indices(scores.shape).reshape(2, -1)
    recommended = pd.DataFrame({"user": users, "item": items, "score": scores.ravel()})
    relevant = pd.DataFrame({"user": users, "item": items, "rating": grades.ravel()})
    whole: dict[str, Any] = {"k": 30, "gain_col": "rating"}
    pairs = list(zip(grades > 0, scores, strict=True))
    assert metrics.average_precision_at_k(recommended, relevant, **whole) == pytest.approx(
        np.mean([average_precision_score(hit, s) for hit, s in pairs])
    )
    assert metrics.auc_at_k(recommended, relevant, n_items=30, **whole) == pytest.approx(
        np.mean([roc_auc_score(hit, s) for hit, s in pairs])
    )
    for k in (1, 5, 30):
        found = metrics.ndcg_at_k(recommended, relevant, k, gain_col="rating")
        assert found == pytest.approx(ndcg_score(grades, scores, k=k))
        found = metrics.ndcg_at_k(recommended, relevant, k, gain_col="rating", exponential=True)
        assert found == pytest.approx(ndcg_score(2**grades - 1, scores, k=k))


# --- Spark


def random_tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Lists with ties, users that only one table has, grades, and what was known before."""
    draw = np.random.default_rng(seed)
    users, items = np.nonzero(draw.random((60, 40)) < 0.3)
    recommended = pd.DataFrame(
        {"user": users, "item": items, "score": draw.integers(-3, 4, len(users)) / 2}
    )
    users, items = np.nonzero(draw.random((50, 45)) < 0.1)
    relevant = pd.DataFrame(
        {"user": users + 15, "item": items, "rating": draw.integers(0, 4, len(users)) / 1.0}
    )
    train = pd.DataFrame({"user": draw.integers(0, 99, 900), "item": np.arange(900) % 50})
    return recommended, relevant, train


@pytest.mark.parametrize(
    ("kind", "k", "options"),
    [("int64", 10, {"gain_col": "rating", "exponential": True}), ("object", 3, {})],
)
def test_spark_says_what_arrays_say(spark: Any, kind: str, k: int, options: dict[str, Any]) -> None:
    text = dict.fromkeys(("user", "item"), str if kind == "object" else kind)
    recommended, relevant, train = (t.astype(text) for t in random_tables(3))
    expected = metrics.ranking_metrics(recommended, relevant, k, train=train, **options)
    frames = [spark.createDataFrame(t) for t in (recommended, relevant, train)]
    found = metrics.ranking_metrics(*frames[:2], k, train=frames[2], **options)
    assert found == pytest.approx(expected, rel=1e-12)
    assert list(found) == list(expected)


def test_spark_with_ranks_and_other_names(spark: Any) -> None:
    recommended, relevant = tables([[1, 2, 3], [2], []], [{2: 1.0}, {5: 1.0}, {1: 1.0}])
    names = {"user": "a.user", "item": "an item"}
    frames = [spark.createDataFrame(t.rename(columns=names)) for t in (recommended, relevant)]
    found = metrics.reciprocal_rank(*frames, user_col="a.user", item_col="an item")
    assert found == metrics.reciprocal_rank(recommended, relevant) == pytest.approx(0.5 / 3)


def test_spark_where_nobody_who_counts_has_a_list(spark: Any) -> None:
    listed = spark.createDataFrame([(1, 10, 1)], "user long, item long, rank int")
    relevant = spark.createDataFrame([(2, 10)], "user long, item long")
    found = metrics.ranking_metrics(listed, relevant, n_items=5)
    assert found.pop("coverage") == 0.2
    assert found.pop("n_users") == 1
    assert set(found.values()) == {0.0}
    assert math.isnan(metrics.novelty(listed.limit(0), relevant))


# --- what is refused

GOOD = pd.DataFrame({"user": [1, 1], "item": [10, 20], "rank": [1, 2], "rating": [1.0, 2.0]})
BAD_TABLES: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
    ({"user": ["1", "1"]}, {}, TypeError, "column 'user' holds .* ids, but those of"),
    ({"item": [1.5, 2.5]}, {}, TypeError, "must hold integer or text ids"),
    ({"item": [10, 10]}, {}, ValueError, "recommended: user 1 has item 10 2 times; keep one"),
    ({}, {"item": [20, 20]}, ValueError, "relevant: user 1 has item 20 2 times; keep one"),
    ({"rank": [1.0, math.nan]}, {}, ValueError, "column 'rank' has 1 null values"),
    ({"rank": ["1", "2"]}, {}, TypeError, "column 'rank' must hold numbers"),
    ({}, {"rating": [1.0, -2.0]}, ValueError, "finite and at least 0, not -2.0 to 1.0"),
    ({}, {"rating": [1.0, math.inf]}, ValueError, "finite and at least 0"),
    ({}, {"rating": [0.0, 0.0]}, ValueError, "holds no relevant item"),
    ({}, {"rating": [1.0, 1001.0]}, ValueError, "beyond numbers for a gain of 1001.0"),
]


@pytest.mark.parametrize("on_spark", [False, True])
def test_malformed_tables_are_refused(request: pytest.FixtureRequest, on_spark: bool) -> None:
    make: Any = request.getfixturevalue("spark").createDataFrame if on_spark else lambda t: t
    for recommended, relevant, error, message in BAD_TABLES:
        tables = make(GOOD.assign(**recommended)), make(GOOD.assign(**relevant))
        with pytest.raises(error, match=message):
            metrics.ndcg_at_k(*tables, gain_col="rating", exponential=True)
    good = make(GOOD)
    with pytest.raises(ValueError, match="has no column 'stars'; name one of its columns with gai"):
        metrics.ndcg_at_k(good, good, gain_col="stars")
    with pytest.raises(ValueError, match="has no column 'who'; name one of its columns with user_"):
        metrics.ndcg_at_k(good, good, user_col="who")
    with pytest.raises(ValueError, match="neither a column 'rank' nor 'score'"):
        metrics.ndcg_at_k(make(GOOD[["user", "item"]]), good)
    nulls = make(GOOD.assign(user=["a", None]))
    with pytest.raises(ValueError, match="column 'user' has 1 null ids"):
        metrics.ndcg_at_k(nulls, good)
    with pytest.raises(ValueError, match="AUC needs at least 3"):
        metrics.auc_at_k(good, good, n_items=2)
    with pytest.raises(ValueError, match="n_items is 1, but 2 distinct items are recommended"):
        metrics.coverage(good, n_items=1)
    with pytest.raises(ValueError, match="1 recommendations are of items that are not in train"):
        metrics.novelty(good, make(GOOD[:1]))


@pytest.mark.parametrize(
    ("recommended", "relevant", "error", "message"),
    [
        ([[1]], [[1], [2]], ValueError, "a list for each user, not 1 and 2 lists"),
        ([1, 2], [[1], [2]], TypeError, "recommended must hold a list of items .* not int"),
        ([{1}], [[1]], TypeError, "not set"),
        (["ab"], [["a"]], TypeError, "not str"),
        ([[1, 1]], [[1]], ValueError, "user 0 has item 1 2 times"),
        ([[1, "a"]], [[1]], TypeError, "not a mixture"),
        ([[1]], [["a"]], TypeError, "column 'item' holds text ids"),
        ([[1], [2]], [{1: 1.0}, [2]], TypeError, "a dict of item to gain for each user, or"),
        ([[1]], [[]], ValueError, "no relevant item"),
        ([], [], ValueError, "no relevant item"),
        ([[1]], GOOD, TypeError, "must be of one kind, not a pandas DataFrame and lists"),
        ("nothing", [[1]], TypeError, "a list of lists, not str"),
        ([[1]], None, TypeError, "relevant must be .* not NoneType"),
    ],
)
def test_malformed_lists_are_refused(
    recommended: Any, relevant: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        metrics.ndcg_at_k(recommended, relevant)


def test_parameters_out_of_range_are_refused() -> None:
    for k in (0, 1.5, True):
        with pytest.raises(ValueError, match="k must be an integer of at least 1"):
            metrics.recall_at_k([[1]], [[1]], k=k)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n_items must be an integer of at least 1"):
        metrics.coverage([[1]], n_items=0)
    with pytest.raises(ValueError, match="gain_col names a column of a table"):
        metrics.recall_at_k([[1]], [{1: 1.0}], gain_col="rating")
