"""Objects as bytes whose arrays can be mapped: a pickle (protocol 5) with its buffers beside it."""

from __future__ import annotations

import mmap
import pickle
import struct
from pathlib import Path
from typing import Any, BinaryIO

import cloudpickle
import numpy as np

_MAGIC = b"MLPYOBJ1"
_ALIGN = 64  # of each buffer, so that arrays of any type lie as NumPy has them


def _plain(thing: Any) -> Any:
    """Return an array whose memory is one piece, in the order that it had; others as they are."""
    if isinstance(thing, np.memmap):
        thing = thing.view(np.ndarray)
    if type(thing) is np.ndarray and not (thing.flags.c_contiguous or thing.flags.f_contiguous):
        return thing.copy(order="K")  # else its bytes would be in the pickle, and not mapped
    return thing


class Packed:
    """Objects ready to be written, without a copy of their arrays."""

    def __init__(self, objects: tuple[Any, ...]) -> None:
        buffers: list[pickle.PickleBuffer] = []
        try:
            self._head: bytes = cloudpickle.dumps(
                tuple(map(_plain, objects)), protocol=5, buffer_callback=buffers.append
            )
        except Exception as error:
            raise TypeError(
                f"{_culprit(objects)} cannot be pickled, so that workers cannot have it: {error}"
            ) from error
        self._parts: list[memoryview] = [b.raw() for b in buffers]
        sizes = [len(self._head), *(p.nbytes for p in self._parts)]
        self._index = _MAGIC + struct.pack(f"<Q{len(sizes)}Q", len(sizes), *sizes)
        self.nbytes = len(self._index) + sum(s + _gap(s) for s in sizes) + _gap(len(self._index))

    def write(self, file: BinaryIO) -> None:
        """Write all, each part at a multiple of 64 bytes."""
        parts = [memoryview(self._index), memoryview(self._head), *self._parts]
        for part in parts:
            file.write(part)
            file.write(bytes(_gap(part.nbytes)))


def _culprit(thing: Any, name: str = "what is scattered") -> str:
    """Name what cannot be pickled: the innermost element, or parameter of an estimator."""
    parts: dict[str, Any] = {}
    if isinstance(thing, tuple):
        parts = {f"an object of type {type(part).__name__}": part for part in thing}
    elif hasattr(thing, "get_params") and not isinstance(thing, type):
        owner = type(thing).__name__
        params = thing.get_params(deep=False)
        parts = {f"the parameter {key!r} of {owner}": part for key, part in params.items()}
    return next((_culprit(part, key) for key, part in parts.items() if _fails(part)), name)


def _fails(thing: Any) -> bool:
    try:
        cloudpickle.dumps(thing, protocol=5, buffer_callback=lambda _: None)
    except Exception:
        return True
    return False


def _gap(size: int) -> int:
    return -size % _ALIGN


def unpack(data: Any) -> tuple[Any, ...]:
    """Make the objects again over read-only bytes, which their arrays then share."""
    view = memoryview(data)
    if bytes(view[:8]) != _MAGIC:
        raise ValueError("these bytes are no scattered objects (emptied by a release?)")
    (count,) = struct.unpack_from("<Q", view, 8)
    sizes = struct.unpack_from(f"<{count}Q", view, 16)
    at = 16 + 8 * count
    at += _gap(at)
    parts = []
    for size in sizes:
        parts.append(view[at : at + size])
        at += size + _gap(size)
    out: tuple[Any, ...] = pickle.loads(parts[0], buffers=parts[1:])
    return out


def map_file(path: str | Path) -> tuple[Any, ...]:
    """Make the objects of a file, read-only; processes that map it share its pages."""
    with open(path, "rb") as file:
        return unpack(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
