"""Pickles in pieces: what is larger than one broadcast or one result travels as several."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from typing import Any

#: Far below 2 GB, where Java's arrays of bytes end.
PIECE = 256 << 20


def pieces(data: bytes, size: int = PIECE) -> list[bytes]:
    """Cut bytes into pieces of a size; there is one at least."""
    if len(data) <= size:
        return [data]
    view = memoryview(data)
    return [bytes(view[at : at + size]) for at in range(0, len(data), size)]


class _Reader(io.RawIOBase):
    """Pieces read as one file, without a copy of the whole."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = [memoryview(part) for part in parts]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._parts and not len(self._parts[0]):
            self._parts.pop(0)
        if not self._parts:
            return 0
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._parts[0]))
        target[:count] = self._parts[0][:count]
        self._parts[0] = self._parts[0][count:]
        return count


def joined(parts: Sequence[bytes]) -> Any:
    """Return the object that pieces hold."""
    if len(parts) == 1:
        return pickle.loads(parts[0])
    return pickle.load(io.BufferedReader(_Reader(parts), 1 << 20))
