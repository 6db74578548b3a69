"""What a model takes from a DataFrame's columns: known from the schema, made from Arrow batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Types that are numbers as they are, by the name that Spark gives them.
NUMBERS = {"tinyint", "smallint", "int", "bigint", "float", "double", "boolean"}
SINGLE = {"tinyint", "smallint", "float", "boolean"}  # what float32 holds without loss
KINDS = ("number", "array", "text")


@dataclass(frozen=True)
class Inputs:
    """Columns that a model reads.

    Parameters
    ----------
    names : tuple of str
        As the user calls them.
    sources : tuple of str
        The columns of the batches that hold them.
    kinds : tuple of str
        "number", "array" or "text", of each.
    form : {"matrix", "frame", "series"}
        What the model is given: a NumPy matrix, a pandas frame, or one column's values alone.
    dtype : {"float32", "float64"}
        Of the matrix.
    width : int or None
        Columns of the matrix, where the model says how many it takes.
    labels : tuple of str
        The frame's columns, as the model was fitted on them; empty: the names.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    kinds: tuple[str, ...]
    form: str
    dtype: str = "float64"
    width: int | None = None
    labels: tuple[str, ...] = ()

    def made(self, batch: Any) -> Any:
        """Return what the model is given for an Arrow batch."""
        columns = [batch.column(source) for source in self.sources]
        if self.form == "matrix":
            return self._matrix(columns, batch.num_rows)
        if self.form == "series":
            return columns[0].to_pandas().to_numpy()
        import pandas as pd

        return pd.DataFrame(
            {label: c.to_pandas() for label, c in zip(self._labels(), columns, strict=True)},
            copy=False,
        )

    def _labels(self) -> tuple[str, ...]:
        return self.labels or self.names

    def _matrix(self, columns: Sequence[Any], rows: int) -> Any:
        parts = [
            _numbers(column) if kind == "number" else _lists(column, name)
            for column, kind, name in zip(columns, self.kinds, self.names, strict=True)
        ]
        if len(parts) == 1 and parts[0].ndim == 2:
            out = np.asarray(parts[0], self.dtype)
        else:
            width = sum(1 if part.ndim == 1 else part.shape[1] for part in parts)
            # Filled column by column, so columns lie together.
            out = np.empty((rows, width), self.dtype, order="F")
            at = 0
            for part in parts:
                step = 1 if part.ndim == 1 else part.shape[1]
                out[:, at : at + step] = part.reshape(rows, step)
                at += step
        if self.width is not None and out.shape[1] != self.width:
            raise ValueError(
                f"{_named(self.names)} give {out.shape[1]} features, "
                f"and the model was fitted on {self.width}"
            )
        return out

    def example(self) -> Any:
        """Return one row of ones and empty texts, to ask a model what it answers; None: unknown."""
        if self.form == "series":
            return np.array([""], dtype=object)
        if self.form == "frame":
            import pandas as pd

            values = {"number": 1.0, "text": "", "array": [1.0]}
            return pd.DataFrame(
                {n: [values[k]] for n, k in zip(self._labels(), self.kinds, strict=True)}
            )
        width = len(self.names) if "array" not in self.kinds else self.width
        return None if width is None else np.ones((1, width), self.dtype)

    def blame(self, values: Any, rows: int) -> str | None:
        """Say which columns hold values that are not finite; None where all are."""
        found = []
        for name, part in self._parts(values):
            try:
                bad = ~np.isfinite(np.asarray(part, np.float64)).reshape(rows, -1).all(axis=1)
            except (TypeError, ValueError):
                bad = np.asarray([value is None for value in part])
            if bad.any():
                found.append(f"column {name!r} holds null, NaN or infinity in {int(bad.sum())}")
        return f"{'; '.join(found)} of {rows} rows of a batch" if found else None

    def _parts(self, values: Any) -> list[tuple[str, Any]]:
        if self.form == "series":
            return [(self.names[0], values)]
        if self.form == "frame":
            return [(n, values[c]) for n, c in zip(self.names, self._labels(), strict=True)]
        if "array" not in self.kinds:
            return [(name, values[:, i]) for i, name in enumerate(self.names)]
        return [(", ".join(self.names), values)]


def _named(names: Sequence[str]) -> str:
    few = ", ".join(repr(name) for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return f"column{'s' if len(names) > 1 else ''} {few}"


def _numbers(column: Any) -> Any:
    """Return a column's numbers; nulls are NaN."""
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.to_numpy(zero_copy_only=False)


def _lists(column: Any, name: str) -> Any:
    """Return a column of lists of one length as a matrix."""
    if column.null_count:
        raise ValueError(f"column {name!r} has {column.null_count} null rows in a batch")
    lengths = np.asarray(column.value_lengths())
    if len(lengths) and (lengths != lengths[0]).any():
        low, high = int(lengths.min()), int(lengths.max())
        raise ValueError(
            f"column {name!r} has arrays of different lengths in a batch, from {low} to {high}"
        )
    width = int(lengths[0]) if len(lengths) else 0
    return _numbers(column.flatten()).reshape(len(column), width)


def kind_of(type_name: str) -> str | None:
    """Return what a column of one of Spark's types is to a model; None where it is nothing."""
    if type_name in NUMBERS or type_name.startswith("decimal"):
        return "number"
    if type_name == "vector":
        return "array"
    inside = type_name[6:-1] if type_name.startswith("array<") else ""
    if inside in NUMBERS:
        return "array"
    return "text" if type_name.startswith(("string", "char", "varchar")) else None


def known_names(model: Any) -> list[str] | None:
    """Return the names of the columns that a model was fitted on, if it knows them."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def wanted(model: Any, columns: Any, label: str) -> list[str]:
    """Return the columns that a model is to read: those given, else those it was fitted on."""
    if isinstance(columns, str):
        return [columns]
    if columns is not None:
        names = list(columns)
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"columns must be names of columns, not {columns!r}")
        return names
    found = known_names(model)
    if found is None:
        raise ValueError(
            f"{label} was not fitted on a frame with column names (it has no feature_names_in_); "
            "say which columns it reads by columns="
        )
    return found


def plan(
    model: Any,
    columns: Any,
    types: dict[str, str],
    label: str,
) -> Inputs:
    """Return what a model reads, or refuse in one sentence what the schema shows to be wrong.

    Parameters
    ----------
    model : estimator
        Fitted.
    columns : str, sequence of str or None
        What the user says.
    types : dict of str to str
        The DataFrame's columns, and Spark's simple names of their types.
    label : str
        What sentences call the model.

    Returns
    -------
    Inputs
        Its sources are the names; who converts a column before sets others.

    Raises
    ------
    ValueError
        A column is missing, of a type that a model cannot read, or there are too many or too few.
    """
    names = wanted(model, columns, label)
    kinds = [_kind(name, types, label) for name in names]
    fitted = known_names(model)
    width = getattr(model, "n_features_in_", None)
    width = None if width is None else int(width)
    if isinstance(columns, str) and kinds == ["text"] and width is None:
        return Inputs(tuple(names), tuple(names), ("text",), "series")
    if fitted is not None and "array" not in kinds:
        _same_names(names, fitted, columns, label)
        return Inputs(tuple(names), tuple(names), tuple(kinds), "frame", labels=tuple(fitted))
    if "text" in kinds:
        text = names[kinds.index("text")]
        if width is not None:
            raise ValueError(
                f"column {text!r} is of type {types[text]}, and {label} was fitted on numbers"
            )
        return Inputs(tuple(names), tuple(names), tuple(kinds), "frame")
    if width is not None and "array" not in kinds and len(names) != width:
        raise ValueError(
            f"{_named(names)} are {len(names)} features, and {label} was fitted on {width}"
        )
    single = all(_single(types[name]) for name in names)
    dtype = "float32" if single else "float64"
    return Inputs(tuple(names), tuple(names), tuple(kinds), "matrix", dtype, width)


def _single(type_name: str) -> bool:
    inside = type_name[6:-1] if type_name.startswith("array<") else type_name
    return inside in SINGLE


def _kind(name: str, types: dict[str, str], label: str) -> str:
    if name not in types:
        raise ValueError(
            f"{label} reads column {name!r}, which the DataFrame does not have; "
            f"it has {', '.join(map(repr, list(types)[:20]))}"
        )
    kind = kind_of(types[name])
    if kind is None:
        raise ValueError(
            f"column {name!r} is of type {types[name]}, which {label} cannot read: "
            "columns are numbers, texts, or arrays or vectors of numbers"
        )
    return kind


def _same_names(names: list[str], fitted: list[str], columns: Any, label: str) -> None:
    """Refuse columns that cannot stand for those of the fit, in this order."""
    if len(names) != len(fitted):
        raise ValueError(
            f"{_named(names)} are {len(names)} features, and {label} was fitted on {len(fitted)}"
        )
    if columns is not None and sorted(names) == sorted(fitted) and names != fitted:
        wrong = next(a for a, b in zip(names, fitted, strict=True) if a != b)
        raise ValueError(
            f"columns are those that {label} was fitted on but in another order, from "
            f"{wrong!r} on; leave columns= out to take them by name"
        )
