"""Singular values and principal components of rows on one machine or in Spark, certified."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from mllib_py import _checks, _layout
from mllib_py._decomposition import Certificate, Fit, completed, decompose, left_array, left_frame
from mllib_py._layout import Layout

__all__ = ["SVD", "Certificate", "svd"]

METHODS = ("auto", "gramian", "randomized", "tsqr")


class SVD:
    """A singular value decomposition, found by `svd`: it unpacks to U, s and Vt.

    Attributes
    ----------
    U : ndarray of shape (n_samples, k) or DataFrame
        Left vectors; of a Spark DataFrame, it with a column ``u`` more.
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
        certificate: Certificate,
        method: str,
    ) -> None:
        self.U = U
        self.s = s
        self.Vt = Vt
        self.certificate_ = certificate
        self.method_ = method

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
        How many triples; at most as many as the smaller side of the matrix.
    method : {"auto", "gramian", "randomized", "tsqr"}, default="auto"
        "gramian" sums the columns' products in one pass, "randomized" takes power steps of a few
        columns at a time, "tsqr" reduces the rows to a triangle; "auto" takes what costs least.
    center : bool, default=False
        Take the columns' means from the rows; sparse rows stay sparse.
    tol : float, optional
        Of the residuals, as a share of the largest singular value. Default: 1e-9, of float32 rows
        1e-5.
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
        Unpacks to U, s, Vt. Of arrays and layouts of arrays U is an array. Of a Spark DataFrame it
        is that with a column ``u``, and triples whose value is rounding are left out.

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
    frame = None if isinstance(X, Layout) else _layout.as_frame(X)
    data, ours = _laid_out(X, frame, features)
    try:
        fit = _decomposed(data, k, method, center, tol, n_oversamples, max_passes, random_state)
        if frame is not None:
            columns = _layout.feature_columns(frame, None, None, features)
            left = left_frame(fit, frame, columns, "u") if compute_u else None
            return SVD(left, fit.s, fit.vt, fit.certificate, fit.method)
        k = min(k, fit.rows, data.n_features)
        left = completed(left_array(fit), k) if compute_u else None
    finally:
        if ours:
            data.release()
    s = np.zeros(k)
    s[: len(fit.s)] = fit.s
    return SVD(left, s, completed(fit.vt.T, k).T, fit.certificate, fit.method)


def _laid_out(x: Any, frame: Any, features: Any) -> tuple[Layout, bool]:
    """Return the rows laid out, and whether they are ours to release."""
    if isinstance(x, Layout):
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
        tol=tol,
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
    return fit
