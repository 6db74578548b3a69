"""scikit-learn's searches, with their fits spread over a cluster.

They are scikit-learn's own classes: candidates, splits, scores and the choice of the best are its
code, so that the same data and seeds give the same scores to the last bit. What is ours is where
fits run: in Spark's Python workers, which are sent the data once.
"""

from __future__ import annotations

from typing import Any, Self

from sklearn import model_selection as _theirs
from sklearn.base import BaseEstimator
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

from mllib_py.tune import _ratings, _run, _scoring
from mllib_py.tune._spread import init_of

_SLOTS: dict[str, Any] = {"backend": None, "cores_per_trial": 1, "trial_timeout": None}


class _OnSlots:
    """What our searches add to scikit-learn's."""

    estimator: Any
    backend: Any
    n_jobs: int | None
    cores_per_trial: int
    trial_timeout: float | None

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit all candidates on all splits, choose the best, and fit it on all the data.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features), or Handle
            A handle of `scatter` brings y and groups with it. For ALS: ratings; `cv` is then a
            number of folds or pairs (train, test), and scores are minus the root mean square error.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        **params
            For the estimator's fit, the scorer and the splitter (``groups``), by scikit-learn's
            rules of metadata routing.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            What scikit-learn refuses, and bad `backend`, `cores_per_trial` or `trial_timeout`.
        TypeError
            An estimator, scorer or data that cannot be pickled.
        RuntimeError
            No Spark session runs.
        """
        _run.check(self.n_jobs, self.cores_per_trial, self.trial_timeout)
        if _ratings.is_als(self.estimator):
            _ratings.fit(self, X, y, params)
            return self
        _scoring.check(self.scoring)  # type: ignore[attr-defined]
        X, y, handle, params = _run.given(X, y, params)
        with _run.on_slots(
            self.estimator,
            (X, y, *params.values()),
            backend=self.backend,
            n_jobs=self.n_jobs,
            cores=self.cores_per_trial,
            timeout=self.trial_timeout,
            handle=handle,
            caller=self,
            candidates=self._candidates(),
        ):
            super().fit(X, y, **params)  # type: ignore[misc]
        return self

    def _candidates(self) -> Any:
        """Return the grid or the distributions, whatever the twin calls them."""
        params = self.get_params(deep=False)  # type: ignore[attr-defined]
        return params.get("param_grid", params.get("param_distributions"))

    def __sklearn_tags__(self) -> Any:
        if _ratings.is_als(self.estimator):  # which has no tags
            return BaseEstimator.__sklearn_tags__(self)
        return super().__sklearn_tags__()  # type: ignore[misc]

    def __getstate__(self) -> Any:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        if not (state.get("backend") is None or isinstance(state["backend"], str)):
            state["backend"] = None  # a cluster is no part of what was found
        return state


class GridSearchCV(_OnSlots, _theirs.GridSearchCV):  # type: ignore[misc]
    """Search all combinations of parameters by cross-validation, fits spread over a cluster.

    Parameters
    ----------
    estimator : estimator
        scikit-learn's, a pipeline, or anything with its interface. An estimator of mllib_py, whose
        fits are Spark jobs, runs from threads of the driver, `n_jobs` (2) at a time.
    param_grid : dict or list of dict
    scoring : str, callable, list, tuple or dict, optional
    n_jobs : int, optional
        Fits at once at most. Default and -1: all slots.
    refit : bool, str or callable, default=True
        The last fit, on all the data, is on the driver.
    cv : int, splitter or iterable, optional
    verbose : int, default=0
    pre_dispatch : int or str, default="2*n_jobs"
        Calls ahead; n_jobs is 32 for each slot here.
    error_score : "raise" or number, default=nan
        Also the score of a fit whose process died (out of memory, killed) twice, or took more than
        `trial_timeout`.
    return_train_score : bool, default=False
    backend : None, "spark", "local" or Backend, default=None
        Where fits run. None: the Spark session that runs. "local": `n_jobs` processes of this
        machine.
    cores_per_trial : int, default=1
        Threads of BLAS and OpenMP in a fit, which takes as many slots.
    trial_timeout : float, optional
        Seconds that a fit may take. Fits are then not put together into tasks.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_
        As scikit-learn has them, also ``refit_time_``, ``multimetric_``, ``classes_``,
        ``n_features_in_`` and ``feature_names_in_``. The fitted search holds nothing of Spark and
        pickles.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> search = tune.GridSearchCV(SVC(), {"C": [0.01, 1, 10]}, cv=3, backend="local", n_jobs=2)
    >>> search.fit(X, y).best_params_
    {'C': 10}
    """

    __init__ = init_of(_theirs.GridSearchCV, **_SLOTS)


class RandomizedSearchCV(_OnSlots, _theirs.RandomizedSearchCV):  # type: ignore[misc]
    """Search parameters drawn at random by cross-validation, fits spread over a cluster.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict or list of dict
        Lists, or scipy's distributions.
    n_iter : int, default=10
        Candidates.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        See `GridSearchCV`.
    random_state : int, RandomState or None, default=None
        Of the draws: they are scikit-learn's.
    backend, cores_per_trial, trial_timeout
        See `GridSearchCV`.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> search = tune.RandomizedSearchCV(
    ...     SVC(), {"C": loguniform(0.1, 10)}, n_iter=4, random_state=0, backend="local", n_jobs=2
    ... )
    >>> len(search.fit(X, y).cv_results_["params"])
    4
    """

    __init__ = init_of(_theirs.RandomizedSearchCV, **_SLOTS)


class HalvingGridSearchCV(_OnSlots, _theirs.HalvingGridSearchCV):  # type: ignore[misc]
    """Search a grid by successive halving, the fits of each round spread over a cluster.

    Rounds follow one another: with few candidates left, few slots are busy. Its twins are
    scikit-learn's (experimental there); `AshaSearchCV` has no rounds.

    Parameters
    ----------
    estimator : estimator
    param_grid : dict or list of dict
    factor, resource, max_resources, min_resources, aggressive_elimination, random_state
        As scikit-learn has them.
    cv, scoring, refit, error_score, return_train_score, n_jobs, verbose
        See `GridSearchCV`; cv is 5, and train scores are returned.
    backend, cores_per_trial, trial_timeout
        See `GridSearchCV`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> search = tune.HalvingGridSearchCV(
    ...     SVC(), {"C": [0.01, 1, 10]}, random_state=0, backend="local", n_jobs=2
    ... )
    >>> search.fit(X, y).n_candidates_
    [3, 1]
    """

    __init__ = init_of(_theirs.HalvingGridSearchCV, **_SLOTS)


class HalvingRandomSearchCV(_OnSlots, _theirs.HalvingRandomSearchCV):  # type: ignore[misc]
    """Search parameters drawn at random by successive halving; see `HalvingGridSearchCV`.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict or list of dict
    n_candidates : "exhaust" or int, default="exhaust"
        Of the first round.
    factor, resource, max_resources, min_resources, aggressive_elimination, random_state
        As scikit-learn has them.
    cv, scoring, refit, error_score, return_train_score, n_jobs, verbose
        See `HalvingGridSearchCV`.
    backend, cores_per_trial, trial_timeout
        See `GridSearchCV`.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> search = tune.HalvingRandomSearchCV(
    ...     SVC(), {"C": loguniform(0.1, 10)}, random_state=0, backend="local", n_jobs=2
    ... )
    >>> search.fit(X, y).n_candidates_
    [5, 2]
    """

    __init__ = init_of(_theirs.HalvingRandomSearchCV, **_SLOTS)
