"""Triples of an RDD as chunks of bytes: what runs on Spark's Python workers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

_CHUNK = 1 << 16


def row_kind(weighted: bool) -> str:
    """Say what rows are."""
    return "rows (user, item, rating, weight)" if weighted else "triples (user, item, rating)"


def pack_rows(
    rows: Iterable[Any], text_users: bool, text_items: bool, weighted: bool = False
) -> Iterator[bytes]:
    """Pack triples into chunks of bytes, on the worker; a bad row becomes a message."""
    rows = iter(rows)
    while chunk := list(islice(rows, _CHUNK)):
        try:
            users, items, *columns = zip(*chunk, strict=True)
            if len(columns) != 1 + weighted:
                raise TypeError
            yield b"".join(
                [
                    b"R",
                    np.int32(len(chunk)).tobytes(),
                    _pack_ids(users, text_users),
                    _pack_ids(items, text_items),
                    *map(_pack_numbers, columns),
                ]
            )
        except (TypeError, ValueError, OverflowError):
            yield b"E" + _describe(chunk, text_users, text_items, weighted).encode()
            return


def _pack_ids(ids: Sequence[Any], text: bool) -> bytes:
    if not text:
        if not all(isinstance(i, int | np.integer) for i in ids):
            raise TypeError
        return np.array(ids, dtype=np.int64).tobytes()
    if not all(isinstance(i, str | uuid.UUID) for i in ids):
        raise TypeError
    encoded = [str(i).encode() for i in ids]
    return np.array([len(e) for e in encoded], dtype=np.int32).tobytes() + b"".join(encoded)


def _pack_numbers(values: Sequence[Any]) -> bytes:
    numbers = np.array(values)
    if numbers.dtype.kind in "US":  # NumPy would read the numbers in texts
        raise TypeError
    return numbers.astype(np.float32).tobytes()


def _describe(chunk: list[Any], text_users: bool, text_items: bool, weighted: bool) -> str:
    """Say which row of a chunk that could not be packed is at fault."""
    for row in chunk:
        if not isinstance(row, tuple | list) or len(row) != 3 + weighted:
            return f"{row!r} is not one of {row_kind(weighted)}"
        for value, text, name in ((row[0], text_users, "user"), (row[1], text_items, "item")):
            if value is None:
                return f"the {name} of {row!r} is null; drop such rows"
            if not isinstance(value, (str | uuid.UUID) if text else (int | np.integer)):
                wanted = "a text" if text else "an integer"
                return f"the {name} of {row!r} is not {wanted} like that of the first row"
        for value, name in zip(row[2:], ("rating", "weight"), strict=False):
            if not isinstance(value, int | float | np.number):
                return f"the {name} of {row!r} is not a number"
    return "ids beyond 64 bits"
