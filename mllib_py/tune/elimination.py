"""Recursive feature elimination on a cluster."""

from __future__ import annotations

from typing import Any, Self

from sklearn import feature_selection as theirs

from mllib_py.tune import _scoring
from mllib_py.tune._spread import Spread, init_of

__all__ = ["RFE", "RFECV"]


class _Elimination(Spread):
    def fit(self, X: Any, y: Any, **params: Any) -> Self:
        """Eliminate features.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        **params
            As scikit-learn's `fit` takes them: `groups`, say.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A metric that does not exist, or what scikit-learn refuses.
        """
        _scoring.check(getattr(self, "scoring", None))
        with self._on_cluster():
            super().fit(X, y, **params)  # type: ignore[misc]
        return self


class RFECV(_Elimination, theirs.RFECV):  # type: ignore[misc]
    """The number of features that cross-validates best, by recursive elimination on a cluster.

    It is a `sklearn.feature_selection.RFECV`, with its parameters, and finds the same features.
    Folds are the pieces of work: each eliminates feature by feature, which is one after the other
    by nature. The last elimination, on all data, is on the driver; an estimator of several models
    (a forest) has these fitted on the cluster then.

    Parameters
    ----------
    backend : None, "spark", "local" or Backend, default=None
        Where folds run. None is the Spark session that runs.
    n_jobs : int, optional
        Pieces of work at once; None: as many as there are slots. 1: on the driver.

    Attributes
    ----------
    cluster_report_ : dict
        Pieces of work, and bytes that were scattered, travelled with pieces and were gathered.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mllib_py import tune
    >>> X, y = make_classification(200, 6, n_informative=2, n_redundant=0, random_state=0)
    >>> few = tune.RFECV(LogisticRegression(), cv=3, backend="local").fit(X, y)
    >>> len(few.cv_results_["mean_test_score"]), bool(few.support_.any())
    (6, True)
    """

    __init__ = init_of(theirs.RFECV, backend=None)


class RFE(_Elimination, theirs.RFE):  # type: ignore[misc]
    """A number of features, by recursive elimination; each step's models are fitted on a cluster.

    It is a `sklearn.feature_selection.RFE`, with its parameters, and finds the same features. Steps
    follow one another; what is spread is the estimator of a step, so that it pays with forests and
    other estimators that have `n_jobs` (left at None).

    Parameters
    ----------
    backend : None, "spark", "local" or Backend, default=None
        Where a step's models are fitted. None is the Spark session that runs.

    Attributes
    ----------
    cluster_report_ : dict
        Pieces of work, and bytes that were scattered, travelled with pieces and were gathered.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.ensemble import ExtraTreesClassifier
    >>> from mllib_py import tune
    >>> X, y = make_classification(200, 6, n_informative=2, n_redundant=0, random_state=0)
    >>> trees = ExtraTreesClassifier(20, random_state=0)
    >>> few = tune.RFE(trees, n_features_to_select=2, step=2, backend="local").fit(X, y)
    >>> int(few.support_.sum())
    2
    """

    __init__ = init_of(theirs.RFE, backend=None)
