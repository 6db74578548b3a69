"""Decompositions of Spark's own rows: DataFrames, RDDs and files, as of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from pyspark.ml.linalg import Vectors

import mllib_py
from mllib_py.decomposition import PCA, TruncatedSVD, svd

METHODS = ["gramian", "randomized", "tsqr"]


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(200, 6)) @ np.diag(0.6 ** np.arange(6)) @ rng.normal(size=(6, 6)) + 1


@pytest.fixture(scope="module")
def vectors(spark: Any, rows: np.ndarray) -> Any:
    data = [(i, Vectors.dense(r)) for i, r in enumerate(rows)]
    return spark.createDataFrame(data, ["id", "features"]).repartition(5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("center", [False, True])
def test_left_vectors_stay_beside_their_rows(
    vectors: Any, rows: np.ndarray, method: str, center: bool
) -> None:
    u, s, vt = found = svd(vectors, 3, method=method, center=center)
    assert found.certificate_.holds
    assert u.columns == ["id", "features", "u"]
    told = u.orderBy("id").toPandas()
    left = np.stack(told["u"].to_list())
    local = svd(rows, 3, method=method, center=center)
    np.testing.assert_allclose(s, local.s, rtol=1e-10)
    np.testing.assert_allclose(vt, local.Vt, atol=1e-8)
    np.testing.assert_allclose(left, local.U, atol=1e-8)
    assert np.linalg.norm(left.T @ left - np.eye(3)) < 1e-12


def test_left_vectors_of_a_layout_stay_there_too(vectors: Any) -> None:
    laid = mllib_py.layout(vectors.drop("id"), target="none")
    u, s, _ = svd(laid, 2)
    assert u.columns == ["features", "u"]
    assert u.count() == laid.facts["rows"]
    np.testing.assert_allclose(s, svd(vectors, 2).s)
    laid.release()


def test_left_vectors_of_ill_conditioned_rows_are_orthonormal(spark: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    q, w = (np.linalg.qr(rng.normal(size=(n, 12)))[0] for n in (300, 12))
    a = (q * 10.0 ** -np.arange(12)) @ w.T
    frame = spark.createDataFrame([(Vectors.dense(r),) for r in a], ["features"]).repartition(3)
    for method in METHODS:
        svd(frame, 8, method=method).U.write.mode("overwrite").parquet(str(tmp_path / "u"))
        left = np.stack(spark.read.parquet(str(tmp_path / "u")).toPandas()["u"].to_list())
        assert np.linalg.norm(left.T @ left - np.eye(8)) < 1e-12


def test_triples_that_are_rounding_are_left_out(spark: Any) -> None:
    frame = spark.createDataFrame([(1.0, 2.0), (2.0, 4.0), (0.0, 0.0)], ["a", "b"])
    u, s, _ = svd(frame, 2)
    assert len(s) == 1
    assert len(u.first()["u"]) == 1


def test_sparse_vectors_stay_sparse(spark: Any) -> None:
    x = sp.random(150, 50, 0.05, format="csr", random_state=2)
    data = [(Vectors.sparse(50, r.indices.tolist(), r.data.tolist()),) for r in x]
    frame = spark.createDataFrame(data, ["features"]).repartition(4)
    laid = mllib_py.layout(frame, target="none")
    assert laid.facts["sparse"]
    for center in (False, True):
        expected = svd(x, 4, center=center).s
        np.testing.assert_allclose(svd(laid, 4, center=center).s, expected, rtol=1e-9)
    laid.release()


def test_estimators_on_columns(spark: Any, rows: np.ndarray) -> None:
    names = list("abcdef")
    frame = spark.createDataFrame([tuple(map(float, r)) for r in rows], names).repartition(4)
    for model in (PCA(2), PCA(2, whiten=True), TruncatedSVD(2)):
        model.fit(frame)
        assert model.feature_names_in_.tolist() == names
        told = model.transform(frame).toPandas()
        expected = model.transform(told[names])
        np.testing.assert_allclose(np.stack(told["projection"].to_list()), expected, atol=1e-9)
    local = PCA(2).fit(rows)
    np.testing.assert_allclose(PCA(2).fit(frame).components_, local.components_, atol=1e-9)


def test_rdds_and_files(spark: Any, rows: np.ndarray, tmp_path: Path, vectors: Any) -> None:
    context = spark.sparkContext
    expected = svd(rows, 2).s
    for rdd in (
        context.parallelize([Vectors.dense(r) for r in rows], 3),
        context.parallelize(list(rows), 2),
    ):
        found = svd(rdd, 2, features="features")
        np.testing.assert_allclose(found.s, expected, rtol=1e-10)
        np.testing.assert_allclose(found.U.collect(), svd(rows, 2).U, atol=1e-8)
    vectors.select("features").write.parquet(str(tmp_path / "rows.parquet"))
    found = svd(str(tmp_path / "rows.parquet"), 2)
    assert found.U.columns == ["features", "u"]
    np.testing.assert_allclose(found.s, expected, rtol=1e-10)


def test_rows_of_an_rdd_are_projected(spark: Any, rows: np.ndarray) -> None:
    rdd = spark.sparkContext.parallelize(list(rows), 3)
    for model in (PCA(n_components=2), TruncatedSVD(n_components=2)):
        model.fit(rows)
        np.testing.assert_allclose(model.transform(rdd).collect(), model.transform(rows), atol=1e-9)


def test_empty_partitions_are_no_rows(vectors: Any) -> None:
    few = vectors.where("id < 20").coalesce(1)
    for model in (PCA(n_components=2), TruncatedSVD(n_components=2)):
        one = model.fit(few).components_.copy()
        np.testing.assert_allclose(model.fit(few.repartition(64)).components_, one, atol=1e-9)


def test_partitions_change_nothing_but_rounding(vectors: Any, rows: np.ndarray) -> None:
    expected = svd(rows, 3, method="randomized").Vt
    for n in (1, 7, 40):  # some of forty are empty
        found = svd(vectors.repartition(n).where("id >= 0"), 3, method="randomized")
        np.testing.assert_allclose(found.Vt, expected, atol=1e-8)


def test_bad_columns_are_named(spark: Any, vectors: Any) -> None:
    frame = spark.createDataFrame([(1.0,), (float("nan"),)], ["size"])
    with pytest.raises(ValueError, match=r"'size'.* has (a )?null, NaN or infinite values?"):
        svd(frame, 1)
    with pytest.raises(ValueError, match="no rows"):
        svd(vectors.where("id < 0"), 1)
    with pytest.raises(TypeError, match="column 'name' must hold numbers or vectors"):
        PCA(1).fit(spark.createDataFrame([("a",), ("b",)], ["name"]))


def test_one_row_has_no_components(vectors: Any) -> None:
    with pytest.raises(ValueError, match="at least 2 rows"):
        PCA().fit(vectors.where("id < 1"))
