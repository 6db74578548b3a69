"""Searches with scikit-learn's face whose candidates a study chooses."""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from mllib_py import _checks
from mllib_py.tune import _fitting
from mllib_py.tune._fitting import Problem, problem, refitted
from mllib_py.tune.study import Study

F = TypeVar("F", bound=Callable[..., Any])


def _where_it_has(name: str) -> Callable[[F], F]:
    """Give the search a method if the best model, or before a fit the estimator, has it."""

    def check(search: StudySearchCV) -> bool:
        model = getattr(search, "best_estimator_", search.estimator)
        getattr(model, name)  # raises what the model raises
        return True

    out: Callable[[F], F] = available_if(check)
    return out


class StudySearchCV(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """What the searches share; see `TPESearchCV`."""

    _sampler: ClassVar[str]
    _pruner: ClassVar[str | None]

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_trials: int = 50,
        scoring: Any = None,
        refit: Any = True,
        cv: Any = None,
        epochs: int | None = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        verbose: int = 0,
        random_state: Any = None,
        parallelism: Any = "auto",
        cores_per_trial: int = 1,
        timeout: float | None = None,
        trial_timeout: float | None = None,
        retries: int = 1,
        storage: Any = None,
        name: str = "study",
        resume: bool = False,
        backend: Any = None,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_trials = n_trials
        self.scoring = scoring
        self.refit = refit
        self.cv = cv
        self.epochs = epochs
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.verbose = verbose
        self.random_state = random_state
        self.parallelism = parallelism
        self.cores_per_trial = cores_per_trial
        self.timeout = timeout
        self.trial_timeout = trial_timeout
        self.retries = retries
        self.storage = storage
        self.name = name
        self.resume = resume
        self.backend = backend

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, **fit_params: Any) -> Self:
        """Search, and fit the best on all rows.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features), or Handle
            A handle of `scatter` brings y and groups with it.
        y : array-like of shape (n_samples,), optional
        groups : array-like of shape (n_samples,), optional
            For splitters that keep groups together.
        **fit_params
            For the estimator's fit; what has a value for each row is split with the rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Bad parameters, a metric that does not exist, or all trials failed.
        RuntimeError
            No Spark session runs.
        Exception
            What a candidate raised, with ``error_score="raise"``.
        """
        self._check_parameters()
        chosen = self.refit if isinstance(self.refit, str) else None
        given = problem(
            self.estimator,
            X,
            y,
            groups=groups,
            cv=self.cv,
            scoring=self.scoring,
            metric=chosen,
            epochs=self.epochs,
            train_scores=self.return_train_score,
            fit_params=fit_params,
            raises=(Exception,) if self.error_score == "raise" else (),
        )
        study = self._study(given).run()
        trials = study.trials
        self.multimetric_ = isinstance(self.scoring, list | tuple | set | dict)
        self.scorer_ = given.scorer
        self.n_splits_ = len(given.splits)
        self.cv_results_ = self._results(study, given, trials)
        best = study.best_trial
        self.best_index_ = [t.number for t in trials].index(best.number)
        self.best_score_ = best.value
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.n_trials_ = vars(study.tally)
        if self.refit:
            start = time.perf_counter()
            self.best_estimator_ = refitted(given, self.best_params_)
            self.refit_time_ = time.perf_counter() - start
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self

    def _check_parameters(self) -> None:
        _checks.count("n_trials", self.n_trials)
        if not (self.error_score == "raise" or isinstance(self.error_score, numbers.Number)):
            raise ValueError(f"error_score must be 'raise' or a number, not {self.error_score!r}")

    def _study(self, given: Problem) -> Study:
        return Study(
            given,
            self.param_distributions,
            sampler=self._sampler,
            pruner=self._pruner,
            trials=self.n_trials,
            timeout=self.timeout,
            trial_timeout=self.trial_timeout,
            parallelism=self.parallelism,
            cores_per_trial=self.cores_per_trial,
            retries=self.retries,
            storage=self.storage,
            name=self.name,
            resume=self.resume,
            random_state=self.random_state,
            progress=bool(self.verbose),
            backend=self.backend,
        )

    def _results(
        self, study: Study, given: Problem, trials: Sequence[FrozenTrial]
    ) -> dict[str, Any]:
        """Return scikit-learn's table; trials that were pruned have scores up to then, and rank."""
        out: dict[str, Any] = {}
        for column, name in (("fit", _fitting.FIT_TIME), ("score", _fitting.SCORE_TIME)):
            times = [t.user_attrs.get(name) or [np.nan] for t in trials]
            out[f"mean_{column}_time"] = np.array([np.mean(x) for x in times])
            out[f"std_{column}_time"] = np.array([np.std(x) for x in times])
        params = [study.params_of(t) for t in trials]
        for name in self.param_distributions:
            values = np.empty(len(params), dtype=object)
            values[:] = [p[name] for p in params]
            out[f"param_{name}"] = np.ma.MaskedArray(values, mask=False)
        out["params"] = params
        for metric in self._metrics(given):
            self._columns(out, "test", metric, _fitting.SCORES, trials)
            ranked = np.nan_to_num(out[f"mean_test_{metric}"], nan=-np.inf)
            out[f"rank_test_{metric}"] = rankdata(-ranked, method="min").astype(np.int32)
            if self.return_train_score:
                self._columns(out, "train", metric, _fitting.TRAIN_SCORES, trials)
        out["state"] = np.array([t.state.name.lower() for t in trials])
        steps = [t.last_step or (t.state == TrialState.COMPLETE) for t in trials]
        out["n_resources"] = np.array(steps, dtype=int)
        return out

    def _metrics(self, given: Problem) -> list[str]:
        return list(self.scoring) if self.multimetric_ else [given.metric]

    def _columns(
        self,
        out: dict[str, Any],
        kind: str,
        metric: str,
        attribute: str,
        trials: Sequence[FrozenTrial],
    ) -> None:
        # With "raise" no trial has failed but one that scored NaN, or that a resumed study had.
        failed = np.nan if self.error_score == "raise" else float(self.error_score)
        table = np.full((len(trials), self.n_splits_), failed)
        for row, trial in zip(table, trials, strict=True):
            found = trial.user_attrs.get(attribute, [])
            if trial.state != TrialState.FAIL:
                row[: len(found)] = [scores[metric] for scores in found]
                row[len(found) :] = np.nan  # splits that a pruned trial did not come to
        for i in range(self.n_splits_):
            out[f"split{i}_{kind}_{metric}"] = table[:, i]
        known = np.ma.masked_invalid(table)
        out[f"mean_{kind}_{metric}"] = np.ma.filled(known.mean(axis=1), np.nan)
        out[f"std_{kind}_{metric}"] = np.ma.filled(known.std(axis=1), np.nan)

    # --- what the best model does -----------------------------------------------------------------

    def _model(self) -> Any:
        check_is_fitted(self, "cv_results_")
        if not self.refit:
            raise AttributeError(
                f"this {type(self).__name__} has refit=False: it knows the best parameters, and "
                "has no model to predict with"
            )
        return self.best_estimator_

    @property
    def classes_(self) -> Any:
        """The best model's classes."""
        return self._model().classes_

    @property
    def n_features_in_(self) -> int:
        """How many features the fit saw."""
        return int(self._model().n_features_in_)

    @_where_it_has("predict")
    def predict(self, X: Any) -> Any:
        """Predict with the best model."""
        return self._model().predict(X)

    @_where_it_has("predict_proba")
    def predict_proba(self, X: Any) -> Any:
        """Give the best model's probabilities."""
        return self._model().predict_proba(X)

    @_where_it_has("predict_log_proba")
    def predict_log_proba(self, X: Any) -> Any:
        """Give the logarithms of the best model's probabilities."""
        return self._model().predict_log_proba(X)

    @_where_it_has("decision_function")
    def decision_function(self, X: Any) -> Any:
        """Give the best model's decision function."""
        return self._model().decision_function(X)

    @_where_it_has("transform")
    def transform(self, X: Any) -> Any:
        """Transform with the best model."""
        return self._model().transform(X)

    @_where_it_has("inverse_transform")
    def inverse_transform(self, X: Any) -> Any:
        """Undo the best model's transformation."""
        return self._model().inverse_transform(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the best model's score, by the metric that counted."""
        model = self._model()
        found = self.scorer_(model, X) if y is None else self.scorer_(model, X, y)
        return float(found[self.refit] if self.multimetric_ else found)

    def __sklearn_tags__(self) -> Any:
        """Return the estimator's kind of task, and what it takes."""
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.input_tags.pairwise = inner.input_tags.pairwise
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.array_api_support = inner.array_api_support
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Leave the backend behind: what was fitted predicts anywhere."""
        state = dict(super().__getstate__())
        if not isinstance(state.get("backend"), str | None):
            state["backend"] = None
        return state


class TPESearchCV(StudySearchCV):
    """Search by Optuna's TPE: a model of good and bad parameters suggests the next ones.

    Parameters
    ----------
    estimator : estimator
        scikit-learn's.
    param_distributions : dict of str to distribution
        Optuna distributions, lists of values, or frozen SciPy distributions, see `Study`.
    n_trials : int, default=50
        How many candidates.
    scoring : str, callable, list or dict, optional
        As in scikit-learn. With several metrics `refit` names the one that counts.
    refit : bool or str, default=True
        Fit the best candidate on all rows, in the way that it was tried.
    cv : int, splitter or iterable, optional
        Default: 5 folds.
    epochs : int, optional
        Steps that the estimator learns in, see `Study`. Default: it is fitted at once.
    error_score : "raise" or number, default=nan
        Stands in `cv_results_` for scores of a candidate that failed. "raise": the first candidate
        that fails ends the search with its error.
    return_train_score : bool, default=False
    verbose : int, default=0
        Whether to show a progress bar.
    random_state : int, RandomState, Generator or None, default=None
    parallelism, cores_per_trial, timeout, trial_timeout, retries, storage, name, resume, backend
        See `Study`. A fitted search that is pickled leaves its backend behind.

    Attributes
    ----------
    best_estimator_ : estimator
    best_params_ : dict
    best_score_ : float
        The best candidate's mean score over the splits.
    best_index_ : int
    cv_results_ : dict of arrays
        scikit-learn's columns; also "state" ("complete", "pruned" or "fail") and "n_resources"
        (the last step that was reported). Scores of pruned candidates are of their last step.
    n_trials_ : dict
        How many were complete, pruned, failed and retried, and how many ran at once at most.
    n_splits_, scorer_, refit_time_, multimetric_
        As in scikit-learn.

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from mllib_py.tune import TPESearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = TPESearchCV(
    ...     SVC(), {"C": FloatDistribution(0.01, 100, log=True)},
    ...     n_trials=5, random_state=0, backend="local",
    ... ).fit(X, y)
    >>> search.best_score_ > 0.9, len(search.cv_results_["params"])
    (True, 5)
    """

    _sampler = "tpe"
    _pruner = None


class AshaSearchCV(StudySearchCV):
    """Random search that ends weak candidates early: asynchronous successive halving.

    Of the candidates that came to step 1, 3, 9, ... the best third goes on. Steps are `epochs`, or
    without these the splits, by the mean over the first ones. Nobody waits for others.

    Parameters, attributes and errors are those of `TPESearchCV`.

    References
    ----------
    Li and others: A system for massively parallel hyperparameter tuning, 2020.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from mllib_py.tune import AshaSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = AshaSearchCV(
    ...     SGDClassifier(random_state=0), {"alpha": loguniform(1e-6, 1)},
    ...     n_trials=8, epochs=9, random_state=0, backend="local",
    ... ).fit(X, y)
    >>> sorted(set(search.cv_results_["state"].tolist()))
    ['complete', 'pruned']
    """

    _sampler = "random"
    _pruner = "asha"


class HyperbandSearchCV(StudySearchCV):
    """Random search that ends weak candidates early, some sooner and some later (brackets).

    For where it is not known how soon a candidate shows its worth; see `AshaSearchCV`, which is its
    most eager bracket.

    Parameters, attributes and errors are those of `TPESearchCV`.

    References
    ----------
    Li and others: Hyperband, 2018.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from mllib_py.tune import HyperbandSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = HyperbandSearchCV(
    ...     SGDClassifier(random_state=0), {"alpha": loguniform(1e-6, 1)},
    ...     n_trials=8, epochs=9, random_state=0, backend="local",
    ... ).fit(X, y)
    >>> search.n_trials_["complete"] + search.n_trials_["pruned"]
    8
    """

    _sampler = "random"
    _pruner = "hyperband"
