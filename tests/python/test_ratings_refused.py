"""Ratings that cannot be used are refused where they enter, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from support.refusal import refused

import mllib_py
from mllib_py import ALS

GOOD = pd.DataFrame({"user": [1, 2, 2], "item": [7, 7, 8], "rating": [3.0, 4.0, 5.0]})


def rows(spark: Any, *given: Any, partitions: int = 1) -> Any:
    return spark.sparkContext.parallelize(list(given), partitions)


def looked_at(data: Any, **columns: str) -> None:
    """Take ratings in and look at them, as every fit does first."""
    r = mllib_py.ratings(data, **columns)
    try:
        _ = r.n_ratings
    finally:
        r.release()


def test_a_list_of_rows_is_not_taken_for_columns() -> None:
    with refused(TypeError, "three columns", "zip(*rows)"):
        mllib_py.ratings([(1, 2, 3), (1, 3, 4), (2, 2, 1)])


def test_a_web_address() -> None:
    with refused(ValueError, "http://127.0.0.1:9/x.csv", "download it"):
        mllib_py.ratings("http://127.0.0.1:9/x.csv")


# --- ratings that are no finite float32

BAD_VALUES = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf, "1e300": 1e300}
HOLDERS: dict[str, Callable[[Any, pd.DataFrame, Path], Any]] = {
    "arrays": lambda spark, t, _: tuple(t[c].to_numpy() for c in t),
    "lists": lambda spark, t, _: tuple(t[c].tolist() for c in t),
    "pandas": lambda spark, t, _: t,
    "Arrow": lambda spark, t, _: pa.Table.from_pandas(t),
    "sparse": lambda spark, t, _: scipy.sparse.coo_array((t["rating"], (t["user"], t["item"]))),
    "Spark": lambda spark, t, _: spark.createDataFrame(  # pandas' NaN would become null
        t.to_dict("records")
    ).select(*t.columns),
    "RDD": lambda spark, t, _: rows(spark, *t.itertuples(index=False, name=None)),
    "CSV": lambda spark, t, path: t.to_csv(path, index=False, na_rep="NaN") or path,
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("value", BAD_VALUES)
def test_a_rating_that_is_not_finite(value: str, holder: str, spark: Any, tmp_path: Path) -> None:
    table = GOOD.assign(rating=[3.0, BAD_VALUES[value], 5.0])
    data = HOLDERS[holder](spark, table, tmp_path / "r.csv")
    said = ["1 ratings are NaN, infinite or beyond float32", "2, 7"]
    if holder == "CSV" and "inf" in value:
        said = ["line 3", f"the rating '{value}' is not a number in '2,7,{value}'"]
    with refused(ValueError, *said):
        ALS(rank=2).fit(data)


# --- nothing there

EMPTY: dict[str, Callable[[Any], Any]] = {
    "lists": lambda _: ([], [], []),
    "arrays": lambda _: (np.empty(0, int), np.empty(0, int), np.empty(0)),
    "pandas": lambda _: GOOD[:0],
    "pandas, no types": lambda _: pd.DataFrame(columns=["user", "item", "rating"]),
    "Arrow": lambda _: pa.Table.from_pandas(GOOD[:0]),
    "sparse": lambda _: scipy.sparse.csr_array((3, 4)),
    "Spark": lambda spark: spark.createDataFrame([], "user long, item long, rating float"),
    "Spark, filtered": lambda spark: spark.createDataFrame(GOOD).where("user = 9"),
    "Spark, texts": lambda spark: spark.createDataFrame([], "user string, item long, rating float"),
    "RDD": lambda spark: spark.sparkContext.emptyRDD(),
    "RDD, partitions": lambda spark: rows(spark, partitions=3),
}


@pytest.mark.parametrize("holder", EMPTY)
def test_no_ratings(holder: str, spark: Any) -> None:
    with refused(ValueError, "there are no ratings"):
        ALS(rank=2).fit(EMPTY[holder](spark))


def test_a_part_with_nothing_in_it(spark: Any) -> None:
    whole = mllib_py.ratings(GOOD)
    parts = whole.split([1e-9, 1.0])
    with refused(ValueError, "there are no ratings"):
        ALS(rank=2).fit(parts[0])
    whole.release()


# --- columns

COLUMNS: dict[str, tuple[pd.DataFrame, str]] = {
    "no user": (GOOD.rename(columns={"user": "usr"}), "user"),
    "no item": (GOOD.drop(columns="item"), "item"),
    "no rating": (GOOD.rename(columns={"rating": "Rating"}), "rating"),
}


@pytest.mark.parametrize("case", COLUMNS)
@pytest.mark.parametrize("holder", ["pandas", "Arrow", "Spark", "CSV"])
def test_a_missing_column_is_named_with_those_that_are_there(
    case: str, holder: str, spark: Any, tmp_path: Path
) -> None:
    table, missing = COLUMNS[case]
    if holder == "CSV":  # the names of a file may be of any case
        table = table.rename(columns={"Rating": "grade"}).assign(more=1, still_more=1)
    data = HOLDERS[holder](spark, table, tmp_path / "r.csv")
    with refused(ValueError, f"no column '{missing}'", ", ".join(table.columns)):
        looked_at(data)


def test_a_file_of_two_columns(spark: Any, tmp_path: Path) -> None:
    GOOD[["user", "item"]].to_csv(tmp_path / "r.csv", index=False)
    with refused(ValueError, "r.csv", "user,item"):
        looked_at(tmp_path / "r.csv")


@pytest.mark.parametrize("holder", ["pandas", "Spark"])
def test_two_columns_of_one_name(holder: str, spark: Any, tmp_path: Path) -> None:
    table = GOOD.assign(other=1).rename(columns={"other": "user"})
    data = table if holder == "pandas" else spark.createDataFrame(GOOD).selectExpr("*", "1 user")
    with refused(ValueError, "2 columns", "'user'"):
        looked_at(data)


MISTYPED: dict[str, tuple[str, Any, str]] = {
    "float ids": ("user", [1.0, 2.0, 2.0], "integer or text ids"),
    "bool ids": ("item", [True, False, True], "integer or text ids"),
    "date ids": ("user", pd.to_datetime(["2020-01-01"] * 3), "integer or text ids"),
    "bytes as ids": ("user", [b"a", b"b", b"b"], "integer or text ids"),
    "texts as ratings": ("rating", ["3", "4", "5"], "must hold numbers"),
    "dates as ratings": ("rating", pd.to_datetime(["2020-01-01"] * 3), "must hold numbers"),
}


@pytest.mark.parametrize("case", MISTYPED)
@pytest.mark.parametrize("holder", ["pandas", "Arrow", "Spark", "arrays"])
def test_a_mistyped_column(case: str, holder: str, spark: Any, tmp_path: Path) -> None:
    column, values, wanted = MISTYPED[case]
    data = HOLDERS[holder](spark, GOOD.assign(**{column: values}), tmp_path)
    with refused(TypeError, f"column '{column}'", wanted):
        looked_at(data)


@pytest.mark.parametrize("values", [[1, "a", 2], [1, 2.5, 2], [("a",), 1, 2]])
def test_ids_of_several_types(values: list[Any]) -> None:
    with refused(TypeError, "column 'user'", "integer or text ids"):
        looked_at(GOOD.assign(user=pd.Series(values, dtype=object)))


def test_complex_ratings() -> None:
    with refused(TypeError, "column 'rating' must hold numbers"):
        looked_at(([1], [2], [3j]))


# --- nulls


@pytest.mark.parametrize("dtype", ["Int64", "float64", "object", "string", "category"])
def test_null_ids_in_pandas(dtype: str, spark: Any) -> None:
    table = GOOD.assign(item=GOOD["item"].astype(dtype))
    table.loc[1, "item"] = None
    with refused(ValueError, "column 'item'", "1 null"):
        looked_at(table)


def test_null_ids_in_arrow(spark: Any) -> None:
    with refused(ValueError, "column 'user'", "2 null"):
        looked_at(pa.table({"user": [1, None, None], "item": [1, 2, 3], "rating": [1.0, 2.0, 3.0]}))


@pytest.mark.parametrize("kind", ["long", "string"])
def test_nulls_in_spark(kind: str, spark: Any) -> None:
    frame = spark.createDataFrame(
        [(1, 7, 3.0), (None, 7, 4.0), (None, 8, None)], "user long, item long, rating double"
    ).selectExpr(f"cast(user as {kind}) user", "item", "rating")
    with refused(ValueError, "'user' has 2 null", "'rating' has 1 null"):
        looked_at(frame.repartition(2))


def test_nulls_in_an_rdd(spark: Any) -> None:
    with refused(ValueError, "the user of (None, 7, 4.0)"):
        looked_at(rows(spark, (1, 7, 3.0), (None, 7, 4.0)))
    with refused(ValueError, "the item of (1, None, 3.0)"):
        looked_at(rows(spark, (1, None, 3.0)))


def test_a_null_rating(spark: Any) -> None:
    with refused(ValueError, "NaN"):
        looked_at(GOOD.assign(rating=[1.0, None, 2.0]))
    with refused(ValueError, "NaN"):
        looked_at(rows(spark, (1, 7, 3.0), (1, 8, None)))


# --- rows of an RDD

ODD_ROWS: dict[str, tuple[Any, str]] = {
    "two": ((1, 2), "(1, 2)"),
    "four": ((1, 2, 3.0, 4), "(1, 2, 3.0, 4)"),
    "a text": ("abc", "'abc'"),
    "a dict": ({"user": 1, "item": 2, "rating": 3.0}, "{'user': 1"),
    "a float id": ((1.5, 2, 3.0), "of (1.5, 2, 3.0)"),
    "a text id": ((1, "2", 3.0), "the item of (1, '2', 3.0)"),
    "a text rating": ((1, 2, "x"), "the rating of (1, 2, 'x')"),
    "a number as text": ((1, 2, "3.5"), "the rating of (1, 2, '3.5')"),
    "a list for a rating": ((1, 2, [3.0]), "the rating of (1, 2, [3.0])"),
}


@pytest.mark.parametrize("case", ODD_ROWS)
def test_a_row_among_good_ones_that_is_no_triple(case: str, spark: Any) -> None:
    row, said = ODD_ROWS[case]
    with refused(ValueError, "the RDD", said):
        looked_at(rows(spark, (1, 7, 3.0), (2, 7, 4.0), row, partitions=2))


@pytest.mark.parametrize("case", ["two", "four", "a text", "a dict", "a float id"])
def test_a_first_row_that_is_no_triple(case: str, spark: Any) -> None:
    row, said = ODD_ROWS[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        looked_at(rows(spark, row, row))
    assert said in str(caught.value)
    assert "like that of the first row" not in str(caught.value)


# --- what is no ratings at all


@pytest.mark.parametrize("data", [None, 5, {}, [], (), ([1], [2]), np.zeros((3, 3)), object()])
def test_something_else(data: Any, spark: Any) -> None:
    with refused(TypeError, "ratings must be"):
        looked_at(data)


def test_lengths_that_differ() -> None:
    with refused(ValueError, "differ in length", "(2, 3, 1)"):
        looked_at(([1, 2], [1, 2, 3], [1.0]))


@pytest.mark.parametrize("columns", [(np.ones((2, 2)),) * 3, (5, 6, 7.0)])
def test_columns_that_are_no_columns(columns: Any) -> None:
    with refused(ValueError, "one dimension"):
        looked_at(columns)


def test_columns_that_are_ragged() -> None:
    with refused(TypeError, "column 'user'", "not list"):
        looked_at(([[1], [2, 3]], [1, 2], [3.0, 4.0]))
