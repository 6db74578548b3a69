"""The same ratings through every container give the same factors, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from numpy.typing import NDArray
from support.small import Small, stars

import mllib_py
from mllib_py import ALS

DATA = stars()
FRAME = DATA.frame()


def sparse(kind: type[Any]) -> Any:
    shape = (DATA.users.max() + 1, DATA.items.max() + 1)
    return kind((DATA.values, (DATA.users, DATA.items)), shape=shape)


def fitted(ratings: Any, **columns: str) -> list[NDArray[Any]]:
    als = ALS(rank=3, max_iter=2, **columns).fit(ratings)
    return [als.user_ids_, als.item_ids_, als.user_factors_, als.item_factors_]


@pytest.fixture(scope="module")
def expected(spark: Any) -> list[NDArray[Any]]:
    return fitted(tuple(DATA))


def is_same(found: list[NDArray[Any]], expected: list[NDArray[Any]]) -> bool:
    return all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(found, expected, strict=True)
    )


def triples() -> list[tuple[int, int, float]]:
    return list(zip(*(column.tolist() for column in DATA), strict=True))


CONTAINERS: dict[str, Callable[[Any], Any]] = {
    "tuple of lists": lambda _: tuple(column.tolist() for column in DATA),
    "list of arrays": lambda _: list(DATA),
    "small types": lambda _: (
        DATA.users.astype(np.uint8),
        DATA.items.astype(np.int16),
        (2 * DATA.values).astype(np.int8) * np.float64(0.5),
    ),
    "every other element": lambda _: tuple(np.repeat(column, 2)[::2] for column in DATA),
    "Python integers as objects": lambda _: (DATA.users.astype(object), DATA.items, DATA.values),
    "three series": lambda _: tuple(FRAME[c] for c in FRAME),
    "pandas": lambda _: FRAME,
    "pandas, other order": lambda _: FRAME[["rating", "item", "user"]].sample(frac=1),
    "pandas, nullable": lambda _: FRAME.convert_dtypes(),
    "pandas, backed by Arrow": lambda _: FRAME.convert_dtypes(dtype_backend="pyarrow"),
    "pandas, categories of integers": lambda _: FRAME.astype({"user": "category"}),
    "Arrow": lambda _: pa.Table.from_pandas(FRAME),
    "Arrow, in chunks": lambda _: pa.concat_tables(
        [pa.Table.from_pandas(FRAME[:50]), pa.Table.from_pandas(FRAME[50:])]
    ),
    "Arrow, int32": lambda _: pa.table(
        {
            "user": pa.array(DATA.users, pa.int32()),
            "item": pa.array(DATA.items, pa.uint8()),
            "rating": pa.array(DATA.values, pa.float64()),
        }
    ),
    "CSR": lambda _: sparse(scipy.sparse.csr_matrix),
    "CSR array": lambda _: sparse(scipy.sparse.csr_array),
    "COO": lambda _: sparse(scipy.sparse.coo_matrix),
    "CSC": lambda _: sparse(scipy.sparse.csc_array),
    "Spark": lambda spark: spark.createDataFrame(FRAME),
    "Spark, cast": lambda spark: spark.createDataFrame(FRAME).selectExpr(
        "cast(user as int) user", "cast(item as short) item", "cast(rating as decimal(3, 1)) rating"
    ),
    "Spark, five partitions": lambda spark: spark.createDataFrame(FRAME).repartition(5),
    "RDD of tuples": lambda spark: spark.sparkContext.parallelize(triples(), 3),
    "RDD of lists": lambda spark: spark.sparkContext.parallelize([list(t) for t in triples()], 2),
    "RDD of rows": lambda spark: spark.createDataFrame(FRAME).rdd,
    "RDD of NumPy scalars": lambda spark: spark.sparkContext.parallelize(
        list(zip(DATA.users, DATA.items, DATA.values, strict=True)), 2
    ),
    "RDD with empty partitions": lambda spark: spark.sparkContext.parallelize(triples(), 2).union(
        spark.sparkContext.parallelize([], 2)
    ),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_gives_the_same_factors(
    container: str, spark: Any, expected: list[NDArray[Any]]
) -> None:
    assert is_same(fitted(CONTAINERS[container](spark)), expected)


def test_columns_are_found_by_their_names(spark: Any, expected: list[NDArray[Any]]) -> None:
    other = FRAME.rename(columns={"user": "who", "item": "a.b", "rating": "stars, given"})
    names = {"user_col": "who", "item_col": "a.b", "rating_col": "stars, given"}
    assert is_same(fitted(other, **names), expected)
    assert is_same(fitted(spark.createDataFrame(other), **names), expected)


def test_ratings_are_made_once_and_fitted_often(spark: Any, expected: list[NDArray[Any]]) -> None:
    r = mllib_py.ratings(spark.createDataFrame(FRAME))
    assert mllib_py.ratings(r) is r
    assert is_same(fitted(r), expected)
    assert is_same(fitted(r), expected)
    r.release()


def test_what_the_caller_holds_is_not_changed(spark: Any) -> None:
    copy = Small(*(column.copy() for column in DATA))
    frame = FRAME.copy()
    for given in (copy, frame):
        fitted(given)
    assert all(np.array_equal(a, b) for a, b in zip(copy, DATA, strict=True))
    pd.testing.assert_frame_equal(frame, FRAME)


def test_what_the_caller_cached_stays_cached(spark: Any) -> None:
    cached = spark.createDataFrame(FRAME).cache()
    fitted(cached)
    assert cached.storageLevel.useMemory
    cached.unpersist()


def test_zeros_that_a_sparse_matrix_stores_are_ratings(spark: Any) -> None:
    matrix = scipy.sparse.coo_array(([0.0, 2.0], ([0, 1], [0, 1])), shape=(2, 2))
    r = mllib_py.ratings(matrix)
    assert (r.n_ratings, r.mean) == (2, 1.0)
    r.release()
