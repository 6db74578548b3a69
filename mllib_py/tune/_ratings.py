"""Searches and learning curves over ALS, whose data are ratings.

Searches are scikit-learn's on the folds' numbers.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
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
    _refuse("a search", search.scoring, y, params or None)
    if getattr(search, "resource", None) == "n_samples":
        raise ValueError("halving over ALS needs a resource that is a parameter: 'max_iter', say")
    whole = _of(ratings)
    folds = _folds(search.cv, whole, "a search")
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


def curve(
    als: Any, ratings: Any, *others: Any, train_sizes: Any, cv: Any, scoring: Any, seed: int
) -> tuple[NDArray[Any], ...]:
    """Score ALS on growing shares of each fold's rest, a share being part of the next.

    One fit at a time, since each has the whole cluster. Scores are minus the root mean square
    error. `others` are what ALS has no use for, and refuses unless they are None.

    Returns
    -------
    sizes, train_scores, test_scores, fit_times, score_times
        As scikit-learn's `learning_curve` has them; a size is the mean over the folds, whose
        ratings are drawn by chance.
    """
    told = "a learning curve"
    _refuse(told, scoring, *others)
    folds = _folds(cv, _of(ratings), told)
    shares = _shares(train_sizes, min(train.n_ratings for train, _ in folds))
    found = np.array(
        [[_point(clone(als), *fold, share, seed) for fold in folds] for share in shares]
    )
    sizes = np.rint(found[..., 0].mean(axis=1)).astype(int)
    return (sizes, *(found[..., i] for i in range(1, 5)))


def _point(als: Any, train: Any, test: Any, share: float, seed: int) -> tuple[float, ...]:
    part = train if share == 1 else train.split([share, 1 - share], seed=seed)[0]
    start = time.perf_counter()
    als.fit(part)
    fitted = time.perf_counter()
    score = minus_rmse(als, test)
    end = time.perf_counter()
    return part.n_ratings, minus_rmse(als, part), score, fitted - start, end - fitted


def _shares(train_sizes: Any, most: int) -> NDArray[np.float64]:
    sizes = np.unique(np.asarray(train_sizes))
    shares: NDArray[np.float64] = sizes / (most if np.issubdtype(sizes.dtype, np.integer) else 1)
    if not len(shares) or not (shares[0] > 0 and shares[-1] <= 1):
        raise ValueError(
            f"train_sizes are shares above 0 and at most 1, or at most {most} ratings, not "
            f"{train_sizes!r}"
        )
    return shares


def _of(ratings: Any) -> Any:
    import mllib_py

    return ratings if hasattr(ratings, "kfold") else mllib_py.ratings(ratings)


def _refuse(told: str, scoring: Any, *others: Any) -> None:
    if any(other is not None for other in others):
        raise ValueError(f"{told} over ALS takes ratings alone: leave y and other parameters")
    if scoring is not None:
        raise ValueError(f"{told} over ALS scores by its root mean square error; leave scoring")


def _folds(cv: Any, whole: Any, told: str) -> list[tuple[Any, Any]]:
    if cv is None or isinstance(cv, int):
        folds: list[tuple[Any, Any]] = whole.kfold(5 if cv is None else cv)
        return folds
    folds = list(cv) if isinstance(cv, list | tuple) else []
    if len(folds) < 2 or any(not isinstance(f, tuple) or len(f) != 2 for f in folds):
        raise ValueError(f"cv of {told} over ALS is a number of folds, or pairs of ratings")
    return folds
