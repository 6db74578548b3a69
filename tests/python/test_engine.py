"""The primitives: sums over blocks, gradients, minimisers; on arrays and on Spark alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.ml.linalg import Vectors
from scipy.optimize import approx_fprime
from sklearn.exceptions import ConvergenceWarning

import mllib_py
from mllib_py import engine
from mllib_py.engine import Loss, Penalty

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4))
LABELS = (X @ [1.0, -1.0, 0.5, 0.0] + RNG.normal(size=150) > 0).astype(float)
NUMBERS = X @ [1.0, -1.0, 0.5, 0.0] + RNG.normal(size=150)


def _targets(loss: str) -> np.ndarray:
    return NUMBERS if loss == "squared" else LABELS


@pytest.fixture(scope="module")
def frame(spark: Any) -> Any:
    rows = [(Vectors.dense(r), float(c)) for r, c in zip(X, LABELS, strict=True)]
    return spark.createDataFrame(rows, ["features", "label"]).repartition(20)


@pytest.mark.parametrize("loss", list(engine.LOSSES))
def test_gradients_are_those_of_finite_differences(loss: str) -> None:
    data, w = engine.blocks(X, _targets(loss)), RNG.normal(size=4)
    _, slope = engine.gradient(data, loss, w)
    expected = approx_fprime(w, lambda v: engine.gradient(data, loss, v)[0], 1e-7)
    np.testing.assert_allclose(slope, expected, atol=1e-5)


@pytest.mark.parametrize("loss", [n for n, of in engine.LOSSES.items() if of.curvature])
def test_hessians_are_those_of_finite_differences(loss: str) -> None:
    data, w, v = engine.blocks(X, _targets(loss)), RNG.normal(size=4), RNG.normal(size=4)
    step = 1e-6
    forward, back = (engine.gradient(data, loss, w + s * v)[1] for s in (step, -step))
    found = engine.hessian_vector(data, loss, w, v)
    np.testing.assert_allclose(found, (forward - back) / (2 * step), atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50), st.floats(-10, 10))
def test_losses_are_convex_and_above_their_tangents(margins: list[float], at: float) -> None:
    m, here = np.array(margins), np.full(len(margins), at)
    for of in engine.LOSSES.values():
        for y in (np.zeros_like(m), np.ones_like(m)):
            tangent = of.value(y, here) + of.slope(y, here) * (m - here)
            assert (of.value(y, m) >= tangent - 1e-9 * (1 + np.abs(tangent))).all()


def test_sums_on_spark_are_those_of_arrays(frame: Any) -> None:
    here, there = engine.blocks(X, LABELS), engine.blocks(frame)
    assert (there.n_rows, there.n_features) == (150, 4)
    total, count = engine.tree_sum(there, lambda x, y: (x.sum(axis=0), len(y)))
    np.testing.assert_allclose(total, X.sum(axis=0))
    assert count == 150
    for data in (here, there):
        found = engine.minimize("logistic", Penalty(l2=0.1), data)
        np.testing.assert_allclose(
            found.coef, engine.minimize("logistic", Penalty(l2=0.1), here).coef, atol=1e-5
        )
    there.release()


def test_sparse_rows_of_spark_and_columns_of_numbers(spark: Any, frame: Any) -> None:
    x = sp.random(60, 10, 0.2, format="csr", random_state=1)
    rows = [(Vectors.sparse(10, r.indices.tolist(), r.data.tolist()), 1.0) for r in x]
    data = engine.blocks(spark.createDataFrame(rows, ["features", "label"]))
    np.testing.assert_allclose(
        np.ravel(engine.tree_sum(data, lambda x, y: x.sum(axis=0))), np.ravel(x.sum(axis=0))
    )
    data.release()
    named = spark.createDataFrame([(1.0, 2, 0.0), (3.0, 4, 1.0)], ["a", "b", "label"])
    data = engine.blocks(named)
    assert engine.tree_sum(data, lambda x, y: x.sum(axis=0)).tolist() == [4.0, 6.0]
    data.release()


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge", "squared", "huber"])
@pytest.mark.parametrize("penalty", [Penalty(l2=0.1), Penalty(0.02, 0.05)])
def test_blocks_and_layouts_share_their_minimum(loss: str, penalty: Penalty, spark: Any) -> None:
    y = _targets(loss)
    layout = mllib_py.layout(X, y, target="numbers" if loss == "squared" else "classes")
    there = engine.minimize(loss, penalty, layout, tol=1e-9)
    # The intercept is not penalised: blocks get it by taking it away.
    shifted = Loss(
        lambda t, m: engine.LOSSES[loss].value(t, m + there.intercept),
        lambda t, m: engine.LOSSES[loss].slope(t, m + there.intercept),
    )
    here = engine.minimize(shifted, penalty, engine.blocks(X, y), tol=1e-9)
    np.testing.assert_allclose(here.coef, there.coef, atol=1e-5)
    assert abs(here.objective - there.objective) < 1e-8
    layout.release()


def test_newton_takes_fewer_iterations() -> None:
    data = engine.blocks(X, LABELS)
    slow = engine.minimize("logistic", Penalty(l2=0.01), data)
    fast = engine.minimize("logistic", Penalty(l2=0.01), data, "newton-cg")
    np.testing.assert_allclose(fast.coef, slow.coef, atol=1e-4)
    assert fast.report["iterations"] < slow.report["iterations"]


def test_a_loss_of_ones_own() -> None:
    """Least absolute deviations, rounded off: its minimum is near the median."""
    pinched = Loss(
        lambda y, m: np.sqrt((m - y) ** 2 + 1e-4), lambda y, m: (m - y) / np.hypot(m - y, 1e-2)
    )
    y = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
    found = engine.minimize(pinched, Penalty(), engine.blocks(np.ones((5, 1)), y))
    assert abs(found.coef[0] - 2) < 0.1


def test_bad_input_is_refused_by_name(frame: Any, spark: Any) -> None:
    data = engine.blocks(X, LABELS)
    with pytest.raises(ValueError, match="loss must be one of 'logistic'"):
        engine.gradient(data, "cauchy", np.zeros(4))
    with pytest.raises(ValueError, match=r"coefficients must have the shape \(4,\)"):
        engine.gradient(data, "logistic", np.zeros(3))
    with pytest.raises(ValueError, match="no curvature"):
        engine.hessian_vector(data, "hinge", np.zeros(4), np.zeros(4))
    with pytest.raises(ValueError, match="method must be one of"):
        engine.minimize("logistic", Penalty(), data, "adam")
    with pytest.raises(ValueError, match=r"penalty\.l1 must be a number"):
        engine.minimize("logistic", Penalty(l1=-1), data)
    with pytest.raises(ValueError, match="does not take an L1 penalty"):
        engine.minimize("logistic", Penalty(l1=1), data, "newton-cg")
    with pytest.raises(ValueError, match="column"):
        engine.blocks(frame, "target")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        engine.blocks([[np.nan]])
    with pytest.raises(ValueError, match="as many rows"):
        engine.blocks(X, [1.0])
    with pytest.raises(ValueError, match=r"labels 0 and 1, and .* targets are others"):
        engine.minimize("logistic", Penalty(), engine.blocks(X, np.where(LABELS, 1, -1)))
    with pytest.raises(ValueError, match="the hinge has a corner"):
        engine.minimize("hinge", Penalty(l2=1), data)
    with pytest.raises(ValueError, match=r"for numbers, and the layout has the classes \[3, 7\]"):
        engine.minimize("squared", Penalty(), mllib_py.layout(X, np.where(LABELS, 7, 3)))
    with pytest.raises(ValueError, match="has no targets"):
        engine.minimize("squared", Penalty(), mllib_py.layout(X))
    with pytest.warns(ConvergenceWarning, match="minimize did not converge"):
        cut = engine.minimize("logistic", Penalty(l2=0.01), data, max_iter=2)
    assert cut.report["gradient"] > 1e-6
    data.release()
    with pytest.raises(ValueError, match="released"):
        engine.gradient(data, "logistic", np.zeros(4))


@pytest.mark.parametrize("loss", sorted(set(engine.LOSSES) - {"hinge"}))
def test_losses_are_the_same_on_blocks_and_in_the_jvm(loss: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = x @ [1.0, -1.0, 0.5] + rng.standard_t(2, size=300)
    if loss not in ("squared", "huber"):
        y = (y > 0).astype(float)
    ones = engine.blocks(np.column_stack([x, np.ones(300)]), y)
    there = engine.minimize(loss, Penalty(), mllib_py.layout(x, y), tol=1e-8)
    here = engine.minimize(loss, Penalty(), ones, tol=1e-8)
    np.testing.assert_allclose(there.objective, here.objective, rtol=1e-9)
    np.testing.assert_allclose([*there.coef, there.intercept], here.coef, atol=1e-4)
