"""What a model answers: the columns that a prediction adds, their types and their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
COLUMNS = {
    "predict": "prediction",
    "predict_proba": "probability",
    "predict_log_proba": "log_probability",
    "decision_function": "decision",
    "transform": "transformed",
}


@dataclass(frozen=True)
class Outputs:
    """Columns that a model's answer becomes.

    Parameters
    ----------
    columns : tuple of str
        Their names.
    type : {"double", "bigint", "boolean", "string", "array<double>"}
        Of each.
    method : str
        The model's method that answers.
    """

    columns: tuple[str, ...]
    type: str
    method: str

    def made(self, answer: Any) -> list[Any]:
        """Return the Arrow arrays of an answer, one for each column."""
        import pyarrow as pa

        values = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
        if self.type == "array<double>":
            if values.ndim == 1:
                values = values[:, None]
            if values.ndim != 2:
                raise ValueError(
                    f"{self.method} answers with {values.ndim} dimensions, and columns have 2"
                )
            flat = pa.array(np.ascontiguousarray(values, np.float64).ravel())
            # 64-bit offsets would not be Spark's lists; batches are far below 2**31 numbers.
            ends = np.arange(len(values) + 1, dtype=np.int64) * values.shape[1]
            return [pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat)]
        if len(self.columns) > 1:
            return [self._one(values[:, i]) for i in range(len(self.columns))]
        return [self._one(values.reshape(len(values), -1)[:, 0] if values.ndim > 1 else values)]

    def arrow_type(self) -> Any:
        """Return Arrow's type of each column."""
        import pyarrow as pa

        return {
            "double": pa.float64(),
            "bigint": pa.int64(),
            "boolean": pa.bool_(),
            "string": pa.string(),
            "array<double>": pa.list_(pa.float64()),
        }[self.type]

    def _one(self, values: Any) -> Any:
        import pyarrow as pa

        if self.type == "string":
            values = [None if value is None else str(value) for value in values]
        else:
            values = np.ascontiguousarray(values)
        return pa.array(values, self.arrow_type(), from_pandas=False)


def check_method(model: Any, method: str, label: str) -> None:
    """Refuse a method that the model does not have."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}, not {method!r}")
    if not hasattr(model, method):
        there = [name for name in METHODS if hasattr(model, name)]
        has = f"it has {', '.join(there)}" if there else "it has none of the others either"
        raise ValueError(f"{label} has no method {method!r}; {has}")


def plan(
    model: Any, method: str, name: str, per_class: bool, example: Any, label: str
) -> tuple[Outputs, Exception | None]:
    """Return the columns of a model's answer, and how the model failed at the example, if it did.

    The model answers a row that is made up. One that refuses it (unknown categories, say) is
    judged by its classes instead.
    """
    error: Exception | None = None
    answer = None
    if example is not None:
        try:
            answer = getattr(model, method)(example)
        except Exception as e:
            error = e
    classes = getattr(model, "classes_", None)
    if isinstance(answer, list) or isinstance(classes, list):
        raise ValueError(
            f"{label} predicts several outputs at once, each with classes of its own; "
            "predict with one model for each"
        )
    if per_class:
        return Outputs(_of_classes(classes, method, name, label), "double", method), error
    if answer is not None:
        answer = answer if hasattr(answer, "toarray") else np.asarray(answer)
        kind = "array<double>" if answer.ndim > 1 else _type_of(answer.dtype)
    elif method == "predict":
        kind = "double" if classes is None else _type_of(np.asarray(classes).dtype)
    elif method == "decision_function" and (classes is None or len(classes) == 2):
        kind = "double"
    else:
        kind = "array<double>"
    return Outputs((name,), kind, method), error


def _of_classes(classes: Any, method: str, name: str, label: str) -> tuple[str, ...]:
    if method not in ("predict_proba", "predict_log_proba"):
        raise ValueError(f"per_class=True is for probabilities, not for method {method!r}")
    if classes is None:
        raise ValueError(f"{label} does not say its classes (it has no classes_); set per_class")
    return tuple(f"{name}_{value}" for value in classes)


def _type_of(dtype: Any) -> str:
    kinds = {"f": "double", "i": "bigint", "u": "bigint", "b": "boolean"}
    return kinds.get(dtype.kind, "string")
