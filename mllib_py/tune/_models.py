"""Searches over several estimators, each with parameters of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from mllib_py.tune.search import GridSearchCV


def _has(name: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "best_estimator_", self), name))


class MultiModelSearchCV(BaseEstimator):  # type: ignore[misc]
    """Search several estimators, each with parameters of its own, as one search.

    All fits of all models share the slots, so that a slow model does not hold up the others, and
    the data, which are sent once.

    Parameters
    ----------
    models : mapping of str to (estimator, dict) or (estimator, list of dict)
        A name for each estimator, and its grid (or distributions, with `n_iter`).
    n_iter : int, optional
        Candidates of each model, drawn at random. Default: all of each grid.
    random_state : int, RandomState or None, default=None
        Of the draws.
    scoring, n_jobs, refit, cv, verbose, error_score, return_train_score
        See `GridSearchCV`.
    backend, cores_per_trial, trial_timeout
        See `GridSearchCV`.

    Attributes
    ----------
    cv_results_ : dict of arrays
        scikit-learn's, of all candidates together; ``param_model`` is the model's name, and
        ``params`` have it as "model".
    best_model_ : str
        Name of the best model.
    best_estimator_, best_params_, best_score_, best_index_, refit_time_, scorer_, n_splits_
        As scikit-learn has them.
    best_by_model_ : dict of str to dict
        For each model its best ``params``, ``score`` and ``index``, of the first metric or the one
        that `refit` names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.svm import SVC
    >>> from mllib_py import tune
    >>> X, y = load_iris(return_X_y=True)
    >>> search = tune.MultiModelSearchCV(
    ...     {
    ...         "svc": (SVC(), {"C": [0.001, 0.01]}),
    ...         "logistic": (LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}),
    ...     },
    ...     backend="local",
    ...     n_jobs=2,
    ... )
    >>> search.fit(X, y).best_model_
    'logistic'
    """

    def __init__(
        self,
        models: Mapping[str, tuple[Any, Any]],
        *,
        n_iter: int | None = None,
        random_state: Any = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        backend: Any = None,
        cores_per_trial: int = 1,
        trial_timeout: float | None = None,
    ) -> None:
        self.models = models
        self.n_iter = n_iter
        self.random_state = random_state
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.backend = backend
        self.cores_per_trial = cores_per_trial
        self.trial_timeout = trial_timeout

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit all candidates of all models on all splits, and the best on all the data.

        Parameters
        ----------
        X, y
            See `GridSearchCV.fit`.
        **params
            For each model's fit, and ``groups``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            No models, classifiers among others, a bad parameter, or what `GridSearchCV` refuses.
        """
        models = self._checked()
        first = next(iter(models.values()))[0]
        # A pipeline of one step, which is itself a parameter: scikit-learn's own way to say it.
        search = GridSearchCV(
            Pipeline([("model", first)]),
            self._candidates(models),
            scoring=self.scoring,
            n_jobs=self.n_jobs,
            refit=self.refit,
            cv=self.cv,
            verbose=self.verbose,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
            backend=self.backend,
            cores_per_trial=self.cores_per_trial,
            trial_timeout=self.trial_timeout,
        )
        if not sklearn.get_config()["enable_metadata_routing"]:
            params = {k if k == "groups" else f"model__{k}": v for k, v in params.items()}
        search.fit(X, y, **params)
        self._keep(search, self._names)
        del self._names
        return self

    def _checked(self) -> dict[str, tuple[Any, Any]]:
        if not isinstance(self.models, Mapping) or not self.models:
            raise ValueError("models must be a mapping of at least one name to (estimator, grid)")
        for name, pair in self.models.items():
            if not isinstance(pair, tuple) or len(pair) != 2 or not hasattr(pair[0], "fit"):
                raise ValueError(f"model {name!r} must be a pair (estimator, grid)")
        kinds = {
            "classifiers" if is_classifier(e) else "regressors" if is_regressor(e) else "others"
            for e, _ in self.models.values()
        }
        if len(kinds) > 1:
            told = " and ".join(sorted(kinds))
            raise ValueError(f"one search compares models of one kind, and these are {told}")
        return dict(self.models)

    def _candidates(self, models: dict[str, tuple[Any, Any]]) -> list[dict[str, list[Any]]]:
        random = check_random_state(self.random_state)
        out = []
        self._names: list[str] = []
        for name, (estimator, space) in models.items():
            if self.n_iter is None:
                drawn = ParameterGrid(space)
            else:
                drawn = ParameterSampler(space, self.n_iter, random_state=random)
            known = estimator.get_params()
            for candidate in drawn:
                unknown = [k for k in candidate if k not in known and "__" not in k]
                if unknown:
                    raise ValueError(f"model {name!r} has no parameter {unknown[0]!r}")
                one = {f"model__{k}": [v] for k, v in candidate.items()}
                out.append({"model": [clone(estimator)], **one})
                self._names.append(name)
        return out

    def _keep(self, search: GridSearchCV, names: list[str]) -> None:
        results = dict(search.cv_results_)
        results["params"] = [
            {"model": name} | {k.removeprefix("model__"): v for k, v in p.items() if k != "model"}
            for name, p in zip(names, results["params"], strict=True)
        ]
        results["param_model"] = np.array(names, dtype=object)
        self.cv_results_ = {k.replace("param_model__", "param_", 1): v for k, v in results.items()}
        for name in ("best_index_", "best_score_", "refit_time_", "scorer_", "n_splits_"):
            if hasattr(search, name):
                setattr(self, name, getattr(search, name))
        self.multimetric_ = search.multimetric_
        if hasattr(search, "best_index_"):
            best = self.cv_results_["params"][search.best_index_]
            self.best_model_ = best["model"]
            self.best_params_ = {k: v for k, v in best.items() if k != "model"}
        if hasattr(search, "best_estimator_"):
            self.best_estimator_ = search.best_estimator_.named_steps["model"]
        self.best_by_model_ = self._best_of_each(names)

    def _best_of_each(self, names: list[str]) -> dict[str, dict[str, Any]]:
        keys = [k for k in self.cv_results_ if k.startswith("mean_test_")]
        key = f"mean_test_{self.refit}" if isinstance(self.refit, str) else keys[0]
        scores = np.asarray(self.cv_results_[key], dtype=float)
        out = {}
        for name in dict.fromkeys(names):
            mine = [i for i, n in enumerate(names) if n == name]
            found = scores[mine]
            at = mine[0 if np.isnan(found).all() else int(np.nanargmax(found))]
            params = {k: v for k, v in self.cv_results_["params"][at].items() if k != "model"}
            out[name] = {"params": params, "score": float(scores[at]), "index": at}
        return out

    def __getstate__(self) -> Any:
        state: dict[str, Any] = dict(super().__getstate__())
        if not (state.get("backend") is None or isinstance(state["backend"], str)):
            state["backend"] = None
        return state

    def _best(self) -> Any:
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_

    def predict(self, X: Any) -> Any:
        """Predict by the best model."""
        return self._best().predict(X)

    @_has("predict_proba")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Give the best model's probabilities."""
        return self._best().predict_proba(X)

    @_has("decision_function")  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Give the best model's decisions."""
        return self._best().decision_function(X)

    @_has("transform")  # type: ignore[untyped-decorator]
    def transform(self, X: Any) -> Any:
        """Transform by the best model."""
        return self._best().transform(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Score the best model by the search's metric."""
        best = self._best()
        scorer = self.scorer_[self.refit] if isinstance(self.scorer_, dict) else self.scorer_
        return float(scorer(best, X, y))

    @property
    def classes_(self) -> Any:
        """Classes of the best model."""
        return self._best().classes_

    @property
    def n_features_in_(self) -> int:
        """How many features the best model's fit saw."""
        return int(self._best().n_features_in_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if isinstance(self.models, Mapping) and self.models:
            each = [estimator.__sklearn_tags__() for estimator, _ in self.models.values()]
            tags.estimator_type = each[0].estimator_type
            tags.classifier_tags, tags.regressor_tags = (
                each[0].classifier_tags,
                each[0].regressor_tags,
            )
            tags.input_tags.sparse = all(theirs.input_tags.sparse for theirs in each)
        return tags
