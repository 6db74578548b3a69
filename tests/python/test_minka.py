"""Minka's evidence is scikit-learn's, which is the independent implementation here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from mllib_py import _minka


@given(st.integers(2, 10), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_the_dimension_is_that_of_scikit_learn(d: int, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(d + 2 + more, d)) * rng.uniform(0.1, 3, size=d)
    theirs = PCA("mle", svd_solver="full").fit(x)
    variances = PCA(svd_solver="full").fit(x).explained_variance_
    assert _minka.dimension(variances, len(x)) == theirs.n_components_


def test_the_evidence_by_hand() -> None:
    # d = 2, k = 1: m = 1; pi(U) = 2^-1 Gamma(1) / pi; one pair of variances, 4 and 1.
    rows = 10
    by_hand = (
        -np.log(2 * np.pi)
        - 5 * np.log(4)
        - 5 * np.log(1)
        + np.log(2 * np.pi)
        - (np.log((4 - 1) * (1 - 1 / 4)) + np.log(rows)) / 2
        - np.log(rows) / 2
    )
    assert _minka.log_evidence(np.array([4.0, 1.0]), 1, rows) == pytest.approx(by_hand)


def test_equal_variances_have_a_dimension() -> None:
    assert 1 <= _minka.dimension(np.array([2.0, 2.0, 2.0, 0.1]), 50) <= 3
    assert _minka.dimension(np.array([1.0]), 5) == 0
