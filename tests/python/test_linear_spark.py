"""Linear models on Spark's own data: DataFrames, RDDs and files, as from arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from pyspark.ml.linalg import Vectors
from pyspark.mllib.regression import LabeledPoint
from sklearn.datasets import dump_svmlight_file, make_classification, make_regression

import mllib_py
from mllib_py import linear

TIGHT = {"tol": 1e-9, "max_iter": 5000}


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = make_classification(
        300, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0, flip_y=0.1
    )
    return x, y, np.random.default_rng(0).random(300) + 0.5


@pytest.fixture(scope="module")
def columns(spark: Any, data: Any) -> Any:
    x, y, weights = data
    rows = [(*map(float, r), "abc"[c], float(a)) for r, c, a in zip(x, y, weights, strict=True)]
    return spark.createDataFrame(rows, ["f0", "f1", "f2", "f3", "f4", "label", "a"]).repartition(4)


@pytest.fixture(scope="module")
def vectors(spark: Any, data: Any) -> Any:
    x, y, _ = data
    rows = [(Vectors.dense(r), float(c)) for r, c in zip(x, y, strict=True)]
    return spark.createDataFrame(rows, ["features", "label"]).repartition(3)


def test_columns_of_numbers_and_labels_of_text(columns: Any, data: Any) -> None:
    x, y, weights = data
    local = linear.LogisticRegression(**TIGHT).fit(x, np.array(list("abc"))[y], weights)
    model = linear.LogisticRegression(**TIGHT).fit(columns, "label", "a")
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.feature_names_in_.tolist() == ["f0", "f1", "f2", "f3", "f4"]
    np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-6)
    told = model.predict(columns).toPandas()
    expected = model.predict(told[["f0", "f1", "f2", "f3", "f4"]])
    assert (told["prediction"].to_numpy() == expected).all()
    probability = np.stack(model.predict_proba(columns).toPandas()["probability"].to_list())
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    scored = model.decision_function(columns).toPandas()
    expected = model.decision_function(scored[list(model.feature_names_in_)])
    np.testing.assert_allclose(np.stack(scored["score"].to_list()), expected, atol=1e-9)


def test_few_rows_need_no_jobs(spark: Any, columns: Any, vectors: Any) -> None:
    there = linear.LogisticRegression(**TIGHT).fit(vectors)
    spark.conf.set("spark.mllib_py.driverBytes", "1m")
    try:
        data = mllib_py.layout(vectors)
        tracker = spark.sparkContext.statusTracker()
        before = len(tracker.getJobIdsForGroup(None))
        here = linear.LogisticRegression(**TIGHT).fit(data)
        assert len(tracker.getJobIdsForGroup(None)) == before
        np.testing.assert_allclose(here.coef_, there.coef_, atol=1e-6)
        data.release()
        spark.conf.set("spark.mllib_py.driverBytes", "few")
        with pytest.raises(ValueError, match=r"driverBytes must be a size, 1m or 0 say, not 'few'"):
            mllib_py.layout(vectors)
    finally:
        spark.conf.set("spark.mllib_py.driverBytes", "0")


def test_scores_of_frames(columns: Any, spark: Any, data: Any) -> None:
    model = linear.LogisticRegression().fit(columns, "label", "a")
    told = columns.toPandas()
    names = list(model.feature_names_in_)
    assert model.score(columns) == pytest.approx(model.score(told[names], told["label"]))
    weighed = model.score(told[names], told["label"], told["a"])
    assert model.score(columns, "label", "a") == pytest.approx(weighed)
    ridge = linear.Ridge().fit(columns.drop("label"), "a")
    expected = ridge.score(told[names], told["a"])
    assert ridge.score(columns, "a") == pytest.approx(expected)
    with pytest.raises(ValueError, match="there is no column 'b'"):
        ridge.score(columns, "b")
    with pytest.raises(TypeError, match="are names of columns"):
        ridge.score(columns, told["a"])


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_by_stochastic_gradient_descent(
    vectors: Any, data: Any, classes: int
) -> None:
    some = vectors.where(f"label < {classes}")
    model = linear.SGDClassifier(loss="log_loss", random_state=0).fit(some)
    told = model.predict_proba(some).toPandas()
    x = np.stack([v.toArray() for v in told["features"]])
    np.testing.assert_allclose(np.stack(told["probability"].to_list()), model.predict_proba(x))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(x)), model.predict_proba(x))


def test_what_is_no_number_is_counted(spark: Any) -> None:
    nan = float("nan")
    rows = [(1.0, 2.0, 0), (nan, nan, 1), (3.0, None, 0), (4.0, float("inf"), 1)]
    frame = spark.createDataFrame(rows, "a double, b double, label int").repartition(3)
    told = r"column 'a' has null, NaN or infinite values in 1 of 4 rows; drop or fill such rows"
    with pytest.raises(ValueError, match=told):
        linear.LogisticRegression().fit(frame)
    with pytest.raises(ValueError, match=r"column 'b' has .* in 3 of 4 rows"):
        linear.LogisticRegression().fit(frame.drop("a"))
    targets = spark.createDataFrame([(1.0, 0.5), (2.0, None), (3.0, nan)], "a double, t double")
    with pytest.raises(ValueError, match=r"column 't' has .* in 2 of 3 rows"):
        linear.Ridge().fit(targets, "t")
    missing = spark.createDataFrame([(1.0, "x"), (2.0, None), (3.0, None)], "a double, t string")
    with pytest.raises(ValueError, match="column 't' has nulls in 2 rows"):
        linear.LogisticRegression().fit(missing, "t")


def test_rows_that_cannot_be_scored_are_refused(spark: Any, data: Any) -> None:
    x, y, _ = data
    model = linear.LogisticRegression().fit(
        spark.createDataFrame(
            [(float(a), float(b), int(c)) for (a, b), c in zip(x[:, :2], y, strict=True)],
            ["a", "b", "label"],
        )
    )
    rows = spark.createDataFrame([(1.0, 2.0), (None, 1.0)], ["a", "b"])
    with pytest.raises(Exception, match="column 'a' has a null, NaN or infinite value"):
        model.predict(rows).collect()
    vectors = spark.createDataFrame([(Vectors.dense([1.0, 2.0, 3.0]),)], ["features"])
    with pytest.raises(Exception, match="a row has 3 features, and the model was fitted to 2"):
        model.predict(vectors).collect()


def test_columns_are_those_of_the_last_fit(spark: Any, data: Any) -> None:
    x, y, _ = data
    rows = [(Vectors.dense(r), Vectors.dense(-r), int(c)) for r, c in zip(x, y, strict=True)]
    frame = spark.createDataFrame(rows, ["features", "turned", "label"])
    laid = mllib_py.layout(frame, features="turned")
    for weighing in (None, "balanced"):
        model = linear.LogisticRegression(class_weight=weighing).fit(laid)
        told = [r["prediction"] for r in model.predict(frame).collect()]
        assert told == model.predict(-x).tolist()
    laid.release()
    told = [r["prediction"] for r in model.fit(x, y).predict(frame).collect()]
    assert told == model.predict(x).tolist()


def test_vectors_and_numbers_for_labels(vectors: Any, data: Any) -> None:
    x, y, _ = data
    two = vectors.where("label < 2")
    model = linear.LogisticRegression(**TIGHT).fit(two)
    local = linear.LogisticRegression(**TIGHT).fit(x[y < 2], y[y < 2])
    assert model.classes_.tolist() == [0.0, 1.0]
    np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-6)
    told = model.predict_proba(model.predict(two)).toPandas()
    yes = np.stack(told["probability"].to_list())[:, 1]
    assert ((yes > 0.5) == (told["prediction"] == 1.0)).all()


@pytest.mark.parametrize("make", [linear.Ridge, linear.Lasso, linear.LinearRegression])
def test_regression(make: Any, spark: Any) -> None:
    x, y = make_regression(200, 4, noise=3.0, random_state=1)
    rows = [(Vectors.dense(r), float(v)) for r, v in zip(x, y, strict=True)]
    frame = spark.createDataFrame(rows, ["features", "label"]).repartition(5)
    model = make(tol=1e-9).fit(frame)
    np.testing.assert_allclose(model.coef_, make(tol=1e-9).fit(x, y).coef_, rtol=1e-6)
    told = model.predict(frame).toPandas()
    expected = model.predict(np.stack([v.toArray() for v in told["features"]]))
    np.testing.assert_allclose(told["prediction"], expected)


def test_sparse_vectors_stay_sparse(spark: Any) -> None:
    x = sp.random(200, 60, 0.05, format="csr", random_state=2)
    y = (np.asarray(x.sum(axis=1)).ravel() > 1).astype(float).tolist()
    rows = [
        (Vectors.sparse(60, r.indices.tolist(), r.data.tolist()), v)
        for r, v in zip(x, y, strict=True)
    ]
    frame = spark.createDataFrame(rows, ["features", "label"]).repartition(3)
    laid = mllib_py.layout(frame)
    assert laid.facts["sparse"]
    model = linear.LogisticRegression(**TIGHT).fit(laid)
    laid.release()
    local = linear.LogisticRegression(**TIGHT).fit(x, y)
    np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-6)


def test_rdds_of_pairs_and_of_labeled_points(spark: Any, data: Any) -> None:
    x, y, _ = data
    two = y < 2
    local = linear.LogisticRegression(**TIGHT).fit(x[two], y[two])
    pairs = [(r.tolist(), float(c)) for r, c in zip(x[two], y[two], strict=True)]
    context = spark.sparkContext
    for rdd in (
        context.parallelize(pairs, 3),
        context.parallelize(list(zip(x[two], y[two], strict=True)), 2),  # NumPy's numbers
        context.parallelize([LabeledPoint(c, r) for r, c in pairs], 2),
    ):
        model = linear.LogisticRegression(**TIGHT).fit(rdd)
        np.testing.assert_allclose(model.coef_, local.coef_, atol=1e-6)


def test_rows_of_an_rdd_are_predicted(spark: Any, data: Any) -> None:
    x, y, _ = data
    rows = spark.sparkContext.parallelize(list(x), 3)
    model = linear.LogisticRegression().fit(x, np.array(list("abc"))[y])
    assert model.predict(rows).collect() == model.predict(x).tolist()
    for name in ("decision_function", "predict_proba"):
        found = getattr(model, name)
        np.testing.assert_allclose(found(rows).collect(), found(x), rtol=1e-9)
    ridge = linear.Ridge().fit(x, y)
    np.testing.assert_allclose(ridge.predict(rows).collect(), ridge.predict(x), rtol=1e-9)


def test_empty_partitions_change_nothing(spark: Any, data: Any) -> None:
    x, y, _ = data
    rows = [(Vectors.dense(r), float(c)) for r, c in zip(x, y, strict=True) if c < 2][:12]
    few = spark.createDataFrame(rows, ["features", "label"]).coalesce(1)
    spread = few.repartition(24)
    for solver in ("lbfgs", "newton-cholesky", "local-sgd", "cocoa"):
        # Dual variables of 24 parts settle slowly.
        tol = 1e-3 if solver == "cocoa" else 1e-9
        model = linear.LogisticRegression(C=0.05, tol=tol, max_iter=200, solver=solver)
        one = model.fit(few).report_["objective"]
        np.testing.assert_allclose(model.fit(spread).report_["objective"], one, rtol=2e-3)


def test_files(tmp_path: Path, columns: Any, data: Any) -> None:
    x, y, _ = data
    two = y < 2
    local = linear.LogisticRegression(**TIGHT).fit(x[two], y[two])
    svm, csv, parquet = (str(tmp_path / f"data.{e}") for e in ("libsvm", "csv", "parquet"))
    dump_svmlight_file(x[two], y[two], svm, zero_based=False)
    frame = columns.where("label < 'c'").drop("a")
    frame.toPandas().to_csv(csv, index=False)
    packed = f"{csv}.gz"
    frame.toPandas().to_csv(packed, index=False)
    frame.write.parquet(parquet)
    for path in (svm, csv, packed, parquet):
        model = linear.LogisticRegression(**TIGHT).fit(path)
        np.testing.assert_allclose(np.abs(model.coef_), np.abs(local.coef_), atol=1e-5)


def test_partitions_change_nothing_but_rounding(vectors: Any) -> None:
    found = [
        linear.LogisticRegression(**TIGHT).fit(vectors.repartition(n)).coef_ for n in (1, 7, 40)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-7)


def test_bad_columns_are_named(spark: Any, vectors: Any) -> None:
    rows = [(1.0, 0.0), (float("nan"), 1.0), (None, 1.0), (2.0, 0.0)]
    frame = spark.createDataFrame(rows, ["size", "label"])
    with pytest.raises(ValueError, match=r"'size'.* has (a )?null, NaN or infinite values?"):
        linear.LogisticRegression().fit(frame)
    with pytest.raises(ValueError, match="there is no column 'target'"):
        linear.LogisticRegression().fit(vectors, "target")
    with pytest.raises(ValueError, match="the DataFrame has no column 'features'"):
        linear.LogisticRegression().fit(vectors).predict(frame)
    with pytest.raises(ValueError, match="no column 'f0', 'f1', which the model was fitted to"):
        linear.LogisticRegression().fit(
            spark.createDataFrame([(1.0, 0.0, 0), (0.0, 1.0, 1)], ["f0", "f1", "label"])
        ).predict(frame)
    with pytest.raises(ValueError, match=r"Unknown label type: continuous. Column 'size'"):
        linear.LogisticRegression().fit(
            spark.createDataFrame([(1.0, 0.5), (2.0, 1.5)], ["f0", "size"]), "size"
        )
    with pytest.raises(ValueError, match="no rows to fit"):
        linear.LogisticRegression().fit(vectors.where("label > 9"))
    with pytest.raises(TypeError, match="column 'name' must hold numbers or vectors"):
        linear.LogisticRegression().fit(
            spark.createDataFrame([("a", 1.0), ("b", 0.0)], ["name", "label"])
        )


def test_float32_rests_as_float32(spark: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    y = (x @ rng.normal(size=5) + rng.normal(size=300) > 0).astype(int)
    rows = [([float(v) for v in r], int(c)) for r, c in zip(x, y, strict=True)]
    arrays = spark.createDataFrame(rows, "features array<float>, label int")
    columns = arrays.selectExpr(*[f"features[{i}] as f{i}" for i in range(5)], "label")
    wide = linear.LogisticRegression(tol=1e-10).fit(x.astype(np.float64), y)
    for given in (mllib_py.layout(x, y), mllib_py.layout(arrays), mllib_py.layout(columns)):
        assert given.facts["dtype"] == "float32"
        narrow = linear.LogisticRegression(tol=1e-10).fit(given)
        np.testing.assert_allclose(narrow.coef_, wide.coef_, rtol=1e-6)
        path = linear.LogisticRegression(tol=1e-10).fit_path(
            given, settings=[{"C": c} for c in (1, 9)]
        )
        np.testing.assert_allclose(path[0].coef_, wide.coef_, rtol=1e-6)
    assert mllib_py.layout(x.astype(np.float64), y).facts["dtype"] == "float64"
