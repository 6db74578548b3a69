"""K-means from given centres is scikit-learn's: the same labels, inertia and iterations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import KMeans as Theirs
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import adjusted_rand_score

import mllib_py
from mllib_py.cluster import KMeans, MiniBatchKMeans

pytestmark = pytest.mark.usefixtures("spark")


def both(x: Any, init: Any, *, weight: Any = None, **params: Any) -> tuple[KMeans, Theirs]:
    k = len(init)
    ours = KMeans(k, init=init, **params).fit(x, sample_weight=weight)
    known = {n: v for n, v in params.items() if n in ("tol", "max_iter")}
    theirs = Theirs(k, init=init, n_init=1, **known).fit(x, sample_weight=weight)
    return ours, theirs


def agree(ours: KMeans, theirs: Theirs, rtol: float) -> None:
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=rtol)
    np.testing.assert_allclose(
        ours.cluster_centers_, theirs.cluster_centers_, rtol=0, atol=rtol * 100
    )
    assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("algorithm", ["lloyd", "elkan", "full"])
@pytest.mark.parametrize(("rows", "features", "k"), [(3000, 5, 20), (700, 40, 70), (200, 1, 3)])
def test_blobs(dtype: Any, algorithm: str, rows: int, features: int, k: int) -> None:
    x, _ = make_blobs(rows, features, centers=k, cluster_std=3.0, random_state=rows)
    x = x.astype(dtype)
    rtol = 1e-12 if dtype == np.float64 else 2e-6
    for tol in (0.0, 1e-3):
        agree(*both(x, x[:k], tol=tol, algorithm=algorithm), rtol)
    agree(*both(x, x[:k], tol=0.0, algorithm=algorithm, max_iter=3), rtol)


def test_weights() -> None:
    x, _ = make_blobs(1000, 4, centers=8, cluster_std=4.0, random_state=1)
    weight = np.random.default_rng(0).random(1000) * (np.arange(1000) % 7 > 0)
    agree(*both(x, x[:8], weight=weight, tol=0.0), 1e-12)


def test_sparse_rows() -> None:
    x = sp.random(800, 60, 0.05, format="csr", random_state=0)
    ours, theirs = both(x, x[:12].toarray(), tol=0.0)
    agree(ours, theirs, 1e-10)
    dense = KMeans(12, init=x[:12].toarray(), tol=0.0).fit(x.toarray())
    np.testing.assert_array_equal(ours.labels_, dense.labels_)


def test_far_from_the_origin() -> None:
    x, _ = make_blobs(2000, 3, centers=6, random_state=2)
    x = (x + 1000).astype(np.float32)
    for algorithm in ("elkan", "full"):
        ours, theirs = both(x, x[:6], tol=0.0, algorithm=algorithm)
        assert adjusted_rand_score(ours.labels_, theirs.labels_) > 0.999
        assert ours.inertia_ <= theirs.inertia_ * (1 + 1e-3)


def test_rows_far_out_are_labelled_as_in_the_fit(spark: Any) -> None:
    rng = np.random.default_rng(0)
    x = 1e8 + rng.integers(4, size=(400, 3)) + 0.2 * rng.random((400, 3))
    model = KMeans(12, random_state=0).fit(x)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    apart = np.linalg.norm(x[:, None] - model.cluster_centers_, axis=2)
    np.testing.assert_allclose(model.transform(x), apart, atol=1e-6)
    rdd = spark.sparkContext.parallelize(x.tolist(), 2)
    assert model.predict(rdd).collect() == model.labels_.tolist()


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_sparse_rows_and_zeros_have_a_score(distance: str) -> None:
    x = sp.random(300, 40, 0.1, random_state=0) + sp.csr_matrix(np.eye(1, 40).repeat(300, 0))
    weight = np.arange(300) % 3
    model = KMeans(5, distance=distance, random_state=0).fit(x, sample_weight=weight)
    for rows in (x, x.toarray(), x.astype(np.float32)):
        np.testing.assert_allclose(
            model.score(rows, sample_weight=weight), -model.inertia_, rtol=1e-5
        )
    zeros = sp.csr_matrix((2, 40))
    apart = 1.0 if distance == "cosine" else (model.cluster_centers_**2).sum(axis=1).min()
    assert model.score(zeros) == pytest.approx(-2 * apart)


def test_batches_by_the_cosine_are_means_of_all_directions() -> None:
    rng = np.random.default_rng(0)
    # Directions of the first batch are far apart, so that their sum is short.
    first, second = rng.normal(size=(50, 4)), rng.normal(size=(30, 4)) + 5
    model = MiniBatchKMeans(1, distance="cosine", random_state=0, reassignment_ratio=0)
    model.partial_fit(first).partial_fit(second)
    rows = np.r_[first, second]
    mean = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).sum(axis=0)
    np.testing.assert_allclose(model.cluster_centers_[0], mean / np.linalg.norm(mean))


def test_cosine_is_euclidean_on_rows_of_length_one() -> None:
    x, _ = make_blobs(1500, 6, centers=10, cluster_std=3.0, random_state=3)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    found = [
        KMeans(10, init=x[:10], tol=0.0, distance="cosine", algorithm=a).fit(x)
        for a in ("elkan", "full", "lloyd")
    ]
    for model in found:
        np.testing.assert_array_equal(model.labels_, found[0].labels_)
        centres = model.cluster_centers_
        np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1)
        cos = (unit * centres[model.labels_]).sum(axis=1)
        np.testing.assert_allclose(model.inertia_, (1 - cos).sum(), rtol=1e-9)
        np.testing.assert_array_equal(model.predict(7 * x), model.labels_)
        np.testing.assert_allclose(model.score(x), -model.inertia_)
        assert (np.diff(model.history_) <= 1e-9).all()
    np.testing.assert_allclose(
        found[0].transform(x).min(axis=1).sum(), found[0].inertia_, rtol=1e-9
    )


def test_drawn_seeds_are_as_good() -> None:
    x = load_digits().data
    theirs = np.median([Theirs(10, n_init=1, random_state=r).fit(x).inertia_ for r in range(9)])
    for init in ("k-means++", "k-means||"):
        found = [KMeans(10, init=init, random_state=r).fit(x).inertia_ for r in range(9)]
        assert np.median(found) < 1.02 * theirs
    several = KMeans(10, init="random", n_init=6, random_state=0).fit(x)
    assert several.inertia_ < 1.02 * theirs
    again = KMeans(10, init="random", n_init=6, random_state=0).fit(x)
    np.testing.assert_array_equal(again.labels_, several.labels_)


def test_history_and_report() -> None:
    x = load_digits().data
    model = KMeans(10, random_state=0, tol=0.0).fit(x)
    assert len(model.history_) == model.n_iter_
    assert (np.diff(model.history_) <= 1e-6).all()
    np.testing.assert_allclose(model.history_[-1], model.inertia_)
    assert model.report_["reason"] == "no row changed its cluster"
    np.testing.assert_allclose(model.score(x), -model.inertia_)
    np.testing.assert_array_equal(model.predict(x), model.labels_)


def test_a_layout_serves_several_fits() -> None:
    x = load_digits().data
    data = mllib_py.layout(x)
    first = KMeans(10, init=x[:10]).fit(data)
    assert not hasattr(first, "labels_")
    np.testing.assert_allclose(first.inertia_, KMeans(10, init=x[:10]).fit(x).inertia_)
    np.testing.assert_allclose(first.score(data), -first.inertia_)
    with pytest.raises(ValueError, match="requires targets, and this layout has none"):
        mllib_py.linear.Ridge().fit(data)
    data.release()


def test_mini_batches_come_near() -> None:
    x, _ = make_blobs(20_000, 4, centers=6, random_state=0)
    full = KMeans(6, random_state=0, n_init=3).fit(x)
    model = MiniBatchKMeans(6, random_state=0, n_init=3).fit(x)
    assert model.inertia_ < 1.05 * full.inertia_
    assert model.n_steps_ == len(model.history_)
    part = MiniBatchKMeans(6, random_state=0, n_init=3)
    for rows in np.array_split(x, 20):
        part.partial_fit(rows)
    assert part.n_steps_ == 20
    assert -part.score(x) < 1.05 * full.inertia_
    assert -MiniBatchKMeans(6, distance="cosine", random_state=0).fit(x).score(x) >= 0
