"""K-means on Spark's own data: DataFrames, RDDs and files, as from arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.linalg import Vectors
from sklearn.datasets import dump_svmlight_file, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score

import mllib_py
from mllib_py import plots
from mllib_py.cluster import KMeans, MiniBatchKMeans, silhouette

NAMES = ["f0", "f1", "f2"]


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    found: np.ndarray = make_blobs(500, 3, centers=5, cluster_std=2.0, random_state=0)[0]
    return found


@pytest.fixture(scope="module")
def columns(spark: Any, x: np.ndarray) -> Any:
    rows = [(*map(float, r), float(i % 4)) for i, r in enumerate(x)]
    return spark.createDataFrame(rows, [*NAMES, "a"]).repartition(4)


@pytest.fixture(scope="module")
def vectors(spark: Any, x: np.ndarray) -> Any:
    return spark.createDataFrame([(Vectors.dense(r),) for r in x], ["features"]).repartition(3)


def test_columns_with_weights(columns: Any, x: np.ndarray) -> None:
    weight = np.arange(500) % 4
    local = KMeans(5, init=x[:5], tol=0.0).fit(x, sample_weight=weight)
    model = KMeans(5, init=x[:5], tol=0.0).fit(columns, sample_weight="a")
    np.testing.assert_allclose(model.cluster_centers_, local.cluster_centers_, atol=1e-9)
    np.testing.assert_allclose(model.inertia_, local.inertia_)
    np.testing.assert_allclose(model.score(columns, sample_weight="a"), -model.inertia_)
    assert model.feature_names_in_.tolist() == NAMES
    told = model.transform(model.predict(columns)).toPandas()
    assert (told["prediction"].to_numpy() == local.predict(told[NAMES].to_numpy())).all()
    apart = np.stack(told["distances"].to_list())
    np.testing.assert_allclose(apart, local.transform(told[NAMES].to_numpy()), atol=1e-6)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
def test_the_same_in_any_partitioning(vectors: Any, init: str, distance: str) -> None:
    found = [
        KMeans(5, init=init, random_state=3, distance=distance).fit(vectors.repartition(n))
        for n in (1, 5, 40)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other.cluster_centers_, found[0].cluster_centers_, atol=1e-9)
        np.testing.assert_allclose(other.inertia_, found[0].inertia_)
        assert other.n_iter_ == found[0].n_iter_


def test_rdds_and_what_fit_predict_gives(spark: Any, vectors: Any, x: np.ndarray) -> None:
    local = KMeans(5, init=x[:5]).fit(x)
    rdd = spark.sparkContext.parallelize([r.tolist() for r in x], 3)
    model = KMeans(5, init=x[:5]).fit(rdd)
    np.testing.assert_allclose(model.cluster_centers_, local.cluster_centers_, atol=1e-9)
    assert model.predict(rdd).collect() == local.labels_.tolist()
    labelled = KMeans(5, init=x[:5]).fit_predict(vectors)
    assert labelled.columns == ["features", "prediction"]
    assert labelled.groupBy("prediction").count().count() == 5


def test_sparse_vectors_and_files(spark: Any, tmp_path: Path, x: np.ndarray) -> None:
    sparse = sp.random(300, 50, 0.06, format="csr", random_state=2)
    init = sparse[:6].toarray()
    rows = [(Vectors.sparse(50, r.indices.tolist(), r.data.tolist()),) for r in sparse]
    frame = spark.createDataFrame(rows, ["features"]).repartition(3)
    model = KMeans(6, init=init, tol=0.0).fit(frame)
    np.testing.assert_allclose(model.inertia_, KMeans(6, init=init, tol=0.0).fit(sparse).inertia_)
    told = model.predict(frame).toPandas()
    again = model.predict(np.stack([v.toArray() for v in told["features"]]))
    assert (told["prediction"] == again).all()
    path = str(tmp_path / "rows.libsvm")
    dump_svmlight_file(x, np.zeros(500), path, zero_based=False)
    local = KMeans(5, init=x[:5]).fit(x)
    np.testing.assert_allclose(KMeans(5, init=x[:5]).fit(path).inertia_, local.inertia_)


def test_mini_batches(vectors: Any, x: np.ndarray) -> None:
    found = [
        MiniBatchKMeans(5, batch_size=100, random_state=1).fit(vectors.repartition(n))
        for n in (2, 9)
    ]
    np.testing.assert_allclose(found[0].cluster_centers_, found[1].cluster_centers_, atol=1e-9)
    assert found[0].inertia_ < 1.3 * KMeans(5, random_state=0, n_init=3).fit(x).inertia_
    part = MiniBatchKMeans(5, random_state=1).partial_fit(vectors).partial_fit(vectors)
    assert part.n_steps_ == 2


def test_rows_that_repeat_are_drawn_one_by_one(spark: Any) -> None:
    x, _ = make_blobs(12, 3, centers=12, random_state=2, cluster_std=5)
    many = np.repeat(x, 400, axis=0)
    rows = [(Vectors.dense(r),) for r in many]
    frame = spark.createDataFrame(rows, ["features"]).repartition(4).cache()
    best = KMeans(4, random_state=0, n_init=10).fit(many).inertia_
    for seed in range(3):
        assert KMeans(4, random_state=seed, n_init=3).fit(frame).inertia_ < 1.3 * best
        batches = MiniBatchKMeans(4, batch_size=200, random_state=seed).fit(frame)
        assert batches.inertia_ < 1.5 * best
    frame.unpersist()


def test_fewer_directions_than_clusters() -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(3, 40))
    x = directions[rng.integers(3, size=500)] * rng.uniform(0.1, 50, size=(500, 1))
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        model = KMeans(5, distance="cosine", random_state=0).fit(x)
    assert model.n_clusters_found_ == 3
    assert model.inertia_ < 1e-9


def test_tiny_numbers(spark: Any) -> None:
    x, _ = make_blobs(300, 2, centers=3, random_state=0)
    found = KMeans(3, random_state=0).fit(x).labels_
    again = KMeans(3, random_state=0).fit(x * 2.0**-80).labels_
    assert (found == again).all()
    frame = spark.createDataFrame([(Vectors.dense(r * 2.0**-80),) for r in x], ["features"])
    assert KMeans(3, random_state=0).fit(frame).n_clusters_found_ == 3
    with pytest.raises(ValueError, match=r"too small for its squares in float32"):
        KMeans(3).fit((x * 2.0**-80).astype(np.float32))


def test_silhouettes(vectors: Any, columns: Any, x: np.ndarray) -> None:
    model = KMeans(5, init=x[:5]).fit(x)
    assert silhouette(model, x) == pytest.approx(silhouette_score(x, model.labels_))
    theirs = ClusteringEvaluator().evaluate(model.predict(vectors))
    assert silhouette(model, vectors) == pytest.approx(theirs)
    named = KMeans(5, init=x[:5]).fit(columns.drop("a"))
    assert silhouette(named, columns) == pytest.approx(theirs)


def test_empty_partitions_and_bad_rows(spark: Any, vectors: Any, columns: Any) -> None:
    few = vectors.limit(20).repartition(64)
    assert KMeans(3, random_state=0).fit(few).n_clusters_found_ == 3
    with pytest.raises(ValueError, match="n_samples=20 should be >= n_clusters=21"):
        KMeans(21).fit(few)
    with pytest.raises(ValueError, match="no rows to fit"):
        KMeans(2).fit(vectors.limit(0))
    bad = spark.createDataFrame([(1.0,), (float("nan"),), (None,)], ["size"])
    with pytest.raises(ValueError, match=r"'size'.* has (a )?null, NaN or infinite values?"):
        KMeans(1).fit(bad)
    with pytest.raises(TypeError, match="are names of columns"):
        KMeans(2).fit(columns, sample_weight=np.ones(500))
    with pytest.raises(TypeError, match="function with arrays alone"):
        KMeans(2, init=lambda x, k, random_state: x[:k]).fit(vectors)
    with pytest.raises(ValueError, match="the DataFrame has no column 'features'"):
        KMeans(2).fit(vectors).predict(bad)


def test_an_elbow(x: np.ndarray) -> None:
    import matplotlib

    matplotlib.use("agg")
    apart, _ = make_blobs(400, 2, centers=[[0, 0], [20, 0], [0, 20], [20, 20]], random_state=0)
    ax = plots.elbow(KMeans(random_state=0, n_init=2), apart, range(1, 9))
    assert ax.get_title() == "bends at 4 clusters"
    data = mllib_py.layout(apart)
    assert plots.elbow(KMeans(random_state=0), data, [1, 2, 4, 8]).get_xlabel() == "clusters"
    data.release()
    with pytest.raises(ValueError, match="must have 3 numbers or more"):
        plots.elbow(KMeans(), apart, [2, 3])


def test_a_layout_of_an_rdd_of_rows_alone(spark: Any) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    data = mllib_py.layout(spark.sparkContext.parallelize(list(x), 3), target="none")
    assert data.n_features == 3
    found = KMeans(2, init=x[:2]).fit(data)
    np.testing.assert_allclose(found.inertia_, KMeans(2, init=x[:2]).fit(x).inertia_)
