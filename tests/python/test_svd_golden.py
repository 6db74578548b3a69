"""Singular triples are NumPy's, by every method and for every shape; what is not right, shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import svds
from sklearn.exceptions import ConvergenceWarning

import mllib_py
from mllib_py import _bridge
from mllib_py.decomposition import PCA, SVD, TruncatedSVD, svd

pytestmark = pytest.mark.usefixtures("spark")
METHODS = ["gramian", "randomized", "tsqr"]


def graded(rows: int, columns: int, values: Any, seed: int = 0) -> np.ndarray:
    """Return a matrix with these singular values."""
    rng = np.random.default_rng(seed)
    k = len(values)
    u = np.linalg.qr(rng.normal(size=(rows, k)))[0]
    v = np.linalg.qr(rng.normal(size=(columns, k)))[0]
    return (u * np.asarray(values)) @ v.T


def check(a: np.ndarray, found: SVD, k: int, share: float = 1e-11) -> None:
    """Hold triples against NumPy's; the vectors by what they do."""
    u, s, vt = found
    expected = np.linalg.svd(a, compute_uv=False)
    k = min(k, *a.shape)
    assert u.shape == (a.shape[0], k)
    assert s.shape == (k,)
    assert vt.shape == (k, a.shape[1])
    largest = max(expected[0], np.finfo(float).tiny)
    np.testing.assert_allclose(s, expected[:k], atol=share * largest, rtol=share)
    orthonormal = 1e-12 if share < 1e-6 else 1e-5
    assert np.linalg.norm(u.T @ u - np.eye(k)) <= orthonormal
    assert np.linalg.norm(vt @ vt.T - np.eye(k)) <= orthonormal
    residual = max(1e-9, 2 * share) * largest
    assert np.abs(a @ vt.T - u * s).max() <= residual
    assert np.abs(a.T @ u - vt.T * s).max() <= residual
    true = s > 1e-12 * largest
    assert (np.abs(vt).max(axis=1) == vt.max(axis=1))[true].all()
    assert found.certificate_.holds


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [1, 5, 25])
def test_dense(method: str, k: int) -> None:
    a = graded(400, 25, 0.8 ** np.arange(25))
    check(a, svd(a, k, method=method), k)


@pytest.mark.parametrize("method", METHODS)
def test_centred(method: str) -> None:
    a = graded(300, 20, 0.8 ** np.arange(20)) + 3
    check(a - a.mean(axis=0), svd(a, 4, method=method, center=True), 4)


@pytest.mark.parametrize("method", METHODS)
def test_float32(method: str) -> None:
    a = graded(500, 30, 0.7 ** np.arange(30)).astype(np.float32)
    check(a.astype(np.float64), svd(a, 6, method=method), 6, 1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("center", [False, True])
def test_sparse(method: str, center: bool) -> None:
    a = sp.random(600, 80, 0.05, format="csr", random_state=0)
    dense = a.toarray() - (a.toarray().mean(axis=0) if center else 0)
    check(dense, svd(a, 6, method=method, center=center), 6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("a", "k"),
    [
        (graded(50, 12, [5.0, 3.0, 1.0]), 6),  # rank-deficient
        (graded(50, 12, [1.0] * 12), 5),  # all singular values alike
        (np.zeros((20, 6)), 3),
        (np.arange(10.0)[:, None], 3),  # one column
        (np.arange(10.0)[None, :], 3),  # one row
        (graded(6, 40, 0.5 ** np.arange(6)), 10),  # wide, k above the smaller side
        (graded(30, 8, 0.5 ** np.arange(8)), 8),
        (np.vstack([np.eye(5), np.zeros((40, 5))]), 2),
        (1e-150 * graded(30, 8, 0.5 ** np.arange(8)), 3),
    ],
    ids=["deficient", "flat", "zero", "column", "row", "wide", "all", "equal", "tiny"],
)
def test_edges(method: str, a: np.ndarray, k: int) -> None:
    check(a, svd(a, k, method=method), k)


# The families of Li, Kluger, Tygert: Randomized algorithms for distributed computation of principal
# component analysis and singular value decomposition (2016), section 4: smooth decay to 1e-20,
# decay by steps, and a sudden drop; shrunk.
FAMILIES = {
    "smooth": np.exp(np.arange(40) / 39 * np.log(1e-20)),
    "steps": np.repeat(10.0 ** -np.arange(0, 20, 4), 8)[:40],
    "drop": np.r_[np.ones(10), np.full(30, 1e-14)],
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_left_vectors_of_ill_conditioned_rows_are_orthonormal(method: str, family: str) -> None:
    values = FAMILIES[family]
    a = graded(1000, 40, values)
    u, s, vt = found = svd(a, 20, method=method)
    assert np.linalg.norm(u.T @ u - np.eye(20)) <= 1e-12
    assert np.linalg.norm(vt @ vt.T - np.eye(20)) <= 1e-12
    np.testing.assert_allclose(s, values[:20], atol=2e-15 * np.sqrt(1000))
    assert np.linalg.norm(a - (u * s) @ vt, 2) <= values[20] + 1e-12
    assert found.certificate_.holds
    single = svd(a.astype(np.float32), 20, method=method)
    assert np.linalg.norm(single.U.T @ single.U - np.eye(20)) <= 1e-5


def test_rows_far_from_the_origin_have_a_certificate_that_holds() -> None:
    for seed in range(10):
        a = np.random.default_rng(seed).normal(size=(20, 4)) + 100
        found = svd(a, 4, center=True, random_state=seed, compute_u=False)
        assert found.certificate_.holds


def test_small_values_are_not_lost() -> None:
    """Below the square root of the rounding error the Gramian knows nothing; the QR does."""
    values = 10.0 ** -np.arange(0, 12, 0.5)
    a = graded(400, 24, values)
    for method in METHODS:
        np.testing.assert_allclose(svd(a, 24, method=method).s, values, rtol=1e-3, atol=2e-15)


def test_the_certificate_says_what_numpy_says() -> None:
    a = graded(300, 30, 0.9 ** np.arange(30))
    for method in METHODS:
        u, s, vt = found = svd(a, 5, method=method)
        c = found.certificate_
        error = np.linalg.norm(a - (u * s) @ vt, 2)
        assert c.error == pytest.approx(error, rel=1e-3)
        assert c.next_value == pytest.approx(0.9**5, rel=1e-3)
        assert c.residual_left >= 0.01 * np.linalg.norm(a.T @ u - vt.T * s, axis=0).max()
        assert c.passes >= 2


def test_a_fit_cut_short_says_so() -> None:
    a = np.random.default_rng(0).normal(size=(500, 200))
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        found = svd(a, 10, method="randomized", max_passes=2)
    assert not found.certificate_.holds


def test_bad_input_is_refused() -> None:
    a = graded(20, 4, [1.0, 0.5])
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        svd(a, 0)
    with pytest.raises(ValueError, match="method must be one of 'auto', 'gramian'"):
        svd(a, 1, method="jacobi")
    with pytest.raises(ValueError, match="tol must be a number of at least 0 and at most 1"):
        svd(a, 1, tol=-1e-3)
    with pytest.raises(ValueError, match="n_oversamples must be an integer of at least 1, not 0"):
        svd(a, 1, n_oversamples=0)
    with pytest.raises(ValueError, match="max_passes must be an integer of at least 1, not 0"):
        svd(a, 1, max_passes=0)
    laid = mllib_py.layout(a)
    for x in (a, laid):
        with pytest.raises(ValueError, match="features names columns of a Spark DataFrame"):
            svd(x, 1, features=["a"])
    laid.release()
    with pytest.raises(ValueError, match="method='gramian' sums a matrix of 50000 x 50000 numbers"):
        svd(sp.eye(4, 50_000, format="csr"), 1, method="gramian")
    a[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN: column \(values\) 2 \(1\)"):
        svd(a, 1)
    a[3, 2] = np.inf
    with pytest.raises(ValueError, match=r"contains infinity \(inf\): column \(values\) 2 \(1\)"):
        svd(a, 1)
    with pytest.raises(ValueError, match="beyond float64"):
        svd(np.full((4, 2), 1e200), 1)


def test_a_tolerance_of_0_is_the_default() -> None:
    a = graded(400, 60, 0.98 ** np.arange(60))
    zero = svd(a, 3, method="randomized", tol=0).certificate_
    assert zero == svd(a, 3, method="randomized").certificate_


def test_many_copies_of_a_singular_value() -> None:
    """A Krylov space of blocks has at most as many copies as a block has columns."""
    a = graded(80, 60, np.repeat([1.0, 0.5], 30))
    for k in (8, 17, 30):
        check(a, svd(a, k, method="randomized"), k)


def test_a_certificate_that_does_not_hold_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    a = graded(60, 12, 0.8 ** np.arange(12))
    asked = _bridge.ask

    def missing(name: str, *of: Any) -> Any:
        told = asked(name, *of)
        if name == "svdResult":
            told["certificate"]["holds"] = False
            told["failed"] = [{"name": "error", "value": 1.0, "most": 0.5}]
        return told

    monkeypatch.setattr(_bridge, "ask", missing)
    with pytest.warns(ConvergenceWarning, match=r"does not hold: error is 1, above 0\.5"):
        svd(a, 2)


def test_more_columns_than_spark_takes() -> None:
    few = [sp.random(*shape, 0.02, random_state=1) for shape in ((1000, 5), (5, 70_000))]
    a = few[0] @ sp.diags([9.0, 7.0, 5.0, 3.0, 2.0]) @ few[1]
    a = (a + 0.1 * sp.random(1000, 70_000, 2e-4, random_state=0)).tocsr()
    found = svd(a, 3)
    u, s, vt = svds(a, 3)
    np.testing.assert_allclose(found.s, s[::-1], rtol=1e-8)
    np.testing.assert_allclose(np.abs(np.diag(found.Vt @ vt[::-1].T)), 1, atol=1e-6)
    np.testing.assert_allclose(np.abs(np.diag(found.U.T @ u[:, ::-1])), 1, atol=1e-6)
    assert found.certificate_.holds


def test_weights_are_refused() -> None:
    a = graded(20, 4, [1.0, 0.5])
    weighted = mllib_py.layout(a, sample_weight=np.arange(20.0))
    classed = mllib_py.layout(a, np.arange(20) % 2)
    for data in (weighted, classed.by_class([1.0, 2.0])):
        for fit in (lambda d: svd(d, 1), PCA(1).fit, TruncatedSVD(1).fit):
            with pytest.raises(ValueError, match="takes no weights of rows"):
                fit(data)
    assert len(svd(classed, 1).s) == 1
    weighted.release()
    classed.release()


def test_a_layout_serves_several() -> None:
    a = graded(100, 10, 0.5 ** np.arange(10))
    data = mllib_py.layout(a, target="none")
    for k in (1, 3):
        check(a, svd(data, k), k)
    data.release()
