"""Searches with scikit-learn's face whose candidates a study chooses."""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import rankdata
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from mllib_py import _checks
from mllib_py.tune import _fitting, _ratings
from mllib_py.tune._fitting import Metadata, Problem, problem, refitted, unrouted, way_of
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

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search, and fit the best on all rows.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features), or Handle
            A handle of `scatter` brings y and groups with it. Ratings, for ALS.
        y : array-like of shape (n_samples,), optional
        **params
            For the estimator's fit, the scorer and the splitter, by scikit-learn's rules of
            metadata routing. Without routing ``groups`` goes to the splitter and all else to fit.
            What has a value for each row is split with the rows.

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
        if _ratings.is_als(self.estimator):
            _ratings.fit(self, X, y, params)
            return self
        given = problem(
            self.estimator,
            X,
            y,
            params,
            route=self._route,
            cv=self.cv,
            scoring=self._scoring(),
            metric=self.refit if isinstance(self.refit, str) else None,
            first=self.refit is False or callable(self.refit),
            epochs=self.epochs,
            train_scores=self.return_train_score,
            raises=(Exception,) if self.error_score == "raise" else (),
        )
        study = self._study(given).run()
        best = study.best_trial
        trials = study.trials
        names = list(best.user_attrs[_fitting.SCORES][0])
        self.multimetric_ = self._names_metrics() or names != [_fitting.ONE]
        self.scorer_ = self._scorer()
        self.n_splits_ = len(given.splits)
        self.cv_results_ = self._results(study, names, trials)
        self.n_trials_ = vars(study.tally)
        self._choose([t.number for t in trials].index(best.number), best.value)
        if self.refit:
            start = time.perf_counter()
            self.best_estimator_ = refitted(given, self.best_params_)
            self.refit_time_ = time.perf_counter() - start
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self

    def _choose(self, index: int, score: float | None) -> None:
        """Say which candidate is the best, where scikit-learn does."""
        if callable(self.refit):
            index = self._chosen(self.refit(self.cv_results_))
        elif self.multimetric_ and not self.refit:
            return
        else:
            self.best_score_ = score
        self.best_index_ = index
        self.best_params_ = self.cv_results_["params"][index]

    def _chosen(self, index: Any) -> int:
        """Check what `refit` has chosen."""
        if not isinstance(index, numbers.Integral):
            raise TypeError(f"refit must return the index of a candidate, not {index!r}")
        chosen, n = int(index), len(self.cv_results_["params"])
        if not 0 <= chosen < n:
            raise IndexError(f"refit returned the index {chosen}, and there are {n} candidates")
        return chosen

    def _check_parameters(self) -> None:
        _checks.count("n_trials", self.n_trials)
        if not (self.error_score == "raise" or isinstance(self.error_score, numbers.Number)):
            raise ValueError(f"error_score must be 'raise' or a number, not {self.error_score!r}")
        self._check_refit()

    def _check_refit(self) -> None:
        if not (isinstance(self.refit, bool | str) or callable(self.refit)):
            raise ValueError(f"refit must be a bool, a name or a callable, not {self.refit!r}")
        if not self._names_metrics() or self.refit is False or callable(self.refit):
            return
        if self.refit not in self.scoring:
            raise ValueError(
                "with several metrics refit must name the one that counts, one of "
                f"{list(self.scoring)}, or be False or a callable, not {self.refit!r}"
            )

    # --- scorers and metadata ---------------------------------------------------------------------

    def _names_metrics(self) -> bool:
        return isinstance(self.scoring, list | tuple | set | dict)

    def _scoring(self) -> Any:
        # Where no metric is named the first one counts, and a set has none.
        return sorted(self.scoring) if isinstance(self.scoring, set) else self.scoring

    def _scorer(self) -> Any:
        """Return the scorer, or a dictionary of those that `scoring` names."""
        if not self._names_metrics():
            return check_scoring(self.estimator, scoring=self.scoring)
        given = self._scoring()
        by_name = given if isinstance(given, dict) else {name: name for name in given}
        return {n: check_scoring(self.estimator, scoring=s) for n, s in by_name.items()}

    def get_metadata_routing(self) -> MetadataRouter:
        """Say which metadata go to the estimator, the scorer and the splitter.

        Returns
        -------
        MetadataRouter
        """
        return (
            MetadataRouter(owner=self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee=self._learns()),
            )
            .add(
                scorer=check_scoring(self.estimator, scoring=self._scoring()),
                method_mapping=MethodMapping()
                .add(caller="score", callee="score")
                .add(caller="fit", callee="score"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def _learns(self) -> str:
        """Return the method that the estimator learns by."""
        return way_of(self.estimator, self.epochs).method

    def _route(self, params: dict[str, Any]) -> Metadata:
        """Tell what goes to whom in a fit."""
        if not get_config()["enable_metadata_routing"]:
            return unrouted(params)
        routed = process_routing(self, "fit", **params)
        return Metadata(
            routed.estimator[self._learns()], routed.splitter.split, routed.scorer.score
        )

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
        self, study: Study, metrics: list[str], trials: Sequence[FrozenTrial]
    ) -> dict[str, Any]:
        """Return scikit-learn's table; trials that were pruned have scores up to then, and rank."""
        out: dict[str, Any] = {}
        for column, name in (("fit", _fitting.FIT_TIME), ("score", _fitting.SCORE_TIME)):
            times = [t.user_attrs.get(name) or [np.nan] for t in trials]
            out[f"mean_{column}_time"] = np.array([np.mean(x) for x in times])
            out[f"std_{column}_time"] = np.array([np.std(x) for x in times])
        params = [study.params_of(t) for t in trials]
        for name in dict.fromkeys(name for p in params for name in p):
            out[f"param_{name}"] = _column(params, name)
        out["params"] = params
        for metric in metrics:
            self._columns(out, "test", metric, _fitting.SCORES, trials)
            ranked = np.nan_to_num(out[f"mean_test_{metric}"], nan=-np.inf)
            out[f"rank_test_{metric}"] = rankdata(-ranked, method="min").astype(np.int32)
            if self.return_train_score:
                self._columns(out, "train", metric, _fitting.TRAIN_SCORES, trials)
        out["state"] = np.array([t.state.name.lower() for t in trials])
        steps = [t.last_step or (t.state == TrialState.COMPLETE) for t in trials]
        out["n_resources"] = np.array(steps, dtype=int)
        return out

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

    @_where_it_has("score_samples")
    def score_samples(self, X: Any) -> Any:
        """Give the best model's scores of rows."""
        return self._model().score_samples(X)

    @_where_it_has("transform")
    def transform(self, X: Any) -> Any:
        """Transform with the best model."""
        return self._model().transform(X)

    @_where_it_has("inverse_transform")
    def inverse_transform(self, X: Any) -> Any:
        """Undo the best model's transformation."""
        return self._model().inverse_transform(X)

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Return the best model's score, by the metric that `refit` names, or the first.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), optional
        **params
            For the scorer, with metadata routing alone.

        Returns
        -------
        float
        """
        model = self._model()
        if params and not get_config()["enable_metadata_routing"]:
            raise ValueError(
                f"score takes {', '.join(params)} with metadata routing alone: "
                "sklearn.set_config(enable_metadata_routing=True)"
            )
        more = process_routing(self, "score", **params).scorer.score
        scorer = self._counting(self.scorer_) if isinstance(self.scorer_, dict) else self.scorer_
        found = scorer(model, X, *([] if y is None else [y]), **more)
        return float(self._counting(found) if isinstance(found, dict) else found)

    def _counting(self, metrics: dict[str, Any]) -> Any:
        """Return what belongs to the metric that counts."""
        name = self.refit if isinstance(self.refit, str) else next(iter(metrics))
        return metrics[name]

    def __sklearn_tags__(self) -> Any:
        """Return the estimator's kind of task, and what it takes."""
        from sklearn.utils import get_tags

        if _ratings.is_als(self.estimator):  # which has no tags
            return BaseEstimator.__sklearn_tags__(self)
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


def _column(params: list[dict[str, Any]], name: str) -> Any:
    """Return a parameter of all candidates, masked where a candidate has it not."""
    values = np.empty(len(params), dtype=object)
    for i, found in enumerate(params):
        values[i] = found.get(name)  # one by one: a tuple too is one value
    return np.ma.MaskedArray(values, mask=[name not in found for found in params])


class TPESearchCV(StudySearchCV):
    """Search by Optuna's TPE: a model of good and bad parameters suggests the next ones.

    Parameters
    ----------
    estimator : estimator
        scikit-learn's.
    param_distributions : dict of str to distribution
        Optuna distributions, lists of values, or frozen SciPy distributions, see `Study`; for
        `AshaSearchCV` and `HyperbandSearchCV`, which draw at random, also a list of such dicts.
    n_trials : int, default=50
        How many candidates.
    scoring : str, callable, list or dict, optional
        As in scikit-learn; a callable may return one score or a dict of them. With several metrics
        `refit` names the one that counts.
    refit : bool, str or callable, default=True
        Fit the best candidate on all rows, in the way that it was tried. A callable gets
        `cv_results_` and returns the index of the best; the search itself goes by the first metric
        then, and with False.
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
        The best candidate's mean score over the splits; not where a callable has chosen it.
    best_index_ : int
        It and what belongs to it are not there with several metrics and ``refit=False``.
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
