"""Dense matrices in Spark."""

from __future__ import annotations

import weakref

import numpy as np
from numpy.typing import ArrayLike

from mllib_py import _arrays, _bridge


class Matrix:
    """A dense float32 matrix that Spark holds, as tiles in row order. Made by `matrix`."""

    def __init__(self, handle: _bridge.Handle, shape: tuple[int, int]) -> None:
        self._handle = handle
        self.shape = shape
        self._finalizer = weakref.finalize(self, _bridge.forget, "releaseMatrix", handle)

    def release(self) -> None:
        """Free what Spark holds; the matrix cannot be used after."""
        if self._finalizer.detach():
            _bridge.release("releaseMatrix", self._handle)


def matrix(x: ArrayLike) -> Matrix:
    """Hand a dense matrix over to Spark.

    Parameters
    ----------
    x : array-like of shape (n, m)
        Numbers; they become float32.

    Returns
    -------
    Matrix

    Raises
    ------
    ValueError
        `x` does not have two dimensions, or is empty.

    Examples
    --------
    >>> from mllib_py.data import matrix
    >>> matrix([[1, 2, 3], [4, 5, 6]]).shape
    (2, 3)
    """
    array = np.ascontiguousarray(x, dtype=np.float32)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"a matrix needs rows and columns, not the shape {array.shape}")
    with _arrays.shared_file(array.nbytes) as path:
        _arrays.write_arrays(path, [array])
        handle = _bridge.call("matrixFromArrays", str(path), array.shape[0], array.shape[1])
    return Matrix(handle, array.shape)
