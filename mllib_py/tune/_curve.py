"""Score and cost against the share of the data: whether more data, or a cluster, pays."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import model_selection
from sklearn.utils import check_random_state

from mllib_py.tune import _ratings, _run, _scoring


@dataclass(frozen=True)
class LearningCurve:
    """What `learning_curve` found. Rows are sizes, columns are splits.

    Attributes
    ----------
    sizes : ndarray of shape (n_sizes,)
        Rows that were trained on.
    train_scores, test_scores, fit_times, score_times : ndarray of shape (n_sizes, n_splits)
        Scores, and seconds.
    seconds : float
        From the call to its end, data sent and slots waited for; nan where it was not measured.
    """

    sizes: NDArray[np.int_]
    train_scores: NDArray[np.float64]
    test_scores: NDArray[np.float64]
    fit_times: NDArray[np.float64]
    score_times: NDArray[np.float64]
    seconds: float = float("nan")

    def frame(self) -> pd.DataFrame:
        """Return means over the splits, and the score's standard error, a row for each size."""
        splits = self.test_scores.shape[1]
        error = self.test_scores.std(axis=1, ddof=min(1, splits - 1)) / np.sqrt(splits)
        return pd.DataFrame(
            {
                "rows": self.sizes,
                "share": self.sizes / self.sizes[-1],
                "train_score": self.train_scores.mean(axis=1),
                "test_score": self.test_scores.mean(axis=1),
                "standard_error": error,
                "fit_seconds": self.fit_times.mean(axis=1),
                "score_seconds": self.score_times.mean(axis=1),
            }
        )

    @property
    def cost_exponent(self) -> float:
        """How a fit's seconds grow with its rows: as rows to this power; nan with one size."""
        times = self.fit_times.mean(axis=1)
        usable = times > 0
        if usable.sum() < 2:
            return float("nan")
        return float(np.polyfit(np.log(self.sizes[usable]), np.log(times[usable]), 1)[0])

    def explain(self) -> str:
        """Say whether more data pay, and whether a cluster does.

        What the last step brought, what it cost and how cost grows; and the seconds of all fits one
        after the other beside those that they took on the slots.
        """
        return " ".join(filter(None, (self._more_data(), self._cluster())))

    def _cluster(self) -> str:
        if not self.seconds > 0:
            return ""
        alone = float(self.fit_times.sum() + self.score_times.sum())
        times = alone / self.seconds
        told = "does not pay" if times < 1 else f"pays, {times:.1f} times as fast as one slot"
        return (
            f"All fits with their scores take {alone:.1f} s one after the other, and took "
            f"{self.seconds:.1f} s on the slots: a cluster {told}."
        )

    def _more_data(self) -> str:
        found = self.frame()
        if len(found) < 2:
            return "One size is no curve."
        before, last = found.iloc[-2], found.iloc[-1]
        gain = last.test_score - before.test_score
        spread = float(np.hypot(last.standard_error, before.standard_error))
        sure = "more than" if gain > 2 * spread else "no more than"
        dearer = last.fit_seconds / before.fit_seconds if before.fit_seconds > 0 else float("nan")
        return (
            f"From {before.rows:.0f} to {last.rows:.0f} rows the score changes by {gain:+.4f}, "
            f"{sure} its noise ({spread:.4f}), and a fit takes {dearer:.1f} times as long; "
            f"its time grows as rows to the power {self.cost_exponent:.1f}."
        )


def learning_curve(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    train_sizes: Any = (0.1, 0.325, 0.55, 0.775, 1.0),
    cv: Any = None,
    scoring: Any = None,
    exploit_incremental_learning: bool = False,
    n_jobs: int | None = None,
    pre_dispatch: Any = "all",
    verbose: int = 0,
    shuffle: bool = False,
    random_state: Any = None,
    error_score: Any = np.nan,
    params: Any = None,
    backend: Any = None,
    cores_per_trial: int = 1,
    trial_timeout: float | None = None,
) -> LearningCurve:
    """Score an estimator on growing shares of the data, fits spread over a cluster.

    scikit-learn's `learning_curve`, with the same scores, and what the fits cost.

    Parameters
    ----------
    estimator : estimator
    X, y
        Data, or in the place of X a handle of `scatter`. For ALS, ratings in the place of X: its
        shares are drawn by chance, its score is minus the root mean square error, its fits run one
        after the other on the whole cluster and an error ends them.
    groups : array-like, optional
        For the splitter.
    train_sizes : array-like, default=(0.1, 0.325, 0.55, 0.775, 1.0)
        Shares of the largest training set, or numbers of rows.
    cv, scoring, exploit_incremental_learning, pre_dispatch, verbose, shuffle, random_state
        As scikit-learn has them.
    n_jobs, error_score, backend, cores_per_trial, trial_timeout
        See `GridSearchCV`.
    params : dict, optional
        For the estimator's fit and the scorer.

    Returns
    -------
    LearningCurve

    Raises
    ------
    ValueError
        What scikit-learn refuses.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> curve = tune.learning_curve(
    ...     SVC(), X, y, shuffle=True, random_state=0, backend="local", n_jobs=2
    ... )
    >>> curve.sizes
    array([ 12,  39,  66,  93, 120])
    >>> bool(curve.test_scores[-1].mean() > curve.test_scores[0].mean())
    True
    """
    _run.check(n_jobs, cores_per_trial, trial_timeout)
    if _ratings.is_als(estimator):
        start = time.perf_counter()
        seed = int(check_random_state(random_state).randint(2**31))
        sizes, train, test, fit, score = _ratings.curve(
            estimator,
            X,
            y,
            groups,
            params or None,
            train_sizes=train_sizes,
            cv=cv,
            scoring=scoring,
            seed=seed,
        )
        return LearningCurve(sizes, train, test, fit, score, time.perf_counter() - start)
    _scoring.check(scoring)
    X, y, handle, more = _run.given(X, y, {} if groups is None else {"groups": groups})
    groups = more.get("groups")
    start = time.perf_counter()
    with _run.on_slots(
        estimator,
        (X, y, *(params or {}).values()),
        backend=backend,
        n_jobs=n_jobs,
        cores=cores_per_trial,
        timeout=trial_timeout,
        handle=handle,
    ):
        found = model_selection.learning_curve(
            estimator,
            X,
            y,
            groups=groups,
            train_sizes=np.asarray(train_sizes),
            cv=cv,
            scoring=scoring,
            exploit_incremental_learning=exploit_incremental_learning,
            n_jobs=n_jobs,
            pre_dispatch=pre_dispatch,
            verbose=verbose,
            shuffle=shuffle,
            random_state=random_state,
            error_score=error_score,
            return_times=True,
            params=params,
        )
    sizes, train, test, fit, score = found
    return LearningCurve(sizes, train, test, fit, score, time.perf_counter() - start)
