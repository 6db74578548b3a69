"""Arrays and texts across to the JVM and back: files of raw bytes that both processes see."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@contextlib.contextmanager
def shared_file(size: int) -> Iterator[Path]:
    """Give a name for a file that both processes see, in memory where there is room for it.

    Parameters
    ----------
    size : int
        Bytes that will be written, by either side.

    Yields
    ------
    Path
        Whatever was written under the name, or under the name and an ending, is deleted after.
    """
    shm = Path("/dev/shm")
    roomy = shm.is_dir() and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 2 * size
    folder = shm if roomy else Path(tempfile.gettempdir())
    path = folder / f"mllib_py-{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        for leftover in folder.glob(f"{path.name}*"):
            leftover.unlink()


def write_arrays(path: Path, arrays: Sequence[NDArray[Any]]) -> None:
    """Write arrays one after the other, little-endian, in C order."""
    with path.open("wb") as f:
        for a in arrays:
            np.ascontiguousarray(a).tofile(f)


def text_arrays(texts: Sequence[str]) -> list[NDArray[Any]]:
    """Return texts as two arrays: n + 1 offsets (int64), and their UTF-8 bytes."""
    encoded = [t.encode() for t in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(e) for e in encoded], out=offsets[1:])
    return [offsets, np.frombuffer(b"".join(encoded), dtype=np.uint8)]


def read_texts(path: Path, n: int) -> NDArray[np.object_]:
    """Read n texts that the JVM wrote as offsets and bytes."""
    content = path.read_bytes()
    offsets = np.frombuffer(content, dtype=np.int64, count=n + 1)
    base = 8 * (n + 1)
    out = np.empty(n, dtype=object)
    for i in range(n):
        out[i] = content[base + offsets[i] : base + offsets[i + 1]].decode()
    return out
