"""What users and items get that were not in the training data, in arrays and in tables."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.refusal import refused
from support.small import stars

from mllib_py import ALS, load

pytestmark = pytest.mark.usefixtures("spark")

DATA = stars()
WORDS = ("nan", "mean", "popular", "drop", "error")
# 1 and 22 are users, 2 and 9 items; the others are strangers.
TABLE = pd.DataFrame(
    {"when": list("abcde"), "item": [2, 9, 2, 888, 888], "user": [1, 22, 999, 1, 999]},
    index=[5, 4, 3, 2, 1],
)


@pytest.fixture(scope="module")
def models(spark: Any) -> dict[str, ALS]:
    return {word: ALS(rank=2, max_iter=2, cold_start=word).fit(DATA) for word in WORDS}


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def popular() -> list[int]:
    """Items by their number of users, ties by id."""
    raters = Counter(DATA.items.tolist())
    return sorted(raters, key=lambda i: (-raters[i], i))


# --- predictions of tables


def expected(models: dict[str, ALS], word: str) -> pd.DataFrame:
    known = models["nan"].predict([1, 22], [2, 9])
    rest = np.full(3, np.nan if word == "nan" else models[word].mean_rating_, dtype=np.float32)
    table = TABLE.assign(prediction=np.concatenate([known, rest]))
    return table[:2] if word == "drop" else table


@pytest.mark.parametrize("word", ["nan", "mean", "popular", "drop"])
def test_tables_get_a_column_of_predictions(models: dict[str, ALS], word: str, spark: Any) -> None:
    als, right = models[word], expected(models, word)
    before = TABLE.copy()
    pd.testing.assert_frame_equal(als.predict(TABLE), right)
    pd.testing.assert_frame_equal(TABLE, before)
    table = als.predict(pa.Table.from_pandas(TABLE, preserve_index=False))
    assert table.schema.field("prediction").type == pa.float32()
    pd.testing.assert_frame_equal(table.to_pandas(), right.reset_index(drop=True))
    frame = als.predict(spark.createDataFrame(TABLE).repartition(3))
    assert frame.columns == right.columns.tolist()
    assert frame.dtypes[-1] == ("prediction", "float")
    found = frame.toPandas().sort_values("when", ignore_index=True)
    pd.testing.assert_frame_equal(found, right.reset_index(drop=True))


def test_strangers_are_refused_where_that_is_asked_for(models: dict[str, ALS], spark: Any) -> None:
    als = models["error"]
    for table in (TABLE, pa.Table.from_pandas(TABLE)):
        with refused(ValueError, "2 of the users", "not in the training data"):
            als.predict(table)
    right = expected(models, "drop")
    pd.testing.assert_frame_equal(als.predict(TABLE[:2]), right)
    frame = als.predict(spark.createDataFrame(TABLE))
    with pytest.raises(Exception, match="the user or the item was not in the training data"):
        frame.collect()
    some = als.predict(spark.createDataFrame(TABLE[:2])).toPandas()
    pd.testing.assert_frame_equal(some, right.reset_index(drop=True))


def test_a_spark_frame_of_predictions_is_used_as_any_other(
    models: dict[str, ALS], spark: Any
) -> None:
    """Columns of awkward names and small integers stay, and the plan can be changed."""
    table = pd.DataFrame({"a.b": [1, 2], "user": [1, 22], "item": [2, 9]})
    types = {"user": "smallint", "item": "int"}
    given = spark.createDataFrame(table)
    for name, kind in types.items():
        given = given.withColumn(name, given[name].cast(kind))
    frame = models["drop"].predict(given)
    assert frame.columns == ["a.b", "user", "item", "prediction"]
    assert frame.filter("prediction > -100 and user = 22").count() == 1
    named = ALS(rank=2, max_iter=1, user_col="a.b").fit(
        DATA.frame().rename(columns={"user": "a.b"})
    )
    found = named.predict(given.drop("user")).toPandas()["prediction"]
    assert found.tolist()[0] == named.predict([1], [2])[0]
    assert np.isnan(found[1])


def test_text_ids_in_tables(spark: Any) -> None:
    als = ALS(rank=2, max_iter=1, cold_start="drop").fit(DATA.frame().astype({"user": str}))
    table = pd.DataFrame({"user": ["22", "me", "1"], "item": [2, 2, 777]})
    assert als.predict(table)["user"].tolist() == ["22"]
    frame = als.predict(spark.createDataFrame(table))
    assert [r["user"] for r in frame.collect()] == ["22"]
    with refused(TypeError, "users must be text ids, as in the training data"):
        als.predict(spark.createDataFrame(table.assign(user=1)))
    with refused(TypeError, "users must be text ids, as in the training data"):
        als.predict(table.assign(user=1))


def test_tables_without_what_is_needed(models: dict[str, ALS], spark: Any) -> None:
    als = models["nan"]
    for make in (lambda t: t, pa.Table.from_pandas, spark.createDataFrame):
        with refused(ValueError, "has no column 'item', where the items should be", "user"):
            als.predict(make(TABLE[["user"]]))
        with refused(ValueError, "has a column 'prediction' already; drop or rename it"):
            als.predict(make(TABLE.assign(prediction=1)))
    with refused(TypeError, "column 'user' must hold integer or text ids, not double"):
        als.predict(spark.createDataFrame(TABLE.astype({"user": float})))
    nulls = spark.createDataFrame([(None, 2), (1, 2)], "user long, item long")
    with pytest.raises(Exception, match="column 'user' has null ids; drop or fill them"):
        als.predict(nulls).collect()
    with refused(ValueError, "column 'user' has 1 null ids"):
        als.predict(TABLE.astype({"user": "Int64"}).assign(user=[1, None, 2, 3, 4]))
    with refused(TypeError, "predict takes users and items, or a table that has both"):
        als.predict([1, 2])
    with refused(TypeError, "predict takes a table alone"):
        als.predict(TABLE, [2])


def test_empty_tables(models: dict[str, ALS]) -> None:
    for word in ("nan", "drop"):
        found = models[word].predict(TABLE[:0])
        assert len(found) == 0
        assert found["prediction"].dtype == np.float32
        assert models[word].predict(pa.Table.from_pandas(TABLE[:0])).num_rows == 0


# --- arrays, scores


def test_arrays_cannot_drop(models: dict[str, ALS]) -> None:
    with refused(ValueError, "give predict a table", "cold_start='nan'"):
        models["drop"].predict([1], [2])
    found = models["popular"].predict([1, 999], [2, 2])
    assert found.tolist() == models["mean"].predict([1, 999], [2, 2]).tolist()


def test_scores(models: dict[str, ALS]) -> None:
    test = (TABLE["user"], TABLE["item"], [1.0, 2.0, 3.0, 4.0, 5.0])
    known = models["nan"].score(([1, 22], [2, 9], [1.0, 2.0]))
    assert models["drop"].score(test) == known
    assert models["popular"].score(test) == models["mean"].score(test) != known


# --- recommendations


def test_strangers_get_what_is_popular(models: dict[str, ALS]) -> None:
    als = models["popular"]
    assert len({Counter(DATA.items.tolist())[i] for i in popular()}) < len(popular())  # ties
    for k in (1, 4, 1000):
        found = als.recommend([999, 1, -7], k=k)
        mine = found[found["user"] == 1].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, models["nan"].recommend([1], k=k))
        for stranger in (999, -7):
            part = found[found["user"] == stranger]
            assert part["item"].tolist() == popular()[:k]
            assert part["score"].isna().all()
            assert part["rank"].tolist() == list(range(1, len(part) + 1))
        assert found["user"].drop_duplicates().tolist() == [999, 1, -7]


def test_what_is_popular_keeps_to_what_may_be_found(models: dict[str, ALS]) -> None:
    als, best = models["popular"], popular()
    found = als.recommend([999], k=3, deny=best[:2])
    assert found["item"].tolist() == best[2:5]
    found = als.recommend([999], k=3, allow=best[8:2:-1], deny={999: best[3:5], 1: best})
    assert found["item"].tolist() == best[5:8]
    found = als.recommend([999, 998], k=2, allow={999: [best[6], best[4], 10**6]})
    assert found["item"].tolist() == [best[4], best[6], *best[:2]]


@pytest.mark.parametrize("output", ["arrow", "spark"])
def test_what_is_popular_in_other_tables(models: dict[str, ALS], output: str) -> None:
    found = models["popular"].recommend([999, 1], k=2, output=output)
    table = found.to_pandas() if output == "arrow" else found.toPandas()
    pd.testing.assert_frame_equal(table, models["popular"].recommend([999, 1], k=2))


def test_what_is_popular_is_saved(models: dict[str, ALS], tmp_path: Path) -> None:
    models["popular"].save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.recommend([999], k=2)["item"].tolist() == popular()[:2]
    models["popular"].write_recommendations(tmp_path / "best", k=2, users=[999, 1])
    assert len(pd.read_parquet(tmp_path / "best")) == 4


def test_strangers_are_dropped_without_a_word(models: dict[str, ALS]) -> None:
    als = models["drop"]
    assert als.recommend([999, 1, 998], k=2)["user"].tolist() == [1, 1]
    assert als.recommend_users([888]).empty
    assert als.similar_users([999], output="spark").count() == 0


def test_strangers_elsewhere_are_told_of(models: dict[str, ALS]) -> None:
    """Only items are popular."""
    for word in ("nan", "mean", "popular"):
        with pytest.warns(UserWarning, match="1 of the items were not in the training data"):
            assert models[word].recommend_users([888]).empty
    with refused(ValueError, "1 of the items", "not in the training data"):
        models["error"].similar_items([888], output="spark")
