"""Rare positives: learn from a part of the negatives, and correct the probabilities for it."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.special import logit
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

__all__ = ["NegativeDownsamplingClassifier"]


def most_negatives(max_negatives: Any, positives: int) -> int:
    """Return how many negatives are kept at most: a count, or a multiple of the positives."""
    whole = isinstance(max_negatives, int | np.integer) and not isinstance(max_negatives, bool)
    real = isinstance(max_negatives, float | np.floating)
    if not (whole or real) or not 0 < max_negatives < np.inf:
        raise ValueError(
            "max_negatives must be an integer of at least 1 (a count) or a float above 0 (a "
            f"multiple of the positives), not {max_negatives!r}"
        )
    return int(max_negatives) if whole else max(1, round(max_negatives * positives))


def rows_of(data: Any, rows: Any) -> Any:
    """Return some rows of an array, a sparse matrix, a frame or a list."""
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    if sparse.issparse(data):
        return data.tocsr()[rows]
    return np.asarray(data)[rows]


def _has(method: str) -> Any:
    def check(self: Any) -> bool:
        inner = getattr(self, "estimator_", self.estimator)
        # Log odds are made of probabilities.
        return hasattr(inner, method) or (
            method == "decision_function" and hasattr(inner, "predict_proba")
        )

    return check


class NegativeDownsamplingClassifier(
    MetaEstimatorMixin,  # type: ignore[misc]
    ClassifierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    r"""Two classes, one of them rare: learn from all of it and from a part of the other one.

    With a share w of the negatives (by weight, where samples have weights) a model sees odds that
    are 1 / w times the true ones. Its probability q is corrected to

    .. math::
        p = \frac{w q}{w q + 1 - q}

    that is, log w is added to the log odds. Where q is the calibrated probability in the sample, p
    is the calibrated one in all data. `predict` goes by p: it says "positive" above one half, as a
    model of all data would, and hence seldom; threshold p as costs demand.

    Parameters
    ----------
    estimator : estimator
        Classifies two classes.
    max_negatives : int or float, default=10.0
        An integer: so many negatives at most. A float: so many for each positive.
    positive : object, optional
        The class that is kept in full. Default: the rarer one; of two equally frequent ones the
        second.
    random_state : int, RandomState or None, default=None
        Of the draw, which is without replacement.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on the sample.
    classes_ : ndarray of shape (2,)
    positive_ : object
        The class that was kept in full.
    negative_share_ : float
        w, the share of the negatives' weight that was learnt from; 1 where all were.

    References
    ----------
    King, Zeng: Logistic regression in rare events data, 2001 (prior correction). Elkan: The
    foundations of cost-sensitive learning, 2001 (theorem 2). Dal Pozzolo et al.: Calibrating
    probability with undersampling for unbalanced classification, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mllib_py import tune
    >>> x = np.random.default_rng(0).normal(size=(100_000, 1))
    >>> y = np.random.default_rng(1).random(100_000) < 1 / (1 + np.exp(5 - x[:, 0]))
    >>> model = tune.NegativeDownsamplingClassifier(
    ...     LogisticRegression(), max_negatives=5.0, random_state=0
    ... ).fit(x, y)
    >>> print(f"{y.mean():.2f} {model.predict_proba(x)[:, 1].mean():.2f}")
    0.01 0.01
    """

    def __init__(
        self,
        estimator: Any,
        *,
        max_negatives: int | float = 10.0,
        positive: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.max_negatives = max_negatives
        self.positive = positive
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Self:
        """Draw negatives, and fit the estimator.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Of two classes.
        sample_weight : array-like of shape (n_samples,), optional
        **fit_params
            Passed on to the estimator's `fit`; arrays of one value for each sample are drawn from
            as X is. With scikit-learn's metadata routing these and weights are what the estimator
            requests.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            There are not two classes, or `positive` is none of them.
        """
        sample_weight, fit_params = self._routed(sample_weight, fit_params)
        labels, weights = self._checked(X, y, sample_weight)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        code = self._positive(codes)
        self.positive_ = self.classes_[code]
        rows, self.negative_share_ = self._drawn(codes == code, weights)
        count = len(labels)
        words = {
            name: rows_of(value, rows) if _per_sample(value, count) else value
            for name, value in fit_params.items()
        }
        if weights is not None:
            words["sample_weight"] = weights[rows]
        self.estimator_ = clone(self.estimator).fit(rows_of(X, rows), labels[rows], **words)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def _routed(self, sample_weight: Any, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return weights and parameters as the estimator requests them."""
        if not get_config()["enable_metadata_routing"]:
            return sample_weight, params
        given = params if sample_weight is None else {**params, "sample_weight": sample_weight}
        routed = dict(process_routing(self, "fit", **given).estimator.fit)
        return routed.pop("sample_weight", None), routed

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who is given metadata: the estimator, whose weights also weigh the negatives.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return MetadataRouter(owner=type(self).__name__).add(
            estimator=self.estimator,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def _checked(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        if y is None:
            name = type(self).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None")
        check_classification_targets(y)
        labels = column_or_1d(y, warn=True)
        weights = None if sample_weight is None else column_or_1d(sample_weight, dtype=np.float64)
        check_consistent_length(X, labels, weights)
        kind = type_of_target(labels, input_name="y")
        count = len(np.unique(labels))
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported, and y has {count} classes (The type of "
                f"the target is {kind}.); for these take tune.OneVsRestClassifier(max_negatives=)"
            )
        if count < 2:
            raise ValueError("y has 1 class alone, and 2 are needed")
        return labels, weights

    def _positive(self, codes: Any) -> int:
        if self.positive is None:
            counts = np.bincount(codes)
            return int(counts[1] <= counts[0])
        found = np.flatnonzero(self.classes_ == self.positive)
        if not len(found):
            raise ValueError(
                f"positive={self.positive!r} is none of the classes {self.classes_.tolist()}"
            )
        return int(found[0])

    def _drawn(self, positive: Any, weights: Any) -> tuple[Any, float]:
        """Return the rows to learn from, in their order, and the share of negatives among them."""
        negatives = np.flatnonzero(~positive)
        most = most_negatives(self.max_negatives, int(positive.sum()))
        if most >= len(negatives):
            return np.arange(len(positive)), 1.0
        random = check_random_state(self.random_state)
        kept = random.choice(negatives, most, replace=False)
        share = most / len(negatives)
        if weights is not None:
            share = float(weights[kept].sum() / weights[negatives].sum())
        return np.sort(np.r_[np.flatnonzero(positive), kept]), share

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes, corrected for the draw.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, 2)
        """
        check_is_fitted(self)
        # Of each class's own probability, so that small ones keep their digits.
        share = np.where(self.classes_ == self.positive_, self.negative_share_, 1.0)
        weighted = self.estimator_.predict_proba(X) * share
        return weighted / weighted.sum(axis=1, keepdims=True)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Return the corrected log odds of the second class.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Of an estimator without probabilities its own scores, as they are: nothing says how they
            would change.
        """
        check_is_fitted(self)
        if not hasattr(self.estimator_, "predict_proba"):
            return self.estimator_.decision_function(X)
        with np.errstate(divide="ignore"):
            odds = logit(self.estimator_.predict_proba(X)[:, 1])
        shift = np.log(self.negative_share_)
        return odds + (shift if self.classes_[1] == self.positive_ else -shift)

    def predict(self, X: Any) -> Any:
        """Return the likelier class of each row, by corrected probabilities where there are any.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        if not hasattr(self.estimator_, "predict_proba"):
            return self.estimator_.predict(X)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: two classes alone, data as the estimator takes them."""
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags


def _per_sample(value: Any, count: int) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | dict) and len(value) == count
