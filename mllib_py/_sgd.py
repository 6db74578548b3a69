"""Linear models by stochastic gradient descent: an epoch inside each partition, then an average."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if

from mllib_py import _checks
from mllib_py._checks import FINITE, FLAG, POSITIVE, SHARE, Rule, count
from mllib_py._features import beside_rows, frame_probabilities
from mllib_py._layout import Layout, is_spark
from mllib_py._linear import Classifier, LinearModel, Regressor, descend


class _Sgd(LinearModel):
    """What the two estimators by stochastic gradient descent share."""

    loss: str
    penalty: str | None
    alpha: float
    l1_ratio: float
    max_iter: int
    tol: float | None
    shuffle: bool
    epsilon: float
    random_state: Any
    learning_rate: str
    eta0: float
    power_t: float
    n_iter_no_change: int
    warm_start: bool
    average: bool
    t_: float
    n_iter_: int

    _LOSSES: ClassVar[dict[str, str]] = {}
    _rules: ClassVar[dict[str, Rule]] = {
        "penalty": partial(_checks.one_of, choices=("l2", "l1", "elasticnet", None)),
        "alpha": FINITE,
        "l1_ratio": SHARE,
        "fit_intercept": FLAG,
        "max_iter": count,
        "shuffle": FLAG,
        "epsilon": FINITE,
        "learning_rate": partial(
            _checks.one_of, choices=("constant", "optimal", "invscaling", "adaptive")
        ),
        "eta0": POSITIVE,
        "power_t": FINITE,
        "n_iter_no_change": count,
        "early_stopping": partial(_checks.one_of, choices=(False, np.False_)),
    }

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.one_of("loss", self.loss, tuple(self._LOSSES))
        if self.tol is not None:
            FINITE("tol", self.tol)
        if self.learning_rate == "optimal" and self.alpha == 0:
            raise ValueError("learning_rate='optimal' needs an alpha above 0")

    def _go(self, data: Layout, outputs: int, max_iter: int, *, on: bool, measured: bool) -> None:
        """Run epochs, from the coefficients there are where the fit goes `on`.

        If it is `measured`, a last pass finds the objective.
        """
        width = data.n_features + 1
        start = np.zeros((outputs, width))
        if on:
            start[:, :-1] = self.coef_
            start[:, -1] = self.intercept_
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        share = {"l1": 1.0, "elasticnet": self.l1_ratio}.get(self.penalty or "", 0.0)
        strength = self.alpha if self.penalty is not None else 0.0
        params = {
            "loss": self._LOSSES[self.loss],
            "classes": outputs,
            "alpha": self.alpha,
            "l2": (1 - share) * strength,
            "l1": share * strength,
            "epsilon": self.epsilon,
            "learning_rate": self.learning_rate,
            "eta0": self.eta0,
            "power_t": self.power_t,
            "fit_intercept": bool(self.fit_intercept),
            "shuffle": bool(self.shuffle),
            "steps": self.t_ - 1 if on else 0.0,
            "max_iter": max_iter,
            "tol": self.tol,
            "patience": self.n_iter_no_change,
            "average": bool(self.average),
            "seed": seed,
            "measured": measured,
        }
        coef, report = descend(data, params, start, verbose=bool(self.verbose))
        self.history_ = np.asarray(report.pop("losses"))
        self.report_ = report
        self.n_iter_ = report["iterations"]
        self.t_ = report["steps"] + 1
        self._take(coef)

    def _take(self, coef: NDArray[np.float64]) -> None:
        raise NotImplementedError

    def _begin(self, data: Layout, outputs: int, coef_init: Any, intercept_init: Any) -> bool:
        """Take the coefficients to begin at; say whether there are any."""
        if coef_init is None and intercept_init is None:
            warm = self.warm_start and hasattr(self, "coef_")
            return warm and np.size(self.coef_) == outputs * data.n_features
        shape = (outputs, data.n_features)
        coef = np.zeros(shape) if coef_init is None else np.asarray(coef_init, dtype=np.float64)
        if coef.size != outputs * data.n_features:
            raise ValueError(f"coef_init must have the shape {shape}, not {coef.shape}")
        intercept = np.zeros(outputs) if intercept_init is None else np.ravel(intercept_init)
        if intercept.shape != (outputs,):
            raise ValueError(f"intercept_init must have {outputs} values, not {intercept.size}")
        self.t_ = 1.0
        self._take(np.column_stack([coef.reshape(shape), intercept]))
        return True

    def _fit_sgd(
        self, x: Any, y: Any, sample_weight: Any, coef_init: Any, intercept_init: Any
    ) -> Any:
        self._check_parameters()
        data, ours = self._laid_out(x, y, sample_weight, self._target)
        try:
            outputs = self._outputs(data)
            on = self._begin(data, outputs, coef_init, intercept_init)
            if data.classes is not None:
                self.classes_ = data.classes
            self._go(data, outputs, self.max_iter, on=on, measured=True)
        finally:
            if ours:
                data.release_all()
        if self.tol is not None and self.report_["reason"].startswith("max_iter"):
            warnings.warn(
                f"{type(self).__name__} did not converge in max_iter={self.max_iter} epochs:"
                " raise max_iter, or scale the features",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _part(self, x: Any, y: Any, sample_weight: Any, classes: NDArray[Any] | None) -> Any:
        first = not hasattr(self, "coef_")
        data = self._arrays_laid_out(
            x, y, sample_weight, self._target, reset=first, classes=classes
        )
        try:
            self._go(data, self._outputs(data), 1, on=not first, measured=False)
        finally:
            data.release()
        return self


def _has_probabilities(model: Any) -> bool:
    if model.loss != "log_loss":
        raise AttributeError(f"probability estimates are not available for loss={model.loss!r}")
    return True


class SGDClassifier(_Sgd, Classifier):
    r"""Linear classification by stochastic gradient descent: one row at a time.

    With labels s of -1 and 1 and sample weights a, it goes for the minimum of

    .. math::
        \frac{1}{n} \sum_i a_i L(s_i, x_i \cdot w + b)
        + \text{alpha} \left( \frac{1 - \text{l1\_ratio}}{2} |w|_2^2
        + \text{l1\_ratio} |w|_1 \right)

    Of several classes each is set against all others. Data in several partitions (or large arrays
    on several cores) are gone over in parallel, an epoch inside each partition, and the
    coefficients are averaged after each epoch: one pass, one job. Scale the features first.

    Parameters
    ----------
    loss : {"hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"}, default="hinge"
    penalty : {"l2", "l1", "elasticnet", None}, default="l2"
    alpha : float, default=1e-4
        Strength of the penalty, at least 0; of the steps too with ``learning_rate="optimal"``.
    l1_ratio : float, default=0.15
        Share of L1 with ``penalty="elasticnet"``.
    fit_intercept : bool, default=True
    max_iter : int, default=1000
        Epochs at most.
    tol : float or None, default=1e-3
        The fit ends when the mean loss of `n_iter_no_change` epochs in a row is not below the best
        by it. None: it does all epochs.
    shuffle : bool, default=True
        Whether each epoch takes the rows of a block in another order.
    verbose : int, default=0
        Above 0 a bar shows the epochs from the start.
    n_jobs
        Taken for scikit-learn's sake, and not used.
    epsilon : float, default=0.1
        Not used by these losses.
    random_state : int, RandomState or None, default=None
        Of the orders.
    learning_rate : {"optimal", "constant", "invscaling", "adaptive"}, default="optimal"
        The step at time t: ``1 / (alpha (t0 + t))`` with Bottou's t0; ``eta0``;
        ``eta0 / t ** power_t``; or ``eta0``, divided by 5 each time that the loss stays.
    eta0 : float, default=0.01
        See `learning_rate`.
    power_t : float, default=0.5
        See `learning_rate`.
    early_stopping, validation_fraction
        Taken for scikit-learn's sake; only ``early_stopping=False`` is supported.
    n_iter_no_change : int, default=5
        See `tol`.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes.
    warm_start : bool, default=False
        Begin at the coefficients of the last fit.
    average : bool, default=False
        Take the mean of the coefficients after each epoch.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    n_iter_ : int
        Epochs.
    t_ : float
        Steps that were made, and 1.
    history_ : ndarray of shape (epochs,)
        The mean loss of each epoch, while it went on.
    report_ : dict
        Why the fit ended, epochs, passes, bytes to the driver; of `fit` also the objective and the
        largest entry of its smooth part's gradient, from a last pass.

    References
    ----------
    Zinkevich, Weimer, Li, Smola: Parallelized stochastic gradient descent, 2010. Tsuruoka, Tsujii,
    Ananiadou: Stochastic gradient descent training for l1-regularized log-linear models with
    cumulative penalty, 2009.

    Examples
    --------
    >>> from mllib_py.linear import SGDClassifier
    >>> x, y = [[-2.0], [-1.0], [1.0], [2.0]], ["no", "no", "yes", "yes"]
    >>> SGDClassifier(random_state=0).fit(x, y).predict([[-1.5], [1.5]]).tolist()
    ['no', 'yes']
    """

    def __init__(
        self,
        loss: str = "hinge",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: Any = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        warm_start: bool = False,
        average: bool = False,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average

    _LOSSES: ClassVar[dict[str, str]] = {
        "hinge": "hinge",
        "log_loss": "logistic",
        "modified_huber": "modified_huber",
        "squared_hinge": "squared_hinge",
        "perceptron": "perceptron",
    }

    def _take(self, coef: NDArray[np.float64]) -> None:
        self.coef_, self.intercept_ = coef[:, :-1].copy(), coef[:, -1].copy()

    def fit(  # type: ignore[override] # scikit-learn's order
        self,
        X: Any,
        y: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
        sample_weight: Any = None,
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        X, y, sample_weight
            As `LogisticRegression.fit` takes them.
        coef_init, intercept_init : array-like, optional
            Coefficients to begin at.

        Returns
        -------
        self
        """
        return self._fit_sgd(X, y, sample_weight, coef_init, intercept_init)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Go over more rows once, from the coefficients there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like, optional
            All labels that there will be; needed with the first call.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            The first call has no classes, or a label is none of them.
        """
        self._check_parameters()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not for partial_fit, which does not see all rows;"
                " give a dict of weights"
            )
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit")
            found = np.unique(classes)
            if len(found) < 2:
                raise ValueError(
                    f"classes must hold at least 2 labels, and has {len(found)}: {found.tolist()}"
                )
            self.classes_ = found
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError("classes is not the same as on the last call to partial_fit")
        return self._part(X, y, sample_weight, self.classes_)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, with ``loss="log_loss"``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame or RDD

        Returns
        -------
        ndarray of shape (n_samples, n_classes), DataFrame or RDD
            Of several classes each one's own probability, divided by their sum. Of a Spark
            DataFrame, it with the column ``probability`` (an array) more; of an RDD of rows, one
            of probabilities.

        Raises
        ------
        AttributeError
            The loss is another.
        """
        if is_spark(X):
            return beside_rows(X, self._frame_probabilities, "probability")
        from scipy.special import expit

        scores = self._scores(X)
        yes = expit(scores)
        if scores.ndim == 1:
            return np.column_stack([1 - yes, yes])
        total = yes.sum(axis=1, keepdims=True)
        found: NDArray[np.float64] = np.where(
            total > 0, yes / np.where(total > 0, total, 1), 1 / yes.shape[1]
        )
        return found

    def _frame_probabilities(self, df: Any) -> Any:
        scored = self._frame_scores(df, "probability")
        return frame_probabilities(scored, len(self.classes_), apart=True)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithms of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Raises
        ------
        AttributeError
            The loss is another.
        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))


class SGDRegressor(_Sgd, Regressor):
    r"""Linear regression by stochastic gradient descent: one row at a time.

    With sample weights a it goes for the minimum of

    .. math::
        \frac{1}{n} \sum_i a_i L(y_i, x_i \cdot w + b)
        + \text{alpha} \left( \frac{1 - \text{l1\_ratio}}{2} |w|_2^2
        + \text{l1\_ratio} |w|_1 \right)

    with L half the squared error, or the loss that is named. See `SGDClassifier` for how several
    partitions share an epoch.

    Parameters
    ----------
    loss : str, default="squared_error"
        "squared_error", "huber", "epsilon_insensitive" or "squared_epsilon_insensitive".
    penalty : {"l2", "l1", "elasticnet", None}, default="l2"
    alpha : float, default=1e-4
        Strength of the penalty, at least 0; of the steps too with ``learning_rate="optimal"``.
    l1_ratio : float, default=0.15
        Share of L1 with ``penalty="elasticnet"``.
    fit_intercept : bool, default=True
    max_iter : int, default=1000
        Epochs at most.
    tol : float or None, default=1e-3
        The fit ends when the mean loss of `n_iter_no_change` epochs in a row is not below the best
        by it. None: it does all epochs.
    shuffle : bool, default=True
        Whether each epoch takes the rows of a block in another order.
    verbose : int, default=0
        Above 0 a bar shows the epochs from the start.
    epsilon : float, default=0.1
        Distance at which "huber" turns into a line, and up to which the insensitive losses are 0.
    random_state : int, RandomState or None, default=None
        Of the orders.
    learning_rate : {"invscaling", "constant", "optimal", "adaptive"}, default="invscaling"
        See `SGDClassifier`.
    eta0 : float, default=0.01
        See `SGDClassifier`.
    power_t : float, default=0.25
        See `learning_rate`.
    early_stopping, validation_fraction
        Taken for scikit-learn's sake; only ``early_stopping=False`` is supported.
    n_iter_no_change : int, default=5
        See `tol`.
    warm_start : bool, default=False
        Begin at the coefficients of the last fit.
    average : bool, default=False
        Take the mean of the coefficients after each epoch.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : ndarray of shape (1,)
    n_iter_ : int
        Epochs.
    t_ : float
        Steps that were made, and 1.
    history_ : ndarray of shape (epochs,)
        See `SGDClassifier`.
    report_ : dict
        See `SGDClassifier`.

    Examples
    --------
    >>> from mllib_py.linear import SGDRegressor
    >>> model = SGDRegressor(random_state=0, tol=None, max_iter=2000)
    >>> round(float(model.fit([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0]).coef_[0]), 1)
    2.0
    """

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: Any = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool = False,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average

    _LOSSES: ClassVar[dict[str, str]] = {
        "squared_error": "squared",
        "huber": "huber",
        "epsilon_insensitive": "insensitive",
        "squared_epsilon_insensitive": "squared_insensitive",
    }

    def _take(self, coef: NDArray[np.float64]) -> None:
        self.coef_, self.intercept_ = coef[0, :-1].copy(), coef[0, -1:].copy()

    def fit(  # type: ignore[override] # scikit-learn's order
        self,
        X: Any,
        y: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
        sample_weight: Any = None,
    ) -> Any:
        """Fit the model.

        Parameters
        ----------
        X, y, sample_weight
            As `Ridge.fit` takes them.
        coef_init, intercept_init : array-like, optional
            Coefficients to begin at.

        Returns
        -------
        self
        """
        return self._fit_sgd(X, y, sample_weight, coef_init, intercept_init)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go over more rows once, from the coefficients there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        self._check_parameters()
        return self._part(X, y, sample_weight, None)
