"""Several classes by many binary models, which are fitted on a cluster."""

from __future__ import annotations

from typing import Any, Self

from sklearn import get_config
from sklearn import multiclass as theirs
from sklearn.utils.metadata_routing import process_routing

from mllib_py.tune._spread import Spread, init_of
from mllib_py.tune.imbalance import NegativeDownsamplingClassifier, most_negatives

__all__ = ["OneVsOneClassifier", "OneVsRestClassifier"]


class OneVsRestClassifier(Spread, theirs.OneVsRestClassifier):  # type: ignore[misc]
    """One model for each class against all others, fitted on a cluster.

    It is a `sklearn.multiclass.OneVsRestClassifier`, with its parameters, and finds the same
    models. With many classes each has few positives and very many negatives; `max_negatives` has
    each model learn from a part of these, and corrects its probabilities and log odds for it.

    Parameters
    ----------
    max_negatives : int, float or None, default=None
        An integer: so many negatives for each class at most. A float: so many for each of its
        positives. None: all. Models are then `NegativeDownsamplingClassifier`, which see.
    random_state : int, RandomState or None, default=None
        Of the negatives' draws. The same whole number gives the same draws.
    backend : None, "spark", "local" or Backend, default=None
        Where models are fitted. None is the Spark session that runs.
    n_jobs : int, optional
        Pieces of work at once; None: as many as there are slots. 1: on the driver.

    Attributes
    ----------
    cluster_report_ : dict
        Pieces of work, and bytes that were scattered, travelled with pieces and were gathered.

    Raises
    ------
    RuntimeError
        There is no Spark session.
    ValueError
        As of scikit-learn's, and of `max_negatives`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> many = tune.OneVsRestClassifier(
    ...     LogisticRegression(), max_negatives=1.5, random_state=0, backend="local"
    ... ).fit(X, y)
    >>> many.predict(X[[0, 60, 120]]).tolist(), many.estimators_[0].negative_share_
    ([0, 1, 2], 0.75)
    """

    __init__ = init_of(
        theirs.OneVsRestClassifier, max_negatives=None, random_state=None, backend=None
    )

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit a model for each class.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), or indicator matrix of shape (n_samples, n_classes)
        **fit_params
            With scikit-learn's metadata routing, what models' `fit` is given.

        Returns
        -------
        self
        """
        if self.max_negatives is None:
            with self._on_cluster():
                super().fit(X, y, **fit_params)
            return self
        most_negatives(self.max_negatives, 1)
        if get_config()["enable_metadata_routing"]:
            process_routing(self, "fit", **fit_params)  # refuses here what a worker would refuse
        sampled = NegativeDownsamplingClassifier(
            self.estimator,
            max_negatives=self.max_negatives,
            positive=1,
            random_state=self.random_state,
        )
        whole = theirs.OneVsRestClassifier(sampled, n_jobs=self.n_jobs, verbose=self.verbose)
        with self._on_cluster():
            whole.fit(X, y, **fit_params)
        for name, value in vars(whole).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self


class OneVsOneClassifier(Spread, theirs.OneVsOneClassifier):  # type: ignore[misc]
    """One model for each two classes, fitted on a cluster.

    It is a `sklearn.multiclass.OneVsOneClassifier`, with its parameters, and finds the same models.

    Parameters
    ----------
    backend, n_jobs
        See `OneVsRestClassifier`.

    Attributes
    ----------
    cluster_report_ : dict
        See `OneVsRestClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import LinearSVC
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> pairs = tune.OneVsOneClassifier(LinearSVC(random_state=0), backend="local").fit(X, y)
    >>> len(pairs.estimators_)
    3
    """

    __init__ = init_of(theirs.OneVsOneClassifier, backend=None)

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit a model for each two classes.

        Parameters
        ----------
        X, y, **fit_params
            As `OneVsRestClassifier.fit` takes them.

        Returns
        -------
        self
        """
        with self._on_cluster():
            super().fit(X, y, **fit_params)
        return self
