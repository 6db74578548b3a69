"""K-means keeps scikit-learn's contract, and the library's own with bad input."""

from __future__ import annotations

import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import cluster as theirs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mllib_py
from mllib_py import cluster
from mllib_py.cluster import KMeans, MiniBatchKMeans

pytestmark = pytest.mark.usefixtures("spark")

OURS = {
    "KMeans": {"distance", "empty_cluster", "init_rounds", "oversampling"},
    "MiniBatchKMeans": {"distance"},
}
# Seeds are drawn row by row, so that a row that weighs 2 and one that stands twice differ;
# scikit-learn's own have the same failures.
DRAWN = {
    f"check_sample_weight_equivalence_on_{kind}_data": "seeds are drawn among rows, not weights"
    for kind in ("dense", "sparse")
}
X = np.random.default_rng(0).normal(size=(60, 3))


@parametrize_with_checks([KMeans(3), MiniBatchKMeans(3)], expected_failed_checks=lambda _: DRAWN)
def test_scikit_learns_checks(estimator: Any, check: Any, spark: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("name", sorted(OURS))
def test_parameters_are_those_of_the_twin(name: str) -> None:
    ours = getattr(cluster, name)
    wanted = inspect.signature(getattr(theirs, name).__init__).parameters
    found = inspect.signature(ours.__init__).parameters
    for parameter in wanted.values():
        assert found[parameter.name].default == parameter.default, parameter.name
        assert found[parameter.name].kind == parameter.kind, parameter.name
    assert set(found) - set(wanted) == OURS[name]
    for parameter in found:
        assert parameter == "self" or parameter in ours.__doc__, parameter


@pytest.mark.parametrize("make", [KMeans, MiniBatchKMeans])
def test_it_fits_in_a_pipeline_and_a_search_and_pickles(make: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), make(3, random_state=0)).fit(X)
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict(X), pipeline.predict(X))
    search = GridSearchCV(make(random_state=0), {"n_clusters": [2, 4]}, cv=2, error_score="raise")
    assert search.fit(X).best_params_["n_clusters"] == 4
    assert list(make(2).fit(X).get_feature_names_out()) == [
        f"{make.__name__.lower()}{i}" for i in (0, 1)
    ]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: KMeans(0), "n_clusters must be an integer of at least 1, not 0"),
        (lambda: KMeans(61), "n_samples=60 should be >= n_clusters=61"),
        (lambda: KMeans(2, init="best"), r"init must be one of 'k-means\+\+'"),
        (lambda: KMeans(2, init=X[:3]), r"initial centers \(3, 3\) does not match the number of"),
        (lambda: KMeans(2, init=X[:2, :2]), "does not match the number of features of the data 3"),
        (lambda: KMeans(2, init=[[0, 0, np.nan], [1, 1, 1]]), "contains NaN"),
        (lambda: KMeans(2, init=np.eye(3)[:2] * 0, distance="cosine"), "centre is zero"),
        (lambda: KMeans(2, n_init=0), "n_init must be an integer of at least 1"),
        (lambda: KMeans(2, max_iter=0), "max_iter must be an integer of at least 1"),
        (lambda: KMeans(2, tol=-1), "tol must be a number of at least 0"),
        (lambda: KMeans(2, algorithm="auto"), "algorithm must be one of 'lloyd', 'elkan', 'full'"),
        (lambda: KMeans(2, distance="l1"), "distance must be one of 'euclidean', 'cosine'"),
        (lambda: KMeans(2, empty_cluster="keep"), "empty_cluster must be one of 'reseed'"),
        (lambda: KMeans(2, oversampling=0), "oversampling must be a number above 0"),
        (lambda: MiniBatchKMeans(2, batch_size=0), "batch_size must be an integer of at least 1"),
        (lambda: MiniBatchKMeans(2, reassignment_ratio=-1), "reassignment_ratio must be a number"),
    ],
)
def test_bad_parameters_are_refused_by_name(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make().fit(X)


def test_bad_values_are_told_by_column_and_count() -> None:
    bad = X.copy()
    bad[[1, 2], 1] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN: column \(values\) 1 \(2\)"):
        KMeans(2).fit(bad)
    bad[[1, 2], 1] = np.inf
    with pytest.raises(ValueError, match=r"infinity \(inf\)"):
        MiniBatchKMeans(2).fit(bad)
    zero = X.copy()
    zero[[3, 4]] = 0
    with pytest.raises(ValueError, match="2 rows are zero in all features"):
        KMeans(2, distance="cosine").fit(zero)
    with pytest.raises(ValueError, match="too large for its squares"):
        KMeans(2).fit(X * 1e19)
    with pytest.raises(ValueError, match="X has 2 features, but KMeans is expecting 3"):
        KMeans(2).fit(X).predict(X[:, :2])


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
@pytest.mark.parametrize("init", ["k-means++", "k-means||", "random"])
def test_fewer_different_points_than_centres(init: str, algorithm: str) -> None:
    x = np.repeat([[0.0, 1.0], [4.0, 4.0], [9.0, 1.0]], 20, axis=0)
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \([123]\) found smaller than"):
        model = KMeans(5, init=init, random_state=0, algorithm=algorithm, n_init=3).fit(x)
    assert model.n_clusters_found_ == len(np.unique(model.labels_))
    if init != "random":
        assert model.inertia_ == 0
    with pytest.warns(ConvergenceWarning):
        constant = KMeans(2, init=init, random_state=0).fit(np.ones((10, 2)))
    assert constant.inertia_ == 0
    assert constant.n_clusters_found_ == 1


def test_small_shapes() -> None:
    one = KMeans(1, random_state=0).fit(X)
    np.testing.assert_allclose(one.cluster_centers_[0], X.mean(axis=0))
    every = KMeans(60, random_state=0).fit(X)
    assert every.inertia_ == pytest.approx(0, abs=1e-12)
    line = KMeans(3, n_init=9, random_state=0).fit(np.arange(9.0)[:, None])
    assert line.inertia_ == 6
    assert KMeans(1).fit([[1.0]]).labels_.tolist() == [0]


def test_policies_of_empty_clusters() -> None:
    x = np.r_[X, X + 20]
    init = np.r_[x[:2], [[500.0, 500, 500]]]
    reseeded = KMeans(3, init=init, empty_cluster="reseed").fit(x)
    assert reseeded.report_["reseeded"] >= 1
    assert reseeded.n_clusters_found_ == 3
    twin = theirs.KMeans(3, init=init, n_init=1).fit(x)
    np.testing.assert_allclose(reseeded.inertia_, twin.inertia_)
    with pytest.warns(ConvergenceWarning, match="found smaller"):
        dropped = KMeans(3, init=init, empty_cluster="drop").fit(x)
    assert dropped.cluster_centers_.shape == (2, 3)
    assert dropped.transform(x).shape == (120, 2)
    assert set(dropped.labels_) == {0, 1}
    with pytest.raises(ValueError, match="1 of 3 clusters became empty in iteration 1"):
        KMeans(3, init=init, empty_cluster="error").fit(x)


def test_policies_hold_in_the_end_too() -> None:
    # The one iteration moves the second centre to 12.5, where no row is nearest to it.
    x, init = np.array([[4.0], [6.0], [7.9], [9.0], [16.0], [17.1]]), [[2.0], [14.0], [20.0]]
    with pytest.warns(ConvergenceWarning, match=r"clusters \(2\) found smaller"):
        kept = KMeans(3, init=init, max_iter=1).fit(x)
    assert set(kept.labels_) == {0, 2}
    with pytest.warns(ConvergenceWarning, match="found smaller"):
        dropped = KMeans(3, init=init, max_iter=1, empty_cluster="drop").fit(x)
    assert dropped.cluster_centers_.shape == (2, 1)
    with pytest.warns(ConvergenceWarning, match="found smaller"):  # one in the iteration, one then
        twice = KMeans(4, init=[*init, [500.0]], max_iter=1, empty_cluster="drop").fit(x)
    np.testing.assert_array_equal(twice.cluster_centers_, dropped.cluster_centers_)
    np.testing.assert_array_equal(dropped.predict(x), dropped.labels_)
    assert set(dropped.labels_) == {0, 1}
    with pytest.raises(ValueError, match="1 of 3 clusters became empty in iteration 1"):
        KMeans(3, init=init, max_iter=1, empty_cluster="error").fit(x)


def test_a_batch_that_misses_a_centre_is_no_warning() -> None:
    model = MiniBatchKMeans(3, init=[[0.0], [10.0], [20.0]], reassignment_ratio=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit([[0.0], [9.0], [11.0]])
        assert model.n_clusters_found_ == 2
        model.partial_fit([[20.0], [21.0], [22.0]])
    assert model.n_clusters_found_ == 3
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        MiniBatchKMeans(3, random_state=0).fit(np.ones((9, 1)))


def test_starts_that_a_function_gives() -> None:
    def corners(x: Any, k: int, random_state: Any) -> Any:
        return x[random_state.permutation(len(x))[:k]]

    model = KMeans(4, init=corners, n_init=5, random_state=0).fit(X)
    alone = min(KMeans(4, init=corners, n_init=1, random_state=r).fit(X).inertia_ for r in range(3))
    assert model.inertia_ <= alone * 1.2
    with pytest.warns(RuntimeWarning, match="there is one start, not n_init=3"):
        KMeans(4, init=X[:4], n_init=3).fit(X)


def test_batches_of_another_width_are_refused() -> None:
    rng = np.random.default_rng(0)
    model = cluster.MiniBatchKMeans(n_clusters=3, random_state=0)
    model.partial_fit(mllib_py.layout(rng.normal(size=(50, 4))))
    with pytest.raises(
        ValueError, match="5 features, but MiniBatchKMeans goes on from centres of 4"
    ):
        model.partial_fit(mllib_py.layout(rng.normal(size=(50, 5))))


def test_the_better_start_is_chosen_by_the_distance_and_the_weights() -> None:
    x = np.array([[1.0, 0.0], [10.0, 0.1], [0.0, 1.0], [0.1, 10.0]])
    # By directions the second start is right; by distances the first is nearer.
    starts = iter([np.array([[5.5, 0.05], [0.05, 5.5]]), np.array([[1.0, 1.0], [9.0, 9.0]])])
    model = cluster.MiniBatchKMeans(
        n_clusters=2,
        init=lambda *_, **__: next(starts),
        n_init=2,
        distance="cosine",
        random_state=0,
    )
    labels = model.fit(x, sample_weight=np.array([1.0, 2, 1, 2])).predict(x)
    assert labels[0] == labels[1] != labels[2] == labels[3]


def test_what_only_fits_take_is_refused_elsewhere() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    model = cluster.KMeans(2, random_state=0).fit(x)
    for of in (model.predict, model.transform):  # score takes both
        with pytest.raises(TypeError, match="a layout is for fits; give the rows"):
            of(mllib_py.layout(x))
        with pytest.raises(TypeError, match=r"'rows\.csv' is a path, which fits alone take"):
            of("rows.csv")
