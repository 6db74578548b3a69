"""What estimators on layouts share: the names of features, and linear functions of Spark's rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mllib_py import _arrays, _bridge
from mllib_py._layout import Layout, as_frame


def beside_rows(x: Any, scored: Callable[[Any], Any], out: str) -> Any:
    """Return Spark's rows with what a model says of them in the column `out`.

    Of a DataFrame that is it with the column more, of an RDD of rows an RDD of that column.
    """
    return column_as(x, scored(as_frame(x, supervised=False)), out)


def column_as(x: Any, found: Any, out: str) -> Any:
    """Return a DataFrame as it is, but where the rows in it came as an RDD: that of its column."""
    return found.rdd.map(_Column(out)) if hasattr(x, "mapPartitions") else found


class _Column:
    """A column of a row, by its name; a class, so that it pickles."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, row: Any) -> Any:
        return row[self._name]


class Featured:
    """Knows the features that it was fitted to, and finds them in a DataFrame."""

    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def _note_features(self, data: Layout) -> None:
        self.n_features_in_ = data.n_features
        if data.feature_names is not None:
            self.feature_names_in_ = np.asarray(data.feature_names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._forget_columns()
        if data._columns:
            self._columns = data._columns

    def _forget_columns(self) -> None:
        """Forget the columns of a fit to Spark's data; arrays have none."""
        self.__dict__.pop("_columns", None)

    def _columns_of(self, df: Any) -> list[str]:
        """Return the columns that the model was fitted to, or the one of vectors."""
        for known in ("_columns", "feature_names_in_"):
            columns = getattr(self, known, None)
            if columns is not None and set(columns) <= set(df.columns):
                return list(columns)
        if "features" in df.columns:
            return ["features"]
        columns = getattr(self, "_columns", getattr(self, "feature_names_in_", None))
        if columns is None:
            raise ValueError(
                "the DataFrame has no column 'features'; the model was fitted to features without"
                " names, and wants them as a column of vectors of that name"
            )
        missing = ", ".join(repr(str(c)) for c in columns if c not in df.columns)
        raise ValueError(
            f"the DataFrame has no column {missing}, which the model was fitted to;"
            f" the columns are {df.columns}"
        )


def frame_probabilities(scored: Any, classes: int, *, apart: bool = False) -> Any:
    """Return a Spark DataFrame whose column "probability" holds them in place of scores.

    Of several classes by softmax, or, where each has a model `apart`, each one's own divided by
    their sum.
    """
    from pyspark.sql import functions as f

    score = f.col("probability")
    if classes == 2:
        yes = 1 / (1 + f.exp(-score[0]))
        return scored.withColumn("probability", f.array(1 - yes, yes))
    parts = (
        f.transform(score, lambda s: 1 / (1 + f.exp(-s)))
        if apart
        else f.transform(score, lambda s: f.exp(s - f.array_max(score)))
    )
    total = f.aggregate(parts, f.lit(0.0), lambda a, s: a + s)
    share = f.transform(parts, lambda s: f.when(total > 0, s / total).otherwise(1 / classes))
    return scored.withColumn("probability", share)


def linear_scores(df: Any, columns: Sequence[str], functions: NDArray[np.float64], out: str) -> Any:
    """Return a Spark DataFrame with the values of linear functions in a column of arrays more.

    The functions are rows of coefficients, each with its constant behind.
    """
    outputs, width = functions.shape
    meta = {"outputs": outputs, "features": width - 1, "columns": list(columns), "out": out}
    with _arrays.shared_file(functions.nbytes) as path:
        functions.tofile(path)
        frame = _bridge.frame_handle(df)
        handle = _bridge.call("linearScores", frame, str(path), json.dumps(meta))
    return _bridge.frame_of(handle)
