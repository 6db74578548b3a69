"""Checks of arguments that several modules take."""

from __future__ import annotations

from typing import Any

import numpy as np


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number of at least `least`; a ValueError names the argument otherwise."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, not {value!r}")
    return int(value)
