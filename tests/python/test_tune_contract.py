"""scikit-learn's own checks of estimators, over those of `mllib_py.tune`."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from mllib_py import tune

pytestmark = pytest.mark.e2e  # for its time: 700 checks, each with fits in other processes

# Started by the first fit, and shared by all.
LOCAL = tune.LocalBackend(2)
C = {"C": [0.1, 1.0]}
SOME: dict[str, Any] = {"n_trials": 2, "cv": 2, "random_state": 0}
TREES: dict[str, Any] = {"n_estimators": 3, "random_state": 0}
TWO = [("a", LogisticRegression()), ("b", LogisticRegression(C=0.1))]

ESTIMATORS = [
    tune.GridSearchCV(LogisticRegression(), C, cv=2),
    tune.RandomizedSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, n_iter=2, cv=2),
    tune.AshaSearchCV(SGDClassifier(random_state=0), {"alpha": [1e-4, 1e-3]}, **SOME),
    tune.TPESearchCV(LogisticRegression(), C, **SOME),
    tune.MultiModelSearchCV({"one": (LogisticRegression(), C)}, cv=2),
    tune.RandomForestClassifier(**TREES),
    tune.ExtraTreesRegressor(**TREES),
    tune.RandomTreesEmbedding(**TREES),
    tune.OneVsRestClassifier(LogisticRegression()),
    tune.OneVsOneClassifier(LogisticRegression()),
    tune.VotingClassifier(TWO),
    tune.RFE(LogisticRegression()),
]

_LIVE = "the check hashes parameters by pickling them; the backend of these tests is a live thing"
_WEIGHTS = "bootstraps and random splits draw otherwise for weights, as scikit-learn's own"
_FAILED = "trials that all failed are a ValueError, which has the TypeError's text"
_WORKER = "a worker's warnings stay there"
_EXPECTED = {
    "RandomForestClassifier": dict.fromkeys(
        (
            "check_sample_weight_equivalence_on_dense_data",
            "check_sample_weight_equivalence_on_sparse_data",
        ),
        _WEIGHTS,
    ),
    "AshaSearchCV": {"check_dtype_object": _FAILED},
    "TPESearchCV": {"check_dtype_object": _FAILED},
    "RandomizedSearchCV": {"check_supervised_y_2d": _WORKER},
}
_EXPECTED["RandomTreesEmbedding"] = _EXPECTED["RandomForestClassifier"]


def expected(estimator: Any) -> dict[str, str]:
    """Give the checks that an estimator is known to fail, with the reason."""
    others = _EXPECTED.get(type(estimator).__name__, {})
    return {"check_estimators_overwrite_params": _LIVE, **others}


@parametrize_with_checks(
    [e.set_params(backend=LOCAL) for e in ESTIMATORS], expected_failed_checks=expected
)
def test_estimators_keep_scikit_learns_contract(
    estimator: Any, check: functools.partial[None]
) -> None:
    check(estimator)
