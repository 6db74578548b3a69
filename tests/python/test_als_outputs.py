"""The same recommendations as pandas, Arrow, Spark and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.refusal import refused
from support.small import stars

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

ASKED: dict[str, dict[str, Any]] = {
    "all": {},
    "some, in any order and again": {"ids": [22, 1, 7, 22, 3, 4, 9], "k": 3},
    "none": {"ids": []},
    "chosen": {"k": 4, "allow": [1, 2, 3, 4, 5, 6, 7, 99], "deny": [5]},
    "everything": {"k": 10**6, "exclude_seen": False},
}


@pytest.fixture(scope="module", params=["integers", "texts"])
def als(request: pytest.FixtureRequest, spark: Any) -> ALS:
    table = stars().frame()
    if request.param == "texts":
        table = table.astype({"user": str, "item": str})
    return ALS(rank=3, max_iter=2).fit(table)


def ask(als: ALS, method: str, asked: dict[str, Any], output: str) -> Any:
    texts = als.user_ids_.dtype == object
    kept = dict(asked)
    for name in ("ids", "allow", "deny"):
        if texts and name in kept:
            kept[name] = [str(i) for i in kept[name]]
    ids = kept.pop("ids", None)
    if method.startswith("similar"):
        kept.pop("exclude_seen", None)
    return getattr(als, method)(ids, output=output, **kept)


@pytest.mark.filterwarnings("ignore:. of the")  # some are strangers
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize(
    "method", ["recommend", "recommend_users", "similar_items", "similar_users"]
)
def test_outputs_are_the_same(als: ALS, method: str, asked: dict[str, Any]) -> None:
    expected = ask(als, method, asked, "pandas")
    table = ask(als, method, asked, "arrow")
    frame = ask(als, method, asked, "spark")
    assert isinstance(expected, pd.DataFrame)
    assert isinstance(table, pa.Table)
    text = als.user_ids_.dtype == object
    ids = (pa.string(), "string") if text else (pa.int64(), "bigint")
    assert table.schema.types == [ids[0], ids[0], pa.float32(), pa.int64()]
    assert [t for _, t in frame.dtypes] == [ids[1], ids[1], "float", "bigint"]
    assert table.column_names == frame.columns == expected.columns.tolist()
    assert len(expected) > 0 or asked == ASKED["none"]
    # Row by row: of the same askers in the same order, the same ones in the same order.
    rows = list(expected.itertuples(index=False, name=None))
    assert list(table.to_pandas().itertuples(index=False, name=None)) == rows
    assert [tuple(row) for row in frame.collect()] == rows


def test_a_spark_frame_is_computed_in_several_tasks_and_when_it_is_used(
    als: ALS, spark: Any
) -> None:
    tracker = spark.sparkContext.statusTracker()
    before = tracker.getJobIdsForGroup()
    frame = als.recommend(k=3, output="spark")
    assert tracker.getJobIdsForGroup() == before
    assert frame.rdd.getNumPartitions() == 2
    expected = als.recommend(k=3)
    assert frame.count() == len(expected)
    best = frame.filter("rank = 1").toPandas()
    assert best["item"].tolist() == expected["item"][expected["rank"] == 1].tolist()


def test_a_spark_frame_outlives_a_refit_of_its_model(als: ALS) -> None:
    other = ALS(rank=2, max_iter=1).fit(stars(n_users=5))
    expected = other.recommend(k=2)
    frame = other.recommend(k=2, output="spark")
    other.fit(stars(n_users=8))
    assert frame.count() == len(expected)


def test_columns_are_named_as_the_data() -> None:
    table = stars().frame().rename(columns={"user": "who", "item": "film"})
    als = ALS(rank=2, max_iter=1, user_col="who", item_col="film").fit(table)
    for output in ("arrow", "spark"):
        found = als.recommend(k=1, output=output)
        assert list(getattr(found, "column_names", found.columns)) == [
            "who",
            "film",
            "score",
            "rank",
        ]
        found = als.similar_items(k=1, output=output)
        assert list(getattr(found, "column_names", found.columns))[:2] == ["film", "similar"]


@pytest.mark.parametrize("output", ["pandas", "arrow", "spark"])
def test_strangers_are_told_of_at_the_call(als: ALS, output: str) -> None:
    known = als.user_ids_[[0, 1]].tolist()
    stranger: Any = "nobody" if als.user_ids_.dtype == object else 999
    with pytest.warns(UserWarning, match="1 of the users were not in the training data"):
        found = als.recommend([known[0], stranger, known[1]], k=1, output=output)
    table = {"pandas": lambda t: t, "arrow": pa.Table.to_pandas, "spark": lambda f: f.toPandas()}
    assert table[output](found)["user"].tolist() == known


def test_an_output_that_is_none(als: ALS) -> None:
    with refused(ValueError, "output must be one of 'pandas', 'arrow', 'spark', not 'numpy'"):
        als.recommend(output="numpy")


# --- Parquet


def rows_of(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(table.itertuples(index=False, name=None))


def test_parquet_has_the_same(als: ALS, tmp_path: Path) -> None:
    path = tmp_path / "best"
    als.write_recommendations(path, k=3)
    assert len(list(path.glob("*.parquet"))) == 2
    assert rows_of(pd.read_parquet(path)) == rows_of(als.recommend(k=3))
    assert [p.name for p in tmp_path.iterdir()] == ["best"]
    some, deny = als.user_ids_[[3, 1]], als.item_ids_[:4]
    als.write_recommendations(path, 2, some, False, deny=deny, overwrite=True)
    expected = als.recommend(some, 2, False, deny=deny)
    assert rows_of(pd.read_parquet(path)) == rows_of(expected)
    assert [p.name for p in tmp_path.iterdir()] == ["best"]


def test_what_is_there_is_not_written_over(als: ALS, tmp_path: Path) -> None:
    path = tmp_path / "best"
    als.write_recommendations(path, k=1)
    with refused(ValueError, f"{path} exists already; pass overwrite=True"):
        als.write_recommendations(path)
    assert len(pd.read_parquet(path)) == len(als.user_ids_)
    (path / "notes.txt").write_text("mine")
    with refused(ValueError, "not a folder of Parquet files"):
        als.write_recommendations(path, overwrite=True)
    file = tmp_path / "file"
    file.write_text("mine")
    with refused(ValueError, "not a folder of Parquet files"):
        als.write_recommendations(file, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best", "file"]


def test_parquet_of_wrong_questions_is_refused_and_nothing_is_written(
    als: ALS, tmp_path: Path
) -> None:
    with refused(ValueError, "k must be an integer of at least 1, not 0"):
        als.write_recommendations(tmp_path / "best", k=0)
    with refused(TypeError, "ids, as in the training data"):
        als.write_recommendations(tmp_path / "best", users=_other(als))
    assert not list(tmp_path.iterdir())
    with refused(ValueError, "not fitted yet"):
        ALS().write_recommendations(tmp_path / "best")


def _other(als: ALS) -> list[Any]:
    """Ids of the kind that the model does not have."""
    return [1] if als.user_ids_.dtype == object else ["a"]


def test_scores_are_finite_and_fall(als: ALS) -> None:
    found = als.recommend(k=5, output="arrow").to_pandas()
    assert np.isfinite(found["score"]).all()
    assert (found.groupby("user")["score"].diff().dropna() <= 0).all()


# --- tables of those who ask


def tables(ids: Any, column: str, spark: Any) -> dict[str, Any]:
    table = pd.DataFrame({"more": np.arange(len(ids)), column: ids})
    return {
        "pandas": table,
        "pandas, another index": table.set_index(pd.Index(range(5, 5 + len(ids)))),
        "categories": table.astype({column: "category"}),
        "arrow": pa.table({column: list(ids), "more": np.arange(len(ids))}),
        "spark": spark.createDataFrame(table),
        "spark, many partitions": spark.createDataFrame(table).repartition(3),
    }


@pytest.mark.parametrize(
    ("method", "side"),
    [
        ("recommend", "user"),
        ("recommend_users", "item"),
        ("similar_items", "item"),
        ("similar_users", "user"),
    ],
)
def test_ids_come_from_a_table(als: ALS, method: str, side: str, spark: Any) -> None:
    ids = getattr(als, f"{side}_ids_")[[4, 1, 4, 0]]
    expected = getattr(als, method)(ids, k=2)
    for name, table in tables(ids, side, spark).items():
        found = getattr(als, method)(table, k=2)
        if "partitions" in name:  # whose order is its own
            assert rows_of(found) == rows_of(expected)
        else:
            pd.testing.assert_frame_equal(found, expected)


def test_a_table_of_users_has_lists_written(als: ALS, spark: Any, tmp_path: Path) -> None:
    users = spark.createDataFrame(pd.DataFrame({"user": als.user_ids_[:3]}))
    als.write_recommendations(tmp_path / "best", k=2, users=users)
    expected = rows_of(als.recommend(als.user_ids_[:3], k=2))
    assert rows_of(pd.read_parquet(tmp_path / "best")) == expected
    found = als.recommend(users, k=2, output="spark").toPandas()
    assert rows_of(found) == expected


def test_a_table_without_users_is_refused(als: ALS, spark: Any) -> None:
    ids = als.user_ids_[:2].tolist()
    table = pd.DataFrame({"who": ids, "n": 1})
    for name, given in (
        ("pandas DataFrame", table),
        ("Arrow table", pa.Table.from_pandas(table)),
        ("Spark DataFrame", spark.createDataFrame(table)),
    ):
        with refused(ValueError, f"the {name} has no column 'user'", "users", "who, n"):
            als.recommend(given)
    twice = pd.DataFrame([[1, 2]], columns=["user", "user"])
    with refused(ValueError, "has 2 columns 'user'; keep one"):
        als.recommend(twice)
    for given in (
        pd.DataFrame({"user": [ids[0], None]}),
        pa.table({"user": [ids[0], None]}),
        spark.createDataFrame([(ids[0],), (None,)], "user " + ("string", "long")[_is_int(als)]),
    ):
        with refused(ValueError, "column 'user' has 1 null ids; drop or fill them"):
            als.recommend(given)
    with refused(TypeError, "users must be integer or text ids"):
        als.recommend(pd.DataFrame({"user": [1.5]}))


def _is_int(als: ALS) -> bool:
    return als.user_ids_.dtype != object
