"""An estimator as the objective of a study: cross-validation, at once or step by step."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags

from mllib_py import _checks
from mllib_py.tune import _choose, _own, _ratings, _run, _scoring
from mllib_py.tune._backend import Backend, Handle
from mllib_py.tune._space import Space
from mllib_py.tune._trial import Trial, TrialPruned

#: Names of user attributes that trials of an estimator have.
SCORES, TRAIN_SCORES, FIT_TIME, SCORE_TIME = "scores", "train_scores", "fit_time", "score_time"
#: The name of a score where there is one metric.
ONE = "score"
_FIT, _PARTIAL, _GROW, _CONTINUE = "fit", "partial_fit", "grow", "continue"


def rows_of(X: Any, rows: Any) -> Any:
    """Take rows of an array, a sparse matrix, a frame or a list."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if hasattr(X, "tocsr"):
        return X.tocsr()[rows]
    if hasattr(X, "shape"):
        return X[rows]
    return [X[i] for i in rows]


@dataclass(frozen=True)
class Way:
    """How an estimator learns: at once, or in steps that are worth a report each."""

    kind: str = _FIT
    #: The parameter that says how far it goes.
    resource: str = ""
    steps: int = 1

    @property
    def method(self) -> str:
        """The method that is called."""
        return "partial_fit" if self.kind == _PARTIAL else "fit"

    def learn(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> Iterator[Any]:
        """Fit a model, step by step, and yield it after each."""
        total = model.get_params()[self.resource] if self.resource else 0
        if self.kind in (_GROW, _CONTINUE):
            model.set_params(warm_start=True)
        classes = {"classes": np.unique(y)} if is_classifier(model) else {}
        for step in range(1, self.steps + 1):
            if self.kind == _PARTIAL:
                model.partial_fit(X, y, **more, **(classes if step == 1 else {}))
            else:
                if self.kind == _GROW:
                    model.set_params(**{self.resource: max(1, round(total * step / self.steps))})
                if self.kind == _CONTINUE:
                    model.set_params(**{self.resource: max(1, round(total / self.steps))})
                with _unconverged() if self.kind == _CONTINUE else contextlib.nullcontext():
                    model.fit(X, y, **more)
            yield model


@contextlib.contextmanager
def _unconverged() -> Iterator[None]:
    """Hear no warning of a part of the way, which does not converge."""
    if threading.current_thread() is not threading.main_thread():
        yield  # filters are of all threads: two would put each other's back
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def way_of(estimator: Any, epochs: int | None) -> Way:
    """Find how an estimator learns step by step.

    Raises
    ------
    ValueError
        It cannot, and `epochs` asks for it.
    """
    if epochs is None:
        return Way()
    _checks.count("epochs", epochs)
    if hasattr(estimator, "partial_fit"):
        return Way(_PARTIAL, steps=epochs)
    names = estimator.get_params(deep=False)
    if "warm_start" in names and "n_estimators" in names:
        return Way(_GROW, "n_estimators", epochs)
    if isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        return Way(_GROW, "max_iter", epochs)
    if "warm_start" in names and "max_iter" in names:
        return Way(_CONTINUE, "max_iter", epochs)
    named = type(getattr(estimator, "distributed", estimator)).__name__
    raise ValueError(
        f"epochs needs an estimator that goes on: {named} has no partial_fit, and no warm_start "
        "with n_estimators or max_iter"
    )


class MetricError(ValueError):
    """Scores come by several names, and it is not said which one counts."""


@dataclass(frozen=True)
class Metadata:
    """What the parts are given beside X and y, by name."""

    fit: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    score: dict[str, Any] = field(default_factory=dict)


def unrouted(params: dict[str, Any]) -> Metadata:
    """Give groups to the splitter and all else to fit, as scikit-learn does without routing."""
    fit = {name: value for name, value in params.items() if name != "groups"}
    return Metadata(fit, {"groups": params.get("groups")})


@dataclass
class Problem:
    """What a study of an estimator is about."""

    estimator: Any
    X: Any
    y: Any
    splits: list[tuple[Any, Any]]
    scorer: Callable[..., Any]
    way: Way
    metadata: Metadata
    #: The metric that counts, where there are several; None: it is not named.
    metric: str | None = None
    #: The first metric counts where none is named.
    first: bool = False
    train_scores: bool = False
    #: Errors of a trial that end the study.
    raises: tuple[type[Exception], ...] = ()
    #: What the caller has scattered himself, in the place of X.
    handle: Handle | None = None

    def objective(self, backend: Backend, reports: bool) -> tuple[Objective, list[Any]]:
        """Return the objective, whose data lie where trials run, and what is to be released."""
        sent: list[Any] = [backend.scatter(self.splits, self.metadata.fit, self.metadata.score)]
        if self.handle is None:
            sent.append(backend.scatter(self.X, self.y))
        layouts = _own.Layouts() if _choose.on_driver(backend) else None
        objective = Objective(
            self.estimator,
            self.handle or sent[1],
            sent[0],
            self.scorer,
            self.metric,
            self.first,
            self.way,
            self.train_scores,
            reports,
            get_config(),
            layouts,
        )
        return objective, sent if layouts is None else [*sent, layouts]

    def own(self, space: Space) -> str | None:
        """Name the estimator of ours that is, or may be, fitted; its fits are Spark's jobs."""
        found = map(_own.first, (self.estimator, *space.choices()))
        return next((type(one).__name__ for one in found if one is not None), None)

    def check_space(self, space: Space) -> None:
        """Refuse parameters that the estimator has not."""
        for name in space.names:
            try:
                clone(self.estimator).set_params(**{name: None})
            except ValueError as error:
                raise ValueError(
                    f"the space names no parameter of the estimator: {error}"
                ) from None


def problem(
    estimator: Any,
    X: Any,
    y: Any,
    params: dict[str, Any] | None = None,
    *,
    route: Callable[[dict[str, Any]], Metadata] = unrouted,
    cv: Any = None,
    scoring: Any = None,
    metric: str | None = None,
    first: bool = False,
    epochs: int | None = None,
    train_scores: bool = False,
    raises: tuple[type[Exception], ...] = (),
) -> Problem:
    """Check what an estimator is to be tried on, and split the rows.

    What `params` has for each row is split with the rows; `route` says what goes to whom.
    """
    if _ratings.is_als(estimator):
        raise ValueError(
            "ALS learns from ratings, not from X and y: give it to a search (TPESearchCV, say), or "
            "to a study a function that fits it, with backend='driver'"
        )
    if X is None:
        raise ValueError(
            "an estimator in the place of an objective needs data: "
            "Study(estimator, space, X=X, y=y)"
        )
    _scoring.check(scoring)
    X, y, handle, params = _run.given(X, y, params or {})
    if handle is None:
        X, y = _arrays(X, y)
    scorer = check_scoring(estimator, scoring=scoring)
    way = way_of(estimator, epochs)
    metadata = route(params)
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    return Problem(
        estimator,
        X,
        y,
        list(splitter.split(X, y, **metadata.split)),
        scorer,
        way,
        metadata,
        metric,
        first,
        train_scores,
        (MetricError, *raises),
        handle,
    )


def _arrays(X: Any, y: Any) -> tuple[Any, Any]:
    """Make arrays of lists of numbers."""
    if isinstance(X, list) and X and isinstance(X[0], list | tuple):
        X = np.asarray(X)
    return X, y if y is None or hasattr(y, "iloc") else np.asarray(y)


class Fold:
    """One split's model on its way."""

    def __init__(self, owner: Objective, model: Any, split: Any) -> None:
        X, y = owner.rows.get()[:2]
        _, fit_params, score_params = owner.plan.get()
        train, test = split
        pairwise = get_tags(model).input_tags.pairwise
        self.train = _part(X, train, train, pairwise), None if y is None else rows_of(y, train)
        self.test = _part(X, test, train, pairwise), None if y is None else rows_of(y, test)
        n = _length(X)
        self.more_train = _split(score_params, n, train)
        self.more_test = _split(score_params, n, test)
        more_fit = _split(fit_params, n, train)
        if owner.layouts is not None:
            model = owner.layouts.shared(model, train, more_fit)
        self.owner = owner
        self.left = owner.way.steps
        self.steps = owner.way.learn(model, *self.train, more_fit)
        self.fit_time = self.score_time = 0.0
        self.scores: dict[str, float] = {}
        self.train_scores: dict[str, float] = {}

    def advance(self) -> None:
        """Learn one step further, and score."""
        start = time.perf_counter()
        model = next(self.steps)
        learnt = time.perf_counter()
        self.scores = self.owner.scored(model, *self.test, self.more_test)
        self.fit_time += learnt - start
        self.score_time += time.perf_counter() - learnt
        if self.owner.train_scores:
            self.train_scores = self.owner.scored(model, *self.train, self.more_train)
        self.left -= 1
        if not self.left:  # its rows and model are not needed any more, its scores are
            del self.train, self.test, self.steps


class Objective:
    """Cross-validates an estimator with given parameters, where the data lie."""

    def __init__(
        self,
        estimator: Any,
        rows: Handle,
        plan: Handle,
        scorer: Callable[..., Any],
        metric: str | None,
        first: bool,
        way: Way,
        train_scores: bool,
        reports: bool,
        config: dict[str, Any],
        layouts: _own.Layouts | None = None,
    ) -> None:
        self.estimator = estimator
        self.rows = rows
        self.plan = plan
        self.scorer = scorer
        self.metric = metric
        self.first = first
        self.way = way
        self.train_scores = train_scores
        self.reports = reports
        self.config = config
        self.layouts = layouts

    def __call__(self, params: dict[str, Any], trial: Trial) -> float:
        """Return the mean score over the splits."""
        with config_context(**self.config):  # as the driver has scikit-learn, routing above all
            return self._validate(params, trial)

    def _validate(self, params: dict[str, Any], trial: Trial) -> float:
        splits = self.plan.get()[0]
        model = clone(self.estimator).set_params(**clone(params, safe=False))
        folds: list[Fold] = []
        if self.way.kind == _FIT:
            # A split is a step: the mean over the first ones says the same of each trial.
            for split in splits:
                folds.append(Fold(self, clone(model), split))
                folds[-1].advance()
                self._tell(trial, folds, len(folds), len(splits))
        else:
            folds = [Fold(self, clone(model), split) for split in splits]
            for step in range(1, self.way.steps + 1):
                for fold in folds:
                    fold.advance()
                self._tell(trial, folds, step, self.way.steps)
        return self._mean(folds)

    def scored(self, model: Any, X: Any, y: Any, more: dict[str, Any]) -> dict[str, float]:
        """Return a model's scores by name."""
        found = self.scorer(model, X, *([] if y is None else [y]), **more)
        if not isinstance(found, dict):
            found = {ONE: found}
        return {name: float(score) for name, score in found.items()}

    def _mean(self, folds: list[Fold]) -> float:
        return float(np.mean([self._counting(fold.scores) for fold in folds]))

    def _counting(self, scores: dict[str, float]) -> float:
        """Return the score that counts."""
        if self.metric in scores:
            return scores[self.metric]
        if not self.first and list(scores) != [ONE]:
            raise MetricError(
                f"scoring gives the metrics {', '.join(scores)}, and none of them is named as the "
                "one that counts: refit of a search names it, a Study takes one metric"
            )
        return next(iter(scores.values()))

    def _tell(self, trial: Trial, folds: list[Fold], step: int, last: int) -> None:
        mean = self._mean(folds)
        trial.set_user_attr(SCORES, [fold.scores for fold in folds])
        trial.set_user_attr(FIT_TIME, [fold.fit_time for fold in folds])
        trial.set_user_attr(SCORE_TIME, [fold.score_time for fold in folds])
        if self.train_scores:
            trial.set_user_attr(TRAIN_SCORES, [fold.train_scores for fold in folds])
        if self.reports:
            trial.report(mean, step)
            if step < last and trial.should_prune():  # at the last there is nothing to spare
                raise TrialPruned


def refitted(problem: Problem, params: dict[str, Any]) -> Any:
    """Fit the estimator with the best parameters on all rows."""
    model = clone(problem.estimator).set_params(**clone(params, safe=False))
    for _ in problem.way.learn(model, problem.X, problem.y, problem.metadata.fit):
        pass
    return model


def _split(params: dict[str, Any], n: int, rows: Any) -> dict[str, Any]:
    """Take the rows of what has a value for each of n."""
    return {k: rows_of(v, rows) if _length(v) == n else v for k, v in params.items()}


def _length(thing: Any) -> int:
    """Return how many rows an array, a sparse matrix, a frame or a list has; -1: it has none."""
    shape = getattr(thing, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else -1
    return len(thing) if isinstance(thing, list | tuple) else -1


def _part(X: Any, rows: Any, columns: Any, pairwise: bool) -> Any:
    return X[np.ix_(rows, columns)] if pairwise else rows_of(X, rows)
