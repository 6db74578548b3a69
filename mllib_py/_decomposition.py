"""What decompositions share: from a layout to singular triples, and to their left vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mllib_py import _arrays, _bridge, _fits
from mllib_py._layout import Layout

Array = NDArray[np.float64]


class Certificate(NamedTuple):
    """What was measured of a decomposition, on the vectors that it hands out.

    Parameters
    ----------
    residual_right : float
        The largest :math:`|A v - s u|`.
    residual_left : float
        The largest :math:`|A^T u - s v|`.
    orthonormal_u, orthonormal_v : float
        Frobenius norms of :math:`U^T U - I` and :math:`V^T V - I`.
    error : float
        An estimate from below of :math:`|A - U S V^T|_2`, in a Krylov space of random vectors.
        A leading triple that was missed shows here, and in no residual.
    next_value : float or None
        The singular value behind the last one, the least that such an error can be: what the
        Gramian says, or the randomised method's estimate, which is from below.
    resolution : float
        Errors below it are rounding.
    tolerance : float
        What residuals are held against, as a share of the largest singular value.
    passes : int
        Passes over the data.
    holds : bool
        Whether residuals are within the tolerance, vectors are orthonormal (to 1e-12, of float32
        data 1e-5), and the error is that of the values left out.
    """

    residual_right: float
    residual_left: float
    orthonormal_u: float
    orthonormal_v: float
    error: float
    next_value: float | None
    resolution: float
    tolerance: float
    passes: int
    holds: bool


class Fit:
    """Singular triples that were found, values descending; as many as the matrix has."""

    def __init__(self, handle: _bridge.Handle, s: Array, vt: Array, told: dict[str, Any]) -> None:
        self.handle = handle
        self.s = s
        self.vt = vt
        self.rows: int = told["rows"]
        self.method: str = told["method"]
        self.converged: bool = told["converged"]
        self.certificate = Certificate(**told["certificate"])
        self._failed: list[dict[str, Any]] = told["failed"]
        self.costs: list[dict[str, Any]] = told["costs"]

    def failed(self) -> str:
        """Say which numbers of the certificate are above what they may be; "" if none is."""
        return ", ".join(
            f"{f['name']} is {f['value']:.3g}, above {f['most']:.3g}" for f in self._failed
        )

    def explain(self) -> str:
        """Say which method was taken, and what the others were thought to cost."""
        if not self.costs:
            return f"method={self.method!r} was asked for"
        lines = [f"method={self.method!r}: the least seconds of those that fit the driver's memory"]
        lines += [
            f"  {c['method']:<11}{c['seconds']:>10.3g} s, {c['passes']:>3} passes,"
            f" {c['driver_bytes'] / 1e6:>10.3g} MB on the driver"
            + ("" if c["fits"] else ", does not fit")
            for c in self.costs
        ]
        return "\n".join(lines)


def decompose(
    data: Layout,
    k: int,
    *,
    centred: bool,
    method: str,
    tol: float | None,
    oversamples: int,
    max_passes: int,
    seed: int,
) -> Fit:
    """Find the k leading singular triples of a layout's rows.

    Parameters
    ----------
    data : Layout
    k : int
    centred : bool
        Whether the columns' means are taken from the rows.
    method : {"auto", "gramian", "randomized", "tsqr"}
    tol : float or None
        Of residuals, as a share of the largest singular value.
    oversamples, max_passes, seed : int

    Returns
    -------
    Fit
    """
    params = {
        "k": k,
        "method": method,
        "centred": centred,
        "tol": tol,
        "oversamples": oversamples,
        "max_passes": max_passes,
        "seed": seed,
    }
    with _arrays.shared_file(8 * k * (data.n_features + 1)) as path:
        handle = _bridge.call("svdFit", data._handle, _bridge.to_json(params))
        found = _fits.run(handle, max_passes, show=False)
        told = _bridge.ask("svdResult", found, str(path))
        s = np.fromfile(f"{path}.s")
        vt = np.fromfile(f"{path}.v").reshape(told["found"], data.n_features)
    return Fit(found, s, vt, told)


def left_array(fit: Fit) -> Array:
    """Return the left vectors, of shape (n_rows, n_found): a pass."""
    shape = (fit.rows, len(fit.s))
    with _arrays.shared_file(8 * shape[0] * shape[1]) as path:
        _bridge.call("svdLeft", fit.handle, str(path))
        return np.fromfile(path).reshape(shape)


def left_frame(fit: Fit, df: Any, columns: Sequence[str], out: str) -> Any:
    """Return a Spark DataFrame with the left vectors' rows in a column more."""
    meta = json.dumps({"columns": list(columns), "out": out})
    handle = _bridge.call("svdLeftFrame", fit.handle, _bridge.frame_handle(df), meta)
    return _bridge.frame_of(handle)


def moments(data: Layout) -> tuple[Array, Array]:
    """Return the columns' means and variances; a pass where none was made."""
    with _arrays.shared_file(16 * data.n_features) as path:
        _bridge.call("momentsResult", data._handle, str(path))
        return np.fromfile(f"{path}.means"), np.fromfile(f"{path}.variances")


def completed(found: Array, k: int) -> Array:
    """Return orthonormal columns with others behind them, so that there are k."""
    n, r = found.shape
    if r >= k:
        return found[:, :k]
    rest = np.random.default_rng(0).normal(size=(n, k - r))
    for _ in range(2):
        rest -= found @ (found.T @ rest)
        rest, _ = np.linalg.qr(rest)
    return np.hstack([found, rest])


def padded(s: Array, k: int) -> Array:
    """Return singular values with zeros behind them, so that there are k."""
    return np.pad(s, (0, max(0, k - len(s))))[:k]
