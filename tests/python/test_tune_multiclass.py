"""Ensembles of models, and eliminations of features, that are fitted on a cluster."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn import ensemble, feature_selection, multiclass
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from mllib_py import tune

X, Y = make_classification(
    3000, 8, n_informative=5, n_classes=4, n_clusters_per_class=1, random_state=0
)
LABELS = np.array(["a", "b", "c", "d"])[Y]


@pytest.fixture(scope="module")
def slots() -> Iterator[Any]:
    backend = tune.LocalBackend(2)
    yield backend
    backend.close()


HOMES = {
    "OneVsRestClassifier": multiclass,
    "OneVsOneClassifier": multiclass,
    "VotingClassifier": ensemble,
    "VotingRegressor": ensemble,
    "RFE": feature_selection,
    "RFECV": feature_selection,
}


@pytest.mark.parametrize("name", HOMES)
def test_parameters_are_those_of_the_twin(name: str) -> None:
    ours, twin = getattr(tune, name), getattr(HOMES[name], name)
    assert issubclass(ours, twin)
    wanted = dict(inspect.signature(twin).parameters)
    found = dict(inspect.signature(ours).parameters)
    extra = {"backend"} | ({"max_negatives", "random_state"} if "Rest" in name else set())
    assert set(found) - set(wanted) == extra
    assert list(found)[: len(wanted)] == list(wanted)
    given = [("nb", GaussianNB())] if name.startswith("Voting") else LogisticRegression()
    made = ours(given, backend="local")
    assert clone(made).get_params().keys() == made.get_params().keys()


@pytest.mark.parametrize("x", [X, sparse.csr_matrix(X), pd.DataFrame(X).add_prefix("x")])
def test_one_against_the_rest(slots: Any, x: Any) -> None:
    ours = tune.OneVsRestClassifier(LogisticRegression(), backend=slots).fit(x, LABELS)
    twin = multiclass.OneVsRestClassifier(LogisticRegression()).fit(x, LABELS)
    np.testing.assert_array_equal(ours.predict_proba(x), twin.predict_proba(x))
    assert ours.predict(x).tolist() == twin.predict(x).tolist()
    assert ours.n_features_in_ == 8
    assert hasattr(ours, "feature_names_in_") == isinstance(x, pd.DataFrame)
    again = pickle.loads(pickle.dumps(ours))
    assert again.backend is None
    np.testing.assert_array_equal(again.decision_function(x), ours.decision_function(x))


def test_several_labels_at_once(slots: Any) -> None:
    x, y = make_multilabel_classification(400, 10, random_state=0)
    ours = tune.OneVsRestClassifier(LogisticRegression(), backend=slots).fit(x, y)
    twin = multiclass.OneVsRestClassifier(LogisticRegression()).fit(x, y)
    np.testing.assert_array_equal(ours.predict(x), twin.predict(x))
    few = tune.OneVsRestClassifier(
        LogisticRegression(), max_negatives=1.0, random_state=0, backend=slots
    ).fit(x, y)
    assert few.multilabel_
    np.testing.assert_allclose(few.predict_proba(x).mean(0), y.mean(0), atol=0.05)


def test_one_against_one(slots: Any) -> None:
    ours = tune.OneVsOneClassifier(LinearSVC(random_state=0), backend=slots).fit(X, LABELS)
    twin = multiclass.OneVsOneClassifier(LinearSVC(random_state=0)).fit(X, LABELS)
    np.testing.assert_array_equal(ours.decision_function(X), twin.decision_function(X))
    assert ours.cluster_report_["bytes_scattered"] > 0


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_votes(slots: Any, voting: str) -> None:
    models = [
        ("forest", RandomForestClassifier(5, random_state=0)),
        ("bayes", GaussianNB()),
        ("none", "drop"),
    ]
    ours = tune.VotingClassifier(models, voting=voting, backend=slots)
    ours.fit(X, LABELS, sample_weight=np.ones(len(X)))
    twin = ensemble.VotingClassifier(models, voting=voting)
    twin.fit(X, LABELS, sample_weight=np.ones(len(X)))
    assert ours.predict(X).tolist() == twin.predict(X).tolist()
    assert set(ours.named_estimators_) == set(twin.named_estimators_)
    assert ours.set_params(bayes="drop").get_params()["bayes"] == "drop"


def test_the_mean_of_regressors(slots: Any) -> None:
    models = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
    ours = tune.VotingRegressor(models, weights=[1, 2], backend=slots).fit(X, X[:, 0])
    twin = ensemble.VotingRegressor(models, weights=[1, 2]).fit(X, X[:, 0])
    np.testing.assert_array_equal(ours.predict(X), twin.predict(X))


def test_eliminations_find_the_same_features(slots: Any) -> None:
    x, y = X[:400], Y[:400]
    words: dict[str, Any] = {"step": 1, "cv": 3, "min_features_to_select": 2}
    ours = tune.RFECV(LogisticRegression(), backend=slots, **words).fit(x, y)
    twin = feature_selection.RFECV(LogisticRegression(), **words).fit(x, y)
    assert ours.ranking_.tolist() == twin.ranking_.tolist()
    for name, values in twin.cv_results_.items():
        np.testing.assert_array_equal(ours.cv_results_[name], values)
    forest = RandomForestClassifier(12, random_state=0)
    mine = tune.RFE(forest, n_features_to_select=3, step=2, backend=slots).fit(x, y)
    other = feature_selection.RFE(forest, n_features_to_select=3, step=2).fit(x, y)
    assert mine.ranking_.tolist() == other.ranking_.tolist()
    # A forest of each of 3 steps and of the last one; importances are read where the trees are.
    assert 4 <= mine.cluster_report_["pieces"] <= 4 * 12


def test_negatives_of_each_class_are_a_part_and_probabilities_are_not_moved(slots: Any) -> None:
    full = tune.OneVsRestClassifier(LogisticRegression(), backend=slots).fit(X, LABELS)
    few = tune.OneVsRestClassifier(
        LogisticRegression(), max_negatives=400, random_state=0, backend=slots
    ).fit(X, LABELS)
    assert isinstance(few, multiclass.OneVsRestClassifier)
    for model, label in zip(few.estimators_, few.classes_, strict=True):
        assert model.negative_share_ == 400 / (label != LABELS).sum()
    # Uncorrected, the share of negatives (0.18) would more than double the probabilities.
    each = np.column_stack([m.predict_proba(X)[:, 1] for m in few.estimators_])
    wanted = np.column_stack([m.predict_proba(X)[:, 1] for m in full.estimators_])
    np.testing.assert_allclose(each.mean(0), wanted.mean(0), rtol=0.1)
    assert few.score(X, LABELS) > full.score(X, LABELS) - 0.02
    assert few.estimator.__class__ is LogisticRegression
    same = clone(few).fit(X, LABELS)
    np.testing.assert_array_equal(same.predict_proba(X), few.predict_proba(X))


@pytest.mark.parametrize("max_negatives", [None, 10_000, 1.0])
def test_requested_weights_are_routed_to_the_models(slots: Any, max_negatives: Any) -> None:
    weights = np.random.default_rng(0).uniform(0.1, 5, len(X))
    words = {"max_negatives": max_negatives, "random_state": 0, "backend": slots}
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        many = tune.OneVsRestClassifier(model, **words).fit(X, LABELS, sample_weight=weights)
        twin = multiclass.OneVsRestClassifier(model).fit(X, LABELS, sample_weight=weights)
        if max_negatives == 1.0:
            share = many.estimators_[0].negative_share_
            without = tune.OneVsRestClassifier(model, **words).fit(X, LABELS)
            assert share != without.estimators_[0].negative_share_, "weights do not count"
        else:
            np.testing.assert_array_equal(many.predict_proba(X), twin.predict_proba(X))
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            tune.OneVsRestClassifier(LogisticRegression(), **words).fit(
                X, LABELS, sample_weight=weights
            )


def test_plain_objects_of_ensembles(slots: Any) -> None:
    forest = tune.RandomForestClassifier(3, random_state=0)
    made = [
        tune.OneVsRestClassifier(forest, backend=slots),
        tune.OneVsOneClassifier(forest, backend=slots),
        tune.RFE(forest, n_features_to_select=3, backend=slots),
        tune.RFECV(forest, step=4, cv=2, backend=slots),
    ]
    for ours in made:
        ours.fit(X[:300], LABELS[:300])
        plain = ours.to_sklearn()
        assert type(plain).__module__.startswith("sklearn.")
        assert b"mllib_py" not in pickle.dumps(plain)
        assert plain.predict(X).tolist() == ours.predict(X).tolist()
        assert not hasattr(plain, "cluster_report_")
    few = tune.OneVsRestClassifier(LogisticRegression(), max_negatives=9, backend=slots)
    with pytest.raises(ValueError, match="scikit-learn has no NegativeDownsamplingClassifier"):
        few.fit(X, LABELS).to_sklearn()


def test_a_model_inside_a_model_is_fitted_in_the_workers_slot(slots: Any) -> None:
    inner = tune.RandomForestClassifier(3, random_state=0)
    many = tune.OneVsRestClassifier(inner, backend=slots).fit(X[:300], LABELS[:300])
    twin = multiclass.OneVsRestClassifier(RandomForestClassifier(3, random_state=0))
    twin.fit(X[:300], LABELS[:300])
    np.testing.assert_array_equal(many.predict_proba(X), twin.predict_proba(X))


def test_what_is_refused(slots: Any) -> None:
    for bad in (0, -1.0, True, "few", np.inf):
        with pytest.raises(ValueError, match="max_negatives must be an integer of at least 1"):
            tune.OneVsRestClassifier(SVC(), max_negatives=bad, backend=slots).fit(X, Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        tune.OneVsRestClassifier(SVC(), backend=slots).fit(X[:5], Y[:4])
