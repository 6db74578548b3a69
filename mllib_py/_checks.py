"""Checks of arguments that several modules take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number of at least `least`; a ValueError names the argument otherwise."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, not {value!r}")
    return int(value)


def number(
    name: str, value: Any, least: float, most: float = np.inf, *, above: bool = False
) -> None:
    """Refuse what is no number from `least` to `most`, or, with `above`, is `least`."""
    fits = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not fits or not least <= value <= most or (above and value == least):
        low = f"above {least:g}" if above else f"of at least {least:g}"
        high = "" if most == np.inf else f" and at most {most:g}"
        raise ValueError(f"{name} must be a number {low}{high}, not {value!r}")


def one_of(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Refuse what is none of the choices."""
    if not any(value is c or (isinstance(value, str) and value == c) for c in choices):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


#: Refuses a parameter's value, by its name.
Rule: TypeAlias = Callable[[str, Any], None]
POSITIVE: Rule = partial(number, least=0, above=True)
FINITE: Rule = partial(number, least=0, most=np.finfo(np.float64).max)
SHARE: Rule = partial(number, least=0, most=1)
FLAG: Rule = partial(one_of, choices=(True, False, np.True_, np.False_))


def count(name: str, value: Any) -> None:
    """Refuse what is no whole number of at least 1."""
    whole(name, value, 1)
