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


#: The dimension that says which of several grids a trial is of.
GRID = "grid"


class Space:
    """Named dimensions.

    Parameters
    ----------
    given : mapping of str to distribution, or list of such mappings
        An Optuna distribution, a list, tuple or array of values, or a frozen distribution of
        `scipy.stats`. Of several mappings a trial has the parameters of one. Optuna draws values
        for all, whose names end with their mapping's number there, since a study's trials have all
        of its dimensions; those of the others are not used.

    Raises
    ------
    TypeError
        Neither a mapping nor a list of mappings, or a value that is none of these.
    ValueError
        There are no parameters, or one has no values.
    """

    def __init__(self, given: Any) -> None:
        grids = _grids(given)
        self.several = not isinstance(given, Mapping)
        #: For each grid the names of its parameters' dimensions.
        self._keys = [
            {name: f"{name} [{i}]" if self.several else name for name in grid}
            for i, grid in enumerate(grids)
        ]
        self.dimensions: dict[str, Dimension] = {}
        if self.several:
            self.dimensions[GRID] = Dimension(CategoricalDistribution(list(range(len(grids)))))
        for grid, keys in zip(grids, self._keys, strict=True):
            for name, values in grid.items():
                self.dimensions[keys[name]] = dimension(name, values)

    @property
    def names(self) -> list[str]:
        """The parameters, in the order in which they come."""
        return list(dict.fromkeys(name for keys in self._keys for name in keys))

    def choices(self) -> list[Any]:
        """Return the values of all choices, as an objective is given them."""
        return [value for d in self.dimensions.values() for value in d.choices()]

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Optuna's distributions."""
        return {name: d.distribution for name, d in self.dimensions.items()}

    def decode(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Turn what Optuna drew into what an objective is given."""
        keys = self._keys[drawn[GRID] if self.several else 0]
        return {name: self.dimensions[key].decode(drawn[key]) for name, key in keys.items()}

    def points(self) -> Iterator[dict[str, Any]]:
        """Yield all points of a grid, as Optuna's values, the last parameter fastest."""
        listed = self._listed()
        unused = {key: values[0] for key, values in listed.items()}
        for i, keys in enumerate(self._keys):
            own = {GRID: i} if self.several else {}
            for point in itertools.product(*(listed[key] for key in keys.values())):
                yield unused | own | dict(zip(keys.values(), point, strict=True))

    def size(self) -> int:
        """Count the points of a grid; a ValueError names a parameter that has no list."""
        listed = self._listed()
        return sum(math.prod(len(listed[key]) for key in keys.values()) for keys in self._keys)

    def _listed(self) -> dict[str, list[Any]]:
        return {key: _listed(key, d.distribution) for key, d in self.dimensions.items()}


def _grids(given: Any) -> list[Mapping[Any, Any]]:
    """Return the mappings of a space."""
    grids = [given] if isinstance(given, Mapping) else given
    if not isinstance(grids, list | tuple) or not all(isinstance(g, Mapping) for g in grids):
        raise TypeError(
            "the space must be a dictionary of one distribution or list for each parameter, or a "
            f"list of such dictionaries, not {given!r}"
        )
    if not any(grids):
        raise ValueError("the space is empty: name at least one parameter")
    return list(grids)


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
    labels = [f"{i}: {_label(value)}" for i, value in enumerate(values)]
    named = dict(zip(labels, values, strict=True))
    return Dimension(CategoricalDistribution(labels), named.__getitem__)


def _label(value: Any) -> str:
    """Return a value's name, which must be the same in the driver that resumes a study."""
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text[:200]


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
