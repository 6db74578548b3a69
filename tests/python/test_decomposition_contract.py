"""PCA and TruncatedSVD keep scikit-learn's contract, and the library's own with bad input."""

from __future__ import annotations

import inspect
import lzma
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import decomposition as twins
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mllib_py
from mllib_py import decomposition
from mllib_py.decomposition import PCA, TruncatedSVD

pytestmark = pytest.mark.usefixtures("spark")

ESTIMATORS = [PCA(), PCA(2, method="randomized"), TruncatedSVD(n_components=1)]
#: A folder with MNIST's images, the 60,000 of the training set first.
MNIST = Path(
    os.environ.get("MLLIB_PY_MNIST", Path(__file__).parents[3] / "shared" / "data" / "mnist")
)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 8)) @ np.diag(0.7 ** np.arange(8)) @ rng.normal(size=(8, 8)) + 5


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator: Any, check: Any, spark: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("name", ["PCA", "TruncatedSVD"])
def test_parameters_are_those_of_the_twin(name: str) -> None:
    ours = getattr(decomposition, name)
    theirs = inspect.signature(getattr(twins, name).__init__).parameters
    found = inspect.signature(ours.__init__).parameters
    for parameter in theirs.values():
        assert parameter.name in found
        assert found[parameter.name].default == parameter.default
        assert found[parameter.name].kind == parameter.kind
    assert set(found) - set(theirs) == {"method", "max_passes"}
    for parameter in found:
        assert parameter == "self" or parameter in ours.__doc__


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("n", [3, 8, None, 0.9, "mle"])
def test_pca_is_that_of_scikit_learn(rows: np.ndarray, n: Any, whiten: bool) -> None:
    ours = PCA(n, whiten=whiten).fit(rows)
    theirs = twins.PCA(n, whiten=whiten, svd_solver="full").fit(rows)
    assert ours.n_components_ == theirs.n_components_
    for name in (
        "components_",
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "mean_",
        "noise_variance_",
    ):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), atol=1e-9, err_msg=name
        )
    projected = ours.transform(rows)
    np.testing.assert_allclose(projected, theirs.transform(rows), atol=1e-8)
    np.testing.assert_allclose(
        ours.inverse_transform(projected), theirs.inverse_transform(projected), atol=1e-8
    )
    np.testing.assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-8)
    np.testing.assert_allclose(ours.get_precision(), theirs.get_precision(), rtol=1e-6, atol=1e-6)
    assert ours.score(rows) == pytest.approx(theirs.score(rows))
    assert ours.get_feature_names_out()[0] == "pca0"
    assert ours.certificate_.holds


@pytest.mark.parametrize("sparse", [False, True])
def test_truncated_svd_is_that_of_scikit_learn(rows: np.ndarray, sparse: bool) -> None:
    x: Any = sp.random(90, 30, 0.1, format="csr", random_state=1) if sparse else rows
    ours = TruncatedSVD(4, random_state=0).fit(x)
    theirs = twins.TruncatedSVD(4, algorithm="arpack", tol=0, random_state=0).fit(x)
    for name in ("singular_values_", "explained_variance_", "explained_variance_ratio_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-7)
    np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-7)
    np.testing.assert_allclose(ours.fit_transform(x), theirs.transform(x), atol=1e-7)
    back = ours.inverse_transform(ours.transform(x))
    np.testing.assert_allclose(back, theirs.inverse_transform(theirs.transform(x)), atol=1e-7)


def test_sparse_rows_are_centred_without_being_dense() -> None:
    x = sp.random(200, 40, 0.1, format="csr", random_state=0)
    ours, theirs = PCA(3).fit(x), twins.PCA(3, svd_solver="full").fit(x.toarray())
    np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-8)
    np.testing.assert_allclose(ours.transform(x), theirs.transform(x.toarray()), atol=1e-8)


def test_they_fit_in_a_pipeline_and_pickle(rows: np.ndarray) -> None:
    for model in (PCA(2), TruncatedSVD(2)):
        pipeline = make_pipeline(StandardScaler(), clone(model)).fit(rows)
        again = pickle.loads(pickle.dumps(pipeline))
        np.testing.assert_array_equal(again.transform(rows), pipeline.transform(rows))


def test_float32_stays_float32(rows: np.ndarray) -> None:
    single = rows.astype(np.float32)
    ours = PCA(2).fit(single)
    assert ours.components_.dtype == ours.transform(single).dtype == np.float32
    np.testing.assert_allclose(ours.components_, PCA(2).fit(rows).components_, atol=1e-4)


def test_a_layout_serves_several_fits(rows: np.ndarray) -> None:
    data = mllib_py.layout(rows, target="none")
    for n in (1, 2):
        fitted = PCA(n).fit(data)
        np.testing.assert_allclose(fitted.components_, PCA(n).fit(rows).components_, atol=1e-9)
    data.release()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PCA(9), "n_components=9 must be an integer between 1 and"),
        (lambda: PCA(0), "n_components=0 must be an integer between 1 and"),
        (lambda: PCA(1.5), "n_components=1.5 must be"),
        (lambda: PCA(method="qr"), "method must be one of 'auto', 'gramian'"),
        (lambda: PCA(tol=-1), "tol must be a number of at least 0"),
        (lambda: PCA(n_oversamples=0), "n_oversamples must be an integer of at least 1"),
        (lambda: TruncatedSVD(9), r"n_components\(9\) must be at most n_features\(8\)"),
        (lambda: TruncatedSVD(max_passes=0), "max_passes must be an integer of at least 1"),
    ],
)
def test_bad_parameters_are_refused_by_name(rows: np.ndarray, make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make().fit(rows)


def images() -> np.ndarray:
    """Return MNIST's training images, rows of bytes in an .xz file, or skip."""
    found = sorted(MNIST.glob("images*x784.u8.xz"))
    if not found:
        pytest.skip("MNIST's images are not there; MLLIB_PY_MNIST names their folder")
    content = lzma.decompress(found[0].read_bytes())
    return np.frombuffer(content, np.uint8).reshape(-1, 784)[:60_000]


def test_mnist() -> None:
    x = images()
    assert len(x) == 60_000
    right = [0.09704664, 0.07095924, 0.06169089, 0.05389419, 0.04868797]
    for dtype in (np.float64, np.float32):
        found = PCA(5).fit(x.astype(dtype))
        share = 6e-9 if dtype == np.float64 else 1e-6
        np.testing.assert_allclose(found.explained_variance_ratio_, right, atol=share)
        assert found.certificate_.holds


def test_what_only_fits_take_is_refused_elsewhere(rows: np.ndarray, spark: Any) -> None:
    data = mllib_py.layout(rows, target="none")
    frame = spark.createDataFrame([(1.0, 2.0)], ["a", "b"])
    for model in (PCA(2).fit(rows), TruncatedSVD(2).fit(rows)):
        with pytest.raises(TypeError, match="a layout is for fits; give the rows"):
            model.transform(data)
        with pytest.raises(TypeError, match=r"'rows\.csv' is a path, which fits alone take"):
            model.transform("rows.csv")
        with pytest.raises(TypeError, match="inverse_transform takes an array; collect"):
            model.inverse_transform(frame)
    with pytest.raises(TypeError, match="score_samples takes an array"):
        PCA(2).fit(rows).score(frame)


def test_solvers_are_known_by_name(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="svd_solver must be one of 'auto'"):
        PCA(2, svd_solver="fast").fit(rows)
    with pytest.raises(ValueError, match="algorithm must be one of 'arpack'"):
        TruncatedSVD(2, algorithm="fast").fit(rows)


def test_a_decomposition_shows_itself(rows: np.ndarray) -> None:
    found = decomposition.svd(np.diag([4.0, 2.0]), 2)
    assert repr(found) == "SVD(k=2, method='gramian', s=[4. 2.])"
