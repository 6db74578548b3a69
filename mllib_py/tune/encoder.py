"""Tables as features: an encoding for each column, chosen by what the column holds."""

from __future__ import annotations

import re
from inspect import signature
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from mllib_py import _checks

__all__ = ["TableEncoder"]

SIZES = {"small": 1_000, "medium": 10_000, "large": 2**18}
_WORD = re.compile(r"\w\w+")


def texts(column: Any) -> Any:
    """Return a frame's one column as texts; what is missing is empty."""
    values = column.iloc[:, 0] if isinstance(column, pd.DataFrame) else pd.Series(column)
    return values.astype(object).where(values.notna(), "").astype(str).to_numpy()


def flags(frame: Any) -> Any:
    """Return columns of truth values as numbers; what is missing is NaN."""
    return frame.astype(object).where(frame.notna(), np.nan).astype(float)


class TextEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Weighted counts of the words of a frame's one column.

    Parameters
    ----------
    size : {"small", "medium", "large"}, default="small"
        At most 1,000 or 10,000 words by TF-IDF, or 262,144 places by hashing.

    Examples
    --------
    >>> import pandas as pd
    >>> from mllib_py.tune.encoder import TextEncoder
    >>> TextEncoder().fit(pd.DataFrame({"t": ["good day", None]})).get_feature_names_out().tolist()
    ['t_day', 't_good']
    """

    def __init__(self, size: str = "small") -> None:
        self.size = size

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the words."""
        most = SIZES[self.size]
        self.vectorizer_ = (
            HashingVectorizer(n_features=most)
            if self.size == "large"
            else TfidfVectorizer(max_features=most, sublinear_tf=True)
        )
        self.vectorizer_.fit(texts(X))
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = 1
        return self

    def transform(self, X: Any) -> Any:
        """Return a sparse matrix, a row for each text."""
        check_is_fitted(self)
        return self.vectorizer_.transform(texts(X))

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the column's name with the words, or with numbers where words are hashed."""
        check_is_fitted(self)
        name = self.feature_names_in_[0]
        if isinstance(self.vectorizer_, HashingVectorizer):
            found = map(str, range(self.vectorizer_.n_features))
        else:
            found = iter(self.vectorizer_.get_feature_names_out())
        return np.array([f"{name}_{word}" for word in found], dtype=object)


class TableEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features of a pandas frame: text, categories and numbers, each column by what it holds.

    ========================================  ==================================================
    a column                                  becomes
    ========================================  ==================================================
    of numbers                                itself, the median where missing, scaled
    of truth values                           0 and 1, the more frequent one where missing
    of dates                                  seconds since 1970, as numbers
    of one value or none, or all missing      nothing
    of texts or categories, at most           one column for each value; an unknown one has none
    `max_one_hot` values
    of more values, with a target             the target's mean for each value, cross-fitted
    the same without a target                 the value's number; -1 for unknown ones
    of texts with spaces that hardly repeat   words: TF-IDF, or hashing with size="large"
    of single words that hardly repeat        nothing: a key says nothing of other rows
    ========================================  ==================================================

    The choices are a `ColumnTransformer`, fitted on the driver. Fit the encoder in a pipeline
    before a model: target means are then cross-fitted on training rows alone.

    Parameters
    ----------
    size : {"small", "medium", "large"}, default="medium"
        Of texts: 1,000 or 10,000 words at most by TF-IDF, or 262,144 places by hashing.
    max_one_hot : int, default=30
        Different values at most that get columns of their own.
    text_share : float, default=0.5
        Texts count as such where the different ones are more than this share of all.
    choices : dict of str to str, optional
        For columns by name, what they are instead: "number", "flag", "date", "one-hot", "target",
        "ordinal", "text" or "drop".
    random_state : int or None, default=None
        Of the folds of target means.

    Attributes
    ----------
    transformer_ : ColumnTransformer
    choices_ : dict of str to str
        By column.
    feature_names_in_ : ndarray of str
    n_features_in_ : int

    References
    ----------
    The idea is that of sk-dist's Encoderizer and skrub's TableVectorizer.

    Examples
    --------
    >>> import pandas as pd
    >>> from mllib_py import tune
    >>> frame = pd.DataFrame(
    ...     {"age": [30, None, 50, 41], "town": ["Bonn", "Rome", "Rome", "Bonn"],
    ...      "note": ["likes red", "likes blue shoes", "no shoes", "red or blue"]}
    ... )
    >>> encoder = tune.TableEncoder().fit(frame)
    >>> encoder.choices_
    {'age': 'number', 'town': 'one-hot', 'note': 'text'}
    >>> encoder.get_feature_names_out()[:4].tolist()
    ['age', 'town_Bonn', 'town_Rome', 'note_blue']
    """

    KINDS = ("number", "flag", "date", "one-hot", "target", "ordinal", "text", "drop")

    def __init__(
        self,
        *,
        size: str = "medium",
        max_one_hot: int = 30,
        text_share: float = 0.5,
        choices: dict[str, str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.size = size
        self.max_one_hot = max_one_hot
        self.text_share = text_share
        self.choices = choices
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose encodings, and learn them.

        Parameters
        ----------
        X : pandas.DataFrame of shape (n_samples, n_features)
            Its columns' names are texts.
        y : array-like of shape (n_samples,), optional
            With it, categories of many values are encoded by their target's mean.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            X is no frame.
        ValueError
            A parameter is bad, a column is named twice or cannot be read, or none is left.
        """
        self._choose(X, y)
        self.transformer_.fit(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, and return the features; target means are those of rows that a row is not among.

        Parameters
        ----------
        X, y
            As `fit` takes them.

        Returns
        -------
        sparse matrix or ndarray of shape (n_samples, n_features_out)
        """
        self._choose(X, y)
        return self.transformer_.fit_transform(X, y)

    def transform(self, X: Any) -> Any:
        """Return the features of a frame.

        Parameters
        ----------
        X : pandas.DataFrame of shape (n_samples, n_features)
            With the columns of the fit, in any order.

        Returns
        -------
        sparse matrix or ndarray of shape (n_samples, n_features_out)
            Sparse where fewer than half of the values are not zero.
        """
        check_is_fitted(self)
        _frame(X)
        for name in self.feature_names_in_:
            if name not in X.columns and self.choices_[name] != "drop":
                raise ValueError(f"column {name!r}, which the encoder was fitted on, is missing")
        return self.transformer_.transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the features' names.

        Parameters
        ----------
        input_features
            Not used.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return self.transformer_.get_feature_names_out()

    def explain(self) -> pd.DataFrame:
        """Return, for each column, what it becomes, and why.

        Returns
        -------
        pandas.DataFrame
            Columns column, encoding, reason.
        """
        check_is_fitted(self)
        found = [(name, kind, self._reasons[name]) for name, kind in self.choices_.items()]
        return pd.DataFrame(found, columns=["column", "encoding", "reason"])

    def _choose(self, X: Any, y: Any) -> None:
        self._check(X)
        target = None if y is None else type_of_target(y)
        self.choices_, self._reasons = {}, {}
        for name in X.columns:
            given = (self.choices or {}).get(name)
            kind, reason = (given, "as given") if given else self._kind(X[name], target)
            self.choices_[name], self._reasons[name] = kind, reason
        if y is None and "target" in self.choices_.values():
            raise ValueError("choices has 'target', which needs y")
        made = [
            (name, self._encoding(kind, target), [name])
            for name, kind in self.choices_.items()
            if kind != "drop"
        ]
        if not made:
            raise ValueError("no column is left to encode; explain() would say why of each")
        self.transformer_ = ColumnTransformer(
            made, sparse_threshold=0.5, verbose_feature_names_out=False
        )
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = len(X.columns)

    def _check(self, X: Any) -> None:
        _frame(X)
        _checks.one_of("size", self.size, tuple(SIZES))
        _checks.whole("max_one_hot", self.max_one_hot, 0)
        _checks.number("text_share", self.text_share, 0, 1)
        names = list(X.columns)
        for name, kind in (self.choices or {}).items():
            if name not in names:
                raise ValueError(f"choices names column {name!r}, which the frame does not have")
            _checks.one_of(f"choices[{name!r}]", kind, self.KINDS)
        if len(X) == 0:
            raise ValueError("the frame has no rows")

    def _kind(self, column: Any, target: str | None) -> tuple[str, str]:
        """Return what a column is to become, and why."""
        there = column.dropna()
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return "date", "dates"
        if not isinstance(column.dtype, pd.CategoricalDtype):
            values = there.map(type) if column.dtype == object else None
            bools = values is not None and len(there) and values.isin([bool, np.bool_]).all()
            if pd.api.types.is_bool_dtype(column.dtype) or bools:
                return ("flag", "truth values") if there.nunique() > 1 else _ONE
            if pd.api.types.is_numeric_dtype(column.dtype):
                return ("number", "numbers") if there.nunique() > 1 else _ONE
        odd = _odd(there)
        if odd is not None:
            raise ValueError(
                f"column {column.name!r} has values of type {odd} beside or in place of numbers, "
                "texts and dates; convert them, or leave it out by choices="
            )
        different = int(there.nunique())
        if different < 2:
            return _ONE
        share = different / len(there)
        told = f"{different} different values in {len(there)} rows"
        words = there.astype(str).map(lambda text: len(_WORD.findall(text)))
        if share > self.text_share and (words > 1).mean() > 0.5:
            return "text", f"{told}, most of several words"
        if different <= self.max_one_hot:
            return "one-hot", told
        if share > max(self.text_share, 0.9):
            return "drop", f"{told}: a key"
        if target is None:
            return "ordinal", f"{told}, no target"
        if target in ("binary", "multiclass", "continuous"):
            return "target", told
        return "ordinal", f"{told}, and the target is {target}"

    def _encoding(self, kind: str, target: str | None) -> Any:
        if kind == "number":
            return make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        if kind == "flag":
            return make_pipeline(Flags(), SimpleImputer(strategy="most_frequent"))
        if kind == "date":
            return make_pipeline(Dates(), SimpleImputer(strategy="median"), StandardScaler())
        if kind == "one-hot":
            return OneHotEncoder(handle_unknown="ignore")
        if kind == "target":
            return make_pipeline(_target_encoder(target, self.random_state), StandardScaler())
        if kind == "ordinal":
            return OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
            )
        return TextEncoder(self.size)

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: frames of numbers, texts and categories, with holes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.string = tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        return tags


def _target_encoder(target: str | None, random_state: Any) -> Any:
    """Return an encoder that shuffles rows into folds, as this scikit-learn wants to be told."""
    if signature(TargetEncoder).parameters["random_state"].default is None:  # before 1.9
        return TargetEncoder(random_state=random_state)
    folds = KFold if target == "continuous" else StratifiedKFold
    return TargetEncoder(cv=folds(5, shuffle=True, random_state=random_state))


_ONE = ("drop", "one value or none")


def _odd(there: Any) -> str | None:
    """Return a type that no encoding takes, or that stands beside another one."""
    if isinstance(there.dtype, pd.CategoricalDtype):
        there = pd.Series(there.cat.categories)
    if there.dtype != object:
        return None
    types = there.map(type).unique()
    odd = [t for t in types if not issubclass(t, str | int | float | np.number)]
    texts_too = any(issubclass(t, str) for t in types)
    odd += [t for t in types if texts_too and not issubclass(t, str)]
    return odd[0].__name__ if odd else None


def _frame(X: Any) -> None:
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X must be a pandas DataFrame, not {type(X).__name__}")
    seen = set()
    for name in X.columns:
        if not isinstance(name, str):
            raise ValueError(f"columns' names must be texts, not {name!r}")
        if name in seen:
            raise ValueError(f"the frame has two columns of the name {name!r}")
        seen.add(name)


class _Same(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of a column that learns nothing but its name."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Keep the names."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = len(X.columns)
        return self

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names that came in."""
        return self.feature_names_in_


class Flags(_Same):
    """Truth values as 0 and 1."""

    def transform(self, X: Any) -> Any:
        """Return numbers; NaN where missing."""
        return flags(X)


class Dates(_Same):
    """Dates as seconds since 1970."""

    def transform(self, X: Any) -> Any:
        """Return numbers; NaN where missing."""
        # By way of UTC, so that units and zones of the column do not matter.
        return X.apply(
            lambda c: (pd.to_datetime(c, utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
        )
