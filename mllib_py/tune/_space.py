"""Spaces of parameters: Optuna's distributions, lists, and SciPy's frozen distributions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

#: Quantiles that a SciPy distribution without an equal among Optuna's is drawn from: at 0 and 1
#: many are infinite.
_QUANTILES = (1e-6, 1 - 1e-6)


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Dimension:
    """One parameter: what Optuna draws, and what an objective is given for it."""

    distribution: BaseDistribution
    decode: Callable[[Any], Any] = _as_it_is

    def choices(self) -> list[Any]:
        """Return its values if it is a choice."""
        if not isinstance(self.distribution, CategoricalDistribution):
            return []
        return [self.decode(choice) for choice in self.distribution.choices]


class Space:
    """Named dimensions.

    Parameters
    ----------
    given : mapping of str to distribution
        An Optuna distribution, a list, tuple or array of values, or a frozen distribution of
        `scipy.stats`.

    Raises
    ------
    TypeError
        Not a mapping, or a value that is none of these.
    ValueError
        There are no parameters, or one has no values.
    """

    def __init__(self, given: Any) -> None:
        if not isinstance(given, Mapping):
            raise TypeError(
                "the space must be a dictionary of one distribution or list for each parameter, "
                f"not {type(given).__name__}"
            )
        if not given:
            raise ValueError("the space is empty: name at least one parameter")
        self.dimensions = {name: dimension(name, values) for name, values in given.items()}

    def choices(self) -> list[Any]:
        """Return the values of all choices, as an objective is given them."""
        return [value for d in self.dimensions.values() for value in d.choices()]

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's distributions."""
        return {name: d.distribution for name, d in self.dimensions.items()}

    def decode(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Turn what Optuna drew into what an objective is given."""
        return {name: d.decode(drawn[name]) for name, d in self.dimensions.items()}

    def points(self) -> Iterator[dict[str, Any]]:
        """Yield all points of a grid, as Optuna's values, the last parameter fastest."""
        values = [_listed(name, d.distribution) for name, d in self.dimensions.items()]
        for point in itertools.product(*values):
            yield dict(zip(self.dimensions, point, strict=True))

    def size(self) -> int:
        """Count the points of a grid; a ValueError names a parameter that has no list."""
        return math.prod(len(_listed(name, d.distribution)) for name, d in self.dimensions.items())


def dimension(name: Any, given: Any) -> Dimension:
    """Take one parameter's distribution or values."""
    if not isinstance(name, str):
        raise TypeError(f"names of parameters are strings, not {name!r}")
    if isinstance(given, BaseDistribution):
        return Dimension(given)
    if hasattr(given, "ppf") and hasattr(given, "support"):
        return _frozen(name, given)
    if isinstance(given, list | tuple | range | np.ndarray):
        return _choices(name, list(given))
    raise TypeError(
        f"space[{name!r}] must be an Optuna distribution, a list of values or a frozen SciPy "
        f"distribution, not {given!r}"
    )


def _choices(name: str, values: list[Any]) -> Dimension:
    if not values:
        raise ValueError(f"space[{name!r}] has no values")
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    if all(v is None or isinstance(v, bool | int | float | str) for v in plain):
        return Dimension(CategoricalDistribution(plain))
    # Storages keep plain values alone: others (estimators, tuples) go by a name.
    labels = [f"{i}: {value!r}"[:200] for i, value in enumerate(values)]
    named = dict(zip(labels, values, strict=True))
    return Dimension(CategoricalDistribution(labels), named.__getitem__)


def _frozen(name: str, given: Any) -> Dimension:
    low, high = (float(bound) for bound in given.support())
    kind = given.dist.name
    if kind == "uniform":
        return Dimension(FloatDistribution(low, high))
    if kind == "randint":
        return Dimension(IntDistribution(int(low), int(high)))
    if kind in ("loguniform", "reciprocal") and low > 0:
        shifted = not math.isclose(float(given.median()), math.sqrt(low) * math.sqrt(high))
        if not shifted:
            return Dimension(FloatDistribution(low, high, log=True))
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"space[{name!r}] has parameters that SciPy does not allow")
    whole = hasattr(given, "pmf")

    def value(quantile: float) -> Any:
        found = float(given.ppf(quantile))
        return int(found) if whole else found

    return Dimension(FloatDistribution(*_QUANTILES), value)


def _listed(name: str, distribution: BaseDistribution) -> list[Any]:
    """Return a dimension's values, where they can be counted."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        steps = round((distribution.high - distribution.low) / distribution.step)
        return [distribution.low + i * distribution.step for i in range(steps + 1)]
    raise ValueError(f"a grid needs a list of values for {name!r}, which is continuous")
