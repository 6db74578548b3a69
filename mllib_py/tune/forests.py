"""Forests whose trees grow on a cluster, and that are scikit-learn's forests.

Tasks run scikit-learn's own functions on the trees that scikit-learn has made and seeded, one after
the other in its order, so that a seed gives scikit-learn's trees to the last bit. Trees come back
in pieces of at most about 64 MB.
"""

from __future__ import annotations

from typing import Any, Self

from sklearn import ensemble as theirs

from mllib_py.tune._spread import Spread, init_of

__all__ = [
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "RandomTreesEmbedding",
]


class _Forest(Spread):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        with self._on_cluster():
            super().fit(X, y, sample_weight=sample_weight)  # type: ignore[misc]
        return self


class RandomForestClassifier(_Forest, theirs.RandomForestClassifier):  # type: ignore[misc]
    """A random forest that classifies, whose trees grow on a cluster.

    It is a `sklearn.ensemble.RandomForestClassifier`, with its parameters, and the same
    `random_state` gives the same trees. Out-of-bag scores, weights of classes and samples,
    `max_samples`, monotonic constraints and `warm_start` are scikit-learn's. The data are scattered
    once. The fitted forest holds nothing of the cluster, pickles and predicts anywhere;
    `tune.predict` applies it to a DataFrame.

    Parameters
    ----------
    backend : None, "spark", "local" or Backend, default=None
        Where trees grow. None is the Spark session that runs.
    n_jobs : int, optional
        Pieces of work at once; None: as many as there are slots. 1: on the driver.

    Attributes
    ----------
    cluster_report_ : dict
        Pieces of work, and bytes that were scattered, travelled with pieces and were gathered. A
        fit inside a worker, which is not spread, has none.

    Raises
    ------
    RuntimeError
        There is no Spark session.
    ValueError
        As of scikit-learn's forest, before trees grow.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from mllib_py import tune
    >>> X, y = make_classification(100, random_state=0)
    >>> forest = tune.RandomForestClassifier(10, random_state=0, backend="local").fit(X, y)
    >>> forest.predict_proba(X).shape
    (100, 2)
    """

    __init__ = init_of(theirs.RandomForestClassifier, backend=None)


class RandomForestRegressor(_Forest, theirs.RandomForestRegressor):  # type: ignore[misc]
    """A random forest that predicts numbers, whose trees grow on a cluster.

    It is a `sklearn.ensemble.RandomForestRegressor`, with its parameters, and the same
    `random_state` gives the same trees.

    Parameters
    ----------
    backend, n_jobs
        See `RandomForestClassifier`.

    Attributes
    ----------
    cluster_report_ : dict
        See `RandomForestClassifier`.

    Raises
    ------
    RuntimeError, ValueError
        See `RandomForestClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from mllib_py import tune
    >>> X, y = make_regression(100, random_state=0)
    >>> forest = tune.RandomForestRegressor(10, random_state=0, backend="local").fit(X, y)
    >>> forest.predict(X).shape
    (100,)
    """

    __init__ = init_of(theirs.RandomForestRegressor, backend=None)


class ExtraTreesClassifier(_Forest, theirs.ExtraTreesClassifier):  # type: ignore[misc]
    """A forest of extremely randomised trees that classifies, whose trees grow on a cluster.

    It is a `sklearn.ensemble.ExtraTreesClassifier`, with its parameters, and the same
    `random_state` gives the same trees.

    Parameters
    ----------
    backend, n_jobs
        See `RandomForestClassifier`.

    Attributes
    ----------
    cluster_report_ : dict
        See `RandomForestClassifier`.

    Raises
    ------
    RuntimeError, ValueError
        See `RandomForestClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from mllib_py import tune
    >>> X, y = make_classification(100, random_state=0)
    >>> forest = tune.ExtraTreesClassifier(10, random_state=0, backend="local").fit(X, y)
    >>> forest.predict(X).shape
    (100,)
    """

    __init__ = init_of(theirs.ExtraTreesClassifier, backend=None)


class ExtraTreesRegressor(_Forest, theirs.ExtraTreesRegressor):  # type: ignore[misc]
    """A forest of extremely randomised trees that predicts numbers, whose trees grow on a cluster.

    It is a `sklearn.ensemble.ExtraTreesRegressor`, with its parameters, and the same
    `random_state` gives the same trees.

    Parameters
    ----------
    backend, n_jobs
        See `RandomForestClassifier`.

    Attributes
    ----------
    cluster_report_ : dict
        See `RandomForestClassifier`.

    Raises
    ------
    RuntimeError, ValueError
        See `RandomForestClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from mllib_py import tune
    >>> X, y = make_regression(100, random_state=0)
    >>> forest = tune.ExtraTreesRegressor(10, random_state=0, backend="local").fit(X, y)
    >>> forest.predict(X).shape
    (100,)
    """

    __init__ = init_of(theirs.ExtraTreesRegressor, backend=None)


class RandomTreesEmbedding(Spread, theirs.RandomTreesEmbedding):  # type: ignore[misc]
    """Leaves of wholly random trees as features, whose trees grow on a cluster.

    It is a `sklearn.ensemble.RandomTreesEmbedding`, with its parameters, and the same
    `random_state` gives the same trees.

    Parameters
    ----------
    backend, n_jobs
        See `RandomForestClassifier`.

    Attributes
    ----------
    cluster_report_ : dict
        See `RandomForestClassifier`.

    Examples
    --------
    >>> from mllib_py import tune
    >>> trees = tune.RandomTreesEmbedding(5, max_depth=1, random_state=0, backend="local")
    >>> trees.fit_transform([[0.0], [1.0], [2.0]]).shape
    (3, 10)
    """

    __init__ = init_of(theirs.RandomTreesEmbedding, backend=None)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        self.fit_transform(X, y, sample_weight=sample_weight)
        return self

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Grow the trees, and return the leaves of the rows.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.

        Returns
        -------
        sparse matrix of shape (n_samples, n_leaves)
        """
        with self._on_cluster():
            return super().fit_transform(X, y, sample_weight=sample_weight)
