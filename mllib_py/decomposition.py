"""Singular values and principal components of rows on one machine or in Spark, certified."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mllib_py import _checks, _layout, _minka
from mllib_py._decomposition import (
    Certificate,
    Fit,
    completed,
    decompose,
    left_array,
    left_frame,
    moments,
    padded,
)
from mllib_py._features import Featured, beside_rows, column_as, linear_scores
from mllib_py._layout import Layout, is_spark

__all__ = ["PCA", "SVD", "Certificate", "TruncatedSVD", "svd"]

METHODS = ("auto", "gramian", "randomized", "tsqr")
#: scikit-learn's, whose names are known and which say nothing here.
_SOLVERS = ("auto", "full", "covariance_eigh", "arpack", "randomized")
_ALGORITHMS = ("arpack", "randomized")


class SVD:
    """A singular value decomposition, found by `svd`: it unpacks to U, s and Vt.

    Attributes
    ----------
    U : ndarray of shape (n_samples, k), DataFrame or RDD
        Left vectors; of a Spark DataFrame or a layout of one, it with a column ``u`` more; of an
        RDD of rows, one of the rows of U.
    s : ndarray of shape (k,)
        Singular values, descending.
    Vt : ndarray of shape (k, n_features)
        Right vectors by row; the largest entry of each is positive.
    certificate_ : Certificate
        What was measured of them.
    method_ : str
        Which method found them.
    """

    def __init__(
        self,
        U: Any,
        s: NDArray[np.float64],
        Vt: NDArray[np.float64],
        fit: Fit,
    ) -> None:
        self.U = U
        self.s = s
        self.Vt = Vt
        self.certificate_ = fit.certificate
        self.method_ = fit.method
        self._explained = fit.explain()

    def explain(self) -> str:
        """Say which method was taken, and what the others were thought to cost.

        Returns
        -------
        str
            Seconds are rough: they are there to be compared.

        Examples
        --------
        >>> from mllib_py.decomposition import svd
        >>> svd([[3.0, 0.0], [0.0, 4.0]], 1, method="tsqr").explain()
        "method='tsqr' was asked for"
        """
        return self._explained

    def __repr__(self) -> str:
        """Name the method and the leading values."""
        values = np.array2string(self.s, precision=4, threshold=6, edgeitems=3)
        return f"SVD(k={len(self.s)}, method={self.method_!r}, s={values})"

    def __iter__(self) -> Iterator[Any]:
        """Give U, s and Vt."""
        return iter((self.U, self.s, self.Vt))


def svd(
    X: Any,
    k: int,
    *,
    method: str = "auto",
    center: bool = False,
    tol: float | None = None,
    n_oversamples: int = 10,
    max_passes: int = 300,
    random_state: Any = 0,
    compute_u: bool = True,
    features: str | Sequence[str] | None = None,
) -> SVD:
    """Find the leading singular triples of a matrix.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), DataFrame, RDD, path or Layout
        As `mllib_py.layout` takes it. float32 rows are decomposed in float32, others in float64.
    k : int
        How many triples; of more than the smaller side of the matrix has, all that there are.
    method : {"auto", "gramian", "randomized", "tsqr"}, default="auto"
        "gramian" sums the columns' products in one pass, "randomized" takes power steps of a few
        columns at a time, "tsqr" reduces the rows to a triangle; "auto" takes what costs least.
    center : bool, default=False
        Take the columns' means from the rows; sparse rows stay sparse.
    tol : float, optional
        Of the residuals, as a share of the largest singular value. None or 0: 1e-9, of float32
        rows 1e-5.
    n_oversamples : int, default=10
        Vectors beyond k that the randomised method goes on with.
    max_passes : int, default=300
        After which it ends, converged or not.
    random_state : int, RandomState or None, default=0
        For the randomised start.
    compute_u : bool, default=True
        Whether to make the left vectors, a pass more.
    features : str or sequence of str, optional
        Of a Spark DataFrame or path: the columns, see `mllib_py.layout`.

    Returns
    -------
    SVD
        Unpacks to U, s, Vt. Of arrays and layouts of arrays U is an array. Of a Spark DataFrame,
        a path or a layout of one, it is that with a column ``u``, of an RDD an RDD of U's rows; in
        Spark triples whose value is rounding are left out.

    Warns
    -----
    ConvergenceWarning
        The vectors did not converge, or the certificate does not hold; it says which number fails.

    Raises
    ------
    ValueError
        k or another argument cannot be used, or X has NaN or infinite values.

    Examples
    --------
    >>> from mllib_py.decomposition import svd
    >>> U, s, Vt = svd([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]], 1)
    >>> s.round(6).tolist(), Vt.round(6).tolist()
    ([4.0], [[0.0, 1.0]])
    """
    _checks.whole("k", k, 1)
    _checks.one_of("method", method, METHODS)
    if tol is not None:
        _checks.number("tol", tol, 0, 1)
    _checks.whole("n_oversamples", n_oversamples, 1)
    _checks.whole("max_passes", max_passes, 1)
    frame = X._frame if isinstance(X, Layout) else _layout.as_frame(X, supervised=False)
    if features is not None and (frame is None or isinstance(X, Layout)):
        raise ValueError("features names columns of a Spark DataFrame or path; leave it out here")
    data, ours = _laid_out(X, frame, features)
    try:
        fit = _decomposed(data, k, method, center, tol, n_oversamples, max_passes, random_state)
        if frame is not None:
            left = None
            if compute_u:
                left = column_as(X, left_frame(fit, frame, data._columns, "u"), "u")
            return SVD(left, fit.s, fit.vt, fit)
        k = min(k, fit.rows, data.n_features)
        left = completed(left_array(fit), k) if compute_u else None
    finally:
        if ours:
            data.release()
    return SVD(left, padded(fit.s, k), completed(fit.vt.T, k).T, fit)


def _laid_out(x: Any, frame: Any, features: Any) -> tuple[Layout, bool]:
    """Return the rows laid out, and whether they are ours to release."""
    if isinstance(x, Layout):
        if x._weighted:
            raise ValueError(
                "a decomposition takes no weights of rows; lay the rows out without sample_weight"
            )
        return x, False
    if frame is not None:
        return _layout.of_frame(frame, None, None, target="none", features=features), True
    return _layout.layout(x, target="none"), True


def _decomposed(
    data: Layout,
    k: int,
    method: str,
    center: bool,
    tol: float | None,
    n_oversamples: int,
    max_passes: int,
    random_state: Any,
) -> Fit:
    fit = decompose(
        data,
        min(k, data.n_features),
        centred=bool(center),
        method=method,
        tol=tol or None,
        oversamples=n_oversamples,
        max_passes=max_passes,
        seed=int(check_random_state(random_state).randint(2**31 - 1)),
    )
    if not fit.converged:
        warnings.warn(
            f"the singular vectors did not converge in {fit.certificate.passes} passes: raise"
            " max_passes or tol, or take a smaller k",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif not fit.certificate.holds:
        warnings.warn(
            f"the certificate does not hold: {fit.failed()}; raise n_oversamples, or take"
            " method='gramian' or 'tsqr'",
            ConvergenceWarning,
            stacklevel=3,
        )
    return fit


class _Projection(Featured, TransformerMixin, ClassNamePrefixFeaturesOutMixin, BaseEstimator):  # type: ignore[misc]
    """What the estimators share: rows in, components kept, projections out."""

    components_: NDArray[np.float64]
    singular_values_: NDArray[np.float64]
    explained_variance_: NDArray[np.float64]
    explained_variance_ratio_: NDArray[np.float64]
    certificate_: Certificate
    method_: str
    method: str
    tol: float
    n_oversamples: int
    max_passes: int
    random_state: Any

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that sparse rows are taken, and that float32 ones stay such."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _laid_out(self, x: Any) -> tuple[Layout, bool]:
        """Return the rows laid out, and whether they are ours to release."""
        frame = None if isinstance(x, Layout) else _layout.as_frame(x, supervised=False)
        if isinstance(x, Layout) or frame is not None:
            data, ours = _laid_out(x, frame, None)
            self._dtype = np.dtype(data.facts["dtype"])
            self._note_features(data)
            return data, ours
        matrix = self._matrix(x, reset=True)
        names = getattr(self, "feature_names_in_", None)
        self._dtype = matrix.dtype
        return _layout.of_arrays(matrix, None, None, target="none", names=names), True

    def _matrix(self, x: Any, *, reset: bool) -> Any:
        """Return rows as an array or CSR, checked."""
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
            ensure_all_finite=False,
            ensure_min_samples=self._least_rows if reset else 1,
            ensure_min_features=self._least_features if reset else 1,
            reset=reset,
        )
        _layout.check_finite(matrix, "X", getattr(self, "feature_names_in_", None))
        return matrix

    _least_rows = 1
    _least_features = 1

    def _check_parameters(self) -> None:
        _checks.one_of("method", self.method, METHODS)
        _checks.number("tol", self.tol, 0, 1)
        _checks.whole("n_oversamples", self.n_oversamples, 1)
        _checks.whole("max_passes", self.max_passes, 1)

    def _found(self, data: Layout, k: int, center: bool) -> Fit:
        return _decomposed(
            data,
            k,
            self.method,
            center,
            self.tol,
            self.n_oversamples,
            self.max_passes,
            self.random_state,
        )

    def _kept(self, values: Any) -> NDArray[Any]:
        """Return numbers of the kind that the rows are of."""
        return np.asarray(values, dtype=self._dtype)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit the model, and project the rows that it was fitted to.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame
        y : None

        Returns
        -------
        ndarray of shape (n_samples, n_components), or DataFrame
        """
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> Any:
        """Project rows onto the components.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame or RDD

        Returns
        -------
        ndarray of shape (n_samples, n_components), DataFrame or RDD
            Of a Spark DataFrame, it with the column ``projection`` more; of an RDD of rows, one of
            projections.
        """
        check_is_fitted(self)
        if is_spark(X):
            return beside_rows(X, self._projected, "projection")
        matrix = self._matrix(X, reset=False)
        full = self._functions()
        projected = matrix @ full[:, :-1].T.astype(matrix.dtype)
        return np.asarray(projected) + full[:, -1].astype(matrix.dtype)

    def _projected(self, df: Any) -> Any:
        return linear_scores(df, self._columns_of(df), self._functions(), "projection")

    def explain(self) -> str:
        """Say which method was taken, and what the others were thought to cost.

        Returns
        -------
        str
            Seconds are rough: they are there to be compared.
        """
        check_is_fitted(self)
        return self._explained

    _explained: str

    def _functions(self) -> NDArray[np.float64]:
        """Return the linear functions that project, each with its constant behind."""
        raise NotImplementedError

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])


class TruncatedSVD(_Projection):
    """Project rows onto their leading right singular vectors, not centred.

    Parameters
    ----------
    n_components : int, default=2
        Singular vectors; at most as many as there are features.
    algorithm, n_iter, power_iteration_normalizer
        Taken for scikit-learn's sake, and not used: `method` says how, and steps go on until the
        vectors have converged.
    n_oversamples : int, default=10
        Vectors beyond these that the randomised method goes on with.
    random_state : int, RandomState or None, default=None
        For the randomised start.
    tol : float, default=0.0
        Of the residuals, as a share of the largest singular value. 0 is 1e-9, of float32 rows 1e-5.
    method : {"auto", "gramian", "randomized", "tsqr"}, default="auto"
        See `svd`.
    max_passes : int, default=300
        Passes after which the randomised method ends, converged or not.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The largest entry of each is positive.
    singular_values_ : ndarray of shape (n_components,)
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance of each projection, and its share of the columns' sum of variances.
    certificate_ : Certificate
        What was measured of the singular vectors.
    method_ : str
        Which method found them.
    n_features_in_ : int

    Examples
    --------
    >>> from mllib_py.decomposition import TruncatedSVD
    >>> model = TruncatedSVD(1).fit([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    >>> model.singular_values_.round(6).tolist(), model.transform([[1.0, 2.0]]).round(6).tolist()
    ([4.0], [[2.0]])
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        algorithm: str = "randomized",
        n_iter: int = 5,
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
        tol: float = 0.0,
        method: str = "auto",
        max_passes: int = 300,
    ) -> None:
        self.n_components = n_components
        self.algorithm = algorithm
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.tol = tol
        self.method = method
        self.max_passes = max_passes

    _least_features = 2

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the leading singular vectors.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Layout
            Or a Spark DataFrame, an RDD or a path, see `mllib_py.layout`.
        y : None

        Returns
        -------
        self
        """
        self._check_parameters()
        _checks.one_of("algorithm", self.algorithm, _ALGORITHMS)
        k = _checks.whole("n_components", self.n_components, 1)
        data, ours = self._laid_out(X)
        try:
            if k > data.n_features:
                raise ValueError(f"n_components({k}) must be at most n_features({data.n_features})")
            fit = self._found(data, k, False)
            means, variances = moments(data)
        finally:
            if ours:
                data.release()
        k = min(k, fit.rows)
        s = padded(fit.s, k)
        vt = completed(fit.vt.T, k).T
        variance = np.maximum(s**2 / fit.rows - (vt @ means) ** 2, 0)
        total = variances.sum()
        self.components_ = self._kept(vt)
        self.singular_values_ = self._kept(s)
        self.explained_variance_ = self._kept(variance)
        self.explained_variance_ratio_ = self._kept(variance / total if total > 0 else 0 * s)
        self.certificate_, self.method_ = fit.certificate, fit.method
        self._explained = fit.explain()
        return self

    def _functions(self) -> NDArray[np.float64]:
        zeros = np.zeros((len(self.components_), 1))
        return np.hstack([np.asarray(self.components_, dtype=np.float64), zeros])

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """Return rows whose projections these are, as near as the components allow.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        _layout.refuse_spark(X, "inverse_transform")
        rows: NDArray[Any] = check_array(X, dtype=[np.float64, np.float32]) @ self.components_
        return rows


class PCA(_Projection):
    """Project rows onto their principal components.

    Parameters
    ----------
    n_components : int, float, "mle" or None, default=None
        How many; a share between 0 and 1 takes as many as explain so much of the variance, None
        all of them, and "mle" guesses by Minka's method.
    copy, iterated_power, power_iteration_normalizer
        Taken for scikit-learn's sake, and not used: steps go on until the components have
        converged.
    whiten : bool, default=False
        Give projections variance 1.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        Taken for scikit-learn's sake: `method` says how.
    tol : float, default=0.0
        Of the residuals, as a share of the largest singular value. 0 is 1e-9, of float32 rows 1e-5.
    n_oversamples : int, default=10
        Vectors beyond these that the randomised method goes on with.
    random_state : int, RandomState or None, default=None
        For the randomised start.
    method : {"auto", "gramian", "randomized", "tsqr"}, default="auto"
        See `svd`.
    max_passes : int, default=300
        Passes after which the randomised method ends, converged or not.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The largest entry of each is positive.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance of each projection, and its share of the columns' sum of variances.
    singular_values_ : ndarray of shape (n_components,)
        Of the centred rows.
    mean_ : ndarray of shape (n_features,)
    n_components_, n_features_in_, n_samples_ : int
    noise_variance_ : float
        Mean variance of the components left out.
    certificate_ : Certificate
        What was measured of the singular vectors.
    method_ : str
        Which method found them.

    Examples
    --------
    >>> from mllib_py.decomposition import PCA
    >>> model = PCA(1).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> model.components_.round(3).tolist(), model.explained_variance_ratio_.round(6).tolist()
    ([[0.707, 0.707]], [1.0])
    """

    def __init__(
        self,
        n_components: Any = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: str = "auto",
        tol: float = 0.0,
        iterated_power: Any = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
        method: str = "auto",
        max_passes: int = 300,
    ) -> None:
        self.n_components = n_components
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.method = method
        self.max_passes = max_passes

    _least_rows = 2
    whiten: bool

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the principal components.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Layout
            Or a Spark DataFrame, an RDD or a path, see `mllib_py.layout`.
        y : None

        Returns
        -------
        self
        """
        self._check_parameters()
        _checks.one_of("svd_solver", self.svd_solver, _SOLVERS)
        data, ours = self._laid_out(X)
        try:
            rows = int(data.facts["rows"])
            if rows < 2:
                raise ValueError(f"PCA needs at least 2 rows for a variance; X has {rows}")
            most = min(rows, data.n_features)
            fit = self._found(data, self._asked(most), True)
            means, variances = moments(data)
        finally:
            if ours:
                data.release()
        self._keep(fit, most, means, variances)
        return self

    def _asked(self, most: int) -> int:
        """Return how many components must be found to know which are wanted."""
        n = self.n_components
        if n is None or n == "mle" or (isinstance(n, float) and 0 < n < 1):
            return most
        if not isinstance(n, int | np.integer) or isinstance(n, bool) or not 1 <= n <= most:
            raise ValueError(
                f"n_components={n!r} must be an integer between 1 and min(n_samples, n_features)="
                f"{most}, a share between 0 and 1, 'mle' or None"
            )
        return int(n)

    def _keep(
        self, fit: Fit, most: int, means: NDArray[np.float64], variances: NDArray[np.float64]
    ) -> None:
        found = self._asked(most)
        s = padded(fit.s, found)
        variance = s**2 / (fit.rows - 1)
        total = variances.sum() * fit.rows / (fit.rows - 1)
        ratio = variance / total if total > 0 else np.zeros_like(s)
        k = self._wanted(variance, ratio, fit.rows)
        left_out = min(fit.rows, len(means)) - k
        noise = max(total - variance[:k].sum(), 0) / left_out if left_out > 0 else 0.0
        self.n_samples_, self.n_components_ = fit.rows, k
        self.components_ = self._kept(completed(fit.vt.T, found).T[:k])
        self.singular_values_ = self._kept(s[:k])
        self.explained_variance_ = self._kept(variance[:k])
        self.explained_variance_ratio_ = self._kept(ratio[:k])
        self.mean_ = self._kept(means)
        self.noise_variance_ = float(noise)
        self.certificate_, self.method_ = fit.certificate, fit.method
        self._explained = fit.explain()

    def _wanted(self, variance: NDArray[np.float64], ratio: NDArray[np.float64], rows: int) -> int:
        if isinstance(self.n_components, float):
            share = np.cumsum(ratio)
            return min(int(np.searchsorted(share, self.n_components, side="right")) + 1, len(share))
        if self.n_components == "mle":
            return _minka.dimension(variance, rows)
        return len(variance)

    def _scale(self) -> NDArray[np.float64]:
        """Return what whitening divides by; ones where there is none."""
        if not self.whiten:
            return np.ones(self.n_components_)
        deviations = np.sqrt(np.asarray(self.explained_variance_, dtype=np.float64))
        return np.maximum(deviations, np.finfo(self.explained_variance_.dtype).eps)

    def _functions(self) -> NDArray[np.float64]:
        w = np.asarray(self.components_, dtype=np.float64) / self._scale()[:, None]
        return np.hstack([w, -(w @ np.asarray(self.mean_, dtype=np.float64))[:, None]])

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """Return rows whose projections these are, as near as the components allow.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        _layout.refuse_spark(X, "inverse_transform")
        projected = check_array(X, dtype=[np.float64, np.float32])
        w = (self.components_ * self._scale()[:, None]).astype(projected.dtype)
        rows: NDArray[Any] = projected @ w + self.mean_.astype(projected.dtype)
        return rows

    def to_sklearn(self) -> Any:
        """Return scikit-learn's estimator with these components.

        Returns
        -------
        sklearn.decomposition.PCA

        Examples
        --------
        >>> from mllib_py.decomposition import PCA
        >>> model = PCA(1).fit([[0.0, 0.0], [1.0, 2.0], [2.0, 3.0]]).to_sklearn()
        >>> type(model).__module__.split(".")[0], model.n_components_
        ('sklearn', 1)
        """
        from sklearn.decomposition import PCA as Twin

        check_is_fitted(self)
        twin = Twin(self.n_components_, whiten=self.whiten)
        for name, value in vars(self).items():
            if (name.endswith("_") or name == "n_features_in_") and name not in (
                "certificate_",
                "method_",
            ):
                setattr(twin, name, value)
        return twin

    def get_covariance(self) -> NDArray[np.float64]:
        """Return the covariance of the model, ``components_`` and noise.

        Returns
        -------
        ndarray of shape (n_features, n_features)
        """
        covariance: NDArray[np.float64] = self.to_sklearn().get_covariance()
        return covariance

    def get_precision(self) -> NDArray[np.float64]:
        """Return the inverse of the covariance of the model.

        Returns
        -------
        ndarray of shape (n_features, n_features)
        """
        precision: NDArray[np.float64] = self.to_sklearn().get_precision()
        return precision

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return the log-likelihood of each row under the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        _layout.refuse_spark(X, "score_samples")
        likelihood: NDArray[np.float64] = self.to_sklearn().score_samples(X)
        return likelihood

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of rows under the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None

        Returns
        -------
        float
        """
        return float(np.mean(self.score_samples(X)))
