"""Columns of users, items and ratings as the arrays that cross to the JVM."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllib_py import _arrays


def series(column: ArrayLike, name: str, source: str) -> pd.Series[Any]:
    """Return a column of one dimension as a Series."""
    if isinstance(column, pd.Series):
        return column
    if isinstance(column, list | tuple):  # NumPy would make texts of [1, "a"]
        return pd.Series(column, dtype=None if len(column) else object)
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"{source}: {name!r} must have one dimension, not {array.ndim}")
    return pd.Series(array)


def id_array(
    ids: pd.Series[Any], name: str, source: str
) -> tuple[NDArray[np.int64], Sequence[str] | None]:
    """Return ids as int64; texts as codes into their distinct names, which come second."""
    categories = ids.cat.categories.dtype if isinstance(ids.dtype, pd.CategoricalDtype) else None
    if categories is not None and pd.api.types.is_integer_dtype(categories) and not ids.hasnans:
        ids = ids.astype(categories)
    nulls = int(ids.isna().sum())
    if nulls:
        raise ValueError(f"{source}: column {name!r} has {nulls} null ids; drop or fill them")
    if pd.api.types.is_integer_dtype(ids):
        return _integers(ids, name, source), None
    if pd.api.types.is_string_dtype(ids) or isinstance(ids.dtype, pd.CategoricalDtype):
        codes, distinct = pd.factorize(ids)
        texts = [_text(t, name, source) for t in distinct]
        return codes.astype(np.int64), texts
    if ids.dtype == object:
        return _objects(ids, name, source)
    raise _mistyped(name, source, ids.dtype)


def _objects(
    ids: pd.Series[Any], name: str, source: str
) -> tuple[NDArray[np.int64], Sequence[str] | None]:
    if all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in ids):
        try:
            return np.array(list(ids), dtype=np.int64), None
        except OverflowError:
            raise ValueError(f"{source}: column {name!r} has ids beyond 64 bits") from None
    texts = sum(isinstance(i, str | uuid.UUID) for i in ids)
    if 0 < texts < len(ids):
        raise TypeError(
            f"{source}: column {name!r} must hold integer or text ids (UUIDs are texts), "
            "not a mixture; convert it with .astype(str)"
        )
    codes, distinct = pd.factorize(pd.Series([_text(i, name, source) for i in ids]))
    return codes.astype(np.int64), list(distinct)


def _integers(ids: pd.Series[Any], name: str, source: str) -> NDArray[np.int64]:
    array = ids.to_numpy()
    if array.dtype == np.uint64 and len(array) and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{source}: column {name!r} has ids beyond signed 64 bits: {array.max()}")
    return np.asarray(array, dtype=np.int64)


def _text(value: Any, name: str, source: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, uuid.UUID):
        return str(value)
    raise _mistyped(name, source, type(value).__name__)


def _mistyped(name: str, source: str, kind: Any) -> TypeError:
    return TypeError(
        f"{source}: column {name!r} must hold integer or text ids, not {kind}; "
        "convert it with .astype('int64') or .astype(str)"
    )


def rating_array(values: pd.Series[Any], name: str, source: str) -> NDArray[np.float32]:
    """Return ratings as float32; what float32 cannot hold is infinite."""
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_complex_dtype(values):
        raise TypeError(
            f"{source}: column {name!r} must hold numbers, not {values.dtype}; "
            "convert it with .astype(float)"
        )
    with np.errstate(over="ignore"):  # the JVM refuses what is infinite, with its place
        array: NDArray[np.float32] = values.to_numpy(dtype=np.float32, na_value=np.nan)
    return array


def as_array(ids: ArrayLike) -> NDArray[Any]:
    """Return ids as an array; texts as objects, UUIDs as their texts."""
    array = np.asarray(ids)
    if array.dtype.kind in "US":
        return array.astype(object)
    if array.dtype == object and any(isinstance(i, uuid.UUID) for i in array.flat):
        texts = np.empty(array.shape, dtype=object)
        texts.flat[:] = [str(i) if isinstance(i, uuid.UUID) else i for i in array.flat]
        return texts
    return array


def asked_ids(ids: ArrayLike, name: str, kind: str) -> tuple[list[NDArray[Any]], int, bool]:
    """Return ids as arrays to send, their number, and whether they are texts.

    Ids of another kind ("integer" or "text") than the model's are refused: none could be known.
    """
    arrays, n, text = _asked(ids, name)
    if n and text != (kind == "text"):
        convert = "str" if kind == "text" else "int"
        raise TypeError(
            f"{name} must be {kind} ids, as in the training data: convert with {convert}"
        )
    return arrays, n, text


def _asked(ids: ArrayLike, name: str) -> tuple[list[NDArray[Any]], int, bool]:
    array = np.atleast_1d(as_array(ids))
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {array.ndim}")
    if not len(array):
        return [np.empty(0, dtype=np.int64)], 0, False
    if array.dtype.kind in "uO" and all(isinstance(i, int | np.integer) for i in array):
        try:
            array = np.array(array.tolist(), dtype=np.int64)
        except OverflowError:
            raise ValueError(f"{name} has ids beyond 64 bits") from None
    if array.dtype.kind == "i":
        return [array.astype(np.int64)], len(array), False
    if all(isinstance(i, str) for i in array):
        return _arrays.text_arrays([str(i) for i in array]), len(array), True
    if any(isinstance(i, str) for i in array):
        raise TypeError(f"{name} must be integer or text ids, not a mixture; convert with str")
    raise TypeError(f"{name} must be integer or text ids, not {array.dtype}")
