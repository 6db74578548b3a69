"""Data sets of features and targets, laid out once in the JVM for any number of fits."""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from mllib_py import _arrays, _bridge

# Shares of entries that are not 0: sparse input above the first one becomes dense rows, dense input
# below the second one sparse rows.
_DENSE_FROM = 0.3
_SPARSE_BELOW = 0.05
_MOST_CLASSES = 10_000
# Endings of compressed text that Spark reads as it is.
_PACKED = (".gz", ".bz2", ".zst")


class Layout:
    """Features and targets at rest in the JVM. Made by `layout`; estimators' `fit` takes it.

    `n_features` counts the features, and `feature_names` are their columns' names, where they have
    some; `classes` are the labels, sorted, or None where targets are numbers.
    """

    def __init__(
        self,
        handle: _bridge.Handle,
        *,
        n_features: int,
        classes: NDArray[Any] | None,
        feature_names: Sequence[str] | None,
        targets: bool = True,
        weighted: bool = False,
        frame: Any = None,
        columns: Sequence[str] = (),
    ) -> None:
        self._handle = handle
        self._of: Layout | None = None  # whose rows these are
        self._has_targets = targets
        self._weighted = weighted
        # The Spark DataFrame that the rows are, and their columns in it.
        self._frame = frame
        self._columns = list(columns)
        self.n_features = n_features
        self.classes = classes
        self.feature_names = None if feature_names is None else list(feature_names)
        self._finalizer = weakref.finalize(self, _bridge.forget, "releaseLinear", handle)

    def __repr__(self) -> str:
        targets = "no targets"
        if self._has_targets:
            targets = "numbers" if self.classes is None else f"{len(self.classes)} classes"
        gone = "" if self._finalizer.alive else ", released"
        return f"Layout({self.n_features} features, {targets}{gone})"

    @property
    def facts(self) -> dict[str, Any]:
        """Rows, weight, features, kind of blocks and their number; a pass where none was made."""
        found: dict[str, Any] = _bridge.ask("linearFacts", self._handle)
        return found

    def by_class(self, weights: Sequence[float]) -> Layout:
        """Return the same rows, each weighing as many times more as its class says.

        They stay this layout's, which must be held as long.
        """
        handle = _bridge.call(
            "linearByClass", self._handle, json.dumps([float(w) for w in weights])
        )
        out = Layout(
            handle,
            weighted=True,
            n_features=self.n_features,
            classes=self.classes,
            feature_names=self.feature_names,
            columns=self._columns,
        )
        out._of = self
        return out

    def release_all(self) -> None:
        """Free what is held, and the layout whose rows these are."""
        self.release()
        if self._of is not None:
            self._of.release()

    def release(self) -> None:
        """Free what is held; the layout cannot be used after."""
        if self._finalizer.detach():
            _bridge.release("releaseLinear", self._handle)


def layout(
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    target: str = "auto",
    features: str | Sequence[str] | None = None,
) -> Layout:
    """Lay a data set out in the JVM once, to fit any number of models to it.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), DataFrame, RDD or path
        A NumPy array, SciPy matrix, pandas DataFrame, Arrow table; a Spark DataFrame; an RDD of
        (features, label) pairs; or the path or URI of files that Spark reads, ``hdfs://`` say:
        CSV (with a header) and Parquet by the ending, a ``.gz`` behind it or not, and else LIBSVM.
        Dense or sparse rows are kept by density.
    y : array-like of shape (n_samples,) or str
        Targets; of a Spark DataFrame, RDD or path the name of their column, ``"label"`` if None.
        Without targets (None, and no such column) the data are for models that need none.
    sample_weight : array-like of shape (n_samples,) or str, optional
        Weights of rows, or the name of their column.
    target : {"auto", "classes", "numbers", "none"}, default="auto"
        What targets are; "auto" takes whole numbers, texts and booleans for classes. With "none"
        rows have no targets, as decompositions want them.
    features : str or sequence of str, optional
        Of a Spark DataFrame or path: the column of vectors, or the columns of numbers. Default:
        the column ``features`` where there is one, else all other columns.

    Returns
    -------
    Layout

    Raises
    ------
    ValueError
        NaN or infinite values, lengths that differ, columns that are missing; the message says
        which and how many.

    Examples
    --------
    >>> import mllib_py
    >>> from mllib_py.linear import Ridge
    >>> data = mllib_py.layout([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0], target="numbers")
    >>> [round(float(Ridge(alpha=a).fit(data).coef_[0]), 3) for a in (0.0, 1.0)]
    [2.0, 1.333]
    """
    if target not in ("auto", "classes", "numbers", "none"):
        raise ValueError(f"target must be 'auto', 'classes', 'numbers' or 'none', not {target!r}")
    if target == "none" and (y is not None or sample_weight is not None):
        raise ValueError("target='none' is for rows alone; leave y and sample_weight")
    frame = as_frame(X, supervised=target != "none")
    if frame is not None:
        if y is None and "label" not in frame.columns:
            target = "none"
        return of_frame(frame, y, sample_weight, target=target, features=features)
    if y is None:
        rows = checked_rows(X)
        weights = checked_weights(sample_weight, rows.shape[0])
        return of_arrays(rows, None, weights, target="none", names=_names(X))
    matrix, labels, weights = checked_arrays(X, y, sample_weight)
    return of_arrays(matrix, labels, weights, target=target, names=_names(X))


def _names(x: Any) -> list[str] | None:
    columns = getattr(x, "column_names", getattr(x, "columns", None))  # Arrow's, pandas'
    if columns is None or not all(isinstance(c, str) for c in columns):
        return None
    return list(columns)


def checked_arrays(
    x: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None]:
    """Return features (array or CSR), targets and weights, checked."""
    from sklearn.utils import check_X_y

    if hasattr(x, "to_pandas"):
        x = x.to_pandas()
    numeric = np.asarray(y).dtype.kind in "iufb"
    matrix, labels = check_X_y(
        x,
        y,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_all_finite=False,
        y_numeric=numeric,
    )
    check_finite(matrix, "X")
    if numeric:
        check_finite(labels, "y")
    return matrix, labels, checked_weights(sample_weight, matrix.shape[0])


def checked_rows(x: Any) -> Any:
    """Return features without targets (array or CSR), checked."""
    from sklearn.utils import check_array

    if hasattr(x, "to_pandas"):
        x = x.to_pandas()
    matrix = check_array(
        x, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False
    )
    check_finite(matrix, "X")
    return matrix


def check_finite(x: Any, name: str, columns: Sequence[str] | None = None) -> None:
    """Refuse NaN and infinite values; say in which columns they are, and how many."""
    values = x.data if sp.issparse(x) else x
    if np.isfinite(np.sum(values)) or np.isfinite(values).all():
        return
    bad = ~np.isfinite(values)
    kind = "NaN" if np.isnan(values).any() else "infinity (inf)"
    if name == "y":
        raise ValueError(f"y contains {kind}: {int(bad.sum())} values; drop or fill such rows")
    counts = (
        np.bincount(x.indices[bad], minlength=x.shape[1])
        if sp.issparse(x)
        else bad.reshape(len(x), -1).sum(axis=0)
    )
    where = np.flatnonzero(counts)
    told = ", ".join(f"{c if columns is None else columns[c]} ({counts[c]})" for c in where[:5])
    more = f" and {len(where) - 5} more" if len(where) > 5 else ""
    raise ValueError(
        f"Input X contains {kind}: column (values) {told}{more}; drop or fill such rows"
    )


def checked_weights(sample_weight: ArrayLike | None, rows: int) -> NDArray[np.float64] | None:
    """Return weights of rows as float64; None where all are 1."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(rows, float(weights))
    if weights.ndim != 1 or len(weights) != rows:
        raise ValueError(
            f"sample_weight must have the shape ({rows},), one weight for each row,"
            f" not {weights.shape}"
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight must hold finite numbers of at least 0")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number")
    return weights


def of_arrays(
    x: Any,
    y: NDArray[Any] | None,
    weights: NDArray[np.float64] | None,
    *,
    target: str,
    names: Sequence[str] | None = None,
    classes: NDArray[Any] | None = None,
) -> Layout:
    """Lay arrays out that `checked_arrays` gave; of classes there may be more than `y` has.

    Without targets every row is kept, those that weigh nothing too: they are labelled.
    """
    if y is None:
        targets = np.zeros(x.shape[0])
    elif classes is None:
        classes, targets = coded(y, target)
    else:
        targets = _among(y, classes)
    if (
        y is not None and weights is not None and not weights.all()
    ):  # rows that weigh nothing need not cross
        x, targets, weights = x[weights > 0], targets[weights > 0], weights[weights > 0]
    x = _by_density(x)
    rows, features = x.shape
    sparse = sp.issparse(x)
    parts = [x.indptr.astype(np.int64), x.indices.astype(np.int32), x.data] if sparse else [x]
    arrays = [*parts, targets] + ([] if weights is None else [weights])
    meta = {
        "rows": rows,
        "features": features,
        "classes": 0 if classes is None else len(classes),
        "entries": int(x.nnz) if sparse else 0,
        "sparse": sparse,
        "single": x.dtype == np.float32,
        "weighted": weights is not None,
    }
    with _arrays.shared_file(sum(a.nbytes for a in arrays)) as path:
        _arrays.write_arrays(path, arrays)
        handle = _bridge.call("linearData", str(path), json.dumps(meta, default=bool))
    return Layout(
        handle,
        n_features=features,
        classes=classes,
        feature_names=names,
        targets=y is not None,
        weighted=weights is not None,
    )


def coded(y: NDArray[Any], target: str) -> tuple[NDArray[Any] | None, NDArray[np.float64]]:
    """Return classes and their numbers; for targets that are numbers, None and these."""
    from sklearn.utils.multiclass import type_of_target

    if target == "auto":
        kind = type_of_target(y, input_name="y")
        target = "classes" if kind in ("binary", "multiclass") else "numbers"
    if target == "numbers":
        return None, np.asarray(y, dtype=np.float64)
    classes, numbers = np.unique(y, return_inverse=True)
    return classes, numbers.astype(np.float64)


def _among(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(f"y has labels that are not in classes: {unknown[:5].tolist()}")
    return np.searchsorted(classes, y).astype(np.float64)


def _by_density(x: Any) -> Any:
    if sp.issparse(x):
        x = x.tocsr()
        if x.nnz > _DENSE_FROM * x.shape[0] * x.shape[1]:
            return x.toarray()
        x.sum_duplicates()
        return x
    if np.count_nonzero(x) < _SPARSE_BELOW * x.size:
        return sp.csr_matrix(x)
    return np.ascontiguousarray(x)


# ---- Spark


def as_frame(x: Any, *, supervised: bool = True) -> Any:
    """Return a Spark DataFrame for one, for an RDD, or for a path; None for the rest.

    An RDD has pairs of features and label, or, where nothing is supervised, features alone.
    """
    if isinstance(x, str | PurePath):
        return _read(str(x))
    if type(x).__module__.startswith("pyspark.sql") and hasattr(x, "_jdf"):
        return x
    if is_spark(x) and hasattr(x, "mapPartitions"):
        return _of_rdd(x) if supervised else _of_rows(x)
    return None


def refuse_kept(x: Any) -> None:
    """Refuse a layout or a path where rows are wanted: fits alone take these."""
    if isinstance(x, Layout):
        raise TypeError(
            "a layout is for fits; give the rows themselves here: an array, a DataFrame or an RDD"
        )
    if isinstance(x, str | PurePath):
        raise TypeError(
            f"{str(x)!r} is a path, which fits alone take; read it first, with spark.read or pandas"
        )


def refuse_spark(x: Any, method: str) -> None:
    """Refuse Spark's rows, a layout or a path where a method takes arrays alone."""
    refuse_kept(x)
    if is_spark(x):
        raise TypeError(f"{method} takes an array; collect the rows first, df.toPandas() say")


def is_spark(x: Any) -> bool:
    """Say whether something is Spark's: a DataFrame or an RDD."""
    return type(x).__module__.startswith("pyspark")


def _read(path: str) -> Any:
    from mllib_py._session import session

    spark = session()
    with _bridge.errors():
        ending = path.rstrip("/").lower()
        for packed in _PACKED:
            ending = ending.removesuffix(packed)
        if ending.endswith(".csv"):
            return spark.read.csv(path, header=True, inferSchema=True)
        if ending.endswith(".parquet"):
            return spark.read.parquet(path)
        return spark.read.format("libsvm").load(path)


def _of_rows(rdd: Any) -> Any:
    from mllib_py._session import session

    def row(features: Any) -> tuple[Any]:
        return (_vector(getattr(features, "features", features)),)

    with _bridge.errors():
        return session().createDataFrame(rdd.map(row), ["features"])


def _vector(features: Any) -> Any:
    from pyspark.ml.linalg import DenseVector, SparseVector, Vectors

    if hasattr(features, "asML"):
        return features.asML()
    if isinstance(features, DenseVector | SparseVector):
        return features
    return Vectors.dense(np.asarray(features, dtype=np.float64))


def _of_rdd(rdd: Any) -> Any:
    from mllib_py._session import session

    def row(pair: Any) -> tuple[Any, float]:
        features, label = (
            (pair.features, pair.label) if hasattr(pair, "features") else (pair[0], pair[1])
        )
        return _vector(features), label.item() if isinstance(label, np.generic) else label

    with _bridge.errors():
        return session().createDataFrame(rdd.map(row), ["features", "label"])


def feature_columns(df: Any, label: str | None, weight: str | None, chosen: Any) -> list[str]:
    """Return the columns of a Spark DataFrame that hold the features."""
    if chosen is not None:
        return [chosen] if isinstance(chosen, str) else list(chosen)
    if "features" in df.columns:
        return ["features"]
    return [c for c in df.columns if c not in (label, weight)]


def of_frame(
    df: Any,
    y: str | None,
    sample_weight: str | None,
    *,
    target: str,
    features: str | Sequence[str] | None = None,
) -> Layout:
    """Lay a Spark DataFrame out where it is."""
    label = None if target == "none" else "label" if y is None else y
    if not isinstance(label, str | None) or not isinstance(sample_weight, str | None):
        raise TypeError(
            "with a Spark DataFrame, RDD or path, y and sample_weight are names of columns"
        )
    for name in filter(None, (label, sample_weight)):
        if name not in df.columns:
            raise ValueError(f"there is no column {name!r}; the columns are {df.columns}")
    columns = feature_columns(df, label, sample_weight, features)
    if not columns:
        raise ValueError("there is no column of features beside the label")
    classes, written = None, list[str]()
    if label is not None and (
        target == "classes" or (target == "auto" and not _fractional(df, label))
    ):
        classes, written = _classes(df, label)
    meta = {"columns": columns, "label": label, "weight": sample_weight, "classes": written}
    handle = _bridge.call("linearDataFromFrame", _bridge.frame_handle(df), json.dumps(meta))
    try:
        facts = _bridge.ask("linearFacts" if label is not None else "clusterFacts", handle)
    except BaseException:
        _bridge.release("releaseLinear", handle)
        raise
    names = columns if len(columns) > 1 else None
    return Layout(
        handle,
        n_features=facts["features"],
        classes=classes,
        feature_names=names,
        targets=label is not None,
        weighted=sample_weight is not None,
        frame=df,
        columns=columns,
    )


def _fractional(df: Any, label: str) -> bool:
    from pyspark.sql import functions as f
    from pyspark.sql.types import NumericType

    if not isinstance(df.schema[label].dataType, NumericType):
        return False
    with _bridge.errors():
        return bool(df.where(f.col(label) != f.floor(f.col(label))).limit(1).count())


def _classes(df: Any, label: str) -> tuple[NDArray[Any], list[str]]:
    """Return the labels, sorted, and how Spark writes each."""
    from pyspark.sql import functions as f

    both = df.groupBy(f.col(label), f.col(label).cast("string")).count()
    with _bridge.errors():
        found = both.limit(_MOST_CLASSES + 1).collect()
    if len(found) > _MOST_CLASSES:
        raise ValueError(
            f"column {label!r} has more than {_MOST_CLASSES} different values: are these classes?"
        )
    nulls = sum(n for c, _, n in found if c is None)
    if nulls:
        raise ValueError(f"column {label!r} has nulls in {nulls} rows; drop or fill such rows")
    classes = np.asarray([c for c, *_ in found])
    if classes.dtype.kind == "f" and (classes != np.floor(classes)).any():
        raise ValueError(
            f"Unknown label type: continuous. Column {label!r} holds fractions, and classes are"
            " texts, booleans or whole numbers: a regressor takes numbers"
        )
    order = np.argsort(classes)
    return classes[order], [found[i][1] for i in order]
