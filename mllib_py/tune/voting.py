"""Models of several kinds that vote, each fitted on a cluster."""

from __future__ import annotations

from typing import Any, Self

from sklearn import ensemble as theirs

from mllib_py.tune._spread import Spread, init_of

__all__ = ["VotingClassifier", "VotingRegressor"]


class _Voting(Spread):
    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit the models.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        **fit_params
            `sample_weight`, or, with scikit-learn's metadata routing, what models' `fit` is given.

        Returns
        -------
        self
        """
        with self._on_cluster():
            super().fit(X, y, **fit_params)  # type: ignore[misc]
        return self


class VotingClassifier(_Voting, theirs.VotingClassifier):  # type: ignore[misc]
    """Classifiers of several kinds that vote, fitted on a cluster.

    It is a `sklearn.ensemble.VotingClassifier`, with its parameters, and finds the same models.
    Each model is one piece of work, so that the slowest one says how long it takes; each must fit
    into Spark's limit for results (`spark.driver.maxResultSize`).

    Parameters
    ----------
    backend : None, "spark", "local" or Backend, default=None
        Where models are fitted. None is the Spark session that runs.
    n_jobs : int, optional
        Pieces of work at once; None: as many as there are slots. 1: on the driver.

    Attributes
    ----------
    cluster_report_ : dict
        Pieces of work, and bytes that were scattered, travelled with pieces and were gathered.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> models = [("bayes", GaussianNB()), ("linear", LogisticRegression(max_iter=1000))]
    >>> both = tune.VotingClassifier(models, voting="soft", backend="local").fit(X, y)
    >>> both.predict_proba(X).shape
    (150, 3)
    """

    __init__ = init_of(theirs.VotingClassifier, backend=None)


class VotingRegressor(_Voting, theirs.VotingRegressor):  # type: ignore[misc]
    """Regressors of several kinds whose mean counts, fitted on a cluster.

    It is a `sklearn.ensemble.VotingRegressor`, with its parameters, and finds the same models.

    Parameters
    ----------
    backend, n_jobs
        See `VotingClassifier`.

    Attributes
    ----------
    cluster_report_ : dict
        See `VotingClassifier`.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, Ridge
    >>> from mllib_py import tune
    >>> models = [("plain", LinearRegression()), ("ridge", Ridge(1.0))]
    >>> mean = tune.VotingRegressor(models, backend="local").fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    >>> round(float(mean.predict([[2.0]])[0]), 3)
    1.833
    """

    __init__ = init_of(theirs.VotingRegressor, backend=None)
