"""Names of metrics, checked before work starts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from sklearn.metrics import get_scorer_names


def check(scoring: Any) -> None:
    """Refuse the name of a metric that scikit-learn does not have, and say which one is like it.

    Parameters
    ----------
    scoring : str, callable, list, tuple, set, dict or None
        As searches take it; what is no name is left to scikit-learn.

    Raises
    ------
    ValueError
        A name is not among scikit-learn's.
    """
    if isinstance(scoring, Mapping):
        scoring = list(scoring.values())
    known = get_scorer_names()
    for name in scoring if isinstance(scoring, list | tuple | set) else [scoring]:
        if isinstance(name, str) and name not in known:
            like = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            meant = f" (did you mean {like[0]!r}?)" if like else ""
            raise ValueError(
                f"scoring names the metric {name!r}, which does not exist{meant}: "
                "sklearn.metrics.get_scorer_names() lists those that do"
            )
