"""Predictions of scikit-learn's models over Spark DataFrames, by Arrow batches."""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cloudpickle
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from mllib_py.tune import _inputs, _outputs
from mllib_py.tune._inputs import Inputs
from mllib_py.tune._outputs import COLUMNS, Outputs
from mllib_py.tune._pieces import joined, pieces

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["PredictionError", "predict", "prediction_errors"]


class PredictionError(ValueError):
    """A model refused rows of a DataFrame; the sentence names the column where it is known."""


def predict(
    model: Any,
    df: DataFrame,
    columns: str | Sequence[str] | None = None,
    method: str = "predict",
    *,
    keep: Sequence[str] | None = None,
    output: str | None = None,
    per_class: bool = False,
) -> DataFrame:
    """Add what a fitted scikit-learn model answers to the rows of a Spark DataFrame.

    The answer is lazy, as a DataFrame is: nothing runs until it is asked for, and rows pass by in
    Arrow batches (`spark.sql.execution.arrow.maxRecordsPerBatch` rows each), so that memory does
    not grow with their number. The model is broadcast once, and loaded once by each Python worker.
    Columns that are kept go by as they are and are never turned into Python's objects. The
    workers' Python needs this package and what the model's own class needs.

    Parameters
    ----------
    model : estimator or dict of str to estimator
        Fitted; a dict is several models that read the same rows in one pass.
    df : pyspark.sql.DataFrame
        Not a Spark Connect one.
    columns : str or sequence of str, optional
        What the model reads: columns of numbers, columns of arrays or vectors of numbers, which are
        put side by side in this order, or texts. One column of texts, given as a str, reaches the
        model as a sequence of texts, as vectorizers want it. Default: the columns that the model
        was fitted on (`feature_names_in_`), by name.
    method : {"predict", "predict_proba", "predict_log_proba", "decision_function", "transform"}
        Default "predict". What of the model answers.
    keep : sequence of str, optional
        Columns of `df` that the answer has, too; default all.
    output : str, optional
        The new column's name; default by method "prediction", "probability", "log_probability",
        "decision" or "transformed". Of several models it is `<name>_<output>`.
    per_class : bool, default=False
        Of probabilities, one double column for each class, `<output>_<class>`, not an array.

    Returns
    -------
    pyspark.sql.DataFrame
        The kept columns, then the new ones. "predict" gives doubles, longs, booleans or strings, as
        the model's classes or numbers are. "decision_function" of two classes gives doubles. All
        else gives arrays of doubles, in the order of `model.classes_`.

    Raises
    ------
    ValueError
        Before any job: a column is missing or of a type that cannot be read, there are too many
        or too few, the model does not have the method, or a name would be there twice.
    PredictionError
        While Spark runs, rows that a model refuses (NaN, say) raise Spark's PythonException with a
        PredictionError's sentence; inside `prediction_errors()` they raise a PredictionError.

    Notes
    -----
    `mapInArrow` and not `mapInPandas`, because kept columns then pass without any conversion, and
    number columns become one matrix without a frame between. A null in a column of numbers is NaN
    to the model. Threads of BLAS and the model's `n_jobs` are 1 inside a task.

    Examples
    --------
    >>> import mllib_py
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mllib_py import tune
    >>> spark = mllib_py.session()
    >>> df = spark.createDataFrame([("a", 0.0), ("b", 3.0)], "key string, x double")
    >>> model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> [tuple(row) for row in tune.predict(model, df, columns=["x"], keep=["key"]).collect()]
    [('a', 0), ('b', 1)]
    """
    models = _named_models(model)
    types = _types(df)
    kept = _kept(df, keep)
    plans: list[tuple[Inputs, Outputs]] = []
    for name, one in models.items():
        label = type(one).__name__ if name is None else f"model {name!r}"
        plans.append(_plan(one, name, columns, types, method, output, per_class, label))
    _no_name_twice(kept, [c for _, out in plans for c in out.columns])
    frame, plans = _converted(df, types, kept, plans)
    task = _Task(_sent(df.sparkSession, list(models.values())), tuple(kept), tuple(plans))
    scored: DataFrame = frame.mapInArrow(task, _schema(df, kept, plans))
    return scored


@contextlib.contextmanager
def prediction_errors() -> Iterator[None]:
    """Raise what a model refused inside a task as a `PredictionError` of one sentence.

    Examples
    --------
    >>> import mllib_py
    >>> from sklearn.linear_model import LinearRegression
    >>> from mllib_py import tune
    >>> df = mllib_py.session().createDataFrame([(None,), (3.0,)], "x double").coalesce(1)
    >>> scored = tune.predict(LinearRegression().fit([[0.0], [1.0]], [0, 1]), df, columns=["x"])
    >>> with tune.prediction_errors():
    ...     scored.collect()
    Traceback (most recent call last):
    mllib_py.tune.prediction.PredictionError: column 'x' holds null, NaN or infinity in 1 of 2 rows
    of a batch, and LinearRegression.predict failed: Input X contains NaN.
    """
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as e:
        found = re.search(r"PredictionError: (.+)", str(e))
        if found is None:
            raise
        sentence = found.group(1).strip()
    else:
        return
    raise PredictionError(sentence)


def _named_models(model: Any) -> dict[str | None, Any]:
    models: dict[str | None, Any] = dict(model) if isinstance(model, Mapping) else {None: model}
    if not models:
        raise ValueError("there is no model: the dict of models is empty")
    for name, one in models.items():
        if name is not None and not isinstance(name, str):
            raise ValueError(f"names of models must be str, not {name!r}")
        if not any(hasattr(one, method) for method in ("fit", *COLUMNS)):
            raise TypeError(f"model must be a fitted estimator, not {type(one).__name__}")
    return models


def _types(df: Any) -> dict[str, str]:
    if type(df).__module__.startswith("pyspark.sql.connect"):
        raise ValueError(
            "tune.predict broadcasts the model, which a Spark Connect session cannot do; "
            "use a classic session"
        )
    if not hasattr(df, "mapInArrow") or not hasattr(df, "schema"):
        raise TypeError(f"df must be a Spark DataFrame, not {type(df).__name__}")
    if df.sparkSession.sparkContext._jsc is None:
        raise RuntimeError("the Spark session of the DataFrame has ended: start one, and read anew")
    types: dict[str, str] = {}
    for field in df.schema.fields:
        if field.name in types:
            raise ValueError(f"the DataFrame has two columns of the name {field.name!r}")
        types[field.name] = field.dataType.simpleString()
    return types


def _kept(df: Any, keep: Sequence[str] | None) -> list[str]:
    if isinstance(keep, str):
        raise ValueError(f"keep must be a list of columns, not {keep!r}")
    kept = list(df.columns if keep is None else keep)
    for name in kept:
        if name not in df.columns:
            raise ValueError(f"keep names column {name!r}, which the DataFrame does not have")
    return kept


def _plan(
    model: Any,
    name: str | None,
    columns: Any,
    types: dict[str, str],
    method: str,
    output: str | None,
    per_class: bool,
    label: str,
) -> tuple[Inputs, Outputs]:
    _outputs.check_method(model, method, label)
    if hasattr(model, "fit") and hasattr(model, "get_params"):
        try:
            check_is_fitted(model)
        except NotFittedError:
            raise ValueError(f"{label} is not fitted; call fit first") from None
    inputs = _inputs.plan(model, columns, types, label)
    column = output or COLUMNS[method]
    column = column if name is None else f"{name}_{column}"
    outputs, error = _outputs.plan(model, method, column, per_class, inputs.example(), label)
    if error is not None and "text" in inputs.kinds and "string to float" in str(error):
        text = inputs.names[inputs.kinds.index("text")]
        raise ValueError(
            f"column {text!r} is of type {types[inputs.sources[inputs.kinds.index('text')]]}, "
            f"and {label} reads numbers there"
        )
    return inputs, outputs


def _no_name_twice(kept: list[str], new: list[str]) -> None:
    seen = set()
    for name in [*kept, *new]:
        if name in seen:
            raise ValueError(
                f"column {name!r} would be there twice; name the new one by output=, "
                "or leave the old one out by keep="
            )
        seen.add(name)


def _converted(
    df: Any, types: dict[str, str], kept: list[str], plans: list[tuple[Inputs, Outputs]]
) -> tuple[Any, list[tuple[Inputs, Outputs]]]:
    """Return the columns that tasks need, vectors and decimals in a form that Arrow's NumPy has."""
    from pyspark.ml.functions import vector_to_array

    chosen = {name: _column(name) for name in kept}
    made: dict[str, str] = {}
    for inputs, _ in plans:
        for name in inputs.sources:
            if types[name] != "vector" and not types[name].startswith("decimal"):
                chosen.setdefault(name, _column(name))
            elif name not in made:
                made[name] = f"__input_{len(made)}_{name}"
                column = _column(name)
                vector = types[name] == "vector"
                new = vector_to_array(column) if vector else column.cast("double")
                chosen[made[name]] = new.alias(made[name])
    plans = [
        (dataclasses.replace(i, sources=tuple(made.get(s, s) for s in i.sources)), o)
        for i, o in plans
    ]
    return df.select(*chosen.values()), plans


def _column(name: str) -> Any:
    from pyspark.sql.functions import col

    return col("`" + name.replace("`", "``") + "`")


def _schema(df: Any, kept: list[str], plans: list[tuple[Inputs, Outputs]]) -> Any:
    from pyspark.sql.types import (
        ArrayType,
        BooleanType,
        DoubleType,
        LongType,
        StringType,
        StructField,
        StructType,
    )

    types = {
        "double": DoubleType(),
        "bigint": LongType(),
        "boolean": BooleanType(),
        "string": StringType(),
        "array<double>": ArrayType(DoubleType()),
    }
    fields = [df.schema[name] for name in kept]
    for _, out in plans:
        fields += [StructField(name, types[out.type]) for name in out.columns]
    return StructType(fields)


def _sent(spark: Any, models: list[Any]) -> list[Any]:
    """Broadcast models in pieces, each far below what one broadcast can hold."""
    context = spark.sparkContext
    try:
        data = cloudpickle.dumps(models, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as e:
        raise ValueError(f"the model cannot be pickled, so that tasks cannot have it: {e}") from e
    return [context.broadcast(_Part(piece)) for piece in pieces(data)]


class _Part:
    """A piece of the models; in a worker, the first one holds them once they are read.

    The worker keeps a broadcast's value as long as tasks use it, and so the models, too.
    """

    def __init__(self, data: bytes) -> None:
        self.data: bytes | None = data
        self.models: list[Any] = []


def _loaded(broadcasts: Sequence[Any]) -> list[Any]:
    """Return the models, read once by a worker's process."""
    parts = [b.value for b in broadcasts]
    if not parts[0].models:
        parts[0].models = joined([part.data for part in parts])
        for part in parts:
            part.data = None
    return list(parts[0].models)


class _Task:
    """What a task does with its batches."""

    def __init__(
        self,
        broadcasts: Sequence[Any],
        kept: tuple[str, ...],
        plans: tuple[tuple[Inputs, Outputs], ...],
    ) -> None:
        self.broadcasts = broadcasts
        self.kept = kept
        self.plans = plans

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Answer batch by batch."""
        import joblib
        from threadpoolctl import threadpool_limits

        models = _loaded(self.broadcasts)
        for batch in batches:
            # The slot is one core: neither BLAS nor a model's n_jobs may take more.
            with threadpool_limits(1), joblib.parallel_config("sequential"):
                answer = self._answered(models, batch)
            yield answer

    def _answered(self, models: list[Any], batch: Any) -> Any:
        import pyarrow as pa

        names = list(self.kept)
        arrays = [batch.column(name) for name in names]
        for model, (inputs, outputs) in zip(models, self.plans, strict=True):
            names += outputs.columns
            if batch.num_rows:
                arrays += _answer(model, inputs, outputs, batch)
            else:
                arrays += [pa.array([], outputs.arrow_type())] * len(outputs.columns)
        return pa.RecordBatch.from_arrays(arrays, names)


def _answer(model: Any, inputs: Inputs, outputs: Outputs, batch: Any) -> list[Any]:
    """Return a model's answer for a batch; what it refuses is told by column."""
    call = f"{type(model).__name__}.{outputs.method}"
    values = None
    try:
        values = inputs.made(batch)
        return outputs.made(getattr(model, outputs.method)(values))
    except Exception as e:
        blame = None if values is None else inputs.blame(values, batch.num_rows)
        if blame is not None:  # which need not be the reason
            first = next(iter(str(e).strip().splitlines()), type(e).__name__)
            raise PredictionError(f"{blame}, and {call} failed: {first}") from e
        reason = " ".join(str(e).split())
        raise PredictionError(reason if values is None else f"{call} failed: {reason}") from e
