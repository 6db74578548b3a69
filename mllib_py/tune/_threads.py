"""Threads of BLAS and OpenMP in a trial."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


@contextlib.contextmanager
def limited(cores: int) -> Iterator[None]:
    """Give libraries so many threads: those that are loaded, and those that are loaded within.

    The latter read the environment when an objective's own import loads them.
    """
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(dict.fromkeys(_VARIABLES, str(cores)))
    try:
        with threadpool_limits(cores):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
