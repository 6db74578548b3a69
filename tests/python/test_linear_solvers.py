"""Every solver reaches the same minimum; what certifies one holds; MLlib's steps are ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import make_classification

import mllib_py
from mllib_py import engine, linear
from mllib_py._linear import Setting, train

SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky", "local-sgd", "cocoa"]


def _data(kind: str) -> tuple[Any, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x, y = make_classification(400, 8, n_informative=5, flip_y=0.1, random_state=1)
    x = x * np.geomspace(0.3, 3, 8) + rng.normal(size=8)
    if kind == "sparse":
        x = sp.csr_matrix(np.where(rng.random(x.shape) < 0.15, x, 0.0))
    if kind == "float32":
        x = x.astype(np.float32)
    return x, y, rng.random(400) + 0.2


def _objective(model: Any, x: Any, y: np.ndarray, a: np.ndarray) -> float:
    """Write out what each estimator's docstring says, over the sum of weights."""
    margin = np.asarray(x @ np.ravel(model.coef_)).ravel() + np.ravel(model.intercept_)[0]
    s = 2 * y - 1
    if isinstance(model, linear.Ridge):
        losses, penalty = (y - margin) ** 2, model.alpha * model.coef_ @ model.coef_
        return float((a @ losses + penalty) / 2 / a.sum())
    if isinstance(model, linear.LogisticRegression):
        losses = np.logaddexp(0, -s * margin)
    else:
        power = 2 if model.loss == "squared_hinge" else 1
        losses = np.maximum(0, 1 - s * margin) ** power
    squares = float(np.ravel(model.coef_) @ np.ravel(model.coef_))
    return float((model.C * a @ losses + squares / 2) / (model.C * a.sum()))


MODELS = [
    lambda **k: linear.LogisticRegression(C=0.3, **k),
    lambda **k: linear.LinearSVC(C=0.1, **k),
    lambda **k: linear.Ridge(alpha=30.0, **k),
]


def test_the_solver_that_is_chosen() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 6))
    two, three = (x[:, 0] > 0).astype(int), rng.integers(0, 3, 600)
    wide = rng.normal(size=(600, 513))
    chosen = [
        linear.LogisticRegression().fit(x, two),
        linear.LogisticRegression().fit(x, three),
        linear.LogisticRegression(l1_ratio=1.0).fit(x, two),
        linear.LogisticRegression().fit(wide, two),
        linear.LogisticRegression(solver="newton-cholesky").fit(x, three),
        linear.LinearSVC().fit(x, two),
        linear.LinearSVC(loss="hinge", C=0.1).fit(x, two),
        linear.Ridge().fit(x, x[:, 0]),
    ]
    assert [model.report_["solver"] for model in chosen] == [
        "newton-cholesky",
        "lbfgs",
        "lbfgs",
        "lbfgs",
        "newton-cg",
        "newton-cholesky",
        "lbfgs",
        "direct",
    ]


def test_dual_ascent_goes_over_all_rows_in_one_order() -> None:
    # 3 MB, so several blocks; taken one after the other they would leave 1e-3 after as many rounds.
    rng = np.random.default_rng(0)
    mixing = np.eye(100) + rng.normal(size=(100, 100)) / 10
    x = rng.normal(size=(4000, 100)) @ mixing
    y = (x @ rng.normal(size=100) / 10 + rng.logistic(size=4000) / 2 > 0).astype(int)
    model = linear.LogisticRegression(C=1 / 200, fit_intercept=False, solver="cocoa", tol=1e-6)
    model.set_params(max_iter=12).fit(mllib_py.layout(x, y))
    assert model.report_["reason"] == "the duality gap is within tol"


@pytest.mark.parametrize("kind", ["dense", "sparse", "float32"])
@pytest.mark.parametrize("make", MODELS, ids=["logistic", "squared_hinge", "squares"])
@pytest.mark.parametrize("intercept", [True, False])
def test_every_solver_reaches_the_minimum(kind: str, make: Any, intercept: bool) -> None:
    x, y, a = _data(kind)
    found = {}
    for solver in SOLVERS:
        model = make(solver=solver, tol=1e-7, max_iter=3000, fit_intercept=intercept)
        found[solver] = _objective(model.fit(x, y, a), x, y, a)
        assert model.report_["solver"] == solver
        np.testing.assert_allclose(model.report_["objective"], found[solver], rtol=1e-8)
    np.testing.assert_allclose(list(found.values()), min(found.values()), rtol=3e-7)


@pytest.mark.parametrize("solver", ["lbfgs", "cocoa"])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_hinge_is_certified(solver: str, intercept: bool) -> None:
    x, y, a = _data("dense")
    tight = linear.LinearSVC(
        loss="hinge", C=0.1, tol=1e-6, max_iter=20_000, fit_intercept=intercept
    )
    lowest = _objective(tight.fit(x, y, a), x, y, a)
    for tol in (1e-1, 1e-2, 1e-3):
        model = tight.set_params(solver=solver, tol=tol).fit(x, y, a)
        report, value = model.report_, _objective(model, x, y, a)
        np.testing.assert_allclose(report["objective"], value, rtol=1e-9)
        assert report["gap"] <= tol * value
        assert value - lowest <= report["gap"] + 1e-9
        assert "gap" in report["reason"]


def test_the_dual_solver_takes_several_classes_by_the_hinge() -> None:
    x, y = make_classification(200, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0)
    models = [
        linear.LinearSVC(loss="hinge", C=0.05, tol=1e-4, max_iter=5000, solver=s).fit(x, y)
        for s in ("cocoa", "lbfgs")
    ]
    objectives = [m.report_["objective"] for m in models]
    np.testing.assert_allclose(objectives[0], objectives[1], rtol=2e-4)
    assert models[0].coef_.shape == (3, 6)


def test_what_a_solver_does_not_take_is_refused() -> None:
    x, y, _ = _data("dense")
    for solver, more, word in [
        ("cocoa", {"l1_ratio": 1.0}, "L2"),
        ("cocoa", {"C": np.inf}, "L2"),
        ("cocoa", {"standardize": True}, "standardize"),
        ("local-sgd", {"l1_ratio": 0.5}, "L1"),
    ]:
        with pytest.raises(ValueError, match=word):
            linear.LogisticRegression(solver=solver, **more).fit(x, y)
    three = np.arange(400) % 3
    for solver in ("cocoa", "local-sgd"):
        with pytest.raises(ValueError, match="take solver='lbfgs'"):
            linear.LogisticRegression(solver=solver).fit(x, three)
    with pytest.raises(ValueError, match="smooth"):
        linear.LinearSVC(loss="hinge", solver="local-sgd").fit(x, y)
    with pytest.raises(ValueError, match="layouts"):
        engine.minimize("squared", engine.Penalty(), engine.blocks(x, y), "cocoa")


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.0, 0.1), (0.05, 0.0)])
def test_mini_batch_takes_the_steps_of_mllib(spark: Any, l1: float, l2: float) -> None:
    from pyspark.mllib.classification import LogisticRegressionWithSGD, SVMWithSGD
    from pyspark.mllib.regression import LabeledPoint, LinearRegressionWithSGD

    x, y, _ = _data("dense")
    points = spark.sparkContext.parallelize(
        [LabeledPoint(float(c), r) for r, c in zip(x, y, strict=True)], 2
    )
    kind = "l1" if l1 else "l2" if l2 else None
    data = mllib_py.layout(x, y)
    for loss, theirs in [
        ("logistic", LogisticRegressionWithSGD),
        ("hinge", SVMWithSGD),
        ("squared", LinearRegressionWithSGD),
    ]:
        expected = theirs.train(
            points,
            iterations=15,
            step=0.05,
            regParam=l1 + l2,
            regType=kind,
            convergenceTol=0.0,
            initialWeights=np.zeros(8),
        )
        # Theirs penalises an intercept: compared without one, which the primitive always has.
        found = train(
            data,
            [Setting(l2, l1)],
            loss=loss,
            outputs=1,
            fit_intercept=False,
            standardize=False,
            solver="mini-batch",
            tol=0,
            max_iter=15,
            extra={"step": 0.05, "fraction": 1.0, "seed": 0},
        )[0]
        np.testing.assert_allclose(found.coef[0], expected.weights, rtol=1e-10, atol=1e-12)


def test_mini_batches_are_drawn(spark: Any) -> None:
    x, y, _ = _data("dense")
    for kind in ("dense", "float32", "sparse"):
        x, y, _ = _data(kind)
        data = mllib_py.layout(x, y)
        penalty = engine.Penalty(l2=0.1)
        runs = [
            engine.minimize(
                "logistic", penalty, data, "mini-batch", fraction=0.3, random_state=s, max_iter=200
            )
            for s in (0, 0, 1)
        ]
        assert np.array_equal(runs[0].coef, runs[1].coef)
        assert not np.array_equal(runs[0].coef, runs[2].coef)
        exact = engine.minimize("logistic", penalty, data, tol=1e-9)
        for run in runs:
            np.testing.assert_allclose(run.coef, exact.coef, atol=0.3)


def test_class_weights_on_layouts_and_frames(spark: Any) -> None:
    x, y, a = _data("dense")
    names = np.where(y == 1, "yes", "no")
    rows = [(*map(float, r), str(c), float(w)) for r, c, w in zip(x, names, a, strict=True)]
    frame = spark.createDataFrame(rows, [*[f"f{i}" for i in range(8)], "label", "a"])
    for weights in ("balanced", {"yes": 3.0}):
        model = linear.LogisticRegression(tol=1e-9, class_weight=weights, max_iter=500)
        arrays = model.fit(x, names).coef_
        np.testing.assert_allclose(model.fit(mllib_py.layout(x, names)).coef_, arrays, rtol=1e-5)
        found = model.fit(frame.drop("a"))
        np.testing.assert_allclose(found.coef_, arrays, rtol=1e-5)
    with pytest.raises(ValueError, match="maybe"):
        linear.LogisticRegression(class_weight={"maybe": 2.0}).fit(mllib_py.layout(x, names))


def test_a_bar_is_shown_on_request(capfd: pytest.CaptureFixture[str]) -> None:
    x, y, _ = _data("dense")
    linear.LogisticRegression().fit(x, y)
    assert "pass" not in capfd.readouterr().err
    linear.LogisticRegression(verbose=1).fit(x, y)
    assert "pass" in capfd.readouterr().err
