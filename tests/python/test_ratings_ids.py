"""Ids: 64-bit integers and texts of every kind, kept as they are."""

from __future__ import annotations

import csv
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.refusal import refused
from support.small import stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

DATA = stars(n_users=6, n_items=5)
USER, USER_OF = np.unique(DATA.users, return_inverse=True)
ITEM, ITEM_OF = np.unique(DATA.items, return_inverse=True)

EXTREME = [-(2**63), -1, 0, 1, 2**53 + 1, 2**63 - 1]
TEXTS = ["", " ", "é", "日本", "\U0001f3ac", "\uffff"]
HARD = ["a, b", 'say "x"', "l'île", "a::b", "tab\tbed", "back\\slash"]
UUIDS = [uuid.UUID(int=7**i) for i in range(1, 7)]


def fit(ratings: Any) -> ALS:
    return ALS(rank=2, max_iter=2).fit(ratings)


def named(users: Any, items: Any = ITEM) -> tuple[Any, Any, Any]:
    """The small ratings with other ids, as Python's own objects."""
    return (
        [users[u] for u in USER_OF],
        [items[i] for i in ITEM_OF],
        DATA.values.tolist(),
    )


def frame(users: Any, items: Any = ITEM) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(("user", "item", "rating"), named(users, items), strict=True)))


def is_same(a: ALS, b: ALS) -> bool:
    return (
        a.user_ids_.tolist() == b.user_ids_.tolist()
        and a.item_ids_.tolist() == b.item_ids_.tolist()
        and np.array_equal(a.user_factors_, b.user_factors_)
        and np.array_equal(a.item_factors_, b.item_factors_)
    )


@pytest.mark.parametrize("ids", [EXTREME, TEXTS, HARD], ids=["extreme", "texts", "hard"])
def test_ids_come_back_in_order_and_each_with_its_own_row(ids: list[Any]) -> None:
    als = fit(named(ids))
    assert als.user_ids_.tolist() == sorted(ids)
    assert als.user_ids_.dtype == (np.int64 if isinstance(ids[0], int) else object)
    expected = als.user_factors_ @ als.item_factors_.T
    found = als.predict(np.repeat(np.array(sorted(ids), object), 5), np.tile(ITEM, 6))
    np.testing.assert_allclose(found.reshape(6, 5), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ids", [EXTREME, HARD], ids=["extreme", "hard"])
def test_ids_are_the_same_through_all_containers(ids: list[Any], spark: Any) -> None:
    expected = fit(named(ids, TEXTS))
    table = frame(ids, TEXTS)
    rows = list(table.itertuples(index=False, name=None))
    for given in (
        table,
        pa.Table.from_pandas(table),
        spark.createDataFrame(table),
        spark.sparkContext.parallelize(rows, 3),
    ):
        assert is_same(fit(given), expected), type(given)


@pytest.mark.parametrize("ids", [EXTREME, ["x", *HARD[:4], "y"]], ids=["extreme", "hard"])
def test_ids_are_the_same_through_files(ids: list[Any], tmp_path: Path) -> None:
    expected = fit(named(ids))
    table = frame(ids)
    table.to_csv(tmp_path / "r.csv", index=False, quoting=csv.QUOTE_MINIMAL)
    table.to_csv(tmp_path / "bare.csv", index=False, header=False)
    table.to_parquet(tmp_path / "r.parquet")
    for name in ("r.csv", "bare.csv", "r.parquet"):
        assert is_same(fit(tmp_path / name), expected), name


def test_uuids_are_their_texts(spark: Any) -> None:
    expected = fit(named([str(u) for u in UUIDS]))
    assert expected.user_ids_.tolist() == sorted(map(str, UUIDS))
    table = frame(UUIDS)
    rows = list(zip(*named(UUIDS), strict=True))
    users, items, values = named(UUIDS)
    objects = np.array(users, dtype=object)
    stored = pa.array([u.bytes for u in users], pa.uuid())
    for given in (
        named(UUIDS),
        (objects, items, values),
        table,
        table.astype({"user": "category"}),
        pa.table({"user": stored, "item": items, "rating": values}),
        spark.sparkContext.parallelize(rows, 2),
    ):
        assert is_same(fit(given), expected), type(given)


@pytest.fixture(scope="module")
def keyed(spark: Any) -> ALS:
    """A model whose users and items are UUIDs."""
    return fit(named(UUIDS, UUIDS[:5]))


TEXT_OF = dict(zip(UUIDS, map(str, UUIDS), strict=True))


@pytest.mark.parametrize(
    "ask",
    [
        lambda als, u: als.recommend(u, k=2, exclude_seen=False),
        lambda als, u: als.recommend(u[0], k=2, exclude_seen=False),
        lambda als, u: als.recommend(u, k=3, exclude_seen=False, allow=u[:3], deny=u[1:2]),
        lambda als, u: als.recommend_users(u[:2], k=2, exclude_seen=False, deny=u[:1]),
        lambda als, u: als.similar_items(u[:2], k=2, allow=u[:4]),
        lambda als, u: als.similar_users(u, k=2, deny=u[:1]),
    ],
)
def test_uuids_are_asked_for_and_answered_as_texts(ask: Any, keyed: ALS) -> None:
    found = ask(keyed, UUIDS)
    pd.testing.assert_frame_equal(found, ask(keyed, [TEXT_OF[u] for u in UUIDS]))
    assert len(found)


def test_uuids_are_predicted_scored_and_folded_in(keyed: ALS) -> None:
    users, items, values = named(UUIDS, UUIDS[:5])
    texts = [str(u) for u in users], [str(i) for i in items]
    assert np.array_equal(keyed.predict(users, items), keyed.predict(*texts))
    assert np.array_equal(keyed.predict(pd.Series(users), items), keyed.predict(*texts))
    assert keyed.score((users, items, values)) == keyed.score((*texts, values))
    new = keyed.fold_in(([uuid.UUID(int=9)], items[:1], [4.0]))
    assert new.user_ids_.tolist() == [str(uuid.UUID(int=9))]
    r = mllib_py.ratings((items, users, values))
    assert {i for i, _ in r.top_items(9)} == set(map(str, UUIDS))
    assert r.union(mllib_py.ratings((["x"], ["y"], [1.0]))).n_items == 7
    r.release()


def test_deviations_of_uuids_and_of_pairs_that_are_all_unknown() -> None:
    ratings = ([*UUIDS], [1, 2, 3] * 2, [1.0, 2.0, 3.0, 4.0, 5.0, 1.0])
    als = ALS(method="gibbs", rank=1, n_samples=3, burn_in=1, thin=1).fit(ratings)
    _, std = als.predict(UUIDS, [1] * 6, return_std=True)
    assert np.array_equal(std, als.predict(list(map(str, UUIDS)), [1] * 6, return_std=True)[1])
    assert (std > 0).all()
    _, unknown = als.predict([uuid.UUID(int=5)], [1], return_std=True)
    assert np.isnan(unknown).all()


def test_uuids_beside_integers_are_a_mixture(keyed: ALS, spark: Any) -> None:
    mixed = [UUIDS[0], 3]
    columns = {"user": mixed, "item": [1, 2], "rating": [1.0, 2.0]}
    for given in (tuple(columns.values()), pd.DataFrame(columns)):
        with refused(TypeError, "'user'", "UUIDs are texts", "not a mixture"):
            mllib_py.ratings(given)
    rdd = spark.sparkContext.parallelize([(u, 1, 2.0) for u in mixed], 1)
    with refused(ValueError, "the user of (3, 1, 2.0) is not a text like that of the first row"):
        fit(rdd)
    for ask in (keyed.recommend, lambda ids: keyed.predict(ids, UUIDS[:2])):
        with refused(TypeError, "users must be integer or text ids, not a mixture"):
            ask(mixed)
    with refused(TypeError, "users must be integer ids"):
        fit(named(USER)).predict(UUIDS[:1], ITEM[:1])
    with refused(TypeError, "users must be text ids"):
        keyed.predict([3], UUIDS[:1])


@pytest.mark.parametrize("dtype", ["string", "category", "string[pyarrow]", "object"])
def test_pandas_kinds_of_text_are_one(dtype: str) -> None:
    assert is_same(fit(frame(HARD).astype({"user": dtype})), fit(named(HARD)))


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "category", "object"])
def test_pandas_kinds_of_integers_are_one(dtype: str) -> None:
    table = frame(EXTREME)
    assert is_same(fit(table.assign(user=table["user"].astype(dtype))), fit(named(EXTREME)))


def test_arrow_kinds_of_text_are_one() -> None:
    users, items, values = named(HARD)
    expected = fit(named(HARD))
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        array = pa.array(users).cast(kind)
        table = pa.table({"user": array, "item": items, "rating": values})
        assert is_same(fit(table), expected), kind


def test_ids_that_are_asked_for_may_be_of_any_kind() -> None:
    als = fit(tuple(DATA))
    expected = als.predict(USER, np.repeat(ITEM[0], 6))
    items = np.repeat(ITEM[0], 6)
    for users in (
        USER.tolist(),
        USER.astype(np.uint8),
        USER.astype(object),
        pd.Series(USER, dtype="Int64"),
        pd.Series(USER, dtype="int64[pyarrow]"),
        pd.Index(USER),
    ):
        assert np.array_equal(als.predict(users, items), expected), type(users)
    texts = fit(named(HARD))
    expected = texts.predict(HARD, items)
    for names in (
        np.array(HARD),
        pd.Series(HARD, dtype="string"),
        pd.Series(HARD, dtype="string[pyarrow]"),
        pd.Series(HARD, dtype="category"),
    ):
        assert np.array_equal(texts.predict(names, items), expected), type(names)


def test_a_text_that_looks_like_a_number_is_a_text() -> None:
    als = fit(named([str(i) for i in EXTREME]))
    assert als.user_ids_.tolist() == sorted(map(str, EXTREME))
    assert np.isfinite(als.predict(["1"], [2])[0])
    with refused(TypeError, "users must be text ids"):
        als.predict([1], [2])
    with refused(TypeError, "items must be integer ids"):
        als.predict(["1"], ["2"])
    with refused(TypeError, "users must be text ids"):
        als.recommend([1])


def test_ids_beyond_64_bits_are_refused() -> None:
    for ids in ([2**63, 1], [2**64, 1], [-(2**63) - 1, 1]):
        for container in (
            tuple,
            lambda columns: pd.DataFrame(dict(zip("uir", columns, strict=True))),
        ):
            with refused(ValueError, "'u'", "64 bits"):
                mllib_py.ratings(
                    container((ids, [1, 2], [1.0, 2.0])), user_col="u", item_col="i", rating_col="r"
                )


def test_ids_beyond_64_bits_in_an_rdd_are_refused(spark: Any) -> None:
    rows = spark.sparkContext.parallelize([(1, 2, 3.0), (2**63, 2, 3.0)], 1)
    with refused(ValueError, "the RDD", "64 bits"):
        ALS().fit(rows)


@pytest.mark.parametrize("user", [np.uint64(2**63), 2**64])
def test_asking_for_ids_beyond_64_bits_is_refused(user: Any) -> None:
    als = fit(named(EXTREME))
    with refused(ValueError, "users", "64 bits"):
        als.predict([user], [2])
