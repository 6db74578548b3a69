"""Tables of three kinds, told apart without importing what the user did not: columns of ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllib_py import _bridge

#: What messages call a table of a kind.
NAMES = {
    "pandas": "the pandas DataFrame",
    "arrow": "the Arrow table",
    "frame": "the Spark DataFrame",
}


def kind_of(data: Any) -> str | None:
    """Tell what `data` is: "pandas", "arrow", "sparse", "frame" (Spark's), "rdd", or None."""
    if isinstance(data, pd.DataFrame):
        return "pandas"
    module = type(data).__module__
    if module.startswith("pyarrow") and hasattr(data, "to_pandas") and hasattr(data, "schema"):
        return "arrow"
    if module.startswith("scipy.sparse"):
        return "sparse"
    if module.startswith("pyspark"):
        if hasattr(data, "rdd") or module.startswith("pyspark.sql"):
            return "frame"
        if hasattr(data, "mapPartitions"):
            return "rdd"
    return None


def is_table(data: Any) -> bool:
    """Tell whether `data` is a table with named columns."""
    return kind_of(data) in NAMES


def names_in(table: Any) -> list[Any]:
    """Return the names of a table's columns."""
    return list(table.column_names if kind_of(table) == "arrow" else table.columns)


def check_column(table: Any, column: str, of: str) -> None:
    """Refuse a table that does not have a column, or has it twice.

    Parameters
    ----------
    table : pandas.DataFrame, pyarrow.Table or pyspark.sql.DataFrame
        The table.
    column : str
        Name of the column.
    of : str
        What the message calls what the column should hold: "users", say.
    """
    source = NAMES[str(kind_of(table))]
    names = names_in(table)
    if column not in names:
        there = ", ".join(map(str, names))
        raise ValueError(
            f"{source} has no column {column!r}, where the {of} should be: it has {there}"
        )
    if names.count(column) > 1:
        raise ValueError(f"{source} has {names.count(column)} columns {column!r}; keep one")


def check_no_column(table: Any, column: str) -> None:
    """Refuse a table that has a column that will be added."""
    if column in names_in(table):
        source = NAMES[str(kind_of(table))]
        raise ValueError(f"{source} has a column {column!r} already; drop or rename it")


def ids_in(table: Any, column: str, of: str) -> NDArray[Any]:
    """Return the ids in a table's column, as they stand; a Spark DataFrame's are collected."""
    check_column(table, column, of)
    source = NAMES[str(kind_of(table))]
    if kind_of(table) == "frame":
        _bridge.frame_handle(table)  # refuses Spark Connect's
        table = table.select(f"`{column.replace('`', '``')}`").toArrow()
    series = table[column] if isinstance(table, pd.DataFrame) else table[column].to_pandas()
    nulls = int(series.isna().sum())
    if nulls:
        raise ValueError(f"{source}: column {column!r} has {nulls} null ids; drop or fill them")
    ids: NDArray[Any] = series.to_numpy()
    return ids


def asked_in(ids: ArrayLike | Any, column: str, of: str) -> Any:
    """Return ids that a user gives as an array or as a table that has them in a column."""
    return ids_in(ids, column, of) if is_table(ids) else ids


def with_column(table: Any, name: str, values: NDArray[Any]) -> Any:
    """Return a copy of a pandas DataFrame or an Arrow table with a column more."""
    if isinstance(table, pd.DataFrame):
        return table.assign(**{name: values})
    import pyarrow as pa

    return table.append_column(name, pa.array(values))


def rows_where(table: Any, keep: NDArray[np.bool]) -> Any:
    """Return those rows of a pandas DataFrame or an Arrow table."""
    if isinstance(table, pd.DataFrame):
        return table[keep]
    import pyarrow as pa

    return table.filter(pa.array(keep))
