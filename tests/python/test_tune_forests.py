"""Forests grown on a cluster are scikit-learn's, tree by tree and bit by bit."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import ensemble as theirs
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mllib_py import tune

X, Y = make_classification(
    1500, 12, n_informative=6, n_classes=3, n_clusters_per_class=1, random_state=0
)
T = X[:, 0] * 3 + X[:, 1] ** 2
WEIGHTS = np.random.default_rng(0).uniform(0.1, 2, len(X))
HOLES = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)


@pytest.fixture(scope="module")
def slots() -> Iterator[Any]:
    backend = tune.LocalBackend(2)
    yield backend
    backend.close()


def same_trees(ours: Any, twin: Any) -> None:
    assert len(ours.estimators_) == len(twin.estimators_)
    for mine, tree in zip(ours.estimators_, twin.estimators_, strict=True):
        assert mine.random_state == tree.random_state
        a, b = mine.tree_.__getstate__(), tree.tree_.__getstate__()
        for name in a["nodes"].dtype.names:
            np.testing.assert_array_equal(a["nodes"][name], b["nodes"][name])
        np.testing.assert_array_equal(a["values"], b["values"])


CASES: list[tuple[str, dict[str, Any], Any, Any, Any]] = [
    ("RandomForestClassifier", {"oob_score": True, "max_samples": 0.5}, X, Y, None),
    ("RandomForestClassifier", {"class_weight": "balanced_subsample"}, X, Y, WEIGHTS),
    ("RandomForestClassifier", {"class_weight": {0: 1, 1: 5, 2: 1}, "oob_score": True}, X, Y, None),
    ("RandomForestClassifier", {"monotonic_cst": [1, -1] + [0] * 10}, X, Y > 0, None),
    ("RandomForestClassifier", {"max_depth": 4}, HOLES, Y.astype(str), None),
    ("RandomForestClassifier", {"ccp_alpha": 0.01}, sparse.csr_matrix(X), Y, None),
    ("RandomForestClassifier", {}, X, np.c_[Y, Y > 0], None),
    ("RandomForestRegressor", {"oob_score": True, "max_features": 0.5}, X, T, WEIGHTS),
    (
        "RandomForestRegressor",
        {"criterion": "absolute_error", "max_depth": 3},
        X[:300],
        T[:300],
        None,
    ),
    ("ExtraTreesClassifier", {"class_weight": "balanced"}, X, Y, None),
    ("ExtraTreesClassifier", {"bootstrap": True, "oob_score": True}, X, Y, WEIGHTS),
    ("ExtraTreesRegressor", {"min_samples_leaf": 3}, X, np.c_[T, -T], None),
]


@pytest.mark.parametrize(("name", "words", "x", "y", "weights"), CASES)
def test_the_same_trees(
    slots: Any, name: str, words: dict[str, Any], x: Any, y: Any, weights: Any
) -> None:
    ours = getattr(tune, name)(9, random_state=3, backend=slots, **words).fit(x, y, weights)
    twin = getattr(theirs, name)(9, random_state=3, **words).fit(x, y, weights)
    assert isinstance(ours, getattr(theirs, name))
    same_trees(ours, twin)
    np.testing.assert_array_equal(ours.predict(x), twin.predict(x))
    np.testing.assert_array_equal(ours.feature_importances_, twin.feature_importances_)
    for told in ("oob_score_", "oob_decision_function_", "oob_prediction_"):
        assert hasattr(ours, told) == hasattr(twin, told)
        if hasattr(twin, told):
            np.testing.assert_array_equal(getattr(ours, told), getattr(twin, told))


def test_an_embedding(slots: Any) -> None:
    ours = tune.RandomTreesEmbedding(6, random_state=3, backend=slots)
    twin = theirs.RandomTreesEmbedding(6, random_state=3)
    assert (ours.fit_transform(X) != twin.fit_transform(X)).nnz == 0
    same_trees(ours, twin)
    assert (ours.fit(X).transform(X) != twin.transform(X)).nnz == 0
    assert ours.cluster_report_["pieces"] > 0


def test_a_forest_that_goes_on(slots: Any) -> None:
    ours = tune.RandomForestClassifier(4, warm_start=True, random_state=0, backend=slots).fit(X, Y)
    ours.set_params(n_estimators=9).fit(X, Y)
    same_trees(ours, theirs.RandomForestClassifier(9, random_state=0).fit(X, Y))


NAMES = sorted(name for name in tune.__all__ if hasattr(theirs, name))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_the_twin_and_where(name: str) -> None:
    ours, twin = getattr(tune, name), getattr(theirs, name)
    wanted = dict(inspect.signature(twin).parameters)
    found = dict(inspect.signature(ours).parameters)
    assert set(found) - set(wanted) == {"backend"}
    for key, parameter in wanted.items():
        assert (found[key].default, found[key].kind) == (parameter.default, parameter.kind)
    if "estimators" not in wanted:
        made = ours(backend="local", random_state=5)
        assert made.get_params() == twin(random_state=5).get_params() | {"backend": "local"}
        assert clone(made).get_params() == made.get_params()


def test_what_is_fitted_holds_no_cluster(slots: Any) -> None:
    forest = tune.RandomForestClassifier(5, random_state=0, backend=slots).fit(X, Y)
    again = pickle.loads(pickle.dumps(forest))
    assert again.backend is None
    assert clone(forest).backend is slots
    np.testing.assert_array_equal(again.predict_proba(X), forest.predict_proba(X))
    assert not any("mllib_py" in type(value).__module__ for value in vars(again).values())


@pytest.mark.parametrize("name", NAMES)
def test_the_plain_object_is_read_where_this_package_is_not(
    slots: Any, name: str, tmp_path: Path
) -> None:
    given: Any = 4
    if name.startswith("Voting"):
        kind = name.removeprefix("Voting")
        inner = getattr(tune, f"RandomForest{kind}")(3, random_state=0)
        piped = make_pipeline(StandardScaler(), getattr(tune, f"ExtraTrees{kind}")(3))
        given = [("forest", inner), ("piped", piped)]
    ours = getattr(tune, name)(given, backend=slots).fit(X, Y)
    plain = ours.to_sklearn()
    assert type(plain) is getattr(theirs, name)
    method = "transform" if "Embedding" in name else "predict"
    wanted = np.asarray(getattr(ours, method)(X).sum(axis=0)).tolist()
    code = (
        "import pickle, sys; import numpy as np; sys.modules['mllib_py'] = None\n"
        "model, X = pickle.load(open(sys.argv[1], 'rb'))\n"
        f"print(np.asarray(model.{method}(X).sum(axis=0)).tolist(), model.get_params())"
    )

    def read(model: Any) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "model"
        path.write_bytes(pickle.dumps((model, X)))
        return subprocess.run(
            [sys.executable, "-c", code, path], capture_output=True, text=True, check=False
        )

    there = read(plain)
    assert there.returncode == 0, there.stderr
    assert there.stdout.startswith(str(wanted))
    assert "ModuleNotFoundError" in read(ours).stderr
    assert ours.backend is slots, "it has changed"


def test_data_travel_once(slots: Any) -> None:
    forest = tune.RandomForestClassifier(40, max_depth=3, random_state=0, backend=slots).fit(X, Y)
    report = forest.cluster_report_
    data = X.astype(np.float32).nbytes
    assert report["bytes_scattered"] == data
    # Beside the first time that they were seen, pieces carry labels of 12 kB and small trees.
    assert report["bytes_with_pieces"] < data + report["pieces"] * 16_000
    assert report["pieces_run_again"] == 0


def test_what_scikit_learn_refuses_is_refused_as_it_does(slots: Any) -> None:
    with pytest.raises(ValueError, match="The 'n_estimators' parameter of RandomForestClassifier"):
        tune.RandomForestClassifier(0, backend=slots).fit(X, Y)
    with pytest.raises(ValueError, match="Out of bag estimation only available if bootstrap=True"):
        tune.ExtraTreesClassifier(2, oob_score=True, backend=slots).fit(X, Y)
    with pytest.raises(ValueError, match="backend must be None, 'spark', 'local' or a Backend"):
        tune.RandomForestClassifier(2, backend="ray").fit(X, Y)
