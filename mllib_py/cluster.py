"""Clustering: scikit-learn's names and parameters, on one machine or a cluster.

Data are laid out once into blocks and rest there; a pass over them, for all starts at once, is one
Spark job, or none where Spark is local or there is little to sum.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.metrics import pairwise_distances_argmin_min

from mllib_py import _bridge, _checks, _layout
from mllib_py._checks import FINITE, FLAG, POSITIVE, Rule, count
from mllib_py._cluster import Clustering, run, seed_of

__all__ = ["KMeans", "MiniBatchKMeans", "silhouette"]


class KMeans(Clustering):
    r"""K-means: k centres such that rows are near their nearest one.

    With sample weights a it goes for a minimum of the inertia

    .. math::
        \sum_i a_i \min_j |x_i - c_j|^2

    by Lloyd's algorithm: each row goes to its nearest centre, and each centre to the mean of its
    rows. Scores are float32 for float32 data and float64 otherwise, sums are float64. Ties go to
    the first centre.

    Parameters
    ----------
    n_clusters : int, default=8
        The number of centres, k.
    init : {"k-means++", "k-means||", "random"}, callable or array-like, default="k-means++"
        Where centres begin. "k-means++" is greedy as scikit-learn's; of data in Spark's partitions,
        where each of its k steps would be a job, it is "k-means||". "k-means||" draws many rows in
        each of `init_rounds` passes and clusters these by their weights. "random" draws rows by
        their weights. An array of shape (n_clusters, n_features) gives the centres, and a function
        of (X, n_clusters, random_state=) returns them.
    n_init : "auto" or int, default="auto"
        Starts, which share their passes; the best is kept. "auto": 10 for "random" and functions,
        else 1.
    max_iter : int, default=300
        Iterations of a start at most.
    tol : float, default=1e-4
        A start ends where its centres move by no more than this share of the features' mean
        variance (squared distances, summed; with the cosine distance, of 1 / n_features).
    verbose : int, default=0
        Whether to show a progress bar.
    random_state : int, RandomState or None, default=None
        Of the seeds. The same data give the same seeds in any partitioning. "k-means++" draws a
        row of arrays by its place in the sum over all rows; "k-means||" and "random" by the row's
        number, or, of Spark's data, whose rows have none, by its content; of rows that are equal
        each copy in a block draws for itself, so that then the blocks have a say.
    copy_x
        Taken for scikit-learn's sake, and not used: data are never changed.
    algorithm : {"lloyd", "elkan", "full"}, default="lloyd"
        Which rows a pass scores; assignments are the same. "lloyd" keeps bounds (Hamerly's) where,
        by the share of rows that they settle, they pay; "elkan" from the first pass on; "full"
        scores every row with every centre.
    distance : {"euclidean", "cosine"}, default="euclidean"
        With "cosine" rows count as of length 1, centres have it, and the inertia is that of
        1 - cos. No row may be zero.
    empty_cluster : {"reseed", "drop", "error"}, default="reseed"
        What becomes of a centre without rows: it goes to the row that is farthest from its own
        centre, it is left out (there are fewer centres then), or the fit ends with an error.
    init_rounds : int, default=2
        Passes of "k-means||" that draw.
    oversampling : float, default=2.0
        Rows that each of them draws, as a multiple of n_clusters.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
    labels_ : ndarray of shape (n_samples,)
        Of arrays; Spark's data are labelled by `predict`, where they are.
    inertia_ : float
    n_iter_ : int
        Iterations of the best start.
    n_clusters_found_ : int
        Centres that have rows. Where it is below `n_clusters`, as with fewer different rows than
        that, there is a warning too.
    history_ : ndarray of shape (n_iter,)
        The inertia at the centres that each iteration began with.
    report_ : dict
        Why the best start ended, passes over the data, empty clusters that were begun anew, and the
        share of rows that each pass scored.

    References
    ----------
    Lloyd: Least squares quantization in PCM, 1982. Hamerly: Making k-means even faster, 2010.
    Arthur, Vassilvitskii: k-means++, the advantages of careful seeding, 2007. Bahmani et al.:
    Scalable k-means++, 2012.

    Examples
    --------
    >>> from mllib_py.cluster import KMeans
    >>> model = KMeans(2, random_state=0).fit([[0.0], [1.0], [9.0], [10.0]])
    >>> sorted(model.cluster_centers_.ravel().tolist()), model.inertia_
    ([0.5, 9.5], 1.0)
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: Any = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: Any = None,
        copy_x: bool = True,
        algorithm: str = "lloyd",
        distance: str = "euclidean",
        empty_cluster: str = "reseed",
        init_rounds: int = 2,
        oversampling: float = 2.0,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.distance = distance
        self.empty_cluster = empty_cluster
        self.init_rounds = init_rounds
        self.oversampling = oversampling

    _BOUNDS: ClassVar[dict[str, str]] = {"lloyd": "auto", "elkan": "always", "full": "never"}
    _rules: ClassVar[dict[str, Rule]] = Clustering._rules | {
        "algorithm": partial(_checks.one_of, choices=tuple(_BOUNDS)),
        "empty_cluster": partial(_checks.one_of, choices=("reseed", "drop", "error")),
        "init_rounds": count,
        "oversampling": POSITIVE,
    }

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the centres.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Layout
            Or a Spark DataFrame, an RDD of rows or a path, see `mllib_py.layout`.
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weights of the rows, or the name of their column.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Bad parameters or values, or fewer rows than centres.
        """
        self._check_parameters()
        data, matrix, ours = self._laid_out(X, sample_weight)
        try:
            random = seed_of(self.random_state)
            n_init = self._starts(10)
            start = self._given_starts(data, matrix, n_init, random)
            params = self._params(n_init, random) | {
                "init_rounds": int(self.init_rounds),
                "oversampling": float(self.oversampling),
                "empty_cluster": self.empty_cluster,
                "bounds": self._BOUNDS[self.algorithm],
                "labels": matrix is not None,
            }
            found = run("kmeans", data, params, start, show=bool(self.verbose))
        finally:
            if ours:
                data.release()
        self._keep(found, np.float64 if matrix is None else matrix.dtype)
        return self


class MiniBatchKMeans(Clustering):
    r"""K-means by small batches: each centre is the mean of all rows that batches have given it.

    Each step draws about `batch_size` rows, each by a draw of its own (so that the same data give
    the same batches in any partitioning), and moves the centres by them: one pass, which touches
    the batch's rows alone. It is for data so large that `KMeans` takes too long, and for rows that
    keep coming (`partial_fit`); its inertia is a little above.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"k-means++", "k-means||", "random"}, callable or array-like, default="k-means++"
        See `KMeans`; seeds are found among `init_size` rows.
    max_iter : int, default=100
        Epochs at most: as many batches as have the rows of so many.
    batch_size : int, default=1024
    verbose : int, default=0
        Whether to show a progress bar.
    compute_labels : bool, default=True
        Whether `fit` labels the rows of arrays in the end.
    random_state : int, RandomState or None, default=None
        Of seeds and batches. Draws go by the number of a row, or, in Spark, by its content.
    tol : float, default=0.0
        The fit ends where the centres move by no more than this share of the features' mean
        variance in a batch. 0: it does not.
    max_no_improvement : int or None, default=10
        The fit ends after so many batches in a row that do not lower the smoothed inertia. None:
        it does not.
    init_size : int or None, default=None
        Rows that seeds are found among; None: 3 batch_size, and at least 3 n_clusters.
    n_init : "auto" or int, default="auto"
        Starts, of which the best on these rows is taken; "auto": 3 for "random" and functions,
        else 1.
    reassignment_ratio : float, default=0.01
        Centres that have seen less than this share of the fullest one's rows begin anew, at rows of
        the batch.
    distance : {"euclidean", "cosine"}, default="euclidean"
        See `KMeans`.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
    labels_ : ndarray of shape (n_samples,)
        Of arrays, with `compute_labels`.
    inertia_ : float
    n_iter_ : int
        Epochs.
    n_steps_ : int
        Batches.
    n_clusters_found_ : int
        Centres that have rows; after `partial_fit`, that have had some.
    history_ : ndarray of shape (n_steps,)
        The mean inertia of a row of each batch, of the last fit.
    report_ : dict
        Why the fit ended, passes over the data.

    References
    ----------
    Sculley: Web-scale k-means clustering, 2010.

    Examples
    --------
    >>> from mllib_py.cluster import MiniBatchKMeans
    >>> model = MiniBatchKMeans(2, random_state=0).fit([[0.0], [1.0], [9.0], [10.0]])
    >>> sorted(model.cluster_centers_.ravel().round(6).tolist())
    [0.5, 9.5]
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        verbose: int = 0,
        compute_labels: bool = True,
        random_state: Any = None,
        tol: float = 0.0,
        max_no_improvement: int | None = 10,
        init_size: int | None = None,
        n_init: Any = "auto",
        reassignment_ratio: float = 0.01,
        distance: str = "euclidean",
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.compute_labels = compute_labels
        self.random_state = random_state
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.n_init = n_init
        self.reassignment_ratio = reassignment_ratio
        self.distance = distance

    _rules: ClassVar[dict[str, Rule]] = Clustering._rules | {
        "batch_size": count,
        "compute_labels": FLAG,
        "reassignment_ratio": FINITE,
    }

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.max_no_improvement is not None:
            _checks.whole("max_no_improvement", self.max_no_improvement, 0)
        if self.init_size is not None:
            count("init_size", self.init_size)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the centres.

        Parameters
        ----------
        X, y, sample_weight
            As `KMeans.fit` takes them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Bad parameters or values, or fewer rows than centres.
        """
        self._check_parameters()
        self._random = seed_of(self.random_state)
        self.n_steps_ = 0
        return self._go(X, sample_weight, None)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Move the centres by one batch more; the first one finds seeds, too.

        Parameters
        ----------
        X, y, sample_weight
            As `KMeans.fit` takes them.

        Returns
        -------
        self
        """
        self._check_parameters()
        begun = hasattr(self, "cluster_centers_")
        if not begun:
            self._random, self.n_steps_ = seed_of(self.random_state), 0
        return self._go(X, sample_weight, self._seen if begun else np.zeros((2, 0)))

    def _go(self, x: Any, sample_weight: Any, seen: Any) -> Self:
        """Run batches, or with what centres have seen (none before seeds) one of all rows."""
        on = seen is not None and seen.size > 0
        data, matrix, ours = self._laid_out(x, sample_weight, reset=not on)
        try:
            if on:
                self._check_goes_on(data.n_features)
            n_init = 1 if on else self._starts(3)
            start = (
                self.cluster_centers_[None]
                if on
                else self._best_start(
                    self._given_starts(data, matrix, n_init, self._random), matrix, sample_weight
                )
            )
            params = self._params(1 if start is not None else n_init, self._random) | {
                "batch_size": int(self.batch_size),
                "init_size": self._seed_rows(),
                "max_no_improvement": self.max_no_improvement,
                "reassignment_ratio": float(self.reassignment_ratio),
                "whole": seen is not None,
                "counts": [] if seen is None else seen[0].tolist(),
                "lengths": [] if seen is None else seen[1].tolist(),
                "labels": matrix is not None and bool(self.compute_labels),
            }
            found = run("miniBatch", data, params, start, show=bool(self.verbose))
        finally:
            if ours:
                data.release()
        assert found.seen is not None
        self._seen = found.seen
        self.n_steps_ += found.report["steps"]
        if seen is not None:
            found.report["found"] = int(np.count_nonzero(found.seen[0]))
        dtype = np.float64 if matrix is None else matrix.dtype
        # A batch may well miss centres.
        self._keep(found, dtype, whole=seen is None)
        return self

    def _seed_rows(self) -> int:
        if self.init_size is not None and self.init_size >= self.n_clusters:
            return int(self.init_size)
        return 3 * max(int(self.batch_size), int(self.n_clusters))

    def _check_goes_on(self, n_features: int) -> None:
        had = self.cluster_centers_.shape[1]
        if had != n_features:
            raise ValueError(
                f"X has {n_features} features, but {type(self).__name__} goes on from centres of"
                f" {had}; give the same features, or fit anew"
            )

    def _best_start(self, starts: Any, matrix: Any, sample_weight: Any) -> Any:
        """Return the start of the least inertia; None where there are none."""
        if starts is None or len(starts) == 1:
            return starts
        metric = "cosine" if self.distance == "cosine" else "sqeuclidean"
        left = [
            np.average(
                pairwise_distances_argmin_min(matrix, s, metric=metric)[1], weights=sample_weight
            )
            for s in starts
        ]
        return starts[[int(np.argmin(left))]]


def silhouette(
    model: Clustering, X: Any, *, sample_size: int | None = None, random_state: Any = None
) -> float:
    r"""Return how well rows lie in their clusters: the mean of (b - a) / max(a, b).

    Of a row, a is its mean distance from the other rows of its cluster, and b the least mean
    distance from those of another one. For arrays it is scikit-learn's `silhouette_score`, whose
    work grows with the square of the rows. For Spark's data it is Spark's, of squared Euclidean
    (or cosine) distances, whose means need the clusters' sums alone: two passes, and a number of
    its own, not to be held against the other.

    Parameters
    ----------
    model : KMeans or MiniBatchKMeans
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features), Spark DataFrame or RDD
    sample_size : int, optional
        Of arrays, take so many rows by chance.
    random_state : int, RandomState or None, default=None
        Of these.

    Returns
    -------
    float
        From -1 to 1; 0 where clusters overlap.

    Raises
    ------
    ValueError
        There are fewer than 2 clusters.

    Examples
    --------
    >>> from mllib_py.cluster import KMeans, silhouette
    >>> x = [[0.0], [1.0], [9.0], [10.0]]
    >>> round(silhouette(KMeans(2, random_state=0).fit(x), x), 3)
    0.889
    """
    if not _layout.is_spark(X):
        from sklearn.metrics import silhouette_score

        return float(
            silhouette_score(
                X,
                model.predict(X),
                metric=model.distance,
                sample_size=sample_size,
                random_state=random_state,
            )
        )
    from pyspark.ml.evaluation import ClusteringEvaluator
    from pyspark.ml.feature import VectorAssembler

    frame = _layout.as_frame(X, supervised=False)
    columns = model._columns_of(frame)
    labelled = model.predict(frame)
    if columns != ["features"]:
        labelled = VectorAssembler(inputCols=columns, outputCol="features").transform(
            labelled.select(*columns, "prediction")
        )
    measure = "cosine" if model.distance == "cosine" else "squaredEuclidean"
    with _bridge.errors():
        if labelled.select("prediction").distinct().count() < 2:
            raise ValueError("all rows are in one cluster; a silhouette needs 2 of them")
        return float(ClusteringEvaluator(distanceMeasure=measure).evaluate(labelled))
