"""The parameter specs: one JSON file an algorithm, written once, read by Scala and Python.

Scala checks values against them; Python reads them for documentation, command lines and tuning
ranges.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "jars" / "spec"


@cache
def parameters(name: str) -> dict[str, dict[str, Any]]:
    """Return the parameters of an algorithm by name: type, default, range and doc.

    Parameters
    ----------
    name : str
        The spec's file name without ending, ``"als"`` say.

    Returns
    -------
    dict
        In the order of the spec.

    Examples
    --------
    >>> parameters("als")["rank"]["default"]
    10
    """
    spec = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {p["name"]: p for p in spec["parameters"]}
