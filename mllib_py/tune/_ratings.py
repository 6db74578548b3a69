"""Searches over ALS, whose data are ratings: scikit-learn's searches on the folds' numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone


def is_als(estimator: Any) -> bool:
    """Tell whether an estimator learns from ratings."""
    return type(estimator).__module__ == "mllib_py.recommendation"


def minus_rmse(model: Any, ratings: Any, y: Any = None) -> float:
    """Score by the root mean square error, where higher is better."""
    return -float(model.score(ratings))


class _OnFolds(BaseEstimator):  # type: ignore[misc]
    """An ALS whose rows are the numbers of folds: fitted without one, it is on that fold's rest."""

    def __init__(self, als: Any, folds: list[tuple[Any, Any]], whole: Any) -> None:
        self.als, self.folds, self.whole = als, folds, whole
        self.distributed = als

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        params: dict[str, Any] = self.als.get_params()
        return params

    def set_params(self, **params: Any) -> _OnFolds:
        self.als.set_params(**params)
        return self

    def __sklearn_clone__(self) -> _OnFolds:
        return _OnFolds(clone(self.als), self.folds, self.whole)

    def fit(self, X: Any, y: Any = None) -> _OnFolds:
        without = set(range(len(self.folds))) - set(np.ravel(X).tolist())
        self.als.fit(self.folds[without.pop()][0] if without else self.whole)
        return self

    def score(self, X: Any, y: Any = None) -> float:
        return minus_rmse(self.als, self.folds[int(np.ravel(X)[0])][1])


def fit(search: Any, ratings: Any, y: Any, params: dict[str, Any]) -> None:
    """Fit a search over ALS; each candidate's score is minus the root mean square error."""
    import mllib_py

    if y is not None or params:
        raise ValueError("a search over ALS takes ratings alone: leave y and other parameters")
    if search.scoring is not None:
        raise ValueError("a search over ALS scores by its root mean square error; leave scoring")
    if getattr(search, "resource", None) == "n_samples":
        raise ValueError("halving over ALS needs a resource that is a parameter: 'max_iter', say")
    whole = ratings if hasattr(ratings, "kfold") else mllib_py.ratings(ratings)
    folds = _folds(search.cv, whole)
    numbers = np.arange(len(folds))
    # What a clone copies, and is to be the caller's own.
    own = {k: v for k, v in search.get_params(False).items() if k in ("storage", "random_state")}
    inner = clone(search).set_params(
        **own,
        estimator=_OnFolds(clone(search.estimator), folds, whole),
        cv=[(np.delete(numbers, i), numbers[i : i + 1]) for i in numbers],
    )
    inner.fit(numbers[:, None])
    for name, value in vars(inner).items():
        if name.endswith("_") and not name.startswith("_"):
            setattr(search, name, value)
    search.scorer_ = minus_rmse
    if hasattr(inner, "best_estimator_"):
        search.best_estimator_ = inner.best_estimator_.als


def _folds(cv: Any, whole: Any) -> list[tuple[Any, Any]]:
    if cv is None or isinstance(cv, int):
        folds: list[tuple[Any, Any]] = whole.kfold(5 if cv is None else cv)
        return folds
    folds = list(cv) if isinstance(cv, list | tuple) else []
    if len(folds) < 2 or any(not isinstance(f, tuple) or len(f) != 2 for f in folds):
        raise ValueError("cv of a search over ALS is a number of folds, or pairs of ratings")
    return folds
