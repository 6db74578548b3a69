"""Clustering: scikit-learn's names and parameters, on one machine or a cluster.

Data are laid out once into blocks and rest there; a pass over them, for all starts at once, is one
Spark job, or none where Spark is local or there is little to sum.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from mllib_py import _checks
from mllib_py._cluster import POSITIVE, Clustering, Rule, run, seed_of

__all__ = ["KMeans"]


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
        number, or, of Spark's data, whose rows have none, by its content: rows that are equal are
        then drawn as one.
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
    history_ : ndarray of shape (n_iter_,)
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
        "init_rounds": partial(_checks.whole, least=1),
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
