"""Predictions over Spark DataFrames: the model's own answers, beside rows that are kept."""

from __future__ import annotations

import datetime
import decimal
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from mllib_py import tune
from mllib_py.tune import _pieces, prediction

NAMES = ["a", "b", "c", "d"]
X, CODES = make_classification(500, 4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
Y = np.array(["low", "mid", "high"])[CODES]


@pytest.fixture(scope="module")
def df(spark: Any) -> Any:
    frame = pd.DataFrame(X, columns=NAMES).assign(key=np.arange(500), text="a word")
    return spark.createDataFrame(frame).repartition(3)


def rows(scored: Any, column: str) -> Any:
    found = scored.select("key", column).toPandas().sort_values("key")
    assert found["key"].tolist() == list(range(500))
    return np.stack(found[column].to_numpy())


@pytest.mark.parametrize("method", ["predict_proba", "predict", "decision_function"])
@pytest.mark.parametrize("named", [True, False])
def test_answers_are_the_models_own(df: Any, method: str, named: bool) -> None:
    given = pd.DataFrame(X, columns=NAMES) if named else X
    model = LogisticRegression().fit(given, Y)
    scored = tune.predict(model, df, None if named else NAMES, method)
    assert scored.columns[:-1] == df.columns
    wanted = getattr(model, method)(given)
    found = rows(scored, scored.columns[-1])
    if method == "predict":
        assert found.tolist() == wanted.tolist()
        assert scored.schema["prediction"].dataType.simpleString() == "string"
    else:
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_types_of_answers(df: Any, spark: Any) -> None:
    def type_of(model: Any, method: str, **words: Any) -> str:
        scored = tune.predict(model, df, NAMES, method, keep=["key"], **words)
        assert scored.first() is not None
        return ",".join(f.dataType.simpleString() for f in scored.schema.fields[1:])

    assert type_of(LinearRegression().fit(X, CODES), "predict") == "double"
    assert type_of(LogisticRegression().fit(X, CODES), "predict") == "bigint"
    assert type_of(LogisticRegression().fit(X, CODES > 0), "predict") == "boolean"
    assert type_of(LogisticRegression().fit(X, CODES > 0), "decision_function") == "double"
    assert type_of(PCA(2).fit(X), "transform") == "array<double>"
    proba = tune.predict(
        LogisticRegression().fit(X, Y), df, NAMES, "predict_proba", keep=[], per_class=True
    )
    assert proba.columns == ["probability_high", "probability_low", "probability_mid"]
    assert set(proba.dtypes) == {(name, "double") for name in proba.columns}
    assert sum(proba.first()) == pytest.approx(1)


def test_arrays_vectors_and_numbers_side_by_side(df: Any) -> None:
    from pyspark.ml.feature import VectorAssembler

    model = RandomForestClassifier(5, random_state=0).fit(X, Y)
    both = VectorAssembler(inputCols=["a", "b"], outputCol="two").transform(df)
    both = both.selectExpr("key", "two", "array(c, d) other", "array(a, b, c, d) every")
    wanted = model.predict(X).tolist()
    assert rows(tune.predict(model, both, "every"), "prediction").tolist() == wanted
    scored = tune.predict(model, both, ["two", "other"])
    assert rows(scored, "prediction").tolist() == wanted
    assert scored.schema["two"] == both.schema["two"]
    assert scored.first()["two"].toArray().shape == (2,)


def test_texts_and_mixed_frames(df: Any, spark: Any) -> None:
    texts = pd.DataFrame({"text": ["good day", "bad", "good"], "n": [1.0, 2, 3], "key": 1})
    told = spark.createDataFrame(texts)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts["text"], [1, 0, 1])
    found = tune.predict(model, told, "text").toPandas()["prediction"].tolist()
    assert found == model.predict(texts["text"]).tolist()
    mixed = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["text"]), remainder="passthrough"),
        LogisticRegression(),
    ).fit(texts[["text", "n"]], [1, 0, 1])
    # The made-up row is of an unknown category, which this encoder refuses; its type is known.
    scored = tune.predict(mixed, told, method="predict_proba")
    np.testing.assert_allclose(
        np.stack(scored.toPandas()["probability"]), mixed.predict_proba(texts[["text", "n"]])
    )


def test_kept_columns_of_all_types_pass_as_they_are(spark: Any) -> None:
    row = (
        1.0,
        decimal.Decimal("2.50"),
        datetime.date(2020, 1, 2),
        datetime.datetime(2020, 1, 2, 3, 4, 5),
        [1, None],
        {"k": 2.0},
        bytearray(b"xy"),
        ("in",),
    )
    types = "x double, m decimal(6,2), d date, t timestamp, l array<int>, p map<string,double>"
    frame = spark.createDataFrame([row], f"{types}, b binary, s struct<f: string>")
    scored = tune.predict(LinearRegression().fit([[0, 1.0], [1, 1.0]], [0, 1]), frame, ["x", "m"])
    assert scored.drop("prediction").schema == frame.schema
    assert scored.drop("prediction").collect() == frame.collect()


def test_several_models_in_one_pass(df: Any) -> None:
    models = {
        "svm": LinearSVC(random_state=0).fit(X, CODES),
        "forest": RandomForestRegressor(3, random_state=0).fit(pd.DataFrame(X, columns=NAMES), X),
    }
    scored = tune.predict({"svm": models["svm"]}, df, NAMES, output="label")
    assert rows(scored, "svm_label").tolist() == models["svm"].predict(X).tolist()
    many = tune.predict(models, df, NAMES)
    assert many.columns[-2:] == ["svm_prediction", "forest_prediction"]
    np.testing.assert_allclose(
        rows(many, "forest_prediction"),
        models["forest"].predict(pd.DataFrame(X, columns=NAMES)),
    )


class Told(ClassifierMixin, BaseEstimator):
    """Writes down each time that it is read from a pickle."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.fitted_ = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        with open(Path(self.folder) / str(os.getpid()), "a") as out:
            out.write("x")

    def fit(self, X: Any, y: Any) -> Told:
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def test_a_worker_reads_the_model_once(
    df: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "pieces", lambda data: _pieces.pieces(data, 50))
    Told.__module__ = "__main__"  # so that it travels by value
    scored = tune.predict(Told(str(tmp_path)), df.repartition(8), NAMES)
    assert scored.count() == scored.count() == 500
    assert scored.where("prediction = 0").count() == 500
    read = {path.name: len(path.read_text()) for path in tmp_path.iterdir()}
    assert 1 <= len(read) <= 3
    assert set(read.values()) == {1}


def test_batches_are_small_however_many_rows(spark: Any) -> None:
    class Least:
        def predict(self, X: Any) -> Any:
            return np.full(len(X), len(X))

    Least.__module__ = "__main__"
    frame = spark.range(300_000).selectExpr("id", "cast(id as double) x").coalesce(1)
    largest = tune.predict(Least(), frame, ["x"]).agg({"prediction": "max"}).first()[0]
    assert 1000 < largest <= 10_000


def test_pieces_make_the_whole_again() -> None:
    thing = {"a": np.arange(100_000.0), "b": ["x"] * 1000}
    import pickle

    data = pickle.dumps(thing, protocol=5)
    cut = _pieces.pieces(data, 1000)
    assert len(cut) == -(-len(data) // 1000)
    again = _pieces.joined(cut)
    assert again["b"] == thing["b"]
    np.testing.assert_array_equal(again["a"], thing["a"])


class Lookup(BaseEstimator):
    """Takes any number, and fails of something else, but for the one row that it is tried on."""

    fitted_ = True

    def predict(self, X: Any) -> Any:
        if len(X) == 1:
            return np.ones(1)
        raise LookupError("no key")


def test_what_a_model_refuses_is_told_by_column(spark: Any) -> None:
    model = LogisticRegression().fit(X[:, :2], CODES)
    frame = spark.createDataFrame(
        [(1.0, 2.0), (1.0, None), (0.0, float("nan"))], "a double, b double"
    )
    with (
        pytest.raises(
            tune.PredictionError,
            match=r"^column 'b' holds null, NaN or infinity in 2 of 3 rows of a batch, and "
            r"LogisticRegression\.predict failed: Input X contains NaN\.$",
        ),
        tune.prediction_errors(),
    ):
        tune.predict(model, frame.coalesce(1), ["a", "b"]).collect()
    with (
        pytest.raises(
            tune.PredictionError, match=r"infinity in 2 .*Lookup\.predict failed: no key"
        ),
        tune.prediction_errors(),
    ):
        tune.predict(Lookup(), frame.coalesce(1), ["a", "b"]).collect()
    lists = spark.createDataFrame([([1.0, 2.0],), ([1.0],)], "v array<double>").coalesce(1)
    with (
        pytest.raises(tune.PredictionError, match="'v' has arrays of different lengths in a batch"),
        tune.prediction_errors(),
    ):
        tune.predict(model, lists, "v").collect()
    with (
        pytest.raises(tune.PredictionError, match="'v' give 1 features, and the model was fitted"),
        tune.prediction_errors(),
    ):
        tune.predict(model, lists.where("size(v) = 1"), "v").collect()
    with (
        pytest.raises(tune.PredictionError, match="'v' has 1 null rows in a batch"),
        tune.prediction_errors(),
    ):
        tune.predict(model, spark.createDataFrame([(None,)], "v array<double>"), "v").collect()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda m, df: tune.predict(m, df, ["a", "b", "c", "e"]), "reads column 'e', which the"),
        (lambda m, df: tune.predict(m, df, ["a", "b"]), "'a', 'b' are 2 features, and Logistic"),
        (lambda m, df: tune.predict(m, df), "has no feature_names_in_.; say which columns"),
        (lambda m, df: tune.predict(m, df, [*NAMES[:3], "text"]), "'text' is of type string"),
        (lambda m, df: tune.predict(m, df, []), "columns must be names of columns"),
        (lambda m, df: tune.predict(m, df, NAMES, "score"), "method must be one of 'predict'"),
        (lambda m, df: tune.predict(m, df, NAMES, "transform"), "has no method 'transform'; it"),
        (lambda m, df: tune.predict(m, df, NAMES, keep=["z"]), "keep names column 'z'"),
        (lambda m, df: tune.predict(m, df, NAMES, keep="key"), "keep must be a list"),
        (lambda m, df: tune.predict(m, df, NAMES, output="a"), "column 'a' would be there twice"),
        (lambda m, df: tune.predict(m, df, NAMES, per_class=True), "per_class=True is for prob"),
        (lambda m, df: tune.predict({}, df, NAMES), "the dict of models is empty"),
        (lambda m, df: tune.predict({1: m}, df, NAMES), "names of models must be str"),
        (lambda m, df: tune.predict(LogisticRegression(), df, NAMES), "is not fitted; call fit"),
        (
            lambda m, df: tune.predict(
                LogisticRegression().fit(pd.DataFrame(X, columns=NAMES), Y), df.drop("d")
            ),
            "LogisticRegression reads column 'd', which the DataFrame does not have",
        ),
        (
            lambda m, df: tune.predict(
                LogisticRegression().fit(pd.DataFrame(X, columns=NAMES), Y), df, NAMES[::-1]
            ),
            "in another order, from 'd' on",
        ),
        (
            lambda m, df: tune.predict(
                LogisticRegression().fit(pd.DataFrame(X, columns=[*NAMES[:3], "text"]), Y), df
            ),
            "column 'text' is of type string, and LogisticRegression reads numbers there",
        ),
        (
            lambda m, df: tune.predict(m, df.selectExpr("*", "current_date() e"), [*NAMES, "e"]),
            "column 'e' is of type date, which LogisticRegression cannot read",
        ),
        (
            lambda m, df: tune.predict(m, df.selectExpr("*", "a"), NAMES),
            "the DataFrame has two columns of the name 'a'",
        ),
        (
            lambda m, df: tune.predict(
                RandomForestClassifier(1).fit(X, np.c_[CODES, CODES]), df, NAMES, "predict_proba"
            ),
            "predicts several outputs at once",
        ),
    ],
)
def test_bad_input_is_refused_before_any_job(df: Any, call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(LogisticRegression().fit(X, Y), df)


def test_things_of_another_kind_are_refused(df: Any) -> None:
    with pytest.raises(TypeError, match="df must be a Spark DataFrame, not ndarray"):
        tune.predict(LogisticRegression().fit(X, Y), X)
    with pytest.raises(TypeError, match="model must be a fitted estimator, not str"):
        tune.predict("forest", df, NAMES)


def test_a_frame_of_a_session_that_has_ended_is_told() -> None:
    ended = SimpleNamespace(sparkContext=SimpleNamespace(_jsc=None))
    frame = SimpleNamespace(mapInArrow=print, schema=None, sparkSession=ended)
    with pytest.raises(RuntimeError, match="the Spark session of the DataFrame has ended"):
        tune.predict(Ridge().fit([[0.0], [1.0]], [0, 1]), frame, ["x"])
