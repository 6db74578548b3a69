"""What the clustering estimators share: data in, centres and labels out, distances."""

from __future__ import annotations

import json
import warnings
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import (
    cosine_distances,
    euclidean_distances,
    pairwise_distances_argmin,
)
from sklearn.utils import check_array, check_random_state
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import check_is_fitted, validate_data

from mllib_py import _arrays, _bridge, _checks, _fits, _layout
from mllib_py._checks import FINITE, Rule, count
from mllib_py._features import Featured, beside_rows
from mllib_py._layout import Layout

DRAWN = ("k-means++", "k-means||", "random")


class Clustered(NamedTuple):
    """Centres, labels where there are any, and what there is to tell of the fit."""

    centres: NDArray[np.float64]
    labels: NDArray[np.int32] | None
    report: dict[str, Any]
    #: Of mini-batches, by centre: weights that it has seen, and its sums' lengths.
    seen: NDArray[np.float64] | None = None


def run(
    name: str,
    data: Layout,
    params: dict[str, Any],
    start: NDArray[np.float64] | None,
    *,
    show: bool = False,
) -> Clustered:
    """Run a fit of the door's, ``kmeans`` or ``miniBatch``, from centres or from drawn rows."""
    size = 8 * params["k"] * data.n_features
    with _arrays.shared_file(2 * size) as path:
        given = None
        if start is not None:
            given = f"{path}.start"
            np.ascontiguousarray(start, dtype=np.float64).tofile(given)
        handle = _bridge.call(f"{name}Fit", data._handle, _bridge.to_json(params), given)
        found = _fits.run(handle, params["max_iter"], show=show)
        told = _bridge.ask("kmeansResult", found, f"{path}.out")
        centres = np.fromfile(f"{path}.out").reshape(told["k"], data.n_features)
        labels = np.fromfile(f"{path}.out.labels", np.int32) if params["labels"] else None
        seen = None
        if name == "miniBatch":
            seen = np.fromfile(f"{path}.out.counts").reshape(2, -1)
    return Clustered(centres, labels, told, seen)


class Clustering(
    Featured,
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    ClusterMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """What the estimators share: data in, centres kept, rows labelled."""

    n_clusters: int
    init: Any
    n_init: Any
    max_iter: int
    tol: float
    verbose: Any
    random_state: Any
    distance: str
    cluster_centers_: NDArray[Any]
    labels_: NDArray[np.int32]
    inertia_: float

    _rules: ClassVar[dict[str, Rule]] = {
        "n_clusters": count,
        "max_iter": count,
        "tol": FINITE,
        "distance": partial(_checks.one_of, choices=("euclidean", "cosine")),
    }

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that sparse input is taken and float32 kept."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def _check_parameters(self) -> None:
        """Refuse parameters that cannot be used, before any work."""
        for name, rule in self._rules.items():
            rule(name, getattr(self, name))
        if isinstance(self.init, str):
            _checks.one_of("init", self.init, DRAWN)
        if not (isinstance(self.n_init, str) and self.n_init == "auto"):
            count("n_init", self.n_init)

    def _starts(self, several: int) -> int:
        """Return the number of starts."""
        drawn = callable(self.init) or (isinstance(self.init, str) and self.init == "random")
        if not isinstance(self.init, str) and not callable(self.init):
            if self.n_init not in ("auto", 1):
                warnings.warn(
                    f"init gives the centres: there is one start, not n_init={self.n_init} of them",
                    RuntimeWarning,
                    stacklevel=4,
                )
            return 1
        if isinstance(self.n_init, str):
            return several if drawn else 1
        return int(self.n_init)

    # ---- data in

    def _laid_out(
        self, x: Any, sample_weight: Any, *, reset: bool = True
    ) -> tuple[Layout, Any, bool]:
        """Return the data laid out, the array it came from if any, and whether it is ours."""
        if isinstance(x, Layout):
            if sample_weight is not None:
                raise TypeError("a layout has its weights; leave sample_weight")
            self._note_features(x)
            return x, None, False
        frame = _layout.as_frame(x, supervised=False)
        if frame is not None:
            data = _layout.of_frame(frame, None, sample_weight, target="none")
            self._note_features(data)
            return data, None, True
        matrix = self._checked(x, reset=reset)
        weights = _layout.checked_weights(sample_weight, matrix.shape[0])
        if matrix.shape[0] < self.n_clusters and reset:
            raise ValueError(
                f"n_samples={matrix.shape[0]} should be >= n_clusters={self.n_clusters}."
            )
        names = getattr(self, "feature_names_in_", None)
        data = _layout.of_arrays(matrix, None, weights, target="none", names=names)
        return data, matrix, True

    def _checked(self, x: Any, *, reset: bool) -> Any:
        _layout.refuse_kept(x)
        if hasattr(x, "to_pandas"):
            x = x.to_pandas()
        if reset:
            self._forget_columns()
        matrix = validate_data(
            self,
            x,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            order="C",
            accept_large_sparse=False,
            ensure_all_finite=False,
            reset=reset,
        )
        _layout.check_finite(matrix, "X", getattr(self, "feature_names_in_", None))
        return matrix

    def _given_starts(
        self, data: Layout, matrix: Any, n_init: int, random: np.random.RandomState
    ) -> NDArray[np.float64] | None:
        """Return the centres that the starts begin at, where `init` gives them."""
        if isinstance(self.init, str):
            return None
        if callable(self.init):
            if matrix is None:
                raise TypeError("init may be a function with arrays alone; give centres or a name")
            found = [self.init(matrix, self.n_clusters, random_state=random) for _ in range(n_init)]
        else:
            found = [self.init]
        shape = (self.n_clusters, data.n_features)
        centres = [check_array(c, accept_sparse="csr", dtype=np.float64) for c in found]
        for one in centres:
            if one.shape[0] != shape[0]:
                raise ValueError(
                    f"The shape of the initial centers {one.shape} does not match the number of"
                    f" clusters {shape[0]}."
                )
            if one.shape[1] != shape[1]:
                raise ValueError(
                    f"The shape of the initial centers {one.shape} does not match the number of"
                    f" features of the data {shape[1]}."
                )
            if self.distance == "cosine" and not row_norms(one).all():
                raise ValueError("a given centre is zero, and has no cosine distance")
        return np.stack([c.toarray() if sp.issparse(c) else c for c in centres])

    def _params(self, n_init: int, random: np.random.RandomState) -> dict[str, Any]:
        return {
            "k": int(self.n_clusters),
            "n_init": n_init,
            "init": self.init if isinstance(self.init, str) else "given",
            "max_iter": int(self.max_iter),
            "tol": float(self.tol),
            "cosine": self.distance == "cosine",
            "seed": int(random.randint(2**31 - 1)),
        }

    def _keep(self, found: Clustered, dtype: Any, *, whole: bool = True) -> None:
        """Keep what was found, of all rows or of a batch."""
        self.cluster_centers_ = found.centres.astype(dtype)
        report = found.report
        self.inertia_ = report["inertia"]
        self.n_iter_ = report["iterations"]
        self.n_clusters_found_ = report["found"]
        self.history_ = np.asarray(report["history"])
        self.report_ = {k: v for k, v in report.items() if k not in ("history", "inertia", "k")}
        if found.labels is not None:
            self.labels_ = found.labels
        elif hasattr(self, "labels_"):
            del self.labels_
        if whole and self.n_clusters_found_ < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({self.n_clusters_found_}) found smaller than"
                f" n_clusters ({self.n_clusters}). Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=4,
            )

    # ---- rows labelled

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Fit, and label the same rows.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.

        Returns
        -------
        ndarray of shape (n_samples,), or DataFrame
            As `predict` gives it.
        """
        self.fit(X, sample_weight=sample_weight)
        return self.labels_ if hasattr(self, "labels_") else self.predict(X)

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Fit, and return the distances of the same rows.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters), or DataFrame
            As `transform` gives it.
        """
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit; each estimator has its own."""
        raise NotImplementedError

    def predict(self, X: Any) -> Any:
        """Return the nearest centre of each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), Spark DataFrame or RDD

        Returns
        -------
        ndarray of shape (n_samples,), DataFrame or RDD
            The centres' numbers; of a Spark DataFrame, it with the column ``prediction`` more; of
            an RDD of rows, an RDD of numbers.
        """
        check_is_fitted(self)
        if _layout.is_spark(X):
            return self._on_spark(X, "prediction")
        matrix, centres = self._beside(self._checked(X, reset=False))
        if self.distance == "cosine":
            labels = np.argmax(np.asarray(matrix @ centres.T), axis=1)
        else:
            labels = pairwise_distances_argmin(matrix, centres)
        return labels.astype(np.int32)

    def _beside(self, matrix: Any) -> tuple[Any, NDArray[Any]]:
        """Return rows and centres of their dtype; dense ones without what is common to all.

        Far from the origin squares would lose the digits that distances are made of.
        """
        centres = self.cluster_centers_.astype(matrix.dtype, copy=False)
        if self.distance == "cosine" or sp.issparse(matrix):
            return matrix, centres
        shift = centres.mean(axis=0)
        return matrix - shift, centres - shift

    def transform(self, X: Any) -> Any:
        """Return the distance of each row from each centre.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame

        Returns
        -------
        ndarray of shape (n_samples, n_clusters), or DataFrame
            Euclidean distances, or 1 - cos; of a Spark DataFrame, it with the column ``distances``
            (an array) more.
        """
        check_is_fitted(self)
        if _layout.is_spark(X):
            return self._on_spark(X, "distances")
        matrix, centres = self._beside(self._checked(X, reset=False))
        between = cosine_distances if self.distance == "cosine" else euclidean_distances
        return between(matrix, centres)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return minus the inertia of other rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or what `fit` takes
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weights of the rows, or the name of their column.

        Returns
        -------
        float
            Minus the weighted sum of squared distances to the nearest centres (of the cosine
            distance, of 1 - cos, which is 1 for a row of zeros).
        """
        check_is_fitted(self)
        data = X if isinstance(X, Layout) else self._laid_out_to_score(X, sample_weight)
        try:
            with self._centres_file() as (path, meta):
                return -float(_bridge.call("kmeansInertia", data._handle, path, meta))
        finally:
            if data is not X:
                data.release()

    def _laid_out_to_score(self, x: Any, sample_weight: Any) -> Layout:
        frame = _layout.as_frame(x, supervised=False)
        if frame is not None:
            return _layout.of_frame(
                frame, None, sample_weight, target="none", features=self._columns_of(frame)
            )
        matrix = self._checked(x, reset=False)
        weights = _layout.checked_weights(sample_weight, matrix.shape[0])
        return _layout.of_arrays(matrix, None, weights, target="none")

    # ---- Spark

    def _centres_file(self) -> Any:
        return _CentresFile(self.cluster_centers_, cosine=self.distance == "cosine")

    def _on_spark(self, x: Any, out: str) -> Any:
        return beside_rows(x, lambda frame: self._on_frame(frame, out), out)

    def _on_frame(self, frame: Any, out: str) -> Any:
        with self._centres_file() as (path, meta):
            told = json.loads(meta) | {"columns": self._columns_of(frame), "out": out}
            handle = _bridge.call(
                "kmeansFrame", _bridge.frame_handle(frame), path, json.dumps(told)
            )
        return _bridge.frame_of(handle)


class _CentresFile:
    """Centres in a file that the JVM reads, and what it must know of them."""

    def __init__(self, centres: NDArray[Any], *, cosine: bool) -> None:
        self._centres = np.ascontiguousarray(centres, dtype=np.float64)
        self._cosine = cosine
        self._file = _arrays.shared_file(self._centres.nbytes)

    def __enter__(self) -> tuple[str, str]:
        path = self._file.__enter__()
        self._centres.tofile(path)
        k, features = self._centres.shape
        return str(path), json.dumps({"k": k, "features": features, "cosine": self._cosine})

    def __exit__(self, *of: Any) -> None:
        self._file.__exit__(*of)


def seed_of(random_state: Any) -> np.random.RandomState:
    """Return what scikit-learn makes of a `random_state`."""
    found: np.random.RandomState = check_random_state(random_state)
    return found
