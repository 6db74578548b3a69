"""What the linear estimators share: from their parameters to coefficients, and back to scores."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mllib_py import _arrays, _bridge, _fits, _layout, _progress
from mllib_py._checks import Rule
from mllib_py._features import Featured, beside_rows, linear_scores
from mllib_py._layout import Layout


def positive_only(name: str, value: Any) -> None:
    """Refuse scikit-learn's option of coefficients of at least 0."""
    if value:
        raise ValueError(f"{name}=True is not supported; leave it False")


class Setting(NamedTuple):
    """How much a model is penalised: ``l2 / 2 |w|^2 + l1 |w|_1`` beside the mean loss."""

    l2: float
    l1: float


class Fitted(NamedTuple):
    """One model: coefficients by output, intercepts, and what there is to tell of its fit."""

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    report: dict[str, Any]


def train(
    data: Layout,
    settings: Sequence[Setting],
    *,
    loss: str,
    outputs: int,
    fit_intercept: bool,
    standardize: bool,
    solver: str,
    tol: float,
    max_iter: int,
    start: NDArray[np.float64] | None = None,
    verbose: bool = False,
    extra: dict[str, Any] | None = None,
) -> list[Fitted]:
    """Train a model for each setting, all in the same passes over the data.

    Parameters
    ----------
    data : Layout
    settings : sequence of Setting
    loss : {"logistic", "multinomial", "hinge", "squared_hinge", "squared"}
    outputs : int
        Linear functions in a model: 1, or the number of classes.
    fit_intercept, standardize, solver, tol, max_iter
        As the estimators have them.
    start : ndarray of shape (outputs, n_features + 1), optional
        Coefficients to begin at, each with its intercept behind.
    verbose : bool, default=False
        Show a bar from the start; else in a terminal or a notebook, after a while.
    extra : dict, optional
        What "mini-batch" takes: step, fraction, seed.

    Returns
    -------
    list of Fitted
    """
    params = {
        "loss": loss,
        "classes": outputs,
        "penalties": [{"l2": s.l2, "l1": s.l1} for s in settings],
        "fit_intercept": bool(fit_intercept),
        "standardize": bool(standardize),
        "solver": solver,
        "tol": float(tol),
        "max_iter": int(max_iter),
    } | (extra or {})
    width = data.n_features + 1
    size = len(settings) * outputs * width * 8
    with _arrays.shared_file(2 * size) as path:
        given = None
        if start is not None:
            given = f"{path}.start"
            start.astype(np.float64).tofile(given)
        handle = _bridge.call("linearFit", data._handle, json.dumps(params), given)
        found = _watched(handle, max_iter, "pass", verbose=verbose)
        told = _bridge.ask("linearResult", found, f"{path}.coef")
        coef = np.fromfile(f"{path}.coef").reshape(len(settings), outputs, width)
    shared = {k: v for k, v in told.items() if k != "models"}
    return [
        Fitted(c[:, :-1].copy(), c[:, -1].copy(), shared | one)
        for c, one in zip(coef, told["models"], strict=True)
    ]


# A fit that is over sooner needs no bar, in seconds.
_PATIENCE = 2.0
# Why a fit ends that can get no further, and the gradient that its rounding may leave at most.
_EXHAUSTED = "the objective falls no further in float64"
STEEP = 1e-4


def _watched(handle: _bridge.Handle, most: int, unit: str, *, verbose: bool) -> _bridge.Handle:
    show = verbose or _progress.wanted(None)
    return _fits.run(handle, most, show=show, unit=unit, delay=0 if verbose else _PATIENCE)


def descend(
    data: Layout,
    params: dict[str, Any],
    start: NDArray[np.float64],
    *,
    verbose: bool = False,
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Run epochs of stochastic gradient descent.

    Parameters
    ----------
    data : Layout
    params : dict
        Plain values: loss, classes, alpha, l2, l1, epsilon, learning_rate, eta0, power_t,
        fit_intercept, shuffle, steps, max_iter, tol, patience, average, seed.
    start : ndarray of shape (classes, n_features + 1)
        Coefficients to begin at, each with its intercept behind.
    verbose : bool, default=False
        As `train` has it.

    Returns
    -------
    coefficients : ndarray of the shape of `start`
    report : dict
    """
    with _arrays.shared_file(2 * start.nbytes) as path:
        start.astype(np.float64).tofile(f"{path}.start")
        handle = _bridge.call("sgdFit", data._handle, _bridge.to_json(params), f"{path}.start")
        found = _watched(handle, params["max_iter"], "epoch", verbose=verbose)
        told = _bridge.ask("sgdResult", found, f"{path}.coef")
        return np.fromfile(f"{path}.coef").reshape(start.shape), told


class LinearModel(Featured, BaseEstimator):  # type: ignore[misc]
    """What the estimators share: data in, coefficients kept, scores out."""

    coef_: NDArray[np.float64]
    intercept_: Any
    report_: dict[str, Any]
    history_: NDArray[np.float64]

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that sparse input is taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _laid_out(self, x: Any, y: Any, sample_weight: Any, target: str) -> tuple[Layout, bool]:
        """Return the data laid out, and whether it is ours to release."""
        if isinstance(x, Layout):
            if y is not None or sample_weight is not None:
                raise TypeError("a layout has its targets and weights; leave y and sample_weight")
            self._check_target(x, target)
            self._note_features(x)
            return x, False
        frame = _layout.as_frame(x)
        if frame is not None:
            data = _layout.of_frame(frame, y, sample_weight, target=target)
            self._note_features(data)
            return data, True
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        return self._arrays_laid_out(x, y, sample_weight, target), True

    def _arrays_laid_out(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        target: str,
        *,
        reset: bool = True,
        classes: NDArray[Any] | None = None,
    ) -> Layout:
        if hasattr(x, "to_pandas"):
            x = x.to_pandas()
        if reset:
            self._forget_columns()
        matrix, labels = validate_data(
            self,
            x,
            y,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
            y_numeric=target == "numbers",
            reset=reset,
        )
        names = getattr(self, "feature_names_in_", None)
        _layout.check_finite(matrix, "X", names)
        if target == "numbers":
            if labels.dtype.kind not in "biuf":
                raise ValueError(
                    f"y must hold numbers for {type(self).__name__}, not {labels.dtype}; classes"
                    " are for LogisticRegression, LinearSVC or SGDClassifier"
                )
            _layout.check_finite(labels, "y")
        weights = _layout.checked_weights(sample_weight, matrix.shape[0])
        labels, weights = self._prepared(labels, weights, classes)
        return _layout.of_arrays(
            matrix, labels, weights, target=target, names=names, classes=classes
        )

    def _prepared(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        classes: NDArray[Any] | None,
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        return y, weights

    def _check_target(self, data: Layout, target: str) -> None:
        if not data._has_targets:
            raise ValueError(
                f"{type(self).__name__} requires targets, and this layout has none: give it y"
            )
        is_classes = data.classes is not None
        if is_classes != (target == "classes"):
            raise ValueError(
                f"{type(self).__name__} takes a layout with target={target!r}; this one has "
                + ("classes" if is_classes else "numbers")
                + f": lay the data out by mllib_py.layout(X, y, target={target!r})"
            )

    def _start(self, outputs: int, n_features: int) -> NDArray[np.float64] | None:
        """Return the coefficients that a warm start begins at, where there are any that fit."""
        if not getattr(self, "warm_start", False) or not hasattr(self, "coef_"):
            return None
        full = self._full()
        return full if full.shape == (outputs, n_features + 1) else None

    def _full(self) -> NDArray[np.float64]:
        """Return the coefficients by output, each with its intercept behind."""
        coef = np.atleast_2d(self.coef_)
        intercept = np.broadcast_to(np.asarray(self.intercept_, dtype=np.float64), len(coef))
        return np.hstack([coef, intercept[:, None]])

    def _note(self, found: Fitted, max_iter: int, setting: dict[str, Any] | None = None) -> Self:
        told = ", ".join(f"{k}={v!r}" for k, v in (setting or {}).items())
        name = f"{type(self).__name__}({told})" if told else type(self).__name__
        self.report_ = {k: v for k, v in found.report.items() if k != "history"}
        self.history_ = np.asarray(found.report["history"])
        if found.report["reason"].startswith("max_iter"):
            warnings.warn(
                f"{name} did not converge in max_iter={max_iter} iterations:"
                " raise max_iter, scale the features, or penalise more",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif found.report["reason"] == _EXHAUSTED and found.report["gradient"] > STEEP:
            warnings.warn(
                f"{name} ended where no step lowers the objective, with a gradient"
                f" of {found.report['gradient']:.1g}: scale the features, or penalise more",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    # ---- scores

    def _scores(self, x: Any) -> NDArray[np.float64]:
        """Return the linear functions' values, of shape (n_samples,) or (n_samples, outputs)."""
        check_is_fitted(self)
        _layout.refuse_kept(x)
        matrix = validate_data(
            self,
            x,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            reset=False,
            ensure_all_finite=False,
        )
        _layout.check_finite(matrix, "X", getattr(self, "feature_names_in_", None))
        product = matrix @ self.coef_.T
        scores: NDArray[np.float64] = (
            product.toarray() if sp.issparse(product) else np.asarray(product)
        ) + self.intercept_
        return scores.ravel() if scores.ndim == 2 and scores.shape[1] == 1 else scores

    def _frame_scores(self, df: Any, out: str) -> Any:
        """Return a Spark DataFrame with the scores of each row in a column of arrays."""
        check_is_fitted(self)
        return linear_scores(df, self._columns_of(df), self._full(), out)

    # ---- fits

    def _fit(self, x: Any, y: Any, sample_weight: Any) -> Self:
        self._check_parameters()
        data, ours = self._laid_out(x, y, sample_weight, self._target)
        try:
            outputs = self._outputs(data)
            found = self._train(data, [self], self._start(outputs, data.n_features))[0]
        finally:
            if ours:
                data.release_all()
        self._keep(found, data)
        return self._note(found, self._most_iterations())

    @available_if(lambda self: bool(self._penalised_by))  # type: ignore[untyped-decorator]
    def fit_path(
        self,
        X: Any,
        y: Any = None,
        settings: Sequence[dict[str, Any]] = (),
        *,
        sample_weight: Any = None,
    ) -> list[Self]:
        """Fit a model for each of several settings of the penalty, all in the same passes.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.
        settings : sequence of dict
            The parameters of the penalty that differ from this estimator's, ``{"C": 0.1}`` say.

        Returns
        -------
        list of estimators
            One fitted for each setting, in their order.

        Raises
        ------
        ValueError
            There are no settings, or one names a parameter that is not of the penalty.

        Examples
        --------
        >>> from mllib_py.linear import Ridge
        >>> path = Ridge().fit_path([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0],
        ...                         [{"alpha": a} for a in (0.0, 1.0, 2.0)])
        >>> [round(float(m.coef_[0]), 3) for m in path]
        [2.0, 1.333, 1.0]
        """
        if isinstance(settings, dict):
            raise TypeError(f"settings must be a list of dicts, one a model, not {settings!r}")
        if not settings:
            raise ValueError("settings is empty; give a dict of parameters for each model")
        models = [self._varied(s) for s in settings]
        data, ours = self._laid_out(X, y, sample_weight, self._target)
        try:
            found = self._train(data, models, None)
        finally:
            if ours:
                data.release_all()
        for model, one, setting in zip(models, found, settings, strict=True):
            model._take_features(self)
            model._keep(one, data)
            model._note(one, self._most_iterations(), setting)
        return models

    def _varied(self, setting: dict[str, Any]) -> Self:
        for name in setting:
            if name not in self._penalised_by:
                raise ValueError(
                    f"settings may differ in {', '.join(self._penalised_by)} alone, not in {name!r}"
                )
        model: Self = clone(self).set_params(**setting)
        model._check_parameters()
        return model

    def _take_features(self, other: Self) -> None:
        for name in ("n_features_in_", "feature_names_in_", "_columns", "_share"):
            if hasattr(other, name):
                setattr(self, name, getattr(other, name))

    def _train(
        self, data: Layout, models: Sequence[Self], start: NDArray[np.float64] | None
    ) -> list[Fitted]:
        weight = data.facts["weight"]
        return train(
            data,
            [m._setting(weight) for m in models],
            loss=self._loss(data),
            outputs=self._outputs(data),
            fit_intercept=self.fit_intercept,
            standardize=self.standardize,
            solver=self._solver(),
            tol=self._tolerance(),
            max_iter=self._most_iterations(),
            start=start,
            verbose=bool(getattr(self, "verbose", False)),
        )

    # What a kind of model says of itself.

    _target: str
    _penalised_by: tuple[str, ...] = ()
    fit_intercept: bool
    standardize: bool

    def _check_parameters(self) -> None:
        """Refuse parameters that cannot be used, before any work."""
        for name, rule in self._rules.items():
            rule(name, getattr(self, name))

    _rules: ClassVar[dict[str, Rule]] = {}

    def _loss(self, data: Layout) -> str:
        raise NotImplementedError

    def _outputs(self, data: Layout) -> int:
        return 1

    def _setting(self, weight: float) -> Setting:
        raise NotImplementedError

    def _solver(self) -> str:
        return "auto"

    def _tolerance(self) -> float:
        return float(self.tol)

    def _most_iterations(self) -> int:
        return int(self.max_iter)

    def _keep(self, found: Fitted, data: Layout) -> None:
        raise NotImplementedError


class Regressor(RegressorMixin, LinearModel):  # type: ignore[misc]
    """A model of one number."""

    _target = "numbers"

    def _loss(self, data: Layout) -> str:
        return "squared"

    def _keep(self, found: Fitted, data: Layout) -> None:
        self.coef_ = found.coef[0]
        self.intercept_ = float(found.intercept[0])
        self.n_iter_ = max(1, found.report["iterations"])

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Layout
            Or a Spark DataFrame, an RDD or a path, see `mllib_py.layout`.
        y : array-like of shape (n_samples,) or str
            Targets, or the name of their column. None with a layout.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weights of the rows, or the name of their column.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight)

    def predict(self, X: Any) -> Any:
        """Predict the targets of rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame or RDD

        Returns
        -------
        ndarray of shape (n_samples,), DataFrame or RDD
            Of a Spark DataFrame, it with the column ``prediction`` more; of an RDD of rows, one of
            predictions.
        """
        if _layout.is_spark(X):
            return beside_rows(X, self._frame_predictions, "prediction")
        return self._scores(X)

    def _frame_predictions(self, df: Any) -> Any:
        from pyspark.sql import functions as f

        scored = self._frame_scores(df, "prediction")
        return scored.withColumn("prediction", f.col("prediction")[0])

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return R squared: 1 less the share of the targets' variance that predictions leave.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them, but no layout.

        Returns
        -------
        float
        """
        if not _layout.is_spark(X):
            return float(super().score(X, y, sample_weight))
        from pyspark.sql import functions as f

        scored, label, weight = _beside_label(self, X, y, sample_weight)
        with _bridge.errors():
            sums = scored.agg(
                f.sum(weight * (label - f.col("prediction")) ** 2),
                f.sum(weight * label) / f.sum(weight),
            ).first()
            spread = scored.agg(f.sum(weight * (label - sums[1]) ** 2)).first()[0]
        return 1 - float(sums[0]) / float(spread) if spread else float(sums[0] == 0)


def _beside_label(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return Spark's rows with their predictions, and the columns of labels and weights."""
    from pyspark.sql import functions as f

    label = "label" if y is None else y
    if not isinstance(label, str) or not isinstance(sample_weight, str | None):
        raise TypeError("with a Spark DataFrame or RDD, y and sample_weight are names of columns")
    frame = _layout.as_frame(x)
    for name in filter(None, (label, sample_weight)):
        if name not in frame.columns:
            raise ValueError(f"there is no column {name!r}; the columns are {frame.columns}")
    weight = f.lit(1.0) if sample_weight is None else f.col(sample_weight).cast("double")
    scored = model._frame_predictions(frame.withColumns({"_label": f.col(label), "_w": weight}))
    return scored, f.col("_label"), f.col("_w")


def _balanced(held: NDArray[Any]) -> NDArray[np.float64]:
    """Return weights that make classes, which hold so much weight, weigh the same."""
    some = np.where(held > 0, held, 1)
    by: NDArray[np.float64] = np.where(held > 0, held.sum() / (len(held) * some), 1.0)
    return by


class Classifier(ClassifierMixin, LinearModel):  # type: ignore[misc]
    """A model of classes: one linear function for two of them, else one for each."""

    _target = "classes"
    class_weight: Any
    classes_: NDArray[Any]

    def _prepared(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        classes: NDArray[Any] | None,
    ) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        check_classification_targets(y)
        if self.class_weight is None:
            return y, weights
        if weights is None or self.class_weight != "balanced":
            by_class = self._by_class(y, classes)
            return y, by_class if weights is None else weights * by_class
        classes, codes = np.unique(y, return_inverse=True)
        held = np.bincount(codes, weights, len(classes))
        return y, weights * _balanced(held)[codes]

    def _by_class(self, y: NDArray[Any], classes: NDArray[Any] | None) -> NDArray[np.float64]:
        by = self.class_weight
        if isinstance(by, dict) and classes is not None:
            # A part of the data need not have all the classes that the weights are of.
            by = {c: w for c, w in by.items() if c not in classes or c in y}
        weights: NDArray[np.float64] = compute_sample_weight(by, y)
        return weights

    def _laid_out(self, x: Any, y: Any, sample_weight: Any, target: str) -> tuple[Layout, bool]:
        arrays = not isinstance(x, Layout) and _layout.as_frame(x) is None
        data, ours = super()._laid_out(x, y, sample_weight, target)
        assert data.classes is not None
        if len(data.classes) < 2:
            if ours:
                data.release()
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the data, but the"
                f" data contains only one class: {data.classes.tolist()[0]!r}"
            )
        if self.class_weight is not None and not arrays:
            return data.by_class(self._class_weights(data)), ours
        return data, ours

    def _class_weights(self, data: Layout) -> list[float]:
        """Return what each class of a layout is weighed by."""
        assert data.classes is not None
        held = data.facts["class_weights"]
        if isinstance(self.class_weight, dict):
            unknown = set(self.class_weight) - set(data.classes.tolist())
            if unknown:
                raise ValueError(f"class_weight names classes that the data do not have: {unknown}")
            return [float(self.class_weight.get(c, 1.0)) for c in data.classes.tolist()]
        if self.class_weight != "balanced":
            raise ValueError(
                f"class_weight must be a dict, 'balanced' or None, not {self.class_weight!r}"
            )
        return [float(by) for by in _balanced(np.asarray(held))]

    def _outputs(self, data: Layout) -> int:
        assert data.classes is not None
        return 1 if len(data.classes) == 2 else len(data.classes)

    def _keep(self, found: Fitted, data: Layout) -> None:
        assert data.classes is not None
        self.classes_ = data.classes
        self.coef_ = found.coef
        self.intercept_ = found.intercept

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Layout
            Or a Spark DataFrame, an RDD or a path, see `mllib_py.layout`.
        y : array-like of shape (n_samples,) or str
            Labels, numbers or texts, or the name of their column. None with a layout.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weights of the rows, or the name of their column.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight)

    def decision_function(self, X: Any) -> Any:
        """Return the linear functions' values: for two classes of the second one.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame or RDD

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes), DataFrame or RDD
            Of a Spark DataFrame, it with the column ``score`` (an array) more; of an RDD of rows,
            one of scores.
        """
        if _layout.is_spark(X):
            return beside_rows(X, lambda df: self._frame_scores(df, "score"), "score")
        return self._scores(X)

    def predict(self, X: Any) -> Any:
        """Predict the classes of rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or Spark DataFrame or RDD

        Returns
        -------
        ndarray of shape (n_samples,), DataFrame or RDD
            Of a Spark DataFrame, it with the column ``prediction`` more; of an RDD of rows, one of
            predictions.
        """
        if _layout.is_spark(X):
            return beside_rows(X, self._frame_predictions, "prediction")
        scores = self._scores(X)
        return self.classes_[
            (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        ]

    def _frame_predictions(self, df: Any) -> Any:
        from pyspark.sql import functions as f

        score = f.col("prediction")
        place = (
            f.when(score[0] > 0, 1).otherwise(0)
            if len(self.classes_) == 2
            else f.array_position(score, f.array_max(score)).cast("int") - 1
        )
        labels = f.array(*[f.lit(c) for c in self.classes_.tolist()])
        scored = self._frame_scores(df, "prediction")
        return scored.withColumn("prediction", f.get(labels, place))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the share of rows whose class is predicted.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them, but no layout.

        Returns
        -------
        float
        """
        if not _layout.is_spark(X):
            return float(super().score(X, y, sample_weight))
        from pyspark.sql import functions as f

        scored, label, weight = _beside_label(self, X, y, sample_weight)
        right = (label == f.col("prediction")).cast("double")
        with _bridge.errors():
            return float(scored.agg(f.sum(weight * right) / f.sum(weight)).first()[0])
