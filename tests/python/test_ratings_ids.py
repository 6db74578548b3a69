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
    assert is_same(fit(named(UUIDS)), expected)
    assert is_same(fit(frame(UUIDS)), expected)
    rows = list(zip(*named(UUIDS), strict=True))
    als = fit(spark.sparkContext.parallelize(rows, 2))
    assert is_same(als, expected)
    assert np.array_equal(
        als.predict(UUIDS, [2] * 6), als.predict([str(u) for u in UUIDS], [2] * 6)
    )
    assert len(als.recommend(UUIDS[0], k=1, exclude_seen=False)) == 1


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
