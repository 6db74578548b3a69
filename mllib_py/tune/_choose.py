"""Which slots: Spark's, this machine's, or one's own."""

from __future__ import annotations

import os
from typing import Any, cast

from mllib_py.tune._backend import Backend


def on_driver(chosen: Any) -> bool:
    """Tell whether work would run in threads of the driver."""
    return (isinstance(chosen, str) and chosen == "driver") or bool(
        getattr(chosen, "in_driver", False)
    )


def backend(
    chosen: Any = None, n_jobs: int | None = None, *, driver: bool = False
) -> tuple[Backend, bool]:
    """Return the backend that a caller means, and whether it is the caller's to close.

    Parameters
    ----------
    chosen : None, "spark", "local", "driver" or Backend
        None is "spark": the session that runs.
    n_jobs : int, optional
        Processes of "local", scikit-learn's way: -1 is one for each core, the default too.
    driver : bool, default=False
        Whether threads of the driver will do.

    Raises
    ------
    ValueError
        A name that is none of these, or no session runs.
    """
    if on_driver(chosen):
        if not driver:
            raise ValueError(
                "threads of the driver are for estimators of mllib_py and for the functions of a "
                "Study; leave backend=None"
            )
        if chosen != "driver":
            return cast(Backend, chosen), False
        from mllib_py.tune._spark import DriverBackend

        return DriverBackend(), True
    if chosen is None or chosen == "spark":
        from mllib_py.tune._spark import SparkBackend

        return SparkBackend(), True
    if chosen == "local":
        from mllib_py.tune._local import LocalBackend

        return LocalBackend(_jobs(n_jobs)), True
    if all(hasattr(chosen, name) for name in ("submit", "scatter", "slots", "slots_for", "close")):
        return cast(Backend, chosen), False
    names = "None, 'spark', 'local', 'driver'" if driver else "None, 'spark', 'local'"
    raise ValueError(f"backend must be {names} or a Backend, not {chosen!r}")


def _jobs(n_jobs: int | None) -> int:
    cores = os.cpu_count() or 1
    if n_jobs is None:
        return cores
    if not isinstance(n_jobs, int) or n_jobs == 0:
        raise ValueError(f"n_jobs must be an integer other than 0, not {n_jobs!r}")
    return n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
