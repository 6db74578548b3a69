"""Linear models: scikit-learn's names and parameters, on one machine or a cluster.

Each estimator minimises the objective in its docstring. Data are laid out once into blocks and
rest there; a pass over them, whatever it sums, is one Spark job, or none where Spark is local or
there is little to sum.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from mllib_py import _bridge, _checks
from mllib_py._checks import FINITE, FLAG, POSITIVE, SHARE, Rule, count
from mllib_py._features import beside_rows, frame_probabilities
from mllib_py._layout import Layout, as_frame, is_spark
from mllib_py._linear import Classifier, Fitted, Regressor, Setting, positive_only
from mllib_py._sgd import SGDClassifier, SGDRegressor

__all__ = [
    "ElasticNet",
    "Lasso",
    "LinearRegression",
    "LinearSVC",
    "LogisticRegression",
    "Ridge",
    "SGDClassifier",
    "SGDRegressor",
]


#: Solvers of smooth losses.
SOLVERS = ("auto", "lbfgs", "newton-cg", "newton-cholesky", "local-sgd", "cocoa")


class LogisticRegression(Classifier):
    r"""Logistic regression: two classes, or several by the multinomial model.

    With labels s of -1 and 1 (of several classes, minus the logarithm of the class's softmax) and
    sample weights a, it minimises

    .. math::
        C \sum_i a_i \log(1 + e^{-s_i (x_i \cdot w + b)})
        + \frac{1 - \text{l1\_ratio}}{2} |w|_2^2 + \text{l1\_ratio} |w|_1

    The intercept is not penalised. Separable classes without a penalty have no minimum: the fit
    then ends at ``max_iter`` or where float64 ends, with large coefficients.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet", None}, default="deprecated"
        The older way to say ``l1_ratio`` (0, 1, as given) and ``C`` (infinite for None).
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0; infinite for none.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty.
    dual, intercept_scaling, n_jobs
        Taken for scikit-learn's sake, and not used.
    random_state : int, RandomState or None, default=None
        See `max_negatives`.
    tol : float, default=1e-4
        The fit ends where no entry of the mean loss's gradient is above it, by features scaled to
        curvatures of about 1.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes; "balanced" gives each class the same weight.
    solver : str, default="auto"
        "lbfgs" (with L1, OWL-QN), "newton-cg" or "newton-cholesky" (no L1; the Hessian comes with
        each pass; of several classes, or over 512 features, as "newton-cg"); for two classes
        without L1 also "local-sgd" (epochs inside partitions, corrected by the full gradient) and,
        with an L2 penalty, "cocoa" (dual ascent inside partitions; `tol` is then the duality
        gap's, as a share of the objective). "auto", and scikit-learn's other names, are
        "newton-cholesky" for two classes, no L1 and at most 512 features, if there are as many
        rows; else "lbfgs".
    max_iter : int, default=100
        Iterations at most.
    warm_start : bool, default=False
        Begin at the coefficients of the last fit; not with "cocoa", whose dual variables begin at
        0.
    standardize : bool, default=False
        Penalise as if features had variance 1; the coefficients are those of the data as it is.
    verbose : int, default=0
        Above 0: show a bar from the start; else in a terminal or a notebook, where a fit is long.
    max_negatives : float or None, default=None
        Of two classes, the first one's rows are drawn by `random_state` until there are at most so
        many for each row of the second; the intercept is then corrected by the logarithm of the
        share, so that probabilities are those of the whole data (King and Zeng: Logistic
        regression in rare events data, 2001). None: all rows are taken. Not for a layout.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    n_iter_ : ndarray of shape (1,)
    history_ : ndarray
        The best objective after each pass (of Newton's method, after each iteration).
    report_ : dict
        Why the fit ended, iterations, passes over the data, objective (of the mean loss), largest
        entry of the gradient, bytes that came to the driver.

    References
    ----------
    Liu and Nocedal: On the limited memory BFGS method for large scale optimization, 1989. Andrew
    and Gao: Scalable training of L1-regularized log-linear models, 2007.

    Examples
    --------
    >>> from mllib_py.linear import LogisticRegression
    >>> model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]]).tolist()
    ['no', 'yes']
    """

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        random_state: Any = None,
        solver: str = "auto",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        standardize: bool = False,
        max_negatives: float | None = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.standardize = standardize
        self.max_negatives = max_negatives

    _penalised_by = ("penalty", "C", "l1_ratio")
    _SOLVERS = (*SOLVERS, "liblinear", "sag", "saga")
    _rules: ClassVar[dict[str, Rule]] = {
        "penalty": partial(_checks.one_of, choices=("l1", "l2", "elasticnet", None, "deprecated")),
        "C": POSITIVE,
        "tol": FINITE,
        "fit_intercept": FLAG,
        "solver": partial(_checks.one_of, choices=_SOLVERS),
        "max_iter": count,
        "standardize": FLAG,
    }

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.l1_ratio is not None:
            SHARE("l1_ratio", self.l1_ratio)
        elif self.penalty == "elasticnet":
            raise ValueError("l1_ratio must be a number from 0 to 1 with penalty='elasticnet'")
        if self.max_negatives is not None:
            POSITIVE("max_negatives", self.max_negatives)

    def _laid_out(self, x: Any, y: Any, sample_weight: Any, target: str) -> tuple[Layout, bool]:
        self._share = 1.0
        if self.max_negatives is None:
            return super()._laid_out(x, y, sample_weight, target)
        if isinstance(x, Layout):
            raise ValueError("max_negatives is not for a layout, which has its rows; give the data")
        frame = as_frame(x)
        if frame is not None:
            x = self._drawn_frame(frame, "label" if y is None else y)
        return super()._laid_out(x, y, sample_weight, target)

    def _prepared(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        classes: NDArray[Any] | None,
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        y, weights = super()._prepared(y, weights, classes)
        if self.max_negatives is None:
            return y, weights
        classes, counts = np.unique(y, return_counts=True)
        self._set_share(counts.tolist())
        random = check_random_state(self.random_state)
        drawn = (y != classes[0]) | (random.random_sample(len(y)) < self._share)
        return y, drawn * (1.0 if weights is None else weights)

    def _drawn_frame(self, df: Any, label: str) -> Any:
        from pyspark.sql import functions as f

        counted = df.groupBy(label).count().orderBy(label)
        with _bridge.errors():
            found = counted.collect()
        self._set_share([r["count"] for r in found])
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        drawn = (f.col(label) != f.lit(found[0][0])) | (f.rand(seed) < self._share)
        return df.where(drawn)

    def _set_share(self, counts: list[int]) -> None:
        if len(counts) != 2:
            raise ValueError(f"max_negatives is for two classes, and the data have {len(counts)}")
        assert self.max_negatives is not None
        self._share = min(1.0, self.max_negatives * counts[1] / counts[0])

    def _l1_share(self) -> float:
        if self.penalty in ("l1", "l2"):
            return float(self.penalty == "l1")
        return float(self.l1_ratio or 0)

    def _setting(self, weight: float) -> Setting:
        if self.penalty is None or np.isinf(self.C):
            return Setting(0, 0)
        share, strength = self._l1_share(), 1 / (self.C * weight)
        return Setting((1 - share) * strength, share * strength)

    def _loss(self, data: Layout) -> str:
        return "logistic" if self._outputs(data) == 1 else "multinomial"

    def _solver(self) -> str:
        return self.solver if self.solver in SOLVERS else "auto"

    def _keep(self, found: Fitted, data: Layout) -> None:
        super()._keep(found, data)
        self.intercept_ = self.intercept_ + np.log(self._share)
        self.n_iter_ = np.asarray([max(1, found.report["iterations"])], dtype=np.int32)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame or RDD

        Returns
        -------
        ndarray of shape (n_samples, n_classes), DataFrame or RDD
            Of a Spark DataFrame, it with the column ``probability`` (an array) more; of an RDD of
            rows, one of probabilities.
        """
        if is_spark(X):
            return beside_rows(X, self._frame_probabilities, "probability")
        from scipy.special import expit, softmax

        scores = self._scores(X)
        if scores.ndim > 1:
            return softmax(scores, axis=1)
        yes = expit(scores)
        return np.column_stack([1 - yes, yes])

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        from scipy.special import log_expit, log_softmax

        scores = self._scores(X)
        found: NDArray[np.float64] = (
            log_softmax(scores, axis=1)
            if scores.ndim > 1
            else np.column_stack([log_expit(-scores), log_expit(scores)])
        )
        return found

    def _frame_probabilities(self, df: Any) -> Any:
        return frame_probabilities(self._frame_scores(df, "probability"), len(self.classes_))


class LinearSVC(Classifier):
    r"""Linear support vector machine: two classes, or several, each against all others.

    With labels s of -1 and 1 and sample weights a, it minimises

    .. math::
        C \sum_i a_i \max(0, 1 - s_i (x_i \cdot w + b))^p + \frac{1}{2} |w|_2^2

    with p = 2 for ``loss="squared_hinge"`` and 1 for ``"hinge"``; with ``penalty="l1"`` the last
    term is the L1 norm. The intercept is not penalised, unlike liblinear's, so coefficients differ
    a little from scikit-learn's.

    The hinge is rounded off at its corner, less and less, down to a width of 1e-4, until the
    duality gap is within `tol` of the objective; with L1 or `standardize`, which give no gap, to
    the end.

    Parameters
    ----------
    penalty : {"l2", "l1"}, default="l2"
    loss : {"squared_hinge", "hinge"}, default="squared_hinge"
    dual, multi_class, intercept_scaling, random_state
        Taken for scikit-learn's sake, and not used.
    tol : float, default=1e-4
        See `LogisticRegression`.
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0.
    fit_intercept : bool, default=True
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes.
    max_iter : int, default=1000
        Iterations at most.
    verbose : int, default=0
        See `LogisticRegression`.
    solver : str, default="auto"
        "auto", "lbfgs", "newton-cg", "newton-cholesky", "local-sgd" or "cocoa", as
        `LogisticRegression` has them; Newton's method and "local-sgd" are for the squared hinge,
        and of several classes only "cocoa" and "lbfgs" take them. Of the hinge "auto" is "lbfgs".
    standardize : bool, default=False
        Penalise as if features had variance 1.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    n_iter_ : int
    history_ : ndarray
        See `LogisticRegression`.
    report_ : dict
        See `LogisticRegression`.

    Examples
    --------
    >>> from mllib_py.linear import LinearSVC
    >>> model = LinearSVC().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.predict([[0.5], [2.5]]).tolist()
    [0, 1]
    """

    def __init__(
        self,
        penalty: str = "l2",
        loss: str = "squared_hinge",
        *,
        dual: bool | str = "auto",
        tol: float = 1e-4,
        C: float = 1.0,
        multi_class: str = "ovr",
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        verbose: int = 0,
        random_state: Any = None,
        max_iter: int = 1000,
        solver: str = "auto",
        standardize: bool = False,
    ) -> None:
        self.penalty = penalty
        self.loss = loss
        self.dual = dual
        self.tol = tol
        self.C = C
        self.multi_class = multi_class
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.verbose = verbose
        self.random_state = random_state
        self.max_iter = max_iter
        self.solver = solver
        self.standardize = standardize

    _penalised_by = ("penalty", "C")
    _rules: ClassVar[dict[str, Rule]] = {
        "penalty": partial(_checks.one_of, choices=("l1", "l2")),
        "loss": partial(_checks.one_of, choices=("hinge", "squared_hinge")),
        "multi_class": partial(_checks.one_of, choices=("ovr",)),
        "C": POSITIVE,
        "tol": FINITE,
        "fit_intercept": FLAG,
        "max_iter": count,
        "solver": partial(_checks.one_of, choices=SOLVERS),
        "standardize": FLAG,
    }

    def _setting(self, weight: float) -> Setting:
        strength = 1 / (self.C * weight)
        return Setting(0, strength) if self.penalty == "l1" else Setting(strength, 0)

    def _loss(self, data: Layout) -> str:
        return self.loss

    def _solver(self) -> str:
        return self.solver

    def _keep(self, found: Fitted, data: Layout) -> None:
        super()._keep(found, data)
        self.n_iter_ = max(1, found.report["iterations"])


class LinearRegression(Regressor):
    r"""Least squares.

    With sample weights a it minimises :math:`\sum_i a_i (y_i - x_i \cdot w - b)^2`; of several
    minima, as with collinear columns, it takes the coefficients nearest to 0.

    Parameters
    ----------
    fit_intercept : bool, default=True
    copy_X, n_jobs
        Taken for scikit-learn's sake, and not used.
    tol : float, default=1e-6
        Of the gradient, where there are too many features for the normal equations (over 2048).
    positive : bool, default=False
        True is not supported.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    history_ : ndarray
        See `LogisticRegression`.
    report_ : dict
        See `LogisticRegression`.

    Examples
    --------
    >>> from mllib_py.linear import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> round(float(model.coef_[0]), 6), round(model.intercept_, 6)
    (2.0, 1.0)
    """

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive

    standardize = False
    _rules: ClassVar[dict[str, Rule]] = {
        "fit_intercept": FLAG,
        "tol": FINITE,
        "positive": positive_only,
    }

    def _setting(self, weight: float) -> Setting:
        return Setting(0, 0)

    def _most_iterations(self) -> int:
        return 1000


class Ridge(Regressor):
    r"""Least squares with an L2 penalty.

    With sample weights a it minimises
    :math:`\sum_i a_i (y_i - x_i \cdot w - b)^2 + \text{alpha} |w|_2^2`.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0.
    fit_intercept : bool, default=True
    copy_X, random_state
        Taken for scikit-learn's sake, and not used.
    max_iter : int, optional
        Iterations at most, where there are too many features for the normal equations (over
        2048). Default: 1000.
    tol : float, default=1e-4
        Of the gradient, likewise.
    solver : str, default="auto"
        "direct" (the normal equations), or what `LogisticRegression` has: "lbfgs", "newton-cg",
        "newton-cholesky", "local-sgd" or "cocoa". "auto" and scikit-learn's other names take the
        normal equations where there are at most 2048 features, else "lbfgs".
    positive : bool, default=False
        True is not supported.
    standardize : bool, default=False
        Penalise as if features had variance 1.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    n_iter_ : int
    history_ : ndarray
        See `LogisticRegression`.
    report_ : dict
        See `LogisticRegression`.

    Examples
    --------
    >>> from mllib_py.linear import Ridge
    >>> round(float(Ridge(alpha=2.0).fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0]).coef_[0]), 6)
    1.0
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
        standardize: bool = False,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.standardize = standardize

    _penalised_by = ("alpha",)
    _SOLVERS = (*SOLVERS, "direct", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga")
    _rules: ClassVar[dict[str, Rule]] = {
        "alpha": FINITE,
        "solver": partial(_checks.one_of, choices=_SOLVERS),
        "fit_intercept": FLAG,
        "tol": FINITE,
        "positive": positive_only,
        "standardize": FLAG,
    }

    def _setting(self, weight: float) -> Setting:
        return Setting(self.alpha / weight, 0)

    def _solver(self) -> str:
        return self.solver if self.solver in (*SOLVERS, "direct") else "auto"

    def _most_iterations(self) -> int:
        return 1000 if self.max_iter is None else _checks.whole("max_iter", self.max_iter, 1)


class ElasticNet(Regressor):
    r"""Least squares with L1 and L2 penalties.

    With sample weights a of mean 1 it minimises

    .. math::
        \frac{1}{2n} \sum_i a_i (y_i - x_i \cdot w - b)^2
        + \text{alpha} \left( \text{l1\_ratio} |w|_1
        + \frac{1 - \text{l1\_ratio}}{2} |w|_2^2 \right)

    Up to 2048 features, one pass sums their products and coordinate descent goes on from these.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0.
    l1_ratio : float, default=0.5
        Share of L1 in it.
    fit_intercept : bool, default=True
    precompute, copy_X, random_state, selection
        Taken for scikit-learn's sake, and not used.
    max_iter : int, default=1000
        Sweeps over the coefficients at most.
    tol : float, default=1e-4
        The fit ends where the duality gap is within so much of the targets' mean square.
    warm_start : bool, default=False
        Begin at the last coefficients, where there are too many features for their products.
    positive : bool, default=False
        True is not supported.
    standardize : bool, default=False
        Penalise as if features had variance 1.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    n_iter_ : int
    dual_gap_ : float
    history_ : ndarray
        See `LogisticRegression`.
    report_ : dict
        See `LogisticRegression`; ``gap`` is the duality gap.

    References
    ----------
    Friedman, Hastie, Tibshirani: Regularization paths for generalized linear models via coordinate
    descent, 2010.

    Examples
    --------
    >>> from mllib_py.linear import ElasticNet
    >>> model = ElasticNet(alpha=0.1).fit([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]], [0.0, 2.0, 4.0])
    >>> model.coef_.round(3).tolist()
    [1.791, 0.0]
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        standardize: bool = False,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize

    _penalised_by: tuple[str, ...] = ("alpha", "l1_ratio")
    _rules: ClassVar[dict[str, Rule]] = {
        "alpha": FINITE,
        "l1_ratio": SHARE,
        "fit_intercept": FLAG,
        "max_iter": count,
        "tol": FINITE,
        "positive": positive_only,
        "standardize": FLAG,
    }

    def _setting(self, weight: float) -> Setting:
        return Setting(self.alpha * (1 - self.l1_ratio), self.alpha * self.l1_ratio)

    def _keep(self, found: Fitted, data: Layout) -> None:
        super()._keep(found, data)
        self.dual_gap_ = found.report.get("gap", 0.0)


class Lasso(ElasticNet):
    r"""Least squares with an L1 penalty: `ElasticNet` with ``l1_ratio=1``.

    With sample weights a of mean 1 it minimises
    :math:`\frac{1}{2n} \sum_i a_i (y_i - x_i \cdot w - b)^2 + \text{alpha} |w|_1`.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, at least 0.
    fit_intercept, precompute, copy_X, max_iter, tol, warm_start, positive, random_state, selection
        See `ElasticNet`.
    standardize : bool, default=False
        Penalise as if features had variance 1.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    n_iter_ : int
    dual_gap_ : float
    history_ : ndarray
        See `LogisticRegression`.
    report_ : dict
        See `ElasticNet`.

    Examples
    --------
    >>> from mllib_py.linear import Lasso
    >>> model = Lasso(alpha=0.1).fit([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]], [0.0, 2.0, 4.0])
    >>> model.coef_.round(3).tolist()
    [1.85, 0.0]
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        standardize: bool = False,
    ) -> None:
        super().__init__(
            alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            max_iter=max_iter,
            copy_X=copy_X,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
            standardize=standardize,
        )

    _penalised_by = ("alpha",)
